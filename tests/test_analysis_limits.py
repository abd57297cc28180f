# SPDX-License-Identifier: GPL-3.0-or-later
"""What is excluded in the plane of a mass and a coupling: Delta chi2 at each mass, allowed bands, limits from files."""
import csv
import io
import json

import numpy as np
import pytest
from drawn_figures import figure_of, texts  # noqa: F401
from synthetic_map import Axis, command, complaint, grid, write_map

import plot_map
from cevscan_analysis.limits import band_place
from cevscan_analysis import MapError, curves_at, from_each, open_map

EACH = ("--each", "mass")


@pytest.fixture
def figure(figure_of):
    """Of plot_map.py."""
    return lambda *arguments: figure_of(plot_map, *arguments)


def is_white(fig, x, y):
    column, row = fig.axes[0].transData.transform((x, y))
    image = np.asarray(fig.canvas.buffer_rgba())[:, :, :3]
    return image[image.shape[0] - 1 - int(row), int(column)].min() > 250


def axes():
    return (Axis("mass", np.geomspace(1e-3, 1e4, 71), r"$m$", "MeV", "log", np.nan),
            Axis("coupling", np.geomspace(1e-7, 1, 701), r"$g$", "1", "log", 0.0))


def scale(m):
    """The coupling at which things happen: 1e-5 for light mediators, in proportion to the mass for heavy ones."""
    return 1e-5 * np.sqrt(1 + (m / 10)**2)


def limit_only(m, g):
    """chi2 with a floor that differs from mass to mass; 2.71 above it at g = scale(m)."""
    return 2.71 * (g / scale(m))**4 + 5 + np.log10(m)


def banded(m, g):
    """Allowed (<= 1) below g = scale/2 about, and from about 2.8 to 3.2 scale."""
    u = (g / scale(m))**2
    return np.minimum((u - 9)**2 * np.minimum(u, 1) + 0.5 * np.exp(-u), 1e6)


@pytest.fixture
def plain(tmp_path):
    m, g = axes()
    return write_map(tmp_path / "plain.h5", [m, g], limit_only(*grid(m, g)), reference=2.0, experiments="xenon")


@pytest.fixture
def band(tmp_path):
    m, g = axes()
    return write_map(tmp_path / "band.h5", [m, g], banded(*grid(m, g)), experiments="xenon")


# ------------------------------------------------------------------------------------------- at each value of an axis

def test_minimum_of_each_mass(plain):
    m = from_each(open_map(plain), "mass")
    assert np.abs(m.delta_chi2.min(axis=1)).max() < 1e-9 and np.isnan(list(m.best_fit.values())).all()
    for mass, curve in curves_at(plain, "mass", wanted=[0.001, 10, 1000]):
        assert np.interp(2.71, curve.delta_chi2, curve.axes[0].values) == pytest.approx(scale(mass), rel=1e-3)


def test_of_an_unfinished_row_nothing_is_known(tmp_path):
    m, g = axes()
    path = write_map(tmp_path / "a.h5", [m, g], limit_only(*grid(m, g)), done=range(44 + 20), tile=16)  # 44 tiles per 16 masses
    each = from_each(open_map(path), "mass")
    assert np.isfinite(each.delta_chi2[:16]).all() and np.isnan(each.delta_chi2[16:]).all()


def test_table_of_limits(plain):
    rows = json.loads(command("intervals.py", plain, *EACH, "--at", "0.001,10,1000", "--delta", "2.71", "--json").stdout)
    assert [row["at"]["mass"] for row in rows] == pytest.approx([0.001, 10, 1000])
    for row in rows:
        (low, high), = row["intervals"]
        assert high == pytest.approx(scale(row["at"]["mass"]), rel=1e-4) and row["open"] == [[True, False]] and low == 1e-7


def test_every_edge_of_a_band(band):
    row = json.loads(command("intervals.py", band, *EACH, "--at", "10", "--delta", "4", "--json").stdout)
    (_, first), (second, third) = row["intervals"]
    edges = np.array([first, second, third]) / scale(10)
    assert edges[1:] == pytest.approx(np.sqrt([7, 11]), rel=1e-3) and first < second


