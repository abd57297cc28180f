# SPDX-License-Identifier: GPL-3.0-or-later
"""The look of figures: sizes in print, fonts, colours. Whatever is drawn is drawn in a context of matplotlib's own defaults and
ours: a user's settings change nothing, and nothing of theirs is changed."""
import contextlib
import functools
import os
import sys

from .command import MapError, is_ours, missing


@contextlib.contextmanager
def nobodys_settings():
    """While one of our commands imports matplotlib, which would fail on a matplotlibrc that is damaged, and on a backend that is
    none, although neither is used. A program of the user's that imports the package has its own settings."""
    if not is_ours() or "matplotlib" in sys.modules:
        yield
        return
    kept = {name: os.environ.pop(name, None) for name in ("MPLBACKEND", "MATPLOTLIBRC")}
    os.environ["MATPLOTLIBRC"] = os.devnull
    place = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    os.chdir(os.path.dirname(os.path.abspath(__file__)))    # the first place where matplotlib looks for a matplotlibrc
    try:
        yield
    finally:
        os.fchdir(place)
        os.close(place)
        del os.environ["MATPLOTLIBRC"]
        os.environ.update({name: text for name, text in kept.items() if text is not None})


try:
    with nobodys_settings():
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
except ImportError as error:
    missing(error, "matplotlib")

# Okabe and Ito's palette, which the colour-blind can tell apart; 7 colours and 6 line styles make 42 pairs.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
LINE_STYLES = ["-", (0, (6, 2)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1.2)), (0, (6, 1.2, 1.2, 1.2, 1.2, 1.2))]
GREY = "0.45"

MM = 1 / 25.4                               # in inches, the unit of matplotlib's figures
WIDTHS = {"column": 86.0, "page": 178.0}    # in mm: one and two columns of Physical Review and of JHEP's text
SMALL, PLAIN, LARGE = 7.5, 8, 9             # sizes of letters in print, in points: digits and notes, legends, labels

STYLE = {
    "font.family": "STIXGeneral", "mathtext.fontset": "stix", "font.size": PLAIN, "axes.labelsize": LARGE, "legend.fontsize": PLAIN,
    "legend.title_fontsize": PLAIN, "axes.titlesize": LARGE, "figure.titlesize": LARGE, "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL, "axes.linewidth": 0.6, "axes.unicode_minus": True, "axes.labelpad": 2.5,
    "xtick.major.pad": 3, "ytick.major.pad": 3, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.minor.width": 0.45,
    "ytick.minor.width": 0.45, "lines.linewidth": 1.1,
    "axes.xmargin": 0, "axes.ymargin": 0, "axes.formatter.use_mathtext": True, "axes.formatter.limits": (-3, 4),
    "xtick.direction": "in", "ytick.direction": "in", "xtick.top": True, "ytick.right": True,
    "xtick.minor.visible": True, "ytick.minor.visible": True, "xtick.major.size": 3.5, "ytick.major.size": 3.5,
    "xtick.minor.size": 1.8, "ytick.minor.size": 1.8, "hatch.linewidth": 0.4, "pdf.fonttype": 42, "savefig.dpi": 300,
    "figure.dpi": 200, "svg.hashsalt": "cevscan", "pgf.texsystem": "pdflatex", "pgf.rcfonts": False,
    "figure.constrained_layout.h_pad": 0.03, "figure.constrained_layout.w_pad": 0.03,
}


@contextlib.contextmanager
def drawing():
    """All settings of matplotlib as they should be, for as long as it lasts."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        try:
            yield
        except RuntimeError as error:   # of FreeType, which draws a line of text into one picture
            if "raster overflow" not in str(error):
                raise
            raise MapError("a line of text in the figure is too long to be drawn") from None


def styled(function):
    """A function that draws, in such a context."""
    @functools.wraps(function)
    def drawn(*arguments, **options):
        with drawing():
            return function(*arguments, **options)
    return drawn


class PrintFigure(Figure):
    """A figure that is drawn and written with our settings, whatever those of the session are. No backend is chosen: it is in
    no list of pyplot."""

    @styled
    def draw(self, renderer):
        super().draw(renderer)

    @styled
    def savefig(self, *arguments, **options):
        super().savefig(*arguments, **options)

    @styled
    def draw_without_rendering(self):
        super().draw_without_rendering()


def width_in_mm(text):
    """A width of a figure: "column", "page", or mm."""
    if text in WIDTHS:
        return WIDTHS[text]
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = 0
    if not 30 <= value <= 1000:
        raise MapError(f"--width: {text} is neither {' nor '.join(WIDTHS)} nor a number of mm from 30 to 1000")
    return value


def colour(k):
    return COLOURS[k % len(COLOURS)]


def line_style(k):
    return LINE_STYLES[k % len(LINE_STYLES)]


def shade(base, strength):
    """The colour mixed with white; strength 1 leaves it as it is."""
    return tuple(1 - strength * (1 - c) for c in matplotlib.colors.to_rgb(base))


def faint(base):
    """For regions of several maps: as bright as it can be and still be told from the others. Not transparent: what lies below
    would make colours that stand in no legend."""
    return shade(base, 0.22)


@styled
def new_figure(width, height, rows=1, columns=1, **options):
    """Of width x height inches, but not wider than a page; then it keeps its shape. Returns (figure, axes)."""
    scale = min(1, WIDTHS["page"] * MM / width)
    fig = PrintFigure(figsize=(width * scale, height * scale), layout="constrained")
    FigureCanvasAgg(fig)
    return fig, fig.subplots(rows, columns, **options)


@styled
def new_grid(n, columns, aspect, width=None):
    """A figure of n panels, `columns` side by side, whose height is about `aspect` times their width. It is as wide as a page, or a
    column if there are no panels side by side. Returns (figure, list of n axes); place_one_legend() finds room for a legend."""
    columns = min(columns, n)
    rows, inches = -(-n // columns), width_in_mm(width or ("page" if columns > 1 else "column")) * MM
    fig = PrintFigure(figsize=(inches, ((inches / columns - 0.45) * aspect + 0.45) * rows), layout="constrained")
    FigureCanvasAgg(fig)
    grid = fig.add_gridspec(rows, columns)
    return fig, [fig.add_subplot(grid[divmod(k, columns)]) for k in range(n)]
