# SPDX-License-Identifier: GPL-3.0-or-later
"""What an entry of the registry of published figures and tables is, and how numbers are compared."""
from dataclasses import dataclass, field

PRINTED, CALCULATED = "printed", "independent calculation"
COLUMN, PAGE = (3.39, 2.45), (7.0, 2.7)     # inches of figures of one panel, and of two side by side


@dataclass(frozen=True)
class Comparison:
    """A published number, or several that belong together, beside ours."""
    quantity: str
    reference: str
    found: str
    deviation: str          # the largest, with its unit; "" if there is no number to compare
    agrees: bool            # within the tolerance of the entry
    reason: str = ""        # why it does not agree; never empty then
    source: str = PRINTED


def nothing(workshop):
    return []


def no_figures(workshop):
    return {}


@dataclass(frozen=True)
class Item:
    """One or several figures or tables of a paper. The functions take a Workshop (papers/workshop.py)."""
    paper: str              # arXiv number
    name: str               # "figure_4", "table_III"
    number: str             # in the paper: "figure 4"
    title: str
    scans: dict = field(default_factory=dict)   # {name of the map: scan as a dict, name of a file of configs/scans, or text}
    figures: object = no_figures    # -> {name of the file without its end: (figure, maps)}
    captions: dict = field(default_factory=dict)    # {name of the figure: caption}
    compare: object = nothing       # -> [Comparison]
    tables: object = nothing        # -> [(caption, [[word, ...], ...])], each with its head
    files: object = no_figures      # -> {name of a file in tables/: text}
    prepare: object = None          # makes experiment files beside the scans, before these are run
    tolerance: str = ""     # of the comparison, in words
    notes: tuple = ()       # what a reader must know
    remarks: object = nothing       # -> [sentence]: notes that depend on the program or on the numbers
    arranged: bool = False  # do the tables hold what is compared? Then only comparisons that differ are listed beside them


def relative(quantity, reference, found, tolerance, reason="", source=PRINTED, form="{:g}", unit=""):
    """Compares a number with a relative tolerance."""
    off = found / reference - 1
    unit = f" {unit}" if unit else ""
    return Comparison(quantity, form.format(reference) + unit, form.format(found) + unit, f"{100 * off:+.2f} %", abs(off) <= tolerance,
                      reason if abs(off) > tolerance else "", source)


def absolute(quantity, reference, found, tolerance, reason="", source=PRINTED, form="{:.3f}"):
    """Compares numbers that belong together, each with its tolerance."""
    off = [b - a for a, b in zip(reference, found)]
    same = len(reference) == len(found) and all(abs(d) <= t for d, t in zip(off, tolerance))
    largest = f"{max(off, key=abs):+.4f}" if form == "{:.3f}" else f"{max(off, key=abs):+.1e}"
    if len(found) != len(reference):
        largest = f"{len(found)} edges for {len(reference)}; {largest} at the first"
    return Comparison(quantity, ", ".join(form.format(x) for x in reference), ", ".join(form.format(x) for x in found),
                      largest, same, "" if same else reason, source)
