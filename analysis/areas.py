#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of the allowed regions of two-dimensional cevscan maps, and what combinations remove of them."""
import sys

from cevscan_analysis.areas import area_of, rank
from cevscan_analysis.command import MapError, command_line, complain, percentage, run
from cevscan_analysis.intervals import delta_from_level
from cevscan_analysis.maps import file_of, labels_of, open_maps
from cevscan_analysis.tables import (FORMATS, list_of_notes, plain_table, tell_of_left_out, tell_of_notes, tell_of_profiles,
                                     with_values)
from cevscan_analysis.projection import project

EXAMPLE = 'areas.py csi.h5 si.h5 csi_si.h5 --labels "CsI,Si,CsI + Si" --rank'


def arguments():
    parser = command_line("Areas of allowed regions (Delta chi2 for 2 degrees of freedom) in the product of the axes' units, with\n"
                          "an upper estimate of their error from every second point of the grid. With --rank, combinations are\n"
                          "put in the order of how much they remove of what their best member alone leaves; maps of the members,\n"
                          "one experiment each and of the same exposure, must be among those given, and be complete. A study\n"
                          "stands for all of its planes and exposures, which are ranked one after the other.", EXAMPLE)
    parser.add_argument("--level", type=percentage, default=90, metavar="P", help="confidence level in %% (default: 90)")
    parser.add_argument("--rank", action="store_true", help="rank combinations")
    parser.add_argument("--axes", metavar="X,Y", help="parameters; the others are profiled (default: the map's two); of a study only this plane")
    parser.add_argument("--labels", metavar="A,B,...", help="name of each map in the table")
    parser.add_argument("--format", choices=FORMATS, default="markdown", help="of the table (default: markdown)")
    return parser.parse_args()


def planes_of(path, axes):
    """The map of a file over two axes; of a study all that have two, or those that are named."""
    names = [name.strip() for name in axes.split(",")] if axes else None
    maps = list(open_maps(path))
    if len(maps) > 1:
        planes = [m for m in maps if len(m.axes) == 2 and not m.members]
        planes = [m for m in planes if names is None or sorted(names) == sorted(m.names)]
        if planes and not names:
            tell_of_left_out(path, maps, planes, "an area needs two axes")
        return planes
    return [project(m, names) if names else m for m in maps]


def table_of_areas(maps, labels, level):
    is_whole = all(m.completeness == 1 for m in maps)
    head = ["map", f"area, {level:g} %", "error", "pieces", "reaches an edge", "without values"]
    lines = [head + ["complete"] * (not is_whole)]
    for m, label in zip(maps, labels):
        a = area_of(m, delta_from_level(level, dof=2))
        lines.append([label, f"{a.value:.4g}", f"{a.error:.1g}", str(a.n_island), "yes" if a.touches_edge else "no",
                      f"{a.unknown:.4g}"] + [m.percent_complete] * (not is_whole))
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
                       "plane and exposure")
    lines = [["combination", f"area, {level:g} %", "area of its best member", "left", "error", "pieces",
              "fewest pieces of a member"]]
    for r in ranking:
        lines.append([r.label, f"{r.area.value:.4g}", f"{r.smallest.value:.4g}", f"{r.ratio:.3f}", f"{r.error:.1g}",
                      str(r.area.n_island), str(r.n_island_of_members)])
    return lines


def tell_of_unfinished(maps, is_other_ranked):
    """Which maps are not ranked; where nothing else is there, this is an error."""
    files = list(dict.fromkeys(map(file_of, maps)))
    words = "; ".join(list_of_notes([m for m in maps if file_of(m) == file]) for file in files)
    if maps and not is_other_ranked:
        raise MapError(f"--rank: only complete maps are ranked: {words}")
    if maps:
        complain(f"note: only complete maps are ranked: {words}")


def main():
    options = arguments()
    maps = [m for path in options.maps for m in planes_of(path, options.axes)]
    if not maps:
        raise MapError(f"{options.maps[0]}: has no map of two parameters" + f" {options.axes}" * bool(options.axes))
    labels = labels_of(maps, options.labels)
    if not options.rank:
        kept, labels = with_values([[m] for m in maps], labels)
        maps = [m for m, in kept]
    for m in maps:
        tell_of_profiles([m])
    tell_of_notes([m for m in maps if m.completeness == 1 or not options.rank])
    make = table_of_ranks if options.rank else table_of_areas
    sys.stdout.write(plain_table(make(maps, labels, options.level), options.format))


if __name__ == "__main__":
    run(main)
