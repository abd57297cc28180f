#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the contours of two-dimensional cevscan maps as numbers: CSV, JSON or HDF5."""
import sys

from cevscan_analysis.command import (MapError, add_labels, add_only, add_selection, command_line, complain, deltas, labels_given,
                                      percentages, run)

EXAMPLE = "export_contours.py study.h5 --set ess_csi --where years=3 --levels 68,90 -o contours.csv"


def arguments():
    parser = command_line("The lines Delta chi2 = constant as plot_map.py draws them, refined alike, piece by piece. Along a line "
                          "what is allowed\nlies to the left; closed pieces say whether they go around what is allowed or around "
                          "a hole.\nplot_map.py and plot_panels.py read the file back: --limit contours.csv.", EXAMPLE)
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write: .csv, .json or .h5 (default: CSV on stdout)")
    parser.add_argument("--levels", type=percentages, metavar="P,P,...",
                        help="confidence levels in %% for 2 degrees of freedom (default, as in plot_map.py: 68,90,95 for one map, 90 "
                             "for several). Lines of several levels are refined together, as in a figure of them")
    parser.add_argument("--delta", type=deltas, metavar="D,D,...", help="values of Delta chi2 in place of --levels")
    parser.add_argument("--filled", action="store_true",
                        help="edges of the filled regions: closed along the border of the grid where a region ends there")
    parser.add_argument("--axes", metavar="X,Y", help="parameters; the others are profiled (default: the map's two); of a study only this plane")
    parser.add_argument("--each", metavar="AXIS",
                        help="count Delta chi2 from the minimum at each value of this axis, for 1 degree of freedom")
    add_selection(parser)
    add_only(parser, "write")
    add_labels(parser, "name of each map in the file")
    return parser.parse_args()


def main():
    options = arguments()
    from cevscan_analysis.contour_files import Contours, about, as_csv, check_target, kind_of, write_contours
    from cevscan_analysis.contour_pieces import contour_lines
    from cevscan_analysis.intervals import delta_from_level
    from cevscan_analysis.maps import labels_of
    from cevscan_analysis.notes import tell_of_grids
    from cevscan_analysis.planes import labels_by_plane, only_those, planes_of
    from cevscan_analysis.projection import from_each
    from cevscan_analysis.tables import tell_of_notes, tell_of_profiles, with_values
    if options.output:
        kind_of(options.output)
        check_target(options.output)
    maps = planes_of(options.maps, options.axes, options.sets, options.where, "contours need two axes")
    maps, labels = only_those(maps, labels_by_plane(maps), options.only)
    labels = labels_of(maps, labels_given(options)) if labels_given(options) else labels
    kept, labels = with_values([[m] for m in maps], labels)
    maps = [from_each(m, options.each) if options.each else m for m, in kept]
    dof, level = 1 if options.each else 2, options.levels or ([68, 90, 95] if len(maps) == 1 else [90])
    found = [Contours(about(m, label, dof, options.each, options.filled), contour_lines(m, level, options.delta, dof, options.filled))
             for m, label in zip(maps, labels)]
    tell_of_profiles(maps)
    tell_of_notes(maps)
    tell_of_grids(maps, options.delta or [delta_from_level(p, dof) for p in level])
    for one in found:
        if not one.pieces:
            complain(f"note: {one.about['map']}: no contour passes through the map")
    if not any(one.pieces for one in found):
        raise MapError("there is no contour to write")
    if options.output:
        write_contours(options.output, found)
    else:
        sys.stdout.write(as_csv(found))


if __name__ == "__main__":
    run(main)
