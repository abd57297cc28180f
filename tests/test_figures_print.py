# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures in print: sizes, formats, settings of others, words of any kind."""
import os
import subprocess
import sys

import numpy as np
import pytest
from drawn_figures import figure_of, texts  # noqa: F401
from matplotlib.legend import Legend
from matplotlib.text import Text
from synthetic_map import ANALYSIS, command, complaint, eps, grid, nsi_counting, write_map

import plot_map
import plot_profile
from cevscan_analysis import MapError, open_map, style
from cevscan_analysis.files import save
from cevscan_analysis.lines import simplified
from cevscan_analysis.panels import Panel, contour_panels, profile_panels
from cevscan_analysis.style import new_figure, their_words


@pytest.fixture
def figure(figure_of):
    return figure_of


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    x, y = eps("ee", -1, 1, 61), eps("mumu", -1, 1, 61)
    X, Y = grid(x, y)
    return write_map(tmp_path_factory.mktemp("ring") / "ring.h5", [x, y], 300 * (X**2 + Y**2 - 0.25)**2)


def width_mm(fig):
    return fig.get_figwidth() * 25.4


# --------------------------------------------------------------------------------------------------------------- sizes

@pytest.mark.parametrize("words, width", [([], 86), (["--width", "page"], 178), (["--width", "120"], 120)])
def test_widths_are_those_of_print(figure, ring, words, width):
    fig = figure(plot_map, ring, ring, "--labels", "a rather long name of an experiment,B", *words)
    assert width_mm(fig) == pytest.approx(width)


def test_a_width_that_is_none(ring, tmp_path):
    assert "--width: wide is neither column nor page nor a number of mm" in complaint(
        command("plot_map.py", ring, "-o", tmp_path / "f.png", "--width", "wide"))


def check_letters(fig):
    """7 points or more on paper, and nothing beyond its edges."""
    fig.canvas.draw()
    words = [t for t in fig.findobj(Text) if t.get_visible() and t.get_text()]
    assert min(t.get_fontsize() for t in words) >= 7 and max(t.get_fontsize() for t in words) <= 10
    boxes = [ax.get_tightbbox() for ax in fig.axes] + [legend.get_window_extent() for legend in fig.findobj(Legend)]
    assert all(-1 <= b.x0 and b.x1 <= fig.bbox.x1 + 1 and -1 <= b.y0 and b.y1 <= fig.bbox.y1 + 1 for b in boxes)


def test_ten_panels_fit_a_page(ring):
    """As figures 2 and 3 of arXiv:2208.11771 have them; numbers of neighbours do not touch."""
    curve = plot_profile.curves_of(open_map(ring), "eps_ee_uV")[0]
    panels = [Panel({"CsI": curve, "Xe": curve}, xlim=(-0.15, 0.55)) for _ in range(10)]
    fig = profile_panels(panels, columns=5)
    check_letters(fig)
    assert width_mm(fig) == pytest.approx(178)
    for ax in fig.axes:
        boxes = [t.get_window_extent() for t in ax.get_xticklabels() if t.get_visible() and t.get_text()]
        inside = [b for b in boxes if ax.bbox.x0 - 2 <= (b.x0 + b.x1) / 2 <= ax.bbox.x1 + 2]
        assert len(inside) >= 2 and all(a.x1 < b.x0 for a, b in zip(inside, inside[1:]))


def test_planes_fit_a_page(ring):
    m = open_map(ring)
    fig = contour_panels([Panel({"A": m, "B": m}, "a title that is longer than its panel is wide, so that it must be broken")] * 6)
    check_letters(fig)
    assert width_mm(fig) == pytest.approx(178) and "\n" in fig.axes[0].get_title()


def test_figures_in_inches_do_not_leave_the_page():
    fig, _ = style.new_figure(10, 4)
    assert width_mm(fig) == pytest.approx(178) and fig.get_figheight() == pytest.approx(fig.get_figwidth() * 0.4)


