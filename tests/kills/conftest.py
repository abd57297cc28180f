# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import pytest

import killing


HERE = Path(__file__).parent


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: a minute or so altogether; part of `make test`")
    config.addinivalue_line("markers", "long: given to all others of this folder; `make test-faults` runs them, too")
    config.addinivalue_line("markers", "slow: takes minutes, or watches for seconds")


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents and (item.get_closest_marker("slow") or not item.get_closest_marker("quick")):
            item.add_marker("long")


@pytest.fixture(autouse=True)
def everything_ends():
    """Whatever a test left running ends with it."""
    yield
    killing.end_all_jobs()
