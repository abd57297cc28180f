# SPDX-License-Identifier: GPL-3.0-or-later
"""Three hosts, one of which is lost while a scan runs: the job ends on every rank within 30 s and says why, and its map goes on.

Alone: /usr/bin/python3 -m pytest tests/faults/test_hosts.py -v -s -p no:cacheprovider     (as root; tests/faults/deps.sh first)
"""
import os
import re
import signal
import subprocess
import time

import pytest

from hosts import Hosts, why_not
from scans import CEVSCAN, SOURCE, reference_hash, status, tiles_done, write_scan
from slurm_cluster import Cluster, wait_until

REASON = why_not("munged", "slurmctld", "slurmd", "sbatch", "mpirun")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(REASON), reason=REASON)]
HERE = SOURCE / "tests" / "faults"
NODES = ["h1", "h2", "h3"]
MOST_SECONDS = 30


@pytest.fixture
def hosts():
    it = Hosts(4)
    yield it
    it.close()


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    path = write_scan(folder, points=1201)
    return path, reference_hash(path, folder)


def kill(pids, number=signal.SIGKILL):
    assert pids
    for pid in pids:
        os.kill(pid, number)


def hit(hosts, fault, host, daemons=()):
    if fault == "rank":
        kill(hosts.pids_of(host, CEVSCAN))
    if fault in ("daemon", "host"):
        kill([pid for name in daemons for pid in hosts.pids_of(host, name)])
    if fault in ("link", "power"):
        hosts.unplug(host)
    if fault in ("host", "power"):
        hosts.kill(host)
    if fault == "stop":
        hosts.stop(host)


def heal(hosts, fault, host):
    if fault in ("link", "power"):
        hosts.plug_in(host)
    if fault == "stop":
        hosts.go_on(host)


def ranks(hosts, names=NODES):
    return [pid for name in names for pid in hosts.pids_of(name, CEVSCAN)]


def wait_for_work(target):
    """Until a tenth of the map is done."""
    wait_until(lambda: (s := status(target)) and s["tiles_done"] > s["tiles"] / 10, 90, "a tenth of the map")


def time_to_end(hosts, fault, host):
    """Seconds until no rank is left; those of a stopped host cannot end before it goes on."""
    began = time.monotonic()
    names = [name for name in NODES if name != host] if fault == "stop" else NODES
    wait_until(lambda: not ranks(hosts, names), 150, f"the end of all ranks ({fault} of {host})")
    return time.monotonic() - began


def report(way, fault, host, seconds, reason):
    print(f"\n{way}: {fault} {host}: every rank has ended after {seconds:.1f} s: {reason}")


SILENT = r"cevscan: error on rank \d: rank \d on host h\d (has been silent|has not answered) for \d+ s"


def reason_in(text):
    """Our own words first, then the launcher's."""
    for pattern in (SILENT, r"cevscan: error.*", r"srun: error: (?!.*(Terminated|exit code 85)).*", r"slurmstepd.*error.*",
                    r"(mpirun noticed|ORTE has lost|.*lost connection|.*keepalive).*", r".*exited on signal.*"):
        if found := re.search(pattern, text):
            return found.group(0)
    return ""


# --- under SLURM ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(hosts, tmp_path_factory):
    it = Cluster(tmp_path_factory.mktemp("slurm"), hosts, cores=1)
    it.environment |= {"CEVSCAN": CEVSCAN, "CEVSCAN_JOBS": str(SOURCE / "jobs")}
    yield it
    it.close()


def revive(cluster, fault, host):
    """The host comes back, as after a restart if it was dead."""
    heal(cluster.hosts, fault, host)
    if fault in ("host", "power"):
        cluster.forget(host)
    if fault in ("daemon", "host", "power"):
        cluster.start_node(host)


# rank: one is killed; daemon: slurmd and slurmstepd; host: everything on it, its network answers that nobody is there; power: the
# same, and nothing answers; link: it is unplugged; stop: nothing on it runs any more. On h1 there are rank 0 and the job script.
FAULTS = [(fault, host) for host in ("h2", "h1") for fault in ("rank", "daemon", "host", "power", "link", "stop")]


