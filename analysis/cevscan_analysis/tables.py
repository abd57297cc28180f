# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of allowed intervals in Markdown, CSV, LaTeX and JSON.

    >>> cuts = [Cut.of_level(90), Cut(4)]
    >>> rows = rows_of(curves_of("csi.h5"), "CsI", cuts)
    >>> print(markdown(rows, cuts), latex(rows, cuts))
"""
import csv
import io
import json
import math
from dataclasses import dataclass

from .axes import Axis, tex_of_unit
from .command import MapError, complain
from .intervals import allowed_intervals, delta_from_level
from .maps import file_of, open_map
from .projection import curves_at, note_of_profiles

FOOTNOTE = "* end of the values in the map, not of the allowed interval"
FOOTNOTE_OF_BEST_FIT = "† at the end of the values in the map; the best fit may lie behind it"
NO_BOUND = "none"


@dataclass(frozen=True)
class Cut:
    """What is allowed: Delta chi2 <= delta."""
    delta: float
    percent: float = None

    @classmethod
    def of_level(cls, percent):
        """At a confidence level in %, for one degree of freedom."""
        return cls(delta_from_level(percent, dof=1), percent)

    def name(self, tex):
        if self.percent is not None:
            return f"{self.percent:g}" + (r"\,\%" if tex else " %")
        return (r"$\Delta\chi^2 \leq " if tex else "Δχ² ≤ ") + f"{self.delta:g}" + ("$" if tex else "")


@dataclass(frozen=True)
class Row:
    """One line of a table: a map, and what each cut leaves of it."""
    label: str
    axis: Axis
    best_fit: float
    allowed: list
    each: Axis = None       # with --each: the axis, and its value
    at: float = None
    at_end: bool = False    # does the best fit lie at the end of the axis?

    @property
    def parameter(self):
        return self.axis.name

    @property
    def typeset(self):
        """The parameter in TeX, if the map has such a name."""
        return self.axis.long_name if "$" in self.axis.long_name else self.axis.name


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


def best_fit_cell(row, n_digit, tex):
    return number(row.axis, row.best_fit, n_digit, tex) + (r"^\dagger" if tex else "†") * row.at_end


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
        line += [(row.typeset if tex else row.parameter) + unit(row.axis, tex), wrap(best_fit_cell(row, n_digit, tex))]
        for a in row.allowed:
            line += [bound_cell(row, a, n_digit, tex)] * bounded + [wrap(cell(row, a, n_digit, tex))]
        lines.append(line)
    return [head] + lines


def any_open(rows):
    """Whether a star stands in the table."""
    return any("*" in cell(row, a, 3, tex=False) for row in rows for a in row.allowed)


def footnotes(rows):
    return [FOOTNOTE] * any_open(rows) + [FOOTNOTE_OF_BEST_FIT] * any(row.at_end for row in rows)


def padded(table):
    """Lines of cells as a Markdown table, with the columns as wide as their widest cell. The first line is the head."""
    table = [[text.replace("|", r"\|") for text in line] for line in table]
    width = [max(map(len, column)) for column in zip(*table)]
    table.insert(1, ["-" * w for w in width])
    return ["| " + " | ".join(text.ljust(w) for text, w in zip(line, width)) + " |" for line in table]


def markdown(rows, cuts, n_digit=3):
    """The table as text, one line per row, with the columns padded so that it can be read as it is."""
    lines = padded(grid_of_cells(rows, cuts, n_digit, tex=False))
    for text in footnotes(rows):
        lines += ["", text.replace("*", r"\*")]
    return "\n".join(lines) + "\n"


def latex_text(text):
    """Text as LaTeX; what stands in dollar signs is left alone."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special.update({c: "\\" + c for c in "_&%#{}"})
    parts = text.replace(r"\$", "\0").split("$")
    escaped = ["".join(special.get(c, c) for c in part) if k % 2 == 0 else part for k, part in enumerate(parts)]
    return "$".join(escaped).replace("\0", r"\$")


