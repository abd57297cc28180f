# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures in print: sizes, formats, settings of others, words of any kind, sides that are excluded, grids that are too coarse."""
import os
import subprocess
import sys

import numpy as np
import pytest
from drawn_figures import figure_of, texts  # noqa: F401
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.text import Text
from scipy.interpolate import make_interp_spline
from synthetic_map import ANALYSIS, Axis, command, complaint, eps, grid, nsi_counting, signed_log, write_map, write_members, write_years

import plot_map
import plot_panels
import plot_profile
from cevscan_analysis import MapError, delta_from_level, event_rates, open_map, style
from cevscan_analysis.contours import brought_inside
from cevscan_analysis.files import save
from cevscan_analysis.lines import coarseness, contours_of, refined_area, simplified
from cevscan_analysis.panels import Panel, contour_panels, profile_panels
from cevscan_analysis.refined import filled, splined

CUT = delta_from_level(90, dof=2)


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
    x = eps("ee", -0.3, 0.3, 61)
    m = open_map(ring)
    curve = plot_profile.curves_of(m, "eps_ee_uV")[0]
    panels = [Panel({"CsI": curve, "Xe": curve}, xlim=(-0.15, 0.55)) for _ in range(10)]
    fig = profile_panels(panels, columns=5)
    check_letters(fig)
    assert width_mm(fig) == pytest.approx(178) and len(x.values) == 61
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


# ------------------------------------------------------------------------------------------------ the side that is excluded

def pixels(fig):
    return np.asarray(fig.canvas.buffer_rgba())[::-1, :, :3].astype(int)


def darkness(fig, ax, x, low, high):
    """How much of the colour stands in the stretch of x beside a line, from `low` to `high` in y (data)."""
    image = pixels(fig)
    (x0, y0), (x1, y1) = ax.transData.transform([(x[0], low), (x[1], high)]).astype(int)
    return (255 - image[min(y0, y1):max(y0, y1), x0:x1].min(axis=2)).sum()


def test_outlines_show_the_side_that_is_excluded(figure, tmp_path):
    """Excluded above y = 0.3 and below -0.3 for one, above 0.6 for the other: the short strokes lie there."""
    x, y = eps("ee", -1, 1, 41), eps("mumu", -1, 1, 41)
    X, Y = grid(x, y)
    paths = [write_map(tmp_path / "a.h5", [x, y], CUT * (Y / 0.3)**2 + 0 * X), write_map(tmp_path / "b.h5", [x, y], CUT * np.exp(5 * (Y - 0.6)))]
    fig = figure(plot_map, *paths, "--excluded", "--outlined", "1,2", "--labels", "A,B", "--levels", "90")
    ax, span = fig.axes[0], (-0.4, 0.2)
    for line, out in ((0.3, 1), (-0.3, -1), (0.6, 1)):
        there, other = (darkness(fig, ax, span, *sorted((line + s * 0.012, line + s * 0.03))) for s in (out, -out))
        assert there > 5 * max(other, 1), (line, there, other)
    assert all(isinstance(handle, Line2D) and handle.get_path_effects() for handle in fig.findobj(Legend)[0].legend_handles[:2]) \
        if hasattr(fig.findobj(Legend)[0], "legend_handles") else True


def test_fills_make_no_colours_that_no_legend_has(figure, tmp_path):
    """Two regions that overlap, the larger below."""
    x, y = eps("ee", -1, 1, 61), eps("mumu", -1, 1, 61)
    X, Y = grid(x, y)
    small, large = (write_map(tmp_path / f"{n}.h5", [x, y], ((X - c) / n)**2 + (Y / n)**2) for n, c in ((0.1, 0.1), (0.3, 0)))
    fig = figure(plot_map, small, large, "--labels", "A,B")
    tints = [tuple(round(255 * v) for v in style.faint(style.colour(k))) for k in (0, 1)]
    image, (px, py) = pixels(fig), fig.axes[0].transData.transform((0.1, 0.1)).astype(int)
    assert tuple(image[py, px]) == tints[0]
    px, py = fig.axes[0].transData.transform((0.1, 0.4)).astype(int)
    assert tuple(image[py, px]) == tints[1]


def test_best_fits_outside_of_the_figure_are_arrows(figure, tmp_path):
    x, y = eps("ee", -1, 1, 41), eps("mumu", -1, 1, 41)
    X, Y = grid(x, y)
    path = write_map(tmp_path / "a.h5", [x, y], ((X - 0.7) / 0.3)**2 + (Y / 0.3)**2)
    fig = figure(plot_map, path, "--xlim", -0.5, 0.5)
    assert "best fit outside" in texts(fig)
    marker = next(line for line in fig.axes[0].lines if line.get_marker() == ">")
    assert marker.get_xdata() == [0.5] and marker.get_ydata() == [0]
    assert brought_inside((3, -5), ((0, 1), (0, 1))) == (">", [1.0, 0.0]) and brought_inside((0.5, 2), ((0, 1), (0, 1)))[0] == "^"


