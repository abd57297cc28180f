# SPDX-License-Identifier: GPL-3.0-or-later
"""An axis of a map: values, names, units, and the coordinate in which it is even."""
from __future__ import annotations

import re
from dataclasses import dataclass

from .numeric import np


@dataclass(frozen=True)
class Axis:
    """A parameter and its grid; `values` increase."""
    name: str
    units: str              # "1" if pure
    long_name: str          # TeX in dollar signs
    description: str
    scale: str              # linear, log, symlog, signed_log, values, names
    standard_model: float   # inf for a scale of new physics
    values: np.ndarray      # float [n], in `units`
    linear_threshold: float = 0     # where a symlog axis turns from linear to logarithmic

    @property
    def is_scale_of_new_physics(self):
        """Such a parameter has lower bounds, and an interval that reaches the end of the axis goes on to infinity."""
        return bool(np.isinf(self.standard_model))

    @property
    def branches(self):
        """Slices of the values that hang together: a signed_log axis has a gap around zero in which nothing is defined."""
        n = len(self.values)
        middle = int(np.searchsorted(self.values, 0)) if self.scale == "signed_log" else 0
        return [slice(0, middle), slice(middle, n)] if 0 < middle < n else [slice(0, n)]

    @property
    def nearest_to_zero(self):
        return float(np.abs(self.values).min())

    def end_at(self, value):
        """The end of the axis, or of one of its branches, that lies less than half a step from `value`; None if there is
        none. What ends at infinity has no end there."""
        for branch in self.branches:
            x = self.values[branch]
            for end, next_to_it in ((x[0], x[1]), (x[-1], x[-2])) if len(x) > 1 else ():
                is_far = end in (self.values[0], self.values[-1]) and self.is_scale_of_new_physics
                if abs(value - end) < 0.5 * abs(next_to_it - end) and not is_far:
                    return float(end)
        return None

    @property
    def drawn_scale(self):
        """linear, log, symlog or signed_log; a list of values is logarithmic if it spans more than two decades, and a symlog
        axis linear if it hardly leaves its linear part."""
        if self.scale == "symlog" and self.linear_threshold > 0.3 * np.abs(self.values).max():
            return "linear"
        if self.scale != "values":
            return self.scale
        return "log" if self.values[0] > 0 and self.values[-1] > 100 * self.values[0] else "linear"

    def to_scale(self, x):
        """The coordinate in which the axis is (nearly) even."""
        if self.drawn_scale == "symlog":
            return np.arcsinh(x / (2 * self.linear_threshold))
        if self.drawn_scale == "signed_log":
            return np.sign(x) * (1 + np.log(np.abs(x) / self.nearest_to_zero))
        return np.log(x) if self.drawn_scale == "log" else np.asarray(x)

    def from_scale(self, t):
        if self.drawn_scale == "symlog":
            return 2 * self.linear_threshold * np.sinh(t)
        if self.drawn_scale == "signed_log":
            return np.sign(t) * self.nearest_to_zero * np.exp(np.abs(t) - 1)
        return np.exp(t) if self.drawn_scale == "log" else np.asarray(t)


def tex_of_unit(units):
    """GeV^-2 with its power raised."""
    return re.sub(r"\^(-?\d+)", r"$^{\1}$", units)


# Members of a scan have no labels in the map.
TEX_OF_NAMES = ((r"lambda_C(\d)_([ud])_(\w+)", r"\\Lambda(C_{\1\2}^{\3})"), (r"C(\d)_([ud])_(\w+)", r"C_{\1\2}^{\3}"),
                (r"eps_(\w+)_([ud][VA])", r"\\varepsilon_{\1}^{\2}"))


def tex_of_name(name):
    for pattern, tex in TEX_OF_NAMES:
        if re.fullmatch(pattern, name):
            return "$" + re.sub("(mu|tau)", r"\\\1 ", re.sub(pattern, tex, name)).replace(" }", "}") + "$"
    return name
