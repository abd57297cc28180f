# SPDX-License-Identifier: GPL-3.0-or-later
"""Intervals against edges known in closed form, and what the command prints."""
import csv
import dataclasses
import io
import json
import os

import numpy as np
import pytest
from scipy.optimize import brentq
from synthetic_map import Axis, command, complaint, eps, grid, nsi_counting, write_map

from cevscan_analysis import allowed_intervals, curve_of, delta_from_level
from cevscan_analysis.axes import Axis as OwnAxis
from cevscan_analysis.tables import round_to


def allowed(tmp_path, axis, chi2, level, **options):
    m = curve_of(write_map(tmp_path / "m.h5", [axis], chi2, **options))
    return allowed_intervals(m.axes[0], m.delta_chi2, level)


@pytest.mark.parametrize("percent, dof, delta", [(90, 1, 2.705543454), (95.4499736, 1, 4.0), (68.2689492, 1, 1.0),
                                                 (90, 2, 4.605170186), (68, 2, 2.278868566), (95, 2, 5.991464547)])
def test_levels(percent, dof, delta):
    assert delta_from_level(percent, dof) == pytest.approx(delta, abs=2e-9 if percent != 95.4499736 else 1e-6)


# ------------------------------------------------------------------------------------------------------------ edges

def test_parabola(tmp_path):
    x = eps("ee", n=400)
    a = allowed(tmp_path, x, ((x.values - 0.0123) / 0.04)**2 + 55, 2.71, reference=55)
    half = 0.04 * np.sqrt(2.71)
    assert np.ravel(a.intervals) == pytest.approx([0.0123 - half, 0.0123 + half], abs=1e-12)
    assert a.open == [(False, False)] and a.touches_edge == (False, False) and a.holes == []


@pytest.mark.parametrize("n", [400, 1000, 2000])
def test_double_well(tmp_path, n):
    """k (q^2 - 1)^2 <= d where 1 - s <= q^2 <= 1 + s, with s = sqrt(d / k) and q = 1 - x / 0.2."""
    x = eps("ee", n=n)
    a = allowed(tmp_path, x, 30 * ((1 - x.values / 0.2)**2 - 1)**2, 2.71)
    s = np.sqrt(2.71 / 30)
    near, far = 0.2 * (1 - np.sqrt(1 - s)), 0.2 * (1 + np.sqrt(1 - s))
    ends = 0.2 * (1 - np.sqrt(1 + s)), 0.2 * (1 + np.sqrt(1 + s))
    assert np.array(a.intervals) == pytest.approx(np.array([[ends[0], near], [far, ends[1]]]), abs=1e-6)


def test_logarithmic_axis(tmp_path):
    """(g / 3e-5)^4 on a grid of 2.9 % steps."""
    g = Axis("g", np.geomspace(1e-7, 1e-2, 401), scale="log")
    a = allowed(tmp_path, g, (g.values / 3e-5)**4, 2.71)
    (low, high), = a.intervals
    assert low == 1e-7 and high == pytest.approx(3e-5 * 2.71**0.25, rel=1e-5)
    assert a.open == [(True, False)] and a.touches_edge == (True, False)


def test_counting_experiment_against_a_root_finder(tmp_path):
    x = eps("ee", -0.3, 0.7, 1001)
    f = lambda e: float(nsi_counting(e, 0)) - 2.71
    a = allowed(tmp_path, x, nsi_counting(x.values, 0), 2.71)
    truth = [brentq(f, *ends, xtol=1e-14) for ends in ((-0.2, 0), (0, 0.2), (0.2, 0.403), (0.403, 0.6))]
    assert len(a.intervals) == 2 and np.ravel(a.intervals) == pytest.approx(truth, abs=1e-7)


def test_edge_on_a_grid_point(tmp_path):
    x = eps("ee", -2, 2, 5)
    a = allowed(tmp_path, x, x.values**2, 1)
    assert a.intervals == [(-1, 1)] and a.open == [(False, False)]


def test_ends_of_the_range_are_open(tmp_path):
    x = eps("ee", n=401)
    a = allowed(tmp_path, x, 30 * np.cos(6 * x.values)**2, 10)
    assert len(a.intervals) == 2 and a.touches_edge == (False, False)
    a = allowed(tmp_path, x, 30 * np.sin(6 * x.values)**2, 10)
    assert len(a.intervals) == 3 and a.touches_edge == (True, True)
    assert a.intervals[0][0] == -0.5 and a.open[0] == (True, False) and a.open[2] == (False, True)
    assert a.intervals[1] == pytest.approx((-np.arcsin(np.sqrt(1 / 3)) / 6, np.arcsin(np.sqrt(1 / 3)) / 6), abs=1e-7)


