#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws what each pull does to the best fit of a parameter: the pulls by their impacts."""
from cevscan_analysis.command import MapError, command_line, program, run
from cevscan_analysis.expected import impacts, impacts_in
from cevscan_analysis.impact_bars import best_fit_words, draw_impacts, draw_pulls, height_of
from cevscan_analysis.look import MM
from cevscan_analysis.style import add_head, add_output, add_width, figure_format, new_figure, place_one_legend, save, styled, width_in_mm

ABOVE_AND_BELOW_MM = 24


def arguments():
    parser = command_line("The pulls of a scan by what they do to the best fit of a parameter: where the data put each of them, in units\n"
                          "of its uncertainty before the fit, and how far the best fit moves when it is held where chi2 is one above\n"
                          "its minimum and all else is fitted again. The numbers come from `cevscan impacts`, or from a file that\n"
                          "`cevscan impacts SCAN.yaml --json > FILE.json` wrote, which saves the time of fitting anew.",
                          "plot_impacts.py scan.yaml --parameter eps_ee_uV -o impacts.pdf", takes_maps=False)
    parser.add_argument("scan", metavar="SCAN.yaml|FILE.json",
                        help="a scan file, of which all that it scans and profiles is minimised over; or what `cevscan impacts --json` said of it")
    add_output(parser)
    parser.add_argument("--parameter", metavar="NAME", help="whose best fit is looked at (default: the first that is scanned)")
    parser.add_argument("--most", type=int, default=30, metavar="N", help="pulls to show, the largest first (default: 30)")
    parser.add_argument("--title", help="title of the figure; TeX in $...$ (default: the best fit)")
    add_width(parser, "page")
    parser.add_argument("--cevscan", default=program(), metavar="PROGRAM",
                        help="(default: bin/cevscan beside this script's folder, else that of $PATH)")
    options = parser.parse_args()
    if options.most < 1:
        parser.error("--most must be 1 or more")
    if options.parameter and is_json(options.scan):
        parser.error(f"--parameter: {options.scan} has the impacts on one parameter already; give the scan file")
    return options


def is_json(path):
    """As the file's name says: a scan file may be written as JSON, too."""
    return path.lower().endswith(".json")


@styled
def main():
    options = arguments()
    figure_format(options.output)
    found = impacts_in(options.scan) if is_json(options.scan) else impacts(options.scan, options.parameter, options.cevscan)
    if not found["pulls"]:
        raise MapError(f"{options.scan}: its experiments have no pulls")
    n = min(len(found["pulls"]), options.most)
    fig, axes = new_figure(width_in_mm(options.width) * MM, (height_of(n) + ABOVE_AND_BELOW_MM) * MM, columns=2, width_ratios=(2, 3))
    handles = {**draw_pulls(axes[0], found, n), **draw_impacts(axes[1], found, n)}
    place_one_legend(fig, list(handles.values()))
    add_head(fig, options.title or best_fit_words(found))
    save(fig, options.output, [])


if __name__ == "__main__":
    run(main)
