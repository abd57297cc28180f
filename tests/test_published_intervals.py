# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables III and V of arXiv:2208.11771 out of `cevscan run` and analysis/intervals.py.

An edge agrees if it lies within 0.003 plus half a unit of the last printed digit. Where the calculation is known to give
something else, the published edges stand beside what it gives and why (EXCEPTIONS)."""
import json
import re
import subprocess
import sys

import pytest

from e2e import REPO, run, write_scan

INTERVALS = REPO / "analysis" / "intervals.py"
DELTAS = {"90 %": 2.71, "2 sigma": 4}  # one degree of freedom
TOLERANCE = 0.003

# (experiments, parameter): allowed intervals as printed, at 90 % and at 2 sigma.
PUBLISHED = {
    ("ess_csi", "eps_ee_uV"): ("[-0.055, 0.051] u [0.35, 0.45]", "[-0.067, 0.064] u [0.34, 0.47]"),
    ("ess_csi", "eps_mumu_uV"): ("[-0.027, 0.023] u [0.38, 0.43]", "[-0.034, 0.028] u [0.37, 0.43]"),
    ("ess_csi", "eps_ee_dV"): ("[-0.040, 0.047] u [0.31, 0.41]", "[-0.061, 0.057] u [0.30, 0.42]"),
    ("ess_csi", "eps_mumu_dV"): ("[-0.024, 0.020] u [0.34, 0.38]", "[-0.031, 0.024] u [0.33, 0.39]"),
    ("ess_si", "eps_ee_uV"): ("[-0.063, 0.080] u [0.24, 0.38]", "[-0.077, 0.109] u [0.21, 0.39]"),
    ("ess_si", "eps_mumu_uV"): ("[-0.032, 0.031] u [0.29, 0.35]", "[-0.039, 0.037] u [0.28, 0.36]"),
    ("ess_xe", "eps_ee_uV"): ("[-0.055, 0.052] u [0.35, 0.46]", "[-0.068, 0.063] u [0.34, 0.47]"),
    ("ess_xe", "eps_mumu_uV"): ("[-0.027, 0.023] u [0.38, 0.43]", "[-0.033, 0.026] u [0.38, 0.44]"),
    ("ess_ge", "eps_ee_uV"): ("[-0.054, 0.054] u [0.32, 0.42]", "[-0.066, 0.064] u [0.30, 0.44]"),
    ("ess_ge", "eps_mumu_uV"): ("[-0.026, 0.022] u [0.35, 0.40]", "[-0.032, 0.026] u [0.34, 0.40]"),
    ("ess_ar", "eps_ee_uV"): ("[-0.05, 0.047] u [0.32, 0.42]", "[-0.062, 0.058] u [0.31, 0.43]"),
    ("ess_ar", "eps_mumu_uV"): ("[-0.025, 0.021] u [0.34, 0.39]", "[-0.031, 0.024] u [0.34, 0.40]"),
    ("ess_csi,ess_si", "eps_ee_uV"): ("[-0.041, 0.042]", "[-0.05, 0.052] u [0.34, 0.39]"),
    ("ess_csi,ess_si", "eps_mumu_uV"): ("[-0.02, 0.016]", "[-0.025, 0.022]"),
    ("ess_csi,ess_si", "eps_ee_dV"): ("[-0.038, 0.039] u [0.31, 0.38]", "[-0.046, 0.047] u [0.30, 0.39]"),
    ("ess_csi,ess_si", "eps_mumu_dV"): ("[-0.018, 0.015]", "[-0.023, 0.02] u [0.34, 0.36]"),
    ("ess_c3f8", "eps_ee_uV"): ("[-0.046, 0.043] u [0.30, 0.39]", None),
}

# What the calculation gives instead, to the digits given here, and why.
EXCEPTIONS = {
    ("ess_csi", "eps_ee_dV", "90 %"): ("[-0.049, 0.047] u [0.31, 0.41]", "-0.040 is probably a misprint: it is -0.049, as for Xe"),
    ("ess_csi,ess_si", "eps_ee_uV", "90 %"): ("[-0.041, 0.042] u [0.3635, 0.3702]", "a sliver just below the line is left"),
    ("ess_c3f8", "eps_ee_uV", "90 %"): ("[-0.0515, 0.0526] u [0.2866, 0.3907]",
                                        "the published row needs ten times the nuclei of the stated 10 kg"),
}
# Edges above that come from the independent calculation, and not from print, are met more closely.
CALCULATED_DIGITS, CALCULATED_TOLERANCE = 4, 0.0003


def parse(text):
    """[(value, tolerance), ...] of "[lo, hi] u [lo, hi]"."""
    edges = []
    for number in re.findall(r"-?\d+\.\d+", text):
        digits = len(number.split(".")[1])
        own = CALCULATED_TOLERANCE if digits >= CALCULATED_DIGITS else TOLERANCE
        edges.append((float(number), own + 0.5 * 10**-digits))
    return edges


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
    command = [sys.executable, str(INTERVALS), str(path), "--delta", str(delta), "--json"]
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
        for level, printed in zip(DELTAS, levels) if printed]


@pytest.mark.parametrize("experiments, parameter, level, printed", ROWS, ids=lambda x: str(x).replace("[", "").replace("]", ""))
def test_published_interval(maps, experiments, parameter, level, printed):
    given, reason = EXCEPTIONS.get((experiments, parameter, level), (printed, "as printed"))
    result = intervals(maps(experiments, parameter), DELTAS[level])
    assert result["parameter"] == parameter and result["delta_chi2"] == DELTAS[level]
    assert abs(result["best_fit"]) < 0.002
    expected, edges = parse(given), [edge for interval in result["intervals"] for edge in interval]
    table = comparison(expected, edges, reason)
    assert len(edges) == len(expected), "\n" + table
    assert all(abs(found - value) <= tolerance for found, (value, tolerance) in zip(edges, expected)), "\n" + table


@pytest.mark.parametrize("key", EXCEPTIONS, ids=" ".join)
def test_exceptions_are_exceptions(maps, key):
    """If the calculation came to agree with print, the exception would have to go."""
    experiments, parameter, level = key
    printed = PUBLISHED[experiments, parameter][list(DELTAS).index(level)]
    edges = [edge for interval in intervals(maps(experiments, parameter), DELTAS[level])["intervals"] for edge in interval]
    expected = parse(printed)
    agree = len(edges) == len(expected) and all(abs(f - v) <= t for f, (v, t) in zip(edges, expected))
    assert not agree
