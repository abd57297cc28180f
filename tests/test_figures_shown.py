# SPDX-License-Identifier: GPL-3.0-or-later
"""What figures show: the side that is excluded, grids that are too coarse, studies, parameters in turn, spectra."""
import numpy as np
import pytest
from drawn_figures import figure_of, pixels, texts  # noqa: F401
from matplotlib.legend import Legend
from scipy.interpolate import make_interp_spline
from synthetic_map import Axis, command, complaint, eps, grid, nsi_counting, signed_log, write_map, write_members, write_years

import plot_map
import plot_panels
import plot_profile
from cevscan_analysis import area_of, delta_from_level, event_rates, open_map, style
from cevscan_analysis.contours import brought_inside
from cevscan_analysis.lines import coarseness, contours_of, refined_area
from cevscan_analysis.refined import filled, splined

CUT = delta_from_level(90, dof=2)


@pytest.fixture
def figure(figure_of):
    return figure_of


def width_mm(fig):
    return fig.get_figwidth() * 25.4


# ------------------------------------------------------------------------------------------------ the side that is excluded

def darkness(fig, ax, x, low, high):
    """How much of the colour stands in the stretch of x beside a line, from `low` to `high` in y (data)."""
    image = pixels(fig)
    (x0, y0), (x1, y1) = ax.transData.transform([(x[0], low), (x[1], high)]).astype(int)
    return (255 - image[min(y0, y1):max(y0, y1), x0:x1].min(axis=2)).sum()


def test_outlines_show_the_side_that_is_excluded(figure, tmp_path):
    """Excluded above y = 0.3 and below -0.3 for one, above 0.6 for the other: the short strokes lie there."""
    x, y = eps("ee", -1, 1, 41), eps("mumu", -1, 1, 41)
    _, Y = grid(x, y)
    paths = [write_map(tmp_path / f"{name}.h5", [x, y], CUT * chi2) for name, chi2 in (("a", (Y / 0.3)**2), ("b", np.exp(5 * (Y - 0.6))))]
    fig = figure(plot_map, *paths, "--excluded", "--outlined", "1,2", "--labels", "A,B", "--levels", "90")
    ax, span = fig.axes[0], (-0.4, 0.2)
    for line, out in ((0.3, 1), (-0.3, -1), (0.6, 1)):
        there, other = (darkness(fig, ax, span, *sorted((line + s * 0.012, line + s * 0.03))) for s in (out, -out))
        assert there > 5 * max(other, 1), (line, there, other)
    keys = fig.findobj(Legend)[0].get_lines()[:2]
    assert len(keys) == 2 and all(key.get_path_effects() for key in keys)


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
    some = banana(tmp_path, 31, 31)
    assert area_of(some, CUT).value == pytest.approx(refined_area(some, CUT)[0], rel=1e-9)    # that of what is drawn
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
    r2 = (X - 0.12)**2 + (Y - 0.12)**2
    m = open_map(write_map(tmp_path / "a.h5", [x, y], 5 + 40 * r2 - 1.2 * np.exp(-r2 / 0.05)))
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
