# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole jobs are killed with SIGKILL at random moments, and resumed on other numbers of ranks."""
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from e2e import ALL_ESS, axis, content_hash, mpi_command, refused, run, run_json, scan, tile_boxes, tile_digest, write_scan
from whole_job import alive, descendants, kill_job

KILLS = 20
landed = []  # where each of them did
RANKS = [None, 2, 3]  # None: without mpirun


# --- what is killed ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """(scan file, finished map, how long it took)."""
    folder = tmp_path_factory.mktemp("reference")
    scan_file = write_scan(folder, ALL_ESS, [axis("eps_ee_uV", 801), axis("eps_mumu_uV", 601)], tile=[23, 29])
    start = time.monotonic()
    scan(scan_file, folder / "map.h5", "--threads", 1)
    return scan_file, folder / "map.h5", time.monotonic() - start


def start(scan_file, path, ranks):
    return subprocess.Popen(mpi_command(ranks, "run", scan_file, "-o", path, "-q", "--threads", 1), stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def tiles_done(path):
    """As read beside the running job; 0 where there is no map yet."""
    if not path.exists():
        return 0
    with h5py.File(path, "r") as h5:
        return int(h5["tiles/done"][...].sum())


def wait_until(job, condition):
    while job.poll() is None and not condition():
        pass


def check_sound(path, reference_path):
    """Every tile that is marked done holds the right bytes; returns the number of points of the others."""
    with h5py.File(path, "r") as h5, h5py.File(reference_path, "r") as right:
        done, digest = h5["tiles/done"][...], h5["tiles/digest"][...]
        assert set(np.unique(done)) <= {0, 1}
        missing = 0
        for tile, box in enumerate(tile_boxes(right)):
            if not done[tile]:
                missing += right["chi2"][box].size
                continue
            for name in ("chi2", "delta_chi2", "status"):
                assert h5[name][box].tobytes() == right[name][box].tobytes(), (tile, name)
            assert digest[tile].tobytes() == right["tiles/digest"][tile].tobytes() == tile_digest(h5, box)
        return missing


def check_after_kill(path, reference_path):
    """The map is not there yet, or sound; returns the points that are missing, and whether it had been finished."""
    if not path.exists():
        return None, False
    with h5py.File(path, "r") as h5:
        finished = bool(h5["progress/complete"][()])
    missing = check_sound(path, reference_path)
    status = run_json("status", path, "--json")
    assert status["complete"] == finished and (not finished or missing == 0)
    return missing, finished


def resume(scan_file, path, ranks, missing, finished):
    """Only what is missing is computed."""
    if finished:
        assert "already complete" in run("run", scan_file, "-o", path, ranks=ranks).stdout
        return
    summary = scan(scan_file, path, ranks=ranks)
    assert summary["points_computed"] == (summary["points"] if missing is None else missing)


def check_finished(path, reference_path, kills):
    assert check_sound(path, reference_path) == 0
    assert content_hash(path) == content_hash(reference_path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    status = run_json("status", path, "--json")
    assert status["complete"] and 1 <= status["sessions"] <= kills + 1
    with h5py.File(path) as h5, h5py.File(reference_path) as right:
        for name in ("best_fit", "best_fit_chi2", "chi2_reference", "points_failed"):
            assert np.array_equal(h5["results"][name][()], right["results"][name][()])


# --- tests ------------------------------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(KILLS))
def test_killed_once_and_resumed(tmp_path, reference, seed):
    """Half of the kills come when a random number of tiles is done, half after a random time, layout included."""
    scan_file, right, duration = reference
    dice, path = random.Random(seed), tmp_path / "map.h5"
    ranks, resumed_ranks = dice.choice(RANKS), dice.choice(RANKS)
    job = start(scan_file, path, ranks)
    if seed % 2:
        wanted = dice.randrange(1, 300)
        wait_until(job, lambda: tiles_done(path) >= wanted)
    else:
        deadline = time.monotonic() + dice.uniform(0, 1.2 * duration)
        wait_until(job, lambda: time.monotonic() >= deadline)
    kill_job(job)
    missing, finished = check_after_kill(path, right)
    landed.append("nothing" if missing is None else "finished" if finished else "inside")
    resume(scan_file, path, resumed_ranks, missing, finished)
    check_finished(path, right, kills=1)


@pytest.mark.slow
def test_kills_landed_inside():
    """Of the kills above, enough came neither before the map was there nor after it was finished."""
    assert landed.count("inside") >= len(landed) // 3, landed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_killed_again_and_again(tmp_path, reference, seed):
    """One map through many kills: each session does some tiles, on another number of ranks each time."""
    scan_file, right, _ = reference
    dice, path, kills = random.Random(1000 + seed), tmp_path / "map.h5", 0
    while kills < 6:
        before = tiles_done(path)
        job = start(scan_file, path, dice.choice(RANKS))
        wanted = before + dice.randrange(1, 60)
        wait_until(job, lambda: tiles_done(path) >= wanted)
        kill_job(job)
        kills += 1
        check_after_kill(path, right)
        assert tiles_done(path) >= before
    resume(scan_file, path, 2, *check_after_kill(path, right))
    check_finished(path, right, kills)


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.mark.slow
def test_the_map_is_sound_at_any_moment(tmp_path, reference):
    """A stopped job leaves the file as a killed one does: so one job stands for hundreds of kills."""
    scan_file, right_path, _ = reference
    dice, path, seen, moments = random.Random(7), tmp_path / "map.h5", set(), 0
    job = start(scan_file, path, None)
    wait_until(job, path.exists)
    with h5py.File(right_path, "r") as right:
        boxes = list(tile_boxes(right))
        while job.poll() is None:
            time.sleep(dice.uniform(0, 0.002))
            job.send_signal(signal.SIGSTOP)
            while job.poll() is None and state(job.pid) != "T":
                pass
            with h5py.File(path, "r") as h5:
                for tile in set(np.flatnonzero(h5["tiles/done"][...])) - seen:
                    for name in ("chi2", "delta_chi2", "status"):
                        assert h5[name][boxes[tile]].tobytes() == right[name][boxes[tile]].tobytes(), (tile, name)
                    assert h5["tiles/digest"][tile].tobytes() == right["tiles/digest"][tile].tobytes()
                    seen.add(tile)
            moments += 1
            job.send_signal(signal.SIGCONT)
    assert job.returncode == 0 and moments > 50
    check_finished(path, right_path, kills=0)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [None, 2])
def test_killed_while_the_map_is_laid_out(tmp_path, ranks):
    """The temporary file is there, the map is not: the next run starts from nothing, and clears up."""
    scan_file = write_scan(tmp_path, ALL_ESS, [axis("eps_ee_uV", 1201), axis("eps_mumu_uV", 1001)], tile=[8, 8], store_pulls=True)
    path, temporary = tmp_path / "map.h5", tmp_path / "map.h5.tmp"
    job = start(scan_file, path, ranks)
    wait_until(job, temporary.exists)
    kill_job(job)
    assert temporary.exists() and not path.exists()
    small = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 31)], name="small.yaml")
    assert scan(small, path, ranks=ranks)["points_computed"] == 31
    assert sorted(p.name for p in tmp_path.iterdir()) == ["map.h5", "scan.yaml", "small.yaml"]


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["layout", "work"])
@pytest.mark.parametrize("ranks", RANKS)
def test_two_jobs_at_once(tmp_path, reference, moment, ranks):
    """Submitted twice, or requeued while the first still lives: the second is refused, the first goes on undisturbed."""
    scan_file, right, _ = reference
    path, temporary = tmp_path / "map.h5", tmp_path / "map.h5.tmp"
    job = start(scan_file, path, None)
    wait_until(job, temporary.exists if moment == "layout" else lambda: tiles_done(path) > 3)
    job.send_signal(signal.SIGSTOP)
    assert "another job" in refused(tmp_path, "run", scan_file, "-o", "map.h5", ranks=ranks)
    job.send_signal(signal.SIGCONT)
    assert job.wait() == 0
    check_finished(path, right, kills=0)


