# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures: what is coloured where, that legends hide nothing, and that files come out whole and reproducible."""
import sys

import matplotlib.image
import numpy as np
import pytest
from scipy.ndimage import label as connected
from synthetic_map import Axis, command, complaint, eps, grid, nsi_counting, write_map

from cevscan_analysis import contours, curves, style
import plot_map
import plot_profile
from cevscan_analysis import delta_from_level, open_map

HALF90 = np.sqrt(delta_from_level(90, dof=2))


@pytest.fixture
def figure(monkeypatch, tmp_path):
    """Runs a plotting command and keeps its figure."""
    def make(module, *arguments):
        kept = []
        monkeypatch.setattr(sys, "argv", [module.__name__ + ".py", *map(str, arguments), "-o", str(tmp_path / "f.png")])
        monkeypatch.setattr(module, "save", lambda fig, path, maps: kept.append(fig))
        module.main()
        fig, = kept
        fig.canvas.draw()
        return fig
    return make


def pixels(fig):
    return np.asarray(fig.canvas.buffer_rgba())[:, :, :3].astype(int)


def colour_at(fig, x, y):
    """The pixel at a place of the axes, in data coordinates."""
    column, row = fig.axes[0].transData.transform((x, y))
    image = pixels(fig)
    return tuple(image[image.shape[0] - 1 - int(row), int(column)])


def is_white(colour):
    return min(colour) > 250


def is_grey(colour):
    return max(colour) - min(colour) < 8 and max(colour) < 245


def is_blue(colour):
    return colour[2] > colour[0] + 20


def plane(low=-1, high=1, n=81):
    x, y = eps("ee", low, high, n), eps("mumu", low, high, n)
    return x, y, *grid(x, y)


def texts(fig):
    return [t.get_text() for t in fig.findobj(style.matplotlib.text.Text)]


# ---------------------------------------------------------------------------------------------------------- regions

def test_shades_of_an_ellipse(figure, tmp_path):
    """Semi-axes 0.2 and 0.1 times sqrt(Delta chi2); darkest inside, and as large as it should be."""
    x, y, X, Y = plane()
    fig = figure(plot_map, write_map(tmp_path / "a.h5", [x, y], (X / 0.2)**2 + (Y / 0.1)**2))
    radius = [np.sqrt(delta_from_level(p, dof=2)) for p in (68, 90, 95)]
    shades = [colour_at(fig, 0.2 * r, 0) for r in (0.6 * radius[0], np.mean(radius[:2]), np.mean(radius[1:]))]
    assert all(is_blue(c) for c in shades) and sum(shades[0]) + 60 < sum(shades[1]) < sum(shades[2]) - 60
    assert is_white(colour_at(fig, 0.2 * radius[2] * 1.05, 0)) and is_white(colour_at(fig, 0, 0.1 * radius[2] * 1.1))
    assert is_blue(colour_at(fig, 0, 0.1 * radius[2] * 0.95))


def test_area_of_the_region(figure, tmp_path):
    x, y, X, Y = plane()
    path = write_map(tmp_path / "a.h5", [x, y], (X / 0.2)**2 + (Y / 0.1)**2, best_fit=[0.9, 0.9])
    for axis in (x, y):
        axis.standard_model = np.nan
    path = write_map(path, [x, y], (X / 0.2)**2 + (Y / 0.1)**2, best_fit=[np.nan, np.nan])
    fig = figure(plot_map, path, "--levels", "90", "--xlim", -0.6, 0.6, "--ylim", -0.6, 0.6)
    image = pixels(fig)
    box = fig.axes[0].bbox
    blue = ((image[:, :, 2] > image[:, :, 0] + 20) & (np.arange(image.shape[1]) < box.x1)).sum()
    legend = fig.axes[0].get_legend().get_window_extent()
    inside = image[image.shape[0] - int(legend.y1):image.shape[0] - int(legend.y0), int(legend.x0):int(legend.x1)]
    blue -= (inside[:, :, 2] > inside[:, :, 0] + 20).sum()
    assert blue / (box.width * box.height) == pytest.approx(np.pi * 0.2 * 0.1 * HALF90**2 / 1.2**2, rel=0.03)


