# SPDX-License-Identifier: GPL-3.0-or-later
"""What `cevscan point` says of a scan's fit is what the map has at that point, constraints from elsewhere included."""
import math

import h5py
import pytest

from e2e import axis, experiment, fields, run, run_json, scan, write_scan

OBSERVED = {"observed": [470, 1160, 1300]}
EE = axis("eps_ee_uV", 5, -0.1, 0.15)
FOLLOWERS = [{"name": "slope", "value": 0.5}, {"name": "eps_mumu_uV", "formula": "slope*eps_ee_uV", "centre": 0.2, "sigma": 0.1}]
SCANS = {
    "axis": [{**EE, "centre": 0.1, "sigma": 0.05}],
    "follower": [EE, *FOLLOWERS],
    "axis and follower": [{**EE, "centre": 0.1, "sigma": 0.05}, *FOLLOWERS],
    "axis beside a profiled parameter": [{**EE, "centre": 0.1, "sigma": 0.05}, {"name": "eps_mumu_uV", "profile": [-0.3, 0.3]}],
    "all": [{**EE, "centre": 0.1, "sigma": 0.05}, *FOLLOWERS, {"name": "eps_ee_dV", "profile": [-0.3, 0.3], "centre": 0, "sigma": 0.2}],
}


@pytest.mark.parametrize("data", ["asimov", "observed"])
@pytest.mark.parametrize("parameters", SCANS.values(), ids=SCANS)
def test_a_point_is_that_of_the_map(tmp_path, parameters, data):
    path = write_scan(tmp_path, [experiment(**OBSERVED)], parameters, data=data)
    scan(path, tmp_path / "map.h5")
    chi2, delta, _, axes = fields(tmp_path / "map.h5")
    for k in (0, 3):
        point = run_json("point", path, "--set", f"eps_ee_uV={float(axes['eps_ee_uV'][k])!r}", "--json")
        assert point["chi2"] == pytest.approx(chi2[k], abs=1e-8)
        assert point["delta_chi2"] == pytest.approx(delta[k], abs=1e-7)
        parts = [of["chi2"] for of in (*point["experiments"].values(), *point["constraints"].values())]
        assert point["chi2"] == pytest.approx(sum(parts) + point["penalty"], abs=1e-8)


def test_the_fit_is_judged_by_its_degrees_of_freedom(tmp_path):
    """Three bins and a profiled coupling: two degrees of freedom, where the p-value is exp(-chi2/2). A constraint is a datum, too."""
    coupling = {"name": "eps_mumu_uV", "profile": [-0.3, 0.3]}
    known = {"name": "eps_ee_dV", "profile": [-0.3, 0.3], "centre": 0, "sigma": 0.1}
    for parameters in ([EE, coupling], [EE, coupling, known]):
        path = write_scan(tmp_path, [experiment(**OBSERVED)], parameters, data="observed")
        point = run_json("point", path, "--json")
        assert point["fit"]["degrees_of_freedom"] == 2
        assert point["fit"]["p_value"] == pytest.approx(math.exp(-point["chi2"] / 2), rel=1e-9)
        assert "3 bins, 1 free parameter (1 profiled); 2 degrees of freedom, p-value" in run("point", path).stdout
    assert run_json("run", path, "-o", tmp_path / "map.h5", "--json")["fit"]["degrees_of_freedom"] == 1
    assert "p_value" not in run_json("point", path, "--data", "asimov", "--json")["fit"]


def test_own_parameters_and_followers_are_shown(tmp_path):
    path = write_scan(tmp_path, [experiment(**OBSERVED)], [EE, axis("slope", 3), FOLLOWERS[1]], data="asimov")
    text = run("point", path, "--set", "eps_ee_uV=0.1").stdout
    assert "nothing sets it: see --set" in text and "= slope*eps_ee_uV" in text
    assert "data asimov at the standard model" in text
    text = run("point", path, "--set", "eps_ee_uV=0.1", "--set", "slope=0.5").stdout
    assert "nothing sets it" not in text
    point = run_json("point", path, "--set", "eps_ee_uV=0.1", "--set", "slope=0.5", "--json")
    assert point["followers"] == {"eps_mumu_uV": {"value": pytest.approx(0.05), "rule": "slope*eps_ee_uV"}}


def test_what_is_proven_near_the_best_fit_is_said_and_is_what_the_map_has(tmp_path):
    path = write_scan(tmp_path, [experiment(**OBSERVED)], SCANS["axis beside a profiled parameter"], data="observed", tile=[2])
    (of,) = scan(path, tmp_path / "map.h5", ranks=2)["profiled"]
    with h5py.File(tmp_path / "map.h5") as h5:
        near = h5["delta_chi2"][...] < 9.21
        assert (of["near"], of["near_proven"]) == (near.sum(), (near & (h5["flags"][...] & 1 > 0)).sum())
    text = run("run", path, "-o", tmp_path / "again.h5").stdout
    assert f"of the {of['near']} points with delta_chi2 below 9.21 (99 % of two parameters), {of['near_proven']} are proven" in text
