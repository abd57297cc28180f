# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiled parameters that change the shapes of spectra: numbers of experiments, the neutrons' radius, a mediator's mass. What their profile
must be is the least along a fine axis over them."""
import h5py
import numpy as np
import pytest

from e2e import BAD_INPUT, axis, run, scan, write_experiment, write_scan

COUPLING = axis("eps_ee_uV", 4)


def chi2(folder, name, experiments, parameters, **more):
    scan_file = write_scan(folder, experiments, parameters, name=f"{name}.yaml", **more)
    scan(scan_file, folder / f"{name}.h5", "--threads", 1)
    with h5py.File(folder / f"{name}.h5") as h5:
        return h5["chi2"][...]


def least(folder, experiments, parameters, slow, low, high, penalty=lambda x: 0.0, **more):
    """Least along an axis of 81 values, as the parabola through the lowest three has it."""
    x = np.linspace(low, high, 81)
    fine = chi2(folder, "fine", experiments, [*parameters, axis(slow, 81, low, high)], **more) + penalty(x)
    edge = (fine.argmin(-1) == 0) | (fine.argmin(-1) == 80)
    k = np.clip(fine.argmin(-1), 1, 79)[..., None]
    left, middle, right = (np.take_along_axis(fine, k + d, -1)[..., 0] for d in (-1, 0, 1))
    bent = left - 2 * middle + right
    shift = np.clip(0.5 * (left - right) / np.where(bent > 0, bent, 1), -1, 1)
    return np.where(edge, fine.min(-1), middle + 0.5 * shift * (right - left) + 0.5 * shift ** 2 * bent), fine.min(-1)


def assert_least(profiled, expected, on_axis, tolerance, relative=1e-6):
    """Never above a value of the axis, and as low as the axis says."""
    assert np.all(profiled <= on_axis + 1e-7 * np.maximum(1, on_axis))
    assert profiled == pytest.approx(expected, abs=tolerance, rel=relative)


@pytest.fixture
def toy(tmp_path):
    return [str(write_experiment(tmp_path))]


def test_quenching(tmp_path):
    number, experiments = "coherent_csi.quenching.c1", ["coherent_csi"]
    profiled = chi2(tmp_path, "profiled", experiments, [COUPLING, {"name": number, "profile": [0.05, 0.06]}], data="observed")
    fixed = chi2(tmp_path, "fixed", experiments, [COUPLING], data="observed")
    assert np.all(profiled <= fixed + 1e-9) and np.any(profiled < fixed - 0.1)
    assert_least(profiled, *least(tmp_path, experiments, [COUPLING], number, 0.05, 0.06, data="observed"), 2e-5)


def test_radius_with_a_constraint(tmp_path, toy):
    profiled = chi2(tmp_path, "profiled", toy, [COUPLING, {"name": "neutron_radius_fm", "profile": [2.5, 4.5], "centre": 3.6, "sigma": 0.3}])
    expected = least(tmp_path, toy, [COUPLING], "neutron_radius_fm", 2.5, 4.5, lambda r: ((r - 3.6) / 0.3) ** 2)
    assert_least(profiled, *expected, 2e-4)


def test_radius_beside_a_coupling(tmp_path, toy):
    """Two profiled, one of which is slow: the least over the other's profiles on an axis."""
    coupling = {"name": "eps_mumu_uV", "profile": [-1, 1]}
    profiled = chi2(tmp_path, "profiled", toy, [COUPLING, coupling, {"name": "neutron_radius_fm", "profile": [2.5, 4.5]}])
    assert_least(profiled, *least(tmp_path, toy, [COUPLING, coupling], "neutron_radius_fm", 2.5, 4.5), 2e-4)


def test_mass_of_a_mediator(tmp_path, toy):
    coupling, mass = axis("coupling", 4, 2e-5, 2e-4), "mediator_mass_MeV"
    profiled = chi2(tmp_path, "profiled", toy, [coupling, {"name": mass, "profile": [20, 60]}], interaction="vector_universal")
    expected = least(tmp_path, toy, [coupling], mass, 20, 60, interaction="vector_universal")
    assert_least(profiled, *expected, 2e-3, 1e-5)  # what the parabola misses: the axis is coarse beside a dip this deep


