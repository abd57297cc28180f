#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws Delta chi2 of one parameter, or of each that a map scans in turn, for one cevscan map or many."""
from cevscan_analysis.command import MapError, add_labels, add_selection, command_line, complain, labels_given, run
from cevscan_analysis.curves import CHI2_RANGE, draw_panel, is_signed, panel_label, sign_handles, telling_range
from cevscan_analysis.maps import group_names, labels_of, open_maps, select
from cevscan_analysis.projection import curves_of
from cevscan_analysis.scales import fewer_numbers
from cevscan_analysis.style import (MM, add_head, add_note, add_output, add_title, add_width, figure_format, name_of, new_figure, new_grid,
                                    own_words, place_below, place_inside, place_legend, place_one_legend, save, styled, their_words,
                                    width_in_mm, write_steps)
from cevscan_analysis.tables import tell_of_crowd, tell_of_profiles, tell_of_single

EXAMPLE = 'plot_profile.py csi.h5 si.h5 --parameter eps_ee_uV --labels "CsI,Si" -o profile.pdf'


def arguments():
    parser = command_line("Curves of Delta chi2 (1 degree of freedom), with lines at 1 sigma, 90 % and 2 sigma. Parameters with\n"
                          "both signs on logarithmic axes are drawn over their absolute value. What one map scans in turn is\n"
                          "drawn in panels: those that differ in their last word (the flavour) together. Several maps of this\n"
                          "kind are compared in a panel for each parameter. Of a study, --set, --where and --parameter choose.", EXAMPLE)
    add_output(parser)
    add_selection(parser)
    parser.add_argument("--parameter", metavar="NAME",
                        help="the others are profiled (default: the map's only one, or all that it scans in turn)")
    add_labels(parser)
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    parser.add_argument("--xlim", nargs=2, type=float, metavar=("LOW", "HIGH"),
                        help="range of the parameter (default: that of the axis; of parameters in turn, where curves lie in the figure)")
    parser.add_argument("--ylim", nargs=2, type=float, metavar=("LOW", "HIGH"), default=CHI2_RANGE,
                        help="range of Delta chi2 (default: %g %g)" % CHI2_RANGE)
    add_width(parser, None, "column, or page for panels side by side")
    return parser.parse_args()


def sources(path, options):
    """What is drawn of a file: the map; of a study the chosen maps of one parameter, or of several in turn."""
    if not (options.sets or options.where) or len(group_names(path)) < 2:
        if options.sets or options.where:
            tell_of_single(path)
        return [path]
    maps = [m for m in select(open_maps(path), options.sets, options.where) if m.members or len(m.axes) == 1]
    named = [m for m in maps if options.parameter in (None, *(member.names[0] for member in m.members or [m]))]
    single = [m for m in named if not m.members]    # before the same parameter among others
    kinds = dict.fromkeys(", ".join(member.names[0] for member in m.members or [m]) for m in (single or named))
    if len(kinds) != 1:
        there = dict.fromkeys(member.names[0] for m in maps for member in m.members or [m])
        raise MapError(f"{path}: {'choose one' if kinds else 'no map of it'} with --parameter: {', '.join(there)}" if there else
                       f"{path}: no map of one parameter among the chosen ones")
    return single or named


def check_range(curves, xlim):
    """Refuses a range in which no curve lies; a note tells of one that goes beyond them all."""
    if xlim is None or any(is_signed(m) for m in curves):
        return
    first, last = min(m.axes[0].values[0] for m in curves), max(m.axes[0].values[-1] for m in curves)
    if xlim[1] <= first or xlim[0] >= last:
        raise MapError(f"--xlim: from {xlim[0]:g} to {xlim[1]:g} shows nothing: what was computed goes from {first:g} to {last:g}")
    if xlim[0] < first or xlim[1] > last:
        complain(f"note: the figure shows more than was computed, from {first:g} to {last:g}")


def draw(curves, labels, options):
    width = width_in_mm(options.width or "column") * MM
    fig, ax = new_figure(width, 0.76 * width)
    handles, rest, seen = draw_panel(ax, curves, labels, options.xlim, options.ylim)
    ax.set_ylabel(r"$\Delta\chi^2$")
    is_named = len(curves) > 1 or options.labels or options.labels_file or curves[0].is_surrogate
    handles = (handles if is_named else []) + sign_handles(curves) + rest
    add_title(ax, options.title, add_note(ax, curves, labels))
    if is_signed(curves[0]):
        write_steps(ax)
    if handles:
        place_legend(fig, ax, handles, seen)
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
    """The y axis is shared. Several maps have one legend; one map has parameters in each panel."""
    columns = min(len(panels), 2 if len(panels) in (2, 4) else 3)
    fig, axes = new_grid(len(panels), columns, 0.8, options.width)
    placed, shared = [], all(labels == panels[0][1] for _, labels in panels)
    for k, (ax, (curves, labels)) in enumerate(zip(axes, panels)):
        is_last, is_first = k % columns == columns - 1 or k == len(panels) - 1, k % columns == 0
        handles, rest, seen = draw_panel(ax, curves, labels, options.xlim, options.ylim, is_last)
        ax.set_xlabel(panel_label(curves))
        ax.set_ylabel(r"$\Delta\chi^2$" if is_first else "")
        ax.tick_params(labelleft=is_first)
        add_note(ax, curves, labels)
        if options.xlim is None:
            ax.set_xlim(*telling_range(curves, options.ylim[1]))
        fewer_numbers(ax)
        if is_signed(curves[0]):
            write_steps(ax)
        placed.append((ax, handles, (sign_handles(curves) if k == 0 or shared else []) + rest, seen))
    place_legends(fig, placed, shared)
    add_head(fig, options.title)
    return fig


def place_legends(fig, placed, shared):
    """One for all panels, if they show the same; else in each its own, and what finds no place there below them."""
    if shared:
        rest = {h.get_label(): h for _, _, more, _ in placed for h in more}
        place_one_legend(fig, placed[0][1] + list(rest.values()))
        return
    left = {}
    for ax, handles, more, seen in placed:
        if not place_inside(fig, ax, handles + more, seen):
            left.update({h.get_label(): h for h in handles + more})
    if left:
        place_below(fig, list(left.values()))


@styled
def main():
    options = arguments()
    figure_format(options.output)
    families = [curves_of(source, options.parameter) for path in options.maps for source in sources(path, options)]
    for family in families:
        tell_of_profiles(family)
    tell_of_crowd(len(families))
    check_range([m for family in families for m in family], options.xlim)
    names = [[m.names[0] for m in family] for family in families]
    for family, own in zip(families, names):
        if own != names[0]:
            raise MapError(f"{family[0].path}: a map of {', '.join(own)}, but {families[0][0].path} is one of "
                           f"{', '.join(names[0])}")
    given = labels_given(options)
    labels = [own_words(label) if given else their_words(label)
              for label in labels_of([family[0] for family in families], given, figure=True)]
    if len(names[0]) > 1:
        fig = draw_panels(panels_of(families, labels), options)
    else:
        fig = draw([m for m, in families], labels, options)
    save(fig, options.output, [family[0] for family in families])


if __name__ == "__main__":
    run(main)