def test_ring_has_a_hole(figure, tmp_path):
    x, y, X, Y = plane()
    fig = figure(plot_map, write_map(tmp_path / "a.h5", [x, y], 300 * (X**2 + Y**2 - 0.25)**2, best_fit=[0.5, 0]))
    for angle in np.linspace(0.3, 2 * np.pi - 0.3, 40):
        assert is_blue(colour_at(fig, 0.5 * np.cos(angle), 0.5 * np.sin(angle)))
    assert is_white(colour_at(fig, 0.15, 0.15)) and is_white(colour_at(fig, 0.75, 0))


def test_bands_reach_the_frame(figure, tmp_path):
    x, y, X, Y = plane()
    fig = figure(plot_map, write_map(tmp_path / "a.h5", [x, y], 200 * (X + Y)**2 * (X + Y - 1)**2))
    for s in (-0.92, -0.5, 0.3, 0.92):
        assert is_blue(colour_at(fig, s, -s))
    for s in (0.08, 0.3, 0.92):
        assert is_blue(colour_at(fig, s, 1 - s)) and is_white(colour_at(fig, s, 0.5 - s))


def test_thin_ring_on_a_coarse_grid_stays_in_one_piece(tmp_path):
    """Its walls are thinner than the grid's steps."""
    x, y, X, Y = plane(n=61)
    m = open_map(write_map(tmp_path / "a.h5", [x, y], 20000 * (X**2 + Y**2 - 0.25)**2))
    cut = delta_from_level(90, dof=2)
    assert connected(m.delta_chi2 <= cut)[1] > 4  # on the grid it is in pieces
    half = contours.gentle_half(m, [cut])
    fine_x, fine_y, z = contours.refine(m, half)
    assert connected(z <= contours.squeeze(cut, half), np.ones((3, 3)))[1] == 1
    row, column = np.nonzero(z <= contours.squeeze(cut, half))
    assert np.hypot(fine_x[column], fine_y[row]) == pytest.approx(0.5, abs=0.02)


def test_contours_are_where_they_belong(tmp_path):
    x, y, X, Y = plane(n=41)
    m = open_map(write_map(tmp_path / "a.h5", [x, y], nsi_counting(X, Y)))
    fine_x, fine_y, z = contours.refine(m, 46)
    gx, gy = np.meshgrid(fine_x, fine_y)
    truth = nsi_counting(gx, gy)
    wrong = (z <= contours.squeeze(4.605, 46)) != (truth <= 4.605)
    assert (wrong & (np.abs(np.sqrt(truth) - np.sqrt(4.605)) > 0.3)).sum() == 0 and wrong.mean() < 1e-3


def test_cliffs_and_infinity_do_not_make_ripples(tmp_path):
    """Allowed left of a line at which Delta chi2 jumps from just allowed to impossible."""
    x, y, X, Y = plane(n=50)
    m = open_map(write_map(tmp_path / "a.h5", [x, y], np.where(X + 0.7 * Y < 0.1, 3.9, np.inf)))
    half = contours.gentle_half(m, [2.3, 5.99])
    fine_x, fine_y, z = contours.refine(m, half)
    gx, gy = np.meshgrid(fine_x, fine_y)
    step = x.values[1] - x.values[0]
    allowed = z <= contours.squeeze(5.99, half)
    assert allowed[gx + 0.7 * gy < 0.1 - 2 * step].all() and not allowed[gx + 0.7 * gy > 0.1 + 2 * step].any()


# ------------------------------------------------------------------------------------------------------------- holes

def test_holes_are_hatched_and_noted(figure, tmp_path):
    x, y, X, Y = plane(n=64)
    path = write_map(tmp_path / "a.h5", [x, y], (X / 0.3)**2 + (Y / 0.3)**2, done=range(12))  # of 16: x beyond 0.5 is missing
    fig = figure(plot_map, path)
    assert "map is 75% complete" in texts(fig) and "no values" in texts(fig)
    seen = [colour_at(fig, 0.75, v) for v in np.linspace(-0.9, 0.9, 200)]
    assert all(is_grey(c) for c in seen) and len(set(seen)) > 3
    assert is_blue(colour_at(fig, 0.45, 0)) and is_white(colour_at(fig, 0.45, 0.8))


