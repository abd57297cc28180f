#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Allowed intervals of one parameter, from cevscan maps."""
import argparse
import csv
import json
import math
import sys
from dataclasses import dataclass

from cevmap import (Axis, MapError, allowed_intervals, command_line, complain, curves_at, curves_of, delta_from_level,
                    labels_of, percentage, read_map, run, tex_of_unit)

EXAMPLE = "intervals.py csi.h5 si.h5 --parameter eps_ee_uV --delta 2.71 --level 95.45 --format latex"
FOOTNOTE = "* end of the values in the map, not of the allowed interval"
NO_BOUND = "none"


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
    parser.add_argument("--delta", dest="cuts", action="append", type=delta, metavar="D",
                        help="largest Delta chi2 that is allowed")
    parser.add_argument("--format", choices=tuple(TABLES), default="markdown", help="of the table (default: markdown)")
    parser.add_argument("--json", action="store_true", help="JSON with all digits instead of a table")
    parser.add_argument("--digits", type=digits, default=3, metavar="N",
                        help="decimals, or digits after the first of scales and of numbers too small or large to be written "
                             "so (default: 3)")
    parser.add_argument("--labels", metavar="A,B,...", help="name of each map in the table")
    options = parser.parse_args()
    if options.at and not options.each:
        parser.error("--at needs --each AXIS")
    return options


@dataclass(frozen=True)
class Row:
    """One line of a table: a map, and what each cut leaves of it."""
    label: str
    axis: Axis
    best_fit: float
    allowed: list
    each: Axis = None       # with --each: the axis, and its value
    at: float = None

    @property
    def parameter(self):
        return self.axis.name


def round_to(value, n_digit):
    text = f"{value:.{n_digit}f}"
    return text.lstrip("-") if float(text) == 0 else text


def significant(value, n_digit):
    """One digit more than `n_digit`, and all digits before the point: 378.0, 1157, 4.6e-06."""
    if not 1e-3 <= abs(value) < 1e6:
        return "0" if value == 0 else f"{value:.{n_digit}e}"
    return f"{value:.{max(0, n_digit - math.floor(math.log10(abs(value))))}f}"


def has_plain_numbers(axis, n_digit):
    """Whether so many decimals can tell the values of an axis apart."""
    if axis.scale == "signed_log" or axis.is_scale_of_new_physics:
        return False
    largest, smallest = abs(axis.values).max(), abs(axis.values[axis.values != 0]).min()
    return 10.0**(1 - n_digit) <= largest < 1e6 and (axis.drawn_scale == "linear" or smallest >= 10.0**-n_digit)


