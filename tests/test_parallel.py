# SPDX-License-Identifier: GPL-3.0-or-later
"""The map's content depends on the configuration alone: not on ranks, threads, tiles or who serves."""
import re

import h5py
import numpy as np
import pytest

from e2e import (IMPOSSIBLE, OK, axis, content_hash, fields, pull_names, run, run_json, scan, select, write_experiment,
                 write_scan)

AXES = ["eps_ee_uV", "eps_mumu_uV", "eps_etau_dV", "eps_emu_uV"]
# Points along each axis, and the tile (None: the program's choice). Few are whole multiples of the tile.
GRIDS = {
    "1-D": ([1001], None),
    "1-D, small": ([2], None),
    "1-D, tiles of one point": ([13], [1]),
    "2-D": ([67, 45], None),
    "2-D, flat": ([2, 501], None),
    "2-D, partial tiles": ([37, 41], [8, 9]),
    "2-D, one tile": ([9, 11], [1000, 1000]),
    "2-D, rows": ([17, 19], [1, 19]),
    "3-D": ([11, 12, 13], None),
    "3-D, partial tiles": ([7, 9, 5], [3, 2, 4]),
    "4-D": ([5, 6, 7, 8], None),
    "4-D, partial tiles": ([3, 5, 4, 7], [2, 3, 3, 2]),
}


def grid_scan(folder, name, experiments=("ess_csi", "ess_si"), **more):
    points, tile = GRIDS[name]
    parameters = [axis(a, n) for a, n in zip(AXES, points)]
    if tile:
        more["tile"] = tile
    return write_scan(folder, list(experiments), parameters, **more)


@pytest.mark.parametrize("name", GRIDS)
def test_one_hash_for_every_grid(tmp_path, name):
    scan_file = grid_scan(tmp_path, name, store_pulls=True)
    hashes = {scan(scan_file, tmp_path / f"{ranks}.h5", "--threads", threads, ranks=ranks)["content_hash"]
              for ranks, threads in [(None, 1), (3, 2)]}
    assert len(hashes) == 1


@pytest.mark.slow
def test_one_hash_for_ranks_and_threads(tmp_path):
    scan_file = grid_scan(tmp_path, "2-D", store_pulls=True)
    reference = scan(scan_file, tmp_path / "alone.h5", "--threads", 1)["content_hash"]
    for ranks in (1, 2, 3, 5):
        for threads in (1, 3):
            summary = scan(scan_file, tmp_path / f"{ranks}x{threads}.h5", "--threads", threads, ranks=ranks)
            assert summary["content_hash"] == reference, (ranks, threads)
            assert summary["complete"] and summary["points_computed"] == summary["points"] == 67 * 45


@pytest.mark.parametrize("master", ["works", "serves", "auto"])
@pytest.mark.parametrize("ranks", [1, 3])
def test_master_works_or_serves(tmp_path, master, ranks):
    scan_file = grid_scan(tmp_path, "2-D, partial tiles")
    reference = scan(scan_file, tmp_path / "alone.h5")["content_hash"]
    done = run("run", scan_file, "-o", tmp_path / "map.h5", "--master", master, ranks=ranks)
    assert content_hash(tmp_path / "map.h5") == reference
    assert ("rank 0 serves" in done.stderr) == (master == "serves" and ranks > 1)


@pytest.mark.parametrize("ranks", [2, 5])
def test_more_ranks_than_tiles(tmp_path, ranks):
    scan_file = grid_scan(tmp_path, "2-D, one tile")
    assert scan(scan_file, tmp_path / "many.h5", ranks=ranks)["content_hash"] == \
        scan(scan_file, tmp_path / "alone.h5")["content_hash"]


