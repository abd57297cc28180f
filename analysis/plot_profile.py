#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws Delta chi2 of one parameter, or of each that a map scans in turn, for one cevscan map or many."""
from dataclasses import replace

from cevmap import MapError, branches_of, command_line, curves_of, delta_from_level, labels_of, run, stretches
from cevplot import (GREY, VOID_STYLE, add_note, add_title, axis_label, colour, draw_boxes, figure_format, label_with_unit,
                     line_style, name_of, new_figure, own_words, place_legend, save, set_limits, set_scale, write_steps)
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

EXAMPLE = 'plot_profile.py csi.h5 si.h5 --parameter eps_ee_uV --labels "CsI,Si" -o profile.pdf'
LINES = ((1, r"$1\sigma$"), (delta_from_level(90, dof=1), "90%"), (4, r"$2\sigma$"))


def arguments():
    parser = command_line("Curves of Delta chi2 (1 degree of freedom), with lines at 1 sigma, 90 % and 2 sigma. Parameters with\n"
                          "both signs on logarithmic axes are drawn over their absolute value. What one map scans in turn is\n"
                          "drawn in panels: those that differ in their last word (the flavour) together. Several maps of this\n"
                          "kind are compared in a panel for each parameter.", EXAMPLE)
    parser.add_argument("-o", "--output", required=True, metavar="FIGURE", help="figure to write: .pdf or .png")
    parser.add_argument("--parameter", metavar="NAME",
                        help="the others are profiled (default: the map's only one, or all that it scans in turn)")
    parser.add_argument("--labels", metavar="A,B,...", help="name of each map in the legend; TeX in $...$")
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    parser.add_argument("--xlim", nargs=2, type=float, metavar=("LOW", "HIGH"), help="range of the parameter")
    parser.add_argument("--ylim", nargs=2, type=float, metavar=("LOW", "HIGH"), default=(0, 12),
                        help="range of Delta chi2 (default: 0 12)")
    return parser.parse_args()


SIGNS = ((1, "-", r"$+$"), (-1, (0, (4, 1.6)), r"$-$"))  # line styles of the two signs of a parameter


def is_signed(m):
    """Is it drawn over the absolute value?"""
    return len(m.axes[0].branches) > 1


def pieces(m, k):
    """(x, Delta chi2, line style) of each line that makes up a curve."""
    if not is_signed(m):
        return [(m.axes[0].values, m.delta_chi2, line_style(k))]
    negative, positive = branches_of(m)
    return [(abs(part.axes[0].values), part.delta_chi2, style)
            for part, (_, style, _) in zip((positive, negative), SIGNS)]


def draw_curve(ax, m, k, label):
    """Returns the curve's handle, and points on it, close enough to each other to see what a legend would hide."""
    top, lines, seen = 100 * ax.get_ylim()[1], [], []
    for x, y, style in pieces(m, k):
        y = np.where(np.isnan(y), np.nan, np.minimum(y, top))  # infinity is drawn as a line that leaves through the top
        lines += ax.plot(x, y, color=colour(k), linestyle=style, linewidth=1.4, label="_" * bool(lines) + label, zorder=3)
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
            ax.text(1.012, level, label, transform=ax.get_yaxis_transform(), va="center", fontsize=9, color="0.25")
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


def set_axes(ax, curves, options):
    axes = [drawn_axis(m) for m in curves]
    set_scale(ax, "x", axes[0])
    ax.set_xlim(min(a.values[0] for a in axes), max(a.values[-1] for a in axes))
    set_limits(ax, "x", options.xlim, axes[0])
    ax.set_ylim(*options.ylim)


def sign_handles(curves):
    if not any(is_signed(m) for m in curves):
        return []
    symbol = r"\Lambda" if curves[0].axes[0].is_scale_of_new_physics else "x"
    return [Line2D([], [], color="black", linewidth=1.2, linestyle=style, label=f"${symbol} {'>' if sign > 0 else '<'} 0$")
            for sign, style, _ in SIGNS]


def draw_panel(ax, curves, labels, options, named=True):
    """Curves, levels and stretches without values. Returns handles of the curves and of the rest, and points to keep free."""
    set_axes(ax, curves, options)
    drawn = [draw_curve(ax, m, k, label) for k, (m, label) in enumerate(zip(curves, labels))]
    boxes = [(a, b, *options.ylim) for m in curves for a, b in void_spans(m)]
    seen = [points for _, points in drawn] + [draw_levels(ax, named), draw_boxes(ax, boxes)]
    rest = [Patch(label="no values", **VOID_STYLE)] if boxes else []
    return [line for line, _ in drawn], rest, np.concatenate(seen)


