# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of figures as numbers: edges of the regions Delta chi2 <= a value, refined as they are drawn.

    >>> for piece in contour_lines(open_map("csi.h5"), level=90): print(piece.number, piece.closed, piece.inside, piece.x, piece.y)

Along a line, what is allowed lies to the left: a closed line that runs anticlockwise goes around an allowed region, one that
runs clockwise around a hole in it. A line that is not closed ends at the border of the grid, or of a place without values.
"""
from __future__ import annotations

import itertools
from dataclasses import dataclass

from .errors import MapError
from .intervals import delta_from_level
from .lines import contours_of
from .numeric import np

MOVE = 1        # in matplotlib's paths: here another ring begins


@dataclass(frozen=True)
class Piece:
    """A line of equal Delta chi2, in units of the axes."""
    x: np.ndarray           # float [n]
    y: np.ndarray
    closed: bool            # is its last point its first?
    level: float            # confidence level in %; None where Delta chi2 was given
    delta: float            # Delta chi2
    number: int             # from 1, among the pieces of this map and level

    @property
    def inside(self):
        """What a closed line goes around: "allowed" or "excluded"; "" of a line that is open."""
        return ("allowed" if signed_area(self.x, self.y) > 0 else "excluded") if self.closed else ""


def signed_area(x, y):
    """Of a polygon, positive if it runs anticlockwise. Counted from its first point, for digits."""
    x, y = x - x[0], y - y[0]
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def contour_lines(m, level=90, delta=None, dof=2, filled=False):
    """The pieces of the lines at one confidence level in % or a list of them, or at values of Delta chi2: [Piece], level by
    level. `dof`: degrees of freedom of the levels (1 for maps of from_each()). `filled`: edges of the regions that are
    filled, with the parts of the border of the grid that belong to them, so that all are closed. Lines of several levels
    are refined together, as in a figure of them."""
    if len(m.axes) != 2 or m.members:
        raise MapError(f"{m.path}: contours need two axes, not {', '.join(m.names)}")
    cuts = [(None, float(d)) for d in _listed(delta)] if delta is not None else \
        [(float(p), delta_from_level(p, dof)) for p in _listed(level)]
    if not cuts or not all(0 < d < np.inf for _, d in cuts):
        raise MapError(f"{m.path}: contours need values of Delta chi2 above zero")
    found = {cut: [] for cut in cuts}
    for contour, cut in zip(contours_of(m, [d for _, d in cuts]), itertools.cycle(cuts)):
        found[cut] += _regions(contour) if filled else [_line(points) for points in contour.lines]
    return [Piece(xy[:, 0], xy[:, 1], closed, *cut, number)
            for cut, lines in found.items() for number, (xy, closed) in enumerate(lines, 1)]


def _listed(values):
    return list(values) if isinstance(values, (list, tuple, set, np.ndarray)) else [values]


def _line(points):
    """The line the other way round, and is it closed? Some come back to where they began with another last digit."""
    points = points[::-1].copy()
    off, size = np.abs(points[-1] - points[0]), np.abs(points).max(axis=0)
    closed = bool(len(points) > 3 and (off <= 1e-12 * size).all())
    if closed:
        points[-1] = points[0]
    return points, closed


def _regions(contour):
    """The outer edges of all pieces of a region, each with its holes after it."""
    return [ring for points, codes in contour.polygons() for ring in _rings(points, codes)]


def _rings(points, codes):
    starts = [*np.flatnonzero(codes == MOVE), len(codes)]
    rings = [points[a:b] for a, b in zip(starts, starts[1:])]
    outer = signed_area(*rings[0].T) > 0
    return [(np.concatenate((ring[:-1], ring[:1])), True) for ring in (rings if outer else [ring[::-1] for ring in rings])]
