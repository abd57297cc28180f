# SPDX-License-Identifier: GPL-3.0-or-later
"""A role that says the same in other words gives the same bits; what is profiled is never above what is scanned."""
import h5py
import numpy as np
import pytest

from e2e import run

EE = "eps_ee_uV, min: -0.3, max: 0.5, points: 9"
MUMU = "eps_mumu_uV, min: -0.3, max: 0.5, points: 9"


def chi2(folder, *entries, code=0):
    """Of CsI and Si under these parameters."""
    (folder / "scan.yaml").write_text("scan: test\nexperiments: [ess_csi, ess_si]\ninteraction: nsi\nparameters:\n" +
                                      "".join(f"  - {{name: {e}}}\n" for e in entries))
    (folder / "map.h5").unlink(missing_ok=True)
    run("run", folder / "scan.yaml", "-o", folder / "map.h5", "-q", code=code)
    with h5py.File(folder / "map.h5") as file:
        return file["chi2"][()]


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    return chi2(tmp_path_factory.mktemp("plane"), EE, MUMU)


@pytest.mark.parametrize("entries", [[EE, "eps_mumu_uV, equals: eps_ee_uV"], [EE, 'eps_mumu_uV, formula: "eps_ee_uV"'],
                                     ["a, min: -0.3, max: 0.5, points: 9", 'eps_ee_uV, formula: "a"', "eps_mumu_uV, equals: eps_ee_uV"]],
                         ids=["tied", "formula", "one's own"])
def test_what_follows_is_the_diagonal_of_the_plane(tmp_path, plane, entries):
    assert np.array_equal(chi2(tmp_path, *entries), np.diag(plane))


def test_points_where_a_formula_has_no_value_are_invalid(tmp_path, plane):
    values = chi2(tmp_path, EE, 'eps_mumu_uV, formula: "sqrt(eps_ee_uV)^2/sqrt(eps_ee_uV)"', code=3)
    assert np.isnan(values[:4]).all() and np.isfinite(values[4:]).all()


def test_a_slow_parameter_follows_an_axis(tmp_path):
    radius = "min: 4, max: 6, points: 3"
    assert np.array_equal(chi2(tmp_path, f"a, {radius}", 'neutron_radius_fm, formula: "a"', EE),
                          chi2(tmp_path, f"neutron_radius_fm, {radius}", EE))


def test_profiling_is_never_above_scanning(tmp_path, plane):
    profiled = chi2(tmp_path, EE, "eps_mumu_uV, profile: [-0.3, 0.5]")
    through = chi2(tmp_path, EE, "b, profile: [-0.3, 0.5]", 'eps_mumu_uV, formula: "b"')
    assert (profiled <= plane.min(axis=1) + 1e-8).all() and np.allclose(profiled, through, rtol=0, atol=1e-8)


def test_a_number_on_an_axis_has_the_file_s_value_where_it_is_that(tmp_path):
    there = chi2(tmp_path, "ess_csi.response.acceptance, min: 0.7, max: 0.9, points: 3", EE)
    assert np.allclose(there[1], chi2(tmp_path, EE), rtol=0, atol=1e-8)
