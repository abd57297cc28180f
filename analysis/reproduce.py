#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rebuilds the tables and figures of three papers, with a report: what is published beside what comes out."""
import argparse
import multiprocessing
import os
import signal
import subprocess
import time

from cevscan_analysis.command import MapError, command_line, complain, program, run, write
from cevscan_analysis.papers import ITEMS, chosen, name_of
from cevscan_analysis.papers.report import Result, write_report
from cevscan_analysis.papers.workshop import Progress, Workshop
from cevscan_analysis.style import empty_panels, save_all, styled

MOST_PROCESSES = 8  # each holds some maps

EXAMPLE = "reproduce.py -o results/reproduction --only 2411.11749,2208.11771/table_IV"


def arguments():
    parser = command_line("Scans, draws and compares what the program covers of arXiv:2208.11771, 2409.04703 and 2411.11749, and\n"
                          "writes report.md, report.html (one file, pictures inside) and numbers.csv. Maps that are there already\n"
                          "are not computed again: after an interruption, the same command goes on.", EXAMPLE, takes_maps=False)
    parser.add_argument("-o", "--output", default="results/reproduction", metavar="FOLDER", help="(default: results/reproduction)")
    parser.add_argument("--only", type=entries, default=ITEMS, metavar="A,B,...",
                        help="entries whose PAPER/NAME is or begins so; --list shows them (default: all)")
    parser.add_argument("--list", action="store_true", help="list the entries, and do nothing")
    parser.add_argument("--cevscan", default=program(), metavar="PROGRAM",
                        help="(default: bin/cevscan beside this script's folder, else that of $PATH)")
    return parser.parse_args()


def entries(text):
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if not chosen([word]):
            raise argparse.ArgumentTypeError(f"no entry begins with {word}; there are {', '.join(map(name_of, ITEMS))}")
    return chosen(words)


def version(cevscan):
    try:
        return subprocess.run([cevscan, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise MapError(f"{cevscan}: {getattr(error, 'strerror', None) or error}; build it with make") from None


def scans_of(items):
    """All scans, each once: entries share them."""
    return {name: scan for item in items for name, scan in item.scans.items()}


@styled
def draw(item, workshop):
    """Names of the pictures of an entry. Raises MapError if a panel came out empty."""
    names = []
    for name, (fig, maps) in item.figures(workshop).items():
        empty = empty_panels(fig)
        if empty:
            raise MapError(f"{name}: {empty} of its panels are empty")
        fig.set_layout_engine("none")   # all is in its place: it need not be found anew for each format
        save_all(fig, workshop.path("figures", name, ""), maps)
        names.append(name)
    return names


def made_of(item, workshop):
    """What a Result holds beside its entry; or the exception that ended it."""
    try:
        files = item.files(workshop)
        for name, text in files.items():
            write(workshop.path("tables", name, ""), text)
        return draw(item, workshop), item.compare(workshop), item.tables(workshop), tuple(files), tuple(item.remarks(workshop))
    except (MapError, OSError, SystemExit) as error:    # the last does not come out of another process by itself
        return error


def begin(items, workshop):
    """In a process that makes entries: an interruption is for its parent, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _entries[:] = items
    _place[:] = [workshop]


def entry(k):
    return made_of(_entries[k], *_place)


_entries, _place = [], []   # of a process that makes entries


def all_made(items, workshop):
    """made_of() each entry, in their order, by as many processes as there are processors."""
    n = min(len(os.sched_getaffinity(0)), len(items), MOST_PROCESSES)
    if n < 2:
        yield from (made_of(item, workshop) for item in items)
        return
    with multiprocessing.get_context("fork").Pool(n, begin, (items, workshop)) as pool:
        yield from pool.imap(entry, range(len(items)))


def reproduce(items, folder, cevscan):
    """Maps, pictures and comparisons of the entries: [Result]."""
    workshop, scans = Workshop(folder, cevscan), scans_of(items)
    progress = Progress(len(scans) + len(items))
    for item in items:
        if item.prepare:
            item.prepare(workshop)
    workshop.produce(scans, progress)
    results = []
    for item, made in zip(items, all_made(items, workshop)):
        progress.step("figures and tables", name_of(item))
        if isinstance(made, BaseException):
            raise made
        results.append(Result(item, *made))
    progress.end()
    return results


def main():
    options, start = arguments(), time.monotonic()
    if options.list:
        print("\n".join(f"{name_of(item):44} {item.number}: {item.title}" for item in options.only))
        return
    by = version(options.cevscan)
    results = reproduce(options.only, options.output, options.cevscan)
    wrong = write_report(options.output, results, by)
    for line in wrong:
        complain(line)
    numbers = [c for r in results for c in r.comparisons]
    print(f"{options.output}: {sum(len(r.figures) for r in results)} pictures, {len(numbers)} comparisons, of which "
          f"{sum(not c.agrees for c in numbers)} differ and say why: report.html ({time.monotonic() - start:.0f} s)")
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    run(main)
