# SPDX-License-Identifier: GPL-3.0-or-later
"""Helpers of the end-to-end tests: run the program, write scan files, read maps."""
import hashlib
import json
import os
import subprocess
from pathlib import Path

import h5py
import numpy as np

REPO = Path(__file__).resolve().parents[1]
BIN = Path(os.environ.get("CEVSCAN_BIN", REPO / "bin" / "cevscan"))
CONFIGS = REPO / "configs"
ALL_ESS = ["ess_csi", "ess_xe", "ess_si", "ess_ge", "ess_ar", "ess_c3f8"]
TIMEOUT_S = 240  # a program that hangs fails its test; nothing is expected to take this long

PENDING, OK, IMPOSSIBLE = 0, 1, 3  # bytes of the dataset `status`

# Exit codes
BAD_INPUT, POINTS_FAILED, NOT_SOUND, SYSTEM, STOPPED, INTERRUPTED = 2, 3, 3, 74, 85, 130


# --- running --------------------------------------------------------------------------------------------------------
def mpi_command(ranks, *args):
    if ranks is None:
        return [str(BIN), *map(str, args)]
    return ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), str(BIN), *map(str, args)]


def own_lines(errors):
    """What a program said on stderr, without what the libraries under MPI say of the machine."""
    foreign = b"[hwloc" if isinstance(errors, bytes) else "[hwloc"
    return errors and type(errors)().join(line for line in errors.splitlines(keepends=True) if not line.startswith(foreign))


def run(*args, ranks=None, code=0, **keywords):
    """Runs cevscan, under mpirun if ranks are given; code is the exit code it must have, None for any."""
    keywords = {"capture_output": True, "text": True, "timeout": TIMEOUT_S, "stdin": subprocess.DEVNULL, **keywords}
    done = subprocess.run(mpi_command(ranks, *args), **keywords)
    done.stderr = own_lines(done.stderr)
    assert code is None or done.returncode == code, f"exit code {done.returncode}, not {code}: {done.args}\n{done.stderr}"
    return done


def run_json(*args, **keywords):
    return json.loads(run(*args, **keywords).stdout)


def select(experiments, values=None):
    """Selection flags of point and rates."""
    names = experiments if isinstance(experiments, str) else ",".join(map(str, experiments))
    flags = ["--experiments", names]
    for name, value in (values or {}).items():
        flags += ["--set", f"{name}={value!r}"]
    return flags


def point(experiments, values=None, **keywords):
    return run_json("point", *select(experiments, values), "--json", **keywords)


def rates(experiments, values=None, **keywords):
    return run_json("rates", *select(experiments, values), "--json", **keywords)


def scan(scan_file, output, *args, ranks=None, **keywords):
    """Runs a scan to its end and returns the summary."""
    return run_json("run", scan_file, "-o", output, "--json", *args, ranks=ranks, **keywords)


def refused(folder, *arguments, ranks=None, **keywords):
    """Runs a command in a folder; it must be refused with exit code 2 and one message, which is returned, and leave nothing."""
    before = sorted(path.name for path in folder.iterdir())
    done = run(*arguments, ranks=ranks, code=BAD_INPUT, cwd=folder, **keywords)
    errors = [line for line in done.stderr.splitlines() if line.startswith("cevscan")]
    assert len(errors) == 1 and errors[0].startswith("cevscan: error: "), done.stderr
    if ranks is None:  # mpirun adds words of its own
        assert done.stderr == errors[0] + "\n" and done.stdout == ""
    assert sorted(path.name for path in folder.iterdir()) == before
    return errors[0]


# --- configurations -------------------------------------------------------------------------------------------------
def axis(name, points=11, low=-0.2, high=0.6, **more):
    return {"name": name, "min": low, "max": high, "points": points, **more}


def scan_config(experiments, parameters, **more):
    return {"scan": "test", "experiments": experiments, "interaction": "nsi", "parameters": parameters, **more}


def write_scan(folder, experiments, parameters, name="scan.yaml", **more):
    """JSON is YAML."""
    path = Path(folder) / name
    path.write_text(json.dumps(scan_config(experiments, parameters, **more), indent=1))
    return path