# ------------------------------------------------------------------------------------------------------------- formats

def test_several_formats_at_once(ring, tmp_path):
    done = command("plot_map.py", ring, *(word for kind in ("pdf", "svg", "png") for word in ("-o", tmp_path / f"f.{kind}")))
    assert (done.returncode, done.stderr) == (0, "")
    starts = {kind: (tmp_path / f"f.{kind}").read_bytes()[:8] for kind in ("pdf", "svg", "png")}
    assert starts["pdf"].startswith(b"%PDF") and starts["svg"].startswith(b"<?xml") and starts["png"].startswith(b"\x89PNG")


def test_svg_is_reproducible(ring, tmp_path):
    m = open_map(ring)
    for name in "ab":
        save(contour_panels([Panel({"A": m})], columns=1), str(tmp_path / f"{name}.svg"), [m])
    a = (tmp_path / "a.svg").read_bytes()
    assert a == (tmp_path / "b.svg").read_bytes() and m.progress["content_hash"].encode() in a and b"<dc:date>" not in a


def test_pgf_without_latex_is_refused_in_words(ring, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    m = open_map(ring)
    with pytest.raises(MapError, match="f.pgf: pgf needs LaTeX"):
        save(contour_panels([Panel({"A": m})], columns=1), str(tmp_path / "f.pgf"), [m])
    assert not list(tmp_path.iterdir())


def test_contours_are_small_in_a_pdf(tmp_path):
    """Six panels with six maps of rings and bands each: 1.65 MB when all points of the refined lines were written."""
    x, y = eps("ee", -0.2, 0.6, 101), eps("mumu", -0.2, 0.6, 101)
    maps = {str(n): open_map(write_map(tmp_path / f"{n}.h5", [x, y], nsi_counting(*grid(x, y), 10 + 8 * n, 10 + 11 * n))) for n in range(1, 7)}
    save(contour_panels([Panel(maps, str(k)) for k in range(6)]), str(tmp_path / "f.pdf"), [])
    assert (tmp_path / "f.pdf").stat().st_size < 150e3


def test_simplified_lines_are_where_they_were():
    t = np.linspace(0, 2 * np.pi, 5000)
    line = 100 * np.column_stack((np.cos(t), np.sin(2 * t)))
    kept = simplified(line, 0.03)
    assert kept[0] and kept[-1] and 20 < kept.sum() < 300
    own = np.array([np.interp(t, t[kept], line[kept][:, k]) for k in (0, 1)]).T
    near = [np.hypot(*(own - point).T).min() for point in line[::50]]
    assert max(near) < 0.03 + 0.2   # the points of the chords, 0.1 apart, are not those of the line
    assert simplified(np.zeros((4, 2)), 0.1).sum() == 2


# ------------------------------------------------------------------------------------------------- settings of others

HOSTILE = """
text.usetex: True
font.family: monospace
font.size: 22
lines.linewidth: 5
axes.facecolor: pink
axes.grid: True
axes.prop_cycle: cycler('color', ['black'])
axes.titlelocation: left
figure.autolayout: True
figure.dpi: 30
savefig.dpi: 31
savefig.bbox: tight
savefig.transparent: True
savefig.facecolor: green
path.sketch: 1, 100, 2
patch.linewidth: 7
hatch.color: red
mathtext.fontset: dejavusans
axes.unicode_minus: False
xtick.bottom: False
legend.frameon: False
image.composite_image: False
contour.negative_linestyle: solid
backend: svg
"""


def test_a_matplotlibrc_changes_nothing(ring, tmp_path):
    folder = tmp_path / "hostile"
    folder.mkdir()
    (folder / "matplotlibrc").write_text(HOSTILE)
    for name, options in (("plain", {}), ("hostile", {"MATPLOTLIBRC": str(folder), "MPLBACKEND": "pdf"})):
        for script, words in (("plot_map.py", ["--levels", "90"]), ("plot_profile.py", ["--parameter", "eps_ee_uV"])):
            done = command(script, ring, *words, "-o", tmp_path / f"{name}_{script}.png", "-o", tmp_path / f"{name}_{script}.pdf", **options)
            assert (done.returncode, done.stderr) == (0, ""), done
    for script in ("plot_map.py", "plot_profile.py"):
        for kind in ("png", "pdf"):
            assert (tmp_path / f"plain_{script}.{kind}").read_bytes() == (tmp_path / f"hostile_{script}.{kind}").read_bytes(), (script, kind)


@pytest.mark.parametrize("place", ["variable", "folder", "home", "backend"])
def test_not_even_one_that_is_damaged(ring, tmp_path, place):
    """Nor a backend that is none; nothing is said of them, and paths stay those of the user's folder."""
    folder = tmp_path if place == "folder" else tmp_path / "matplotlib"
    folder.mkdir(exist_ok=True)
    (folder / "matplotlibrc").write_bytes(b"font.size: 8\xff\n")
    options = {"variable": {"MATPLOTLIBRC": str(folder / "matplotlibrc")}, "folder": {}, "home": {"XDG_CONFIG_HOME": str(tmp_path)},
               "backend": {"MPLBACKEND": "nonsense"}}[place]
    done = command("plot_map.py", ring, "--levels", "90", "-o", "f.png", folder=tmp_path, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert (tmp_path / "f.png").exists()


def test_a_program_of_the_users_has_its_own_settings(tmp_path):
    """matplotlib's, which it imports through the package, and the environment."""
    (tmp_path / "matplotlibrc").write_text("font.size: 33")
    code = f"""
import os, sys; sys.path.insert(0, {str(ANALYSIS)!r})
from cevscan_analysis.style import matplotlib
assert matplotlib.rcParams["font.size"] == 33 and os.environ["MPLBACKEND"] == "svg" and matplotlib.get_backend().lower() == "svg"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "MPLBACKEND": "svg"}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_importing_and_drawing_change_nothing(ring, tmp_path):
    """Neither settings nor backend of a program that uses the package, nor the list of its figures; and its figures are those of
    the scripts."""
    code = f"""
import sys; sys.path.insert(0, {str(ANALYSIS)!r})
import matplotlib
matplotlib.rcParams["font.size"] = 33
before = dict(dict.items(matplotlib.rcParams))
from cevscan_analysis import open_map
from cevscan_analysis.panels import Panel, contour_panels, profile_panels
from cevscan_analysis.style import new_figure, their_words
from cevscan_analysis.style import save_all
assert "matplotlib.pyplot" not in sys.modules
fig = contour_panels([Panel({{"A": open_map({str(ring)!r})}})], columns=1)
save_all(fig, {str(tmp_path / "f")!r}, [])
assert dict(dict.items(matplotlib.rcParams)) == before
assert fig.axes[0].xaxis.label.get_fontsize() == 9
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "MPLBACKEND": ""})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "f.png").exists() and (tmp_path / "f.pdf").exists()


