# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of allowed regions, and how much of a degeneracy a combination of experiments removes.

    >>> area_of(open_map("csi.h5"), delta_from_level(90, dof=2))
    Area(value=0.0123, error=0.0001, unknown=0.0, n_island=4, touches_edge=False, pieces=(4, 4))
    >>> for r in rank([csi, si, csi_si], level=90): print(r.label, r.ratio, r.error)
"""
from dataclasses import dataclass

from .errors import MapError
from .cells import fractions
from .intervals import delta_from_level
from .labels import experiments_of, exposure_of, factors_of, labels_of
from .numeric import np
from .lines import ENOUGH_POINTS, refined_area
from .projection import branches_of
from .refined import gentle_half, refine, squeeze

FINE = 200  # points along an axis, from which on lines between them are as good as splines
STEEP = 1e3  # times the cut: what lies above, infinity too, is drawn down to it before lines are laid through it


@dataclass(frozen=True)
class Area:
    """Of a region, in the product of the axes' units; a logarithmic axis counts in natural logarithms."""
    value: float
    error: float            # how far off `value` may be: see area_of()
    unknown: float          # area of the cells with a corner that has no value; not in `value`, and not in `error`
    n_island: int           # pieces of the region that do not touch
    touches_edge: bool      # does it reach the end of an axis? Then this is the area of a part.
    pieces: tuple = ()      # their least and largest number between the points of the grid, within the error; () where not known

    @property
    def pieces_are_sure(self):
        return not self.pieces or self.pieces == (self.n_island, self.n_island)

    @property
    def relative_error(self):
        return self.error / self.value if self.value > 0 else np.inf


def area_of(m, cut):
    """Area of the region Delta chi2 <= `cut` of a Map with two axes.

    Each cell is divided into four triangles with its mean in the middle, and sqrt(Delta chi2), which around a minimum is a
    cone, taken as linear in each. The same from every second point gives an error that is four times as large, if the grid
    resolves the region: so the largest difference to the four grids of every second point is an upper estimate of the error.
    Of a grid of fewer points than FINE the area is that of the region as it is drawn, between refined lines, and its error what
    lines.refined_area() says, and what both kinds of lines differ by.
    Where the region is so thin that no whole cell lies in it, the size of the cells through which it goes is added, and one
    cell where nothing is allowed, as a small region may hide between the points."""
    if len(m.axes) != 2 or m.members:
        raise MapError(f"{m.path}: an area needs two axes, not {', '.join(m.names)}")
    pieces = [_piece(piece, cut) for piece in branches_of(m)]
    value, error, unknown, n_island = (sum(column) for column in list(zip(*pieces))[:4])
    if value > 0 and max(len(axis.values) for axis in m.axes) < FINE:
        drawn, off = refined_area(m, cut)
        value, error = drawn, max(off, min(error, 2 * abs(drawn - value)))
    within = pieces_within(m, cut, error / value) if 0 < error < value else ()
    return Area(value, error, unknown, n_island, any(piece[4] for piece in pieces), within)


def pieces_within(m, cut, relative_error):
    """The least and the largest number of pieces of the regions on the refined grid below `cut`, and below cuts at which their
    areas, which are about proportional to them, are off by the error: (least, largest)."""
    found = [sum(_refined_pieces(piece, cut * scale) for piece in branches_of(m) if not np.isnan(piece.delta_chi2).all())
             for scale in (1, 1 - relative_error, 1 + relative_error)]
    return min(found), max(found)


def _refined_pieces(m, cut):
    half = gentle_half(m, [cut])
    z = refine(m, half, ENOUGH_POINTS)[2]
    with np.errstate(invalid="ignore"):
        return _n_island(z <= squeeze(cut, half))


def _piece(m, cut):
    x, y = (axis.to_scale(axis.values) for axis in m.axes)
    height = np.sqrt(np.clip(m.delta_chi2, 0, STEEP * cut))
    fraction = fractions(height, np.sqrt(cut))
    size = np.outer(np.diff(x), np.diff(y))
    unknown, fine = float(size[np.isnan(fraction)].sum()), np.nan_to_num(fraction * size)
    differences = [_difference(x, y, height, fine, np.sqrt(cut), a, b) for a in (0, 1) for b in (0, 1)]
    value, inside = float(fine.sum()), m.delta_chi2 <= cut
    error = max(differences) + (float(size[_thin(fraction)].sum()) if value > 0 else float(size.min()))
    edge = inside[0].any() or inside[-1].any() or inside[:, 0].any() or inside[:, -1].any()
    return value, error, unknown, _n_island(inside), bool(edge)


