#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Points whose couplings are profiled, with cevscan and with minimisers that one might take: points per second, and who finds the minimum.

    compare_profiled.py [--couplings 1,2,4,8,10] [--points N] [--json]       (`make bench-peers`)

The others start from couplings of 0, once, and end in the minimum that is nearest: cevscan's is the lowest of all. Everything runs
on one thread. cevscan is timed by `cevscan bench profiled_N`; its chi2 are those of `cevscan point`.
"""
import os

for library in ("OMP", "OPENBLAS", "MKL", "BLIS"):  # before numpy is loaded
    os.environ[f"{library}_NUM_THREADS"] = "1"

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from measuring import BIN, REPO, bench, run_json
from problem import EXPERIMENTS, SIGMA
from profiled_problem import AXES, BOUND, COUPLINGS, HIGH, LOW, Cost, detectors, points

try:
    from iminuit import Minuit
except ImportError:
    Minuit = None

GSL = Path(os.environ.get("CEVSCAN_BUILD", REPO / "build")) / "peers" / "gsl_profiled"
TARGET = 300        # times the points per second of iminuit
ABOVE = 1e-6        # in chi2: a minimum that is not the lowest


def scan_text(n_profiled, n=3):
    axes = [{"name": name, "min": LOW, "max": HIGH, "points": n} for name in AXES]
    profiled = [{"name": name, "profile": [-BOUND, BOUND]} for name in COUPLINGS[:n_profiled]]
    return json.dumps({"scan": "peers", "experiments": EXPERIMENTS, "interaction": "nsi", "parameters": axes + profiled})


def own(places, n_profiled):
    """chi2 of cevscan."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.yaml"
        scan.write_text(scan_text(n_profiled))
        for place in places:
            flags = [word for name, value in zip(AXES, place) for word in ("--set", f"{name}={float(value)!r}")]
            found.append(run_json([BIN, "point", scan, "--json", *flags])["chi2"])
    return np.array(found)


def minuit(found, places):
    """Seconds and chi2."""
    chi2, begin = [], time.perf_counter()
    for place in places:
        cost = Cost(found, place)
        m = Minuit(cost, np.zeros(cost.n + len(cost.sigma)), grad=cost.gradient)
        m.errors = [0.1] * cost.n + list(cost.sigma)
        m.limits = [(-BOUND, BOUND)] * cost.n + [(None, None)] * len(cost.sigma)
        m.errordef, m.strategy, m.tol = 1, 0, 1e-4
        m.migrad()
        chi2.append(m.fval)
    return time.perf_counter() - begin, np.array(chi2)


def gsl(found, places):
    """Seconds and chi2."""
    text = [len(found), len(found[0].form) - 3, BOUND]
    for d in found:
        text += [len(d.data), *SIGMA, *d.form.ravel(), *d.background, *d.data]
    text += [len(places), *np.ravel(places)]
    done = subprocess.run([GSL], input=" ".join(map(repr, map(float, text))), capture_output=True, text=True, check=True)
    numbers = np.array(done.stdout.split(), float)
    return numbers[0], numbers[1:]


def compare(n_profiled, n_point):
    """{name: what it did}. `above`: the share of points where it ends in another minimum than the lowest; `below`: where cevscan
    does."""
    found, places = detectors(n_profiled), points(n_point)
    expected, mine = own(places, n_profiled), bench(BIN, f"profiled_{n_profiled}")["points_per_second_per_core"]
    results = {"cevscan": {"points_per_second": mine}}
    for name, run in {"GSL bfgs2": gsl, **({"iminuit": minuit} if Minuit else {})}.items():
        seconds, chi2 = run(found, places)
        results[name] = {"points_per_second": n_point / seconds, "cevscan_is_faster_by": mine * seconds / n_point,
                         "above": float(np.mean(chi2 > expected + ABOVE)), "below": float(np.mean(chi2 < expected - ABOVE))}
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--couplings", default="1,2,4,8,10", help="how many are profiled")
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = {n: compare(n, options.points) for n in map(int, options.couplings.split(","))}
    if options.json:
        print(json.dumps(results, indent=1))
    for n, rows in results.items() if not options.json else ():
        for name, r in rows.items():
            print(f"{n:2} profiled  {name:10} {r['points_per_second']:10.1f} points/s", end="")
            if name != "cevscan":
                print(f"   cevscan is {r['cevscan_is_faster_by']:7.1f} x as fast" + f" (wanted: {TARGET})" * (name == "iminuit") +
                      f"; ends in a higher minimum at {100 * r['above']:.0f} % of the points, in a lower one at {100 * r['below']:.0f} %", end="")
            print()
    return 1 if any(r.get("below") for rows in results.values() for r in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
