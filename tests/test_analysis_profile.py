# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles of functions whose minima are known: right where they are called right, and never below what can be."""
import json

import numpy as np
import pytest
from e2e import run, write_scan
from synthetic_map import Axis, command, eps, grid, write_map

from cevscan_analysis import axes, open_map, profile, project
from cevscan_analysis.profile import allowed_error


def profile_of(tmp_path, axes_, function, names):
    m = open_map(write_map(tmp_path / "m.h5", axes_, function(*grid(*axes_))))
    return m, project(m, names)


def quadratic(n_axis, seed):
    """A narrow valley oblique to all axes: its matrix, and what is left of it if all but the first k axes are profiled."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(n_axis, n_axis)))
    matrix = rotation @ np.diag(np.geomspace(2, 2000, n_axis)) @ rotation.T
    left = lambda k: matrix[:k, :k] - matrix[:k, k:] @ np.linalg.solve(matrix[k:, k:], matrix[k:, :k])
    return matrix, left


def form(matrix, values):
    return sum(matrix[i, j] * values[i] * values[j] for i in range(len(matrix)) for j in range(len(matrix)))


def uneven(n, low=-0.5, high=0.5):
    t = np.linspace(0, 1, n)
    return low + (high - low) * (0.7 * t + 0.3 * t**2)


@pytest.mark.parametrize("n_axis, n", [(2, 61), (3, 31), (4, 17)])
@pytest.mark.parametrize("kind", ["linear", "values"])
def test_narrow_valleys_oblique_to_the_axes(tmp_path, n_axis, n, kind):
    """A parabola is followed to rounding, on even and on uneven grids, where no minimum near it runs against an end: there
    the error is known."""
    values = np.linspace(-0.5, 0.5, n) if kind == "linear" else uneven(n)
    grid_axes = [Axis(f"x{k}", values, scale=kind) for k in range(n_axis)]
    matrix, left = quadratic(n_axis, n_axis)
    m, p = profile_of(tmp_path, grid_axes, lambda *v: form(matrix, v), ["x0"])
    truth = left(1)[0, 0] * values**2
    fine = ~p.projected.is_coarse & ~p.projected.at_edge
    raw = m.delta_chi2.min(axis=tuple(range(1, n_axis)))
    assert fine.sum() >= 3 and np.abs(raw - truth)[fine].max() > 0.01   # so that the next line means something
    sure = (p.projected.error < 1e-9) & ~p.projected.at_edge
    assert sure.sum() >= n // 6 and p.delta_chi2[sure] == pytest.approx(truth[sure], abs=1e-9)
    assert (np.abs(p.delta_chi2 - truth) <= p.projected.error + 1e-9)[fine].all()
    assert (p.delta_chi2 >= truth - allowed_error(truth)).all()


def test_logarithmic_axes_are_parabolas_in_the_logarithm(tmp_path):
    x, y = eps("ee", n=41), Axis("g", np.geomspace(1e-4, 1, 33), scale="log")
    _, p = profile_of(tmp_path, [x, y], lambda X, Y: 30 * (np.log(Y / 1e-2) - 3 * X)**2 + X**2, ["eps_ee_uV"])
    assert p.delta_chi2 == pytest.approx(x.values**2, abs=1e-9) and p.projected.note == ""


def test_symlog_axes_too(tmp_path):
    t = 1e-3
    y = Axis("g", 2 * t * np.sinh(np.linspace(-6, 6, 41)), scale="symlog", linear_threshold=t)
    _, p = profile_of(tmp_path, [eps("ee", n=41), y],
                      lambda X, Y: 30 * (np.arcsinh(Y / (2 * t)) - 3 * X)**2 + X**2, ["eps_ee_uV"])
    assert p.delta_chi2 == pytest.approx(np.linspace(-0.5, 0.5, 41)**2, abs=1e-9)


def test_three_values_are_not_interpolated(tmp_path):
    """A list of three values, as in configs/reference.yaml: no second scale tells whether the parabola is one."""
    y = Axis("eps_emu_uV", [0, 0.05, 0.2], scale="values")
    m, p = profile_of(tmp_path, [eps("ee", n=11), y], lambda X, Y: 4000 * (Y - 0.07)**2 + X**2, ["eps_ee_uV"])
    assert np.array_equal(p.delta_chi2, m.delta_chi2.min(axis=1)) and p.projected.is_coarse.all()
    assert "in 11 of 11 cells the grid is too coarse" in p.projected.note


def test_minima_at_the_end_of_an_axis_are_said_to_be_there(tmp_path):
    """For x > 0 the minimum over y lies at its end; for x < 0 it is inside."""
    x, y = eps("ee", n=21), eps("mumu", 0, 1, 21)
    _, p = profile_of(tmp_path, [x, y], lambda X, Y: 50 * (Y + X)**2, ["eps_ee_uV"])
    assert np.array_equal(p.projected.at_edge, x.values >= 0)
    assert p.delta_chi2[p.projected.at_edge] == pytest.approx(50 * x.values[x.values >= 0]**2)
    assert "in 11 of 21 cells the minimum lies at the end of an axis" in p.projected.note


def random_valley(seed):
    """Values on a grid, those of the grid, and the true minima: a parabola, a valley between two walls, or a ring, narrower
    or wider than the steps."""
    rng = np.random.default_rng(seed)
    n, kind = int(rng.integers(5, 60)), ("linear", "values", "log")[seed % 3]
    y = {"linear": np.linspace(-1, 1, n), "values": np.unique([-1, 1, *rng.uniform(-1, 1, n)]),
         "log": np.geomspace(1e-2, 1, n)}[kind]
    slope, offset, width = rng.uniform(0.1, 3), rng.uniform(-0.5, 0.5), 10**rng.uniform(-1.5, 0.3)
    x = np.linspace(-1, 1, 25)[:, None]
    function = (lambda y: ((y - slope * x - offset) / width)**2 + x**2,
                lambda y: (((y - slope * x - offset) / width)**2 - 1)**2 + x**2,
                lambda y: 0.02 * ((1 + 3 * y)**2 + (1 + 3 * x)**2 - 2)**2 / width**2 + x**2)[seed // 3 % 3]
    axis = axes.Axis("y", "1", "y", "", kind, 0.0, y)
    return function(y), axis, function(np.linspace(y[0], y[-1], 20001)).min(axis=1)


def test_what_is_called_right_is_right():
    """And none is below the truth. A well between two points of a handful that none of them sees is missed: in one cell of
    a thousand, where the lowest of the points is taken, too."""
    n_right = n_wrong = 0
    for seed in range(60):
        v, axis, truth = random_valley(seed)
        found = profile.along(profile.Points(v, v, np.zeros(v.shape), np.zeros(v.shape, bool), 0.0), 1, axis)
        off, allowed = found.delta_chi2 - truth, allowed_error(truth)
        assert (off >= -allowed).all(), seed
        wrong = ~found.is_coarse & (off > allowed)
        assert np.array_equal(found.delta_chi2[wrong], v.min(axis=1)[wrong]), seed
        n_right, n_wrong = n_right + int((~found.is_coarse).sum()), n_wrong + int(wrong.sum())
    assert n_right > 1000 and n_wrong <= n_right / 1000


# ------------------------------------------------------------------------------------------------------- a real scan

def four(points, lines):
    names = ["eps_ee_uV", "eps_mumu_uV", "eps_ee_dV", "eps_mumu_dV"]
    axis = lambda name, k: {"name": name, "values": lines} if k < 2 and lines else {"name": name, "min": -0.2, "max": 0.6, "points": points}
    return [axis(name, k) for k, name in enumerate(names)]


@pytest.fixture(scope="module")
def detectors(tmp_path_factory):
    """Four detectors of the ESS and four couplings, some values of two of them: with steps of 0.02 in the others, as in a
    map of four axes, and with a twentieth of that."""
    folder = tmp_path_factory.mktemp("four")
    for points in (41, 401):
        scan = write_scan(folder, ["ess_csi", "ess_si", "ess_xe", "ess_ge"], four(points, [-0.2, 0.1, 0.2, 0.4]), name=f"{points}.yaml")
        run("run", scan, "-o", folder / f"{points}.h5", "-q")
    return [open_map(folder / f"{points}.h5") for points in (41, 401)]


def test_walls_that_are_a_step_apart(detectors):
    coarse, fine = (project(m, ["eps_ee_uV", "eps_mumu_uV"]) for m in detectors)
    assert not fine.projected.is_coarse.any()
    off = coarse.delta_chi2 - fine.delta_chi2
    allowed = allowed_error(fine.delta_chi2)
    assert (off >= -allowed).all() and (off[~coarse.projected.is_coarse] <= allowed[~coarse.projected.is_coarse]).all()
    assert (coarse.delta_chi2 > 0).all() and coarse.projected.is_coarse.sum() > 8   # not cut off at zero, as they were


def test_commands_say_so(detectors, tmp_path):
    path, cells = detectors[0].path, detectors[0].delta_chi2[:, :, 0, 0].size
    for words in (("areas.py", path, "--axes", "eps_ee_uV,eps_mumu_uV"),
                  ("plot_map.py", path, "--axes", "eps_ee_uV,eps_mumu_uV", "-o", tmp_path / "f.png"),
                  ("intervals.py", path, "--parameter", "eps_ee_uV"),
                  ("plot_profile.py", path, "--parameter", "eps_ee_uV", "-o", tmp_path / "g.png")):
        done = command(*words)
        n = cells if "--axes" in words else 4
        assert done.returncode == 0 and f"of {n} cells the grid is too coarse" in done.stderr, done


# ------------------------------------------------------------------------------------------------- best fits at the end

def test_a_best_fit_at_the_end_of_its_axis_is_named(tmp_path):
    x = eps("ee", n=21)
    end = write_map(tmp_path / "end.h5", [x], (x.values - 0.7)**2 * 9 - 0.36, reference=0.0)
    inside = write_map(tmp_path / "inside.h5", [x], x.values**2)
    assert open_map(end).end_of_axis("eps_ee_uV") == 0.5 and open_map(inside).end_of_axis("eps_ee_uV") is None
    done = command("intervals.py", end)
    assert "the best fit lies at the end of the axis eps_ee_uV, 0.5" in done.stderr
    assert "0.500†" in done.stdout and "† at the end of the values in the map" in done.stdout
    assert r"0.500^\dagger" in command("intervals.py", end, "--format", "latex").stdout
    assert json.loads(command("intervals.py", end, "--json").stdout)["best_fit_at_end"] is True
    head, line = command("intervals.py", end, "--format", "csv").stdout.splitlines()
    assert head.endswith(",best_fit_at_end") and line.endswith(",1")
    done = command("intervals.py", inside)
    assert "†" not in done.stdout and done.stderr == ""


def test_nor_is_one_hidden_in_a_profile(tmp_path):
    x, y = eps("ee", n=21), eps("mumu", n=21)
    path = write_map(tmp_path / "m.h5", [x, y], sum((a - b)**2 for a, b in zip(grid(x, y), (0, 0.6))) - 0.01)
    assert "the best fit lies at the end of eps_mumu_uV" in command("intervals.py", path, "--parameter", "eps_ee_uV").stderr