# ------------------------------------------------------------------------------------------------------------- coarse grids

def banana(tmp_path, n, k):
    x, y = eps("ee", -0.2, 0.6, n), eps("mumu", -0.2, 0.6, k)
    return open_map(write_map(tmp_path / f"{n}x{k}.h5", [x, y], nsi_counting(*grid(x, y), 55, 78, shape=25, rate=90)))


def test_coarse_grids_are_told(tmp_path):
    """13 x 11 points gave smooth islands that do not exist."""
    coarse, fine = banana(tmp_path, 13, 11), banana(tmp_path, 121, 121)
    assert coarseness(coarse, CUT).startswith("the grid of 13 x 11 points is too coarse: ") and coarseness(fine, CUT) == ""
    value, error = refined_area(fine, CUT)
    assert error < 0.02 * value
    assert "4 of the pieces that are drawn hold no point of the grid" in coarseness(coarse, CUT)
    assert abs(refined_area(coarse, CUT)[0] - value) < refined_area(coarse, CUT)[1]
    done = command("plot_map.py", coarse.path, "-o", tmp_path / "f.png")
    assert done.returncode == 0 and f"note: {coarse.path}: the grid of 13 x 11 points is too coarse" in done.stderr


def test_coarse_grids_are_told_in_the_figure(figure, tmp_path, capsys):
    assert any("grid too coarse" in text for text in texts(figure(plot_map, banana(tmp_path, 13, 11).path)))
    assert not any("too coarse" in text for text in texts(figure(plot_map, banana(tmp_path, 121, 121).path)))
    figure(plot_panels, banana(tmp_path, 13, 11).path)
    assert "13 x 11 points is too coarse" in capsys.readouterr().err


def test_pieces_without_points(tmp_path):
    """A minimum between points: the spline closes a line around nothing that was computed."""
    x, y = eps("ee", -1, 1, 9), eps("mumu", -1, 1, 9)
    X, Y = grid(x, y)
    m = open_map(write_map(tmp_path / "a.h5", [x, y], 5 + 40 * ((X - 0.12)**2 + (Y - 0.12)**2) - 1.2 * np.exp(-((X - 0.12)**2 + (Y - 0.12)**2) / 0.05)))
    found = [c for c in contours_of(m, [CUT]) if not c.is_flat]
    assert bool(found) == ("no point of the grid" in coarseness(m, CUT))


def test_splines_go_through_their_points_and_follow_cubics():
    t = np.cumsum([0.5, 1, 0.7, 0.4, 1.2, 0.9])
    fine = np.interp(np.arange(26) / 5, np.arange(6), t)
    cubic = lambda s: 2 - s + 0.5 * s**2 - 0.1 * s**3
    assert splined(cubic(t)[:, None], t, 5)[:, 0] == pytest.approx(cubic(fine), abs=1e-12)
    for n in (2, 3, 4, 5):
        values = np.random.default_rng(n).normal(size=(n, 3))
        assert splined(values, t[:n], 3)[::3] == pytest.approx(values, abs=1e-12)
    z = np.random.default_rng(1).normal(size=(30, 4))
    s = np.cumsum(np.random.default_rng(2).uniform(0.5, 1, 30))
    scipy = make_interp_spline(s, z, k=3)   # not a knot
    assert splined(z, s, 4) == pytest.approx(scipy(np.interp(np.arange(117) / 4, np.arange(30), s)), abs=1e-12)


def test_holes_take_the_nearest_value():
    z = np.arange(25.0).reshape(5, 5)
    z[1:4, 1:4] = np.nan
    z[2, 2] = np.nan
    full = filled(z)
    assert np.isfinite(full).all() and full[1, 2] == 2 and np.isnan(filled(np.full((2, 2), np.nan))).all()


# ------------------------------------------------------------------------------------------------------ studies and parameters

def test_default_picture_of_a_study(figure, tmp_path):
    """All maps of a plane in one panel, outlines since they are many, with the legend below and not taller than the plot."""
    fig = figure(plot_panels, write_years(tmp_path / "s.h5"))
    legend, = fig.legends
    assert [t.get_text() for t in legend.get_texts()][:3] == ["csi, 1 year", "csi, 3 years", "csi, 10 years"]
    assert legend.get_window_extent().height < fig.axes[0].get_window_extent().height and width_mm(fig) == pytest.approx(86)
    few = figure(plot_panels, tmp_path / "s.h5", "--set", "csi")
    assert [t.get_text() for t in few.legends[0].get_texts()] == ["csi, 1 year", "csi, 3 years", "csi, 10 years", "standard model"]
    fills = [p for p in few.axes[0].patches if p.get_facecolor()[3] > 0 and p.get_edgecolor()[3] == 0]
    assert len(fills) == 3 and np.argsort([p.get_zorder() for p in fills]).tolist() == [0, 1, 2]    # the largest below


