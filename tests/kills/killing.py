# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts scans and studies, kills them, and looks at what they leave behind. Shared by the tests of this folder."""
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
COMPLETE, BAD_INPUT, POINTS_FAILED, IO, STOPPED, INTERRUPTED = 0, 2, 3, 74, 85, 130
NOT_SOUND = POINTS_FAILED  # of `verify`
# Killed jobs leave Open MPI's session folders, of megabytes each.
SESSIONS = tempfile.mkdtemp(prefix="cevscan-kills-")
atexit.register(shutil.rmtree, SESSIONS, ignore_errors=True)
DETECTORS = ("ess_csi", "ess_si", "ess_xe", "ess_ge", "ess_ar", "ess_c3f8")


def environment(**extra):
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "FAIL_"))}
    return {**inherited, **AS_ROOT, "OMPI_MCA_orte_tmpdir_base": SESSIONS, "CEVSCAN_PATH": str(REPOSITORY / "configs"), **extra}


# --- scans ----------------------------------------------------------------------------------------------------------

def write_scan(path, points, tile, detectors=("ess_csi",), pulls=True, low=-0.2, data="asimov"):
    """A scan file of one axis for each number of points."""
    names = ["eps_ee_uV", "eps_mumu_uV", "eps_ee_dV"][: len(points)]
    axes = "".join(f"  - {{name: {a}, min: {low}, max: 0.6, points: {n}}}\n" for a, n in zip(names, points))
    path.write_text(f"scan: kills\nexperiments: [{', '.join(detectors)}]\ninteraction: nsi\nparameters:\n{axes}data: {data}\n"
                    f"store_pulls: {'true' if pulls else 'false'}\ntile: {list(tile)}\n")
    return path


def write_study(path, points, tile, detectors=("ess_csi", "ess_si"), pulls=True, low=-0.2, profile=None, data="asimov"):
    """Every subset of the detectors over one plane and, if `profile` is a number of points, over one axis."""
    axes = [f"{{name: {a}, min: {low}, max: 0.6, points: {n}}}" for a, n in zip(("eps_ee_uV", "eps_mumu_uV"), points)]
    profiles = f"profiles: [{{name: eps_ee_dV, min: -0.2, max: 0.6, points: {profile}}}]\n" if profile else ""
    path.write_text(f"study: kills\nsets: [{{all_subsets_of: [{', '.join(detectors)}]}}]\ninteraction: nsi\ndata: {data}\n"
                    f"planes: [[{', '.join(axes)}]]\n{profiles}"
                    f"store_pulls: {'true' if pulls else 'false'}\ntile: {{eps_ee_uV: {tile[0]}, eps_mumu_uV: {tile[1]}{', eps_ee_dV: 20' if profile else ''}}}\n")
    return path


def small_study(folder):
    """A quarter of a second, three maps with pulls of their own in each of two spaces."""
    return write_study(folder / "small_study.yaml", (131, 151), (13, 16), profile=2001)


def slow_study(folder):
    """As slow_scan(): seven maps of three detectors."""
    return write_study(folder / "slow_study.yaml", (1100, 1200), (60, 100), DETECTORS[:3], pulls=False)


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


def spaces_of(file):
    """The groups that hold maps over one grid, in the order of the file: of a scan the root group."""
    if file.attrs["format"] == "cevscan map":
        return [file["/"]]
    order = dict.fromkeys(name.decode().rpartition("/")[0] for name in file["index/name"][...])
    return [file["spaces"][name] for name in order]


