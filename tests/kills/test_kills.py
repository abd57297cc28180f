# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at random moments. CEVSCAN_KILLS sets how many, CEVSCAN_SEED where the random numbers begin."""
import collections
import os
import random
import signal
import subprocess
import sys
import time

import pytest

import killing
from killing import Job, Reference, run_command, send, status_of, wait_for, write_scan, write_study

KILLS = int(os.environ.get("CEVSCAN_KILLS", "20"))
SEED = int(os.environ.get("CEVSCAN_SEED", "1"))
MOMENTS = ("starting", "best fits", "layout", "streaming", "finalising")
VICTIMS = 3 * ("alone", "whole job", "one rank") + ("mpirun",)


def some_scans(folder):
    """Many tiles (pulls, two axes), a large layout, long lists of tiles (one axis), three axes, and a search in observed data."""
    return [
        killing.small_scan(folder),
        write_scan(folder / "wide.yaml", (801, 1003), (37, 64)),
        write_scan(folder / "long.yaml", (40000,), (16,), pulls=False),
        write_scan(folder / "deep.yaml", (61, 71, 83), (7, 9, 11), ("ess_csi", "ess_si")),
        write_scan(folder / "observed.yaml", (161, 171), (13, 16), ("coherent_csi",), data="observed"),
    ]


def some_studies(folder):
    """Two spaces with pulls, a large layout, many maps, and a search in observed data."""
    return [
        killing.small_study(folder),
        write_study(folder / "wide_study.yaml", (401, 503), (37, 64), pulls=False),
        write_study(folder / "many_maps.yaml", (31, 41), (4, 4), killing.DETECTORS, pulls=False, profile=101),
        write_study(folder / "observed_study.yaml", (61, 71), (13, 16), ("coherent_csi", "xenonnt_8b"), profile=501, data="observed"),
    ]


