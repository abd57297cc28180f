# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures that show less, or more, than they seem to: refused, hatched, or told."""
import numpy as np
import pytest
from drawn_figures import figure_of, texts  # noqa: F401
from synthetic_map import command, complaint, eps, grid, write_map, write_study

import plot_map
from cevscan_analysis.limit_files import Limit, read_limits
from cevscan_analysis.limits import draw_limits
from cevscan_analysis.style import new_figure


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    x, y = eps("ee", -1, 1, 25), eps("mumu", -1, 1, 25)
    X, Y = grid(x, y)
    return write_map(tmp_path_factory.mktemp("plane") / "m.h5", [x, y], (X**2 + Y**2) * 50)


@pytest.fixture(scope="module")
def band(tmp_path_factory):
    x, y = eps("ee", -1, 1, 25), eps("mumu", -1, 1, 25)
    X, Y = grid(x, y)
    return write_map(tmp_path_factory.mktemp("band") / "b.h5", [x, y], ((X + Y) / 0.2)**2)


def test_ranges_beyond_the_grid_are_hatched_and_told(figure_of, plane, capsys):  # noqa: F811
    fig = figure_of(plot_map, plane, "--xlim", -2, 1)
    assert "shows more than was computed, which is hatched: eps_ee_uV from -1 to 1" in capsys.readouterr().err and "no values" in texts(fig)
    image = np.asarray(fig.canvas.buffer_rgba())[::-1, :, :3].astype(int)
    column, row = (int(v) for v in fig.axes[0].transData.transform((-1.5, 0.6)))
    assert 100 < image[row - 4:row + 5, column - 4:column + 5].min() < 245
    figure_of(plot_map, plane, "--xlim", -0.5, 1)
    assert capsys.readouterr().err == ""


def test_ranges_that_show_nothing_are_refused(plane, tmp_path):
    assert "--xlim: from 2 to 3 shows nothing" in complaint(command("plot_map.py", plane, "--xlim", 2, 3, "-o", tmp_path / "f.png"))
    done = command("plot_profile.py", plane, "--parameter", "eps_ee_uV", "--xlim", 2, 3, "-o", tmp_path / "f.png")
    assert "shows nothing" in done.stderr and done.returncode == 2


def test_many_maps_in_a_panel_are_told(tmp_path):
    x, y = eps("ee", -1, 1, 9), eps("mumu", -1, 1, 9)
    X, Y = grid(x, y)
    study = write_study(tmp_path / "s.h5", {"a": ((x, y), {f"e{k}": (X**2 + Y**2) * (k + 1) for k in range(13)})})
    done = command("plot_panels.py", study, "-o", tmp_path / "f.png")
    assert "13 maps are drawn over each other" in done.stderr and "--where" in done.stderr and done.returncode == 0


def test_options_without_an_object_are_told(plane, tmp_path):
    done = command("plot_map.py", plane, "--where", "years=3", "--limit-in-place", "-o", tmp_path / "f.png")
    assert "is one map" in done.stderr and "there is no --limit" in done.stderr and done.returncode == 0


def test_open_contours_name_the_option_that_closes_them(plane, band, tmp_path):
    assert command("export_contours.py", band, "--levels", 90, "-o", tmp_path / "c.csv").returncode == 0
    done = command("plot_map.py", plane, "--limit", tmp_path / "c.csv", "--limit-style", "filled", "-o", tmp_path / "f.png")
    assert done.returncode == 0 and len(done.stderr.splitlines()) == 1 and "export_contours.py --filled" in done.stderr


def test_excluded_regions_hide_none(figure_of, plane, band):  # noqa: F811
    """Of several maps only the first has colour inside, unless the user says which."""
    filled = lambda fig: sum(p.get_fill() and p.get_zorder() >= 1 and p.get_linewidth() == 0 for p in fig.axes[0].patches)
    assert filled(figure_of(plot_map, plane, band, "--excluded")) == 1 and filled(figure_of(plot_map, plane, band)) == 2


@pytest.mark.parametrize("width", [0.1, 0.9])
def test_the_name_of_a_ring_does_not_lie_in_its_hole(width):
    """Whether or not the ring is as wide as the name."""
    fig, ax = new_figure(4, 4)
    ax.set(xlim=(-1.8, 1.8), ylim=(-1.8, 1.8))
    fig.draw_without_rendering()
    t = np.linspace(0, 2 * np.pi, 200)
    rings = [np.column_stack((r * np.cos(t), r * np.sin(t))) for r in (1.5, 1.5 - width)]
    draw_limits(ax, [Limit("a ring", rings, style="filled")], in_place=True)
    place = ax.transData.inverted().transform(ax.texts[0].get_window_extent().get_points().mean(axis=0))
    assert np.hypot(*place) > 1.5 - width


def test_contours_of_one_level_say_which(plane, tmp_path):
    for level in (68, 90):
        assert command("export_contours.py", plane, "--levels", level, "--labels", "CsI", "-o", tmp_path / f"{level}.csv").returncode == 0
        assert [x.label for x in read_limits(str(tmp_path / f"{level}.csv"))] == [f"CsI, {level}%"]
        assert [x.label for x in read_limits(f"{tmp_path / f'{level}.csv'},mine")] == ["mine"]
