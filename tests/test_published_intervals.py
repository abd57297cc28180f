# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables III and V of arXiv:2208.11771 out of `cevscan run` and analysis/intervals.py.

An edge agrees if it lies within 0.003 plus half a unit of the last printed digit. Where the calculation is known to give
something else, the published edges stand beside what it gives and why, in cevscan_analysis/papers/numbers.py."""
import json
import subprocess
import sys

import pytest

from cevscan_analysis.papers.numbers import INTERVAL_DELTAS, INTERVAL_EXCEPTIONS, INTERVALS as PUBLISHED, edges_of
from e2e import REPO, run, write_scan

COMMAND = REPO / "analysis" / "intervals.py"
@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Each scan is run once, when it is first asked for."""
    folder, made = tmp_path_factory.mktemp("maps"), {}

    def make(experiments, parameter):
        if (experiments, parameter) not in made:
            name = f"{experiments}_{parameter}".replace(",", "_")
            axis = {"name": parameter, "min": -0.2, "max": 0.6, "points": 1601}
            scan = write_scan(folder, experiments.split(","), [axis], name=f"{name}.yaml")
            run("run", scan, "-o", folder / f"{name}.h5", "-q")
            made[experiments, parameter] = folder / f"{name}.h5"
        return made[experiments, parameter]

    return make


def intervals(path, delta):
    command = [sys.executable, str(COMMAND), str(path), "--delta", str(delta), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def comparison(expected, edges, reason):
    lines = [f"{'expected':>10} {'tolerance':>10} {'found':>10} {'off by':>10}   {reason}"]
    for k in range(max(len(expected), len(edges))):
        value, tolerance = expected[k] if k < len(expected) else (float("nan"),) * 2
        found = edges[k] if k < len(edges) else float("nan")
        mark = "" if abs(found - value) <= tolerance else "  <---"
        lines.append(f"{value:10.4f} {tolerance:10.4f} {found:10.4f} {found - value:+10.4f}{mark}")
    return "\n".join(lines)


ROWS = [(experiments, parameter, level, printed)
        for (experiments, parameter), levels in PUBLISHED.items()
        for level, printed in zip(INTERVAL_DELTAS, levels) if printed]


@pytest.mark.parametrize("experiments, parameter, level, printed", ROWS, ids=lambda x: str(x).replace("[", "").replace("]", ""))
def test_published_interval(maps, experiments, parameter, level, printed):
    given, reason = INTERVAL_EXCEPTIONS.get((experiments, parameter, level), (printed, "as printed"))
    result = intervals(maps(experiments, parameter), INTERVAL_DELTAS[level])
    assert result["parameter"] == parameter and result["delta_chi2"] == INTERVAL_DELTAS[level]
    assert abs(result["best_fit"]) < 0.002
    expected, edges = edges_of(given), [edge for interval in result["intervals"] for edge in interval]
    table = comparison(expected, edges, reason)
    assert len(edges) == len(expected), "\n" + table
    assert all(abs(found - value) <= tolerance for found, (value, tolerance) in zip(edges, expected)), "\n" + table


@pytest.mark.parametrize("key", INTERVAL_EXCEPTIONS, ids=" ".join)
def test_exceptions_are_exceptions(maps, key):
    """If the calculation came to agree with print, the exception would have to go."""
    experiments, parameter, level = key
    printed = PUBLISHED[experiments, parameter][list(INTERVAL_DELTAS).index(level)]
    edges = [edge for interval in intervals(maps(experiments, parameter), INTERVAL_DELTAS[level])["intervals"] for edge in interval]
    expected = edges_of(printed)
    agree = len(edges) == len(expected) and all(abs(f - v) <= t for f, (v, t) in zip(edges, expected))
    assert not agree