def test_all_values_by_default_in_every_format(plain):
    text = command("intervals.py", plain, *EACH, "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 71 and float(rows[-1]["mass"]) == pytest.approx(1e4)
    for kind in ("markdown", "latex"):
        text = command("intervals.py", plain, *EACH, "--at", "10", "--format", kind).stdout
        assert "mass [MeV]" in text and ("coupling" if kind == "markdown" else "& $g$ &") in text


def test_a_value_between_two_is_named(plain):
    done = command("intervals.py", plain, *EACH, "--at", "10.4")
    assert done.returncode == 0 and "computed at mass = 10, which is nearest to 10.4" in done.stderr


@pytest.mark.parametrize("words, part", [(("--each", "mas"), "no axis mas"), ((*EACH, "--at", "1e5"), "100000 lies outside of mass")])
def test_what_is_not_there(plain, words, part):
    assert part in complaint(command("intervals.py", plain, *words))


def test_at_needs_each(plain):
    done = command("intervals.py", plain, "--parameter", "coupling", "--at", "3")
    assert done.returncode == 2 and "--at needs --each" in done.stderr


# ------------------------------------------------------------------------------------------------------------ figures

def test_the_excluded_side_is_coloured(figure, plain):
    fig = figure(plain, *EACH, "--excluded", "--delta", "2.71")
    for mass in (0.01, 3, 200, 3000):
        assert is_white(fig, mass, scale(mass) / 1.3) and not is_white(fig, mass, scale(mass) * 1.3)
        assert not is_white(fig, mass, 0.7)
    assert any(t.startswith("excluded") for t in texts(fig)) and "allowed" not in texts(fig)


def test_one_degree_of_freedom_at_each_mass(figure, plain):
    """90 % are 2.71 with --each."""
    fig = figure(plain, *EACH, "--excluded", "--ylim", "1e-6", "1e-4")
    assert is_white(fig, 0.01, scale(0.01) / 1.06) and not is_white(fig, 0.01, scale(0.01) * 1.06)


def test_the_allowed_band_is_white_and_named(figure, band):
    fig = figure(band, *EACH, "--excluded", "--delta", "4")
    for mass in (0.01, 1000):
        assert is_white(fig, mass, scale(mass) * 3) and not is_white(fig, mass, scale(mass) * 2)
        assert not is_white(fig, mass, scale(mass) * 5)
    assert "allowed" in texts(fig)
    mass, coupling = band_place(fig.axes[0], from_each(open_map(band), "mass"), 4)
    assert coupling == pytest.approx(3 * scale(mass), rel=0.05)


def test_surrogates_are_named(figure, tmp_path):
    m, g = axes()
    path = write_map(tmp_path / "s.h5", [m, g], limit_only(*grid(m, g)), experiments="us2_surrogate")
    other = write_map(tmp_path / "o.h5", [m, g], limit_only(*grid(m, g)), experiments="xenon")
    assert any("surrogate" in t for t in texts(figure(path, *EACH, "--excluded")))
    assert "B (surrogate)" in texts(figure(other, path, *EACH, "--excluded", "--labels", "A,B"))
    done = command("intervals.py", path, *EACH, "--at", "10", "--labels", "B")
    assert "| B (surrogate) |" in done.stdout


# ------------------------------------------------------------------------------------------------------ limits of others

def test_limits_from_files(figure, plain, tmp_path):
    file = tmp_path / "beam.txt"
    file.write_text("# mass coupling\n1e-3, 1e-3\n10 1e-3 # bend\n1e4\t1e-1\n\n1 1e-2\n10 1e-2\n")
    fig = figure(plain, *EACH, "--excluded", "--limit", f"{file},a beam", "--limit", file)
    assert {"a beam", "beam"} <= set(texts(fig))
    lines = [line.get_xydata() for line in fig.axes[0].lines]
    assert [len(xy) for xy in lines if len(xy) > 1][:2] == [3, 2]


@pytest.mark.parametrize("text, part", [
    ("1 2\n3\n", ":2: expected two numbers, x and y, but there are 1 words"), ("1 2 3\n", ":1: expected two numbers"),
    ("mass,g\n", ":1: not a number"), ("1 2\n1 nan\n", ":2: nan is not a finite number"), ("inf 1\n", ":1: inf is not"),
    ("1 2\n2 3\n\n# b\n3 4\n0 1\n", ":6: 0 is not a positive number, and the axis mass is logarithmic"),
    ("1 2\n3 -4\n", ":2: -4 is not a positive number, and the axis coupling is logarithmic"),
    ("1 2\n\n\n3 4\n4 5\n", ":1: a single point"), ("# nothing\n", ": holds no limit"), ("\xff\xfe 1\n", ":1: not a number")])
def test_bad_limit_files(plain, tmp_path, text, part):
    file = tmp_path / "l.txt"
    file.write_bytes(text.encode("latin-1"))
    message = complaint(command("plot_map.py", plain, "--limit", f"{file},x", "-o", tmp_path / "f.png"))
    assert f"{file}{part}" in message and not (tmp_path / "f.png").exists()


def test_a_limit_file_that_is_missing(plain, tmp_path):
    assert "nowhere" in complaint(command("plot_map.py", plain, "--limit", "nowhere", "-o", tmp_path / "f.png"))


def test_a_limit_outside_is_noted(plain, tmp_path):
    (tmp_path / "l.txt").write_text("1e7 1\n1e8 1\n")
    done = command("plot_map.py", plain, "--limit", tmp_path / "l.txt", "-o", tmp_path / "f.png")
    assert done.returncode == 0 and "no point of this limit lies in the figure" in done.stderr


def test_an_axis_that_is_missing(plain):
    with pytest.raises(MapError, match="no axis g"):
        from_each(open_map(plain), "g")
