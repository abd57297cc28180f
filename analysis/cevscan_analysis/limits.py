# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits in figures: those out of files, what a map excludes, and the allowed band between two excluded regions."""
from .command import complain
from .contour_pieces import signed_area
from .intervals import stretches
from .limit_files import Limit, read_limits
from .numeric import np
from .projection import branches_of
from .style import SMALL, own_words, shade, their_words

from matplotlib.lines import Line2D    # after the package, which sees to settings
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke


__all__ = ["Limit", "band_place", "draw_limits", "name_band", "read_limits", "tell_of_limits"]

DASHES = [(0, (5, 2)), (0, (1.2, 1.4)), (0, (5, 1.5, 1.2, 1.5)), "-", (0, (8, 2, 2, 2)), (0, (3, 1.2, 1.2, 1.2, 1.2, 1.2))]
TONES = ["0.15", "#8C510A", "#762A83"]      # black, brown and purple: none of the colours of maps
HATCHES = ["////", "\\\\\\\\", "....", "xxxx", "||||", "----"]
PIXELS = 3      # between points along a line that nothing may hide


def look(limit):
    """Colour, dashes and hatch: 18 lines that can be told apart."""
    k = limit.number
    return TONES[k // len(DASHES) % len(TONES)], DASHES[k % len(DASHES)], HATCHES[k % len(HATCHES)]


def words(limit):
    """Its name: the user's, or one that is made of the file's."""
    return own_words(limit.label) if limit.is_named else their_words(limit.label)


def draw_limits(ax, limits, in_place=False, markers=()):
    """Draws limits into axes whose scales and ranges are set; their names stand beside them, on none of the `markers` (places in
    the axes' units), or come back as handles of a legend. Returns handles, and points all along the lines and names that a
    legend must not hide."""
    handles, seen, pixels = [], [np.empty((0, 2))], [along(ax, limit.lines) for limit in limits]
    regions = outlines_of(ax) if in_place else []
    for limit in limits:
        handles += (draw_line if limit.style == "line" else draw_area)(ax, limit)
    if in_place:
        names, boxes = [], [around(ax, markers), *regions]
        for k, limit in enumerate(limits):
            lines = [] if limit.style != "line" else pixels[:k] + pixels[k + 1:]
            names.append(write_name(ax, limit, pixels[k], np.concatenate([np.empty((0, 2)), *lines, *boxes])))
            boxes.append(box_of(names[-1]))
        pixels, handles = pixels + boxes, []
    if pixels:
        seen = [ax.transData.inverted().transform(np.concatenate(pixels))]
    return handles, np.concatenate(seen)


def draw_line(ax, limit):
    colour, dashes, _ = look(limit)
    style = dict(color=colour, linewidth=1, linestyle=dashes, zorder=3)
    for points in limit.lines:
        ax.plot(*points.T, **style)
    return [Line2D([], [], label=words(limit), **style)]


def draw_area(ax, limit):
    """Filled or hatched, with its edge. A piece that is open is closed by the straight line between its ends, along which no edge
    is drawn."""
    colour, dashes, hatch = look(limit)
    edge = dict(edgecolor=colour, linewidth=0.9, linestyle=dashes)
    inside = dict(facecolor=shade(colour, 0.16), linewidth=0, zorder=0.9) if limit.style == "filled" else \
        dict(facecolor="none", edgecolor=colour, hatch=hatch, linewidth=0, alpha=0.55, zorder=1.4)
    ax.add_patch(PathPatch(area_path(limit), **inside))     # what is filled lies below the map's regions: no colour is mixed
    for points in limit.lines:
        ax.plot(*points.T, color=colour, linewidth=0.9, linestyle=dashes, zorder=3)
    face = dict(facecolor=shade(colour, 0.16)) if limit.style == "filled" else \
        dict(facecolor="none", hatch=hatch)
    return [Patch(label=words(limit), **edge, **face)]


def area_path(limit):
    """One path of all pieces. One that lies inside of another is a hole in it, whichever way round they run in the file."""
    rings = rings_of(limit)
    paths = [Path(ring, closed=True) for ring in rings]
    for k, ring in enumerate(rings):
        depth = sum(other.contains_point(ring[0]) for j, other in enumerate(paths) if j != k)
        if (signed_area(*ring.T) > 0) != (depth % 2 == 0):
            paths[k] = Path(ring[::-1], closed=True)
    return Path.make_compound_path(*paths)


def around(ax, markers):
    """Points in pixels on and around markers."""
    xy = ax.transData.transform(np.reshape(markers, (-1, 2)).astype(float))
    return np.concatenate([xy + (dx, dy) for dx in (-6, 0, 6) for dy in (-6, 0, 6)])


def outlines_of(ax):
    """Points in pixels along the outlines of regions that have been drawn: [[n, 2]]."""
    return [along(ax, [np.array(line) for line in patch.get_path().to_polygons(closed_only=False)])
            for patch in ax.patches if not patch.get_fill()]


def rings_of(limit):
    """Its lines, those that are open with their first point once more at the end."""
    return [points if (points[0] == points[-1]).all() else np.concatenate((points, points[:1])) for points in limit.lines]


def along(ax, lines):
    """Points in pixels all along lines, as far as they lie in the axes."""
    found = [np.empty((0, 2))]
    for points in lines:
        xy = ax.transData.transform(points)
        room = ax.bbox.padded(2000)     # lines that leave the figure need no points out there
        xy = np.clip(xy, (room.x0, room.y0), (room.x1, room.y1))
        length = np.concatenate(([0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))))
        s = np.linspace(0, length[-1], 2 + int(length[-1] / PIXELS))
        found.append(np.column_stack([np.interp(s, length, v) for v in xy.T]))
    xy = np.concatenate(found)
    return xy[inside_box(ax.bbox, xy)]