def draw(curves, labels, options):
    fig, ax = new_figure(4.6, 3.5)
    handles, rest, seen = draw_panel(ax, curves, labels, options)
    ax.set_ylabel(r"$\Delta\chi^2$")
    handles = (handles if len(curves) > 1 or options.labels or curves[0].is_surrogate else []) + sign_handles(curves) + rest
    add_title(ax, options.title, add_note(ax, curves, labels))
    if is_signed(curves[0]):
        write_steps(ax)
    if handles:
        place_legend(fig, ax, handles, seen, outside=1.09)
    return fig


# ----------------------------------------------------------------------------------------------------------- panels

def panels_of(families, labels):
    """[(curves, labels)] of each panel: of one map the parameters that differ in their last word, of several the same one."""
    if len(families) > 1:
        return [(list(same), labels) for same in zip(*families)]
    groups = {}
    for m in families[0]:
        groups.setdefault(m.names[0].rpartition("_")[0] or m.names[0], []).append(m)
    return [(group, [name_of(m.axes[0]) for m in group]) for group in groups.values()]


def panel_label(curves):
    """Of the x axis; of parameters that share it, what they have in common."""
    axes = [drawn_axis(m) for m in curves]
    if len({a.name for a in axes}) == 1:
        return axis_label(axes[0])
    common = r"$|\Lambda|$" if is_signed(curves[0]) and axes[0].is_scale_of_new_physics else "value"
    return label_with_unit(common, axes[0].units)


def telling_range(curves, top):
    """Where scales have something to tell: from a little below the first curve in the figure to where all are flat, in round
    numbers."""
    seen, bent = [], []
    for x, y, _ in (piece for m in curves for piece in pieces(m, 0)):
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


def draw_panels(panels, options):
    """The y axis is shared. Several maps have one legend, in the first panel; one map has parameters in each."""
    columns = min(len(panels), 2 if len(panels) <= 4 else 4)
    rows = -(-len(panels) // columns)
    fig, grid = new_figure(0.6 + 2.9 * columns, 0.5 + 2.4 * rows, rows, columns, sharey=True, squeeze=False)
    fig.get_layout_engine().set(w_pad=0.08, h_pad=0.05)
    for ax in grid.flat[len(panels):]:
        ax.set_visible(False)
    placed = []
    for k, (ax, (curves, labels)) in enumerate(zip(grid.flat, panels)):
        handles, rest, seen = draw_panel(ax, curves, labels, options, named=k % columns == columns - 1 or k == len(panels) - 1)
        is_lowest, is_first = k + columns >= len(panels), k % columns == 0
        ax.set_xlabel(panel_label(curves) if is_lowest or len({panel_label(p) for p, _ in panels}) > 1 else "")
        ax.set_ylabel(r"$\Delta\chi^2$" if is_first else "")
        add_note(ax, curves, labels)
        if options.xlim is None and all(is_signed(m) for m in curves):
            ax.set_xlim(*telling_range(curves, options.ylim[1]))
        handles = handles if k == 0 or labels != panels[0][1] else []
        placed.append((ax, handles + (sign_handles(curves) if k == 0 else []) + rest, seen))
    for ax, handles, seen in placed:
        if handles:
            place_legend(fig, ax, handles, seen)
        if is_signed(panels[0][0][0]):
            write_steps(ax)
    if options.title:
        fig.suptitle(own_words(options.title), fontsize=11)
    return fig


def main():
    options = arguments()
    figure_format(options.output)
    families = [curves_of(path, options.parameter) for path in options.maps]
    names = [[m.names[0] for m in family] for family in families]
    for family, own in zip(families, names):
        if own != names[0]:
            raise MapError(f"{family[0].path}: a map of {', '.join(own)}, but {families[0][0].path} is one of "
                           f"{', '.join(names[0])}")
    labels = [own_words(label) for label in labels_of([family[0] for family in families], options.labels)]
    if len(names[0]) > 1:
        fig = draw_panels(panels_of(families, labels), options)
    else:
        fig = draw([m for m, in families], labels, options)
    save(fig, options.output, [family[0] for family in families])


if __name__ == "__main__":
    run(main)
