#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how a scan gets faster with more ranks and threads: strong scaling (the same scan) and weak (as many points for each core).

    measure_scaling.py -o scaling.json                            # what this machine or this SLURM job has
    measure_scaling.py --layouts 1x1,2x1,1x2,4x2 -o scaling.json  # ranks x threads
    plot_scaling.py scaling.json -o scaling.pdf

Scans two couplings with CsI and Si at the ESS, maps written and all, and takes the median of some rounds in which the layouts take
turns. Writes JSON and, beside it, the same as CSV. Runs are started with mpirun, in a SLURM job with srun (--launch, $CEVSCAN_LAUNCH).
"""
import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLUMNS = ["kind", "ranks", "threads", "cores", "points", "seconds", "points_per_second", "speed_up", "efficiency", "oversubscribed"]


def find_program():
    for place in (os.environ.get("CEVSCAN"), HERE.parent / "bin" / "cevscan", HERE.parents[2] / "bin" / "cevscan"):
        if place and os.access(place, os.X_OK):
            return str(place)
    return "cevscan"


def cores_here():
    tasks = int(os.environ.get("SLURM_NTASKS", 0))
    return tasks * int(os.environ.get("SLURM_CPUS_PER_TASK", 1)) if tasks else len(os.sched_getaffinity(0))


def default_layouts(cores):
    """All cores and each half of them, as ranks alone, as threads of one rank, and as 4 threads a rank."""
    found, n = [], 1
    while n < cores:
        found.append(n)
        n *= 2
    layouts = []
    for n in [*found, cores]:
        threads_at_most = int(os.environ.get("SLURM_CPUS_PER_TASK", n)) if "SLURM_NTASKS" in os.environ else n
        for threads in (1, 4, n):
            if n % threads == 0 and threads <= threads_at_most and (n // threads, threads) not in layouts:
                layouts.append((n // threads, threads))
    return layouts


def parse_layouts(text):
    try:
        layouts = [tuple(int(n) for n in layout.split("x")) for layout in text.split(",")]
        if all(len(layout) == 2 and min(layout) > 0 for layout in layouts):
            return layouts
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text}: expected RANKSxTHREADS,... as in 1x1,4x1,2x2")


def command(options, ranks, threads):
    cevscan = [options.program, "run", "--json", "--quiet", "--threads", str(threads)]
    if options.launch == "srun":
        kind = os.environ.get("CEVSCAN_SRUN_MPI", "pmix")
        return ["srun", f"--mpi={kind}", "--exact", f"--ntasks={ranks}", f"--cpus-per-task={threads}", *cevscan]
    if ranks == 1:
        return cevscan
    fits = ranks * threads <= cores_here()
    bind = ["--map-by", f"slot:PE={threads}", "--bind-to", "core"] if fits else ["--oversubscribe", "--bind-to", "none"]
    return ["mpirun", "-n", str(ranks), *bind, *cevscan]


def scan_text(points):
    axes = [{"name": name, "min": -0.5, "max": 0.7, "points": n} for name, n in zip(("eps_ee_uV", "eps_mumu_uV"), points)]
    return json.dumps({"scan": "scaling", "experiments": ["ess_csi", "ess_si"], "interaction": "nsi", "parameters": axes})


def run(options, folder, ranks, threads, points):
    """Seconds from the layout of the map to its end, by the program's own clock."""
    scan, output = Path(folder) / "scan.yaml", Path(folder) / "map.h5"
    scan.write_text(scan_text(points))
    done = subprocess.run([*command(options, ranks, threads), "-o", output, scan], stdout=subprocess.PIPE, text=True, check=True)
    output.unlink()
    return json.loads(done.stdout)["seconds"]


def measure(options, folder, side, kind):
    points_of = {layout: (side, side * (layout[0] * layout[1] if kind == "weak" else 1)) for layout in options.layouts}
    seconds = {layout: [] for layout in options.layouts}
    for _ in range(options.rounds):
        for layout in options.layouts:
            seconds[layout].append(run(options, folder, *layout, points_of[layout]))
    base = options.layouts[0]
    rate = {layout: points_of[layout][0] * points_of[layout][1] / statistics.median(times) for layout, times in seconds.items()}
    for (ranks, threads), times in seconds.items():
        cores, points = ranks * threads, points_of[ranks, threads]
        speed_up = rate[ranks, threads] / rate[base]
        yield dict(zip(COLUMNS, [kind, ranks, threads, cores, points[0] * points[1], statistics.median(times), rate[ranks, threads], speed_up,
                                 speed_up * base[0] * base[1] / cores, cores > cores_here()]))


def print_table(results):
    print("kind    ranks threads      points   seconds  million points/s  speed-up  efficiency")
    for r in results:
        print(f"{r['kind']:7} {r['ranks']:5} {r['threads']:7} {r['points']:11} {r['seconds']:9.3f} {r['points_per_second'] / 1e6:17.3f} "
              f"{r['speed_up']:9.2f} {100 * r['efficiency']:9.1f} %{'  (more threads than cores)' if r['oversubscribed'] else ''}")


def write(results, path):
    Path(path).write_text(json.dumps({"cores": cores_here(), "results": results}, indent=1) + "\n")
    with open(Path(path).with_suffix(".csv"), "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(results)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True, metavar="JSON")
    parser.add_argument("--layouts", type=parse_layouts, default=os.environ.get("CEVSCAN_LAYOUTS"), metavar="RxT,...",
                        help="ranks x threads, the first of which the others are compared with (default: $CEVSCAN_LAYOUTS, or what is there)")
    parser.add_argument("--launch", choices=["mpirun", "srun"], default=os.environ.get("CEVSCAN_LAUNCH") or
                        ("srun" if "SLURM_JOB_ID" in os.environ else "mpirun"))
    parser.add_argument("--seconds", type=float, default=4, help="about how long one core takes for the scan (default: 4)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where the maps are written for a while: a file system that all nodes see (default: here)")
    parser.add_argument("--program", default=find_program(), help="cevscan (default: $CEVSCAN, or the one beside this file)")
    options = parser.parse_args()
    if Path(options.output).suffix != ".json":
        parser.error(f"-o {options.output}: must end in .json; a table of the same name that ends in .csv is written beside it")
    options.layouts = options.layouts or default_layouts(cores_here())
    return options


def main():
    options, results = arguments(), []
    with tempfile.TemporaryDirectory(dir=options.folder or ".", prefix="cevscan-scaling-") as folder:
        trial = 512
        rate = trial**2 / run(options, folder, *options.layouts[0], (trial, trial))
        side = max(64, int((rate * options.seconds)**0.5))
        for kind in ("strong", "weak"):
            results += measure(options, folder, side, kind)
    write(results, options.output)
    print_table(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
