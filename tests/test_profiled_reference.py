# SPDX-License-Identifier: GPL-3.0-or-later
"""Planes with profiled couplings beside a minimiser that knows nothing of couplings: never above it."""
import subprocess
import sys

import pytest

from e2e import REPO

sys.path.insert(0, str(REPO / "tests" / "peers"))
import profiled_planes  # noqa: E402

SIZE, POINTS, STARTS = 17, 12, 32


@pytest.fixture(scope="module", autouse=True)
def reference():
    subprocess.run(["make", "-s", "-C", REPO, profiled_planes.REFERENCE.relative_to(REPO)], check=True, stdin=subprocess.DEVNULL)


@pytest.mark.slow
@pytest.mark.parametrize("plane", profiled_planes.PLANES)
@pytest.mark.parametrize("combination, n_profiled", [("CsI", 2), ("CsI+Si", 1), ("CsI+Si", 4), ("CsI+Si", 8), ("four", 2), ("six", 2),
                                                     ("coherent_csi", 1), ("coherent_csi", 4)])
def test_no_point_is_above_the_reference(tmp_path, combination, plane, n_profiled):
    excess, proven = profiled_planes.compare(tmp_path, combination, plane, n_profiled, SIZE, POINTS, STARTS, seed=7)
    assert excess.max() <= profiled_planes.TOLERANCE
    assert proven.any() or combination == "coherent_csi"
