# SPDX-License-Identifier: GPL-3.0-or-later
"""Published and independently calculated results with solar 8B neutrinos: arXiv:2411.11749 and arXiv:2409.04703, section IV.B."""
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

from cevscan_analysis.papers.numbers import (MEASUREMENTS, MEDIATOR_LIMITS, MEDIATOR_MASSES_MEV, MEDIATOR_TOLERANCE,
                                             PANDAX_BOUNDS)
from e2e import CONFIGS, REPO, axis, fields, run, run_json, scan, write_scan


def crossings(x, y, level):
    """Where y goes through a level, linear in between."""
    at = np.flatnonzero((y[1:] > level) != (y[:-1] > level))
    return x[at] + (level - y[at]) / (y[at + 1] - y[at]) * (x[at + 1] - x[at])


def scan_of(folder, experiments, interaction, parameters, name, **more):
    return write_scan(folder, experiments, parameters, name=f"{name}.yaml", interaction=interaction, data="observed", **more)


@pytest.fixture(scope="module")
def curves(tmp_path_factory):
    """For each interaction: g, and Delta chi2 from the minimum over g at each mass."""
    folder, found = tmp_path_factory.mktemp("limits"), {}
    for interaction in MEDIATOR_LIMITS:
        parameters = [{"name": "mediator_mass_MeV", "values": MEDIATOR_MASSES_MEV}, axis("coupling", 6001, 1e-7, 0.1, scale="log")]
        scan(scan_of(folder, ["xenonnt_8b"], interaction, parameters, interaction), folder / f"{interaction}.h5")
        chi2, _, _, axes = fields(folder / f"{interaction}.h5")
        found[interaction] = axes["coupling"], chi2 - chi2.min(axis=1, keepdims=True)
    return found


@pytest.mark.parametrize("interaction", MEDIATOR_LIMITS)
@pytest.mark.parametrize("mass", MEDIATOR_MASSES_MEV)
@pytest.mark.parametrize("level", [2.71, 4.61])
def test_limits_of_xenonnt(curves, interaction, mass, level):
    g, delta = curves[interaction]
    edges = crossings(g, delta[MEDIATOR_MASSES_MEV.index(mass)], level)
    assert edges == pytest.approx(MEDIATOR_LIMITS[interaction][mass, level], rel=MEDIATOR_TOLERANCE)


@pytest.mark.parametrize("interaction", ["vector_universal"])
def test_no_band_in_pandax4t(tmp_path, interaction):
    """Where XENONnT leaves a band of strong couplings, the surrogate of PandaX-4T has one edge."""
    parameters = [{"name": "mediator_mass_MeV", "values": [10, 100]}, axis("coupling", 3001, 1e-7, 1e-2, scale="log")]
    scan(scan_of(tmp_path, ["pandax4t_us2"], interaction, parameters, "scan"), tmp_path / "map.h5")
    chi2, _, _, axes = fields(tmp_path / "map.h5")
    for row in chi2:
        assert len(crossings(axes["coupling"], row - row.min(), 2.71)) == 1


@pytest.fixture(scope="module")
def scales(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scales")
    run("run", CONFIGS / "scans" / "pandax4t_lambda.yaml", "-o", folder / "map.h5", "-q")
    command = [sys.executable, str(REPO / "analysis" / "intervals.py"), str(folder / "map.h5"), "--delta", "2.706", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {row["parameter"]: row for row in json.loads(done.stdout)}


@pytest.mark.parametrize("parameter", PANDAX_BOUNDS)
def test_scales_of_pandax4t(scales, parameter):
    expected, tolerance = PANDAX_BOUNDS[parameter]
    assert scales[parameter]["lower_bound"] == pytest.approx(expected, rel=tolerance)


def test_chi2_of_a_counting_experiment_in_closed_form():
    """(N_m - N)^2/(sigma_stat^2 + (sigma_alpha N)^2)."""
    for values in ({}, {"C1_u_e": 3e-6}, {"C2_d_mu": 1e-3, "kappa": 1}):
        words = [w for k, v in values.items() for w in ("--set", f"{k}={v!r}")]
        scan_file = CONFIGS / "scans" / "pandax4t_lambda.yaml"
        n = run_json("rates", scan_file, *words, "--json")["pandax4t_counting"]["signal_total"]
        chi2 = run_json("point", scan_file, *words, "--json")["chi2"]
        assert chi2 == pytest.approx((69.1 - n) ** 2 / (653.672 + (0.245 * n) ** 2), rel=1e-9)


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    """XENONnT with the signal as it is, and scaled as in arXiv:2411.11749."""
    folder = tmp_path_factory.mktemp("scaled")
    base = scan_of(folder, ["xenonnt_8b"], "nsi", [axis("eps_ee_uV", 2)], "base")
    config = run_json("check", base, "--json")["resolved"]["experiments"][0]
    config["response"]["signal_scale"] = 0.9
    (folder / "scaled.yaml").write_text(json.dumps(config))
    return {1: "xenonnt_8b", 0.9: str(folder / "scaled.yaml")}


@pytest.mark.parametrize("scale", [1, 0.9])
def test_flux_from_xenonnt(tmp_path, scaled, scale):
    parameters = [axis("flux_b8", 4001, 1e6, 1.2e7)]
    path = scan_of(tmp_path, [scaled[scale]], "nsi", [*parameters, {"name": "recoil_term", "value": 1}], "flux", without_pulls=["flux_b8"])
    found = scan(path, tmp_path / "map.h5")["best_fit"]["flux_b8"] / 1e6
    _, delta, _, axes = fields(tmp_path / "map.h5")
    low, high = crossings(axes["flux_b8"], delta, 1) / 1e6
    assert [found, high - found, found - low] == pytest.approx(MEASUREMENTS["flux_b8"][1][scale], abs=0.02)


@pytest.mark.parametrize("scale", [1, 0.9])
def test_weak_mixing_angle_from_xenonnt(tmp_path, scaled, scale):
    parameters = [axis("sin2_theta_w", 3001, 0, 0.6), {"name": "recoil_term", "value": 1}]
    found = scan(scan_of(tmp_path, [scaled[scale]], "nsi", parameters, "angle"), tmp_path / "map.h5")["best_fit"]["sin2_theta_w"]
    _, delta, _, axes = fields(tmp_path / "map.h5")
    low, high = crossings(axes["sin2_theta_w"], delta, 1)
    assert [found, high - found, found - low] == pytest.approx(MEASUREMENTS["sin2_theta_w"][1][scale], abs=1e-3)


def test_best_fit_of_a_map_over_masses(curves, tmp_path):
    """Delta chi2 of the whole map counts from the lowest of all masses."""
    path = scan_of(tmp_path, ["xenonnt_8b"], "vector_universal",
                   [{"name": "mediator_mass_MeV", "values": MEDIATOR_MASSES_MEV}, axis("coupling", 301, 1e-7, 0.1, scale="log")], "all")
    summary = scan(path, tmp_path / "map.h5")
    chi2, delta, _, axes = fields(tmp_path / "map.h5")
    assert summary["best_fit_chi2"] <= chi2.min() + 1e-9 and summary["best_fit"]["mediator_mass_MeV"] in MEDIATOR_MASSES_MEV
    assert delta == pytest.approx(chi2 - summary["best_fit_chi2"], abs=1e-9)
    with h5py.File(tmp_path / "map.h5") as h5:
        assert h5["mediator_mass_MeV"].shape == (3,)