def test_a_constraint_is_a_pull(tmp_path):
    """A number in which counts are linear: its profile with a constraint is a pull of the signal."""
    source = {"name": "pion_decay_at_rest", "protons_per_year": 2.8e23, "years": 3, "neutrinos_per_proton": 0.3, "distance_m": 20}
    number = {"name": "source.neutrinos_per_proton", "profile": [0.21, 0.41], "centre": 0.3, "sigma": 0.03}
    background = {"name": "toy.background", "sigma": 0.05, "scales": ["flat"]}
    alone = [str(write_experiment(tmp_path, "toy", source=source, pulls=[background]))]
    profiled = chi2(tmp_path, "profiled", alone, [axis("eps_ee_uV", 5, -0.02, 0.06), number])
    pulled = [str(write_experiment(tmp_path, "toy", source=source, pulls=[background, {"name": "beam", "sigma": 0.1, "scales": ["signal"]}]))]
    assert profiled == pytest.approx(chi2(tmp_path, "pulled", pulled, [axis("eps_ee_uV", 5, -0.02, 0.06)]), abs=2e-9, rel=1e-9)


def test_numbers_of_two_experiments(tmp_path):
    """Each its own: apart, they add up."""
    experiments = [str(write_experiment(tmp_path, name)) for name in ("left", "right")]
    numbers = [{"name": f"{name}.response.sigma_at_threshold_keV", "profile": [0.2, 0.4]} for name in ("left", "right")]
    both = chi2(tmp_path, "both", experiments, [COUPLING, *numbers])
    apart = [chi2(tmp_path, f"of{k}", experiments[k:k + 1], [COUPLING, numbers[k]]) for k in (0, 1)]
    assert both == pytest.approx(sum(apart), abs=1e-6)


def test_one_content_for_any_number_of_threads(tmp_path, toy):
    parameters = [COUPLING, axis("eps_ee_dV", 4), {"name": "neutron_radius_fm", "profile": [2.5, 4.5]}]
    scan_file = write_scan(tmp_path, toy, parameters, tile=[2, 2])
    hashes = [scan(scan_file, tmp_path / f"{n}.h5", "--threads", n, ranks=ranks)["content_hash"] for n, ranks in ((1, None), (3, None), (1, 2))]
    assert len(set(hashes)) == 1


def test_too_much_to_interpolate(tmp_path):
    parameters = [axis("coupling", 3, 2e-5, 2e-4), {"name": "mediator_mass_MeV", "profile": [5, 300]}, {"name": "neutron_radius_fm", "profile": [4, 7]}]
    scan_file = write_scan(tmp_path, ["ess_csi", "ess_xe", "ess_ge", "ess_si"], parameters, interaction="vector")
    message = run("run", scan_file, "-o", tmp_path / "map.h5", code=BAD_INPUT).stderr
    assert "mediator_mass_MeV" in message and "narrower" in message


def test_a_formula_linear_in_what_is_profiled(tmp_path):
    """At one value of the axis that the formula reads, it is a tie."""
    more = [{"name": "eps_mumu_uV", "profile": [-1, 1]}]
    formula = {"name": "eps_ee_dV", "formula": "eps*(2*cos(pi*eta/180) - sin(pi*eta/180))"}
    coupling = axis("eps_ee_uV", 3)
    plane = [coupling, axis("eta", 3, -90, 90, unit="deg"), {"name": "eps", "profile": [-1, 1]}, formula]
    whole = chi2(tmp_path, "formula", ["ess_csi", "ess_si"], [*plane, *more])
    for k, times in enumerate((1, 2, -1)):
        tied = [coupling, {"name": "eps", "profile": [-1, 1]}, {"name": "eps_ee_dV", "equals": "eps", "times": times}]
        assert whole[:, k] == pytest.approx(chi2(tmp_path, f"tied{k}", ["ess_csi", "ess_si"], [*tied, *more]), abs=1e-7)
