#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits on light mediators from solar 8B neutrinos in xenon: scans, figures and a table of arXiv:2411.11749, in one command."""
import argparse
import os
import sys

from cevscan_analysis.command import SCRIPTS, MapError, call, command_line, configuration, program, run, write
from cevscan_analysis.files import FORMATS, KNOWN
from cevscan_analysis.mediators import EXPERIMENTS, INTERACTIONS, MASS, SHORT, scan_text

MASSES = "0.001,1,10,100,1000"


def arguments():
    parser = command_line("Scans mass and coupling of each mediator with XENONnT, PandaX-4T (a surrogate: no numbers per bin are\n"
                          "published) and both; draws what is excluded, and makes a table of limits at some masses. Delta chi2\n"
                          "counts from the minimum at each mass. What is there already is not computed again.",
                          "light_mediators.py -o results/light_mediators --interactions scalar,tensor", takes_maps=False)
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="for scan files, maps, figures and tables")
    parser.add_argument("--cevscan", default=program(), metavar="PROGRAM",
                        help="(default: bin/cevscan beside this script's folder, else that of $PATH)")
    parser.add_argument("--template", default=configuration("scans", "light_mediator.yaml"), metavar="SCAN.yaml",
                        help="scan file into which experiments and interaction are put (default: configs/scans/light_mediator.yaml)")
    for name, known in (("interactions", INTERACTIONS), ("experiments", EXPERIMENTS)):
        parser.add_argument(f"--{name}", type=some_of(known), default=list(known), metavar="A,B,...",
                            help=f"some of {', '.join(known)} (default: all)")
    parser.add_argument("--delta", type=float, default=2.71, metavar="D",
                        help="Delta chi2 of the figures (default: 2.71; the paper draws 4.61)")
    parser.add_argument("--formats", type=some_of(KNOWN), default=list(FORMATS), metavar="A,B,...",
                        help=f"of the figures: some of {', '.join(KNOWN)} (default: {','.join(FORMATS)})")
    parser.add_argument("--width", default="column", metavar="W", help="of the figures, as in plot_map.py (default: column)")
    parser.add_argument("--limit", action="append", default=[], metavar="FILE[,LABEL]",
                        help="a limit of others for the figures, as in plot_map.py; can be repeated")
    return parser.parse_args()


def some_of(known):
    def chosen(text):
        names = [word.strip() for word in text.split(",")]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return names
    return chosen


def analysis(name, *words, **options):
    return call(sys.executable, os.path.join(SCRIPTS, name), *map(str, words), **options)


def compute(folder, options):
    """All maps: {interaction: [paths]}."""
    if os.path.realpath(os.path.dirname(options.template)) == os.path.realpath(os.path.join(folder, "scans")):
        raise MapError(f"--template {options.template}: lies where scan files are written; put it elsewhere")
    maps, n = {}, len(options.interactions) * len(options.experiments)
    for interaction in options.interactions:
        for experiment in options.experiments:
            name = f"{experiment}_{interaction}"
            scan, path = (os.path.join(folder, kind, name + end) for kind, end in (("scans", ".yaml"), ("maps", ".h5")))
            write(scan, scan_text(options.template, experiment, interaction))
            maps.setdefault(interaction, []).append(path)
            print(f"[{sum(map(len, maps.values()))}/{n}] {name}", flush=True)
            call(options.cevscan, "run", scan, "-o", path, "--quiet")
    return maps


def draw(folder, interaction, paths, options):
    title, low, high = INTERACTIONS[interaction]
    common = ["--each", MASS, "--excluded", "--delta", options.delta, "--ylim", low, high, "--width", options.width]
    common += [word for limit in options.limit for word in ("--limit", limit)]
    figures = [(interaction, paths)] + [(os.path.splitext(os.path.basename(p))[0], [p]) for p in paths if len(paths) > 1]
    for name, chosen in figures:
        labels = [SHORT.get(e, EXPERIMENTS[e][0]) if len(chosen) > 1 else EXPERIMENTS[e][0]
                  for e, p in zip(options.experiments, paths) if p in chosen]
        alone = [str(k) for k, e in enumerate(options.experiments, 1) if e != "both"] if "both" in options.experiments else []
        lines = ["--outlined", ",".join(alone)] if alone and len(chosen) > 1 else []
        files = [word for kind in options.formats for word in ("-o", os.path.join(folder, f"{name}.{kind}"))]
        analysis("plot_map.py", *chosen, *common, *lines, "--title", title, "--labels", ",".join(labels), *files)


def tabulate(folder, maps):
    """limits.md and limits.csv: every edge of what is allowed, at 2.71 and 4.61."""
    paths = [path for group in maps.values() for path in group]
    labels = ",".join(f"{i}: {EXPERIMENTS[e][0]}" for i, e in
                      ((i, os.path.splitext(os.path.basename(p))[0][:-len(i) - 1]) for i, group in maps.items() for p in group))
    for kind, end in (("markdown", "md"), ("csv", "csv")):
        text = analysis("intervals.py", *paths, "--each", MASS, "--at", MASSES, "--delta", 2.71, "--delta", 4.61, "--labels", labels,
                        "--format", kind, keep_output=True)
        write(os.path.join(folder, f"limits.{end}"), text)


def main():
    options = arguments()
    folder = options.output
    for kind in ("scans", "maps", "figures"):
        os.makedirs(os.path.join(folder, kind), exist_ok=True)
    maps = compute(folder, options)
    for interaction, paths in maps.items():
        print(f"figures: {interaction}", flush=True)
        draw(os.path.join(folder, "figures"), interaction, paths, options)
    tabulate(folder, maps)
    print(f"{folder}: {sum(map(len, maps.values()))} maps in maps/, figures in figures/, limits.md and limits.csv")


if __name__ == "__main__":
    run(main)
