#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Allowed intervals of one parameter, from cevscan maps."""
import argparse
import csv
import json
import math
import sys
from dataclasses import dataclass

from cevmap import (MapError, allowed_intervals, command_line, complain, curve_of, delta_from_level, labels_of, percentage,
                    run)

EXAMPLE = "intervals.py csi.h5 si.h5 --parameter eps_ee_uV --delta 2.71 --level 95.45 --format latex"
FOOTNOTE = "* end of the values in the map, not of the allowed interval"


@dataclass(frozen=True)
class Cut:
    """What is allowed: Delta chi2 <= delta."""
    delta: float
    percent: float = None

    def name(self, tex):
        if self.percent is not None:
            return f"{self.percent:g}" + (r"\,\%" if tex else " %")
        return (r"$\Delta\chi^2 \leq " if tex else "Δχ² ≤ ") + f"{self.delta:g}" + ("$" if tex else "")


def level(text):
    return Cut(delta_from_level(percentage(text), dof=1), float(text))


def delta(text):
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return Cut(value)


def digits(text):
    value = int(text)
    if not 0 <= value <= 15:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 15")
    return value


def arguments():
    parser = command_line("Where Delta chi2 of one parameter lies below a value, for one map or many.\n"
                          "--level and --delta can be repeated. With --json: one object, or a list of them (map by map,\n"
                          "then cut by cut).", EXAMPLE)
    parser.add_argument("--parameter", metavar="NAME", help="the others are profiled (default: the map's only one)")
    parser.add_argument("--level", dest="cuts", action="append", type=level, metavar="P",
                        help="confidence level in %%, 1 degree of freedom (default: 90)")
    parser.add_argument("--delta", dest="cuts", action="append", type=delta, metavar="D",
                        help="largest Delta chi2 that is allowed")
    parser.add_argument("--format", choices=tuple(TABLES), default="markdown", help="of the table (default: markdown)")
    parser.add_argument("--json", action="store_true", help="JSON with all digits instead of a table")
    parser.add_argument("--digits", type=digits, default=3, metavar="N", help="decimals (default: 3)")
    parser.add_argument("--labels", metavar="A,B,...", help="name of each map in the table")
    return parser.parse_args()


@dataclass(frozen=True)
class Row:
    """One line of a table: a map, and what each cut leaves of it."""
    label: str
    parameter: str
    best_fit: float
    allowed: list


def round_to(value, n_digit):
    text = f"{value:.{n_digit}f}"
    return text.lstrip("-") if float(text) == 0 else text


def cell(allowed, n_digit, union, empty):
    """[-0.055, 0.051] ∪ [0.350, 0.450*]"""
    def end(value, is_open):
        return round_to(value, n_digit) + "*" * is_open
    return union.join(f"[{end(low, low_open)}, {end(high, high_open)}]" for (low, high), (low_open, high_open)
                      in zip(allowed.intervals, allowed.open)) or empty


def grid_of_cells(rows, cuts, n_digit, tex):
    union, empty = (r" \cup ", r"\text{none}") if tex else (" ∪ ", "none")
    wrap = (lambda text: f"${text}$".replace(r"$\text{none}$", "none")) if tex else str
    head = ["map", "parameter", "best fit"] + [cut.name(tex) for cut in cuts]
    return [head] + [[row.label, row.parameter, wrap(round_to(row.best_fit, n_digit))] +
                     [wrap(cell(a, n_digit, union, empty)) for a in row.allowed] for row in rows]


def any_open(rows):
    return any(any(pair) for row in rows for a in row.allowed for pair in a.open)


def print_markdown(rows, cuts, n_digit):
    table = [[text.replace("|", r"\|") for text in line] for line in grid_of_cells(rows, cuts, n_digit, tex=False)]
    width = [max(map(len, column)) for column in zip(*table)]
    table.insert(1, ["-" * w for w in width])
    for line in table:
        print("| " + " | ".join(text.ljust(w) for text, w in zip(line, width)) + " |")
    if any_open(rows):
        print("\n" + FOOTNOTE.replace("*", r"\*"))


def latex_text(text):
    """Text as LaTeX; what stands in dollar signs is left alone."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special.update({c: "\\" + c for c in "_&%#{}"})
    parts = text.replace(r"\$", "\0").split("$")
    escaped = ["".join(special.get(c, c) for c in part) if k % 2 == 0 else part for k, part in enumerate(parts)]
    return "$".join(escaped).replace("\0", r"\$")


def print_latex(rows, cuts, n_digit):
    head, *lines = grid_of_cells(rows, cuts, n_digit, tex=True)
    print(r"\begin{tabular}{ll" + "c" * (1 + len(cuts)) + "}\n\\hline\n" + " & ".join(head) + r" \\" + "\n\\hline")
    for label, parameter, *numbers in lines:
        print(" & ".join([latex_text(label), latex_text(parameter)] + numbers) + r" \\")
    print(r"\hline")
    if any_open(rows):
        print(rf"\multicolumn{{{3 + len(cuts)}}}{{l}}{{\footnotesize {FOOTNOTE}}}\\")
    print(r"\end{tabular}")


def print_csv(rows, cuts, n_digit):
    """A line per interval; a line with empty ends where nothing is allowed."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["map", "parameter", "level", "delta_chi2", "best_fit", "low", "high", "low_open", "high_open"])
    for row in rows:
        for cut, a in zip(cuts, row.allowed):
            percent = "" if cut.percent is None else f"{cut.percent:g}"
            start = [row.label, row.parameter, percent, f"{cut.delta:.6g}", round_to(row.best_fit, n_digit)]
            for (low, high), is_open in zip(a.intervals, a.open):
                writer.writerow(start + [round_to(low, n_digit), round_to(high, n_digit)] + [int(o) for o in is_open])
            if not a.intervals:
                writer.writerow(start + [""] * 4)


def print_json(rows, cuts):
    objects = []
    for row in rows:
        for cut, a in zip(cuts, row.allowed):
            result = {"parameter": row.parameter, "delta_chi2": cut.delta, "best_fit": row.best_fit,
                      "intervals": a.intervals, "touches_edge": a.touches_edge}
            objects.append(dict(result, holes=a.holes) if a.holes else result)
    print(json.dumps(objects if len(objects) > 1 else objects[0], allow_nan=False))


TABLES = {"markdown": print_markdown, "latex": print_latex, "csv": print_csv}


def main():
    options = arguments()
    cuts = options.cuts or [level("90")]
    curves = [curve_of(path, options.parameter) for path in options.maps]
    rows = []
    for m, label in zip(curves, labels_of(curves, options.labels)):
        if not m.lowest < math.inf:
            raise MapError(f"{m.path}: no point of the map has a value yet")
        if m.note:
            complain(f"note: {m.path}: {m.note}")
        axis = m.axes[0]
        allowed = [allowed_intervals(axis, m.delta_chi2, cut.delta) for cut in cuts]
        rows.append(Row(label, axis.name, m.best_fit[axis.name], allowed))
    if options.json:
        print_json(rows, cuts)
    else:
        TABLES[options.format](rows, cuts, options.digits)


if __name__ == "__main__":
    run(main)
