#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the expected events of experiments per bin: the signal by flavour, stacked on the backgrounds, and what was observed."""
from cevscan_analysis.command import command_line, program, run
from cevscan_analysis.rates import draw, rates
from cevscan_analysis.style import figure_format, new_figure, own_words, save


def arguments():
    parser = command_line("Expected events in each bin of experiments, one panel for each: signal by flavour, stacked on the\n"
                          "backgrounds, with data points where there are data. Bins of arrival time are summed over. The counts\n"
                          "come from `cevscan rates`.", "plot_rates.py -e coherent_csi,xenonnt_8b --interaction eft -o rates.pdf",
                          takes_maps=False)
    parser.add_argument("-e", "--experiments", required=True, metavar="A,B,...", help="names or files, as for `cevscan rates`")
    parser.add_argument("-o", "--output", required=True, metavar="FIGURE", help="figure to write: .pdf or .png")
    parser.add_argument("--interaction", default="nsi", metavar="NAME", help="(default: nsi)")
    parser.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE", help="as for `cevscan rates`; can be repeated")
    parser.add_argument("--per-unit", action="store_true", help="events per keV (or photoelectron) in place of events per bin")
    parser.add_argument("--log", action="store_true", help="logarithmic scale of events")
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    parser.add_argument("--cevscan", default=program(), metavar="PROGRAM",
                        help="(default: bin/cevscan beside this script's folder, else that of $PATH)")
    return parser.parse_args()


def main():
    options = arguments()
    figure_format(options.output)
    found = rates(options.experiments, options.interaction, options.set, options.cevscan)
    columns = min(len(found), 3)
    rows = -(-len(found) // columns)
    fig, axes = new_figure(3.6 * columns, 2.9 * rows, rows, columns, squeeze=False)
    for ax, (name, rate) in zip(axes.flat, found.items()):
        draw(ax, name, rate, options.per_unit, options.log)
    for ax in axes.flat[len(found):]:
        ax.set_visible(False)
    if options.title:
        fig.suptitle(own_words(options.title))
    save(fig, options.output, [])


if __name__ == "__main__":
    run(main)
