#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the maps of the fuzzers' corpus anew, after a change of what a map file holds, each from the configuration that is in it;
and looks for the damage that HDF5 does not survive, for tests/test_fuzz_corpus.py.

    tests/fuzz/make_maps.py [--only-damage]

version_1.map and without_scales.map are of earlier programs and stay as they are."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py

ROOT = Path(__file__).resolve().parents[2]
CORPUS, PROGRAM = ROOT / "tests" / "fuzz" / "corpus" / "map", ROOT / "bin" / "cevscan"
MAPS = {"small": ("run", []), "shard": ("run", ["--shard", "1/2"]), "members": ("run", []), "small_study": ("study", []),
        "study_shard": ("study", ["--shard", "1/2"]), "profiled": ("run", [])}
FIRST = {"profiled": {   # where there is no map yet that has its configuration
    "scan": "profiled", "experiments": ["ess_ar"], "interaction": "nsi", "store_profiled": True, "parameters": [
        {"name": "eps_ee_uV", "min": -0.2, "max": 0.6, "points": 3}, {"name": "eps_mumu_uV", "profile": [-0.5, 0.5]},
        {"name": "eps_mumu_dV", "profile": [-0.25, 0.5]}]}}
SEEDS = range(400)


def configuration_of(path):
    if not path.exists():
        return FIRST[path.stem]
    with h5py.File(path) as old:
        return json.loads(old.attrs["configuration"])


def make(name, command, words):
    path = CORPUS / f"{name}.map"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "small.yaml").write_text(json.dumps(configuration_of(path)))
        subprocess.run([PROGRAM, command, "small.yaml", "-o", "small.h5", "-q", *words], cwd=folder, check=False)
        content = (Path(folder) / "small.h5").read_bytes()
    print(f"{path.name}: {path.stat().st_size if path.exists() else 0} -> {len(content)} bytes")
    path.write_bytes(content)


def kills_hdf5():
    sys.path.insert(0, str(ROOT / "tests"))
    from test_fuzz_corpus import damaged
    content, found = (CORPUS / "small.map").read_bytes(), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.h5"
        for seed in SEEDS:
            path.write_bytes(damaged(content, seed))
            done = subprocess.run([PROGRAM, "status", path], capture_output=True)
            if b"HDF5 fails on it" in done.stderr:
                found.append(seed)
    return found


def main():
    if "--only-damage" not in sys.argv[1:]:
        for name, (command, words) in MAPS.items():
            make(name, command, words)
    print("KILLS_HDF5 =", kills_hdf5())


if __name__ == "__main__":
    main()
