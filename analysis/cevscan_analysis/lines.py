# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of equal Delta chi2, and the regions between them, out of the refined grid; and how well the map's grid resolves them."""
from __future__ import annotations

from dataclasses import dataclass, replace

from .cells import fractions
from .numeric import np
from .projection import branches_of
from .refined import gentle_half, refine, squeeze

ENOUGH = 0.25       # relative change of an area up to which a figure of its region can be believed

ENOUGH_POINTS = 240 # along an axis, for an area
STRAIGHT = 1e-3     # relative error of an area because edges are straight between so many points


@dataclass(frozen=True)
class Contour:
    """Of a map without gaps: its refined grid, and the level on it."""
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray       # [y, x]: squeezed Delta chi2; NaN where there are no values
    edge: float

    @property
    def lines(self):
        """[n][2] in units of the axes; those that close end where they begin. What lies above the level is on their left."""
        return [] if self.is_flat else [line for line in self._generator().lines(self.edge) if len(line) > 1]

    @property
    def is_flat(self):
        return not np.fmin.reduce(self.z, axis=None) < self.edge < np.fmax.reduce(self.z, axis=None)

    def polygons(self, above=False):
        """(points, codes of matplotlib's paths) of each piece of the region below the level, or above, with its holes."""
        low, high = (self.edge, 1e9) if above else (-1e9, self.edge)
        return list(zip(*self._generator().filled(low, high)))

    def inside(self, above=False):
        with np.errstate(invalid="ignore"):
            return self.z >= self.edge if above else self.z <= self.edge

    def _generator(self):
        from contourpy import FillType, LineType, contour_generator
        return contour_generator(self.x, self.y, np.ma.masked_invalid(self.z), name="serial", corner_mask=False,
                                 line_type=LineType.Separate, fill_type=FillType.OuterCode)


def contours_of(m, cuts):
    """Contours of a map of two axes, exactly as they are drawn: for each of its pieces without gaps that has values, one for each
    cut of Delta chi2."""
    return [contour for piece in branches_of(m) if not np.isnan(piece.delta_chi2).all() for contour in _of_piece(piece, cuts)]


def _of_piece(m, cuts):
    half = gentle_half(m, cuts)
    x, y, z = refine(m, half)
    return [Contour(x, y, z, float(edge)) for edge in squeeze(cuts, half)]


def simplified(points, tolerance):
    """Which points [n][2] of a line are left if it may be off by `tolerance`: flags, by Douglas and Peucker's rule."""
    keep = np.zeros(len(points), bool)
    keep[[0, -1]] = True
    left = [(0, len(points) - 1)]
    while left:
        a, b = left.pop()
        if b - a < 2:
            continue
        off = _off_chord(points[a:b + 1])
        k = int(off.argmax())
        if off[k] > tolerance:
            keep[a + k] = True
            left += [(a, a + k), (a + k, b)]
    return keep


def _off_chord(points):
    chord, rest = points[-1] - points[0], points - points[0]
    length = np.hypot(*chord)
    part = np.clip(rest @ chord / length**2, 0, 1) if length > 0 else np.zeros(len(points))
    return np.hypot(*(rest - part[:, None] * chord).T)


# ------------------------------------------------------------------------------------------------------- is the grid enough?

def refined_area(m, cut):
    """Area of the region below `cut` as it is drawn, in units of the axes' scales, and how far off it may be: by how much it
    changes if only every second point of the grid is there, which would be several times as much; and by what straight lines
    between the refined points cost."""
    value = _drawn_area(m, cut)
    changes = [abs(_drawn_area(half, cut) - (_drawn_area(same, cut) if same is not m else value)) for half, same in halves_of(m)]
    largest = max(changes, default=value)
    return value, max(largest, STRAIGHT * value) if largest > 1e-9 * value else 0.0


def halves_of(m):
    """[(the map with every second point along both axes, the part of the map that this covers)], beginning at the first and at the
    second point; none where an axis has less than seven points."""
    shape = m.delta_chi2.shape
    return [(_part(m, [slice(a, n, 2) for n in shape]), m if a == 0 and all(n % 2 for n in shape) else
             _part(m, [slice(a, a + 2 * ((n - 1 - a) // 2) + 1) for n in shape])) for a in (0, 1)] if min(shape) >= 7 else []


def _part(m, index):
    axes = [replace(axis, values=axis.values[i]) for axis, i in zip(m.axes, index)]
    fields = {name: getattr(m, name)[tuple(index)] for name in ("delta_chi2", "chi2", "status")}
    return replace(m, axes=axes, pulls={}, flags=None, profiled={}, projected=None, **fields)


def _drawn_area(m, cut):
    """Of the refined cells below the cut: the polygons that are filled, without what draws them."""
    total = 0.0
    for piece in branches_of(m):
        if min(piece.delta_chi2.shape) > 1 and not np.isnan(piece.delta_chi2).all():
            half = gentle_half(piece, [cut])
            *xy, z = refine(piece, half, ENOUGH_POINTS)
            x, y = (np.diff(axis.to_scale(values)) for axis, values in zip(piece.axes, xy))
            total += float(np.nan_to_num(fractions(z.T, squeeze(cut, half)) * np.outer(x, y)).sum())
    return total


def coarseness(m, cut):
    """Why the grid of a map of two axes is too coarse for the region below `cut`, in words; "" if it is fine enough.

    It is too coarse if the region as it is drawn changes its area by more than ENOUGH of it where every second point is left
    out; or if lines close around places where the map has no point."""
    value, error = refined_area(m, cut)
    ghosts = sum(_pieces_without_points(piece, cut) for piece in branches_of(m))
    reasons = []
    if value > 0 and error > ENOUGH * value:
        reasons.append(f"the area of its region, {value:.2g}, may be off by {error:.1g}")
    if m.completeness == 1 and m.lowest > cut >= _of_best_fit(m):
        reasons.append("none of its points is allowed, but its best fit is")
    if ghosts:
        reasons.append(f"{ghosts} of the pieces that are drawn hold{'s' * (ghosts == 1)} no point of the grid")
    n = " x ".join(str(len(axis.values)) for axis in m.axes)
    return f"the grid of {n} points is too coarse: {' and '.join(reasons)}" if reasons else ""


def _of_best_fit(m):
    """Delta chi2 there; inf where that is not known."""
    best, reference = (np.asarray(m.progress.get(name, np.inf), float) for name in ("best_fit_chi2", "chi2_reference"))
    return float(best - reference) if best.ndim == reference.ndim == 0 and np.isfinite(reference) else np.inf


def _pieces_without_points(m, cut):
    """Pieces of the region between the points: lines that close around what lies below the cut, but around no point below it."""
    if np.isnan(m.delta_chi2).all():
        return 0
    contour, = _of_piece(m, [cut])
    i, j = np.nonzero(m.delta_chi2 <= cut)
    own = np.column_stack((m.axes[0].values[i], m.axes[1].values[j]))
    return 0 if contour.is_flat else sum(not _holds_a_point(points, own) for points, _ in contour.polygons())


def _holds_a_point(ring, own):
    """Of the points `own`, is one within the box around the ring? The region goes through every point below its level."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    return bool(((own >= low) & (own <= high)).all(axis=1).any())