def test_whole_maps_carry_no_note(figure, tmp_path):
    x, y, X, Y = plane()
    fig = figure(plot_map, write_map(tmp_path / "a.h5", [x, y], X**2 + Y**2))
    assert not any("complete" in t or "failed" in t or t == "no values" for t in texts(fig))


def test_boxes_cover_exactly_the_void_cells(tmp_path):
    x, y, X, Y = plane(n=30)
    chi2 = np.where(np.random.default_rng(2).uniform(size=X.shape) < 0.2, np.nan, X**2)
    m = open_map(write_map(tmp_path / "a.h5", [x, y], chi2))
    covered = np.zeros((29, 29), int)
    for x0, x1, y0, y1 in contours.void_boxes(m):
        covered += np.outer((x.values[:-1] >= x0) & (x.values[1:] <= x1), (y.values[:-1] >= y0) & (y.values[1:] <= y1))
    assert np.array_equal(covered, contours.void_cells(chi2).astype(int)) and covered.max() == 1
    z = contours.refine(m, 10)[2].T
    k = (z.shape[0] - 1) // 29
    middle = np.isnan(z[k // 2::k, k // 2::k])
    assert np.array_equal(middle, covered == 1)


def test_a_map_without_a_single_value_can_be_drawn(figure, tmp_path):
    x, y, X, Y = plane(n=32)
    fig = figure(plot_map, write_map(tmp_path / "a.h5", [x, y], X**2 + Y**2, done=[]))
    assert "map is 0% complete" in texts(fig) and is_grey(colour_at(fig, 0, 0.5))


# --------------------------------------------------------------------------------------------------- several maps

def test_transposed_maps_are_drawn_alike(figure, tmp_path):
    x, y, X, Y = plane()
    chi2 = (X / 0.2)**2 + (Y / 0.05)**2
    a = write_map(tmp_path / "a.h5", [x, y], chi2)
    b = write_map(tmp_path / "b.h5", [y, x], chi2.T)
    assert np.array_equal(pixels(figure(plot_map, a, a, "--labels", "A,B")), pixels(figure(plot_map, a, b, "--labels", "A,B")))


def test_a_colour_for_each_map(figure, tmp_path):
    x, y, X, Y = plane()
    left = write_map(tmp_path / "a.h5", [x, y], ((X + 0.5) / 0.1)**2 + (Y / 0.1)**2, experiments="csi")
    right = write_map(tmp_path / "b.h5", [x, y], ((X - 0.5) / 0.1)**2 + (Y / 0.1)**2, experiments="csi, si")
    fig = figure(plot_map, left, right)
    a, b = colour_at(fig, -0.5, 0.1), colour_at(fig, 0.5, 0.1)
    assert is_blue(a) and b[0] > b[2] + 20 and {"csi", "csi + si", "90% C.L."} <= set(texts(fig))


def test_legends_hide_nothing(figure, tmp_path):
    """With a region in every corner, the legend goes below the axes; with one free corner, there."""
    x, y, X, Y = plane()
    corners = np.minimum.reduce([(X - a)**2 + (Y - b)**2 for a in (-0.8, 0.8) for b in (-0.8, 0.8)]) * 25
    full = np.minimum(corners, 60 * (X**2 + Y**2))
    fig = figure(plot_map, write_map(tmp_path / "a.h5", [x, y], np.minimum(full, 40 * np.minimum(X**2, Y**2))))
    assert fig.axes[0].get_legend() is None
    legend = fig.legends[0].get_window_extent()
    assert legend.y1 < fig.axes[0].get_tightbbox().y0 and 0 <= legend.x0 and legend.x1 <= fig.bbox.x1 and legend.y0 >= 0
    free = np.where((X > 0) & (Y < 0), 99, full)
    fig = figure(plot_map, write_map(tmp_path / "b.h5", [x, y], free))
    box = fig.axes[0].transData.inverted().transform_bbox(fig.axes[0].get_legend().get_window_extent())
    assert box.x0 > 0 and box.y1 < 0


def test_axes_of_a_map_with_more(figure, tmp_path):
    axes = [eps("ee", n=31), eps("etau", n=21), eps("mumu", n=31)]
    X, T, Y = grid(*axes)
    path = write_map(tmp_path / "a.h5", axes, (X / 0.1)**2 + (Y / 0.05)**2 + (T - X)**2 * 500)
    fig = figure(plot_map, path, "--axes", "eps_mumu_uV,eps_ee_uV")
    assert fig.axes[0].get_xlabel() == r"$\varepsilon_{\mu\mu}^{uV}$"
    assert is_blue(colour_at(fig, 0.07, 0.03)) and is_blue(colour_at(fig, 0, 0.2)) and is_white(colour_at(fig, 0.2, 0))


def test_scales_and_markers(figure, tmp_path):
    t = 1e-2
    x = Axis("g", 2 * t * np.sinh(np.linspace(-3, 3, 61)), r"\unfinished{", "MeV", "symlog", 0, t)
    y = Axis("mass", np.geomspace(1e-3, 10, 40), "$m$", "MeV", "log", 0)
    X, Y = grid(x, y)
    fig = figure(plot_map, write_map(tmp_path / "a.h5", [x, y], 1e4 * X**4 + np.log(Y)**2))
    ax = fig.axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "log") and ax.get_ylabel() == "$m$ [MeV]"
    assert ax.xaxis.get_transform().linthresh == pytest.approx(t)
    assert sorted(ax.get_xticks()) == pytest.approx([-0.1, -0.01, 0, 0.01, 0.1])
    assert "best fit" in texts(fig) and "standard model" not in texts(fig)  # a mass of 0 has no place on this axis


# ---------------------------------------------------------------------------------------------------------- profiles

def test_profile_curves(figure, tmp_path):
    x, y = eps("ee", -0.3, 0.3, 201), eps("mumu", n=51)
    X, Y = grid(x, y)
    one = write_map(tmp_path / "a.h5", [x], (x.values / 0.05)**2, experiments="csi")
    two = write_map(tmp_path / "b.h5", [x, y], (X / 0.1)**2 + Y**2, experiments="si")
    fig = figure(plot_profile, one, two, "--parameter", "eps_ee_uV")
    ax = fig.axes[0]
    curves = {line.get_label(): line.get_xydata() for line in ax.lines}
    assert curves["csi"][:, 1] == pytest.approx((x.values / 0.05)**2)
    assert curves["si"][:, 1] == pytest.approx((x.values / 0.1)**2)
    levels = sorted(line.get_ydata()[0] for line in ax.lines if line.get_label().startswith("_"))
    assert levels == pytest.approx([1, 2.705543454, 4]) and ax.get_ylim() == (0, 10)
    assert {r"$1\sigma$", "90%", r"$2\sigma$", r"$\Delta\chi^2$"} <= set(texts(fig))


def test_profile_with_hole_and_infinity(figure, tmp_path):
    x = eps("ee", -1, 1, 201)
    chi2 = 20 * x.values**2
    chi2[:20], chi2[120:140] = np.inf, np.nan
    fig = figure(plot_profile, write_map(tmp_path / "a.h5", [x], chi2))
    curve = fig.axes[0].lines[0].get_ydata()
    assert np.isnan(curve[120:140]).all() and np.isfinite(np.delete(curve, range(120, 140))).all() and curve[0] >= 1000
    assert is_grey(colour_at(fig, 0.3, 9)) and is_white(colour_at(fig, 0.1, 9)) and "20 points failed" in texts(fig)


def test_profiles_of_different_parameters_are_refused(tmp_path):
    a = write_map(tmp_path / "a.h5", [eps("ee", n=9)], np.arange(9))
    b = write_map(tmp_path / "b.h5", [eps("mumu", n=9)], np.arange(9))
    assert complaint(command("plot_profile.py", a, b, "-o", tmp_path / "f.pdf")).endswith(
        f"{b}: a map of eps_mumu_uV, but {a} is one of eps_ee_uV")


# ------------------------------------------------------------------------------------------------------------- files

@pytest.fixture
def ring(tmp_path):
    x, y, X, Y = plane()
    return write_map(tmp_path / "ring.h5", [x, y], 300 * (X**2 + Y**2 - 0.25)**2)


@pytest.mark.parametrize("suffix", ["pdf", "png", "PNG"])
def test_files_are_whole_and_reproducible(ring, tmp_path, suffix):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("a", "b"):
        result = command("plot_map.py", ring, "-o", out / f"{name}.{suffix}", SOURCE_DATE_EPOCH="")
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert sorted(p.name for p in out.iterdir()) == [f"a.{suffix}", f"b.{suffix}"]
    content = (out / f"a.{suffix}").read_bytes()
    assert content == (out / f"b.{suffix}").read_bytes()
    if suffix == "pdf":
        assert content.startswith(b"%PDF") and b"/FontFile2" in content and b"/Type3" not in content
        assert b"CreationDate" not in content
        assert open_map(ring).progress["content_hash"].encode() in content
    else:
        image = matplotlib.image.imread(out / f"a.{suffix}", format="png")
        assert image.shape[1] == int(86 / 25.4 * 300) and (image[:, :, 2] > image[:, :, 0] + 0.1).mean() > 0.03


def test_existing_figure_survives_a_failure(ring, tmp_path):
    figure = tmp_path / "f.png"
    figure.write_text("old")
    complaint(command("plot_map.py", ring, "-o", figure, "--title", r"$\nonsense$"))
    assert figure.read_text() == "old" and {p.name for p in tmp_path.iterdir()} == {"f.png", "ring.h5"}
    assert command("plot_map.py", ring, "-o", figure, "--title", r"$\chi^2$").returncode == 0
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_nothing_is_left_behind_if_the_figure_cannot_take_its_place(ring, tmp_path):
    (tmp_path / "f.png").mkdir()
    assert "Is a directory" in complaint(command("plot_map.py", ring, "-o", tmp_path / "f.png"))
    assert {p.name for p in tmp_path.iterdir()} == {"f.png", "ring.h5"}


def test_refusals_of_plot_map(ring, tmp_path):
    line = write_map(tmp_path / "line.h5", [eps("ee", n=9)], np.arange(9))
    cube = write_map(tmp_path / "cube.h5", [eps(f, n=4) for f in ("ee", "mumu", "etau")], np.zeros((4, 4, 4)))
    other = write_map(tmp_path / "other.h5", [eps("ee", n=4), eps("etau", n=4)], np.zeros((4, 4)))
    out = ["-o", tmp_path / "f.pdf"]
    assert complaint(command("plot_map.py", line, *out)).endswith("has one axis, eps_ee_uV; plot_profile.py draws it")
    assert complaint(command("plot_map.py", cube, *out)).endswith("choose two with --axes X,Y")
    assert complaint(command("plot_map.py", ring, other, *out)).endswith(
        f"{other}: its axes are eps_ee_uV, eps_etau_uV, not eps_ee_uV, eps_mumu_uV as in {ring}")
    assert "no axis nope; its axes are" in complaint(command("plot_map.py", cube, *out, "--axes", "eps_ee_uV,nope"))
    assert "an axis is named twice" in complaint(command("plot_map.py", cube, *out, "--axes", "eps_ee_uV,eps_ee_uV"))
    assert "must end in .pdf, .png, .svg or .pgf" in complaint(command("plot_map.py", ring, "-o", tmp_path / "f.gif"))
    assert "No such file or directory" in complaint(command("plot_map.py", ring, "-o", tmp_path / "no" / "f.pdf"))
    assert "this TeX cannot be set" in complaint(command("plot_map.py", ring, *out, "--labels", r"$\nonsense$"))
    assert "is no range of this axis" in complaint(command("plot_map.py", ring, *out, "--xlim", "1", "-1e-1"))
    assert not (tmp_path / "f.pdf").exists()


def test_note_if_nothing_is_allowed(tmp_path):
    x, y, X, Y = plane(n=20)
    path = write_map(tmp_path / "a.h5", [x, y], X**2 + 20)
    result = command("plot_map.py", path, "-o", tmp_path / "f.png")
    assert result.returncode == 0 and result.stderr == f"plot_map.py: note: {path}: nothing is allowed\n"
