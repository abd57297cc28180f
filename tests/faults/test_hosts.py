# SPDX-License-Identifier: GPL-3.0-or-later
"""Three hosts, one of which is lost while a scan runs: the job ends on every rank within 30 s and says why, and its map goes on.

Each fault has a job and three hosts of its own, and all happen at once, for most of the time is spent waiting. What is called
silence here is told to take 20 s.

Alone: /usr/bin/python3 -m pytest tests/faults/test_hosts.py -v -s -p no:cacheprovider     (as root; tests/faults/deps.sh first)
"""
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from hosts import Hosts, why_not
from scans import CEVSCAN, SOURCE, reference_hash, status, write_scan
from slurm_cluster import Cluster
from waiting import together

REASON = why_not("munged", "slurmctld", "slurmd", "sbatch", "mpirun")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(REASON), reason=REASON)]
HERE = SOURCE / "tests" / "faults"
MOST_SECONDS = 30


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    path = write_scan(folder, points=801)
    return path, reference_hash(path, folder)


def kill(pids):
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


@dataclass
class Fault:
    """What happens to one of three hosts. rank: its rank is killed; daemon: the launcher's daemons; host: everything on it, and its
    network answers that nobody is there; power: the same, and nothing answers; link: it is unplugged; stop: nothing on it runs any
    more. The first host has rank 0, and the job script or mpirun."""

    what: str
    on_first: bool
    names: list  # of the hosts
    folder: Path
    hosts: Hosts
    daemons: tuple

    def __post_init__(self):
        self.folder.mkdir()
        self.host = self.names[0 if self.on_first else 1]
        self.map, self.log = self.folder / "map.h5", self.folder / "job.log"

    def __str__(self):
        return f"{self.what} of the {'first' if self.on_first else 'second'} host"

    def happen(self):
        hosts, host = self.hosts, self.host
        if self.what == "rank":
            kill(hosts.pids_of(host, CEVSCAN))
        if self.what == "daemon":
            kill([pid for name in self.daemons for pid in hosts.pids_of(host, name)])
        if self.what in ("link", "power"):
            hosts.unplug(host)
        if self.what in ("host", "power"):
            hosts.kill(host)
        if self.what == "stop":
            hosts.stop(host)

    def heal(self):
        if self.what in ("link", "power"):
            self.hosts.plug_in(self.host)
        if self.what == "stop":
            self.hosts.go_on(self.host)

    def ranks(self, names=None):
        return [pid for name in names or self.names for pid in self.hosts.pids_with(name, CEVSCAN, "run")]

    def text(self):
        return "\n".join(path.read_text(errors="replace") for path in [self.log, *sorted(self.folder.glob("stderr.*"))])

    def hits_launcher(self, *whats):
        """srun or mpirun, which writes what the ranks say, is on the first host."""
        return self.on_first and self.what in whats

    def story(self):
        """Waits for a tenth of the map, lets it happen, and waits for the end of all ranks; those of a stopped host cannot end
        before it goes on."""
        yield lambda: (s := status(self.map)) and s["tiles_done"] > s["tiles"] / 10, 120, "a tenth of the map"
        before = status(self.map)
        assert not before["complete"]
        self.happen()
        began = time.monotonic()
        names = [name for name in self.names if name != self.host] if self.what == "stop" else self.names
        yield lambda: not self.ranks(names), 150, "the end of all ranks"
        self.seconds = time.monotonic() - began
        after = status(self.map)
        self.kept = f"{before['tiles_done']} of {before['tiles']} tiles at the fault, {after['tiles_done']} at the end"
        assert after["tiles_done"] >= before["tiles_done"]

    def check(self, reference, ending):
        """Once the scan has been resumed. The reason must have been said before that."""
        known = status(self.map)
        print(f"\n{self}: all ranks have ended after {self.seconds:.1f} s, {ending}\n  {self.reason}\n  {self.kept}; resumed in "
              f"{known['sessions']} sessions, hash {known['content_hash']}")
        assert known["complete"] and known["content_hash"] == reference
        assert self.seconds < MOST_SECONDS
        assert not self.ranks()
        assert [p.name for p in self.folder.glob("map*")] == ["map.h5"]


ALL = ["rank", "daemon", "host", "power", "link", "stop"]


def faults(hosts, folder, on_first, daemons):
    three = [hosts.names[k:k + 3] for k in range(1, len(hosts.names), 3)]
    return [Fault(what, on_first, names, folder / what, hosts, daemons) for what, names in zip(ALL, three)]


# Our own words first, then the launcher's.
REASONS = (r"cevscan: error on rank \d: rank \d on host h\d+ has been silent for \d+ s", r"cevscan: error.*",
           r"srun: error: (?!.*(Terminated|exit code 85)).*", r"slurmstepd.*error.*",
           r"(mpirun noticed|ORTE has lost|.*lost connection|.*keepalive).*", r".*exited on signal.*")