def tile_boxes(space):
    """The slices of each tile in one map, in the order of their numbers."""
    shape, side = space["chi2"].shape, space["tiles"].attrs["side"]
    shape = shape[len(shape) - len(side):]
    counts = [-(-n // int(s)) for n, s in zip(shape, side)]
    for index in np.ndindex(*counts):
        yield tuple(slice(int(i * s), int(min((i + 1) * s, n))) for i, s, n in zip(index, side, shape))


def pulls_of_maps(file, space):
    """For each map of a space the datasets of its pulls in the order of its model: as its experiments list them, the first of a
    name counts."""
    experiments = json.loads(file.attrs["configuration"])["experiments"]
    names = {e["experiment"]: [pull["name"] for pull in e.get("pulls", [])] for e in experiments}
    sets = [list(names)]
    if space.name != "/":
        of_map = dict(zip(file["index/name"].asstr()[...], file["index/experiments"].asstr()[...]))
        prefix = space.name.rpartition("/")[2]
        sets = [of_map[f"{prefix}/{name}"].split(",") for name in space["map"].asstr()[...]]
    unique = ((pull for e in members for pull in names[e.strip()]) for members in sets)
    return [[f"pull_{pull}" for pull in dict.fromkeys(pulls) if f"pull_{pull}" in space] for pulls in unique]


def fields_of(space):
    """Every dataset over the grid, with the dimension of the maps in scans, too."""
    names = ["chi2", "delta_chi2", "status", *(name for name in space if name.startswith("pull_"))]
    return {name: space[name][...] if space.name != "/" else space[name][...][None] for name in names}


def digests_of(space):
    digest = space["tiles/digest"][...]
    return digest if space.name != "/" else digest[:, None]


def tile_digest(data, box, pulls):
    """Of one map's part of a tile; data by name, each an array of that map."""
    parts = [data["chi2"][box].astype("<f8"), data["status"][box]] + [data[p][box].astype("<f8") for p in pulls]
    return hashlib.sha256(b"".join(p.tobytes() for p in parts)).digest()


def hashes_of_maps(digests):
    """From the digests of the spaces in their order: the definition in map.h."""
    return [hashlib.sha256(d[:, m].tobytes()).hexdigest() for d in digests for m in range(d.shape[1])]


class Reference:
    """A finished scan or study, and all its bytes."""

    def __init__(self, scan, map_path):
        self.scan, self.path = scan, map_path
        scan_to_end(scan, map_path)
        with h5py.File(map_path, "r") as f:
            spaces = spaces_of(f)
            self.names = [space.name for space in spaces]
            self.pulls = [pulls_of_maps(f, space) for space in spaces]
            self.data = [fields_of(space) for space in spaces]
            self.digests = [digests_of(space) for space in spaces]
            self.boxes = [list(tile_boxes(space)) for space in spaces]
            self.done_places = [(space["tiles/done"].id.get_offset(), len(boxes)) for space, boxes in zip(spaces, self.boxes)]
            self.hash = f["progress/content_hash"][()].decode()
        self.n_tile = sum(map(len, self.boxes))
        assert any(pulls for maps in self.pulls for pulls in maps) == ("store_pulls: true" in Path(scan).read_text())
        maps = hashes_of_maps(self.digests)
        assert self.hash == (maps[0] if self.names == ["/"] else hashlib.sha256("".join(maps).encode()).hexdigest())

    def tiles_done(self, map_path):
        """Read from the raw file, without disturbing the job: the layout of equal files is equal. -1 while there is none."""
        try:
            with open(map_path, "rb", buffering=0) as f:
                n = 0
                for offset, size in self.done_places:
                    f.seek(offset)
                    n += sum(f.read(size))
                return n
        except FileNotFoundError:
            return -1

    def wrong_tiles(self, map_path):
        """(space, tile) of the tiles that have their done byte and differ from the reference, and how many are done. Raises if the
        file cannot be read."""
        wrong, n_done = [], 0
        with h5py.File(map_path, "r") as f:
            for k, name in enumerate(self.names):
                done, digests, data = f[name]["tiles/done"][...], digests_of(f[name]), fields_of(f[name])
                n_done += int(done.sum())
                wrong += [(name, int(t)) for t in np.flatnonzero(done) if not self._same(k, t, data, digests)]
        return wrong, n_done

    def _same(self, k, t, data, digests):
        box = self.boxes[k][t]
        for m, pulls in enumerate(self.pulls[k]):
            one = {name: values[m] for name, values in data.items()}
            if any(values[box].tobytes() != self.data[k][name][m][box].tobytes() for name, values in one.items()):
                return False
            if digests[t, m].tobytes() != tile_digest(one, box, pulls):
                return False
        return True

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
        assert debris(map_path) == [], f"left behind: {debris(map_path)}"


def beside(map_path):
    """Names, without the map's own, of the files that are named after it."""
    return sorted(p.name[len(map_path.name):] for p in map_path.parent.iterdir()
                  if p.name.startswith(map_path.name) and p != map_path)


def debris(map_path):
    return [name for name in beside(map_path) if not of_open_mpi(name)]


def of_open_mpi(name):
    """Of its shared file pointers, which nobody uses; see test_files_of_open_mpi_go."""
    return re.fullmatch(r"\.(meta)?data\.\d+", name) is not None