def experiment(name="toy", **changes):
    """A small detector in three bins; keys set to None are left out."""
    config = {
        "experiment": name,
        "source": {"name": "pion_decay_at_rest", "protons_per_year": 2.8e23, "years": 3, "neutrinos_per_proton": 0.3,
                   "distance_m": 20},
        "target": {"mass_kg": 10.0, "form_factor": {"name": "helm"},
                   "nuclei": [{"name": "Ar", "protons": 18, "neutrons": 22, "mass_u": 39.95, "rms_radius_fm": 3.43}]},
        "response": {"name": "gaussian", "threshold_keV": 1.0, "sigma_at_threshold_keV": 0.3, "acceptance": 0.8},
        "bins": {"edges_keV": [1, 5, 20, 100]},
        "backgrounds": [{"name": "flat", "counts": [50, 40, 30]}],
        "pulls": [{"name": f"{name}.signal", "sigma": 0.1, "scales": ["signal"]},
                  {"name": f"{name}.background", "sigma": 0.05, "scales": ["flat"]}],
    }
    config.update(changes)
    return {key: value for key, value in config.items() if value is not None}


def write_experiment(folder, name="toy", **changes):
    path = Path(folder) / f"{name}.yaml"
    path.write_text(json.dumps(experiment(name, **changes), indent=1))
    return path


# --- maps -----------------------------------------------------------------------------------------------------------
def axis_names(h5):
    return h5.attrs["axes"].split(",")


def pull_names(h5):
    """Names of the stored pulls, in the order in which they enter the digests: that of first mention."""
    experiments = json.loads(h5.attrs["configuration"])["experiments"]
    named = dict.fromkeys(pull["name"] for x in experiments for pull in x.get("pulls", []))
    return [name for name in named if "pull_" + name in h5]


def tile_boxes(h5):
    """Slices of each tile, in the order of the tiles."""
    yield from boxes_of(h5["tiles"].attrs["side"], h5["chi2"].shape)


def boxes_of(side, shape):
    along = [-(-n // int(s)) for n, s in zip(shape, side)]
    for index in np.ndindex(*along):
        yield tuple(slice(int(i * s), min(int((i + 1) * s), n)) for i, s, n in zip(index, side, shape))


def tile_digest(h5, box, pulls=()):
    parts = [h5["chi2"][box].astype("<f8").tobytes(), h5["status"][box].tobytes()]
    parts += [h5["pull_" + name][box].astype("<f8").tobytes() for name in pulls]
    if "flags" in h5:   # of a scan that profiles parameters
        stored = ["profiled_" + name for name in h5["flags"].attrs["minimised_over"].split(",")]
        parts += [h5["flags"][box].tobytes(), *(h5[name][box].astype("<f8").tobytes() for name in stored if name in h5)]
    return hashlib.sha256(b"".join(parts)).digest()


class MapOfStudy:
    """One map, SPACE/SET, in the open file of a study."""

    def __init__(self, h5, name):
        space, own = name.rsplit("/", 1)
        self.space = h5["spaces/" + space]
        self.index = [text.decode() for text in self.space["map"][...]].index(own)

    def __getitem__(self, key):
        """This map's part of a dataset that has one for each."""
        return self.space[key][self.index]

    def digests(self):
        return self.space["tiles/digest"][:, self.index]

    def boxes(self):
        return list(boxes_of(self.space["tiles"].attrs["side"], self.space["chi2"].shape[1:]))


def maps_of(path):
    with h5py.File(path) as h5:
        return [name.decode() for name in h5["index/name"][...]]


def content_hash(path):
    with h5py.File(path, "r") as h5:
        return h5["progress/content_hash"][()].decode()


def fields(path):
    """chi2, delta_chi2, status and the axes of a map."""
    with h5py.File(path, "r") as h5:
        return h5["chi2"][...], h5["delta_chi2"][...], h5["status"][...], {a: h5[a][...] for a in axis_names(h5)}
