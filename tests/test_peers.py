# SPDX-License-Identifier: GPL-3.0-or-later
"""Other minimisers find the chi2 that cevscan finds. How fast they are is measured by `make bench-peers`, not here."""
import subprocess
import sys

import numpy as np
import pytest

from e2e import REPO

sys.path.insert(0, str(REPO / "tests" / "peers"))
import compare  # noqa: E402
from problem import detectors, grid  # noqa: E402

N = 9  # points along each axis


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    return detectors(), grid(N)[2], compare.map_chi2(tmp_path_factory.mktemp("map"), N)


def test_numpy_newton(points):
    found, coefficients, expected = points
    assert compare.disagreement(compare.newton.chi2(found, coefficients), expected) < 1e-8


def test_iminuit(points):
    pytest.importorskip("iminuit")
    found, coefficients, expected = points
    assert compare.disagreement(compare.minuit.chi2(found, coefficients), expected) < 1e-6


def test_gsl(points, tmp_path, monkeypatch):
    found, coefficients, expected = points
    program = tmp_path / "gsl_bfgs"
    libraries = subprocess.run(["pkg-config", "--cflags", "--libs", "gsl"], capture_output=True, text=True).stdout.split()
    subprocess.run(["gcc", "-O2", REPO / "tests" / "peers" / "gsl_bfgs.c", *libraries, "-lm", "-o", program], check=True)
    monkeypatch.setattr(compare, "GSL", program)
    assert compare.disagreement(compare.gsl(found, coefficients)[1], expected) < 1e-6


def test_a_wrong_number_would_be_seen(points):
    found, coefficients, expected = points
    found[1].background[3] += 1
    chi2 = compare.newton.chi2(found, coefficients)
    found[1].background[3] -= 1
    assert compare.disagreement(chi2, expected) > 1e-6
    assert np.isfinite(chi2).all()
