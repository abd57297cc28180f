# SPDX-License-Identifier: GPL-3.0-or-later
"""Axes of figures: scales, ticks, ranges, stretches without values."""
import re

from .command import MapError, complain
from .numeric import np
from .words import axis_label, label_with_unit, name_of

from matplotlib.patches import PathPatch    # after the package, which sees to settings
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter



def set_scale(ax, which, axis):
    """Scale, label and default range of the x or y axis of a figure, after those of the map."""
    setter = getattr(ax, f"set_{which}scale")
    if axis.drawn_scale in ("symlog", "signed_log"):
        signed = axis.drawn_scale == "signed_log"
        threshold = axis.nearest_to_zero if signed else axis.linear_threshold
        setter("symlog", linthresh=threshold, linscale=0.25 if signed else 1)
        major, minor = symlog_ticks(axis, threshold)
        major = major[major != 0] if signed else major  # zero lies in the gap
        getattr(ax, which + "axis").set_major_locator(FixedLocator(major))
        getattr(ax, which + "axis").set_minor_locator(FixedLocator(minor))
    else:
        setter(axis.drawn_scale)
    getattr(ax, f"set_{which}label")(axis_label(axis))
    if axis.drawn_scale == "linear" and abs(axis.values).max() >= 1e4:
        write_thousands(ax, which, axis)
    getattr(ax, f"set_{which}lim")(axis.values[0], axis.values[-1])


def write_thousands(ax, which, axis):
    """Large numbers in powers of a thousand that stand in the label: in a corner they would lie upon it."""
    power = 3 * int(np.log10(abs(axis.values).max()) / 3)
    getattr(ax, which + "axis").set_major_formatter(FuncFormatter(lambda x, _: f"{x / 10.0**power:g}"))
    units = re.sub(r"^1/|^1$", "", axis.units)
    joint = "/" if axis.units.startswith("1/") else " " if units else ""
    getattr(ax, f"set_{which}label")(label_with_unit(name_of(axis), f"10^{power}{joint}{units}"))


def write_steps(ax):
    """Numbers at 1, 2, 5 on a logarithmic x axis that is too short to be read from its powers of ten."""
    low, high = ax.get_xlim()
    if ax.get_xscale() == "log" and 0.1 <= low and high <= 2e4 and high < 80 * low:
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())


def symlog_ticks(axis, threshold):
    """Zero and the powers of ten from the threshold on, not more than 4 on a side; minor ticks at their multiples."""
    first = int(np.ceil(np.log10(threshold) - 1e-6))
    last = int(np.floor(np.log10(np.abs(axis.values).max()) + 1e-6))
    major = 10.0**np.arange(last, first - 1, -max(1, -(-(last - first + 1) // 4)))
    minor = np.concatenate([np.arange(1, 10) * 10.0**k for k in range(first, last + 1)] or [[]])
    return np.concatenate((-major, [0], major)), np.concatenate((-minor, minor))


def set_limits(ax, which, limits, axis):
    if limits is None:
        return
    low, high = limits
    if not low < high or (axis.drawn_scale == "log" and low <= 0):
        raise MapError(f"--{which}lim: from {low:g} to {high:g} is no range of this axis")
    getattr(ax, f"set_{which}lim")(low, high)


def beyond_grid(ax, maps):
    """Boxes (x0, x1, y0, y1) of what a figure shows beyond the grids of all its maps, of which a note tells; a figure that shows nothing
    else is refused."""
    ends = [(min(m.axes[k].values[0] for m in maps), max(m.axes[k].values[-1] for m in maps)) for k in (0, 1)]
    shown, outside = (ax.get_xlim(), ax.get_ylim()), []
    for (low, high), (first, last), which, axis in zip(shown, ends, "xy", maps[0].axes):
        if high <= first or low >= last:
            raise MapError(f"--{which}lim: from {low:g} to {high:g} shows nothing: {axis.name} was computed from {first:g} to {last:g}")
        if low < first or high > last:
            outside.append(f"{axis.name} from {first:g} to {last:g}")
    if outside:
        complain(f"note: the figure shows more than was computed, which is hatched: {' and '.join(outside)}")
    (x0, x1), (y0, y1) = shown
    (a, b), (c, d) = ends
    sides = [(x0, a, y0, y1), (b, x1, y0, y1), (max(x0, a), min(x1, b), y0, c), (max(x0, a), min(x1, b), d, y1)]
    return [side for side in sides if side[0] < side[1] and side[2] < side[3]]


VOID_STYLE = dict(facecolor="0.93", edgecolor="0.6", hatch="//////", linewidth=0)


def draw_boxes(ax, boxes):
    """Hatches boxes (x0, x1, y0, y1), as one path so that no seams show. Returns points all over them."""
    if not boxes:
        return np.empty((0, 2))
    corners = [[(a, c), (b, c), (b, d), (a, d), (a, c)] for a, b, c, d in boxes]
    path = Path.make_compound_path(*[Path(box, closed=True) for box in corners])
    ax.add_patch(PathPatch(path, zorder=0.5, **VOID_STYLE))
    part = np.linspace(0, 1, 20)
    return np.array([(a + (b - a) * u, c + (d - c) * v) for a, b, c, d in boxes[:200] for u in part for v in part])


def write_decades(ax):
    """A number at every decade of the logarithmic axes, if there are not too many."""
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        if axis.get_scale() == "log" and high < 10**8.5 * low:
            axis.set_major_locator(LogLocator(numticks=12))
            axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=12))


def fewer_numbers(ax, x=5, y=6):
    """On linear axes of small panels."""
    for axis, n in ((ax.xaxis, x), (ax.yaxis, y)):
        if axis.get_scale() == "linear":
            axis.set_major_locator(MaxNLocator(n, steps=[1, 2, 2.5, 5, 10]))
