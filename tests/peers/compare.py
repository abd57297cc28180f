#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference workload with cevscan and with what else one might take, in one run: points per second, and whether chi2 agrees.

    compare.py [--rounds N] [--json]       (`make bench-peers`)

Everything runs on one thread, in turns. cevscan is timed by `cevscan bench reference`; its chi2 come out of a map.
"""
import os

for library in ("OMP", "OPENBLAS", "MKL", "BLIS"):  # before numpy is loaded
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

import newton
from measuring import BIN, REPO, bench, run_json
from problem import AXES, EXPERIMENTS, HIGH, LOW, SIGMA, detectors, grid

try:
    import minuit
except ImportError:
    minuit = None

GRID = 256
GSL = Path(os.environ.get("CEVSCAN_BUILD", REPO / "build")) / "peers" / "gsl_bfgs"
TARGETS = {"iminuit": 1000, "GSL bfgs2": 50, "numpy Newton": 10}  # times the points per second


def map_chi2(folder, n):
    """chi2 of all points, row by row."""
    axes = [{"name": name, "min": LOW, "max": HIGH, "points": n} for name in AXES]
    scan, output = Path(folder) / "scan.yaml", Path(folder) / "map.h5"
    scan.write_text(json.dumps({"scan": "peers", "experiments": EXPERIMENTS, "interaction": "nsi", "parameters": axes}))
    run_json([BIN, "run", scan, "-o", output, "--json", "--quiet"])
    with h5py.File(output) as h5:
        return h5["chi2"][...].ravel()


def gsl(found, coefficients):
    """Seconds and chi2."""
    text = [len(found)]
    for d in found:
        text += [len(d.data), *SIGMA, *d.templates.ravel(), *d.background, *d.data]
    text += [len(coefficients), *coefficients.ravel()]
    done = subprocess.run([GSL], input=" ".join(map(repr, map(float, text))), capture_output=True, text=True, check=True)
    numbers = np.array(done.stdout.split(), float)
    return numbers[0], numbers[1:]


def timed(function):
    def run(found, coefficients):
        begin = time.perf_counter()
        chi2 = function(found, coefficients)
        return time.perf_counter() - begin, chi2
    return run


def peers():
    """name: (how many points it gets, what returns seconds and chi2)."""
    known = {"numpy Newton": (65536, timed(newton.chi2)), "GSL bfgs2": (4096, gsl)}
    if minuit:
        known["iminuit"] = (512, timed(minuit.chi2))
    return known


def disagreement(chi2, expected):
    """Largest difference, relative to chi2 where that is above 1."""
    return float(np.max(np.abs(chi2 - expected) / np.maximum(1, np.abs(expected))))


def compare(rounds):
    found, (_, _, coefficients) = detectors(), grid(GRID)
    with tempfile.TemporaryDirectory() as folder:
        expected = map_chi2(folder, GRID)
    choice = np.random.default_rng(1).permutation(len(expected))
    speeds, worst = {"cevscan": []}, {}
    for _ in range(rounds):
        speeds["cevscan"].append(bench(BIN, "reference")["points_per_second_per_core"])
        for name, (n, run) in peers().items():
            chosen = choice[:n]
            seconds, chi2 = run(found, coefficients[chosen])
            speeds.setdefault(name, []).append(n / seconds)
            worst[name] = max(worst.get(name, 0), disagreement(chi2, expected[chosen]))
    own = statistics.median(speeds["cevscan"])
    return {name: {"points_per_second": statistics.median(rates), "cevscan_is_faster_by": own / statistics.median(rates),
                   "chi2_differs_by": worst.get(name, 0.0), "target": TARGETS.get(name)} for name, rates in speeds.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = compare(options.rounds)
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        for name, r in results.items():
            print(f"{name:13} {r['points_per_second']:12.0f} points/s", end="")
            if r["target"]:
                print(f"   cevscan is {r['cevscan_is_faster_by']:7.1f} x as fast (wanted: {r['target']}); "
                      f"chi2 differs by {r['chi2_differs_by']:.1e} at most", end="")
            print()
        if minuit is None:
            print("iminuit is not installed (python3-iminuit)")
    return 1 if any(r["chi2_differs_by"] > 1e-6 for r in results.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