# Fits start from nodes of their tile and end within rounding of the minimum: another tile, another last bit, and no more than that.
ROUNDING = {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize("tile", [[1, 1], [8, 8], [5, 7], [31, 23], [64, 3]])
def test_the_shape_of_tiles_changes_no_more_than_rounding(tmp_path, tile):
    parameters = [axis(AXES[0], 31), axis(AXES[1], 23)]
    maps = []
    for name, more in [("chosen", {}), ("given", {"tile": tile})]:
        scan_file = write_scan(tmp_path, ["ess_csi", "ess_si"], parameters, name=f"{name}.yaml", **more)
        scan(scan_file, tmp_path / f"{name}.h5")
        maps.append(fields(tmp_path / f"{name}.h5"))
    np.testing.assert_allclose(maps[1][0], maps[0][0], **ROUNDING)
    np.testing.assert_allclose(maps[1][1], maps[0][1], **ROUNDING)


def test_swapped_axes_transpose_the_map(tmp_path):
    parameters = [axis(AXES[0], 19), axis(AXES[1], 13)]
    for name, order in [("straight", parameters), ("swapped", parameters[::-1])]:
        scan(write_scan(tmp_path, ["ess_csi"], order, name=f"{name}.yaml"), tmp_path / f"{name}.h5")
    straight, swapped = (fields(tmp_path / f"{name}.h5")[0] for name in ("straight", "swapped"))
    np.testing.assert_allclose(swapped.T, straight, **ROUNDING)


# --- the map says what `cevscan point` says -----------------------------------------------------------------------------
FIXED = {"eps_mutau_uV": 0.1, "eps_ee_dV": -0.05}


@pytest.mark.parametrize("name", ["1-D", "2-D", "3-D", "4-D, partial tiles"])
def test_points_of_the_map_equal_direct_evaluation(tmp_path, name):
    points, _ = GRIDS[name]
    parameters = [axis(a, n) for a, n in zip(AXES, points)]
    parameters += [{"name": name, "value": value} for name, value in FIXED.items()]
    scan_file = write_scan(tmp_path, ["ess_csi", "ess_si", "ess_ar"], parameters, store_pulls=True)
    scan(scan_file, tmp_path / "map.h5")
    random = np.random.default_rng(1)
    defaults = {p["name"]: p["default"] for p in run_json("describe", "nsi", "--json")["parameters"]}
    with h5py.File(tmp_path / "map.h5") as h5:
        assert len(pull_names(h5)) == 6
        chi2, delta, reference = h5["chi2"][...], h5["delta_chi2"][...], h5["results/chi2_reference"][()]
        assert np.array_equal(delta, chi2 - reference) and np.all(h5["status"][...] == OK)
        for _ in range(6):
            index = tuple(int(random.integers(n)) for n in points)
            values = {a: float(h5[a][i]) for a, i in zip(AXES, index)}
            direct = run_json("point", scan_file, *select("", values)[2:], "--json")
            assert direct["chi2"] == pytest.approx(chi2[index], rel=ROUNDING["rtol"], abs=ROUNDING["atol"])
            assert direct["delta_chi2"] == pytest.approx(delta[index], abs=1e-9)
            assert direct["parameters"] == {**defaults, **FIXED, **values}
            assert direct["pulls"] == pytest.approx({n: h5["pull_" + n][index] for n in pull_names(h5)}, rel=1e-8, abs=1e-10)


def test_best_fit_away_from_the_truth(tmp_path):
    """A fixed parameter that is not at the truth: the least chi2 lies between the grid's points, and delta_chi2 counts from it."""
    parameters = [axis("eps_ee_uV", 41), axis("eps_mumu_uV", 37), {"name": "eps_etau_uV", "value": 0.3}]
    scan_file = write_scan(tmp_path, ["ess_csi", "ess_si"], parameters)
    summary = scan(scan_file, tmp_path / "map.h5")
    chi2, delta, _, axes = fields(tmp_path / "map.h5")
    assert 0 < summary["best_fit_chi2"] <= chi2.min()
    assert delta.min() >= 0 and delta.min() < 1
    nearest = {a: axes[a][np.unravel_index(chi2.argmin(), chi2.shape)[k]] for k, a in enumerate(axes)}
    for name, value in summary["best_fit"].items():
        assert axes[name][0] <= value <= axes[name][-1]
    at_best = run_json("point", scan_file, *select("", summary["best_fit"])[2:], "--json")
    assert at_best["chi2"] == pytest.approx(summary["best_fit_chi2"], abs=1e-7)
    assert at_best["delta_chi2"] == pytest.approx(0, abs=1e-7)
    assert run_json("point", scan_file, *select("", nearest)[2:], "--json")["chi2"] == pytest.approx(chi2.min())


@pytest.mark.parametrize("ranks", [None, 2])
def test_truth_elsewhere(tmp_path, ranks):
    """Asimov data at a truth that is a point of the grid."""
    parameters = [axis("eps_ee_uV", 9), axis("eps_mumu_dV", 9)]
    scan_file = write_scan(tmp_path, ["ess_csi"], parameters, data={"asimov": {"eps_ee_uV": 0.1, "eps_mumu_dV": 0.3}})
    summary = scan(scan_file, tmp_path / "map.h5", ranks=ranks)
    chi2, delta, _, _ = fields(tmp_path / "map.h5")
    assert chi2[3, 5] == pytest.approx(0, abs=1e-9) and chi2.min() == chi2[3, 5]
    assert summary["best_fit"] == {"eps_ee_uV": 0.1, "eps_mumu_dV": 0.3} and summary["best_fit_chi2"] == 0
    assert np.array_equal(chi2, delta)


@pytest.mark.parametrize("ranks", [None, 3])
def test_observed_data(tmp_path, ranks):
    toy = write_experiment(tmp_path, observed=[60, 90, 45])
    scan_file = write_scan(tmp_path, [str(toy)], [axis("eps_ee_uV", 301, -1, 1)], data="observed", store_pulls=True)
    summary = scan(scan_file, tmp_path / "map.h5", ranks=ranks)
    chi2, delta, _, axes = fields(tmp_path / "map.h5")
    assert summary["best_fit_chi2"] <= chi2.min() and 0 <= delta.min() < 0.1
    assert abs(summary["best_fit"]["eps_ee_uV"] - axes["eps_ee_uV"][chi2.argmin()]) < 0.02


@pytest.mark.parametrize("ranks", [None, 2])
def test_impossible_points_have_an_infinite_chi2(tmp_path, ranks):
    """Events where none can be: the point is excluded, which is an answer."""
    target = {"mass_kg": 10, "form_factor": "point",
              "nuclei": [{"name": "H", "protons": 1, "neutrons": 0, "mass_u": 40}]}
    toy = write_experiment(tmp_path, target=target, backgrounds=None, pulls=None)
    zero = -(0.5 - 2 * 0.23867) / 2  # of 1/2 - 2 s^2 + 2 eps: no signal at all
    parameters = [{"name": name, "values": [-0.5, zero, 0, 0.5]} for name in ("eps_ee_uV", "eps_mumu_uV")]
    scan_file = write_scan(tmp_path, [str(toy)], parameters)
    summary = scan(scan_file, tmp_path / "map.h5", ranks=ranks)
    chi2, delta, status, _ = fields(tmp_path / "map.h5")
    assert status[1, 1] == IMPOSSIBLE and np.isposinf(chi2[1, 1]) and np.isposinf(delta[1, 1])
    assert summary["points_failed"] == 0 and np.sum(status == OK) == np.isfinite(chi2).sum() == 15
    assert run_json("status", tmp_path / "map.h5", "--json")["point_status"]["impossible"] == 1
    direct = run_json("point", scan_file, *select("", {"eps_ee_uV": zero, "eps_mumu_uV": zero})[2:], "--json", code=None)
    assert direct["status"] == "impossible"


@pytest.mark.parametrize("ranks", [None, 2, 3])
def test_names_that_look_like_numbers(tmp_path, ranks):
    """YAML's plain 1 and 007 are texts where a name is wanted, on every rank."""
    experiment = write_experiment(tmp_path).read_text()
    text = experiment.replace('"toy.signal"', "1").replace('"toy.background"', "007").replace('"flat"', "1e3")
    (tmp_path / "toy.yaml").write_text(text.replace('"toy"', "2024"))
    scan_file = write_scan(tmp_path, ["./toy.yaml"], [axis("eps_ee_uV", 301)], store_pulls=True)
    summary = scan(scan_file, tmp_path / "map.h5", ranks=ranks)
    assert summary["content_hash"] == scan(scan_file, tmp_path / "alone.h5")["content_hash"]
    with h5py.File(tmp_path / "map.h5") as h5:
        assert {"pull_1", "pull_007"} <= set(h5)
        assert h5.attrs["experiments"] == "2024"


@pytest.mark.parametrize("scale, low, high, more", [
    ("log", 1e-4, 1, {}), ("symlog", -1, 1, {"linear_threshold": 1e-3}), ("linear", -0.3, 0.3, {})])
def test_scales_of_axes(tmp_path, scale, low, high, more):
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 101, low, high, scale=scale, **more)])
    scan(scan_file, tmp_path / "map.h5")
    x = fields(tmp_path / "map.h5")[3]["eps_ee_uV"]
    assert len(x) == 101 and x[0] == low and x[-1] == high and np.all(np.diff(x) > 0)
    if scale == "log":
        assert np.diff(np.log(x)) == pytest.approx(np.log(high / low) / 100)
    if scale == "symlog":
        assert np.diff(np.arcsinh(x / 2e-3)) == pytest.approx(2 * np.arcsinh(1 / 2e-3) / 100)
    if low == -high:
        assert x[50] == 0 and x == pytest.approx(-x[::-1], rel=1e-14)


