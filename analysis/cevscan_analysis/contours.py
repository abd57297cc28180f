# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of two parameters in axes of matplotlib: smooth contours, places without values, best fits."""
from dataclasses import dataclass

from .intervals import stretches
from .lines import coarseness, contours_of, simplified
from .numeric import np
from .projection import branches_of
from .refined import gentle_half, refine, squeeze, void_cells
from .style import colour, faint, line_style, shade

from matplotlib.lines import Line2D    # after the package, which sees to settings
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import TickedStroke, withTickedStroke

__all__ = ["Look", "at_edge", "best_fit_points", "black", "coarseness", "draw_one", "draw_points", "draw_region", "draw_several",
           "gentle_half", "key_of", "refine", "squeeze", "void_boxes", "void_cells"]

INVISIBLE = 0.03    # points: how far a drawn line may be from the one that it stands for; 1/2400 inch
TICKS = dict(spacing=4.5, length=0.75, angle=65)    # of lines, on the side that is excluded: in points, of the spacing, degrees


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

@dataclass(frozen=True)
class Look:
    """Of a region: its fills from the first cut to the last (None: no colour inside), and its outline."""
    fills: tuple
    edge: str
    style: object = "-"
    width: float = 1.1
    excluded: bool = False      # is it what is excluded that has the colour, or the short strokes?

    @property
    def is_outlined(self):
        return self.fills[0] is None


