# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared by all tests: analysis/ can be imported, the marker `slow`, and an environment in which nothing of the user's leaks into the runs."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "analysis"))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: too long under the sanitizers (deselect with -m 'not slow')")


@pytest.fixture(autouse=True, scope="session")
def clean_environment():
    for name in ("CEVSCAN_PATH", "CEVSCAN_DEBUG", "OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK", "HWLOC_COMPONENTS"):
        os.environ.pop(name, None)
    os.environ["HWLOC_HIDE_ERRORS"] = "2"  # mpirun's own words about machines without /sys; cevscan sets it itself
    # Scripts take the python3 of the PATH; here that is the one that runs the tests, which has what they need.
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    # mpirun refuses to start as root otherwise; tests only.
    os.environ["OMPI_ALLOW_RUN_AS_ROOT"] = os.environ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