@pytest.mark.slow
def test_nothing_is_left_beside_the_map(tmp_path, reference):
    """Neither of a job that was killed on three ranks, once it is finished on fewer, nor of one that ended well."""
    scan_file, _, _ = reference
    path = tmp_path / "map.h5"
    job = start(scan_file, path, 3)
    wait_until(job, lambda: tiles_done(path) > 5)
    kill_job(job)
    scan(scan_file, path)
    assert os.listdir(tmp_path) == ["map.h5"]


@pytest.mark.parametrize("content", [b"", b"leftover", None], ids=["empty", "text", "folder"])
def test_leftovers_do_not_block(tmp_path, content):
    scan_file, leftover = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 31)]), tmp_path / "map.h5.tmp"
    if content is None:
        leftover.mkdir()
        done = run("run", scan_file, "-o", tmp_path / "map.h5", code=None)
        assert done.returncode in (2, 74) and "map.h5.tmp" in done.stderr
        return
    leftover.write_bytes(content)
    scan(scan_file, tmp_path / "map.h5")
    assert not leftover.exists()


@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("flags", [(), ("-q",), ("--json",)], ids=["plain", "quiet", "json"])
def test_resuming_a_finished_map(tmp_path, ranks, flags):
    scan_file, path = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 31)]), tmp_path / "map.h5"
    first = scan(scan_file, path)
    before = path.read_bytes()
    if flags == ("--json",):
        again = run_json("run", scan_file, "-o", path, *flags, ranks=ranks)
        assert again["complete"] and again["points_computed"] == 0
        assert again["content_hash"] == first["content_hash"] and again["best_fit"] == first["best_fit"]
    else:
        done = run("run", scan_file, "-o", path, *flags, ranks=ranks)
        assert done.stdout == ("" if flags else f"{path}: already complete\n")
    assert path.read_bytes() == before


