# SPDX-License-Identifier: GPL-3.0-or-later
"""The look of figures: fonts, colours, legends that hide nothing, stretches without values, files written in one stroke."""
import os
import re

from .axes import tex_of_unit
from .command import MapError, missing

try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np
    from matplotlib.mathtext import MathTextParser
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter
except ImportError as error:
    missing(error, "matplotlib")

# Okabe and Ito's palette, which the colour-blind can tell apart; 7 colours and 6 line styles make 42 pairs.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
LINE_STYLES = ["-", (0, (6, 2)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1.2)), (0, (6, 1.2, 1.2, 1.2, 1.2, 1.2))]
GREY = "0.45"
FORMATS = ("pdf", "png")

STYLE = {
    "font.family": "STIXGeneral", "mathtext.fontset": "stix", "font.size": 10, "axes.labelsize": 12, "legend.fontsize": 9,
    "legend.title_fontsize": 9, "axes.titlesize": 11, "axes.linewidth": 0.8, "axes.unicode_minus": True,
    "xtick.major.pad": 5, "ytick.major.pad": 5,
    "axes.xmargin": 0, "axes.ymargin": 0, "axes.formatter.use_mathtext": True, "axes.formatter.limits": (-3, 4),
    "xtick.direction": "in", "ytick.direction": "in", "xtick.top": True, "ytick.right": True,
    "xtick.minor.visible": True, "ytick.minor.visible": True, "xtick.major.size": 5, "ytick.major.size": 5,
    "xtick.minor.size": 2.5, "ytick.minor.size": 2.5, "hatch.linewidth": 0.5, "pdf.fonttype": 42, "savefig.dpi": 200,
}


def colour(k):
    return COLOURS[k % len(COLOURS)]


def line_style(k):
    return LINE_STYLES[k % len(LINE_STYLES)]


def shade(base, strength):
    """The colour mixed with white; strength 1 leaves it as it is."""
    return tuple(1 - strength * (1 - c) for c in matplotlib.colors.to_rgb(base))


def faint(base):
    """Transparent, for regions that overlap."""
    return matplotlib.colors.to_rgba(base, 0.16)


def new_figure(width, height, rows=1, columns=1, **options):
    matplotlib.rcParams.update(STYLE)
    return plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **options)


def new_grid(n, columns, width, height):
    """A figure of n panels of about width x height inches. Returns (figure, list of n axes); place_one_legend() finds room for a
    legend."""
    matplotlib.rcParams.update(STYLE)
    columns = min(columns, n)
    rows = -(-n // columns)
    fig = plt.figure(figsize=((width + 0.55) * columns, (height + 0.45) * rows), layout="constrained")
    grid = fig.add_gridspec(rows, columns)
    return fig, [fig.add_subplot(grid[divmod(k, columns)]) for k in range(n)]


# ------------------------------------------------------------------------------------------------------------ words

def is_tex(text):
    try:
        MathTextParser("path").parse(text)
        return True
    except ValueError:
        return False


def own_words(text):
    """Words that the user gave: TeX in dollar signs allowed, if it can be set."""
    if text is not None and not is_tex(text):
        raise MapError(f"this TeX cannot be set: {text}")
    return text


def axis_label(axis):
    return label_with_unit(name_of(axis), axis.units)


def name_of(axis):
    return axis.long_name if is_tex(axis.long_name) else axis.name


def label_with_unit(name, units):
    return name if units in ("1", "") else f"{name} [{tex_of_unit(units)}]"


def add_note(ax, maps, labels):
    """Says above the figure, at the right, which maps are not whole."""
    notes = [(f"{label}: " if len(maps) > 1 else "map is " if m.completeness < 1 else "") + m.note
             for m, label in zip(maps, labels) if m.note]
    if notes:
        ax.text(1, 1.015, "\n".join(notes), transform=ax.transAxes, ha="right", va="bottom", fontsize=8, style="italic",
                color="0.25")
    return len(notes)


def add_title(ax, title, n_note):
    if title:
        ax.set_title(own_words(title), pad=6 + 10 * n_note)


# ------------------------------------------------------------------------------------------------------------- axes

def set_scale(ax, which, axis):
    """Scale, label and default range of the x or y axis of a figure, after those of the map."""
    setter = getattr(ax, f"set_{which}scale")
    if axis.drawn_scale in ("symlog", "signed_log"):
        signed = axis.drawn_scale == "signed_log"
        threshold = axis.nearest_to_zero if signed else axis.linear_threshold
        setter("symlog", linthresh=threshold, linscale=0.25 if signed else 1)
        major, minor = symlog_ticks(axis, threshold)
        major = major[major != 0] if signed else major  # zero lies in the gap
        getattr(ax, which + "axis").set_major_locator(FixedLocator(major))
        getattr(ax, which + "axis").set_minor_locator(FixedLocator(minor))
    else:
        setter(axis.drawn_scale)
    getattr(ax, f"set_{which}label")(axis_label(axis))
    if axis.drawn_scale == "linear" and abs(axis.values).max() >= 1e4:
        write_thousands(ax, which, axis)
    getattr(ax, f"set_{which}lim")(axis.values[0], axis.values[-1])


def write_thousands(ax, which, axis):
    """Large numbers in powers of a thousand that stand in the label: in a corner they would lie upon it."""
    power = 3 * int(np.log10(abs(axis.values).max()) / 3)
    getattr(ax, which + "axis").set_major_formatter(FuncFormatter(lambda x, _: f"{x / 10.0**power:g}"))
    units = re.sub(r"^1/|^1$", "", axis.units)
    joint = "/" if axis.units.startswith("1/") else " " if units else ""
    getattr(ax, f"set_{which}label")(label_with_unit(name_of(axis), f"10^{power}{joint}{units}"))


def write_steps(ax):
    """Numbers at 1, 2, 5 on a logarithmic x axis that is too short to be read from its powers of ten."""
    low, high = ax.get_xlim()
    if ax.get_xscale() == "log" and 0.1 <= low and high <= 2e4 and high < 80 * low:
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())


