# SPDX-License-Identifier: GPL-3.0-or-later
"""Delta chi2 between the points of a grid of two axes: what contours, and areas of coarse grids, are made of."""
import functools

from .numeric import np

POINTS_WANTED = 600  # along an axis, so that contours look smooth


def squeeze(delta, half):
    """Maps Delta chi2 smoothly and monotonically to (..., 1): `half` goes to 1/2, infinity to 1."""
    delta = np.asarray(delta, float)
    return np.where(delta < 0, delta / half, 1 - half / (np.maximum(delta, 0) + half))


def gentle_half(m, cuts):
    """`half` for squeeze(): splines follow a thin valley the better, but ring beside a cliff the more, the larger it is."""
    return max(cuts) * (4 if np.isinf(m.delta_chi2).any() else 10)


def void_cells(delta):
    """True for each grid cell with a corner that has no value."""
    void = np.isnan(delta)
    return void[1:, 1:] | void[:-1, 1:] | void[1:, :-1] | void[:-1, :-1]


def refine(m, half):
    """x, y and squeezed Delta chi2 [y, x] on a finer grid, from bicubic splines; NaN strictly inside void cells. Thin rings
    and bands would break into beads if straight lines were drawn between the points of a coarse grid."""
    void = np.isnan(m.delta_chi2)
    t = [axis.to_scale(axis.values) for axis in m.axes]
    factor = [max(1 + int(void.any()), -(-POINTS_WANTED // len(v))) for v in t]
    fine = [np.interp(np.arange((len(v) - 1) * k + 1) / k, np.arange(len(v)), v) for v, k in zip(t, factor)]
    z = squeeze(filled(m.delta_chi2) if void.any() else m.delta_chi2, half)
    if max(factor) > 1:
        z = spline_matrix(tuple(t[0]), factor[0]) @ z @ spline_matrix(tuple(t[1]), factor[1]).T
        z[inside_of_cells(void_cells(m.delta_chi2), factor)] = np.nan
    x, y = (axis.from_scale(v) for axis, v in zip(m.axes, fine))
    return x, y, z.T


def filled(values):
    """What is NaN takes the value of a point that is as near as any, counted in steps of the grid."""
    values = np.array(values, float)
    while np.isnan(values).any() and not np.isnan(values).all():
        padded = np.pad(values, 1, constant_values=np.nan)
        n, k = values.shape
        near = [padded[i:i + n, j:j + k] for i, j in ((0, 1), (2, 1), (1, 0), (1, 2), (0, 0), (0, 2), (2, 0), (2, 2))]
        for other in near:
            values = np.where(np.isnan(values), other, values)
    return values


def inside_of_cells(cell, factor):
    """Points of the finer grid strictly inside marked cells."""
    flag = np.zeros([n * k + 1 for n, k in zip(cell.shape, factor)], bool)
    big = cell.repeat(factor[0], axis=0).repeat(factor[1], axis=1)
    flag[:-1, :-1] = big
    flag[::factor[0]] = flag[:, ::factor[1]] = False
    return flag


@functools.lru_cache(maxsize=8)
def spline_matrix(t, factor):
    """[(n - 1) factor + 1, n]: takes values at the n places t to those of their cubic spline at `factor` even steps from each to
    the next. The first two and the last two pieces are one polynomial each, as no end of the axis has a known slope ("not a
    knot"); fewer than four points have the polynomial through all of them."""
    t = np.array(t)
    n = len(t)
    if factor == 1:
        return np.eye(n)
    if n < 4:
        s = np.interp(np.arange((n - 1) * factor + 1) / factor, np.arange(n), t)
        return np.array([[np.prod([(x - c) / (t[k] - c) for j, c in enumerate(t) if j != k]) for k in range(n)] for x in s])
    bend, h = _bends(t), np.diff(t)
    u = np.arange(factor)[:, None] / factor
    pieces = []
    for k in range(n - 1):      # between two points: a line, and the bends at both ends
        line = np.zeros((factor, n))
        line[:, k], line[:, k + 1] = (1 - u)[:, 0], u[:, 0]
        pieces.append(line + h[k]**2 / 6 * (((1 - u)**3 - (1 - u)) * bend[k] + (u**3 - u) * bend[k + 1]))
    return np.vstack([*pieces, np.eye(n)[-1:]])


def _bends(t):
    """[n, n]: second derivatives at the points of the spline, out of the values."""
    n, h = len(t), np.diff(t)
    a, b = np.zeros((n, n)), np.zeros((n, n))
    for k in range(1, n - 1):
        a[k, k - 1:k + 2] = h[k - 1] / 6, (h[k - 1] + h[k]) / 3, h[k] / 6
        b[k, k - 1:k + 2] = 1 / h[k - 1], -1 / h[k - 1] - 1 / h[k], 1 / h[k]
    a[0, :3] = h[1], -h[0] - h[1], h[0]
    a[-1, -3:] = h[-1], -h[-1] - h[-2], h[-2]
    return np.linalg.solve(a, b)