def number(axis, value, n_digit, tex=False):
    """A value of the axis as text."""
    text = (round_to if has_plain_numbers(axis, n_digit) else significant)(value, n_digit)
    mantissa, _, exponent = text.partition("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}" if tex and exponent else text


def infinity(row, value, is_open, tex):
    """A scale that is allowed up to the end of its axis is allowed up to infinity; "" for others."""
    if is_open and row.axis.is_scale_of_new_physics and value in (row.axis.values[0], row.axis.values[-1]):
        return ("-" if value < 0 else "") + (r"\infty" if tex else "∞")
    return ""


def cell(row, allowed, n_digit, tex):
    """[-0.055, 0.051] ∪ [0.350, 0.450*]; for a scale (-∞, -378.0] ∪ [1157, ∞)"""
    def end(value, is_open):
        return number(row.axis, value, n_digit, tex) + "*" * is_open
    parts = []
    for (low, high), (low_open, high_open) in zip(allowed.intervals, allowed.open):
        down = infinity(row, low, low_open, tex) if low < 0 else ""
        up = infinity(row, high, high_open, tex) if high > 0 else ""
        parts.append((f"({down}" if down else f"[{end(low, low_open)}") + ", " + (f"{up})" if up else f"{end(high, high_open)}]"))
    return (r" \cup " if tex else " ∪ ").join(parts) or (r"\text{none}" if tex else "none")


def bound_cell(row, allowed, n_digit, tex):
    if not row.axis.is_scale_of_new_physics or allowed.lower_bound is None:
        return NO_BOUND if row.axis.is_scale_of_new_physics else ""
    return number(row.axis, allowed.lower_bound, n_digit, tex)


def unit(axis, tex):
    """[GeV^-2], or nothing for pure numbers."""
    if axis.units in ("1", ""):
        return ""
    return f" [{tex_of_unit(axis.units) if tex else axis.units}]"


def grid_of_cells(rows, cuts, n_digit, tex):
    wrap = (lambda text: f"${text}$".replace(r"$\text{none}$", "none")) if tex else str
    bounded = any(row.axis.is_scale_of_new_physics for row in rows)
    each = rows[0].each
    head = ["map"] + ([each.name + unit(each, tex)] if each else []) + ["parameter", "best fit"]
    for cut in cuts:
        head += ["lower bound, " + cut.name(tex)] * bounded + [cut.name(tex)]
    lines = []
    for row in rows:
        line = [row.label] + ([f"{row.at:.6g}"] if each else [])
        line += [row.parameter + unit(row.axis, tex), wrap(number(row.axis, row.best_fit, n_digit, tex))]
        for a in row.allowed:
            line += [bound_cell(row, a, n_digit, tex)] * bounded + [wrap(cell(row, a, n_digit, tex))]
        lines.append(line)
    return [head] + lines


def any_open(rows):
    """Whether a star stands in the table."""
    return any("*" in cell(row, a, 3, tex=False) for row in rows for a in row.allowed)


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
    head = [latex_text(text) if rows[0].each and text.startswith(rows[0].each.name) else text for text in head]
    print(r"\begin{tabular}{ll" + "c" * (len(head) - 2) + "}\n\\hline\n" + " & ".join(head) + r" \\" + "\n\\hline")
    n_text = 3 if rows[0].each else 2
    for line in lines:
        print(" & ".join([latex_text(text) for text in line[:n_text]] + line[n_text:]) + r" \\")
    print(r"\hline")
    if any_open(rows):
        print(rf"\multicolumn{{{len(head)}}}{{l}}{{\footnotesize {FOOTNOTE}}}\\")
    print(r"\end{tabular}")


def print_csv(rows, cuts, n_digit):
    """A line per interval; a line with empty ends where nothing is allowed. Scales have their lower bound in a last column."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    bounded = any(row.axis.is_scale_of_new_physics for row in rows)
    each = [rows[0].each.name] if rows[0].each else []
    writer.writerow(["map", *each, "parameter", "level", "delta_chi2", "best_fit", "low", "high", "low_open", "high_open"] +
                    ["lower_bound"] * bounded)
    for row in rows:
        for cut, a in zip(cuts, row.allowed):
            percent = "" if cut.percent is None else f"{cut.percent:g}"
            start = [row.label] + [f"{row.at:.6g}" for _ in each]
            start += [row.parameter, percent, f"{cut.delta:.6g}", number(row.axis, row.best_fit, n_digit)]
            bound = [bound_cell(row, a, n_digit, tex=False).replace(NO_BOUND, "")] * bounded
            for (low, high), is_open in zip(a.intervals, a.open):
                ends = [number(row.axis, x, n_digit) for x in (low, high)]
                writer.writerow(start + ends + [int(o) for o in is_open] + bound)
            if not a.intervals:
                writer.writerow(start + [""] * 4 + bound)


def print_json(rows, cuts):
    objects = []
    for row in rows:
        for cut, a in zip(cuts, row.allowed):
            result = {"parameter": row.parameter, "delta_chi2": cut.delta, "best_fit": row.best_fit,
                      "intervals": a.intervals, "touches_edge": a.touches_edge}
            if row.each:
                result = {"at": {row.each.name: row.at}, **result, "open": a.open}
            if row.axis.is_scale_of_new_physics:
                result.update(open=a.open, lower_bound=a.lower_bound, units=row.axis.units)
            objects.append(dict(result, holes=a.holes) if a.holes else result)
    print(json.dumps(objects if len(objects) > 1 else objects[0], allow_nan=False))


TABLES = {"markdown": print_markdown, "latex": print_latex, "csv": print_csv}


def rows_of(family, label, cuts):
    """A row for each curve of a map that has values."""
    if not any(m.lowest < math.inf for m in family):
        raise MapError(f"{family[0].path}: no point of the map has a value yet")
    rows = []
    for m in family:
        if m.note:
            complain(f"note: {m.path}: {m.names[0] + ': ' if len(family) > 1 else ''}{m.note}")
        axis = m.axes[0]
        if m.lowest < math.inf:
            allowed = [allowed_intervals(axis, m.delta_chi2, cut.delta) for cut in cuts]
            rows.append(Row(label, axis, m.best_fit[axis.name], allowed))
    return rows


def rows_at(path, label, cuts, options):
    """A row for each value of the axis of --each."""
    curves = curves_at(path, options.each, options.parameter, options.at)
    axis = next(a for a in read_map(path).axes if a.name == options.each)
    if curves[0][1].note:
        complain(f"note: {path}: {curves[0][1].note}")
    for wanted, (value, _) in zip(options.at, curves):
        if not math.isclose(wanted, value, rel_tol=1e-4):
            complain(f"note: {path}: computed at {axis.name} = {value:.6g}, which is nearest to {wanted:g}")
    rows = []
    for value, m in curves:
        if m.lowest < math.inf:
            allowed = [allowed_intervals(m.axes[0], m.delta_chi2, cut.delta) for cut in cuts]
            rows.append(Row(label, m.axes[0], m.best_fit[m.names[0]], allowed, axis, value))
    if not rows:
        raise MapError(f"{path}: no value of {options.each} has all its points yet")
    return rows


def print_rows(rows, cuts, options):
    if options.json:
        print_json(rows, cuts)
    else:
        TABLES[options.format](rows, cuts, options.digits)


def main():
    options = arguments()
    cuts = options.cuts or [level("90")]
    if options.each:
        labels = labels_of([read_map(path) for path in options.maps], options.labels)
        rows = [row for path, label in zip(options.maps, labels) for row in rows_at(path, label, cuts, options)]
        return print_rows(rows, cuts, options)
    curves = [curves_of(path, options.parameter) for path in options.maps]
    rows = []
    for family, label in zip(curves, labels_of([family[0] for family in curves], options.labels)):
        rows += rows_of(family, label, cuts)
    print_rows(rows, cuts, options)


if __name__ == "__main__":
    run(main)
