#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same points with programs built for one instruction set each: how fast they are, and that every chi2 has the same bits.

Usage: levels.py FOLDER NAME...     (`make bench-levels` builds FOLDER/LEVEL/cevscan and calls this)
"""
import pathlib
import statistics
import sys

from measuring import bench, supported

ROUNDS = 3
LEVELS = ["x86-64", "x86-64-v3", "x86-64-v4"]


def measure(programs, name):
    """{level: results}, the levels taking turns."""
    results = {level: [] for level in programs}
    for _ in range(ROUNDS):
        for level, program in programs.items():
            results[level].append(bench(program, name, seconds=1))
    return results


def main(folder, names):
    programs = {level: pathlib.Path(folder) / level / "cevscan" for level in LEVELS if supported(level)}
    faults = 0
    for name in names:
        results = measure(programs, name)
        sums = {r["chi2_sum"] for rounds in results.values() for r in rounds}
        speed = {level: statistics.median(r["points_per_second_per_core"] for r in rounds) for level, rounds in results.items()}
        print(f"{name}: sum of chi2 {', '.join(map(repr, sums))}{'' if len(sums) == 1 else ': THEY DIFFER'}")
        for level, rounds in results.items():
            share = statistics.median(r["share_of_peak"] for r in rounds)
            print(f"  {level:10} {speed[level] / 1e6:8.3f} million points/s, {speed[level] / speed['x86-64']:5.2f} x baseline, "
                  f"{100 * share:4.1f} % of that level's peak")
        faults += len(sums) != 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:] or ["reference"]))
