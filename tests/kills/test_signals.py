# SPDX-License-Identifier: GPL-3.0-or-later
"""Stops in good order: signals, time limits, and what a second signal does."""
import signal
import time

import pytest

from killing import (COMPLETE, INTERRUPTED, STOPPED, Job, Reference, debris, errors_in, run_command, send, slow_scan, slow_tiles_scan,
                     status_of, wait_for, wait_for_tiles)

GRACE_S = 10        # the documented bound, by default
CLOSING_S = 5       # for reading messages and closing the map


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    return Reference(slow_scan(folder), folder / "reference.h5")


@pytest.fixture(scope="module")
def slow_tiles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow_tiles")
    return Reference(slow_tiles_scan(folder), folder / "reference.h5")


def finish_in_time(job, bound=GRACE_S + CLOSING_S):
    """(exit code, stdout, stderr, seconds)."""
    started = time.monotonic()
    code, out, err = job.finish(bound)
    return code, out, err, time.monotonic() - started


def assert_stopped_in_order(reference, map_path):
    n_done = reference.assert_sound(map_path)
    status = status_of(map_path)
    assert 0 < n_done < reference.n_tile and status["content_hash"] == ""
    assert status["end"] != "", "the session's end is not recorded"
    assert debris(map_path) == []


def signal_is_taken(pid, number):
    """Neither pending for the process nor for its main thread."""
    try:
        text = open(f"/proc/{pid}/status").read()
    except FileNotFoundError:
        return True
    masks = [int(line.split()[1], 16) for line in text.splitlines() if line.startswith(("SigPnd", "ShdPnd"))]
    return not any(mask >> (number - 1) & 1 for mask in masks)


def send_and_see_it_taken(pid, number):
    send(pid, number)
    wait_for(lambda: signal_is_taken(pid, number), 10, f"signal {number} stays pending")


# --- one signal -----------------------------------------------------------------------------------------------------

CODES = {"USR1": STOPPED, "TERM": STOPPED, "INT": INTERRUPTED}


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("rank", ["alone", "first of 3", "last of 3"])
def test_signal_to_a_rank(slow, tmp_path, name, rank):
    map_path = tmp_path / "map.h5"
    job = Job(run_command(slow.scan, map_path, None if rank == "alone" else 3), tmp_path)
    wait_for_tiles(job, map_path, 5)
    send(job.ranks()[-1 if rank == "last of 3" else 0], getattr(signal, "SIG" + name))
    code, out, err, _ = finish_in_time(job)
    assert code == CODES[name], err
    assert not errors_in(err)
    assert "the same command goes on" in out
    assert_stopped_in_order(slow, map_path)
    slow.assert_resumes(map_path, {"alone": 2, "first of 3": None, "last of 3": 2}[rank])


@pytest.mark.quick
@pytest.mark.parametrize("ranks", [1, 2])
def test_usr1_to_mpirun_reaches_the_ranks(slow, tmp_path, ranks):
    map_path = tmp_path / "map.h5"
    job = Job(run_command(slow.scan, map_path, ranks), tmp_path)
    wait_for_tiles(job, map_path, 5)
    send(job.process.pid, signal.SIGUSR1)
    code, _, err, _ = finish_in_time(job)
    assert code == STOPPED, err
    assert_stopped_in_order(slow, map_path)
    slow.assert_resumes(map_path)


def test_signal_to_every_rank(slow, tmp_path):
    """As SLURM does with --signal=USR1@60."""
    map_path = tmp_path / "map.h5"
    job = Job(run_command(slow.scan, map_path, 3), tmp_path)
    wait_for_tiles(job, map_path, 5)
    for pid in job.ranks():
        send(pid, signal.SIGUSR1)
    code, _, err, _ = finish_in_time(job)
    assert code == STOPPED, err
    assert_stopped_in_order(slow, map_path)
    slow.assert_resumes(map_path)


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_signal_that_ends_mpirun_leaves_a_sound_map(slow, tmp_path, name):
    """mpirun kills its ranks by itself then, and its exit code is its own."""
    map_path = tmp_path / "map.h5"
    job = Job(run_command(slow.scan, map_path, 2), tmp_path)
    wait_for_tiles(job, map_path, 5)
    send(job.process.pid, getattr(signal, "SIG" + name))
    code, _, _, _ = finish_in_time(job, 60)
    assert code != COMPLETE
    assert slow.assert_sound(map_path) > 0
    slow.assert_resumes(map_path)


