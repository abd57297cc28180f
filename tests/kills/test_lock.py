# SPDX-License-Identifier: GPL-3.0-or-later
"""One job writes a map at a time. The lock's watch lasts 12 s, so what has to wait for it is slow."""
import os
import re
import signal
import socket
import subprocess
import time

import h5py
import numpy as np
import pytest

import killing
from killing import (BAD_INPUT, COMPLETE, IO, Job, Reference, debris, environment, errors_in, run_command, send, wait_for,
                     wait_for_tiles)

WATCH_S = 12


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    return Reference(killing.small_scan(folder), folder / "reference.h5")


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    return Reference(killing.slow_scan(folder), folder / "reference.h5")


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Long enough for other jobs to begin and end beside it."""
    folder = tmp_path_factory.mktemp("long")
    scan = killing.write_scan(folder / "long.yaml", (3000, 3000), (100, 100), killing.DETECTORS, pulls=False)
    return Reference(scan, folder / "reference.h5")


def lock_of(map_path):
    return map_path.with_name(map_path.name + ".lock")


def lock_text(host, pid=4242, born=777, job="-", restart=0):
    """Of a process whose number means here what it means there, if the host is this one."""
    text = f"cevscan-lock 1 host {host} pid {pid} born {born} job {job} restart {restart}"
    if host == socket.gethostname():
        text += f" boot {open('/proc/sys/kernel/random/boot_id').read().strip()} pidns {os.readlink('/proc/self/ns/pid')}"
    return text + "\n"


def assert_refused(result, *words):
    code, _, err = result
    assert code == BAD_INPUT, err
    (message,) = errors_in(err)
    for word in words:
        assert str(word) in message


def begin_slow(slow, map_path, ranks=None):
    job = Job(run_command(slow.scan, map_path, ranks), map_path.parent)
    wait_for_tiles(job, map_path)
    return job


# --- a living holder ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("first, second", [(None, None), (2, None), (None, 2)])
def test_second_job_is_refused(long, tmp_path, first, second):
    map_path = tmp_path / "map.h5"
    job = begin_slow(long, map_path, first)
    holder = re.search(r"pid (\d+)", lock_of(map_path).read_text())[1]
    assert_refused(Job(run_command(long.scan, map_path, second), tmp_path).finish(), socket.gethostname(), holder)
    code, _, err = job.finish()
    assert code == COMPLETE, err
    long.assert_finished(map_path)


def test_stopped_holder_keeps_its_lock(slow, tmp_path):
    """SIGSTOP, as a debugger or a suspended job: it lives, on this host, although it does not renew its lock."""
    map_path = tmp_path / "map.h5"
    job = begin_slow(slow, map_path)
    send(job.process.pid, signal.SIGSTOP)
    assert_refused(Job(run_command(slow.scan, map_path), tmp_path).finish(), job.process.pid)
    send(job.process.pid, signal.SIGCONT)
    assert job.finish()[0] == COMPLETE
    slow.assert_finished(map_path)


def test_verify_and_status_read_beside_a_job(slow, tmp_path):
    map_path = tmp_path / "map.h5"
    job = begin_slow(slow, map_path)
    for command in ("status", "verify"):
        code, _, err = killing.cevscan(command, map_path)
        assert code == COMPLETE, err
    assert job.finish()[0] == COMPLETE
    slow.assert_finished(map_path)


# --- a dead holder --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("ranks", [None, 2])
def test_lock_of_a_killed_job_does_not_block(slow, tmp_path, ranks):
    map_path = tmp_path / "map.h5"
    job = begin_slow(slow, map_path, ranks)
    job.kill_everything()
    job.process.wait()
    wait_for(lambda: not job.processes(), 30, "ranks live on")
    assert lock_of(map_path).exists()
    slow.assert_resumes(map_path)


@pytest.mark.quick
def test_pid_of_somebody_else_does_not_block(reference, tmp_path):
    """The holder died, and its number was given to another process."""
    map_path = tmp_path / "map.h5"
    lock_of(map_path).write_text(lock_text(socket.gethostname(), pid=os.getpid(), born=1))
    reference.assert_resumes(map_path)


@pytest.mark.quick
def test_stale_lock_beside_a_finished_map_goes(reference, tmp_path):
    map_path = tmp_path / "map.h5"
    reference.assert_resumes(map_path)
    lock_of(map_path).write_text(lock_text(socket.gethostname(), pid=1, born=1))
    killing.scan_to_end(reference.scan, map_path)
    assert debris(map_path) == []


def test_repair_through_a_link_meets_the_lock_of_the_map_itself(slow, tmp_path):
    map_path, link = tmp_path / "map.h5", tmp_path / "link.h5"
    job = begin_slow(slow, map_path)
    send(job.process.pid, signal.SIGSTOP)
    link.symlink_to(map_path)
    with h5py.File(map_path, "r+") as f:
        f["tiles/digest"][int(np.flatnonzero(f["tiles/done"][...])[0])] = 0
    before = map_path.read_bytes()
    code, _, err = killing.cevscan("verify", "--repair", link)
    assert code == BAD_INPUT and "another job is writing this map" in errors_in(err)[0], err
    assert map_path.read_bytes() == before and not lock_of(link).exists()


# --- containers of one name -----------------------------------------------------------------------------------------

def can_unshare():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-p", "-f", "--mount-proc", "true"], capture_output=True).returncode == 0


IN_CONTAINER = ["unshare", "-p", "-f", "--mount-proc"]


@pytest.mark.skipif(not can_unshare(), reason="needs the right to make pid namespaces")
@pytest.mark.parametrize("inside", [(True, True), (True, False), (False, True)])
def test_containers_of_one_hostname_do_not_take_each_others_lock(long, tmp_path, inside):
    """A pid of another namespace says nothing here: not that its process is gone, and not that it lives."""
    map_path = tmp_path / "map.h5"
    first, second = (([*IN_CONTAINER] if within else []) + run_command(long.scan, map_path) for within in inside)
    job = Job(first, tmp_path)
    wait_for_tiles(job, map_path)
    held = lock_of(map_path).read_text()
    assert_refused(Job(second, tmp_path).finish(), "another job is writing this map", socket.gethostname())
    assert lock_of(map_path).read_text() == held and not job.is_over()
    send(job.ranks()[0], signal.SIGUSR1)
    job.finish()
    long.assert_sound(map_path)
    assert debris(map_path) == []


@pytest.mark.slow
@pytest.mark.skipif(not can_unshare(), reason="needs the right to make pid namespaces")
def test_lock_of_a_container_that_is_gone_does_not_block(reference, slow, tmp_path):
    map_path = tmp_path / "map.h5"
    job = Job([*IN_CONTAINER, *run_command(slow.scan, map_path)], tmp_path)
    wait_for_tiles(job, map_path)
    job.kill_everything()
    job.process.wait()
    assert lock_of(map_path).exists()
    slow.assert_resumes(map_path)


# --- other hosts and requeued jobs ----------------------------------------------------------------------------------

@pytest.mark.slow
def test_other_host_that_renews_its_lock_blocks(reference, tmp_path):
    map_path = tmp_path / "map.h5"
    lock = lock_of(map_path)
    lock.write_text(lock_text("elsewhere", job="1234"))
    job = Job(run_command(reference.scan, map_path), tmp_path)
    while not job.is_over():
        os.utime(lock)
        time.sleep(0.5)  # as its holder would
    assert_refused(job.finish(), "elsewhere", 4242, 1234)
    assert lock.read_text() == lock_text("elsewhere", job="1234") and not map_path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("text", [lock_text("elsewhere"), lock_text("elsewhere", job="9"), "", "cevscan-lo", "\0" * 100, "x" * 5000])
def test_lock_that_nobody_renews_does_not_block(reference, tmp_path, text):
    """Of another host, empty, torn or no lock at all."""
    map_path = tmp_path / "map.h5"
    lock_of(map_path).write_text(text)
    started = time.monotonic()
    reference.assert_resumes(map_path)
    assert time.monotonic() - started > WATCH_S - 2, "it did not watch"


def take_over(reference, map_path, **slurm):
    env = environment(**{f"SLURM_{name}": str(value) for name, value in slurm.items()}, SLURM_JOB_END_TIME=str(int(time.time()) + 3600))
    started = time.monotonic()
    result = Job(run_command(reference.scan, map_path), map_path.parent, env).finish()
    return result, time.monotonic() - started


def test_requeued_job_takes_over_at_once(reference, tmp_path):
    map_path = tmp_path / "map.h5"
    lock_of(map_path).write_text(lock_text("elsewhere", job="55", restart=1))
    (code, _, err), seconds = take_over(reference, map_path, JOB_ID=55, RESTART_COUNT=2)
    assert code == COMPLETE, err
    assert seconds < WATCH_S
    reference.assert_finished(map_path)


@pytest.mark.slow
@pytest.mark.parametrize("job, restart", [(55, 1), (56, 2), (55, 0)])
def test_others_watch_first(reference, tmp_path, job, restart):
    """The same life of the job, another job, an older life."""
    map_path = tmp_path / "map.h5"
    lock_of(map_path).write_text(lock_text("elsewhere", job="55", restart=1))
    (code, _, err), seconds = take_over(reference, map_path, JOB_ID=job, RESTART_COUNT=restart)
    assert code == COMPLETE, err
    assert seconds > WATCH_S - 2
    reference.assert_finished(map_path)


# --- losing it ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("ranks", [None, 2])
@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_holder_that_lost_its_lock_stops(long, tmp_path, how, ranks):
    map_path = tmp_path / "map.h5"
    job = begin_slow(long, map_path, ranks)
    theirs = lock_text("successor", pid=1)
    if how == "replaced":
        fresh = tmp_path / "fresh"
        fresh.write_text(theirs)
        fresh.rename(lock_of(map_path))
    else:
        lock_of(map_path).unlink()
    code, _, err = job.finish()
    assert code == IO, err
    (message,) = errors_in(err)
    assert "has taken the file over" in message
    assert how == "removed" or lock_of(map_path).read_text() == theirs, "the successor's lock is gone"
    long.assert_sound(map_path)


def test_lock_that_is_a_link_is_not_followed(reference, tmp_path):
    victim, map_path = tmp_path / "victim", tmp_path / "map.h5"
    for text in (b"precious", lock_text(socket.gethostname(), pid=1, born=1).encode()):
        victim.write_bytes(text)
        lock_of(map_path).symlink_to(victim)
        code, _, err = Job(run_command(reference.scan, map_path), tmp_path).finish()
        assert code in (BAD_INPUT, IO) and ".lock" in errors_in(err)[0]
        assert victim.read_bytes() == text and lock_of(map_path).is_symlink() and not map_path.exists()
        lock_of(map_path).unlink()


# --- races ----------------------------------------------------------------------------------------------------------

def one_wins(reference, map_path, commands):
    jobs = [Job(command, map_path.parent) for command in commands]
    results = [job.finish() for job in jobs]
    codes = sorted(code for code, _, _ in results)
    assert codes[0] == COMPLETE and set(codes) <= {COMPLETE, BAD_INPUT}, results
    for code, _, err in results:
        assert (code == COMPLETE) == (not errors_in(err)), err
    reference.assert_finished(map_path)
    return codes


@pytest.mark.parametrize("resumed", [False, True])
def test_jobs_that_start_together(reference, tmp_path, resumed):
    """On a new map, and on that of a job that was killed: its stale lock is there, too."""
    for k in range(20 if not resumed else 10):
        map_path = tmp_path / f"map{k}.h5"
        if resumed:
            killing.cevscan("run", "--shard", "1/3", "-o", map_path, reference.scan)
            lock_of(map_path).write_text(lock_text(socket.gethostname(), pid=1, born=1))
        one_wins(reference, map_path, [run_command(reference.scan, map_path) for _ in range(2)])
        map_path.unlink()


@pytest.mark.slow
def test_many_jobs_that_start_together(reference, tmp_path):
    for k in range(10):
        map_path = tmp_path / f"map{k}.h5"
        lock_of(map_path).write_text(lock_text(socket.gethostname(), pid=1, born=1))
        one_wins(reference, map_path, [run_command(reference.scan, map_path, 2 if n == 0 else None) for n in range(5)])
        map_path.unlink()
