# SPDX-License-Identifier: GPL-3.0-or-later
"""What a map has at each point beside chi2, as colours: the value of a profiled parameter at the minimum, or the flags."""
import math
from dataclasses import dataclass

from .errors import MapError
from .numeric import np
from .one_map import AT_BOUND, FLAT, IMPOSSIBLE, OK, PROVEN
from .roles import name_in_figure
from .style import label_with_unit, matplotlib, shade
from .words import drawn_name

from matplotlib.patches import Patch    # after the package, which sees to settings

PREFIX = "profiled_"
# Proven minima are stronger, others pale, and all light: black lines stand on them. What is at a bound is orange, what is flat blue,
# both purple.
BASES = {0: "#009E73", AT_BOUND: "#D55E00", FLAT: "#0072B2", AT_BOUND | FLAT: "#CC79A7"}


@dataclass(frozen=True)
class Shown:
    """A field of a map of two axes."""
    name: str
    values: np.ndarray      # [axes...]; NaN where there is none
    label: str = ""         # of a colour bar; "" of flags
    default: float = math.nan   # the parameter's, around which colours of both signs are centred


def field_of(m, name):
    """That of the name "flags", or "profiled_NAME". Raises MapError."""
    if m.flags is None:
        raise MapError(f"{m.path}: --show {name}: " + (
            "a map that is projected has no such values" if m.minimised else "nothing is profiled in this map"))
    if name == "flags":
        values = np.where((m.status == OK) | (m.status == IMPOSSIBLE), m.flags.astype(float), np.nan)
        return Shown(name, values)
    own = name.removeprefix(PREFIX)
    if own in m.profiled:
        about = m.minimised[own]
        words = drawn_name(own, name_in_figure(own, about.long_name, m.attrs))
        return Shown(name, m.profiled[own], label_with_unit(words, about.units), about.default)
    if own in m.minimised:
        raise MapError(f"{m.path}: --show {name}: its values are not stored; a scan with `store_profiled: true` has them")
    there = ["flags", *(PREFIX + key for key in m.profiled)]
    raise MapError(f"{m.path}: --show {name}: there are {', '.join(there)}")


def words_of_flags(byte):
    """"proven, at a bound"."""
    byte = int(byte)
    return ", ".join(["proven" if byte & PROVEN else "not proven"] + ["at a bound"] * bool(byte & AT_BOUND) +
                     ["flat direction"] * bool(byte & FLAT))


def colour_of_flags(byte):
    return shade(BASES[int(byte) & (AT_BOUND | FLAT)], 0.6 if int(byte) & PROVEN else 0.2)


def edges_of(axis, values):
    """Of the cells whose middles the values are, on the axis' own scale; the first and the last end at the axis."""
    t = axis.to_scale(values)
    edges = axis.from_scale(np.concatenate((t[:1], (t[1:] + t[:-1]) / 2, t[-1:])))
    edges[0], edges[-1] = values[0], values[-1]
    return edges


def light_part(name):
    """Of a map of colours, what black lines can be seen on."""
    return matplotlib.colors.ListedColormap(matplotlib.colormaps[name](np.linspace(0.32, 1, 256)))


# From dark to light also in grey, where two sides that both grow darker would be one.
TWO_SIDED = matplotlib.colors.LinearSegmentedColormap.from_list("two_sided", ["#4a86c5", "#c4c7cb", "#ffe680"])


def colours_of_values(shown):
    """Map of colours and its range; around the default, where there are values on both of its sides."""
    found = shown.values[np.isfinite(shown.values)]
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.0, 1.0)
    least = 0.02 * (high - low)     # of the range, on the other side: a scale of two sides would tell less
    if np.isfinite(shown.default) and low < shown.default - least and high > shown.default + least:
        most = max(high - shown.default, shown.default - low)
        return dict(cmap=TWO_SIDED, vmin=shown.default - most, vmax=shown.default + most)
    return dict(cmap=light_part("cividis"), vmin=low, vmax=high)


def draw_shown(fig, ax, m, shown, cut=None):
    """Colours the plane. Returns handles of a legend; of values there is a colour bar instead. `cut`: the Delta chi2 of the outermost
    line that is drawn."""
    options = dict(rasterized=True, zorder=0.5)
    if shown.name == "flags":
        found = np.unique(shown.values[np.isfinite(shown.values)])
        colours = [matplotlib.colors.to_rgb(colour_of_flags(byte)) for byte in found]
        numbers = np.where(np.isfinite(shown.values), np.searchsorted(found, shown.values), np.nan)
        options.update(cmap=matplotlib.colors.ListedColormap(colours or ["white"]), vmin=-0.5, vmax=max(len(found), 1) - 0.5)
    else:
        numbers = shown.values
        options.update(colours_of_values(shown))
    image = None
    for x in m.axes[0].branches:
        for y in m.axes[1].branches:
            edges = [edges_of(axis, axis.values[part]) for axis, part in zip(m.axes, (x, y))]
            image = ax.pcolormesh(*edges, np.ma.masked_invalid(numbers[x, y].T), **options)
    if shown.name == "flags":
        return [Patch(facecolor=colour_of_flags(byte), edgecolor="0.3", linewidth=0.4,
                      label=f"{words_of_flags(byte)}: {words_of_shares(m, shown, byte, cut)}") for byte in found]
    bar = fig.colorbar(image, ax=ax, location="right", shrink=0.9, pad=0.02)
    bar.set_label(shown.label)
    bar.ax.tick_params(which="both", direction="out", top=False, right=True, left=False)
    bar.outline.set_linewidth(0.6)
    return []


def words_of_shares(m, shown, byte, cut):
    """"63% (40%)": of the points within a line, and of all."""
    whole = np.isfinite(shown.values)
    inside = whole & (m.delta_chi2 <= cut) if cut is not None else whole & False
    return f"{share_of(shown, byte, inside)} ({share_of(shown, byte, whole)})" if inside.any() else share_of(shown, byte, whole)


def title_of_shares(m, shown, cut, name):
    """Of the legend: what the shares are of."""
    if shown.name != "flags":
        return None
    return f"points within {name} (in the plane)" if (np.isfinite(shown.values) & (m.delta_chi2 <= cut)).any() else "points in the plane"


def share_of(shown, byte, where):
    """"12%", and what is not none, but less than half a percent, says so."""
    percent = 100 * float((shown.values == byte)[where].sum()) / max(1, int(where.sum()))
    return "< 1%" if 0 < percent < 0.5 else "> 99%" if 99.5 <= percent < 100 else f"{percent:.0f}%"