# --------------------------------------------------------------------------------------------------------------- words

def test_words_that_are_too_long(figure, ring, tmp_path):
    """Of the user they are refused, of a file cut."""
    for option in ("--labels", "--title", "--limit-label"):
        (tmp_path / "l.txt").write_text("0 0\n0.1 0.1\n")
        done = command("plot_map.py", ring, option, "x" * 3000, "--limit", tmp_path / "l.txt", "-o", tmp_path / "f.png")
        assert "a text of 3000 letters is too long for a figure, which has room for 400: xxx" in complaint(done)
    x, y = eps("ee", -1, 1, 21), eps("mumu", -1, 1, 21)
    x.long_name = "$" + "x" * 3000 + "$"
    path = write_map(tmp_path / "m.h5", [x, y], 20 * sum(v**2 for v in grid(x, y)), title="$a$" + "m" * 3000)
    assert "eps_ee_uV" in texts(figure(plot_map, path))
    cut = their_words("$a$" + "m" * 3000)
    assert cut == r"\$a\$" + "m" * 397 + "..." and their_words("m" * 400) == "m" * 400
    done = command("plot_map.py", path, ring, "-o", tmp_path / "g.png")
    assert (done.returncode, done.stderr) == (0, ""), done


def test_a_line_that_cannot_be_drawn_is_told():
    with pytest.raises(MapError, match="too long to be drawn"):
        fig, ax = new_figure(3, 3)
        fig.set_layout_engine("none")
        ax.text(0, 0, "m" * 9000)
        fig.draw_without_rendering(), fig.canvas.draw()