def _thin(fraction):
    """Cells that are filled in part, and of whose neighbours none is filled as a whole."""
    whole = np.pad(fraction >= 1, 1)
    n, k = fraction.shape
    near = np.any([whole[i:i + n, j:j + k] for i in range(3) for j in range(3)], axis=0)
    return (fraction > 0) & ~near


def _difference(x, y, height, fine, cut, a, b):
    """Of the area from every second point, beginning with the points a and b, to that from all, where both have cells: what it is
    off by, or half of what cells are off by one by one, added in quadrature, where they happen to cancel."""
    n, k = (len(x) - 1 - a) // 2, (len(y) - 1 - b) // 2
    if n < 1 or k < 1:
        return float(fine.sum())
    rows, columns = slice(a, a + 2 * n + 1, 2), slice(b, b + 2 * k + 1, 2)
    coarse = fractions(height[rows, columns], cut) * np.outer(np.diff(x[rows]), np.diff(y[columns]))
    known = ~np.isnan(coarse)
    same = fine[a:a + 2 * n, b:b + 2 * k].reshape(n, 2, k, 2).sum(axis=(1, 3))
    off = coarse[known] - same[known]
    return max(abs(float(off.sum())), 0.5 * float(np.sqrt((off**2).sum())))


def _n_island(inside):
    """Pieces of a region of grid points that are neighbours along an axis or a diagonal."""
    parent = {}

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    previous = []
    for row in inside:
        edges = np.flatnonzero(np.diff(np.concatenate(([0], row.astype(int), [0]))))
        runs = []
        for low, high in zip(edges[::2], edges[1::2]):
            run = parent.setdefault(len(parent), len(parent))
            for other_low, other_high, other in previous:
                if low <= other_high and other_low <= high:
                    parent[root(other)] = root(run)
            runs.append((low, high, run))
        previous = runs
    return len({root(i) for i in parent})


# ---------------------------------------------------------------------------------------------------------- combinations

@dataclass(frozen=True)
class Ranked:
    """What a combination leaves of the smallest region that one of its members allows."""
    label: str
    members: list           # labels of the members
    area: Area
    smallest: Area          # of the members' areas
    n_island_of_members: int  # the fewest that one of them has

    @property
    def ratio(self):
        """1: the combination adds nothing to its best member; 0: it removes all that this leaves."""
        return self.area.value / self.smallest.value

    @property
    def error(self):
        return self.ratio * float(np.hypot(self.area.relative_error if self.area.value else 0, self.smallest.relative_error))


def setting_of(m):
    """What must be the same of a combination and its members: the exposure, and all factors of a study."""
    return exposure_of(m), *sorted((name, value) for name, value in factors_of(m).items() if name != "exposure")


def rank(maps, level=90, labels=None):
    """Combinations among `maps`, from the one that removes most of what its best member alone leaves: [Ranked]; setting by setting
    (exposure, and factors of a study), in the order in which they come.

    The maps must have the same two axes, and be complete. A combination is a map of several experiments; its members are
    the maps of one experiment each that it contains, of the same setting, of which all must be there. `level` in %, for
    two degrees of freedom."""
    cut, labels = delta_from_level(level, dof=2), labels or labels_of(maps)
    for m in maps:
        if m.completeness < 1:
            raise MapError(f"{m.path}: what is not complete cannot be ranked; it is {m.note}")
    for m in maps[1:]:
        if m.names != maps[0].names or any(len(a.values) != len(b.values) or not np.allclose(a.values, b.values)
                                           for a, b in zip(m.axes, maps[0].axes)):
            raise MapError(f"{m.path}: its axes are not those of {maps[0].path}; areas cannot be compared")
    areas = [area_of(m, cut) for m in maps]
    settings = [setting_of(m) for m in maps]
    single = {(experiments_of(m)[0], settings[k]): k for k, m in enumerate(maps) if len(experiments_of(m)) == 1}
    ranking = []
    for m, label, area, setting in zip(maps, labels, areas, settings):
        names = [(name, setting) for name in experiments_of(m)]
        if len(names) > 1 and all(name in single for name in names):
            members = [single[name] for name in names]
            smallest = min((areas[k] for k in members), key=lambda a: a.value)
            if smallest.value > 0:
                ranking.append((settings.index(setting), Ranked(label, [labels[k] for k in members], area, smallest,
                                                                min(areas[k].n_island for k in members))))
    return [found for _, found in sorted(ranking, key=lambda r: (r[0], r[1].ratio))]
