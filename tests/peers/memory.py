#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Peak resident memory of a rank, for maps of any size: whole scans of a counting experiment, from 1001 x 1001 to 20 001 x 20 001 points.

    memory.py [--sides 1001,20001] [--folder FOLDER] [--json]     (`make bench-memory`)

The largest map takes 6.9 GB of disk and a minute. Maps that do not fit are left out, and said.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import BIN, run_json

BYTES_PER_POINT = 17


def scan_file(folder, side):
    axes = [{"name": name, "min": -0.5, "max": 0.7, "points": side} for name in ("eps_ee_uV", "eps_mumu_uV")]
    path = Path(folder) / "scan.yaml"
    path.write_text(json.dumps({"scan": "memory", "experiments": ["pandax4t_counting"], "interaction": "nsi", "data": "observed",
                                "parameters": axes}))
    return path


def measure(folder, side):
    scan, output = scan_file(folder, side), Path(folder) / "map.h5"
    process = subprocess.Popen([BIN, "run", scan, "-o", output, "--quiet"])
    _, how, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(how)
    if process.returncode != 0:
        raise SystemExit(f"memory.py: the scan of {side} x {side} points failed")
    status = run_json([BIN, "status", output, "--json"])
    size = output.stat().st_size
    output.unlink()
    return {"side": side, "points": side * side, "tiles": status["tiles"], "map_bytes": size, "peak_resident_bytes": 1024 * usage.ru_maxrss}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", type=lambda text: [int(n) for n in text.split(",")], default=[1001, 5001, 20001])
    parser.add_argument("--folder", help="where the maps are written for a while (default: $TMPDIR or /tmp)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for side in options.sides:
            if side**2 * BYTES_PER_POINT * 1.1 > shutil.disk_usage(folder).free:
                print(f"{side} x {side} points: no room on the disk of {folder}", file=sys.stderr)
                continue
            results.append(measure(folder, side))
            r = results[-1]
            if not options.json:
                print(f"{side:6} x {side:<6} {r['points']:10} points {r['tiles']:6} tiles {r['map_bytes'] / 1e6:8.1f} MB on disk "
                      f"{r['peak_resident_bytes'] / 1e6:6.1f} MB resident at most", flush=True)
    if options.json:
        print(json.dumps(results, indent=1))
    elif len(results) > 1:
        first, last = results[0], results[-1]
        more, tiles = last["peak_resident_bytes"] - first["peak_resident_bytes"], last["tiles"] - first["tiles"]
        print(f"{last['points'] / first['points']:.0f} times the points: {more / 1e6:.1f} MB more, {more / max(tiles, 1):.0f} bytes for each further tile")
    return 0


if __name__ == "__main__":
    sys.exit(main())
