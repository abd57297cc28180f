# SPDX-License-Identifier: GPL-3.0-or-later
"""Curves of Delta chi2 of one parameter in axes of matplotlib."""
from dataclasses import replace

from .intervals import delta_from_level, stretches
from .numeric import np
from .projection import branches_of
from .style import (GREY, VOID_STYLE, axis_label, colour, draw_boxes, label_with_unit, line_style, name_of, set_limits,
                    set_scale, shade)

from matplotlib.lines import Line2D    # after the package, which sees to settings
from matplotlib.patches import Patch

LINES = ((1, r"$1\sigma$"), (delta_from_level(90, dof=1), "90%"), (4, r"$2\sigma$"))
CHI2_RANGE = (0, 10)    # of Delta chi2 in figures
SIGNS = ((1, 1.7, 1.0), (-1, 0.8, 0.7))     # the two signs of a parameter: width of its line, strength of its colour


def is_signed(m):
    """Is it drawn over the absolute value?"""
    return len(m.axes[0].branches) > 1


def pieces(m):
    """(x, Delta chi2, width, strength of colour) of each line that makes up a curve."""
    if not is_signed(m):
        return [(m.axes[0].values, m.delta_chi2, 1.2, 1.0)]
    negative, positive = branches_of(m)
    return [(abs(part.axes[0].values), part.delta_chi2, width, strength)
            for part, (_, width, strength) in zip((positive, negative), SIGNS)]


def key_of_curve(k, label, signed):
    return Line2D([], [], color=colour(k), linestyle=line_style(k), linewidth=SIGNS[0][1] if signed else 1.2, label=label)


def draw_curve(ax, m, k, label):
    """Returns the curve's handle, and points on it, close enough to each other to see what a legend would hide."""
    top, lines, seen = 100 * ax.get_ylim()[1], [], []
    for x, y, width, strength in pieces(m):
        y = np.where(np.isnan(y), np.nan, np.minimum(y, top))  # infinity is drawn as a line that leaves through the top
        lines += ax.plot(x, y, color=shade(colour(k), strength), linestyle=line_style(k), linewidth=width, zorder=3,
                         label="_" * bool(lines) + label)
        i = np.linspace(0, len(x) - 1, min(50 * len(x), 40000))
        seen.append(np.column_stack((np.interp(i, np.arange(len(x)), x), np.interp(i, np.arange(len(x)), y))))
    return lines[0], np.concatenate(seen)


def draw_levels(ax, named=True):
    """Lines at the usual levels, with their names at the right; returns points on them."""
    low, high = ax.get_ylim()
    shown = [(level, label) for level, label in LINES if low < level < high]
    for level, label in shown:
        ax.axhline(level, color=GREY, linestyle=(0, (4, 3)), linewidth=0.8, zorder=1)
        if named:
            ax.text(1.012, level, label, transform=ax.get_yaxis_transform(), va="center", fontsize=7, color="0.25")
    return np.array([(x, level) for level, _ in shown for x in np.linspace(*ax.get_xlim(), 200)]).reshape(-1, 2)


def void_spans(m):
    """Stretches without values, as (x0, x1)."""
    spans = []
    for part in branches_of(m):
        x, void = part.axes[0].values, np.isnan(part.delta_chi2)
        x = abs(x) if is_signed(m) else x
        spans += [tuple(sorted((x[a], x[b + 1]))) for a, b in stretches(void[1:] | void[:-1])]
    return spans


def drawn_axis(m):
    """The x axis: absolute values of a parameter with both signs on a logarithmic axis."""
    axis = m.axes[0]
    if not is_signed(m):
        return axis
    label = name_of(axis)
    return replace(axis, scale="log", values=np.unique(abs(axis.values)), long_name=f"$|${label}$|$")


def set_axes(ax, curves, xlim, ylim):
    axes = [drawn_axis(m) for m in curves]
    set_scale(ax, "x", axes[0])
    ax.set_xlim(min(a.values[0] for a in axes), max(a.values[-1] for a in axes))
    set_limits(ax, "x", xlim, axes[0])
    ax.set_ylim(*ylim)


