# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans of light mediators with solar 8B neutrinos in xenon, after arXiv:2411.11749: what is scanned, and its scan files."""
import re

from .command import MapError

EXPERIMENTS = {"xenonnt": ("XENONnT", "xenonnt_8b"),
               "pandax4t": ("PandaX-4T (surrogate)", "pandax4t_us2"),
               "both": ("XENONnT + PandaX-4T (surrogate)", "xenonnt_8b, pandax4t_us2")}
SHORT = {"both": "both (surrogate)"}     # in a figure of several
# Title, and the range of couplings of the figures.
INTERACTIONS = {"vector_universal": ("universal vector", 1e-7, 1e-1), "vector_b_minus_l": ("$B-L$ vector", 1e-7, 1e-1),
                "scalar": ("scalar", 1e-7, 1e-1), "axial": ("axial vector", 1e-6, 1), "tensor": ("tensor", 1e-6, 1)}
MASS = "mediator_mass_MeV"


def scan_text(template, experiment, interaction):
    """The template with the four lines of this scan."""
    title, names = EXPERIMENTS[experiment]
    lines = {"scan": f"{experiment}_{interaction}", "title": title, "experiments": f"[{names}]", "interaction": interaction}
    with open(template, encoding="utf-8") as file:
        text = file.read()
    for key, value in lines.items():
        text, n = re.subn(rf"(?m)^{key}:.*$", lambda _: f"{key}: {value}", text)
        if n != 1:
            raise MapError(f"{template}: {n} lines begin with '{key}:'; expected one")
    return re.sub(r"\A(#.*\n)+", "# Filled in by analysis/light_mediators.py\n", text)
