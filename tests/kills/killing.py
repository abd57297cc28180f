# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts scans, kills them, and looks at what they leave behind. Shared by the tests of this folder."""
import atexit
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
CEVSCAN = os.environ.get("CEVSCAN_BIN", str(REPOSITORY / "bin" / "cevscan"))
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
COMPLETE, POINTS_FAILED, BAD_INPUT, IO, STOPPED, INTERRUPTED = 0, 1, 2, 74, 85, 130
# Killed jobs leave Open MPI's session folders, of megabytes each.
SESSIONS = tempfile.mkdtemp(prefix="cevscan-kills-")
atexit.register(shutil.rmtree, SESSIONS, ignore_errors=True)
DETECTORS = ("ess_csi", "ess_si", "ess_xe", "ess_ge", "ess_ar", "ess_c3f8")


def environment(**extra):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "FAIL_"))}
    return {**inherited, **AS_ROOT, "OMPI_MCA_orte_tmpdir_base": SESSIONS, "CEVSCAN_PATH": str(REPOSITORY / "configs"), **extra}


# --- scans ----------------------------------------------------------------------------------------------------------

def write_scan(path, points, tile, detectors=("ess_csi",), pulls=True, low=-0.2):
    """A scan file of one axis for each number of points."""
    names = ["eps_ee_uV", "eps_mumu_uV", "eps_ee_dV"][: len(points)]
    axes = "".join(f"  - {{name: {a}, min: {low}, max: 0.6, points: {n}}}\n" for a, n in zip(names, points))
    path.write_text(f"scan: kills\nexperiments: [{', '.join(detectors)}]\ninteraction: nsi\nparameters:\n{axes}"
                    f"store_pulls: {'true' if pulls else 'false'}\ntile: {list(tile)}\n")
    return path


def small_scan(folder):
    """A quarter of a second, 380 tiles."""
    return write_scan(folder / "small.yaml", (241, 301), (13, 16))


def slow_scan(folder):
    """Some seconds of processor time: tiles of a few hundredths of a second."""
    return write_scan(folder / "slow.yaml", (1500, 1600), (100, 160), DETECTORS, pulls=False)


def slow_tiles_scan(folder):
    """Every tile takes a second or so."""
    return write_scan(folder / "slow_tiles.yaml", (2048, 2048), (1024, 1024), DETECTORS, pulls=False)


# --- jobs -----------------------------------------------------------------------------------------------------------

def run_command(scan, map_path, ranks=None, *options, mpi_options=()):
    """`ranks` None is the program alone."""
    launcher = [] if ranks is None else ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", *mpi_options]
    threads = [] if ranks is None else ["--threads", "1"]
    return [*launcher, CEVSCAN, "run", *threads, *options, "-o", str(map_path), "--", str(scan)]


_jobs = []


def end_all_jobs():
    while _jobs:
        job = _jobs.pop()
        job.kill_everything()
        job.process.wait()