def reason_in(text):
    return next((found.group(0) for pattern in REASONS if (found := re.search(pattern, text))), "")


# --- under SLURM ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path_factory):
    hosts = Hosts(1 + 3 * len(ALL))
    try:
        it = Cluster(tmp_path_factory.mktemp("slurm"), hosts, cores=1)
        it.environment |= {"CEVSCAN": CEVSCAN, "CEVSCAN_JOBS": str(SOURCE / "jobs"), "CEVSCAN_SILENCE": "20"}
        yield it
        it.close()
    finally:
        hosts.close()


def revive(cluster, fault):
    """The host comes back, as after a restart if it was dead."""
    fault.heal()
    if fault.what in ("host", "power"):
        cluster.forget(fault.host)
    if fault.what in ("daemon", "host", "power"):
        cluster.start_node(fault.host)


def slurm_story(cluster, fault, path, reference):
    # Where the log's writer is hit, the reason is looked for in what the ranks' own daemons write.
    own_stderr = {"SLURM_STDERRMODE": str(fault.folder / "stderr.%t")} if fault.hits_launcher("host", "power", "stop") else {}

    def submit():
        return cluster.submit(f"--nodelist={','.join(fault.names)}", "--nodes=3", "--ntasks=3", f"--output={fault.log}",
                              SOURCE / "jobs" / "scan.sbatch", path, fault.map, cwd=fault.folder, **own_stderr)

    job = submit()
    yield from fault.story()
    revive(cluster, fault)
    over = time.monotonic()
    first = yield lambda: (j := cluster.job(job)) and (j["Restarts"] != "0" or j["JobState"] in cluster.END.split()) and j, 120, "the end of the job"
    ending = f"the job is {first['JobState']} {time.monotonic() - over:.0f} s later, restarts {first['Restarts']}"
    fault.reason = reason_in(fault.text())
    if first["Restarts"] == "0":
        job = submit()
        ending += ", submitted anew"
    end = yield lambda: (j := cluster.job(job)) and j["JobState"] in cluster.END.split() and j, 240, "the end of the resumed job"
    assert (end["JobState"], end["ExitCode"]) == ("COMPLETED", "0:0"), fault.text()
    yield lambda: not fault.ranks(), 30, "the end of ranks left over"
    fault.check(reference, ending)
    assert fault.reason, fault.text()


@pytest.mark.parametrize("on_first", [False, True], ids=["second", "first"])
def test_slurm(cluster, tmp_path, scan, on_first):
    together({str(f): slurm_story(cluster, f, *scan)
              for f in faults(cluster.hosts, tmp_path, on_first, ("slurmd", "slurmstepd"))})


# --- under mpirun ---------------------------------------------------------------------------------------------------------


def start_mpirun(fault, path):
    """On the first host; the keep-alives are those that jobs/README.md advises."""
    places = ",".join(f"{fault.hosts.address[name]}:1" for name in fault.names)
    settings = {"plm": "rsh", "plm_rsh_agent": f"{HERE / 'remote_shell.sh'} {fault.hosts.tag}", "oob_tcp_if_include": "e0",
                "btl_tcp_if_include": "e0", "oob_tcp_keepalive_time": "4", "oob_tcp_keepalive_intvl": "2", "oob_tcp_keepalive_probes": "3"}
    words = [word for key, value in settings.items() for word in ("--mca", key, value)]
    environment = os.environ | {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    with fault.log.open("ab") as out:
        return subprocess.Popen(fault.hosts.on(fault.names[0], "mpirun", "-n", "3", "--host", places, "--bind-to", "none", *words, CEVSCAN,
                                               "run", "--quiet", "--threads=1", "--silence=20", f"--output={fault.map}", "--", str(path)),
                                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=environment, start_new_session=True)


def mpirun_story(fault, path, reference):
    job = start_mpirun(fault, path)
    yield from fault.story()
    fault.heal()
    code = yield lambda: (c := job.poll()) is not None and (c, ), 60, "the end of mpirun"
    yield lambda: not fault.ranks(), MOST_SECONDS, "the end of the ranks that had been stopped"
    fault.reason = reason_in(fault.text())
    again = start_mpirun(fault, path)
    resumed = yield lambda: (c := again.poll()) is not None and (c, ), 240, "the end of the resumed scan"
    assert resumed == (0, ), fault.text()
    fault.check(reference, f"mpirun returned {code[0]}")
    assert code != (0, )
    assert fault.reason or fault.hits_launcher("daemon", "host", "power"), fault.text()  # mpirun is dead, and says nothing any more


@pytest.fixture
def hosts():
    it = Hosts(1 + 3 * len(ALL))
    yield it
    it.close()


@pytest.mark.parametrize("on_first", [False, True], ids=["second", "first"])
def test_mpirun(hosts, tmp_path, scan, on_first):
    daemons = ("mpirun" if on_first else "orted", )
    together({str(f): mpirun_story(f, *scan) for f in faults(hosts, tmp_path, on_first, daemons)})
