# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures in files: in print's formats, written in one stroke, the same bytes each time."""
import io
import os
import shutil

from . import disk
from .command import MapError
from .numeric import np
from .words import readable

FORMATS = ("pdf", "png")                # of save_all()
KNOWN = ("pdf", "png", "svg", "pgf")


def empty_panels(fig):
    """How many of the figure's visible axes have no colour in them: nothing but frame, words and grey lines."""
    fig.canvas.draw()
    freeze(fig)
    image = np.asarray(fig.canvas.buffer_rgba())[::-1, :, :3].astype(int)
    n = 0
    for ax in fig.axes:
        x0, y0, x1, y1 = (int(v) for v in ax.bbox.extents)
        inside = image[y0:y1, x0:x1]
        n += ax.axison and ax.get_visible() and ((inside.max(axis=2) - inside.min(axis=2)) > 30).sum() < 20
    return int(n)


def freeze(fig):
    """What is drawn keeps its place: to find it costs more than to draw."""
    fig.set_layout_engine("none")


def figure_format(path):
    """Of one path, or of each of several."""
    if not isinstance(path, str):
        return [figure_format(one) for one in path]
    suffix = os.path.splitext(path)[1].lstrip(".").lower()
    if suffix not in KNOWN:
        raise MapError(f"{path}: a figure's name must end in {', '.join('.' + kind for kind in KNOWN[:-1])} or .{KNOWN[-1]}")
    return suffix


def add_output(parser):
    """-o and --width: save() takes options.output as it is."""
    parser.add_argument("-o", "--output", action="append", required=True, metavar="FIGURE",
                        help="figure to write: .pdf, .png, .svg, or .pgf for LaTeX (which must be installed); can be repeated for several "
                             "formats")


def add_width(parser, default, words=None):
    parser.add_argument("--width", default=default, metavar="W",
                        help="of the figure in print: column (86 mm), page (178 mm), or mm; letters have their final size (default: "
                             f"{words or default})")


def provenance(maps):
    """Text that ties a figure to its maps."""
    hashes = [m.progress.get("content_hash") or m.attrs.get("configuration_hash", "") for m in maps]
    return "; ".join(f"{readable(os.path.basename(m.path))} {text}".strip() for m, text in zip(maps, hashes))


def save_all(fig, stem, maps, kinds=FORMATS):
    """Writes the figure in several formats: STEM.pdf, STEM.png."""
    save(fig, [f"{stem}.{kind}" for kind in kinds], maps)


def save(fig, paths, maps):
    """Writes the figure in one stroke. The bytes depend on the maps and the arguments alone."""
    for path in [paths] if isinstance(paths, str) else paths:
        _save_one(fig, path, provenance(maps))
        freeze(fig)


def _save_one(fig, path, source):
    kind = figure_format(path)
    if kind == "pgf" and not shutil.which("pdflatex"):
        raise MapError(f"{path}: pgf needs LaTeX, which measures its words, and there is no pdflatex; pdf needs none")
    metadata = {"pdf": {"CreationDate": None, "Subject": source}, "png": {"Description": source},
                "svg": {"Date": None, "Description": source}, "pgf": None}[kind]
    picture = io.BytesIO()
    try:
        fig.savefig(picture, format=kind, metadata=metadata)
    except Exception as error:
        if kind != "pgf":
            raise
        raise MapError(f"{path}: LaTeX could not tell the sizes of words: {' '.join(str(error).split())[:200]}") from None
    disk.put(path, picture.getvalue())
