# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked of the results of a complete file of format 2: references and best fits are in no tile's digest."""
import hashlib
import itertools
import os

from .errors import MapError
from .numeric import np
from .printable import text_of

HASHED = (("chi2_reference", "<f8"), ("best_fit_chi2", "<f8"), ("best_fit", "<f8"), ("points_failed", "<u8"))
OF_FLAGS = tuple((name, "<u8") for name in ("points_proven", "points_at_bound", "points_flat"))     # where something is profiled
PRECISION = 1e-6    # no point of a map lies further below its best fit
# Between its points chi2 is lower by at most so many of the largest bends among so many points around (for a parabola it
# is an eighth of one), on axes that have twice as many points or more; and a best fit is no higher than the points by so
# much in chi2.
BENDS, AROUND, MARGIN = 8, 6, 1.0
_sound = set()      # files of which the results have their hash: what stat() says of them


def check_hash(path, file, spaces):
    """`spaces`: a function that gives the names of the groups, in the order of their first maps in the index. Files from before the hash was there
    are believed so far."""
    stored = text_of(file["progress/results_hash"][()]) if "progress/results_hash" in file else ""
    s = os.stat(path)
    identity = (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns)
    if not stored or not file["progress/complete"][()] or identity in _sound:
        return
    if results_hash([file[name] for name in spaces()]) != stored:
        raise MapError(f"{path}: its results were changed: references, best fits or numbers of points are not those "
                       "with which it was written")
    _sound.add(identity)


def results_hash(groups):
    """SHA-256 of what stands in HASHED, group by group."""
    digest = hashlib.sha256()
    for group in groups:
        for name, kind in HASHED + OF_FLAGS * ("flags" in group):
            digest.update(np.ascontiguousarray(group["results"][name][()], kind).tobytes())
    return digest.hexdigest()


def checked_best_fit(m):
    """The map, if its best fit can be that: within the axes, not above any point, and not where chi2 is higher than at
    another point, as far as the grid tells."""
    best, chi2 = (np.asarray(m.progress.get(name, np.nan), float) for name in ("best_fit", "best_fit_chi2"))
    if not m.progress.get("complete") or best.shape != (len(m.axes),) or not np.isfinite(best).all():
        return m
    for x, axis in zip(best, m.axes):
        low, high = axis.values[0], axis.values[-1]
        if not low - 1e-9 * (high - low) <= x <= high + 1e-9 * (high - low):
            _refuse(m, f"{axis.name} = {x:.6g} lies outside of its axis, {low:.6g} ... {high:.6g}")
    lowest = float(np.fmin.reduce(m.chi2, axis=None, initial=np.inf))
    if chi2.ndim == 0 and lowest < chi2 - PRECISION - 1e-9 * abs(chi2):
        _refuse(m, f"its chi2 is {chi2:.10g}, and the lowest of the points {lowest:.10g}")
    around = lower_bound(m, best)
    if around > lowest + MARGIN + 1e-6 * abs(lowest):
        _refuse(m, f"around it chi2 is {around:.6g} or more, and the lowest of the points {lowest:.6g}")
    return m


def _refuse(m, why):
    raise MapError(f"{m.path}: its best fit was changed, or is wrong: {why}")


def lower_bound(m, place):
    """What chi2 cannot lie below at a place, if it bends there as it does from point to point around it; -inf where the
    grid does not tell: beside points without a value, at walls, and in valleys that are narrower than a step."""
    block, at = m.chi2, []
    for k, (x, axis) in enumerate(zip(place, m.axes)):
        t, s = axis.to_scale(axis.values), float(axis.to_scale(np.float64(x)))
        branch = next((b for b in axis.branches if axis.values[b][0] <= x <= axis.values[b][-1]), axis.branches[0])
        cell = int(np.clip(np.searchsorted(t, s) - 1, branch.start, branch.stop - 2))
        if branch.stop - branch.start < 2 * AROUND:
            return -np.inf
        first = int(np.clip(cell + 1 - AROUND // 2, branch.start, branch.stop - AROUND))
        block = block[(slice(None),) * k + (slice(first, first + AROUND),)]
        at.append((cell - first, float(np.clip((s - t[cell]) / (t[cell + 1] - t[cell]), 0, 1))))
    if not np.isfinite(block).all():
        return -np.inf
    bends = sum(float(np.abs(np.diff(block, 2, axis=k)).max()) for k in range(block.ndim))
    return _between(block, at) - BENDS * bends


def _between(block, at):
    """Linear between the points of a cell along each axis; `at`: (point, fraction of the step behind it)."""
    value = 0.0
    for corner in itertools.product((0, 1), repeat=len(at)):
        weight = np.prod([f if c else 1 - f for c, (_, f) in zip(corner, at)])
        value += weight * block[tuple(i + c for c, (i, _) in zip(corner, at))]
    return float(value)