def inside_box(box, xy):
    return (box.x0 <= xy[:, 0]) & (xy[:, 0] <= box.x1) & (box.y0 <= xy[:, 1]) & (xy[:, 1] <= box.y1)


def tell_of_limits(ax, limits):
    """Notes of limits that cannot be seen as they are meant."""
    exported = list(dict.fromkeys(x.path for x in limits if x.style != "line" and x.names and x.open_pieces))
    if exported:
        complain(f"note: {', '.join(exported)}: holds open lines, whose areas end at straight lines between their ends; export_contours.py "
                 "--filled closes them along the border of the grid")
    for limit in limits:
        if not len(along(ax, limit.lines)):
            complain(f"note: {limit.label}: no point of this limit lies in the figure")
        for k in limit.open_pieces if limit.style != "line" and limit.path not in exported else ():
            complain(f"note: {limit.label}: piece {k} of {limit.path} is open; its area ends at the straight line between its ends")


# ------------------------------------------------------------------------------------------------------ names in place

def write_name(ax, limit, own, others):
    """Writes the name of a limit beside its longest straight stretch with the most room, or in the middle of its area. `own` and
    `others`: points in pixels of this limit, and of what the name must not lie on. Returns the text; None if no part of the
    limit lies in the figure."""
    if not len(own):
        return None
    text = ax.text(0, 0, words(limit), fontsize=SMALL, color=look(limit)[0], ha="center", va="center", zorder=5,
                   rotation_mode="anchor", path_effects=[withStroke(linewidth=2.2, foreground="white")])
    size = text.get_window_extent(ax.figure.canvas.get_renderer())
    place = place_in_area(ax, limit, np.concatenate((along(ax, rings_of(limit)), others)), size) if limit.style != "line" else None
    if place is None and limit.style != "line":     # a name in a hole would be that of the hole
        others = np.concatenate((others, np.repeat(holes_of(ax, limit), 2, axis=0)))
    x, y, angle = place or place_at_line(ax.bbox, own, others, size)
    text.set_position(ax.transData.inverted().transform((x, y)))
    text.set_rotation(angle)
    return text


def box_of(text):
    """Points in pixels all over a text."""
    if text is None:
        return np.empty((0, 2))
    box = text.get_window_extent(text.figure.canvas.get_renderer())
    return np.array([(x, y) for x in np.linspace(box.x0, box.x1, 12) for y in np.linspace(box.y0, box.y1, 5)])


def place_in_area(ax, limit, obstacles, size):
    """(x, y, 0) where the text has most room around it within the area and the axes, and of the obstacles, points in pixels; None
    where it does not fit."""
    grid, depth = depths(ax, limit)
    grid = grid[depth % 2 == 1]
    if not len(grid):
        return None
    half = np.array([size.width / 2 + 2, size.height / 2 + 1])
    room = np.abs((grid[:, None, :] - obstacles[None, ::2]) / half).max(axis=2).min(axis=1)
    corners = np.array([[ax.bbox.x0, ax.bbox.y0], [ax.bbox.x1, ax.bbox.y1]])
    room = np.minimum(room, np.abs((grid[:, None, :] - corners[None]) / half).min(axis=(1, 2)))
    best = int(room.argmax())
    return (*grid[best], 0.0) if room[best] >= 1 else None


def depths(ax, limit):
    """Places all over the axes, in pixels, and in how many rings of the limit's area each lies: in a hole in an even number."""
    grid = np.array([(x, y) for x in np.linspace(ax.bbox.x0, ax.bbox.x1, 60) for y in np.linspace(ax.bbox.y0, ax.bbox.y1, 60)])
    return grid, sum(Path(ax.transData.transform(ring)).contains_points(grid).astype(int) for ring in rings_of(limit))