def test_signal_before_the_first_tile(slow, tmp_path):
    """At its earliest: as soon as the lock says that the scan is at work."""
    map_path = tmp_path / "map.h5"
    job = Job(run_command(slow.scan, map_path), tmp_path)
    wait_for(lambda: (tmp_path / "map.h5.lock").exists(), 60, "the scan does not begin", pause=0.0002)
    send(job.process.pid, signal.SIGUSR1)
    code, _, err, _ = finish_in_time(job)
    assert code == STOPPED, err
    assert debris(map_path) == []
    assert not map_path.exists() or slow.assert_sound(map_path) < slow.n_tile
    slow.assert_resumes(map_path)


# --- slow tiles, second signals and limits --------------------------------------------------------------------------

def begin_slow_tile(reference, map_path, ranks=None, *options):
    job = Job(run_command(reference.scan, map_path, ranks, *options), map_path.parent)
    wait_for(lambda: job.is_over() or status_of(map_path), 60, "there is no map")
    return job


@pytest.mark.parametrize("ranks", [None, 2])
def test_tile_in_work_is_finished_within_the_grace(slow_tiles, tmp_path, ranks):
    map_path = tmp_path / "map.h5"
    job = begin_slow_tile(slow_tiles, map_path, ranks)
    send(job.ranks()[0], signal.SIGUSR1)
    code, _, err, _ = finish_in_time(job)
    assert code == STOPPED, err
    assert_stopped_in_order(slow_tiles, map_path)


@pytest.mark.parametrize("ranks", [None, 2])
def test_grace_zero_drops_the_tile_in_work(slow_tiles, tmp_path, ranks):
    map_path = tmp_path / "map.h5"
    job = begin_slow_tile(slow_tiles, map_path, ranks, "--grace", "0")
    before = status_of(map_path)["tiles_done"]
    send(job.ranks()[0], signal.SIGUSR1)
    code, _, err, _ = finish_in_time(job)
    assert code == STOPPED, err
    assert slow_tiles.assert_sound(map_path) == before
    assert debris(map_path) == []
    slow_tiles.assert_resumes(map_path)


@pytest.mark.parametrize("first, second", [("USR1", "USR1"), ("TERM", "INT"), ("INT", "INT")])
def test_second_signal_ends_at_once(slow_tiles, tmp_path, first, second):
    map_path = tmp_path / "map.h5"
    job = begin_slow_tile(slow_tiles, map_path)
    before = status_of(map_path)["tiles_done"]
    send_and_see_it_taken(job.process.pid, getattr(signal, "SIG" + first))
    send(job.process.pid, getattr(signal, "SIG" + second))
    code, _, _, _ = finish_in_time(job)
    assert code == CODES[second]
    assert slow_tiles.assert_sound(map_path) == before, "it finished its tile first"
    slow_tiles.assert_resumes(map_path)


def test_second_signal_to_a_rank_of_two(slow_tiles, tmp_path):
    map_path = tmp_path / "map.h5"
    job = begin_slow_tile(slow_tiles, map_path, 2)
    victim = job.ranks()[1]
    send_and_see_it_taken(victim, signal.SIGUSR1)
    send(victim, signal.SIGUSR1)
    code, _, _, _ = finish_in_time(job, 30)
    assert code == STOPPED
    slow_tiles.assert_sound(map_path)
    slow_tiles.assert_resumes(map_path)


@pytest.mark.parametrize("ranks", [None, 2])
def test_time_limit(slow, tmp_path, ranks):
    map_path = tmp_path / "map.h5"
    job = Job(run_command(slow.scan, map_path, ranks, "--time-limit", "1"), tmp_path)
    code, out, err, _ = finish_in_time(job, 1 + GRACE_S + CLOSING_S)
    assert code == STOPPED, err
    assert "stopped after" in out
    assert_stopped_in_order(slow, map_path)
    slow.assert_resumes(map_path)


def test_lives_in_small_steps_until_it_is_complete(slow, tmp_path):
    """As a requeued job: every life brings some tiles, and the last one completes the map."""
    map_path = tmp_path / "map.h5"
    done, lives, code = 0, 0, STOPPED
    while code == STOPPED:
        job = Job(run_command(slow.scan, map_path, None if lives % 2 else 2, "--time-limit", "1"), tmp_path)
        code, _, err, _ = finish_in_time(job, 60)
        assert code in (STOPPED, COMPLETE), err
        now = status_of(map_path)["tiles_done"]
        assert now > done
        done, lives = now, lives + 1
    assert lives >= 2 and status_of(map_path)["sessions"] == lives
    slow.assert_finished(map_path)
