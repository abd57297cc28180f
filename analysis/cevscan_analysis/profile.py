# SPDX-License-Identifier: GPL-3.0-or-later
"""Minima along an axis of a map, between the points of its grid where the grid is fine enough to tell.

The lowest of the points lies above the minimum by up to an eighth of the bend of Delta chi2 between them, and so a
valley oblique to the axes makes steps. The parabola through the lowest point and its neighbours removes them where
Delta chi2 is a parabola; where it is not, as between two walls that are a step apart, it may lie anywhere, also far
below. So it is drawn twice, through the next neighbours and through those after them, in the coordinate in which the
axis is even, and is believed where both agree, and does not lie below what the map allows. Elsewhere the lowest point
is taken as it is, which is never below the minimum, and the grid is called too coarse there.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

from .numeric import np

# Largest error of a minimum in units of Delta chi2, beside that in proportion to it; it is small in every figure.
ALLOWED_ERROR, ALLOWED_FRACTION = 0.05, 0.01
# The error at the vertex is what the parabola misses the next points by, in proportion to the cubic that vanishes at its
# own three: a sixteenth on an even grid. Twice that, to be safe. A term of fourth order makes a quarter of it.
SAFETY = 2
# It may miss them by so much of what it rises to them: else it is an accident.
LARGEST_MISS = 1 / 4
# Largest weight of a neighbour in the vertex of a parabola, which lies within half a step of the lowest point.
WEIGHT_OF_NEIGHBOUR = 3 / 8


@dataclass(frozen=True)
class Points:
    """Values on a grid, and how far above the truth they may lie. All have the shape of the grid."""
    delta_chi2: np.ndarray
    chi2: np.ndarray
    error: np.ndarray       # in units of Delta chi2, an estimate
    at_edge: np.ndarray     # bool: the minimum along an axis that is gone lay at its end
    bound: float            # no minimum lies below

    @property
    def is_coarse(self):
        with np.errstate(invalid="ignore"):
            return self.error > allowed_error(self.delta_chi2)

    def transposed(self, order):
        return replace(self, **{name: getattr(self, name).transpose(order)
                                for name in ("delta_chi2", "chi2", "error", "at_edge")})


def allowed_error(delta):
    return ALLOWED_ERROR + ALLOWED_FRACTION * np.maximum(delta, 0)


def of_map(m):
    """Points of a map. What it was made of by profiling goes with them."""
    error = m.projected.error if m.projected else np.zeros(m.delta_chi2.shape)
    edge = m.projected.at_edge if m.projected else np.zeros(m.delta_chi2.shape, bool)
    return Points(m.delta_chi2, m.chi2, error, edge, min(0.0, m.lowest))


def along(points, k, axis):
    """The minimum along dimension k, whose axis is given: Points with a dimension less. NaN only where all is NaN."""
    t, parts = axis.to_scale(axis.values), []
    for branch in axis.branches:
        ends = _ends(axis, branch)
        parts.append(_of_branch(replace(points, **{
            name: np.moveaxis(getattr(points, name), k, -1)[..., branch] for name in ("delta_chi2", "chi2", "error", "at_edge")
        }), t[branch], ends))
    return parts[0] if len(parts) == 1 else _lower_of(*parts)


def _ends(axis, branch):
    """Are the first and the last point of a branch ends behind which the minimum may lie? Infinity is none."""
    far = axis.is_scale_of_new_physics
    return (not (far and branch.start == 0 and len(axis.branches) > 1), not (far and branch.stop == len(axis.values)))


def _of_branch(points, t, ends):
    """Along the last dimension, with the coordinates t [n]."""
    v = np.where(np.isnan(points.delta_chi2), np.inf, points.delta_chi2)
    value, error = _vertices(v, points, t)
    i = value.argmin(axis=-1)[..., None]
    pick = lambda values: np.take_along_axis(values, i, -1)[..., 0]
    low = pick(value)
    with np.errstate(invalid="ignore"):
        off = low - (value - error).min(axis=-1)  # another valley may be deeper between its points
        chi2 = pick(points.chi2) - (pick(points.delta_chi2) - low)
    at_end = (ends[0] & (i[..., 0] == 0)) | (ends[1] & (i[..., 0] == len(t) - 1))
    void, known = np.isnan(points.delta_chi2).all(axis=-1), np.isfinite(low)
    return Points(np.where(void, np.nan, low), np.where(known, chi2, np.where(void, np.nan, low)),
                  np.where(known, off, 0.0), (at_end | pick(points.at_edge)) & known, points.bound)


def _vertices(v, points, t):
    """The lowest value around each point [..., n], and how far above the truth that may be."""
    value, off = v.copy(), points.error.copy()
    for i in range(1, len(t) - 1):
        lowest = np.isfinite(v[..., i]) & (v[..., i] <= v[..., i - 1]) & (v[..., i] <= v[..., i + 1])
        lowest &= np.isfinite(v[..., i - 1]) & np.isfinite(v[..., i + 1])
        if lowest.any():
            # Where a valley runs against the end of an axis that is gone, the minimum along it has a kink.
            edge = points.at_edge[lowest]
            smooth = (edge[:, i - 1] == edge[:, i]) & (edge[:, i] == edge[:, i + 1])
            value[..., i][lowest], off[..., i][lowest] = \
                _vertex(v[lowest], points.error[lowest], t, i, points.bound, smooth)
    if len(t) > 2:
        for i, inner, slope_sign in ((0, 1, 1), (len(t) - 1, len(t) - 2, -1)):
            off[..., i] += SAFETY * _drop_beside_the_end(v, t, i, inner, slope_sign)
    return value, off


def _drop_beside_the_end(v, t, i, inner, sign):
    """How far below the end point i of an axis a minimum between it and the next point may lie: the vertex of the
    parabola through the last three, if it lies inside."""
    slope, bend = _parabola(v, t, inner)
    at_end = slope + 2 * bend * (t[i] - t[inner])       # the slope of the parabola at the end
    with np.errstate(invalid="ignore", divide="ignore"):
        drop = np.where((bend > 0) & (sign * at_end < 0) & (v[..., i] <= v[..., inner]), at_end**2 / (4 * bend), 0.0)
    return np.where(np.isfinite(drop), drop, 0.0)


def _vertex(v, error, t, i, bound, smooth):
    """Value and error of lines v [m, n] that have a minimum at point i, inside; `smooth`: those that a parabola can follow."""
    low, allowed = v[:, i], allowed_error(v[:, i])
    slope, bend = _parabola(v, t, i)
    with np.errstate(invalid="ignore", divide="ignore"):
        drop = np.where(slope == 0, 0.0, slope**2 / (4 * bend))
    others = (i - 2, i + 2)     # what the parabola must foretell, on both sides
    around = error[:, [i - 1, i + 1]].max(axis=1)
    off = error[:, i] + WEIGHT_OF_NEIGHBOUR * around
    if i >= 2 and i + 2 < len(t):
        miss = [np.abs(v[:, k] - low - (slope + bend * (t[k] - t[i])) * (t[k] - t[i])) for k in others]
        rise = [bend * (t[k] - t[i])**2 for k in others]
        off = off + SAFETY * np.max([_share(t, i, k) * a for a, k in zip(miss, others)], axis=0)
        regular = smooth & np.all([a <= LARGEST_MISS * b for a, b in zip(miss, rise)], axis=0)
    else:       # beside the end of an axis there is less to compare with
        off, regular = off + SAFETY * drop, False
    fine = regular & (off <= allowed) & (low - drop >= bound - allowed)
    room = np.maximum(low - bound, 0)
    coarse = np.minimum(np.maximum(drop, off), room)
    return np.where(fine, np.maximum(low - drop, np.minimum(bound, low)), low), np.where(fine, off, coarse)


def _share(t, i, k):
    """Of a cubic that vanishes at point i and its neighbours: its largest value half way to them, by that at point k."""
    cubic = lambda x: abs((x - t[i - 1]) * (x - t[i]) * (x - t[i + 1]))
    return max(cubic((t[i] + t[j]) / 2) for j in (i - 1, i + 1)) / cubic(t[k])


def _parabola(v, t, i):
    """Through point i and its neighbours: slope there, and half the second derivative."""
    with np.errstate(invalid="ignore"):
        left, right = ((v[..., k] - v[..., i]) / (t[k] - t[i]) for k in (i - 1, i + 1))     # slopes of two chords
        bend = (right - left) / (t[i + 1] - t[i - 1])
        return left - bend * (t[i - 1] - t[i]), bend


def _lower_of(a, b):
    """Of two branches, point by point."""
    take_b = ~(a.delta_chi2 <= b.delta_chi2) & ~np.isnan(b.delta_chi2)
    value = np.where(take_b, b.delta_chi2, a.delta_chi2)
    with np.errstate(invalid="ignore"):
        off = value - np.fmin(a.delta_chi2 - a.error, b.delta_chi2 - b.error)
    return Points(value, np.where(take_b, b.chi2, a.chi2), np.where(np.isfinite(value), off, 0.0),
                  np.where(take_b, b.at_edge, a.at_edge), a.bound)
