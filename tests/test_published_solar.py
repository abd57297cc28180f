# SPDX-License-Identifier: GPL-3.0-or-later
"""Published and independently calculated results with solar 8B neutrinos: arXiv:2411.11749 and arXiv:2409.04703, section IV.B."""
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

from e2e import CONFIGS, REPO, axis, fields, run, run_json, scan, write_scan

# Boundaries in g at a Delta chi2 from the minimum over g, XENONnT with signal_scale 1, by mass in MeV: an independent calculation, at the
# level of 1 %. Several numbers: excluded between the first two and above the third.
LIMITS = {
    "scalar": {(1e-3, 2.71): [6.9301e-06], (1e-3, 4.61): [7.4997e-06], (10, 2.71): [7.8298e-06], (10, 4.61): [8.5090e-06],
               (1e3, 2.71): [3.4171e-04], (1e3, 4.61): [3.7606e-04]},
    "vector_universal": {(1e-3, 2.71): [6.9340e-06, 2.5946e-05, 3.2979e-05], (1e-3, 4.61): [1.4453e-05, 2.3869e-05, 3.3857e-05],
                         (10, 2.71): [1.1649e-05, 3.0950e-05, 3.9068e-05], (10, 4.61): [1.8031e-05, 2.8572e-05, 4.0085e-05],
                         (1e3, 2.71): [9.3211e-04, 1.5055e-03, 1.9335e-03], (1e3, 4.61): [1.2288e-03, 1.2749e-03, 1.9838e-03]},
    "vector_b_minus_l": {(1e-3, 2.71): [2.5359e-05], (1e-3, 4.61): [2.8693e-05], (10, 2.71): [2.9074e-05], (10, 4.61): [3.3042e-05],
                         (1e3, 2.71): [1.3473e-03], (1e3, 4.61): [1.5510e-03]},
    "axial": {(1e-3, 2.71): [6.5615e-04], (1e-3, 4.61): [7.0914e-04], (10, 2.71): [7.4428e-04], (10, 4.61): [8.0784e-04],
              (1e3, 2.71): [3.2803e-02], (1e3, 4.61): [3.6072e-02]},
    "tensor": {(1e-3, 2.71): [9.0572e-04], (1e-3, 4.61): [9.7451e-04], (10, 2.71): [1.0402e-03], (10, 4.61): [1.1233e-03],
               (1e3, 2.71): [4.7223e-02], (1e3, 4.61): [5.1665e-02]},
}
MASSES = [1e-3, 10, 1e3]
TOLERANCE = 0.015

# Lower bounds in GeV: as printed, with kappa = 1 and the smaller of both signs for C2.
SCALES = {"lambda_C1_u_e": (287.46, 0.004), "lambda_C1_u_mu": (289.61, 0.004), "lambda_C1_u_tau": (286.70, 0.004),
          "lambda_C2_u_e": (14.70, 0.005), "lambda_C2_u_mu": (14.81, 0.005), "lambda_C2_u_tau": (14.60, 0.005)}


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
    for interaction in LIMITS:
        parameters = [{"name": "mediator_mass_MeV", "values": MASSES}, axis("coupling", 6001, 1e-7, 0.1, scale="log")]
        scan(scan_of(folder, ["xenonnt_8b"], interaction, parameters, interaction), folder / f"{interaction}.h5")
        chi2, _, _, axes = fields(folder / f"{interaction}.h5")
        found[interaction] = axes["coupling"], chi2 - chi2.min(axis=1, keepdims=True)
    return found


@pytest.mark.parametrize("interaction", LIMITS)
@pytest.mark.parametrize("mass", MASSES)
@pytest.mark.parametrize("level", [2.71, 4.61])
def test_limits_of_xenonnt(curves, interaction, mass, level):
    g, delta = curves[interaction]
    edges = crossings(g, delta[MASSES.index(mass)], level)
    assert edges == pytest.approx(LIMITS[interaction][mass, level], rel=TOLERANCE)


@pytest.mark.parametrize("interaction", ["vector_universal"])
def test_no_band_in_pandax4t(tmp_path, interaction):
    """Where XENONnT leaves a band of strong couplings, the surrogate of PandaX-4T has one edge."""
    parameters = [{"name": "mediator_mass_MeV", "values": [10, 100]}, axis("coupling", 3001, 1e-7, 1e-2, scale="log")]
    scan(scan_of(tmp_path, ["pandax4t_us2_surrogate"], interaction, parameters, "scan"), tmp_path / "map.h5")
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


@pytest.mark.parametrize("parameter", SCALES)
def test_scales_of_pandax4t(scales, parameter):
    expected, tolerance = SCALES[parameter]
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


@pytest.mark.parametrize("scale, best, up, down", [(1, 5.15, 2.88, 2.56), (0.9, 5.73, 3.20, 2.85)])
def test_flux_from_xenonnt(tmp_path, scaled, scale, best, up, down):
    parameters = [axis("flux_b8", 4001, 1e6, 1.2e7)]
    path = scan_of(tmp_path, [scaled[scale]], "nsi", [*parameters, {"name": "recoil_term", "value": 1}], "flux", without_pulls=["flux_b8"])
    found = scan(path, tmp_path / "map.h5")["best_fit"]["flux_b8"] / 1e6
    _, delta, _, axes = fields(tmp_path / "map.h5")
    low, high = crossings(axes["flux_b8"], delta, 1) / 1e6
    assert [found, high - found, found - low] == pytest.approx([best, up, down], abs=0.02)


@pytest.mark.parametrize("scale, best, up, down", [(1, 0.229, 0.088, 0.099), (0.9, 0.247, 0.093, 0.104)])
def test_weak_mixing_angle_from_xenonnt(tmp_path, scaled, scale, best, up, down):
    parameters = [axis("sin2_theta_w", 3001, 0, 0.6), {"name": "recoil_term", "value": 1}]
    found = scan(scan_of(tmp_path, [scaled[scale]], "nsi", parameters, "angle"), tmp_path / "map.h5")["best_fit"]["sin2_theta_w"]
    _, delta, _, axes = fields(tmp_path / "map.h5")
    low, high = crossings(axes["sin2_theta_w"], delta, 1)
    assert [found, high - found, found - low] == pytest.approx([best, up, down], abs=1e-3)


def test_best_fit_of_a_map_over_masses(curves, tmp_path):
    """Delta chi2 of the whole map counts from the lowest of all masses."""
    path = scan_of(tmp_path, ["xenonnt_8b"], "vector_universal",
                   [{"name": "mediator_mass_MeV", "values": MASSES}, axis("coupling", 301, 1e-7, 0.1, scale="log")], "all")
    summary = scan(path, tmp_path / "map.h5")
    chi2, delta, _, axes = fields(tmp_path / "map.h5")
    assert summary["best_fit_chi2"] <= chi2.min() + 1e-9 and summary["best_fit"]["mediator_mass_MeV"] in MASSES
    assert delta == pytest.approx(chi2 - summary["best_fit_chi2"], abs=1e-9)
    with h5py.File(tmp_path / "map.h5") as h5:
        assert h5["mediator_mass_MeV"].shape == (3,)
