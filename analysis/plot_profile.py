#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws Delta chi2 of one parameter, for one cevscan map or many."""
from cevmap import MapError, command_line, curve_of, delta_from_level, labels_of, run, stretches
from cevplot import (GREY, VOID_STYLE, add_note, add_title, colour, draw_boxes, figure_format, line_style, new_figure,
                     own_words, place_legend, save, set_limits, set_scale)
import numpy as np
from matplotlib.patches import Patch

EXAMPLE = 'plot_profile.py csi.h5 si.h5 --parameter eps_ee_uV --labels "CsI,Si" -o profile.pdf'
LINES = ((1, r"$1\sigma$"), (delta_from_level(90, dof=1), "90%"), (4, r"$2\sigma$"))


def arguments():
    parser = command_line("Curves of Delta chi2 (1 degree of freedom), with lines at 1 sigma, 90 % and 2 sigma.", EXAMPLE)
    parser.add_argument("-o", "--output", required=True, metavar="FIGURE", help="figure to write: .pdf or .png")
    parser.add_argument("--parameter", metavar="NAME", help="the others are profiled (default: the map's only one)")
    parser.add_argument("--labels", metavar="A,B,...", help="name of each map in the legend; TeX in $...$")
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    parser.add_argument("--xlim", nargs=2, type=float, metavar=("LOW", "HIGH"), help="range of the parameter")
    parser.add_argument("--ylim", nargs=2, type=float, metavar=("LOW", "HIGH"), default=(0, 12),
                        help="range of Delta chi2 (default: 0 12)")
    return parser.parse_args()


def draw_curve(ax, m, k, label):
    """Returns the curve's handle, and points on it, close enough to each other to see what a legend would hide."""
    x, y, top = m.axes[0].values, m.delta_chi2, 100 * ax.get_ylim()[1]
    y = np.where(np.isnan(y), np.nan, np.minimum(y, top))  # infinity is drawn as a line that leaves through the top
    line, = ax.plot(x, y, color=colour(k), linestyle=line_style(k), linewidth=1.4, label=label, zorder=3)
    i = np.linspace(0, len(x) - 1, 50 * len(x))
    return line, np.column_stack((np.interp(i, np.arange(len(x)), x), np.interp(i, np.arange(len(x)), y)))


def draw_levels(ax):
    """Lines at the usual levels; returns points on them."""
    low, high = ax.get_ylim()
    shown = [(level, label) for level, label in LINES if low < level < high]
    for level, label in shown:
        ax.axhline(level, color=GREY, linestyle=(0, (4, 3)), linewidth=0.8, zorder=1)
        ax.text(1.012, level, label, transform=ax.get_yaxis_transform(), va="center", fontsize=9, color="0.25")
    return np.array([(x, level) for level, _ in shown for x in np.linspace(*ax.get_xlim(), 200)]).reshape(-1, 2)


def void_spans(m):
    """Stretches without values, as (x0, x1)."""
    x, void = m.axes[0].values, np.isnan(m.delta_chi2)
    return [(x[a], x[b + 1]) for a, b in stretches(void[1:] | void[:-1])]


def draw(curves, labels, options):
    fig, ax = new_figure(4.6, 3.5)
    axis = curves[0].axes[0]
    set_scale(ax, "x", axis)
    ax.set_xlim(min(m.axes[0].values[0] for m in curves), max(m.axes[0].values[-1] for m in curves))
    set_limits(ax, "x", options.xlim, axis)
    ax.set_ylabel(r"$\Delta\chi^2$")
    ax.set_ylim(*options.ylim)
    drawn = [draw_curve(ax, m, k, label) for k, (m, label) in enumerate(zip(curves, labels))]
    boxes = [(a, b, *options.ylim) for m in curves for a, b in void_spans(m)]
    seen = [points for _, points in drawn] + [draw_levels(ax), draw_boxes(ax, boxes)]
    handles = [line for line, _ in drawn] if len(curves) > 1 or options.labels else []
    handles += [Patch(label="no values", **VOID_STYLE)] if boxes else []
    add_title(ax, options.title, add_note(ax, curves, labels))
    if handles:
        place_legend(fig, ax, handles, np.concatenate(seen), outside=1.09)
    return fig


def main():
    options = arguments()
    figure_format(options.output)
    curves = [curve_of(path, options.parameter) for path in options.maps]
    for m in curves:
        if m.names != curves[0].names:
            raise MapError(f"{m.path}: a map of {m.names[0]}, but {curves[0].path} is one of {curves[0].names[0]}")
    labels = [own_words(label) for label in labels_of(curves, options.labels)]
    save(draw(curves, labels, options), options.output, curves)


if __name__ == "__main__":
    run(main)