class Job:
    """A command in a session of its own, so that all its processes can be found."""

    def __init__(self, command, folder, env=None):
        self.out, self.err = (open(Path(folder) / f"{os.urandom(4).hex()}.{name}", "w+") for name in ("out", "err"))
        for stream in (self.out, self.err):
            os.unlink(stream.name)
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
                                        start_new_session=True, cwd=folder, env=env or environment())
        _jobs.append(self)

    def processes(self):
        """The processes of this session that live."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                text = Path(f"/proc/{entry}/stat").read_text() if entry.isdigit() else ""
            except OSError:
                continue
            fields = text.rpartition(")")[2].split()
            if fields and fields[0] not in "ZX" and int(fields[3]) == self.process.pid:
                found.append(int(entry))
        return found

    def ranks(self):
        """Those that run the program itself."""
        return sorted(pid for pid in self.processes() if program_of(pid) == os.path.realpath(CEVSCAN))

    def is_over(self):
        return self.process.poll() is not None

    def kill_everything(self):
        for pid in self.processes():
            send(pid, signal.SIGKILL)

    def finish(self, timeout=60):
        """Waits for the end of every process; (exit code, stdout, stderr). A job that hangs is a failure."""
        code = self.process.wait(timeout)
        wait_for(lambda: not self.processes(), 30, "the ranks outlived their job")
        return code, read_all(self.out), read_all(self.err)


def program_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None


def read_all(stream):
    stream.seek(0)
    return stream.read()


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def wait_for(condition, timeout, what, pause=0.002):
    end = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < end, what
        time.sleep(pause)
    return result


def cevscan(*arguments, timeout=120, **options):
    """Runs a command to its end: (exit code, stdout, stderr)."""
    options.setdefault("env", environment())
    done = subprocess.run([CEVSCAN, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, **options)
    return done.returncode, done.stdout, done.stderr


def scan_to_end(scan, map_path, ranks=None, *options, timeout=300, env=None):
    """A run that must become complete."""
    job = Job(run_command(scan, map_path, ranks, *options), map_path.parent, env)
    code, out, err = job.finish(timeout)
    assert code == COMPLETE, f"exit code {code}\n{out}{err}"
    return err


def errors_in(text):
    return [line for line in text.splitlines() if line.startswith("cevscan: error")]


# --- maps -----------------------------------------------------------------------------------------------------------

def status_of(map_path):
    """What `cevscan status` says, None while there is no map."""
    if not map_path.exists():
        return None
    code, out, err = cevscan("status", "--json", map_path)
    assert code in (COMPLETE, POINTS_FAILED), err
    return json.loads(out)


def wait_for_tiles(job, map_path, at_least=1):
    """Until so many tiles are done, well before the end."""
    def reached():
        assert not job.is_over(), read_all(job.err)
        status = status_of(map_path)
        return status and status["tiles_done"] >= at_least and status
    status = wait_for(reached, 60, "no tile was finished")
    assert status["tiles_done"] < status["tiles"], "the scan is too quick for this test"
    return status


def tile_boxes(file):
    """The slices of each tile, in the order of their numbers."""
    shape, side = file["chi2"].shape, file["tiles"].attrs["side"]
    counts = [-(-n // int(s)) for n, s in zip(shape, side)]
    for index in np.ndindex(*counts):
        yield tuple(slice(int(i * s), int(min((i + 1) * s, n))) for i, s, n in zip(index, side, shape))


def pull_names(file):
    """Datasets of the pulls in the order of the model: as the experiments list them, the first of a name counts."""
    configuration = json.loads(file.attrs["configuration"])
    seen = {pull["name"]: None for e in configuration["experiments"] for pull in e.get("pulls", [])}
    return [f"pull_{name}" for name in seen if f"pull_{name}" in file]


def tile_digest(file, box, pulls):
    parts = [file["chi2"][box].astype("<f8"), file["status"][box]] + [file[p][box].astype("<f8") for p in pulls]
    return hashlib.sha256(b"".join(p.tobytes() for p in parts)).digest()


class Reference:
    """A finished map, and all its bytes."""

    def __init__(self, scan, map_path):
        self.scan, self.path = scan, map_path
        scan_to_end(scan, map_path)
        with h5py.File(map_path, "r") as f:
            self.pulls = pull_names(f)
            self.data = {name: f[name][...] for name in ["chi2", "delta_chi2", "status", *self.pulls]}
            self.digest = f["tiles/digest"][...]
            self.boxes = list(tile_boxes(f))
            self.n_tile = len(self.boxes)
            self.done_offset = f["tiles/done"].id.get_offset()
            self.hash = f["progress/content_hash"][()].decode()
        assert self.hash == hashlib.sha256(self.digest.tobytes()).hexdigest()

    def wrong_tiles(self, map_path):
        """Numbers of the tiles that have their done byte and differ from the reference, and how many are done. Raises if the
        map cannot be read."""
        with h5py.File(map_path, "r") as f:
            done, digest = f["tiles/done"][...], f["tiles/digest"][...]
            data = {name: f[name][...] for name in self.data}
        wrong = [t for t in np.flatnonzero(done) if not self._same(t, data, digest)]
        return wrong, int(done.sum())

    def _same(self, t, data, digest):
        box = self.boxes[t]
        same = all(data[n][box].tobytes() == self.data[n][box].tobytes() for n in data)
        return same and digest[t].tobytes() == tile_digest(data, box, self.pulls)

    def assert_sound(self, map_path, complete=False):
        """Readable by h5py and by the program, no wrong tile; returns the number of finished tiles."""
        wrong, n_done = self.wrong_tiles(map_path)
        assert not wrong, f"wrong tiles: {wrong[:10]}"
        assert status_of(map_path)["complete"] == complete
        return n_done

    def assert_resumes(self, map_path, ranks=None):
        """To the reference, byte by byte, with nothing left beside it."""
        scan_to_end(self.scan, map_path, ranks)
        self.assert_finished(map_path)

    def assert_finished(self, map_path):
        assert self.assert_sound(map_path, complete=True) == self.n_tile
        assert status_of(map_path)["content_hash"] == self.hash
        assert debris(map_path) == []


def beside(map_path):
    """Names, without the map's own, of the files that are named after it."""
    return sorted(p.name[len(map_path.name):] for p in map_path.parent.iterdir()
                  if p.name.startswith(map_path.name) and p != map_path)


def debris(map_path):
    return [name for name in beside(map_path) if not of_open_mpi(name)]


def of_open_mpi(name):
    """Of its shared file pointers, which nobody uses; see test_files_of_open_mpi_go."""
    return re.fullmatch(r"\.(meta)?data\.\d+", name) is not None
