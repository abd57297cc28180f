# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of others, and contours of one's own, out of files: what is drawn of them, and in which panel."""
import math
import os
import re
from dataclasses import dataclass, replace

from .command import complain
from .contour_files import read_contours
from .errors import MapError
from .intervals import level_text
from .numeric import np
from .trust import check_place

STYLES = ("line", "filled", "hatched")


@dataclass(frozen=True)
class Limit:
    label: str
    lines: list             # of arrays [n][2], in units of the axes
    path: str = ""
    rows: tuple = ()        # for each line of a text file, the numbers of its rows
    names: tuple = None     # of the axes, where the file says so
    panel: int = None       # from 1, where the command says so
    style: str = "line"     # or filled, or hatched
    number: int = 0         # in the order of looks
    is_named: bool = False  # has its label been given by the user?

    @property
    def open_pieces(self):
        """Numbers, from 1, of the lines that do not end where they begin."""
        return [k for k, xy in enumerate(self.lines, 1) if not np.allclose(xy[0], xy[-1], rtol=1e-9, atol=0)]


def add_limits(parser, in_panels=False):
    """--limit and what goes with it: limits_given(options)."""
    which = "[N:]FILE[,LABEL]" if in_panels else "FILE[,LABEL]"
    more = (" In the panel with its axes, or, if the file does not name them, in the N-th." if in_panels else "")
    parser.add_argument("--limit", action="append", default=[], metavar=which,
                        help="draw a limit of others; can be repeated. A file of export_contours.py, or a text with two numbers on a line, "
                             "in the units of the figure's x and y axis, with blanks or a comma between; # starts a comment, and an "
                             "empty line or nan nan another piece. The first comma of the argument ends the file's name." + more)
    parser.add_argument("--limit-label", action="append", default=[], metavar="TEXT",
                        help="name of a limit, which may hold commas and TeX in $...$; repeated, for one --limit after the other")
    parser.add_argument("--limit-style", action="append", default=[], choices=STYLES,
                        help="how it is drawn (default: line): once for all limits, or repeated for one after the other")
    parser.add_argument("--limit-in-place", action="store_true", help="write the names of limits beside them, not into the legend")


def limits_given(options, in_panels=False):
    """[Limit] of the command line."""
    if options.limit_in_place and not options.limit:
        complain("note: --limit-in-place places the names of limits, and there is no --limit")
    n, labels, styles = len(options.limit), options.limit_label, options.limit_style
    if len(labels) > n:
        raise MapError(f"--limit-label is there {len(labels)} times, but --limit {n}")
    if len(styles) not in (0, 1, n):
        raise MapError(f"--limit-style is there {len(styles)} times, but --limit {n}")
    styles = styles * n if len(styles) == 1 else styles or ["line"] * n
    labels = labels + [None] * (n - len(labels))
    found = [replace(limit, style=style) for text, label, style in zip(options.limit, labels, styles)
             for limit in read_limits(text, label, in_panels)]
    looks = list(dict.fromkeys((limit.label, limit.style) for limit in found))      # the same name looks alike in every panel
    return [replace(limit, number=looks.index((limit.label, limit.style))) for limit in found]


def read_limits(text, label=None, in_panels=False):
    """The limits in FILE[,LABEL]; contours of several maps or levels are several limits."""
    path, panel, own = _split(text, in_panels)
    label = label or own.strip() or None
    check_place(path)
    contours = read_contours(path)
    if contours is not None:
        found = _of_contours(path, contours, label)
    else:
        with open(path, encoding="utf-8", errors="replace") as file:
            pieces = pieces_of(path, file.read().splitlines())
        stem = os.path.splitext(os.path.basename(path))[0].replace("$", r"\$")
        found = [Limit(label or stem, [xy for xy, _ in pieces], path, tuple(rows for _, rows in pieces))] if pieces else []
    if not found:
        raise MapError(f"{path}: holds no limit; expected lines of two numbers, x and y")
    return [replace(limit, panel=panel, is_named=label is not None) for limit in found]


def _split(text, in_panels):
    """File, number of the panel, label."""
    if os.path.exists(text):
        return text, None, ""
    with_panel = re.fullmatch(r"(\d+):(.*)", text, re.DOTALL) if in_panels else None
    if with_panel:
        path, _, label = _split(with_panel[2], False)
        return path, int(with_panel[1]), label
    path, _, label = text.partition(",")
    return path, None, label


