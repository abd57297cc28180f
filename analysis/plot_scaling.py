#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws what measure_scaling.py has measured: speed-up of the same scan, and efficiency with as many points for each core."""
import json

from cevscan_analysis.command import MapError, run
from cevscan_analysis.parsing import Parser
from cevscan_analysis.style import (GREY, MM, add_output, add_width, colour, figure_format, line_style, new_figure, save, styled,
                                    width_in_mm)


def arguments():
    parser = Parser(description=__doc__, epilog="example: plot_scaling.py scaling.json -o scaling.pdf")
    parser.add_argument("measured", metavar="JSON", help="what measure_scaling.py wrote")
    add_output(parser)
    add_width(parser, "column")
    return parser.parse_args()


def read(path):
    try:
        with open(path) as file:
            return json.load(file)["results"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MapError(f"{path}: cannot be read as a measurement of scaling: {error}") from None


def family(result):
    """Layouts with as many threads a rank form a line; one rank with all cores is a line of its own."""
    if result["ranks"] == 1 and result["threads"] > 1:
        return "1 rank, all threads"
    return f"{result['threads']} thread{'s' if result['threads'] > 1 else ''} a rank"


def draw_lines(axes, results, kind, value):
    own = [r for r in results if r["kind"] == kind]
    for k, name in enumerate(dict.fromkeys(map(family, own))):
        line = sorted((r["cores"], r[value]) for r in own if family(r) == name or r["cores"] == 1)
        axes.plot(*zip(*line), color=colour(k), linestyle=line_style(k), marker="o", markersize=3, label=name)


@styled
def main():
    options = arguments()
    figure_format(options.output)
    results, width = read(options.measured), width_in_mm(options.width) * MM
    fig, (top, bottom) = new_figure(width, 1.2 * width, rows=2, sharex=True)
    cores = sorted({r["cores"] for r in results})
    top.plot(cores, [c / cores[0] for c in cores], color=GREY, linewidth=0.8, label="ideal")
    draw_lines(top, results, "strong", "speed_up")
    draw_lines(bottom, results, "weak", "efficiency")
    bottom.axhline(1, color=GREY, linewidth=0.8)
    for axes in (top, bottom):
        axes.set_xscale("log", base=2)
        axes.set_xticks(cores, map(str, cores))
        axes.minorticks_off()
        axes.set_xlim(0.9 * cores[0], 1.1 * cores[-1])
    top.set_yscale("log", base=2)
    top.set_yticks([c / cores[0] for c in cores], [f"{c / cores[0]:g}" for c in cores])
    top.set_ylabel("strong: speed-up")
    bottom.set_ylabel("weak: efficiency")
    bottom.set_ylim(0, 1.1)
    bottom.set_xlabel("cores")
    top.legend(frameon=False, loc="upper left")
    save(fig, options.output, [])


if __name__ == "__main__":
    run(main)
