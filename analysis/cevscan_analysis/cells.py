# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of each cell of a grid lies below a value."""
from .numeric import np


def fractions(height, cut):
    """Of each cell [nx - 1, ny - 1], the part below the cut: four triangles with the mean of the corners in the middle, linear in
    each. NaN where a corner has no value."""
    corners = [height[:-1, :-1], height[1:, :-1], height[1:, 1:], height[:-1, 1:]]
    n_below = sum((corner <= cut).astype(np.int8) for corner in corners)
    part = np.where(n_below == 4, 1.0, 0.0)
    part[np.isnan(sum(corners))] = np.nan
    crossed = (n_below > 0) & (n_below < 4) & ~np.isnan(part)       # of a fine grid, few
    own = [corner[crossed] for corner in corners]
    middle = sum(own) / 4
    part[crossed] = sum(_below(np.stack((a, b, middle)), cut) for a, b in zip(own, own[1:] + own[:1])) / 4
    return part


def _below(v, cut):
    """Part of a triangle on which the plane through v [3, ...] lies below the cut."""
    low, middle, high = np.sort(v, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rising = (cut - low)**2 / ((middle - low) * (high - low))
        falling = 1 - (high - cut)**2 / ((high - low) * (high - middle))
    part = np.where(cut <= low, 0, np.where(cut >= high, 1, np.where(cut <= middle, rising, falling)))
    return np.where(np.isnan(v).any(axis=0), np.nan, part)
