# SPDX-License-Identifier: GPL-3.0-or-later
"""Table I of arXiv:2409.04703, lower bounds on the scales of single Wilson coefficients from COHERENT CsI[Na], out of `cevscan run`
and analysis/intervals.py; and its figure's cuts with the axes of the (eps_ee_uV, eps_ee_dV) plane."""
import json
import subprocess
import sys

import numpy as np
import pytest

from cevscan_analysis import allowed_intervals, open_map
from cevscan_analysis.papers.numbers import (COHERENT_BOUNDS, COHERENT_CUTS, COHERENT_DATA, COHERENT_DELTA, COHERENT_EXCEPTIONS,
                                             COHERENT_TOLERANCE, CUT_TOLERANCE)
from cevscan_analysis.papers.eft import coherent_events
from cevscan_analysis.papers.workshop import Workshop
from e2e import BIN, CONFIGS, REPO, run, write_scan

INTERVALS = REPO / "analysis" / "intervals.py"
TOLERANCE = 0.002             # and half a unit of the last digit given


def table(path):
    """Rows of intervals.py by parameter."""
    command = [sys.executable, str(INTERVALS), str(path), "--delta", str(COHERENT_DELTA), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    return {row["parameter"]: row for row in (rows if isinstance(rows, list) else [rows])}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scales")
    for scan in COHERENT_DATA:
        run("run", CONFIGS / "scans" / f"{scan}.yaml", "-o", folder / f"{scan}.h5", "-q")
    return {scan: table(folder / f"{scan}.h5") for scan in COHERENT_DATA}


@pytest.mark.parametrize("parameter", COHERENT_BOUNDS)
@pytest.mark.parametrize("scan", COHERENT_DATA)
def test_bounds_of_an_independent_calculation(tables, scan, parameter):
    expected = COHERENT_BOUNDS[parameter][COHERENT_DATA[scan]]
    row = tables[scan][parameter]
    assert row["units"] == "GeV"
    assert row["lower_bound"] == pytest.approx(expected, rel=TOLERANCE, abs=0.05)


@pytest.mark.parametrize("parameter", COHERENT_BOUNDS)
def test_published_bounds(tables, parameter):
    printed, found = COHERENT_BOUNDS[parameter][0], tables["coherent_lambda_paper"][parameter]["lower_bound"]
    if parameter in COHERENT_EXCEPTIONS:  # if it came to agree, the exception would have to go
        assert printed > 1.3 * found
    else:
        assert found == pytest.approx(printed, rel=COHERENT_TOLERANCE[parameter[7:9]])


def test_every_interval_is_kept(tables):
    """Both signs reach infinity, and the vector bounds are far edges of a second well of negative coefficients."""
    for scan in COHERENT_DATA:
        for parameter, row in tables[scan].items():
            first, *_, last = row["intervals"]
            assert (first[0], last[1]) == (-10000, 10000) and row["touches_edge"] == [True, True]
            assert row["lower_bound"] == min(abs(x) for pair in row["intervals"] for x in pair)
            assert all(low * high > 0 for low, high in row["intervals"])
            if parameter.startswith("lambda_C1"):
                assert -row["lower_bound"] in np.ravel(row["intervals"]) and last[0] > 1100
    assert len(tables["coherent_lambda_paper"]["lambda_C1_u_e"]["intervals"]) == 3
    assert len(tables["coherent_lambda"]["lambda_C1_u_e"]["intervals"]) == 2  # the wells of electrons are not separate


@pytest.mark.parametrize("experiment, parameter", COHERENT_CUTS)
def test_cuts_of_the_plane(tmp_path, experiment, parameter):
    """Delta chi2 <= 4.605, two parameters, from the minimum over the plane."""
    names = ["eps_ee_uV", "eps_ee_dV"]
    lines = [{"name": n, "min": -1.5, "max": 1.5, "points": 301} for n in names]
    fixed = [{"name": "sin2_theta_w", "value": 0.2312}, {"name": "recoil_term", "value": 1}]
    run("run", write_scan(tmp_path, [experiment], lines + fixed, data="observed"), "-o", tmp_path / "m.h5", "-q")
    m = open_map(str(tmp_path / "m.h5"))
    k, other = names.index(parameter), 1 - names.index(parameter)
    cut = np.take(m.delta_chi2, 150, axis=other)
    assert m.axes[other].values[150] == 0
    found = allowed_intervals(m.axes[k], cut, 4.605).intervals
    expected = COHERENT_CUTS[experiment, parameter]
    assert np.shape(found) == np.shape(expected)
    assert np.array(found) == pytest.approx(np.array(expected), abs=CUT_TOLERANCE)


def test_events_of_the_shell_model(tmp_path):
    """Figure 1 of arXiv:2409.04703: in each bin of photoelectrons, and of each flavour."""
    rows = coherent_events(Workshop(str(tmp_path), str(BIN)))
    assert len(rows) == 4 and [row for row in rows if not row.agrees] == []
