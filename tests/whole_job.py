# SPDX-License-Identifier: GPL-3.0-or-later
"""Killing a whole job: mpirun and all its ranks, as close to at once as can be."""
import os
import signal
import time
from pathlib import Path


def children():
    """{parent: [pid, ...]} of all processes that have not ended."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:  # ended meanwhile
            continue
        if state not in "ZX":
            found.setdefault(int(parent), []).append(int(stat.parent.name))
    return found


def descendants(pid):
    tree, found, left = children(), [], [pid]
    while left:
        pid = left.pop()
        found.append(pid)
        left += tree.get(pid, [])
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def kill_job(job):
    """SIGKILL for mpirun and all its ranks, as close to at once as can be: mpirun puts its ranks into groups of their own,
    and they would go on writing until they notice that it is gone."""
    stopped = []
    while set(now := descendants(job.pid)) - set(stopped):
        for pid in now:
            send(pid, signal.SIGSTOP)
        stopped = now
    for pid in stopped:
        send(pid, signal.SIGKILL)
    job.wait()
    while any(alive(pid) for pid in stopped):
        time.sleep(0.001)


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
