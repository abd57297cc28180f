# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the C unit tests: every test of tests/unit/*.c is a test here.

The programs are in $CEVSCAN_BUILD/tests (default: build/tests), made by `make unit`; one that is missing is a failure.
"""
import functools
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAMS = pathlib.Path(os.environ.get("CEVSCAN_BUILD", ROOT / "build")) / "tests"
SOURCES = sorted((ROOT / "tests" / "unit").glob("*.c"))
SECONDS = 300  # far more than any program needs, sanitizers included


def registered_in(source):
    """Names of the tests that a source registers."""
    return re.findall(r"cmocka_unit_test\w*\((\w+)", source.read_text())


@functools.cache
def outcome(name):
    """Runs a program: its exit status, {test: passed}, and what it printed beside the names of what passed."""
    program = PROGRAMS / name
    if not program.exists():
        pytest.fail(f"{program} is missing: make unit", pytrace=False)
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP", CEVSCAN_PATH=str(ROOT / "configs"))
    run = subprocess.run([program], cwd=ROOT, env=environment, capture_output=True, text=True, errors="replace",
                         timeout=SECONDS)
    passed = {m[2]: m[1] == "ok" for m in re.finditer(r"^(ok|not ok) \d+ - (\w+)", run.stdout, re.M)}
    output = "".join(line for line in (run.stdout + run.stderr).splitlines(True) if not line.startswith("ok "))
    return run.returncode, passed, output


@pytest.mark.parametrize("name, test", [(s.stem, t) for s in SOURCES for t in registered_in(s)])
def test_unit(name, test):
    _, passed, output = outcome(name)
    if not passed.get(test):
        pytest.fail(f"{name}: {test} {'failed' if test in passed else 'did not end'}\n{output}", pytrace=False)


@pytest.mark.parametrize("name", [s.stem for s in SOURCES])
def test_program(name):
    """Ran all its tests and left in good order (no crash, no leak)."""
    status, passed, output = outcome(name)
    registered = registered_in(ROOT / "tests" / "unit" / f"{name}.c")
    assert registered and set(passed) == set(registered), output
    if status != sum(not ok for ok in passed.values()):
        pytest.fail(f"{name} ended with status {status}\n{output}", pytrace=False)


def test_there_are_tests():
    assert SOURCES
