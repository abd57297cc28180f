#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Allowed intervals of one parameter, from cevscan maps."""
import argparse
import sys

from cevscan_analysis.command import (MapError, add_labels, add_only, add_selection, command_line, delta, labels_given, percentage,
                                      run)
from cevscan_analysis.labels import escaped, marked
from cevscan_analysis.maps import labels_of, open_maps, select, titles_of
from cevscan_analysis.planes import only_those
from cevscan_analysis.projection import curves_of
from cevscan_analysis.tables import TABLES, Cut, as_json, pivot, rows_at, rows_of, tell_of_edges, tell_of_left_out, with_values

EXAMPLE = "intervals.py csi.h5 si.h5 --parameter eps_ee_uV --delta 2.71 --level 95.45 --format latex"


def level(text):
    return Cut.of_level(percentage(text))


def cut(text):
    return Cut(delta(text))


def digits(text):
    value = int(text)
    if not 0 <= value <= 15:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 15")
    return value


def values(text):
    return [float(word) for word in text.split(",")]


def arguments():
    parser = command_line("Where Delta chi2 of one parameter lies below a value, for one map or many.\n"
                          "--level and --delta can be repeated. With --json: one object, or a list of them (map by map,\n"
                          "then parameter by parameter of a scan of several in turn, then cut by cut). A scale of new\n"
                          "physics has a lower bound: the smallest that is allowed with either sign of its coefficient.",
                          EXAMPLE)
    parser.add_argument("--parameter", metavar="NAME",
                        help="the others are profiled (default: the map's only one, or all that it scans in turn)")
    parser.add_argument("--each", metavar="AXIS",
                        help="a row for each value of this axis, with Delta chi2 counted from the minimum there: limits on a "
                             "coupling at each mass")
    parser.add_argument("--at", type=values, default=(), metavar="V,V,...",
                        help="with --each, only at the computed values that come nearest to these")
    parser.add_argument("--level", dest="cuts", action="append", type=level, metavar="P",
                        help="confidence level in %%, 1 degree of freedom (default: 90)")
    parser.add_argument("--delta", dest="cuts", action="append", type=cut, metavar="D",
                        help="largest Delta chi2 that is allowed")
    parser.add_argument("--format", choices=tuple(TABLES), default="markdown", help="of the table (default: markdown)")
    parser.add_argument("--json", action="store_true", help="JSON with all digits instead of a table")
    parser.add_argument("--digits", type=digits, default=3, metavar="N",
                        help="decimals, or digits after the first of scales and of numbers too small or large to be written "
                             "so (default: 3)")
    parser.add_argument("--sides", action="store_true",
                        help="write the interval that holds the best fit around it: 0.229 +0.088 -0.099")
    parser.add_argument("--pivot", action="store_true", help="a line for each map, a column for each parameter: detector by coupling")
    add_selection(parser)
    add_only(parser, "list")
    add_labels(parser, "name of each map in the table; with --pivot, of each line")
    options = parser.parse_args()
    if options.at and not options.each:
        parser.error("--at needs --each AXIS")
    if options.pivot and (options.each or options.json):
        parser.error("--pivot goes with neither --each nor --json")
    return options


def wanted(path, parameter, each):
    """The map of a file; of a study those of one parameter, or of several in turn (among them the one that is named);
    with --each, those of this axis and another one."""
    maps = list(open_maps(path))
    if len(maps) == 1:
        return maps
    named = lambda names: parameter is None or parameter in names
    if each:
        found = [m for m in maps if not m.members and len(m.axes) == 2 and each in m.names and named(m.names)]
    else:
        found = [m for m in maps if m.members or len(m.axes) == 1]
        found = [m for m in found if named([member.names[0] for member in m.members or [m]])]
    if not found:
        what = f"the parameter {parameter} alone" if parameter else "one parameter"
        raise MapError(f"{path}: has no map of " + (f"the axis {each} and another one" if each else what) +
                       ("" if each else profile_of_planes([m for m in maps if not m.members and named(m.names)])))
    if not each and parameter is None:
        tell_of_left_out(path, maps, found, "intervals are of one parameter")
    return found


def profile_of_planes(planes):
    """What to do where a parameter is there in maps of several alone."""
    more = f", and {len(planes) - 1} more" if len(planes) > 1 else ""
    return f"; maps that hold it with others are profiled where they are named one by one: {planes[0].path}{more}" if planes else ""


def pivot_labels(families):
    """A label for each line of a table with a column for each parameter: maps of different ones may have the same."""
    maps = [family[0] for family in families]
    for names in titles_of(maps):
        keys = [(name, m.names[0]) for name, family in zip(names, families) for m in family]
        if all(names) and len(set(keys)) == len(keys):
            return [marked(escaped(name), m) for name, m in zip(names, maps)]
    return labels_of(maps)


def renamed(labels, given):
    """Labels of lines, with those of --labels in place of them, in the order of first mention."""
    old = list(dict.fromkeys(labels))
    if len(given) != len(old):
        raise MapError(f"--labels names {len(given)} lines, but there are {len(old)}: {', '.join(old)}")
    return [given[old.index(label)] for label in labels]


def labels_of_families(families, options):
    """Families of curves that are wanted, and a label for each."""
    maps, given = [family[0] for family in families], labels_given(options)
    if options.pivot or options.only:
        labels = pivot_labels(families) if options.pivot else labels_of(maps)
        families, labels = only_those(families, labels, options.only)
        return families, (renamed(labels, given) if given else labels)
    return families, labels_of(maps, given)


def table(rows, cuts, options):
    if options.json:
        return as_json(rows, cuts)
    if options.pivot:
        return pivot(rows, cuts, options.format, options.digits, options.sides)
    return TABLES[options.format](rows, cuts, options.digits, options.sides)


def main():
    options = arguments()
    cuts = options.cuts or [level("90")]
    maps = select([m for path in options.maps for m in wanted(path, options.parameter, options.each)], options.sets, options.where)
    families = [[m] if options.each else curves_of(m, options.parameter) for m in maps]
    rows = []
    families, labels = labels_of_families(families, options)
    if len(families) > 1 and not options.each:
        families, labels = with_values(families, labels)
    for family, label in zip(families, labels):
        rows += rows_at(family[0], label, cuts, options.each, options.parameter, options.at) if options.each else \
            rows_of(family, label, cuts)
    tell_of_edges(rows, options.digits)
    sys.stdout.write(table(rows, cuts, options))


if __name__ == "__main__":
    run(main)