def holes_of(ax, limit):
    """Places in pixels in the holes of its area."""
    grid, depth = depths(ax, limit)
    return grid[(depth > 0) & (depth % 2 == 0)]


def place_at_line(box, own, others, size):
    """(x, y, angle in degrees) of a text along the line, in pixels."""
    n, strokes = max(2, int(size.width / 2 / PIXELS)), strokes_of(own)
    best, most = None, -np.inf
    for k, i in ((k, i) for k, stroke in enumerate(strokes) for i in range(n, len(stroke) - n, 4)):
        apart = [stroke[::2] for j, stroke in enumerate(strokes) if j != k]
        rest = np.concatenate([others[::2], strokes[k][:i - n:2], strokes[k][i + n + 1::2], *apart])
        for x, y, angle, bend in beside(strokes[k], i, n, size.height):
            cover = cover_of(x, y, angle, size)
            if inside_box(box.padded(-3), cover).all():
                clear = np.hypot(*(cover[:, None, :] - rest[None]).transpose(2, 0, 1)).min() if len(rest) else np.inf
                score = min(25, clear) - 1.5 * bend - 20 * (clear < 3)
                best, most = ((x, y, angle), score) if score > most else (best, most)
    if best is None:    # no stretch is as long as the name
        x, y = own[len(own) // 2]
        w, h = size.width / 2 + 4, size.height / 2 + 4
        return float(np.clip(x, box.x0 + w, box.x1 - w)), float(np.clip(y + h, box.y0 + h, box.y1 - h)), 0.0
    return best


def strokes_of(xy):
    """Points of lines, in pixels, cut where they are further from each other than along a line."""
    return np.split(xy, 1 + np.flatnonzero(np.hypot(*np.diff(xy, axis=0).T) > 2 * PIXELS))


def beside(stroke, i, n, height):
    """(x, y, angle, bend) of a text over, and one under, the stretch of 2 n points around point i; `bend`: how far the stretch is
    from straight, in pixels."""
    first, last = stroke[i - n], stroke[i + n]
    chord = (last - first) / max(1e-9, np.hypot(*(last - first)))
    normal = np.array([-chord[1], chord[0]])
    off = (stroke[i - n:i + n + 1] - first) @ normal
    angle = float(np.degrees(np.arctan2(chord[1], chord[0])))
    angle = angle - 180 if angle > 90 else angle + 180 if angle <= -90 else angle
    for side in (1, -1):
        lift = max(0, float((side * off).max())) + height / 2 + 2
        yield *((first + last) / 2 + side * lift * normal), angle, float(np.ptp(off))


def cover_of(x, y, angle, size):
    """Points in pixels all over a text that stands at an angle."""
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    u, v = (a.ravel() for a in np.meshgrid(np.linspace(-0.5, 0.5, 9) * size.width, np.linspace(-0.5, 0.5, 3) * size.height))
    return np.column_stack((x + c * u - s * v, y + s * u + c * v))


# ------------------------------------------------------------------------------------------------------ allowed bands

def band_place(ax, m, cut):
    """A place (x, y) in the middle of the allowed band between two excluded regions, about a third from the left end of the
    stretch of x that has one; None if there is no band."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    places = []
    for piece in branches_of(m):
        (x, y), t = (axis.values for axis in piece.axes), piece.axes[1].to_scale(piece.axes[1].values)
        for i in np.flatnonzero((x0 <= x) & (x <= x1)):
            column = piece.delta_chi2[i]
            inner = [(a, b) for a, b in stretches(column <= cut) if 0 < a and b < len(y) - 1 and not np.isnan(column).any()]
            below = [(a, b) for a, b in inner if (column[:a] > cut).any() and (column[b + 1:] > cut).all()]
            places += [(x[i], float(piece.axes[1].from_scale((t[a] + t[b]) / 2))) for a, b in below[-1:]]
    places = [place for place in places if y0 < place[1] < y1]
    return places[len(places) // 3] if places else None


def name_band(ax, m, cut):
    """Writes "allowed" at the band, above it. Returns points of the words."""
    place = band_place(ax, m, cut)
    if place is None:
        return np.empty((0, 2))
    ax.annotate("allowed", place, xytext=(-18, 26), textcoords="offset points", fontsize=SMALL, ha="center", va="bottom", zorder=5,
                arrowprops=dict(arrowstyle="-|>", linewidth=0.8, color="black", shrinkA=1, shrinkB=0))
    corner = ax.transData.transform(place)
    box = [(dx, dy) for dx in np.linspace(-110, 20, 8) for dy in np.linspace(0, 110, 8)]
    return ax.transData.inverted().transform(corner + np.array(box))