@pytest.mark.parametrize("fault, host", FAULTS)
def test_slurm(cluster, hosts, tmp_path, scan, fault, host):
    path, reference = scan
    target, log = tmp_path / "map.h5", tmp_path / "job.log"
    line = ["--nodes=3", "--ntasks=3", f"--output={log}", SOURCE / "jobs" / "scan.sbatch", path, target]
    job = cluster.submit(*line, cwd=tmp_path)
    wait_for_work(target)
    hit(hosts, fault, host, ["slurmd", "slurmstepd", CEVSCAN] if fault == "host" else ["slurmd", "slurmstepd"])
    seconds = time_to_end(hosts, fault, host)
    text = log.read_text()
    report("slurm", fault, host, seconds, reason_in(text))
    done = tiles_done(target)
    revive(cluster, fault, host)
    wait_until(lambda: cluster.job(job)["Restarts"] != "0" or cluster.job(job)["JobState"] in ("FAILED", "NODE_FAIL"), 120, "the end of the job")
    if cluster.job(job)["Restarts"] == "0":
        print("  not queued again by itself, submitted anew")
        job = cluster.submit(*line, cwd=tmp_path)
    end = cluster.wait_for_end(job, 240)
    known = status(target)
    print(f"  {done} of {known['tiles']} tiles at the fault; then {end['JobState']}, {end['Restarts']} restarts, {known['sessions']} sessions, "
          f"hash {known['content_hash']}")
    assert end["JobState"] == "COMPLETED", log.read_text()
    assert known["complete"] and known["content_hash"] == reference
    assert seconds < MOST_SECONDS
    assert reason_in(text) or (host == "h1" and fault in ("daemon", "host", "power", "stop")), text  # there stderr is gone with the host
    wait_until(lambda: not ranks(hosts), 30, "no rank left over")
    assert [p.name for p in tmp_path.glob("map*")] == ["map.h5"]


# --- under mpirun ---------------------------------------------------------------------------------------------------------


def start_mpirun(hosts, scan, target, log):
    """On h1; the keep-alives are those that jobs/README.md advises."""
    places = ",".join(f"{hosts.address[name]}:1" for name in NODES)
    settings = {"plm": "rsh", "plm_rsh_agent": f"{HERE / 'remote_shell.sh'} {hosts.tag}", "oob_tcp_if_include": "e0", "btl_tcp_if_include": "e0",
                "oob_tcp_keepalive_time": "4", "oob_tcp_keepalive_intvl": "2", "oob_tcp_keepalive_probes": "3"}
    words = [word for key, value in settings.items() for word in ("--mca", key, value)]
    environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    with log.open("ab") as out:
        return subprocess.Popen(hosts.on("h1", "mpirun", "-n", "3", "--host", places, "--bind-to", "none", *words, CEVSCAN, "run", "--quiet",
                                         "--threads=1", f"--output={target}", "--", str(scan)),
                                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True)


MPIRUN_FAULTS = [("rank", "h2"), ("daemon", "h2"), ("host", "h2"), ("power", "h2"), ("link", "h2"), ("stop", "h2"),
                 ("rank", "h1"), ("link", "h1"), ("stop", "h1")]


@pytest.mark.parametrize("fault, host", MPIRUN_FAULTS)
def test_mpirun(hosts, tmp_path, scan, fault, host):
    path, reference = scan
    target, log = tmp_path / "map.h5", tmp_path / "log"
    job = start_mpirun(hosts, path, target, log)
    wait_for_work(target)
    hit(hosts, fault, host, ["orted", CEVSCAN] if fault == "host" else ["orted"])
    seconds = time_to_end(hosts, fault, host)
    text = log.read_text()
    report("mpirun", fault, host, seconds, reason_in(text))
    done = tiles_done(target)
    heal(hosts, fault, host)
    try:
        code = job.wait(60)
    except subprocess.TimeoutExpired:
        code = "none, it had to be killed"
        job.kill()
        job.wait()
    wait_until(lambda: not ranks(hosts), MOST_SECONDS, "the end of the ranks that had been stopped")
    print(f"  exit code of mpirun: {code}")
    again = start_mpirun(hosts, path, target, log)
    assert again.wait(120) == 0, log.read_text()
    known = status(target)
    print(f"  {done} of {known['tiles']} tiles at the fault; then {known['sessions']} sessions, hash {known['content_hash']}")
    assert known["complete"] and known["content_hash"] == reference
    assert code != 0
    assert seconds < MOST_SECONDS
    assert reason_in(text), text
    assert [p.name for p in tmp_path.glob("map*")] == ["map.h5"]
