# SPDX-License-Identifier: GPL-3.0-or-later
"""What the measurements share. Nothing here is a test: no test measures time."""
import json
import os
import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("CEVSCAN_BIN", REPO / "bin" / "cevscan"))
FLAGS_OF_LEVEL = {"x86-64": [], "x86-64-v3": ["avx2", "fma", "bmi2"], "x86-64-v4": ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]}


def supported(level):
    """Can this processor run what was compiled with -march=LEVEL?"""
    lines = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags")]
    return bool(lines) and set(FLAGS_OF_LEVEL[level]) <= set(lines[0].split())


def run_json(command, **keywords):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, text=True, check=True, **keywords)
    return json.loads(done.stdout)


def bench(program, name, *flags, seconds=1):
    """The result of one workload."""
    return run_json([program, "bench", name, "--json", "--seconds", seconds, *flags])["workloads"][0]
