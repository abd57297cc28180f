# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls that a scan correlates, or puts on an axis, beside all else that pulls can do."""
import numpy as np
import pytest

from e2e import axis, content_hash, experiment, fields, run, run_json, scan, write_experiment, write_scan

AT = {"eps_ee_uV": 0.15, "eps_mumu_dV": -0.05}
FIXED = [{"name": name, "value": value} for name, value in AT.items()]
OBSERVED = {"one": [110.0, 150.0, 190.0], "two": [100.0, 140.0, 170.0]}


def toy(folder, name, pulls, **changes):
    target = {**experiment()["target"], "mass_kg": 1}
    return str(write_experiment(folder, name, pulls=pulls, **{"target": target, "observed": OBSERVED[name], **changes}))


def point(folder, paths, **more):
    path = write_scan(folder, paths, [], name="point.yaml", data="observed", **more)
    return run_json("point", path, *(word for name, value in AT.items() for word in ("--set", f"{name}={value!r}")), "--json")


# --- correlations -----------------------------------------------------------------------------------------------------
def both(folder, sigma, common=None, shared=False, **more):
    pulls = [{"name": "common", "sigma": common, "scales": ["signal"]}] if common else []
    return point(folder, [toy(folder, name, [{"name": "p" if shared else f"{name}.p", "sigma": sigma, "scales": ["signal"]}, *pulls])
                          for name in OBSERVED], **more)["chi2"]


def correlated(folder, c):
    return both(folder, 0.2, correlations=[{"of": ["one.p", "two.p"], "coefficient": c}])


@pytest.mark.parametrize("c", [0.05, 0.5, 0.95])
def test_a_correlation_is_a_common_pull(tmp_path, c):
    assert correlated(tmp_path, c) == pytest.approx(both(tmp_path, 0.2 * (1 - c)**0.5, common=0.2 * c**0.5), abs=1e-9)


def test_its_ends_are_separate_and_shared_pulls(tmp_path):
    separate, shared = both(tmp_path, 0.2), both(tmp_path, 0.2, shared=True)
    assert correlated(tmp_path, 0) == separate
    assert correlated(tmp_path, 1 - 1e-9) == pytest.approx(shared, abs=1e-6) and abs(shared - separate) > 0.1


# --- axes -------------------------------------------------------------------------------------------------------------
def test_an_axis_has_its_minimum_where_the_fit_puts_the_pull(tmp_path):
    pulls = [{"name": "p", "sigma": 0.28, "constraint": "gamma", "scales": ["signal"]}, {"name": "q", "sigma": 0.05, "scales": {"flat": 1, "signal.nu_e": 0.5}}]
    free = point(tmp_path, [toy(tmp_path, "one", pulls)])
    a = free["pulls"]["p"]
    path = write_scan(tmp_path, ["one"], [{"name": "p", "values": [a - 0.1, a - 0.01, a, a + 0.01, a + 0.1]}, *FIXED], data="observed")
    scan(path, tmp_path / "map.h5")
    chi2 = fields(tmp_path / "map.h5")[0]
    assert chi2[2] == pytest.approx(free["chi2"], abs=1e-9) and chi2.argmin() == 2
    assert np.all(np.diff(chi2[:3]) < -1e-4) and np.all(np.diff(chi2[2:]) > 1e-4)


def test_an_axis_of_a_quadratic_shape_is_the_experiment_there(tmp_path):
    """At sigma and -sigma, the shifted experiment with the constraint on top."""
    pull = {"name": "p", "sigma": 2, "parameter": "source.distance_m", "interpolation": "quadratic"}
    toy(tmp_path, "one", [pull])
    scan(write_scan(tmp_path, ["one"], [{"name": "p", "values": [-2, 0, 2]}, *FIXED], data="observed"), tmp_path / "map.h5")
    there = [point(tmp_path, [toy(tmp_path, "one", [], source={**experiment()["source"], "distance_m": at})])["chi2"] for at in (18, 20, 22)]
    assert fields(tmp_path / "map.h5")[0] == pytest.approx(np.array(there) + [1, 0, 1], rel=1e-9)


def test_numbers_of_experiments_move_parts_and_shapes(tmp_path):
    """Interpolated between nodes, as the signal is."""
    pulls = [{"name": "q", "sigma": 0.1, "scales": ["signal.nu_e"]},
             {"name": "s", "sigma": 0.05, "parameter": "form_factor.skin_thickness_fm", "interpolation": "quadratic"}]
    toy(tmp_path, "one", pulls)
    path = write_scan(tmp_path, ["one"], [axis("source.distance_m", 3, 17, 25), *FIXED], data="observed")
    scan(path, tmp_path / "map.h5")
    scan(path, tmp_path / "ranks.h5", ranks=3)
    assert content_hash(tmp_path / "map.h5") == content_hash(tmp_path / "ranks.h5")
    run("verify", "--all", tmp_path / "map.h5")
    chi2, _, _, axes = fields(tmp_path / "map.h5")
    for at, expected in zip(axes["source.distance_m"], chi2):
        source = {**experiment()["source"], "distance_m": float(at)}
        assert point(tmp_path, [toy(tmp_path, "one", pulls, source=source)])["chi2"] == pytest.approx(expected, rel=1e-7)
