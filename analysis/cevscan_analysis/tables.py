# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of allowed intervals in Markdown, CSV, LaTeX and JSON.

    >>> cuts = [Cut.of_level(90), Cut(4)]
    >>> rows = rows_of(curves_of("csi.h5"), "CsI", cuts)
    >>> print(markdown(rows, cuts), latex(rows, cuts))
"""
import json
import math
from dataclasses import dataclass

from .axes import Axis, tex_of_unit
from .command import complain
from .errors import MapError
from .intervals import allowed_intervals, delta_from_level, level_text
from .maps import open_map
from .notes import (list_of_notes, tell_of_crowd, tell_of_end, tell_of_left_out, tell_of_notes, tell_of_profiles, tell_of_single,
                    with_values)
from .projection import curves_at
from .roles import note_of_roles
from .typeset import (FILE_ENDS, FORMATS, csv_table, latex_cell, latex_text, markdown_table, number, of_error, plain_table, round_to, significant,
                      sure_digits, tabular, with_error, with_sides)

__all__ = ["FILE_ENDS", "FORMATS", "TABLES", "Cut", "Row", "as_json", "comma_separated", "latex", "footnotes_of_maps", "latex_text", "list_of_notes", "markdown",
           "number", "of_error", "pivot", "plain_table", "round_to", "rows_at", "rows_of", "significant", "tell_of_crowd", "tell_of_edges", "tell_of_end", "tell_of_left_out",
           "tell_of_notes", "tell_of_profiles", "tell_of_single", "with_error", "with_values"]

FOOTNOTE = "* end of the values in the map, not of the allowed interval"
FOOTNOTE_OF_BEST_FIT = "† at the end of the values in the map; the best fit may lie behind it"
NO_BOUND = "none"
FEW = 4     # rows that have notes of their own


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
            return level_text(self.percent) + (r"\,\%" if tex else " %")
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
    note: str = ""          # what was minimised over, and what is constrained

    @property
    def parameter(self):
        return self.axis.name

    @property
    def typeset(self):
        """The parameter in TeX, if the map has such a name."""
        return self.axis.long_name if "$" in self.axis.long_name else self.axis.name


def infinity(row, value, is_open, tex):
    """A scale that is allowed up to the end of its axis is allowed up to infinity; "" for others."""
    if is_open and row.axis.is_scale_of_new_physics and value in (row.axis.values[0], row.axis.values[-1]):
        return ("-" if value < 0 else "") + (r"\infty" if tex else "∞")
    return ""


def cell(row, allowed, n_digit, tex, sides=False):
    """[-0.055, 0.051] ∪ [0.350, 0.450*]; for a scale (-∞, -378.0] ∪ [1157, ∞). With `sides`, the interval that holds the best fit
    is written around it: 0.229 +0.088 -0.099."""
    def end(value, is_open, error):
        return number(row.axis, value, n_digit, tex, error) + "*" * is_open
    parts = []
    for (low, high), (low_open, high_open), off in zip(allowed.intervals, allowed.open, errors_of(allowed)):
        down = infinity(row, low, low_open, tex) if low < 0 else ""
        up = infinity(row, high, high_open, tex) if high > 0 else ""
        if sides and low <= row.best_fit <= high and not (down or up):
            marks = ("*" * low_open, "*" * high_open)
            sure = min(sure_digits(row.axis, x, n_digit, error) for x, error in zip((low, high), off))
            parts.append(with_sides(row.axis, row.best_fit, row.best_fit - low, high - row.best_fit, sure, tex, marks))
        else:
            parts.append((f"({down}" if down else f"[{end(low, low_open, off[0])}") + ", " +
                         (f"{up})" if up else f"{end(high, high_open, off[1])}]"))
    return (r" \cup " if tex else " ∪ ").join(parts) or (r"\text{none}" if tex else "none")


def errors_of(allowed):
    """Of the ends of its intervals."""
    return allowed.errors or [(0.0, 0.0)] * len(allowed.intervals)


def tell_of_edges(rows, n_digit):
    """A note for each row with an edge that is less sure than the last digit that would be written; at most a few."""
    found = []
    for row in rows:
        off = [(error, x) for a in row.allowed for pair, errors in zip(a.intervals, errors_of(a)) for x, error in zip(pair, errors)
               if sure_digits(row.axis, x, n_digit, error) < n_digit]
        if off:
            at = f" at {row.each.name} = {row.at:.6g}" if row.each else ""
            error, x = max(off)
            found.append(f"{row.label}{at}: {row.parameter}: the grid of {len(row.axis.values)} points leaves the edge near {x:.2g} "
                         f"uncertain by {error:.1g}")
    for text in found[:FEW]:
        complain(f"note: {text}")
    if len(found) > FEW:
        complain(f"note: and edges of {len(found) - FEW} more rows")


def bound_cell(row, allowed, n_digit, tex):
    if not row.axis.is_scale_of_new_physics or allowed.lower_bound is None:
        return NO_BOUND if row.axis.is_scale_of_new_physics else ""
    error = max([e for pair, errors in zip(allowed.intervals, errors_of(allowed)) for x, e in zip(pair, errors)
                 if abs(x) == allowed.lower_bound], default=0)
    return number(row.axis, allowed.lower_bound, n_digit, tex, error)


def best_fit_cell(row, n_digit, tex):
    return number(row.axis, row.best_fit, n_digit, tex) + (r"^\dagger" if tex else "†") * row.at_end


def unit(axis, tex):
    """[GeV^-2], or nothing for pure numbers."""
    if axis.units in ("1", ""):
        return ""
    return f" [{tex_of_unit(axis.units) if tex else axis.units}]"


def in_math(text, tex):
    return f"${text}$".replace(r"$\text{none}$", NO_BOUND) if tex else text


def parameter_cell(row, tex):
    return latex_text(row.typeset) + unit(row.axis, tex) if tex else row.parameter + unit(row.axis, tex)


def grid_of_cells(rows, cuts, n_digit, tex, sides=False):
    """Head and lines; in TeX if it shall be."""
    bounded = any(row.axis.is_scale_of_new_physics for row in rows)
    each, plain = rows[0].each, latex_text if tex else str
    head = ["map"] + ([plain(each.name) + unit(each, tex)] if each else []) + ["parameter", "best fit"]
    for cut in cuts:
        head += ["lower bound, " + cut.name(tex)] * bounded + [cut.name(tex)]
    lines = []
    for row in rows:
        line = [plain(row.label)] + ([latex_cell(f"{row.at:.6g}") if tex else f"{row.at:.6g}"] if each else [])
        line += [parameter_cell(row, tex), in_math(best_fit_cell(row, n_digit, tex), tex)]
        for a in row.allowed:
            bound = bound_cell(row, a, n_digit, tex)
            line += [bound if bound in ("", NO_BOUND) else in_math(bound, tex)] * bounded
            line.append(in_math(cell(row, a, n_digit, tex, sides), tex))
        lines.append(line)
    return [head] + lines


def pivot(rows, cuts, form="markdown", n_digit=3, sides=False):
    """A line for each label, a column for each parameter (and cut, if there are several): what is allowed of it; of a scale of new
    physics its lower bound."""
    tex = form == "latex"
    labels, parameters, found = dict.fromkeys(row.label for row in rows), {}, {}
    for row in rows:
        if (row.label, row.parameter) in found:
            raise MapError(f"--pivot: two maps of {row.parameter} have the label {row.label}; choose with --set, --where or --labels")
        found[row.label, row.parameter] = row
        parameters.setdefault(row.parameter, parameter_cell(row, tex))
    head = [f"map, {cuts[0].name(tex)}" if len(cuts) == 1 else "map"]
    head += [name + (f", {cut.name(tex)}" if len(cuts) > 1 else "") for name in parameters.values() for cut in cuts]
    lines = [[latex_text(label) if tex else label] + [_pivot_cell(found.get((label, name)), k, n_digit, tex, sides)
                                                      for name in parameters for k in range(len(cuts))] for label in labels]
    if form == "csv":
        return csv_table([head, *lines])
    return tabular(head, lines, footnotes(rows)) if tex else markdown_table([head, *lines], footnotes(rows))


def _pivot_cell(row, k, n_digit, tex, sides):
    if row is None:
        return ""
    bound = bound_cell(row, row.allowed[k], n_digit, tex)
    if bound and bound != NO_BOUND:
        return in_math(f"> {bound}", tex)
    return in_math(cell(row, row.allowed[k], n_digit, tex, sides), tex)


def any_open(rows):
    """Whether a star stands in the table."""
    return any("*" in cell(row, a, 3, tex=False) for row in rows for a in row.allowed)


def footnotes(rows):
    return [FOOTNOTE] * any_open(rows) + [FOOTNOTE_OF_BEST_FIT] * any(row.at_end for row in rows) + \
        notes_by_label([row.label for row in rows], [row.note for row in rows])


def notes_by_label(labels, notes):
    """One for all of which it is the same; else with their labels."""
    if len(set(notes)) == 1:
        return [notes[0]] * bool(notes[0])
    found = {}
    for label, note in zip(labels, notes):
        found.setdefault(note, {})[label] = None
    return [f"{', '.join(own)}: {note}" for note, own in found.items() if note]


def footnotes_of_maps(maps, labels):
    return notes_by_label(labels, list(map(note_of_roles, maps)))


def markdown(rows, cuts, n_digit=3, sides=False):
    """The table as text, one line per row, with the columns padded so that it can be read as it is."""
    return markdown_table(grid_of_cells(rows, cuts, n_digit, False, sides), footnotes(rows))


def latex(rows, cuts, n_digit=3, sides=False):
    """The table as a tabular environment, with the rules of booktabs."""
    head, *lines = grid_of_cells(rows, cuts, n_digit, True, sides)
    return tabular(head, lines, footnotes(rows), n_text=3 if rows[0].each else 2)


def comma_separated(rows, cuts, n_digit=3, sides=False):
    """A line per interval; a line with empty ends where nothing is allowed. Scales have their lower bound in a last column,
    and where a best fit lies at the end of its axis, a column says of which. With `sides`: how far the ends of its interval are
    from the best fit."""
    bounded = any(row.axis.is_scale_of_new_physics for row in rows)
    each, any_end = [rows[0].each.name] if rows[0].each else [], any(row.at_end for row in rows)
    any_note = any(row.note for row in rows)
    table = [["map", *each, "parameter", "level", "delta_chi2", "best_fit", "low", "high", "low_open", "high_open"] +
             ["minus", "plus"] * sides + ["lower_bound"] * bounded + ["best_fit_at_end"] * any_end + ["note"] * any_note]
    for row in rows:
        for cut, a in zip(cuts, row.allowed):
            percent = "" if cut.percent is None else level_text(cut.percent)
            start = [row.label] + [f"{row.at:.6g}" for _ in each]
            start += [row.parameter, percent, f"{cut.delta:.6g}", number(row.axis, row.best_fit, n_digit)]
            bound = [bound_cell(row, a, n_digit, tex=False).replace(NO_BOUND, "")] * bounded + [int(row.at_end)] * any_end + [row.note] * any_note
            for (low, high), is_open, errors in zip(a.intervals, a.open, errors_of(a)):
                around = low <= row.best_fit <= high
                off = [number(row.axis, x, n_digit) if around else "" for x in (row.best_fit - low, high - row.best_fit)] * sides
                table.append(start + [number(row.axis, x, n_digit, error=e) for x, e in zip((low, high), errors)] + [int(o) for o in is_open] + off + bound)
            if not a.intervals:
                table.append(start + [""] * (4 + 2 * sides) + bound)
    return csv_table(table)


def as_json(rows, cuts):
    """An object, or a list of them if there are several rows or cuts; with all digits."""
    objects = []
    for row in rows:
        for cut, a in zip(cuts, row.allowed):
            result = {"parameter": row.parameter, "delta_chi2": cut.delta, "best_fit": row.best_fit,
                      "intervals": a.intervals, "touches_edge": a.touches_edge}
            if row.at_end:
                result["best_fit_at_end"] = True
            if row.note:
                result["note"] = row.note
            if row.each:
                result = {"at": {row.each.name: row.at}, **result, "open": a.open}
            if row.axis.is_scale_of_new_physics:
                result.update(open=a.open, lower_bound=a.lower_bound, units=row.axis.units)
            objects.append(dict(result, holes=a.holes) if a.holes else result)
    return json.dumps(objects if len(objects) > 1 else objects[0], allow_nan=False) + "\n"


TABLES = {"markdown": markdown, "latex": latex, "csv": comma_separated}


# -------------------------------------------------------------------------------------------------------------- rows

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
            rows.append(Row(label, axis, m.best_fit[axis.name], allowed, at_end=tell_of_end(m, axis), note=note_of_roles(m)))
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
            rows.append(Row(label, own, curve.best_fit[own.name], allowed, axis, value, own.end_at(curve.best_fit[own.name]) is not None,
                            note_of_roles(m)))
    tell_of_profiles([curve for _, curve in curves])
    if not rows:
        raise MapError(f"{m.path}: no value of {each} has all its points yet")
    return rows
