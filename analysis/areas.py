#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of the allowed regions of two-dimensional cevscan maps, over factors of a study, and what combinations remove of them."""
import math
import sys

from cevscan_analysis.against import areas_against, measured_once, with_titles
from cevscan_analysis.areas import rank
from cevscan_analysis.command import (MapError, add_labels, add_only, add_selection, command_line, complain, labels_given, percentage,
                                      run)
from cevscan_analysis.intervals import level_text
from cevscan_analysis.maps import file_of, labels_of
from cevscan_analysis.planes import only_those, planes_of
from cevscan_analysis.printable import number_text
from cevscan_analysis.tables import FORMATS, footnotes_of_maps, list_of_notes, of_error, plain_table, tell_of_notes, tell_of_profiles, with_values

EXAMPLE = ('areas.py csi.h5 si.h5 csi_si.h5 --labels "CsI,Si,CsI + Si" --rank\n'
           '  areas.py study.h5 --set csi --set csi_si --against years -o areas.pdf')
MANY = 3    # notes of grids that are too coarse, before they are counted


def arguments():
    parser = command_line("Areas of allowed regions (Delta chi2 for 2 degrees of freedom) in the product of the axes' units, with\n"
                          "an upper estimate of their error from every second point of the grid. With --rank, combinations are\n"
                          "put in the order of how much they remove of what their best member alone leaves; maps of the members,\n"
                          "one experiment each, of the same exposure and factors, must be among those given, and be complete. A\n"
                          "study stands for all of its planes and settings, which are ranked one after the other. With --against,\n"
                          "areas over a factor of a study, a line for each set; -o draws them.", EXAMPLE)
    parser.add_argument("--level", type=percentage, default=90, metavar="P", help="confidence level in %% (default: 90)")
    parser.add_argument("--rank", action="store_true", help="rank combinations")
    parser.add_argument("--against", metavar="FACTOR", help="areas over this factor of a study: exposure, or one that it names")
    parser.add_argument("-o", "--output", action="append", metavar="FIGURE",
                        help="with --against: figure to write, .pdf, .png, .svg or .pgf; can be repeated for several formats")
    parser.add_argument("--width", default="column", metavar="W", help="of the figure: column, page, or mm (default: column)")
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    parser.add_argument("--axes", metavar="X,Y", help="parameters; the others are profiled (default: the map's two); of a study only this plane")
    add_selection(parser)
    add_only(parser, "list")
    add_labels(parser, "name of each map in the table; with --against, of each set")
    parser.add_argument("--format", choices=FORMATS, default="markdown", help="of the table (default: markdown)")
    options = parser.parse_args()
    if options.against and (options.rank or options.only):
        parser.error("--against goes with neither --rank nor --only; choose with --set and --where")
    if not options.against and (options.output or options.title):
        parser.error("a figure is of areas over a factor; say --against FACTOR")
    return options


# -------------------------------------------------------------------------------------------------------------- tables

HEAD = ["error", "pieces", "reaches an edge", "without values"]


def cells_of(m, area, coarse, is_whole, any_coarse):
    return [of_error(area.value, area.error), f"{area.error:.1g}", str(area.n_island), "yes" if area.touches_edge else "no", f"{area.unknown:.4g}"] + \
        [m.percent_complete] * (not is_whole) + [verdict(m, area, coarse)] * any_coarse


def verdict(m, area, coarse):
    """On the grid."""
    return "too coarse" if coarse else "pieces uncertain" if pieces_note(m, area) else "fine enough"


def pieces_note(m, area):
    """What a reader must know of the number of pieces; of unfinished maps nothing, whose pieces are those of a part."""
    if area.pieces_are_sure or m.completeness < 1:
        return ""
    low, high = area.pieces
    return (f"the number of pieces is uncertain: {area.n_island} of the grid's points, but {low}" + f" to {high}" * (low < high) +
            " between them within the error of the area")


def rest_of_head(is_whole, any_coarse):
    return HEAD + ["complete"] * (not is_whole) + ["grid"] * any_coarse


def table_of_areas(maps, labels, level):
    found = [measured_once(m, level) for m in maps]
    families, _ = with_values([[m] for m in maps], labels)
    kept = {id(m) for m, in families}
    maps, labels, found = zip(*(one for one in zip(maps, labels, found) if id(one[0]) in kept))
    notes = [(m, coarse or pieces_note(m, area)) for m, (area, coarse) in zip(maps, found)]
    tell_of_coarse(notes)
    more = all(m.completeness == 1 for m in maps), any(note for _, note in notes)
    lines = [["map", f"area, {level_text(level)} %", *rest_of_head(*more)]]
    return lines + [[label, *cells_of(m, *one, *more)] for m, label, one in zip(maps, labels, found)]


