# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

import killing


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes minutes, or watches for seconds")


@pytest.fixture(autouse=True)
def everything_ends():
    """Whatever a test left running ends with it."""
    yield
    killing.end_all_jobs()