def draw_region(ax, m, cuts, look, order=0):
    """Draws a Map of two axes, with the first along x: the region under each cut of Delta chi2 (over it, if what is excluded is
    drawn), widest first, and its outline. Of several maps, `order` says which lies upon which. Returns points [n, 2] of the widest
    region, in units of the axes."""
    contours = contours_of(m, cuts)
    levels = list(zip(contours, [k for _ in range(len(contours) // len(cuts)) for k in range(len(cuts))]))
    for contour, k in sorted(levels, key=lambda pair: pair[0].edge * (1 if look.excluded else -1)):
        if not look.is_outlined:
            fill(ax, contour, look.fills[k], look.excluded, order)
        outline(ax, contour, look)
    widest = min(cuts) if look.excluded else max(cuts)
    seen = [points_of(contour, look.excluded) for contour, k in levels if cuts[k] == widest]
    return np.concatenate(seen) if seen else np.empty((0, 2))


def points_of(contour, above):
    """Points all over a region and its edge, as near to each other as a legend might hide."""
    row, column = np.nonzero(contour.inside(above)[::4, ::4])
    return np.concatenate([np.column_stack((contour.x[::4][column], contour.y[::4][row])), *contour.lines])


def fill(ax, contour, face, above, order):
    paths = [Path(points[keep], codes[keep]) for points, codes in contour.polygons(above)
             for keep in [kept_of_polygon(ax, points, codes)]]
    if paths:
        ax.add_patch(PathPatch(Path.make_compound_path(*paths), facecolor=face, edgecolor="none", linewidth=0, zorder=1 + 0.01 * order))


def kept_of_polygon(ax, points, codes):
    """Which of its points are needed, ring by ring."""
    starts = [*np.flatnonzero(codes == Path.MOVETO), len(points)]
    return np.concatenate([kept(ax, points[a:b]) for a, b in zip(starts, starts[1:])])


def kept(ax, points):
    """Which points of a line are needed in print."""
    return simplified(ax.transData.transform(points) * 72 / ax.figure.dpi, INVISIBLE)


def outline(ax, contour, look):
    """Of a region; what is excluded, if nothing is coloured, lies on the side of the short strokes."""
    paths = [Path(line[keep], closed=bool((line[0] == line[-1]).all()) and len(line) > 3)
             for line in contour.lines for keep in [kept(ax, line)]]
    if not paths:
        return
    path = Path.make_compound_path(*paths)
    plain = dict(fill=False, edgecolor=look.edge, zorder=2)
    ax.add_patch(PathPatch(path, linestyle=look.style, linewidth=look.width, joinstyle="round", **plain))
    if look.excluded and look.is_outlined:
        ax.add_patch(PathPatch(path, linewidth=0.6, path_effects=[TickedStroke(**TICKS)], **plain))


def key_of(look, label):
    """Of a legend."""
    if look.excluded and look.is_outlined:
        return Line2D([], [], color=look.edge, linewidth=look.width, linestyle=look.style, label=label,
                      path_effects=[withTickedStroke(**TICKS)])
    return Patch(facecolor=look.fills[0] or "none", edgecolor=look.edge, linestyle=look.style, linewidth=look.width, label=label)


def draw_one(ax, m, cuts, excluded=False):
    deltas, base = [d for d, _ in cuts], colour(0)
    fills = [shade(base, s) for s in np.linspace(0.75, 0.25, len(cuts))] if len(cuts) > 1 else [shade(base, 0.4)]
    fills = fills[::-1] if excluded else fills
    seen = draw_region(ax, m, deltas, Look(tuple(fills), base, width=0.6, excluded=excluded))
    return [Patch(facecolor=f, edgecolor=base, linewidth=0.6, label="excluded, " * excluded + name)
            for (_, name), f in zip(cuts, fills)], seen


def draw_several(ax, maps, cuts, labels, outlined=(), excluded=False, places=None):
    """Overlays maps, each in its colour and line style, the largest region below; those whose number (from 1) is in `outlined`
    have no colour inside. `places` are their numbers in the order of colours. Returns handles and points of the regions."""
    deltas, handles, seen = [d for d, _ in cuts], [], []
    below = {n: order for order, n in enumerate(sorted(range(len(maps)), key=lambda n: -size_of(maps[n], deltas, excluded)))}
    for n, (m, label) in enumerate(zip(maps, labels)):
        k = places[n] if places else n
        face = None if n + 1 in outlined else faint(colour(k))
        look = Look((face,) * len(cuts), colour(k), line_style(k), excluded=excluded)
        seen.append(draw_region(ax, m, deltas, look, below[n]))
        handles.append(key_of(look, label))
    return handles, np.concatenate(seen)


def size_of(m, cuts, excluded):
    """Of a region, as large as it looks."""
    x, y = (np.gradient(axis.to_scale(axis.values)) for axis in m.axes)
    with np.errstate(invalid="ignore"):
        inside = m.delta_chi2 > min(cuts) if excluded else m.delta_chi2 <= max(cuts)
    return float((inside * np.outer(x, y)).sum())


def at_edge(m):
    """Marker of a best fit that the map only bounds, pointing to where it may be; None if the best fit lies inside. What
    ends at infinity has no edge there."""
    for axis, (back, forth) in zip(m.axes, ("<>", "v^")):
        end = axis.end_at(m.best_fit[axis.name])
        if end is not None:
            return back if any(end == axis.values[branch][0] for branch in axis.branches) else forth
    return None


def best_fit_points(maps, places=None, limits=None):
    """Label, place and style of each map's best fit. One at the edge of a map is none: it is drawn hollow, as an arrow. One outside
    of the `limits` of a figure, ((x0, x1), (y0, y1)), is an arrow at its frame."""
    dot = dict(marker="o", markersize=4.5, markeredgewidth=0.7, markeredgecolor="white", linestyle="none")
    for k, m in zip(places or range(len(maps)), maps):
        place, base = [m.best_fit[name] for name in m.names], colour(k) if len(maps) > 1 else "black"
        arrow, style, label = at_edge(m), dict(dot, color=base), "best fit"
        size = max(8 - 1.8 * k, 4)  # later maps have smaller ones: best fits of maps that share data lie on each other
        hollow = dict(markersize=size, markeredgewidth=1, color="none", markeredgecolor=base, linestyle="none")
        if arrow:
            label, style = "best fit at the edge", dict(hollow, marker=arrow)
        if limits and np.isfinite(place).all():
            beyond, place = brought_inside(place, limits)
            if beyond:
                label, style = "best fit outside", dict(hollow, marker=beyond)
        yield label, place, style


def brought_inside(place, limits):
    """The marker that points from the frame to a place outside of it (None if it lies inside), and its own place there."""
    beyond = [("<>", "v^")[k][int(v > high)] for k, (v, (low, high)) in enumerate(zip(place, limits)) if not low <= v <= high]
    return (beyond[0] if beyond else None), [float(np.clip(v, low, high)) for v, (low, high) in zip(place, limits)]


def draw_points(ax, maps, places=None, shown=None, size=8):
    """Best fit of each map (or of those that are flagged in `shown`), and the standard model, where they lie in the figure. Returns
    handles and places."""
    limits = ax.get_xlim(), ax.get_ylim()
    plus = dict(marker="+", markersize=size, markeredgewidth=1.1, color="black", linestyle="none")
    best = best_fit_points(maps, places, limits)
    points = [*(point for n, point in enumerate(best) if shown is None or shown[n]),
              ("standard model", [axis.standard_model for axis in maps[0].axes], plus)]
    points = [p for p in points if all(low <= v <= high for v, (low, high) in zip(p[1], limits))]
    handles = {label: Line2D([], [], label=label, **black(style)) for label, _, style in points}
    for _, (x, y), style in points:
        ax.plot(x, y, zorder=4, clip_on=False, **style)
    return list(handles.values()), np.array([place for _, place, _ in points]).reshape(-1, 2)


def black(style):
    """A marker as the legend has it, for all maps."""
    if style["color"] == "none":
        return dict(style, markeredgecolor="black", markersize=6)
    return dict(style, color="black")
