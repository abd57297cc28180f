# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a curve of Delta chi2 lies below a value."""
import math
from dataclasses import dataclass, field, replace

from .errors import MapError
from .numeric import np


def delta_from_level(percent, dof):
    """Delta chi2 that holds `percent` % of a chi2 distribution of 1 or 2 degrees of freedom: 2.7055 for 90 and 1. Of the
    part inside or outside the smaller counts: near 0 % or 100 % the other has lost its digits."""
    p, q = percent / 100, (100 - percent) / 100
    if not 0 < p < 1 or dof not in (1, 2):
        raise MapError(f"{percent:.17g} % with {dof} degrees of freedom: expected a level between 0 and 100 %, and 1 or 2")
    if dof == 2:
        return -2 * math.log(q) if p > 0.5 else -2 * math.log1p(-p)
    if p < 0.01:    # erf^-1 as a series, up to p^7
        c = math.pi * p**2
        return math.pi / 2 * (p * (1 + c / 12 + 7 * c**2 / 480 + 127 * c**3 / 40320))**2
    from statistics import NormalDist   # takes as long to import as all of the package
    return NormalDist().inv_cdf(q / 2 if p > 0.5 else (1 - p) / 2)**2


def level_text(percent):
    """90, 95.45; with as many digits as it was given with: 99.99999999999999 is not 100."""
    return repr(float(percent)).removesuffix(".0")


@dataclass(frozen=True)
class Allowed:
    """What is allowed of an axis, in its units; intervals from low to high."""
    intervals: list         # of (low, high)
    open: list              # of (low, high): True where the interval ends because the curve does, or has a hole
    touches_edge: tuple     # does the first interval begin, and the last one end, at the ends of the axis?
    holes: list             # of (low, high): neighbours of stretches without values
    errors: list = field(default_factory=list)  # of (low, high): how far off the ends may be; 0 where they are those of the values

    @property
    def lower_bound(self):
        """Smallest |x| that is allowed; None if nothing is, or if smaller ones may be, where the curve has no values."""
        ends = [(abs(x), not is_open) for pair, flags in zip(self.intervals, self.open) for x, is_open in zip(pair, flags)]
        ends += [(0.0, True) for low, high in self.intervals if low <= 0 <= high]
        bound, is_known = min(ends, default=(None, False))
        return bound if is_known and not any(min(abs(low), abs(high)) < bound for low, high in self.holes) else None


def allowed_intervals(axis, delta, level):
    """Where `delta` [len(axis.values)] <= level, in units of the axis. Edges come from the cubic through the four points around
    them; those of a signed_log axis from the points of one sign."""
    parts = [_with_errors(replace(axis, values=axis.values[b]), delta[b], level) for b in axis.branches]
    return Allowed(errors=[x for part in parts for x in part.errors], intervals=[x for part in parts for x in part.intervals], open=[x for part in parts for x in part.open],
                   touches_edge=(parts[0].touches_edge[0], parts[-1].touches_edge[1]),
                   holes=[x for part in parts for x in part.holes])


CONVERGENCE = 4     # by how much, at least, edges come nearer to their places on a grid of half the steps


def _with_errors(axis, delta, level):
    """What is allowed of a branch, with the errors of its edges: of how far every second point of the grid moves them, a quarter.
    Of a smooth curve it is a sixteenth, of one with kinks this much."""
    found = _allowed_of_branch(axis, delta, level)
    if len(axis.values) < 8:
        return found
    halves = [_allowed_of_branch(replace(axis, values=axis.values[a::2]), delta[a::2], level) for a in (0, 1)]
    edges = [np.array([x for pair, flags in zip(half.intervals, half.open) for x, is_open in zip(pair, flags) if not is_open])
             for half in halves]
    errors = [tuple(0.0 if is_open else max(_moved(axis, x, own) for own in edges) / CONVERGENCE for x, is_open in zip(pair, flags))
              for pair, flags in zip(found.intervals, found.open)]
    return replace(found, errors=errors)


def _moved(axis, x, edges):
    """How far the edge x is from the nearest of those of a coarser grid; twice a step where none is near."""
    k = min(max(int(np.searchsorted(axis.values, x)), 1), len(axis.values) - 1)
    most = 2 * float(axis.values[k] - axis.values[k - 1])
    return min(most, float(np.abs(edges - x).min())) if len(edges) else most


def _allowed_of_branch(axis, delta, level):
    inside, void = delta <= level, np.isnan(delta)
    t, x = axis.to_scale(axis.values), axis.values
    intervals, is_open = [], []
    for first, last in stretches(inside):
        low_open = first == 0 or void[first - 1]
        high_open = last == len(x) - 1 or void[last + 1]
        low = x[first] if low_open else _edge(axis, t, delta - level, first, first - 1)
        high = x[last] if high_open else _edge(axis, t, delta - level, last, last + 1)
        intervals.append((float(low), float(high)))
        is_open.append((bool(low_open), bool(high_open)))
    holes = [(float(x[max(a - 1, 0)]), float(x[min(b + 1, len(x) - 1)])) for a, b in stretches(void)]
    return Allowed(intervals, is_open, (bool(inside[0]), bool(inside[-1])), holes)


def stretches(flag):
    """First and last index of each stretch of True in a line of flags."""
    change = np.flatnonzero(np.diff(np.concatenate(([False], flag, [False])).astype(int)))
    return [(int(a), int(b) - 1) for a, b in zip(change[::2], change[1::2])]


def _edge(axis, t, f, inner, outer):
    """Where f crosses zero between two neighbouring points, f[inner] <= 0 < f[outer]."""
    if not np.isfinite(f[outer]):
        return axis.values[inner]
    step = outer - inner
    around = [k for k in (inner, outer) + ((inner - step,) if 0 <= inner - step < len(t) else ()) +
              ((outer + step,) if 0 <= outer + step < len(t) else ()) if np.isfinite(f[k])]
    u = [(t[k] - t[inner]) / (t[outer] - t[inner]) for k in around]
    weights = [f[k] / np.prod([a - b for b in u if b != a]) for k, a in zip(around, u)]
    cubic = lambda z: sum(w * np.prod([z - b for b in u if b != a]) for w, a in zip(weights, u))
    root = _bisect(cubic, 0.0, 1.0) if cubic(0) < 0 < cubic(1) else 0.0
    return axis.from_scale(t[inner] + root * (t[outer] - t[inner]))


def _bisect(f, low, high):
    """Where f changes sign, f(low) < 0 < f(high), to the last bit."""
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if f(middle) < 0 else (low, middle)
    return high
