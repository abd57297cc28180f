#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planes with profiled couplings beside a minimiser that knows nothing of couplings (profiled_reference.c).

Usage: profiled_planes.py [--points N] [--starts N] [--size N] [--only CsI+Si,...] [--couplings 1,2,...]. Prints a line for each combination, plane and number of
profiled couplings: the largest excess of the map's chi2 over the reference, how many points are above it by more than
1e-6, and how many are proven. Exit code 1 if any is.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

TREE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = TREE / "bin" / "cevscan"
REFERENCE = pathlib.Path(os.environ.get("CEVSCAN_BUILD", TREE / "build")) / "peers" / "profiled_reference"
TOLERANCE = 1e-6

COMBINATIONS = {
    "CsI": ["ess_csi"],
    "CsI+Si": ["ess_csi", "ess_si"],
    "four": ["ess_csi", "ess_si", "ess_xe", "ess_ge"],
    "six": ["ess_csi", "ess_si", "ess_xe", "ess_ge", "ess_ar", "ess_c3f8"],
    "coherent_csi": ["coherent_csi"],
}
# The plane, and what is minimised over: the first 1, 2, 4 or 8 of the list.
PLANES = {
    "P1": (["ee_u", "mumu_u"], (-0.3, 0.6), ["ee_d", "mumu_d", "etau_u", "etau_d", "emu_u", "emu_d", "mutau_u", "mutau_d"]),
    "P2": (["ee_u", "ee_d"], (-0.5, 0.8), ["mumu_u", "mumu_d", "emu_u", "emu_d", "etau_u", "etau_d", "mutau_u", "mutau_d"]),
}
COUNTS = (1, 2, 4, 8)


def name_of(coupling):
    return f"eps_{coupling}V"


def plane_scan(combination, plane, n_profiled, size, box=1.0):
    """The scan as a mapping; without `profile` where n_profiled is 0."""
    axes, (low, high), others = PLANES[plane]
    parameters = [{"name": name_of(a), "min": low, "max": high, "points": size} for a in axes]
    parameters += [{"name": name_of(c), "profile": [-box, box]} for c in others[:n_profiled]]
    observed = combination == "coherent_csi"
    return {"scan": f"{plane}_{n_profiled}", "interaction": "nsi", "experiments": COMBINATIONS[combination],
            "parameters": parameters, "data": "observed" if observed else "asimov"}


def run_plane(folder, combination, plane, n_profiled, size):
    path, output = folder / "scan.yaml", folder / "map.h5"
    path.write_text(json.dumps(plane_scan(combination, plane, n_profiled, size)))
    output.unlink(missing_ok=True)
    subprocess.run([PROGRAM, "run", "-q", path, "-o", output], check=True)
    with h5py.File(output) as file:
        names = [name_of(a) for a in PLANES[plane][0]]
        return [file[n][:] for n in names], file["chi2"][:], file["flags"][:] if n_profiled else None


def reference_chi2(folder, combination, plane, n_profiled, points, starts, seed, box=1.0):
    """Lowest chi2 that the reference finds at each of points[n][2]."""
    path = folder / "plain.yaml"
    path.write_text(json.dumps(plane_scan(combination, plane, 0, 3)))
    free = [f"{name_of(c)}:{-box}:{box}" for c in PLANES[plane][2][:n_profiled]]
    text = "".join(f"{x:.17g} {y:.17g}\n" for x, y in points)
    done = subprocess.run([REFERENCE, path, str(starts), str(seed), *free], input=text, capture_output=True, text=True, check=True)
    return np.array([float(line) for line in done.stdout.split()])


def compare(folder, combination, plane, n_profiled, size, n_point, starts, seed):
    (x, y), chi2, flags = run_plane(folder, combination, plane, n_profiled, size)
    draw = np.random.default_rng(seed)
    i, j = np.unravel_index(draw.permutation(size * size)[:n_point], (size, size))
    lowest = reference_chi2(folder, combination, plane, n_profiled, zip(x[i], y[j]), starts, seed)
    return chi2[i, j] - lowest, (flags & 1).astype(bool)[i, j]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=200, help="random points of each plane (200)")
    parser.add_argument("--starts", type=int, default=64, help="of the reference at each point (64)")
    parser.add_argument("--size", type=int, default=101, help="points along each axis (101)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default=",".join(COMBINATIONS), help="combinations (all)")
    parser.add_argument("--planes", default=",".join(PLANES), help="planes (all)")
    parser.add_argument("--couplings", default=",".join(map(str, COUNTS)), help="numbers of profiled couplings (1,2,4,8)")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for combination in options.only.split(","):
            for plane in options.planes.split(","):
                for n in map(int, options.couplings.split(",")):
                    excess, proven = compare(pathlib.Path(folder), combination, plane, n, options.size, options.points,
                                             options.starts, options.seed)
                    above = int((excess > TOLERANCE).sum())
                    bad += above
                    print(f"{combination:13s} {plane} {n} couplings: largest excess {excess.max():9.2e}, above by {TOLERANCE:g}: {above}, "
                          f"the reference is above at {(excess < -TOLERANCE).sum()} of {len(excess)}, proven {100 * proven.mean():.1f} %", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