def test_infinity_beside_an_edge(tmp_path):
    """Impossible points are excluded; the edge stays with the last point that is allowed."""
    x = eps("ee", -1, 1, 201)
    chi2 = np.where(x.values < -0.3 + 1e-9, np.inf, x.values**2 * 9)
    a = allowed(tmp_path, x, chi2, 2.71)
    assert np.ravel(a.intervals) == pytest.approx([-0.29, np.sqrt(2.71) / 3], abs=1e-12)
    assert allowed(tmp_path, x, chi2, 9 * 0.295**2).intervals[0][0] == pytest.approx(-0.29, abs=1e-12)
    assert a.open == [(False, False)] and a.holes == []
    chi2[np.abs(x.values) > 0.56] = np.inf  # two points beyond the edge
    assert allowed(tmp_path, x, chi2, 2.71).intervals[0][1] == pytest.approx(np.sqrt(2.71) / 3, abs=1e-12)


def test_holes(tmp_path):
    x = eps("ee", -1, 1, 201)
    chi2 = 9 * x.values**2
    chi2[100:110] = np.nan  # 0 to 0.09, inside
    chi2[190] = np.nan      # 0.9, outside
    a = allowed(tmp_path, x, chi2, 2.71)
    edge = np.sqrt(2.71) / 3
    assert np.array(a.intervals) == pytest.approx(np.array([[-edge, -0.01], [0.1, edge]]), abs=1e-12)
    assert a.open == [(False, True), (True, False)] and a.touches_edge == (False, False)
    assert np.ravel(a.holes) == pytest.approx([-0.01, 0.1, 0.89, 0.91])


def test_nothing_allowed(tmp_path):
    x = eps("ee", n=50)
    a = allowed(tmp_path, x, x.values**2 + 9, 2.71)
    assert a.intervals == [] and a.touches_edge == (False, False)


# ---------------------------------------------------------------------------------------------------------- command

@pytest.fixture
def well(tmp_path):
    x = eps("ee", n=1001)
    return write_map(tmp_path / "well.h5", [x], 30 * ((1 - x.values / 0.2)**2 - 1)**2)


def test_json_of_one_map(well):
    result = command("intervals.py", well, "--delta", "2.71", "--json")
    data = json.loads(result.stdout)
    assert result.returncode == 0 and result.stderr == ""
    assert list(data) == ["parameter", "delta_chi2", "best_fit", "intervals", "touches_edge"]
    assert data["parameter"] == "eps_ee_uV" and data["delta_chi2"] == 2.71
    assert data["best_fit"] == pytest.approx(0, abs=1e-15) and data["touches_edge"] == [False, False]
    assert np.shape(data["intervals"]) == (2, 2)
    level = json.loads(command("intervals.py", well, "--level", "90", "--json").stdout)
    assert level["delta_chi2"] == pytest.approx(2.705543454, abs=1e-9)
    assert level == json.loads(command("intervals.py", well, "--json").stdout)


def test_json_of_several(well, tmp_path):
    x = eps("mumu", n=11)
    hole = write_map(tmp_path / "hole.h5", [x], np.where(np.arange(11) == 3, np.nan, x.values**2))
    data = json.loads(command("intervals.py", well, hole, "--delta", "4", "--level", "90", "--json").stdout)
    assert [d["parameter"] for d in data] == ["eps_ee_uV"] * 2 + ["eps_mumu_uV"] * 2
    assert [d["delta_chi2"] for d in data] == pytest.approx([4, 2.7055434] * 2)
    assert np.ravel(data[2]["holes"]) == pytest.approx([-0.3, -0.1]) and "holes" not in data[0]
    assert data[2]["touches_edge"] == [True, True]


def test_markdown(well):
    out = command("intervals.py", well, "--delta", "2.71", "--level", "95.45", "--labels", "a|b").stdout.splitlines()
    assert [cell.strip() for cell in out[0].split("|")[1:-1]] == ["map", "parameter", "best fit", "Δχ² ≤ 2.71", "95.45 %"]
    assert out[2].startswith(r"| a\|b | eps_ee_uV | 0.000    | [-0.028, 0.033] ∪ [0.367, 0.428] | [-0.034, 0.041] ∪ ")
    assert len(out) == 3 and len({len(line) for line in out}) == 1


def test_zero_has_no_sign():
    assert [round_to(v, 3) for v in (-1e-17, -4e-4, -6e-4, 2.0004)] == ["0.000", "0.000", "-0.001", "2.000"]


def test_open_ends_have_a_footnote(tmp_path):
    x = eps("ee", n=101)
    path = write_map(tmp_path / "a.h5", [x], (x.values + 0.45)**2 * 100)
    out = command("intervals.py", path, "--digits", "2", "--delta", "4").stdout
    assert "| [-0.50*, -0.25] |" in out and out.splitlines()[-1].startswith(r"\* end of the values")
    tex = command("intervals.py", path, "--format", "latex", "--delta", "4").stdout
    assert r"csi & $\varepsilon_{ee}^{uV}$ & $-0.450$ & $[-0.500*, -0.250]$ \\" in tex and r"\multicolumn{4}{l}" in tex
    assert r"$\Delta\chi^2 \leq 4$" in tex and tex.count("{tabular}") == 2


def test_csv(well):
    out = command("intervals.py", well, "--format", "csv", "--level", "90", "--delta", "1e-9", "--digits", "4").stdout
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [r["level"] for r in rows] == ["90", "90", "", ""] and rows[2]["delta_chi2"] == "1e-09"
    assert rows[0]["low"] == "-0.0281" and rows[1]["high"] == "0.4281" and rows[0]["low_open"] == "0"
    assert [r["best_fit"] for r in rows] == ["0.0000"] * 4


