# SPDX-License-Identifier: GPL-3.0-or-later
"""Table I of arXiv:2409.04703, lower bounds on the scales of single Wilson coefficients from COHERENT CsI[Na], out of `cevscan run`
and analysis/intervals.py; and its figure's cuts with the axes of the (eps_ee_uV, eps_ee_dV) plane."""
import json
import subprocess
import sys

import numpy as np
import pytest

from e2e import CONFIGS, REPO, run, write_scan

INTERVALS = REPO / "analysis" / "intervals.py"
DELTA = 2.706  # 90 %, one parameter

# GeV: as printed, and as another program calculated them with the data as in the paper and with those that are the default here.
BOUNDS = {"lambda_C1_u_e": (390, 388.6, 378.0), "lambda_C1_u_mu": (395, 393.4, 386.5),
          "lambda_C1_d_e": (407, 406.1, 396.8), "lambda_C1_d_mu": (414, 409.7, 405.7),
          "lambda_C2_u_e": (44.7, 44.0, 37.0), "lambda_C2_u_mu": (68.4, 50.0, 43.7),
          "lambda_C2_d_e": (26.4, 26.5, 22.3), "lambda_C2_d_mu": (40.9, 30.1, 26.3)}
DATA = {"coherent_lambda_paper": 1, "coherent_lambda": 2}  # scan -> column above
# The axial bounds of muon flavours as printed need 5.5 times the electron's rate; flux and kinematics give 2.15.
NOT_REPRODUCED = {"lambda_C2_u_mu", "lambda_C2_d_mu"}
TOLERANCE = 0.002             # and half a unit of the last digit given
PUBLISHED_TOLERANCE = {"C1": 0.011, "C2": 0.015}  # data and variance are not defined in print


def table(path):
    """Rows of intervals.py by parameter."""
    command = [sys.executable, str(INTERVALS), str(path), "--delta", str(DELTA), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    return {row["parameter"]: row for row in (rows if isinstance(rows, list) else [rows])}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scales")
    for scan in DATA:
        run("run", CONFIGS / "scans" / f"{scan}.yaml", "-o", folder / f"{scan}.h5", "-q")
    return {scan: table(folder / f"{scan}.h5") for scan in DATA}


@pytest.mark.parametrize("parameter", BOUNDS)
@pytest.mark.parametrize("scan", DATA)
def test_bounds_of_an_independent_calculation(tables, scan, parameter):
    expected = BOUNDS[parameter][DATA[scan]]
    row = tables[scan][parameter]
    assert row["units"] == "GeV"
    assert row["lower_bound"] == pytest.approx(expected, rel=TOLERANCE, abs=0.05)


@pytest.mark.parametrize("parameter", BOUNDS)
def test_published_bounds(tables, parameter):
    printed, found = BOUNDS[parameter][0], tables["coherent_lambda_paper"][parameter]["lower_bound"]
    if parameter in NOT_REPRODUCED:  # if it came to agree, the exception would have to go
        assert printed > 1.3 * found
    else:
        assert found == pytest.approx(printed, rel=PUBLISHED_TOLERANCE[parameter[7:9]])


def test_every_interval_is_kept(tables):
    """Both signs reach infinity, and the vector bounds are far edges of a second well of negative coefficients."""
    for scan in DATA:
        for parameter, row in tables[scan].items():
            first, *_, last = row["intervals"]
            assert (first[0], last[1]) == (-10000, 10000) and row["touches_edge"] == [True, True]
            assert row["lower_bound"] == min(abs(x) for pair in row["intervals"] for x in pair)
            assert all(low * high > 0 for low, high in row["intervals"])
            if parameter.startswith("lambda_C1"):
                assert -row["lower_bound"] in np.ravel(row["intervals"]) and last[0] > 1100
    assert len(tables["coherent_lambda_paper"]["lambda_C1_u_e"]["intervals"]) == 3
    assert len(tables["coherent_lambda"]["lambda_C1_u_e"]["intervals"]) == 2  # the wells of electrons are not separate


@pytest.mark.parametrize("experiment, parameter, expected", [
    ("coherent_csi_paper", "eps_ee_uV", [[-0.042, 0.154], [0.232, 0.417]]),
    ("coherent_csi_paper", "eps_ee_dV", [[-0.038, 0.139], [0.209, 0.381]]),
    ("coherent_csi", "eps_ee_uV", [[-0.070, 0.450]]), ("coherent_csi", "eps_ee_dV", [[-0.063, 0.408]])])
def test_cuts_of_the_plane(tmp_path, experiment, parameter, expected):
    """Delta chi2 <= 4.605, two parameters, from the minimum over the plane."""
    names = ["eps_ee_uV", "eps_ee_dV"]
    lines = [{"name": n, "min": -1.5, "max": 1.5, "points": 301} for n in names]
    fixed = [{"name": "sin2_theta_w", "value": 0.2312}, {"name": "recoil_term", "value": 1}]
    run("run", write_scan(tmp_path, [experiment], lines + fixed, data="observed"), "-o", tmp_path / "m.h5", "-q")
    sys.path.insert(0, str(REPO / "analysis"))
    from cevscan_analysis import allowed_intervals, open_map
    m = open_map(str(tmp_path / "m.h5"))
    k, other = names.index(parameter), 1 - names.index(parameter)
    cut = np.take(m.delta_chi2, 150, axis=other)
    assert m.axes[other].values[150] == 0
    found = allowed_intervals(m.axes[k], cut, 4.605).intervals
    assert np.shape(found) == np.shape(expected)
    assert np.array(found) == pytest.approx(np.array(expected), abs=0.0025)
