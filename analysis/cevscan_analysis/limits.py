# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits in figures: what a map excludes, the allowed band between two excluded regions, and limits from files."""
import math
import os
from dataclasses import dataclass

from .errors import MapError
from .intervals import stretches
from .numeric import np
from .projection import branches_of
from .trust import check_place
from .style import own_words

from matplotlib.ticker import LogLocator


# ---------------------------------------------------------------------------------------------------- limits in files

@dataclass(frozen=True)
class Limit:
    label: str
    lines: list     # of arrays [n][2]


def read_limit(text):
    """The limit FILE[,LABEL]: two numbers on a line, mass and coupling; a blank line starts another stroke."""
    path, _, label = (text, "", "") if os.path.exists(text) else text.partition(",")
    check_place(path)
    with open(path, encoding="utf-8", errors="replace") as file:
        strokes = strokes_of(path, file.read().splitlines())
    if not strokes:
        raise MapError(f"{path}: holds no limit; expected lines of two numbers, mass and coupling")
    stem = os.path.splitext(os.path.basename(path))[0].replace("$", r"\$")
    return Limit(own_words(label.strip()) or stem, [np.array(points) for points in strokes])


def strokes_of(path, rows):
    strokes, current, start = [], [], 0
    for number, row in enumerate(rows + [""], 1):
        words = row.partition("#")[0].replace(",", " ").split()
        if words:
            start = start if current else number
            current.append(point(f"{path}:{number}", words))
        elif not row.strip() and current:
            if len(current) < 2:
                raise MapError(f"{path}:{start}: a single point is no line")
            strokes.append(current)
            current = []
    return strokes


def point(place, words):
    """The two numbers of a line of a file; both can stand on a logarithmic axis."""
    if len(words) != 2:
        raise MapError(f"{place}: expected two numbers, mass and coupling, but there are {len(words)} words")
    values = []
    for word in words:
        try:
            values.append(float(word))
        except ValueError:
            raise MapError(f"{place}: not a number") from None  # what it is may be none of ours to print
        if not 0 < values[-1] < math.inf:
            raise MapError(f"{place}: {word[:60]} is not a positive number")
    return values


DASHES = [(0, (5, 2)), (0, (1.2, 1.4)), (0, (5, 1.5, 1.2, 1.5)), "-"]


def draw_limits(ax, limits):
    """Returns handles, and points all along the lines that a legend must not hide."""
    handles, seen = [], []
    for k, limit in enumerate(limits):
        style = dict(color="0.15", linewidth=1, linestyle=DASHES[k % len(DASHES)], zorder=3)
        for points in limit.lines:
            ax.plot(*points.T, **style)
            i = np.linspace(0, len(points) - 1, 40 * len(points))
            seen.append(np.exp(np.column_stack([np.interp(i, np.arange(len(points)), np.log(x)) for x in points.T])))
        handles += ax.plot([], [], label=limit.label, **style)
    return handles, np.concatenate(seen) if seen else np.empty((0, 2))


def write_decades(ax):
    """A number at every decade of the logarithmic axes, if there are not too many."""
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        if axis.get_scale() == "log" and high < 10**8.5 * low:
            axis.set_major_locator(LogLocator(numticks=12))
            axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=12))


def is_inside(ax, limit):
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    return any(((x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)).any() for x, y in (points.T for points in limit.lines))


# ------------------------------------------------------------------------------------------------------ allowed bands

def band_place(ax, m, cut):
    """A place (x, y) in the middle of the allowed band between two excluded regions, about a third from the left end of the
    stretch of x that has one; None if there is no band."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    places = []
    for piece in branches_of(m):
        (x, y), t = (axis.values for axis in piece.axes), piece.axes[1].to_scale(piece.axes[1].values)
        for i in np.flatnonzero((x0 <= x) & (x <= x1)):
            column = piece.delta_chi2[i]
            inner = [(a, b) for a, b in stretches(column <= cut) if 0 < a and b < len(y) - 1 and not np.isnan(column).any()]
            below = [(a, b) for a, b in inner if (column[:a] > cut).any() and (column[b + 1:] > cut).all()]
            places += [(x[i], float(piece.axes[1].from_scale((t[a] + t[b]) / 2))) for a, b in below[-1:]]
    places = [place for place in places if y0 < place[1] < y1]
    return places[len(places) // 3] if places else None


def name_band(ax, m, cut):
    """Writes "allowed" at the band, above it. Returns points of the words."""
    place = band_place(ax, m, cut)
    if place is None:
        return np.empty((0, 2))
    ax.annotate("allowed", place, xytext=(-18, 26), textcoords="offset points", fontsize=9, ha="center", va="bottom", zorder=5,
                arrowprops=dict(arrowstyle="-|>", linewidth=0.8, color="black", shrinkA=1, shrinkB=0))
    corner = ax.transData.transform(place)
    box = [(dx, dy) for dx in np.linspace(-110, 20, 8) for dy in np.linspace(0, 110, 8)]
    return ax.transData.inverted().transform(corner + np.array(box))
