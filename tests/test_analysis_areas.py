# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of allowed regions against analytic ones, honesty of their errors, and the ranking of combinations."""
import csv
import io

import numpy as np
import pytest
from scipy.ndimage import label as connected
from synthetic_map import Axis, command, complaint, eps, grid, write_map

from cevscan_analysis import MapError, area_of, delta_from_level, open_map, rank
from cevscan_analysis.areas import _n_island


def ellipse(path, n=61, k=81, a=0.3, b=0.15, angle=0.5, centre=(0.02, -0.05), **attrs):
    """A map whose region Delta chi2 <= 1 has the semi-axes a and b."""
    x, y = eps("ee", -1, 1, n), eps("mumu", -1, 1, k)
    X, Y = grid(x, y)
    X, Y, c, s = X - centre[0], Y - centre[1], np.cos(angle), np.sin(angle)
    return open_map(write_map(path, [x, y], ((c * X + s * Y) / a)**2 + ((c * Y - s * X) / b)**2, **attrs))


@pytest.mark.parametrize("cut", [0.5, 1, 4.61])
def test_area_of_an_ellipse(tmp_path, cut):
    found = area_of(ellipse(tmp_path / "m.h5"), cut)
    assert found.value == pytest.approx(np.pi * 0.3 * 0.15 * cut, rel=0.02)
    assert found.unknown == 0 and found.n_island == 1 and not found.touches_edge


def test_error_is_honest(tmp_path):
    """Of many ellipses, down to such as fall between the points, nearly none is off by more than its error, and of those that the
    grid resolves none; for these the error is a few per cent at most."""
    random, outside = np.random.default_rng(7), 0
    for _ in range(120):
        n, k = random.integers(8, 100, 2)
        a, b = random.uniform(0.03, 0.4, 2)
        m = ellipse(tmp_path / "m.h5", n, k, a, b, random.uniform(0, np.pi), random.uniform(-0.2, 0.2, 2))
        found, true = area_of(m, 1), np.pi * a * b
        is_resolved = min(a * n, b * k, a * k, b * n) > 6   # semi-axes of three cells
        outside += abs(found.value - true) > found.error
        assert not is_resolved or abs(found.value - true) <= found.error < 0.12 * true
    assert outside <= 2


def test_error_of_rings(tmp_path):
    """Outside and inside of a ring are off by nearly the same, which must not make the error too small."""
    random = np.random.default_rng(11)
    for _ in range(40):
        n, width, radius = random.integers(30, 140), random.uniform(0.05, 0.15), random.uniform(0.3, 0.6)
        x, y = eps("ee", -1, 1, n), eps("mumu", -1, 1, n + 7)
        X, Y = grid(x, y)
        distance = np.hypot(X - random.uniform(-0.2, 0.2), Y - random.uniform(-0.2, 0.2)) - radius
        found = area_of(open_map(write_map(tmp_path / "m.h5", [x, y], (distance / width)**2)), 1)
        true = 4 * np.pi * radius * width
        assert abs(found.value - true) <= found.error < 0.5 * true


def test_nothing_and_everything(tmp_path):
    m = ellipse(tmp_path / "m.h5", n=21, k=21, centre=(0.05, 0.05))
    assert area_of(m, 1e-9).value == 0 and area_of(m, 1e-9).error == pytest.approx(0.01) and area_of(m, 1e-9).n_island == 0
    whole = area_of(m, 1e6)
    assert whole.value == pytest.approx(4) and whole.error < 1e-9 and whole.touches_edge


def test_infinity_and_holes(tmp_path):
    """Infinite Delta chi2 is outside; cells without a value are counted apart."""
    x, y = eps("ee", -1, 1, 41), eps("mumu", -1, 1, 41)
    X, Y = grid(x, y)
    chi2 = np.where(X > 0.501, np.inf, 0.0)
    chi2[:5, :5] = np.nan
    found = area_of(open_map(write_map(tmp_path / "m.h5", [x, y], chi2)), 1)
    assert found.unknown == pytest.approx(25 * 0.0025)
    assert found.value + found.unknown == pytest.approx(3, abs=0.01 + 2 * 0.05)


def test_logarithmic_axes(tmp_path):
    """They count in natural logarithms."""
    x, y = Axis("mass", np.geomspace(1, 100, 81), scale="log"), Axis("g", np.geomspace(1e-4, 1, 101), scale="log")
    X, Y = grid(x, y)
    m = open_map(write_map(tmp_path / "m.h5", [x, y], np.log(X / 10)**2 + np.log(Y / 1e-2)**2))
    found = area_of(m, 1)
    assert abs(found.value - np.pi) < found.error < 0.1


def test_pieces():
    random = np.random.default_rng(1)
    for _ in range(50):
        flags = random.random((12, 17)) < 0.4
        assert _n_island(flags) == connected(flags, np.ones((3, 3)))[1]


@pytest.fixture
def planes(tmp_path):
    """Two crossing bands, what both leave, and one that adds nothing."""
    x, y = eps("ee", -1, 1, 121), eps("mumu", -1, 1, 121)
    X, Y = grid(x, y)
    one, other = ((X + Y) / 0.1)**2, ((X - Y) / 0.2)**2
    made = {"csi": one, "si": other, "csi,si": one + other, "ge": 1.0 * one, "csi,ge": 1.5 * one, "csi,xe": one}
    return [write_map(tmp_path / f"{name.replace(',', '_')}.h5", [x, y], chi2, experiments=name) for name, chi2 in made.items()]


def test_ranking(planes):
    ranking = rank([open_map(path) for path in planes], level=90)
    assert [r.label for r in ranking] == ["csi + si", "csi + ge"]   # csi + xe lacks a member
    best, second = ranking
    cut = delta_from_level(90, dof=2)
    assert best.members == ["csi", "si"] and best.area.value == pytest.approx(np.pi * 0.1 * 0.2 * cut / 2, abs=best.area.error)
    assert best.ratio < 0.2 and second.ratio == pytest.approx(np.sqrt(1 / 1.5), rel=0.05)
    assert second.area.touches_edge and not best.area.touches_edge


@pytest.mark.parametrize("form", ["markdown", "csv", "latex"])
def test_command(planes, form):
    areas, ranks = (command("areas.py", *planes, "--format", form, *more) for more in ([], ["--rank"]))
    assert areas.returncode == ranks.returncode == 0 and not areas.stderr + ranks.stderr
    assert ranks.stdout.index("csi + si") < ranks.stdout.index("csi + ge")
    if form == "csv":
        rows = list(csv.reader(io.StringIO(areas.stdout)))
        assert len(rows) == 7 and rows[3][0] == "csi + si" and float(rows[3][1]) == pytest.approx(0.1447, rel=0.02)


def test_complaints(tmp_path, planes):
    line = complaint(command("areas.py", *planes[:2], "--rank"))
    assert "no map of several experiments" in line
    x = eps("ee", -1, 1, 11)
    assert "needs two axes" in complaint(command("areas.py", write_map(tmp_path / "one.h5", [x], x.values**2)))
    with pytest.raises(MapError, match="cannot be compared"):
        rank([open_map(planes[0]), ellipse(tmp_path / "m.h5")])