def test_a_moved_scan_file_resumes_its_map(tmp_path):
    """Prose and place of a scan file do not matter, its numbers do."""
    first = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 31)], title="before")
    scan(first, tmp_path / "map.h5")
    (tmp_path / "elsewhere").mkdir()
    second = write_scan(tmp_path / "elsewhere", ["ess_ar"], [axis("eps_ee_uV", 31)], name="other.yaml", title="after")
    assert "already complete" in run("run", second, "-o", tmp_path / "map.h5").stdout


@pytest.mark.slow
@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 85), (signal.SIGUSR1, 85), (signal.SIGINT, 130)])
def test_signals_stop_in_good_order(tmp_path, reference, number, code):
    scan_file, right, _ = reference
    path = tmp_path / "map.h5"
    job = start(scan_file, path, None)
    wait_until(job, lambda: tiles_done(path) > 5)
    job.send_signal(number)
    assert job.wait() == code
    missing, finished = check_after_kill(path, right)
    assert missing > 0 and not finished and os.listdir(tmp_path) == ["map.h5"]
    resume(scan_file, path, 2, missing, finished)
    check_finished(path, right, kills=1)


@pytest.mark.slow
def test_mpirun_that_is_terminated_leaves_a_sound_map(tmp_path, reference):
    scan_file, right, _ = reference
    path = tmp_path / "map.h5"
    job = start(scan_file, path, 2)
    wait_until(job, lambda: tiles_done(path) > 5)
    ranks = descendants(job.pid)
    job.send_signal(signal.SIGTERM)
    job.wait()
    while any(alive(pid) for pid in ranks):
        time.sleep(0.001)
    resume(scan_file, path, 3, *check_after_kill(path, right))
    check_finished(path, right, kills=1)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_map_that_is_removed_ends_its_job(tmp_path, reference, ranks, how):
    """What goes on being written leads nowhere: the job must not end well."""
    scan_file, right, _ = reference
    path = tmp_path / "map.h5"
    job = start(scan_file, path, ranks)
    wait_until(job, lambda: tiles_done(path) > 5)
    path.unlink()
    if how == "replaced":
        path.write_bytes(Path(right).read_bytes())
    assert job.wait() == 74


@pytest.mark.parametrize("limit", ["1-0:00:00", "2-00", "0-1:00:00", "1:00", "3600"])
def test_times_that_are_limits(tmp_path, limit):
    """A day is a day: nothing but zeros stands behind it."""
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 31)])
    assert scan(scan_file, tmp_path / "map.h5", "--time-limit", limit)["complete"]


@pytest.mark.parametrize("limit", ["", "0", "0-0:00", "1-", "-1", "a", "1:2:3:4", "1.5", "1-2-3", "99999-0:00"])
def test_times_that_are_no_limits(tmp_path, limit):
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 31)])
    assert "--time-limit" in run("run", scan_file, "-o", tmp_path / "map.h5", f"--time-limit={limit}", code=2).stderr
    assert os.listdir(tmp_path) == ["scan.yaml"]
