#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the allowed regions of two-dimensional cevscan maps."""
import argparse

from cevscan_analysis.command import (MapError, add_labels, add_selection, command_line, complain, deltas, labels_given,
                                      percentages, run)
from cevscan_analysis.contours import Look, coarseness, draw_one, draw_points, draw_region, draw_several, void_boxes
from cevscan_analysis.intervals import delta_from_level, level_text
from cevscan_analysis.limit_files import add_limits, limits_given, placed
from cevscan_analysis.limits import draw_limits, name_band, tell_of_limits
from cevscan_analysis.maps import group_names, labels_of, open_map, open_maps, select
from cevscan_analysis.numeric import np
from cevscan_analysis.projection import from_each, project
from cevscan_analysis.shown import draw_shown, field_of, title_of_shares
from cevscan_analysis.style import (MM, VOID_STYLE, add_note, add_output, add_title, add_width, beyond_grid, draw_boxes, figure_format, line_style, new_figure,
                                    own_words, place_legend, save, set_limits, set_scale, styled, their_words, width_in_mm,
                                    write_decades)
from cevscan_analysis.tables import tell_of_crowd, tell_of_profiles, tell_of_single

from matplotlib.lines import Line2D
from matplotlib.patches import Patch  # after the package, which says so if it is missing

EXAMPLE = 'plot_map.py csi.h5 "csi si.h5" --labels "CsI,CsI + Si" --levels 90 -o regions.pdf'


def arguments():
    parser = command_line("Filled regions of two parameters (Delta chi2 for 2 degrees of freedom): shades of one colour for "
                          "one map, a colour each for several.\nWith --excluded they are what is excluded; of maps without "
                          "colour inside, it lies on the side of the short strokes.\nWith --each, limits on one parameter at each "
                          "value of the other (Delta chi2 for 1 degree of freedom).\nOf a study, --set, --where and --axes choose the "
                          "maps of a plane.", EXAMPLE)
    add_output(parser)
    add_selection(parser)
    parser.add_argument("--levels", type=percentages, metavar="P,P,...",
                        help="confidence levels in %% (default: 68,90,95 for one map, 90 for several)")
    parser.add_argument("--outlined", type=positions, default=(), metavar="N,N,...",
                        help="of several maps those, counted from 1, that are drawn as outlines, without colour inside (default: none; with "
                             "--excluded all but the first)")
    parser.add_argument("--delta", type=deltas, metavar="D,D,...", help="values of Delta chi2 in place of --levels")
    parser.add_argument("--excluded", action="store_true", help="colour what is excluded instead of what is allowed")
    parser.add_argument("--each", metavar="AXIS",
                        help="count Delta chi2 from the minimum at each value of this axis, not from that of the map")
    parser.add_argument("--show", metavar="FIELD",
                        help="of one map, colour the plane by what each point has beside chi2, and draw the regions as lines over it: "
                             "profiled_NAME, the value at the minimum of a parameter that was profiled, or flags (proven, at a bound, "
                             "flat direction)")
    add_limits(parser)
    add_labels(parser)
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    parser.add_argument("--axes", metavar="X,Y", help="parameters to draw; the others are profiled (default: the map's two)")
    parser.add_argument("--xlim", nargs=2, type=float, metavar=("LOW", "HIGH"), help="range of the x axis")
    parser.add_argument("--ylim", nargs=2, type=float, metavar=("LOW", "HIGH"), help="range of the y axis")
    add_width(parser, "column")
    return parser.parse_args()


def cuts_of(options, is_single):
    """[(Delta chi2, its name)] of the regions' edges."""
    if options.delta:
        return [(d, rf"$\Delta\chi^2 {'>' if options.excluded else '<'} {d:g}$") for d in options.delta]
    percents = options.levels or ([68, 90, 95] if is_single and not options.excluded else [90])
    return [(delta_from_level(p, dof=1 if options.each else 2), f"{level_text(p)}% C.L.") for p in percents]


def title_of_cuts(cuts, options):
    """Of a legend of several maps."""
    names = ", ".join(name for _, name in cuts) if options.delta else \
        ", ".join(name.replace("% C.L.", "") for _, name in cuts) + "% C.L."
    return ("excluded, " if options.excluded else "") + names


def positions(text):
    numbers = {int(word) for word in text.split(",")}
    if min(numbers) < 1:
        raise argparse.ArgumentTypeError(f"maps are counted from 1: {text}")
    return numbers


def maps_of(path, options):
    """The map of a file; of a study those of two axes that are chosen."""
    if not (options.sets or options.where) or len(group_names(path)) < 2:
        if options.sets or options.where:
            tell_of_single(path)
        return [open_map(path)]
    chosen = [m for m in select(open_maps(path), options.sets, options.where) if len(m.axes) == 2 and not m.members]
    names = sorted(name.strip() for name in options.axes.split(",")) if options.axes else None
    planes = dict.fromkeys(", ".join(m.names) for m in chosen)
    chosen = [m for m in chosen if names is None or sorted(m.names) == names]
    if len(planes) > 1 and not names:
        raise MapError(f"{path}: has several planes; choose one with --axes: {'; '.join(planes)}")
    if not chosen:
        raise MapError(f"{path}: no plane {options.axes or 'of two parameters'} among the chosen maps" +
                       (f"; there are {'; '.join(planes)}" if planes else ""))
    return chosen