def latex(rows, cuts, n_digit=3):
    """The table as a tabular environment."""
    head, *lines = grid_of_cells(rows, cuts, n_digit, tex=True)
    head = [latex_text(text) if rows[0].each and text.startswith(rows[0].each.name) else text for text in head]
    text = [r"\begin{tabular}{ll" + "c" * (len(head) - 2) + "}", r"\hline", " & ".join(head) + r" \\", r"\hline"]
    n_text = 3 if rows[0].each else 2
    for line in lines:
        text.append(" & ".join([latex_text(word) for word in line[:n_text]] + line[n_text:]) + r" \\")
    text.append(r"\hline")
    for note in footnotes(rows):
        words = note.replace("†", r"$\dagger$")
        text.append(rf"\multicolumn{{{len(head)}}}{{l}}{{\footnotesize {words}}}\\")
    return "\n".join(text + [r"\end{tabular}"]) + "\n"


def comma_separated(rows, cuts, n_digit=3):
    """A line per interval; a line with empty ends where nothing is allowed. Scales have their lower bound in a last column,
    and where a best fit lies at the end of its axis, a column says of which."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    bounded = any(row.axis.is_scale_of_new_physics for row in rows)
    each, any_end = [rows[0].each.name] if rows[0].each else [], any(row.at_end for row in rows)
    writer.writerow(["map", *each, "parameter", "level", "delta_chi2", "best_fit", "low", "high", "low_open", "high_open"] +
                    ["lower_bound"] * bounded + ["best_fit_at_end"] * any_end)
    for row in rows:
        for cut, a in zip(cuts, row.allowed):
            percent = "" if cut.percent is None else f"{cut.percent:g}"
            start = [row.label] + [f"{row.at:.6g}" for _ in each]
            start += [row.parameter, percent, f"{cut.delta:.6g}", number(row.axis, row.best_fit, n_digit)]
            bound = [bound_cell(row, a, n_digit, tex=False).replace(NO_BOUND, "")] * bounded + [int(row.at_end)] * any_end
            for (low, high), is_open in zip(a.intervals, a.open):
                ends = [number(row.axis, x, n_digit) for x in (low, high)]
                writer.writerow(start + ends + [int(o) for o in is_open] + bound)
            if not a.intervals:
                writer.writerow(start + [""] * 4 + bound)
    return text.getvalue()


def as_json(rows, cuts):
    """An object, or a list of them if there are several rows or cuts; with all digits."""
    objects = []
    for row in rows:
        for cut, a in zip(cuts, row.allowed):
            result = {"parameter": row.parameter, "delta_chi2": cut.delta, "best_fit": row.best_fit,
                      "intervals": a.intervals, "touches_edge": a.touches_edge}
            if row.at_end:
                result["best_fit_at_end"] = True
            if row.each:
                result = {"at": {row.each.name: row.at}, **result, "open": a.open}
            if row.axis.is_scale_of_new_physics:
                result.update(open=a.open, lower_bound=a.lower_bound, units=row.axis.units)
            objects.append(dict(result, holes=a.holes) if a.holes else result)
    return json.dumps(objects if len(objects) > 1 else objects[0], allow_nan=False) + "\n"


TABLES = {"markdown": markdown, "latex": latex, "csv": comma_separated}


FORMATS = tuple(TABLES)
FILE_ENDS = {"markdown": "md", "latex": "tex", "csv": "csv"}


def with_error(value, error, most=5):
    """0.0236 ± 0.0001: the error rounded up to one digit, and not more decimals than `most`."""
    decimals = most if error <= 0 else min(most, max(0, -math.floor(math.log10(error))))
    error = math.ceil(error * 10**decimals - 1e-9) / 10**decimals
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def plain_table(lines, form):
    """A table of words, its head first, in one of FORMATS."""
    if form == "markdown":
        return "\n".join(padded(lines)) + "\n"
    if form == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(lines)
        return text.getvalue()
    body = [" & ".join(map(latex_text, line)) + r" \\" for line in lines]
    return "\n".join([r"\begin{tabular}{l" + "c" * (len(lines[0]) - 1) + "}", r"\hline", body[0], r"\hline", *body[1:], r"\hline",
                      r"\end{tabular}"]) + "\n"


# -------------------------------------------------------------------------------------------------------------- rows

def tell_of_end(m, axis):
    """Does the best fit of a curve lie at the end of its axis? Then a note says so."""
    end = m.end_of_axis(axis.name)
    if end is not None:
        complain(f"note: {m.path}: the best fit lies at the end of the axis {axis.name}, {end:.6g}")
    return end is not None


def tell_of_profiles(maps):
    """A note of what the grid does not resolve."""
    note = note_of_profiles(maps)
    if note:
        complain(f"note: {maps[0].path}: {note}")


MANY = 4    # maps of a file that are named in one line


def list_of_notes(maps):
    """"FILE: MAP 57.1% complete, ...": of maps of the same file."""
    file = file_of(maps[0])
    words = [f"{m.path[len(file):].lstrip(':')} {m.note}".strip() for m in maps]
    return f"{file}: " + "; ".join(words[:MANY]) + f"; and {len(words) - MANY} more" * (len(words) > MANY)


def tell_of_notes(maps):
    """A line for each file of what a reader of numbers from its maps must know."""
    files = {}
    for m in maps:
        if m.note:
            files.setdefault(file_of(m), []).append(m)
    for found in files.values():
        complain(f"note: {list_of_notes(found)}")


def tell_of_left_out(path, maps, kept, need):
    """One line, if some of the maps of a study are not of the kind that is needed."""
    kinds = {}
    for m in maps:
        if not any(m is other for other in kept):
            kind = "parameters in turn" if m.members else f"{len(m.axes)} ax{'i' if len(m.axes) == 1 else 'e'}s"
            kinds[kind] = kinds.get(kind, 0) + 1
    if kinds:
        words = " and ".join(f"{n} ha{'s' if n == 1 else 've'} {kind}" for kind, n in kinds.items())
        complain(f"note: {path}: {sum(kinds.values())} of {len(maps)} maps are left out: {need}, and {words}")


def with_values(families, labels):
    """Those lists of maps, with their labels, that have any; a line tells of others."""
    found = [pair for pair in zip(families, labels) if any(m.lowest < math.inf for m in pair[0])]
    if not found:
        raise MapError(f"{families[0][0].path}: no point of the map has a value yet")
    if len(found) < len(families):
        complain(f"note: {len(families) - len(found)} of {len(families)} maps are left out: no point of them has a value yet")
    return zip(*found)


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
            rows.append(Row(label, axis, m.best_fit[axis.name], allowed, at_end=tell_of_end(m, axis)))
    tell_of_profiles(family)
    return rows


def rows_at(path, label, cuts, each, parameter=None, at=()):
    """A row for each value of the axis `each`, or for those nearest to `at`."""
    m = open_map(path)
    curves = curves_at(m, each, parameter, at)
    axis = next(a for a in m.axes if a.name == each)
    if curves[0][1].note:
        complain(f"note: {m.path}: {curves[0][1].note}")
    for wanted, (value, _) in zip(at, curves):
        if not math.isclose(wanted, value, rel_tol=1e-4):
            complain(f"note: {m.path}: computed at {axis.name} = {value:.6g}, which is nearest to {wanted:g}")
    rows = []
    for value, curve in curves:
        if curve.lowest < math.inf:
            allowed = [allowed_intervals(curve.axes[0], curve.delta_chi2, cut.delta) for cut in cuts]
            own = curve.axes[0]
            rows.append(Row(label, own, curve.best_fit[own.name], allowed, axis, value, own.end_at(curve.best_fit[own.name]) is not None))
    tell_of_profiles([curve for _, curve in curves])
    if not rows:
        raise MapError(f"{m.path}: no value of {each} has all its points yet")
    return rows