@pytest.fixture(scope="module", params=[some_scans, some_studies], ids=["scans", "studies"])
def references(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("references")
    return [Reference(file, file.with_suffix(".reference.h5")) for file in request.param(folder)]


# --- where a job is, found out without disturbing it ----------------------------------------------------------------

def await_moment(rng, moment, reference, job, map_path):
    """False if the job was over before."""
    if moment == "starting":
        time.sleep(rng.uniform(0, 0.35))  # a random moment, not a race to win
        return not job.is_over()
    wait_for(lambda: job.is_over() or os.path.exists(f"{map_path}.lock"), 60, "the job does not begin", pause=0.0005)
    job.known, job.known_ranks = job.processes(), job.ranks()  # looking for them later would take too long
    wanted = {"best fits": lambda: True,
              "layout": lambda: os.path.exists(f"{map_path}.tmp") or os.path.exists(map_path),
              "streaming": lambda t=rng.randrange(reference.n_tile): reference.tiles_done(map_path) >= t,
              "finalising": lambda t=reference.n_tile - rng.randrange(3): reference.tiles_done(map_path) >= t}[moment]
    end = time.monotonic() + 60
    while not wanted() and not job.is_over():
        assert time.monotonic() < end, f"no {moment} within a minute"
    longest = {"best fits": 0.3, "layout": 0.05, "streaming": 0.002, "finalising": 0.004}[moment]
    end = time.monotonic() + rng.uniform(0, longest)
    while time.monotonic() < end:
        pass
    return not job.is_over()


def strike(rng, victim, job):
    if victim == "one rank":
        ranks = getattr(job, "known_ranks", None) or job.ranks()
        send(rng.choice(ranks or [job.process.pid]), signal.SIGKILL)
    elif victim == "mpirun":
        send(job.process.pid, signal.SIGKILL)
    else:
        for pid in getattr(job, "known", []):
            send(pid, signal.SIGKILL)
        job.kill_everything()
    wait_for(lambda: not job.ranks(), 30, "ranks live on after their job was killed")
    return mpirun_ends(job)


def mpirun_ends(job):
    """Open MPI 4.1.4 can hang for good when a rank dies inside MPI_Init: without any rank, so nothing of the scan is at stake."""
    try:
        job.process.wait(30)
        return True
    except subprocess.TimeoutExpired:
        job.kill_everything()
        job.process.wait(30)
        return False


# --- the test -------------------------------------------------------------------------------------------------------

class Tally:
    def __init__(self):
        self.counts, self.hung, self.resumed = collections.Counter(), 0, 0
        self.unreadable, self.wrong, self.tiles, self.started = [], [], 0, time.monotonic()

    def look_at(self, reference, map_path, sessions_before, victim, what):
        """Counts the kill where the files say that it hit, which is not always where it was aimed."""
        phase = "layout" if os.path.exists(f"{map_path}.tmp") else "folds and fits" if os.path.exists(f"{map_path}.lock") else "before the lock"
        try:
            if map_path.exists():
                wrong, n_done = reference.wrong_tiles(map_path)
                status = status_of(map_path)
                assert status["tiles_done"] == n_done
                phase = phase_of(status, sessions_before)
                self.tiles += n_done
                self.wrong += [(what, t) for t in wrong]
        except Exception as error:
            self.unreadable.append((what, repr(error)))
        self.counts[phase, victim] += 1

    def __str__(self):
        lines = [f"{'':>20}" + "".join(f"{victim:>12}" for victim in (*dict.fromkeys(VICTIMS), "all"))]
        for phase in PHASES:
            numbers = [self.counts[phase, victim] for victim in dict.fromkeys(VICTIMS)]
            lines.append(f"{phase:>20}" + "".join(f"{n:12}" for n in (*numbers, sum(numbers))))
        return (f"{sum(self.counts.values())} kills, unreadable maps: {len(self.unreadable)}, wrong tiles: {len(self.wrong)} of {self.tiles}, "
                f"resumed to the reference: {self.resumed}, mpirun hung: {self.hung}; {time.monotonic() - self.started:.0f} s\n" +
                "\n".join(lines))


PHASES = ("before the lock", "folds and fits", "layout", "before streaming", "streaming", "finalising", "after the end")


def phase_of(status, sessions_before):
    if status["complete"]:
        return "after the end"
    if status["sessions"] == sessions_before:
        return "before streaming"
    return "finalising" if status["tiles_done"] == status["tiles"] else "streaming"


def kill_once(rng, reference, map_path, tally):
    moment, victim = rng.choice(MOMENTS), rng.choice(VICTIMS)
    before = status_of(map_path)
    if before and moment in ("best fits", "layout"):
        moment = "streaming"
    ranks = None if victim == "alone" else rng.choice((1, 2, 3))
    job = Job(run_command(reference.scan, map_path, ranks), map_path.parent)
    hit = await_moment(rng, moment, reference, job, map_path)
    if not strike(rng, victim, job):
        assert moment == "starting", "mpirun hangs after the death of a rank"
        tally.hung += 1
    if not hit:
        return False
    tally.look_at(reference, map_path, before["sessions"] if before else 0, victim, (moment, victim, ranks))
    return True


def kill_and_resume(rng, reference, map_path, most, tally):
    """Up to five kills of one map, one after the other, and then to the end. Returns the number of kills."""
    n = 0
    for _ in range(min(most, rng.randint(1, 5))):
        n += kill_once(rng, reference, map_path, tally)
    reference.assert_resumes(map_path, rng.choice((None, 1, 2, 3)))
    tally.resumed += 1
    for left in map_path.parent.glob("map.h5*"):
        left.unlink()
    return n


@pytest.mark.quick
@pytest.mark.parametrize("kills", [pytest.param(KILLS, marks=[pytest.mark.slow] if KILLS > 50 else [])])
def test_a_killed_job_leaves_a_sound_map(references, tmp_path, kills):
    rng, tally, done = random.Random(SEED), Tally(), 0
    while done < kills:
        done += kill_and_resume(rng, rng.choice(references), tmp_path / "map.h5", kills - done, tally)
        if done % 50 < 3:
            print(tally, file=sys.stderr)
    print(tally, file=sys.stderr)
    assert not tally.unreadable, tally.unreadable[:5]
    assert not tally.wrong, tally.wrong[:5]


@pytest.mark.quick
def test_files_of_open_mpi_go(references, tmp_path):
    """Its plugin for shared file pointers makes some beside the map; a resumed scan does not leave those of a killed job."""
    reference, map_path = references[0], tmp_path / "map.h5"
    job = Job(run_command(reference.scan, map_path, 2), tmp_path)
    wait_for(lambda: reference.tiles_done(map_path) >= 1, 60, "no tile was finished")
    strike(random.Random(SEED), "whole job", job)
    reference.assert_resumes(map_path)
    assert killing.beside(map_path) == []