def symlog_ticks(axis, threshold):
    """Zero and the powers of ten from the threshold on, not more than 4 on a side; minor ticks at their multiples."""
    first = int(np.ceil(np.log10(threshold) - 1e-6))
    last = int(np.floor(np.log10(np.abs(axis.values).max()) + 1e-6))
    major = 10.0**np.arange(last, first - 1, -max(1, -(-(last - first + 1) // 4)))
    minor = np.concatenate([np.arange(1, 10) * 10.0**k for k in range(first, last + 1)] or [[]])
    return np.concatenate((-major, [0], major)), np.concatenate((-minor, minor))


def set_limits(ax, which, limits, axis):
    if limits is None:
        return
    low, high = limits
    if not low < high or (axis.drawn_scale == "log" and low <= 0):
        raise MapError(f"--{which}lim: from {low:g} to {high:g} is no range of this axis")
    getattr(ax, f"set_{which}lim")(low, high)


VOID_STYLE = dict(facecolor="0.93", edgecolor="0.6", hatch="//////", linewidth=0)


def draw_boxes(ax, boxes):
    """Hatches boxes (x0, x1, y0, y1), as one path so that no seams show. Returns points all over them."""
    if not boxes:
        return np.empty((0, 2))
    corners = [[(a, c), (b, c), (b, d), (a, d), (a, c)] for a, b, c, d in boxes]
    path = Path.make_compound_path(*[Path(box, closed=True) for box in corners])
    ax.add_patch(PathPatch(path, zorder=0.5, **VOID_STYLE))
    part = np.linspace(0, 1, 20)
    return np.array([(a + (b - a) * u, c + (d - c) * v) for a, b, c, d in boxes[:200] for u in part for v in part])


# ----------------------------------------------------------------------------------------------------------- legend

CORNERS = ("upper right", "upper left", "lower right", "lower left")
MIDDLES = ("upper center", "lower center", "center right", "center left", "center")
PLACES = ([(place, 1) for place in CORNERS] + [(place, 2) for place in CORNERS + MIDDLES[:2]] +
          [(place, 1) for place in MIDDLES])  # and numbers of columns, in the order in which they are tried


def place_legend(fig, ax, handles, points, title=None, outside=1.03):
    """Puts the legend where it covers none of `points` (data coordinates), else right of the axes."""
    options = dict(handles=handles, title=title, frameon=True, framealpha=1, facecolor="white", edgecolor="none",
                   handlelength=2.2, labelspacing=0.35, borderpad=0.3, columnspacing=1.2)
    fig.draw_without_rendering()
    seen, room = ax.transData.transform(points), ax.bbox.padded(2)
    for place, columns in PLACES:
        legend = ax.legend(loc=place, ncol=columns, **options)
        box = legend.get_window_extent(fig.canvas.get_renderer())
        fits = room.x0 <= box.x0 and box.x1 <= room.x1 and room.y0 <= box.y0 and box.y1 <= room.y1
        if fits and not box.padded(4).count_contains(seen):
            return
    legend = ax.legend(loc="upper left", bbox_to_anchor=(outside, 1.015), borderaxespad=0, **options)
    missing = legend.get_window_extent(fig.canvas.get_renderer()).width / fig.dpi + 0.1
    for _ in range(4):  # axes of a fixed shape move when the figure grows
        fig.set_size_inches(fig.get_figwidth() + missing, fig.get_figheight())
        fig.draw_without_rendering()
        missing = (legend.get_window_extent(fig.canvas.get_renderer()).x1 - fig.bbox.x1) / fig.dpi + 0.03
        if missing <= 0.03:
            return


ONE_LEGEND = dict(frameon=False, handlelength=2.6, labelspacing=0.45, columnspacing=1.6, fontsize=9, borderaxespad=0)


def place_one_legend(fig, handles, title=None):
    """A legend of all panels: where a panel's place is left over in the grid of new_grid(), if it fits there, else below."""
    grid = fig.axes[0].get_subplotspec().get_gridspec()
    n_free = grid.nrows * grid.ncols - len(fig.axes)
    if n_free:
        fig.draw_without_rendering()
        corner = fig.axes[(grid.nrows - 1) * grid.ncols - 1].get_position()  # the panel above the last place
        left, last = fig.axes[-1].get_tightbbox().x1 / fig.bbox.width, fig.axes[-1].get_position()
        legend = fig.legend(handles=handles, title=title, loc="center", **ONE_LEGEND,
                            bbox_to_anchor=((left + corner.x1) / 2, (last.y0 + last.y1) / 2))
        box = legend.get_window_extent(fig.canvas.get_renderer())
        if box.width < 0.95 * (corner.x1 - left) * fig.bbox.width and box.height < fig.bbox.height / grid.nrows:
            legend.set_in_layout(False)
            return
        legend.remove()
    place_below(fig, handles, title)


def place_below(fig, handles, title):
    """In as few rows as fit into the width of the figure, which grows by their height."""
    for rows in range(1, len(handles) + 1):
        legend = fig.legend(handles=handles, title=title, ncol=-(-len(handles) // rows), loc="lower center", **ONE_LEGEND,
                            bbox_to_anchor=(0.5, 0.01))
        legend.set_in_layout(False)
        box = legend.get_window_extent(fig.canvas.get_renderer())
        if box.width < 0.97 * fig.bbox.width or rows == len(handles):
            break
        legend.remove()
    missing = max(0, box.width / fig.dpi / 0.97 - fig.get_figwidth())
    extra = box.height / fig.dpi + 0.15
    fig.set_size_inches(fig.get_figwidth() + missing, fig.get_figheight() + extra)
    fig.get_layout_engine().set(rect=(0, extra / fig.get_figheight(), 1, 1 - extra / fig.get_figheight()))


# ------------------------------------------------------------------------------------------------------------- file

def empty_panels(fig):
    """How many of the figure's visible axes have no colour in them: nothing but frame, words and grey lines."""
    fig.canvas.draw()
    image = np.asarray(fig.canvas.buffer_rgba())[::-1, :, :3].astype(int)
    n = 0
    for ax in fig.axes:
        x0, y0, x1, y1 = (int(v) for v in ax.bbox.extents)
        inside = image[y0:y1, x0:x1]
        n += ax.axison and ax.get_visible() and ((inside.max(axis=2) - inside.min(axis=2)) > 30).sum() < 20
    return int(n)


def figure_format(path):
    suffix = os.path.splitext(path)[1].lstrip(".").lower()
    if suffix not in FORMATS:
        raise MapError(f"{path}: a figure's name must end in .pdf or .png")
    return suffix


def provenance(maps):
    """Text that ties a figure to its maps."""
    hashes = [m.progress.get("content_hash") or m.attrs.get("configuration_hash", "") for m in maps]
    return "; ".join(f"{os.path.basename(m.path)} {text}".strip() for m, text in zip(maps, hashes))


def save_all(fig, stem, maps, kinds=FORMATS):
    """Writes the figure in several formats: STEM.pdf, STEM.png."""
    for kind in kinds:
        save(fig, f"{stem}.{kind}", maps, close=kind == kinds[-1])


def save(fig, path, maps, close=True):
    """Writes the figure beside its place and renames it. The bytes depend on the maps and the arguments alone."""
    kind, source = figure_format(path), provenance(maps)
    metadata = {"pdf": {"CreationDate": None, "Subject": source}, "png": {"Description": source}}[kind]
    temporary = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}")
    try:
        fig.savefig(temporary, format=kind, metadata=metadata)
        os.replace(temporary, path)
    except OSError as error:
        raise MapError(f"{path}: {error.strerror or error}") from None
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
        if close:
            plt.close(fig)
