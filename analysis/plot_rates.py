#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the expected events of experiments per bin: the signal by flavour, stacked on the backgrounds, and what was observed."""
from cevscan_analysis.command import command_line, complain, program, run
from cevscan_analysis.event_rates import backgrounds_of, counted, draw, sorted_keys
from cevscan_analysis.expected import rates
from cevscan_analysis.style import (add_head, add_output, add_width, figure_format, new_grid, place_one_legend, save, styled,
                                    width_in_mm)

FAINT = 0.1     # signal over background, below which a note says how to see it


def arguments():
    parser = command_line("Expected events in each bin of experiments, one panel for each: signal by flavour, stacked on the\n"
                          "backgrounds, with data points where there are data. Bins of arrival time are summed over. With\n"
                          "--subtract-background the signal alone, and the data less the expected backgrounds; where there are\n"
                          "no data, bars show the standard deviation of the counts. The counts come from `cevscan rates`.",
                          "plot_rates.py -e coherent_csi,xenonnt_8b --interaction eft -o rates.pdf", takes_maps=False)
    parser.add_argument("-e", "--experiments", required=True, metavar="A,B,...", help="names or files, as for `cevscan rates`")
    add_output(parser)
    parser.add_argument("--interaction", default="nsi", metavar="NAME", help="(default: nsi)")
    parser.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE", help="as for `cevscan rates`; can be repeated")
    parser.add_argument("--per-unit", action="store_true", help="events per keV (or photoelectron) in place of events per bin")
    parser.add_argument("--log", action="store_true", help="logarithmic scale of events")
    parser.add_argument("--subtract-background", action="store_true",
                        help="the signal alone; error bars stay those of all that is counted")
    parser.add_argument("--columns", type=int, metavar="N", help="panels side by side (default: as many as there are, up to 3)")
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    add_width(parser, None, "page, or column for panels that are not side by side")
    parser.add_argument("--cevscan", default=program(), metavar="PROGRAM",
                        help="(default: bin/cevscan beside this script's folder, else that of $PATH)")
    options = parser.parse_args()
    if options.columns is not None and options.columns < 1:
        parser.error("--columns must be 1 or more")
    return options


def tell_of_faint(found):
    for name, rate in found.items():
        if rate["signal_total"] < FAINT * rate["background_total"]:
            complain(f"note: {name}: {counted(rate['signal_total'])} events of signal hardly show on {counted(rate['background_total'])} of "
                     "background; --subtract-background leaves the signal")


@styled
def main():
    options = arguments()
    figure_format(options.output)
    found = rates(options.experiments, options.interaction, options.set, options.cevscan)
    columns = min(len(found), options.columns or 3)
    fig, axes = new_grid(len(found), columns, 0.85, options.width and width_in_mm(options.width))
    handles, greys = {}, backgrounds_of(found)
    for ax, (name, rate) in zip(axes, found.items()):
        handles.update(draw(ax, name, rate, options.per_unit, options.log, subtract=options.subtract_background, legend=False, greys=greys))
    if not options.subtract_background and not options.log:
        tell_of_faint(found)
    place_one_legend(fig, list(sorted_keys(handles).values()))
    add_head(fig, options.title)
    save(fig, options.output, [])


if __name__ == "__main__":
    run(main)