def names_of(maps, options):
    """A label for each map: those that are given as they are, others with TeX where it can be set."""
    given = labels_given(options)
    return [own_words(label) if given else their_words(label) for label in labels_of(maps, given, figure=True)]


def plane(m, axes, first):
    """The map over the two axes of the figure."""
    if m.members:
        raise MapError(f"{m.path}: scans {len(m.members)} parameters in turn; plot_profile.py draws it")
    if axes:
        names = [name.strip() for name in axes.split(",")]
        if len(names) != 2:
            raise MapError(f"--axes takes two names, X,Y: {axes}")
        return project(m, names)
    if len(m.axes) == 1:
        raise MapError(f"{m.path}: has one axis, {m.names[0]}; plot_profile.py draws it")
    if len(m.axes) > 2:
        raise MapError(f"{m.path}: has {len(m.axes)} axes, {', '.join(m.names)}; choose two with --axes X,Y")
    if set(m.names) != set(first.names):
        raise MapError(f"{m.path}: its axes are {', '.join(m.names)}, not {', '.join(first.names)} as in {first.path}")
    return project(m, first.names)


def draw(maps, labels, limits, options):
    width = width_in_mm(options.width) * MM
    fig, ax = new_figure(width, 0.98 * width)
    ax.set_box_aspect(1)
    for which, k in (("x", 0), ("y", 1)):
        set_scale(ax, which, maps[0].axes[k])
        getattr(ax, f"set_{which}lim")(min(m.axes[k].values[0] for m in maps), max(m.axes[k].values[-1] for m in maps))
        set_limits(ax, which, getattr(options, which + "lim"), maps[0].axes[k])
    cuts = cuts_of(options, len(maps) == 1)
    if options.show:
        handles, seen, title = draw_over(fig, ax, maps[0], cuts, options.show)
    elif len(maps) == 1:
        handles, seen = draw_one(ax, maps[0], cuts, options.excluded)
        title = labels[0] if options.labels or options.labels_file or maps[0].is_surrogate else None
    else:
        rest = range(2, len(maps) + 1) if options.excluded else ()      # what is excluded by one hides what is by another
        handles, seen = draw_several(ax, maps, cuts, labels, options.outlined or rest, options.excluded)
        title = title_of_cuts(cuts, options)
    if options.excluded:
        write_decades(ax)
    if options.excluded and len(maps) == 1:
        seen = np.concatenate((seen, name_band(ax, maps[0], cuts[0][0])))
    boxes = [box for m in maps for box in void_boxes(m)] + (beyond_grid(ax, maps) if options.xlim or options.ylim else [])
    void = draw_boxes(ax, boxes)
    more, places = draw_points(ax, maps)
    lines, along = draw_limits(ax, limits, options.limit_in_place, places)
    tell_of_limits(ax, limits)
    handles += lines + more + ([Patch(label="no values", **VOID_STYLE)] if boxes else [])
    coarse = [tell_of_coarse(m, cuts) for m in maps]
    add_title(ax, options.title, add_note(ax, maps, labels, coarse))
    place_legend(fig, ax, handles, np.concatenate((seen, places, void, along)), title)
    return fig


def draw_over(fig, ax, m, cuts, name):
    """Lines of the regions over the colours of a field. Returns handles, points that are drawn, and the title of a legend."""
    shown = field_of(m, name)
    handles = draw_shown(fig, ax, m, shown, cuts[-1][0])
    seen = []
    for k, (delta, words) in enumerate(cuts):
        look = Look((None,), "black", line_style(k), width=0.9)
        seen.append(draw_region(ax, m, [delta], look))
        handles.append(Line2D([], [], color="black", linestyle=line_style(k), linewidth=0.9, label=words))
    return handles, np.concatenate(seen), title_of_shares(m, shown, *cuts[-1])


def tell_of_coarse(m, cuts):
    """A line, and a note for the figure, if the grid is too coarse for one of the regions."""
    deltas = sorted(delta for delta, _ in cuts)
    note = coarseness(m, deltas[0]) or (coarseness(m, deltas[-1]) if len(deltas) > 1 else "")
    if note:
        complain(f"note: {m.path}: {note}")
    return bool(note)


def check_shown(options, maps):
    if options.show and len(maps) > 1:
        raise MapError(f"--show colours the plane of one map, but there are {len(maps)}")
    if options.show and options.excluded:
        raise MapError("--show colours the whole plane: --excluded would colour it, too")
    if options.show:
        field_of(maps[0], options.show)


@styled
def main():
    options = arguments()
    figure_format(options.output)
    whole = [m for path in options.maps for m in maps_of(path, options)]
    maps = [plane(m, options.axes, whole[0]) for m in whole]
    for m in maps:
        tell_of_profiles([m])
    maps = [from_each(m, options.each) for m in maps] if options.each else maps
    check_shown(options, maps)
    tell_of_crowd(len(maps))
    limits, = placed(limits_given(options), [maps[0].axes])
    labels = names_of(maps, options)
    if max(options.outlined, default=0) > len(maps):
        raise MapError(f"--outlined names map {max(options.outlined)}, but there are {len(maps)}")
    for m in maps:
        if not m.lowest <= (max(options.delta) if options.delta else delta_from_level(max(options.levels or [95]), dof=2)):
            complain(f"note: {m.path}: nothing is allowed")
    save(draw(maps, labels, limits, options), options.output, maps)


if __name__ == "__main__":
    run(main)