@pytest.mark.parametrize("title, drawn", [(r"$\chi^2$ of a_b", r"$\chi^2$ of a_b"), ("5$ a_b", r"5\$ a_b"), ("100 % of_it", "100 % of_it"),
                                          (r"\$5 and 6\$", r"\$5 and 6\$")])
def test_titles(figure, ring, title, drawn):
    assert drawn in texts(figure(plot_map, ring, "--title", title, "--width", "page"))


def test_a_stray_dollar_in_a_map(figure, tmp_path):
    """Titles of files are TeX where that can be set, else what they say."""
    x = eps("ee", n=21)
    paths = [write_map(tmp_path / f"{k}.h5", [x], x.values**2 * (k + 1), title=title)
             for k, title in enumerate((r"$B-L$ of a_b", "cheap: 5$", r"$\nonsense$"))]
    assert {r"$B-L$ of a_b", r"cheap: 5\$", r"\$\nonsense\$"} <= set(texts(figure(plot_profile, *paths)))


def test_labels_with_commas(figure, ring, tmp_path):
    words = ["CsI, 3 years", "Si, 10 years"]
    fig = figure(plot_map, ring, ring, "--labels", words[0], "--labels", words[1])
    assert set(words) <= set(texts(fig))
    (tmp_path / "labels.txt").write_text("\n".join(words) + "\n")
    assert set(words) <= set(texts(figure(plot_map, ring, ring, "--labels-file", tmp_path / "labels.txt")))
    both = command("plot_map.py", ring, ring, "--labels", "A,B", "--labels-file", tmp_path / "labels.txt", "-o", tmp_path / "f.png")
    assert "two ways to say the same" in complaint(both)
    assert "No such file" in complaint(command("plot_map.py", ring, "--labels-file", tmp_path / "none", "-o", tmp_path / "f.png"))


def test_names_of_any_encoding(ring, tmp_path):
    """Latin-1 in the name of a map, of a figure, and of a label."""
    name = os.fsencode(tmp_path) + b"/B\xf6hm"
    os.link(ring, name + b".h5")
    script = [sys.executable, str(ANALYSIS / "plot_map.py"), name + b".h5", ring, "--labels", b"B\xf6hm,B", "--title", b"B\xf6hm"]
    done = subprocess.run([*script, "-o", name + b".png", "-o", name + b".pdf", "-o", name + b".svg"], capture_output=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert "Böhm".encode() in open(name + b".svg", "rb").read() and os.path.getsize(name + b".pdf") > 5000


@pytest.mark.parametrize("text", ["99.99999999999999", "100", "0", "100.1"])
def test_levels_next_to_100(ring, tmp_path, text):
    """Drawn, or refused in words."""
    done = command("plot_map.py", ring, "--levels", text, "-o", tmp_path / "f.png")
    assert "Traceback" not in done.stderr and (done.returncode == 0 or "is not between 0 and 100 %" in done.stderr)


def test_long_titles_wrap(figure, ring):
    fig = figure(plot_map, ring, "--title", "A title of many words that says at some length what $\\varepsilon_{ee}$ and the others are here")
    title, = (t for t in fig.findobj(Text) if t.get_text().startswith("A title"))
    box = title.get_window_extent()
    assert title.get_text().count("\n") >= 1 and fig.bbox.x0 <= box.x0 and box.x1 <= fig.bbox.x1 and box.y1 <= fig.bbox.y1 + 1
