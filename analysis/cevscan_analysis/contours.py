# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of two parameters in axes of matplotlib: smooth contours, places without values, best fits."""
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .intervals import stretches
from .numeric import np
from .projection import branches_of
from .style import colour, faint, line_style, shade

try:
    from scipy.interpolate import RectBivariateSpline
    from scipy.ndimage import distance_transform_edt
except ImportError:
    RectBivariateSpline = None  # contours are then drawn on the map's own grid

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
    if RectBivariateSpline is None:
        return m.axes[0].values, m.axes[1].values, squeeze(m.delta_chi2, half).T
    void = np.isnan(m.delta_chi2)
    t = [axis.to_scale(axis.values) for axis in m.axes]
    factor = [max(1 + int(void.any()), -(-POINTS_WANTED // len(v))) for v in t]
    fine = [np.interp(np.arange((len(v) - 1) * k + 1) / k, np.arange(len(v)), v) for v, k in zip(t, factor)]
    nearest = distance_transform_edt(void, return_distances=False, return_indices=True)
    z = squeeze(m.delta_chi2[tuple(nearest)], half)
    if max(factor) > 1:
        z = RectBivariateSpline(*t, z, kx=min(3, len(t[0]) - 1), ky=min(3, len(t[1]) - 1))(*fine)
        z[inside_of_cells(void_cells(m.delta_chi2), factor)] = np.nan
    x, y = (axis.from_scale(v) for axis, v in zip(m.axes, fine))
    return x, y, z.T


def inside_of_cells(cell, factor):
    """Points of the finer grid strictly inside marked cells."""
    flag = np.zeros([n * k + 1 for n, k in zip(cell.shape, factor)], bool)
    big = cell.repeat(factor[0], axis=0).repeat(factor[1], axis=1)
    flag[:-1, :-1] = big
    flag[::factor[0]] = flag[:, ::factor[1]] = False
    return flag


def void_boxes(m):
    """Boxes that cover the void cells, and the gaps of signed_log axes."""
    gaps = [[(axis.values[b.stop - 1], axis.values[b.stop]) for b in axis.branches[:-1]] for axis in m.axes]
    (x0, x1), (y0, y1) = ((axis.values[0], axis.values[-1]) for axis in m.axes)
    boxes = [(a, b, y0, y1) for a, b in gaps[0]] + [(x0, x1, a, b) for a, b in gaps[1]]
    return boxes + [box for piece in branches_of(m) for box in boxes_of_piece(piece)]


def boxes_of_piece(m):
    """Runs of void cells along y, joined along x where they are the same."""
    x, y = (axis.values for axis in m.axes)
    boxes, growing = [], {}
    for i, column in enumerate(void_cells(m.delta_chi2)):
        runs = {(a, b + 1) for a, b in stretches(column)}
        boxes += [(x[growing.pop(r)], x[i], y[r[0]], y[r[1]]) for r in list(growing) if r not in runs]
        growing.update({r: i for r in runs if r not in growing})
    return boxes + [(x[start], x[-1], y[r[0]], y[r[1]]) for r, start in growing.items()]


# ---------------------------------------------------------------------------------------------------------- drawing

def draw_region(ax, m, cuts, fills, line, excluded=False):
    """Draws a Map of two axes, with the first along x: the filled region under each cut of Delta chi2 (over it, if what is excluded
    is drawn), widest first, and its outline. Returns points [n, 2] of the widest region, in units of the axes."""
    return np.concatenate([draw_piece(ax, piece, cuts, fills, line, excluded) for piece in branches_of(m)])


def draw_piece(ax, m, cuts, fills, line, excluded=False):
    """The same, of a map without gaps."""
    if np.isnan(m.delta_chi2).all():
        return np.empty((0, 2))
    half = gentle_half(m, cuts)
    x, y, z = refine(m, half)
    low, high, edges = np.fmin.reduce(z, axis=None), np.fmax.reduce(z, axis=None), squeeze(cuts, half)
    for edge, fill in sorted(zip(edges, fills), key=lambda pair: pair[0] if excluded else -pair[0]):
        if (high > edge) if excluded else (low < edge):
            ax.contourf(x, y, z, levels=[edge, 1e9] if excluded else [-1e9, edge], colors=[fill], corner_mask=False, zorder=1)
        if low < edge < high:
            ax.contour(x, y, z, levels=[edge], corner_mask=False, zorder=2, **line)
    row, column = np.nonzero(z >= min(edges) if excluded else z <= max(edges))
    return np.column_stack((x[column], y[row]))


def draw_one(ax, m, cuts, excluded=False):
    deltas, base = [d for d, _ in cuts], colour(0)
    fills = [shade(base, s) for s in np.linspace(0.75, 0.25, len(cuts))] if len(cuts) > 1 else [shade(base, 0.4)]
    fills = fills[::-1] if excluded else fills
    seen = draw_region(ax, m, deltas, fills, dict(colors=[base], linewidths=0.7), excluded)
    return [Patch(facecolor=f, edgecolor=base, linewidth=0.7, label="excluded, " * excluded + name)
            for (_, name), f in zip(cuts, fills)], seen


def draw_several(ax, maps, cuts, labels, outlined=(), excluded=False, places=None):
    """Overlays maps, each in its colour and line style; those whose number (from 1) is in `outlined` have no colour inside.
    `places` are their numbers in the order of colours. Returns handles and points of the regions."""
    deltas, handles, seen = [d for d, _ in cuts], [], []
    for n, (m, label) in enumerate(zip(maps, labels)):
        k = places[n] if places else n
        fill, edge, style = "none" if n + 1 in outlined else faint(colour(k)), colour(k), line_style(k)
        line = dict(colors=[edge], linestyles=[style], linewidths=1.3)
        seen.append(draw_region(ax, m, deltas, [fill] * len(cuts), line, excluded))
        handles.append(Patch(facecolor=fill, edgecolor=edge, linestyle=style, linewidth=1.3, label=label))
    return handles, np.concatenate(seen)


def at_edge(m):
    """Marker of a best fit that the map only bounds, pointing to where it may be; None if the best fit lies inside. What
    ends at infinity has no edge there."""
    for axis, (back, forth) in zip(m.axes, ("<>", "v^")):
        end = axis.end_at(m.best_fit[axis.name])
        if end is not None:
            return back if any(end == axis.values[branch][0] for branch in axis.branches) else forth
    return None


def best_fit_points(maps, places=None):
    """Label, place and style of each map's best fit. One at the edge of a map is none: it is drawn hollow, as an arrow."""
    dot = dict(marker="o", markersize=5.5, markeredgewidth=0.8, markeredgecolor="white", linestyle="none")
    for k, m in zip(places or range(len(maps)), maps):
        base, arrow = colour(k) if len(maps) > 1 else "black", at_edge(m)
        style, label = dict(dot, color=base), "best fit"
        if arrow:  # later maps have smaller ones: best fits of maps that share data lie on each other
            label, size = "best fit at the edge", max(11 - 2.5 * k, 5)
            style = dict(marker=arrow, markersize=size, markeredgewidth=1.2, color="none", markeredgecolor=base,
                         linestyle="none")
        yield label, [m.best_fit[name] for name in m.names], style


def draw_points(ax, maps):
    """Best fit of each map, and the standard model, where they lie in the figure. Returns handles and places."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    plus = dict(marker="+", markersize=11, markeredgewidth=1.3, color="black", linestyle="none")
    points = [*best_fit_points(maps), ("standard model", [axis.standard_model for axis in maps[0].axes], plus)]
    points = [p for p in points if x0 <= p[1][0] <= x1 and y0 <= p[1][1] <= y1]
    handles = {label: Line2D([], [], label=label, **black(style)) for label, _, style in points}
    for _, (x, y), style in points:
        ax.plot(x, y, zorder=4, clip_on=False, **style)
    return list(handles.values()), np.array([place for _, place, _ in points]).reshape(-1, 2)


def black(style):
    """A marker as the legend has it, for all maps."""
    if style["color"] == "none":
        return dict(style, markeredgecolor="black", markersize=8)
    return dict(style, color="black")