def test_maps_of_a_study_in_one_plane(figure, tmp_path):
    file = write_years(tmp_path / "s.h5")
    fig = figure(plot_map, file, "--set", "si", "--where", "years=1", "--where", "years=10")
    assert {"si, 1 year", "si, 10 years"} <= set(texts(fig))
    assert "is a study of 9 maps" in complaint(command("plot_map.py", file, "-o", tmp_path / "f.png"))
    assert "no plane eps_ee_uV,x among the chosen maps" in complaint(
        command("plot_map.py", file, "--set", "si", "--axes", "eps_ee_uV,x", "-o", tmp_path / "f.png"))
    assert "not FACTOR=VALUE" in command("plot_map.py", file, "--where", "years", "-o", tmp_path / "f.png").stderr


def test_parameters_in_turn_have_their_names_and_ranges(figure, tmp_path):
    """Today's "value" on the axis; ranges in which the curves lie."""
    axis = Axis("value", np.linspace(-1, 1, 401))
    names = ["eps_ee_uV", "eps_ee_dV", "eps_mumu_uV"]
    path = write_members(tmp_path / "a.h5", names, [axis], [(axis.values / w)**2 for w in (0.01, 0.02, 0.03)])
    fig = figure(plot_profile, path)
    labels = [ax.get_xlabel() for ax in fig.axes]
    assert labels == [r"$\varepsilon_{ee}^{uV}$, $\varepsilon_{ee}^{dV}$", r"$\varepsilon_{\mu \mu}^{uV}$"]
    low, high = fig.axes[0].get_xlim()
    assert -0.1 < low < -0.06 and 0.06 < high < 0.1
    assert all(ax.get_visible() for ax in fig.axes) and len(fig.axes) == 2
    assert figure(plot_profile, path, "--xlim", -0.5, 0.5).axes[0].get_xlim() == (-0.5, 0.5)


def test_curves_that_lie_upon_each_other_are_told_apart(figure, tmp_path):
    """The same curve for three flavours: each has its colour and its dashes."""
    axis = signed_log(half=60)
    names = [f"lambda_C1_u_{f}" for f in ("e", "mu", "tau")]
    fig = figure(plot_profile, write_members(tmp_path / "a.h5", names, [axis], [(1000 / axis.values)**2] * 3))
    lines = [line for line in fig.axes[0].lines if line.get_label().startswith("$")]
    assert len({str(line._dash_pattern) for line in lines}) == 3 and len({tuple(np.atleast_1d(line.get_color())) for line in lines}) == 3


# ------------------------------------------------------------------------------------------------------------------ spectra

def rate(n, background, signal=1.0, **more):
    return {"edges_bin": list(range(n + 1)), "signal": {"nu_e": [signal] * n}, "background": {"nin": [background] * n},
            "signal_total": signal * n, "background_total": background * n, "labels": {"nu_e": r"\nu_e"}, "title": "Test", **more}


def drawn(found, **options):
    fig, ax = style.new_figure(3.4, 2.5)
    handles = event_rates.draw(ax, "test", found, **options)
    fig.canvas.draw()
    return fig, ax, handles


@pytest.mark.parametrize("names", [None, "named"])
def test_many_bins_do_not_overlap(names):
    found = rate(130, 5.0)
    if names:
        found["bin_names"] = [f"{k}-{k + 1} e" for k in range(130)]
    _, ax, _ = drawn(found)
    boxes = [t.get_window_extent() for t in ax.get_xticklabels()]
    assert 4 <= len(boxes) <= 14 and all(a.x1 < b.x0 for a, b in zip(boxes, boxes[1:]))


def test_backgrounds_have_their_names():
    """The experiment's own words for them; else its name for them, with blanks."""
    own = rate(3, 5.0)
    own["labels"]["nin"] = "neutrino-induced neutrons"
    assert "neutrino-induced neutrons" in drawn(own)[2] and "nin" in drawn(rate(3, 5.0))[2]
    own["background"]["steady_state"] = [1.0] * 3
    assert "steady state" in drawn(own)[2]


def test_backgrounds_subtracted():
    """What is left is the signal; data without it keep the errors of all that was counted."""
    found = rate(4, 1000.0, signal=10.0)
    _, ax, handles = drawn(found, subtract=True)
    assert "nin" not in handles and "statistical error" in handles and ax.get_ylim()[1] < 100
    bars = handles["statistical error"][2][0].get_segments()
    assert [b[1, 1] - b[0, 1] for b in bars] == pytest.approx([2 * np.sqrt(1010)] * 4)
    data = drawn(dict(found, observed=[1020.0] * 4), subtract=True)[2]["data - background"]
    assert data[0].get_ydata() == pytest.approx([20] * 4)