def _of_contours(path, contours, label):
    """One for each map and level. Where there are several, their own names are added to the label."""
    found, several = [], len({str(one.about.get("label")) for one in contours if one.pieces}) > 1
    for one in contours:
        cuts = dict.fromkeys((p.level, p.delta) for p in one.pieces)
        for level, delta in cuts:
            words = label or str(one.about.get("label") or os.path.basename(path))
            words += f", {one.about.get('label')}" * bool(label and several)
            if len(cuts) > 1 or not label:
                words += f", {level_text(level)}%" if level is not None else rf", $\Delta\chi^2 = {delta:g}$"
            lines = [np.column_stack((p.x, p.y)) for p in one.pieces if (p.level, p.delta) == (level, delta)]
            found.append(Limit(words, lines, path, names=tuple(one.names)))
    return found


# ------------------------------------------------------------------------------------------------------------ text files

def pieces_of(path, rows):
    """[(points [n][2], numbers of their rows)] of each piece; an empty row ends one, or two numbers nan."""
    pieces, points, numbers = [], [], []
    for number, row in enumerate([*rows, ""], 1):
        words = row.partition("#")[0].replace(",", " ").replace(";", " ").split()
        if words and [word.lower().lstrip("+-") for word in words] != ["nan"] * 2:
            points.append(point(f"{path}:{number}", words, re.search(r"\d,\d", row)))
            numbers.append(number)
        elif points and (words or not row.strip()):
            if len(points) < 2:
                raise MapError(f"{path}:{numbers[0]}: a single point is no line")
            pieces.append((np.array(points), numbers))
            points, numbers = [], []
    return pieces


def point(place, words, has_comma=False):
    """The two numbers of a row of a file; `has_comma`: there is a comma between digits."""
    if len(words) != 2:
        raise MapError(f"{place}: expected two numbers, x and y, but there are {len(words)} words" + (
            "; if a comma stands for the decimal point, write a point" if has_comma else ""))
    values = []
    for word in words:
        try:
            values.append(float(word))
        except ValueError:
            raise MapError(f"{place}: not a number; a heading or remark begins with #") from None  # what it is may be none of ours to print
        if not math.isfinite(values[-1]):
            raise MapError(f"{place}: {word[:60]} is not a finite number")
    return values


# ---------------------------------------------------------------------------------------------------------------- panels

def placed(limits, planes):
    """The limits of each panel: [[Limit]]. `planes`: the two axes of each. A limit that names its axes goes where they are,
    whichever is drawn along x; another one to the panel that the command names, or to the only one."""
    found = [[] for _ in planes]
    for limit in limits:
        for k in _panels_of(limit, planes):
            names = tuple(axis.name for axis in planes[k])
            turned = limit.names is not None and limit.names != names
            here = replace(limit, lines=[xy[:, ::-1] for xy in limit.lines], names=names) if turned else limit
            check_signs(here, planes[k])
            found[k].append(here)
    return found


def _panels_of(limit, planes):
    names = [tuple(axis.name for axis in plane) for plane in planes]
    fits = [k for k, own in enumerate(names) if limit.names is None or sorted(own) == sorted(limit.names)]
    there = "; ".join(dict.fromkeys(", ".join(own) for own in names))
    if not fits:
        raise MapError(f"{limit.path}: its axes are {', '.join(limit.names)}, and those of the figure {there}")
    if limit.panel is not None:
        if not 1 <= limit.panel <= len(planes):
            raise MapError(f"--limit {limit.panel}:{limit.path}: there are {len(planes)} panels")
        if limit.panel - 1 not in fits:
            raise MapError(f"--limit {limit.panel}:{limit.path}: its axes are {', '.join(limit.names)}, and those of the panel "
                           f"{', '.join(names[limit.panel - 1])}")
        return [limit.panel - 1]
    if limit.names is None and len(planes) > 1:
        raise MapError(f"{limit.path}: does not name its axes; say in which of the {len(planes)} panels it lies, with "
                       f"--limit N:{limit.path}")
    return fits


def check_signs(limit, plane):
    """Refuses what cannot stand on a logarithmic axis, at its place."""
    for n, xy in enumerate(limit.lines):
        for k, axis in enumerate(plane):
            bad = np.flatnonzero(xy[:, k] <= 0) if axis.drawn_scale == "log" else ()
            if len(bad):
                place = f"{limit.path}:{limit.rows[n][bad[0]]}" if limit.rows else f"{limit.path}: piece {n + 1}"
                raise MapError(f"{place}: {xy[bad[0], k]:g} is not a positive number, and the axis {axis.name} is logarithmic")