def sign_handles(curves):
    if not any(is_signed(m) for m in curves):
        return []
    symbol = r"\Lambda" if curves[0].axes[0].is_scale_of_new_physics else "x"
    return [Line2D([], [], color=shade("black", strength), linewidth=width, label=f"${symbol} {'>' if sign > 0 else '<'} 0$")
            for sign, width, strength in SIGNS]


def draw_panel(ax, curves, labels, xlim=None, ylim=CHI2_RANGE, named=True, places=None):
    """Curves, levels and stretches without values. Returns handles of the curves and of the rest, and points to keep free."""
    set_axes(ax, curves, xlim, ylim)
    drawn = [draw_curve(ax, m, k, label) for k, m, label in zip(places or range(len(curves)), curves, labels)]
    boxes = [(a, b, *ylim) for m in curves for a, b in void_spans(m)]
    seen = [points for _, points in drawn] + [draw_levels(ax, named), draw_boxes(ax, boxes)]
    rest = [Patch(label="no values", **VOID_STYLE)] if boxes else []
    return [line for line, _ in drawn], rest, np.concatenate(seen)


NAMED_AT_MOST = 3   # parameters on one axis
SYMBOLS = {"eps": r"$\varepsilon$", "C1": "$C_1$", "C2": "$C_2$"}


def panel_label(curves):
    """Of the x axis; of parameters that share it, their names if they are few, else what they have in common."""
    axes = list({a.name: a for a in map(drawn_axis, curves)}.values())
    if len(axes) == 1:
        return axis_label(axes[0])
    if is_signed(curves[0]) and axes[0].is_scale_of_new_physics:
        return label_with_unit(r"$|\Lambda|$", axes[0].units)
    names = [name_of(a) for a in axes]
    families = {a.name.partition("_")[0] for a in axes}
    common = SYMBOLS.get(families.pop(), "parameter") if len(families) == 1 else "parameter"
    return label_with_unit(", ".join(names) if len(names) <= NAMED_AT_MOST else common, axes[0].units)


def telling_range(curves, top):
    """The range of the x axis in which curves have something to tell."""
    return telling_range_of_scales(curves, top) if any(is_signed(m) for m in curves) else telling_range_of_values(curves, top)


def telling_range_of_values(curves, top):
    """Where a curve lies in the figure, with a margin; all that there is, if this is most of it."""
    least, most = curves_range(curves)
    axis = drawn_axis(curves[0])
    seen = np.concatenate([m.axes[0].values[m.delta_chi2 < top] for m in curves])
    if not len(seen) or axis.drawn_scale not in ("linear", "log"):
        return least, most
    (low, high), (t0, t1) = axis.to_scale(np.array([seen.min(), seen.max()])), axis.to_scale(np.array([least, most]))
    margin = 0.12 * (high - low) or 0.05 * (t1 - t0)
    low, high = max(t0, low - margin), min(t1, high + margin)
    if high - low > 0.8 * (t1 - t0):
        return least, most
    return tuple(float(v) for v in axis.from_scale(np.array([low, high])))


def telling_range_of_scales(curves, top):
    """From a little below the first curve in the figure to where all are flat, in round numbers."""
    seen, bent = [], []
    for x, y, *_ in (piece for m in curves for piece in pieces(m)):
        seen.append(x[y < top])
        bent.append(x[abs(y - y[np.argmax(x)]) > 0.02 * top])
    seen, bent = np.concatenate(seen), np.concatenate(bent)
    if not len(seen) or not len(bent):
        return curves_range(curves)
    steps = np.array([m * 10.0**k for k in range(-12, 13) for m in (1, 2, 5)])
    low, high = steps[steps <= seen.min() / 1.15].max(), steps[steps >= 2 * bent.max()].min()
    least, most = curves_range(curves)
    return (max(low, least), min(high, most)) if max(low, least) < min(high, most) else (least, most)


def curves_range(curves):
    ends = [drawn_axis(m).values[[0, -1]] for m in curves]
    return min(a for a, _ in ends), max(b for _, b in ends)
