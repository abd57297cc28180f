#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instructions that points cost, counted by callgrind, against those that are recorded beside this file.

    instructions.py PROGRAM [--update]     (`make bench-instructions`, `make bench-instructions UPDATE=1`)

PROGRAM is built for x86-64-v3, the highest level that valgrind knows. Counted is what cev_scan_job_block() and the fits' starts
execute, nothing else; the numbers depend on the compiler and its options, so they are recorded by its version. More than 3 % above
the record is a failure.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import run_json

RECORD = Path(__file__).with_name("instructions.json")
WORKLOADS = ["reference", "counting", "six_detectors", "lambda", "gaussian"]
COUNTED = ["cev_scan_job_block", "cev_fit_starts_block", "cev_fit_starts_close"]
LIMIT = 0.03


def count(program, workload):
    """Instructions per point."""
    with tempfile.TemporaryDirectory() as folder:
        # What the program would start itself anew for: valgrind would lose it.
        settled = {**os.environ, "OMP_WAIT_POLICY": "passive", "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"}
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", *(f"--toggle-collect={f}" for f in COUNTED),
                   program, "bench", workload, "--json", "--repetitions", "1"]
        done = subprocess.run(command, env=settled, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"instructions.py: valgrind failed\n{done.stderr[-2000:]}")
        total = sum(map(int, re.findall(r"^(?:summary|totals): (\d+)", Path(folder, "out").read_text(), re.M)[:1]))
    return total / json.loads(done.stdout)["workloads"][0]["points"]


def compiler_of(program):
    return run_json([program, "bench", "counting", "--json", "--repetitions", "1"])["machine"]["compiler"]


def print_change(workload, now, before):
    print(f"{workload:15} {now:9.1f} instructions a point", end="")
    if before is None:
        print(", not recorded yet")
        return False
    change = now / before - 1
    print(f", recorded {before:9.1f}: {100 * change:+.2f} %{'  REGRESSION' if change > LIMIT else ''}")
    return change > LIMIT


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--update", action="store_true", help="record what is counted now")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        raise SystemExit("instructions.py: valgrind is not installed")
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    key = f"gcc {compiler_of(options.program)}, x86-64-v3"
    before = record.get(key, {})
    now = {workload: round(count(options.program, workload), 1) for workload in WORKLOADS}
    worse = sum([print_change(workload, value, before.get(workload)) for workload, value in now.items()])
    if options.update:
        record[key] = now
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        print(f"{RECORD.name}: recorded for {key}")
        return 0
    if not before:
        print(f"{key}: nothing is recorded for this compiler; record it with `make bench-instructions UPDATE=1`")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
