#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves from the objects' symbols that each room uses only the rooms and libraries that it may.

Usage: check_layers.py BUILD. Exit code 1 and a line for each forbidden use.
"""
import pathlib
import re
import subprocess
import sys

# What each room may use. No arrow points upward; parallel and store never see each other.
MAY_USE = {
    "base": set(),
    "physics": {"base"},
    "detector": {"base"},
    "experiment": {"base", "physics", "detector"},
    "roster": {"base", "physics", "experiment"},
    "stats": {"base"},
    "scan": {"base"},
    "engine": {"base", "physics", "detector", "experiment", "roster", "stats", "scan"},
    "parallel": {"base", "scan"},
    "store": {"base", "scan"},
    "config": {"base", "physics", "detector", "experiment", "roster", "scan"},
    "job": {"base", "experiment", "roster", "scan", "engine", "parallel", "store", "config"},
}
LIBRARIES = {
    "MPI": (r"MPI_|ompi_", {"parallel", "store", "job"}),
    "HDF5": (r"H5[A-Z]", {"store"}),
    "OpenMP": (r"GOMP_|omp_|__kmpc", {"parallel"}),
    "muParser": (r"mup[A-Z]", {"roster"}),
    "the end of the process": (r"(exit|_exit|abort|quick_exit)$", set()),
    "printing": (r"(printf|fprintf|puts|putchar|__printf_chk|__fprintf_chk|perror)$", set()),
}


def symbols(path, kinds):
    """Names of the symbols of an object file whose nm type is one of `kinds`."""
    output = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    return {m[2].split(".")[0] for m in re.finditer(r"^\s*(?:[0-9a-f]+ )?(\w) (\S+)$", output, re.M) if m[1] in kinds}


def mutable_state(path):
    """Names of the object file's variables that are neither constant nor local to a thread."""
    output = subprocess.run(["objdump", "-t", path], capture_output=True, text=True, check=True).stdout
    return {m[2] for m in re.finditer(r" O (\.data|\.bss|\*COM\*)\S*\t\S+ (?:\.hidden )?(\S+)$", output, re.M)
            if f"{m[1]}.rel.ro" not in m[0]}


def main(build):
    objects = {room: sorted(pathlib.Path(build, "src", room).glob("*.o")) for room in MAY_USE}
    owner = {s: room for room, files in objects.items() for f in files for s in symbols(f, "TDBRCViIuW")}
    faults = []
    for room, files in objects.items():
        if not files:
            faults.append(f"{room}: no objects in {build}")
        for f in files:
            faults += [f"{f.stem} ({room}) has file-scope mutable state: {s}" for s in mutable_state(f)]
            for s in symbols(f, "U"):
                other = owner.get(s)
                if other and other != room and other not in MAY_USE[room]:
                    faults.append(f"{f.stem} ({room}) uses {s} of {other}")
                faults += [f"{f.stem} ({room}) uses {s}: {library}" for library, (pattern, rooms) in LIBRARIES.items()
                           if re.match(pattern, s) and room not in rooms]
    print("\n".join(faults) if faults else f"layers: {sum(map(len, objects.values()))} objects in {len(objects)} rooms, no arrow points upward")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