def table_of_curves(curves, factor, level):
    """A line for each point: plane and other factors where they vary, set, value of the factor, area."""
    points = [p for curve in curves for p in curve.points]
    notes = [(p.map, p.coarse or pieces_note(p.map, p.area)) for p in points]
    tell_of_coarse(notes)
    more = all(p.map.completeness == 1 for p in points), any(note for _, note in notes)
    many, others = len({curve.plane for curve in curves}) > 1, list(dict.fromkeys(name for curve in curves for name in curve.others))
    lines = [["plane"] * many + ["set", *others, factor, f"area, {level_text(level)} %", *rest_of_head(*more)]]
    for curve in curves:
        values = [number_text(curve.others[name].value) if name in curve.others else "" for name in others]
        start = [", ".join(curve.plane)] * many + [curve.label, *values]
        lines += [[*start, number_text(p.value), *cells_of(p.map, p.area, p.coarse, *more)] for p in curve.points]
    return lines


def table_of_ranks(maps, labels, level):
    """Of the maps that are complete."""
    ranking, whole = [], [(m, label) for m, label in zip(maps, labels) if m.completeness == 1]
    for plane in dict.fromkeys(tuple(m.names) for m, _ in whole):
        here = [(m, label) for m, label in whole if tuple(m.names) == plane]
        ranking += rank([m for m, _ in here], level, [label for _, label in here])
    tell_of_unfinished([m for m in maps if m.completeness < 1], bool(ranking))
    if not ranking:
        raise MapError("--rank: no map of several experiments is there together with the maps of each of them, of the same "
                       "plane, exposure and factors")
    pairs = [(m, r.area) for r in ranking for m, label in whole if label == r.label]
    tell_of_coarse(list({m.path: (m, pieces_note(m, area)) for m, area in pairs}.values()))
    lines = [["combination", f"area, {level_text(level)} %", "area of its best member", "left", "error", "pieces",
              "fewest pieces of a member"]]
    for r in ranking:
        lines.append([r.label, of_error(r.area.value, r.area.error), of_error(r.smallest.value, r.smallest.error), of_error(r.ratio, r.error), f"{r.error:.1g}",
                      str(r.area.n_island), str(r.n_island_of_members)])
    return lines


# --------------------------------------------------------------------------------------------------------------- notes

def tell_of_coarse(found):
    """A line for each of (map, what its grid does not resolve); at most a few."""
    found = [(m, note) for m, note in found if note]
    for m, note in found[:MANY]:
        complain(f"note: {m.path}: {note}")
    if len(found) > MANY:
        complain(f"note: and the grids of {len(found) - MANY} more maps")


def tell_of_unfinished(maps, is_other_ranked):
    """Which maps are not ranked; where nothing else is there, this is an error."""
    files = list(dict.fromkeys(map(file_of, maps)))
    words = "; ".join(list_of_notes([m for m in maps if file_of(m) == file]) for file in files)
    if maps and not is_other_ranked:
        raise MapError(f"--rank: only complete maps are ranked: {words}")
    if maps:
        complain(f"note: only complete maps are ranked: {words}")


# ------------------------------------------------------------------------------------------------------------- command

def areas_over(maps, options):
    """Table, and figure, of areas over a factor."""
    if options.output:
        from cevscan_analysis.style import figure_format
        figure_format(options.output)
    curves = areas_against(maps, options.against, options.level)
    given = labels_given(options)
    if given:
        curves = relabelled(curves, given)
    if options.output:
        draw(curves, options)
    return table_of_curves(curves, options.against, options.level)


def relabelled(curves, given):
    old = list(dict.fromkeys(curve.label for curve in curves))
    if len(given) != len(old):
        raise MapError(f"--labels names {len(given)} sets, but there are {len(old)}: {', '.join(old)}")
    return [type(curve)(curve.plane, given[old.index(curve.label)], curve.others, curve.points) for curve in curves]


def draw(curves, options):
    from cevscan_analysis.area_curves import area_figure      # the only part that needs matplotlib
    from cevscan_analysis.style import is_taller, save
    words = options.against, f"{level_text(options.level)}% C.L.", options.title, options.width
    fig = area_figure(curves if labels_given(options) else with_titles(curves), *words)
    if is_taller(fig) and not labels_given(options):    # then names stand for titles
        fig = area_figure(curves, *words)
    save(fig, options.output, [p.map for curve in curves for p in curve.points])


def main():
    options = arguments()
    maps = planes_of(options.maps, options.axes, options.sets, options.where, "an area needs two axes")
    if options.against:
        table, labels = areas_over(maps, options), labels_of(maps)
        tell_of_notes(maps)
    else:
        maps, labels = chosen(maps, options)
        for m in maps:
            tell_of_profiles([m])
        table = (table_of_ranks if options.rank else table_of_areas)(maps, labels, options.level)
        tell_of_notes([m for m in maps if (m.completeness == 1 or not options.rank) and m.lowest < math.inf])
    notes = footnotes_of_maps(maps, labels)
    if options.format == "csv":
        for note in notes:
            complain(f"note: {note}")
    sys.stdout.write(plain_table(table, options.format, notes=notes))


def chosen(maps, options):
    """The maps that are wanted, and their labels."""
    given = labels_given(options)
    if options.only:
        maps, labels = only_those(maps, labels_of(maps), options.only)
        labels = labels_of(maps, given) if given else labels
    else:
        labels = labels_of(maps, given)
    return maps, labels


if __name__ == "__main__":
    run(main)