def test_none_allowed_is_said(tmp_path):
    x = eps("ee", n=101)
    path = write_map(tmp_path / "a.h5", [x], x.values**2 + 9)
    assert "| none |" in " ".join(command("intervals.py", path).stdout.split())
    assert "& none \\\\" in command("intervals.py", path, "--format", "latex").stdout
    assert json.loads(command("intervals.py", path, "--json").stdout)["intervals"] == []


def test_profile_of_a_plane(tmp_path):
    """The minimum over eps_mumu lets the ring reach its full width; a grid of 10 % of the edge's precision suffices."""
    x, y = eps("ee", -0.6, 0.6, 401), eps("mumu", -0.6, 0.6, 201)
    X, Y = grid(x, y)
    path = write_map(tmp_path / "ring.h5", [x, y], 900 * (X**2 + Y**2 - 0.16)**2, best_fit=[0.24, 0.32])
    data = json.loads(command("intervals.py", path, "--parameter", "eps_ee_uV", "--delta", "2.71", "--json").stdout)
    edge = np.sqrt(0.16 + np.sqrt(2.71 / 900))
    assert np.array(data["intervals"]) == pytest.approx(np.array([[-edge, edge]]), abs=1e-5)
    assert data["best_fit"] == 0.24


def test_unfinished_map_says_so(tmp_path):
    x = eps("ee", n=160)
    path = write_map(tmp_path / "a.h5", [x], x.values**2, done=range(9), best_fit=[0.4])
    result = command("intervals.py", path, "--json")
    assert result.returncode == 0 and result.stderr == f"intervals.py: note: {path}: 90% complete\n"
    assert json.loads(result.stdout)["best_fit"] == pytest.approx(0, abs=0.01)
    nothing = write_map(tmp_path / "b.h5", [x], x.values**2, done=[])
    assert complaint(command("intervals.py", nothing)) == f"intervals.py: {nothing}: no point of the map has a value yet"


@pytest.mark.parametrize("name", ["with space.h5", "quote'\".h5", "-dash.h5", "ε$x$.h5"])
def test_odd_file_names(tmp_path, well, name):
    os.rename(well, tmp_path / name)
    result = command("intervals.py", "--json", "--", name, folder=tmp_path, LC_ALL="C")
    assert result.returncode == 0 and json.loads(result.stdout)["parameter"] == "eps_ee_uV"
    result = command("plot_profile.py", f"--output={name}.png", "--", name, name, folder=tmp_path)
    assert result.returncode == 0 and (tmp_path / (name + ".png")).stat().st_size > 5000, result.stderr


@pytest.mark.parametrize("arguments", [["--level", "100"], ["--level", "x"], ["--delta", "-1"], ["--digits", "99"],
                                       ["--format", "html"], ["--lev", "90"]])
def test_bad_options(well, arguments):
    result = command("intervals.py", well, *arguments)
    assert result.returncode == 2 and "intervals.py: error: " in result.stderr and "Traceback" not in result.stderr


def test_labels_must_fit(well):
    assert complaint(command("intervals.py", well, "--labels", "a,b")).endswith("--labels names 2 maps, but there are 1")


# --------------------------------------------------------------------------------------------------------------- accuracy

def steep(t):
    """Zero at 0.123, and a cliff on the right."""
    return ((t - 0.123) / 0.05)**2 * np.where(t > 0.123, 1 + 400 * (t - 0.123)**2, 1)


@pytest.mark.parametrize("curve", [steep, lambda t: np.abs(t - 0.123) / 0.05, lambda t: 40 * (1 - np.cos(9 * (t - 0.1)))])
def test_edges_are_as_sure_as_is_told(curve):
    """Against the same curve on a grid so fine that nothing is left to ask."""
    fine = OwnAxis("x", "1", "x", "", "linear", 0.0, np.linspace(-0.5, 0.5, 20001))
    true = allowed_intervals(fine, curve(fine.values), 2.71)
    for n in (15, 24, 41, 100):
        coarse = dataclasses.replace(fine, values=np.linspace(-0.5, 0.5, n))
        found = allowed_intervals(coarse, curve(coarse.values), 2.71)
        if len(found.intervals) == len(true.intervals):
            off = np.abs(np.array(found.intervals) - true.intervals)
            assert (off <= np.array(found.errors) + 1e-6).all(), (n, off, found.errors)


def test_unsure_digits_are_not_written(tmp_path):
    for n, digits in ((9, 2), (401, 3)):
        x = eps("ee", -0.5, 0.5, n)
        path = write_map(tmp_path / "m.h5", [x], steep(x.values) * 0.1)
        done = command("intervals.py", path, "--format", "csv")
        low = next(csv.DictReader(io.StringIO(done.stdout)))["low"]
        assert ("uncertain by" in done.stderr) == (digits < 3) and len(low.partition(".")[2]) <= digits, (done.stdout, done.stderr)
