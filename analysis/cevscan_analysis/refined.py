# SPDX-License-Identifier: GPL-3.0-or-later
"""Delta chi2 between the points of a grid of two axes: what contours, and areas of coarse grids, are made of."""
from .numeric import np

RINGING = 3         # cells around a cliff in which splines ring
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


def refine(m, half, wanted=POINTS_WANTED):
    """x, y and squeezed Delta chi2 [y, x] on a finer grid of about `wanted` points along an axis, from bicubic splines; NaN strictly inside void cells. Thin rings
    and bands would break into beads if straight lines were drawn between the points of a coarse grid."""
    void = np.isnan(m.delta_chi2)
    t = [axis.to_scale(axis.values) for axis in m.axes]
    factor = [max(1 + int(void.any()), -(-wanted // len(v))) for v in t]
    fine = [np.interp(np.arange((len(v) - 1) * k + 1) / k, np.arange(len(v)), v) for v, k in zip(t, factor)]
    z = squeeze(filled(m.delta_chi2) if void.any() else m.delta_chi2, half)
    if max(factor) > 1:
        coarse, z = z, splined(splined(z, t[0], factor[0]).T, t[1], factor[1]).T
        if np.isinf(m.delta_chi2).any():
            z = without_ringing(z, coarse, np.isinf(m.delta_chi2), factor)
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


def without_ringing(fine, coarse, cliff, factor):
    """The finer grid, with the values of cells near impossible points held between those of the cells' corners: splines ring there, and
    regions would have spurs and islands without a point."""
    n, k = (size - 1 for size in coarse.shape)
    corners = [coarse[a:a + n, b:b + k] for a in (0, 1) for b in (0, 1)]
    near = np.pad(cliff, RINGING)
    near = np.logical_or.reduce([near[a:a + n, b:b + k] for a in range(2 * RINGING + 2) for b in range(2 * RINGING + 2)])
    low, high = (of_cells(reduce.reduce(corners), factor, reduce) for reduce in (np.minimum, np.maximum))
    return np.where(of_cells(near, factor, np.logical_or), np.clip(fine, low, high), fine)


def of_cells(cell, factor, join):
    """For each point of the finer grid what its cell has; on borders what the cells on both sides have, joined."""
    for axis, k in enumerate(factor):
        n = cell.shape[axis]
        i = np.arange(n * k + 1)
        cell = join(cell.take(np.minimum(i // k, n - 1), axis), cell.take(np.maximum(i - 1, 0) // k, axis))
    return cell


def inside_of_cells(cell, factor):
    """Points of the finer grid strictly inside marked cells."""
    flag = np.zeros([n * k + 1 for n, k in zip(cell.shape, factor)], bool)
    big = cell.repeat(factor[0], axis=0).repeat(factor[1], axis=1)
    flag[:-1, :-1] = big
    flag[::factor[0]] = flag[:, ::factor[1]] = False
    return flag


def splined(values, t, factor):
    """[(n - 1) factor + 1, ...]: the cubic spline through the values [n, ...] at the places t, at `factor` even steps from each to
    the next. The first two and the last two pieces are one polynomial each, as no end of the axis has a known slope ("not a
    knot"); fewer than four points have the polynomial through all of them."""
    n = len(t)
    if factor == 1:
        return values
    if n < 4:
        s = np.interp(np.arange((n - 1) * factor + 1) / factor, np.arange(n), t)
        return np.array([[np.prod([(x - c) / (t[k] - c) for j, c in enumerate(t) if j != k]) for k in range(n)] for x in s]) @ values
    bend, h = _bends(values, t), np.diff(t)[:, None, None]
    u = (np.arange(factor) / factor)[None, :, None]
    line = (1 - u) * values[:-1, None] + u * values[1:, None]
    pieces = line + h**2 / 6 * (((1 - u)**3 - (1 - u)) * bend[:-1, None] + (u**3 - u) * bend[1:, None])
    return np.concatenate((pieces.reshape(-1, values.shape[1]), values[-1:]))


def _bends(values, t):
    """Second derivatives of the spline at its points, [n, ...]."""
    h = np.diff(t)
    low, middle, high = h[:-1] / 6, (h[:-1] + h[1:]) / 3, h[1:] / 6     # of the equations of the points inside
    right = np.diff(np.diff(values, axis=0) / h[:, None], axis=0)
    middle[0] += h[0] * (h[0] + h[1]) / (6 * h[1])
    high[0] -= h[0]**2 / (6 * h[1])
    middle[-1] += h[-1] * (h[-1] + h[-2]) / (6 * h[-2])
    low[-1] -= h[-1]**2 / (6 * h[-2])
    for k in range(1, len(middle)):
        part = low[k] / middle[k - 1]
        middle[k] -= part * high[k - 1]
        right[k] -= part * right[k - 1]
    right[-1] /= middle[-1]
    for k in range(len(middle) - 2, -1, -1):
        right[k] = (right[k] - high[k] * right[k + 1]) / middle[k]
    first = right[0] + (right[0] - right[1]) * h[0] / h[1]
    last = right[-1] + (right[-1] - right[-2]) * h[-1] / h[-2]
    return np.concatenate((first[None], right, last[None]))