def warned_of(path, target, *more, ranks=None):
    return re.findall(r'warning: "(.*)" changes nothing', run("run", path, "-o", target, *more, ranks=ranks).stderr)


@pytest.mark.parametrize("ranks", [None, 3])
def test_axes_that_change_nothing_are_said(tmp_path, ranks):
    """There is no nu_tau, and a nucleus of this form factor has no radius of its own."""
    path = write_scan(tmp_path, ["ess_csi"], [axis("eps_tautau_uV", 5), axis("eps_ee_uV", 5)])
    assert warned_of(path, tmp_path / "map.h5", ranks=ranks) == ["eps_tautau_uV"]
    path = write_scan(tmp_path, ["ess_csi"], [{"each_of": ["eps_ee_uV", "eps_etau_uV", "eps_tautau_uV"], "min": -1, "max": 1, "points": 3}])
    assert warned_of(path, tmp_path / "each.h5", ranks=ranks) == ["eps_tautau_uV"]
    path = write_scan(tmp_path, ["xenonnt_8b"], [axis("neutron_radius_fm", 3, 1, 6)])
    assert warned_of(path, tmp_path / "radius.h5", ranks=ranks) == ["neutron_radius_fm"]


def test_axes_that_change_something_are_not_warned_of(tmp_path):
    path = write_scan(tmp_path, ["ess_csi"], [axis("mediator_mass_MeV", 3, 1, 100), axis("coupling", 3, 0, 1e-4)], interaction="scalar")
    assert warned_of(path, tmp_path / "map.h5") == []
