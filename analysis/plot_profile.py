#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws Delta chi2 of one parameter, or of each that a map scans in turn, for one cevscan map or many."""
from cevscan_analysis.command import MapError, command_line, run
from cevscan_analysis.curves import draw_panel, is_signed, panel_label, sign_handles, telling_range
from cevscan_analysis.maps import labels_of
from cevscan_analysis.projection import curves_of
from cevscan_analysis.tables import tell_of_profiles
from cevscan_analysis.style import (add_note, add_title, figure_format, name_of, new_figure, own_words, place_legend, save,
                                    write_steps)

EXAMPLE = 'plot_profile.py csi.h5 si.h5 --parameter eps_ee_uV --labels "CsI,Si" -o profile.pdf'


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


def draw(curves, labels, options):
    fig, ax = new_figure(4.6, 3.5)
    handles, rest, seen = draw_panel(ax, curves, labels, options.xlim, options.ylim)
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
        named = k % columns == columns - 1 or k == len(panels) - 1
        handles, rest, seen = draw_panel(ax, curves, labels, options.xlim, options.ylim, named)
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
    for family in families:
        tell_of_profiles(family)
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
