# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans that take long enough to be hit, and what is asked of their maps."""
import json
import os
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
CEVSCAN = os.environ.get("CEVSCAN_BIN", str(SOURCE / "bin" / "cevscan"))
EXPERIMENTS = SOURCE / "configs" / "experiments"

SCAN = """\
scan: long
title: a detector with very many bins
experiments: [fine]
interaction: nsi
parameters:
  - {{name: eps_ee_uV, min: -0.2, max: 0.6, points: {points}}}
  - {{name: eps_mumu_uV, min: {low}, max: 0.6, points: {points}}}
tile: [{tile}, {tile}]
"""


def write_scan(folder, name="scan.yaml", points=1001, tile=16, low=-0.2):
    """A scan of points^2 points, each of which costs some 14 microseconds on one core. The detector is the ESS's germanium with
    bins forty times as fine."""
    text = (EXPERIMENTS / "ess_ge.yaml").read_text()
    fine = text.replace("experiment: ess_ge", "experiment: fine").replace("ess_ge.", "fine.")
    fine = fine.replace("resolution_widths: 2}", "resolution_widths: 0.05}")
    assert fine.count("resolution_widths: 0.05") == 1
    (Path(folder) / "fine.yaml").write_text(fine)
    path = Path(folder) / name
    path.write_text(SCAN.format(points=points, tile=tile, low=low))
    return path


def reference_hash(scan, folder):
    """Of the same scan without SLURM, MPI or interruption."""
    path = Path(folder) / "reference.h5"
    subprocess.run([CEVSCAN, "run", "--quiet", f"--output={path}", "--", str(scan)], check=True, timeout=600)
    known = status(path)
    path.unlink()
    assert known["complete"] and len(known["content_hash"]) == 64
    return known["content_hash"]


def status(path):
    """What `cevscan status` says of a map; None if there is none."""
    done = subprocess.run([CEVSCAN, "status", "--json", "--", str(path)], capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout) if done.stdout else None


def tiles_done(path):
    known = status(path)
    return known["tiles_done"] if known else 0
