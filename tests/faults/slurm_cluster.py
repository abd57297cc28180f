# SPDX-License-Identifier: GPL-3.0-or-later
"""A SLURM of our own in a folder: munged, slurmctld and one slurmd on each host (hosts.py). Everything runs in the foreground as
a child of the tests, and ends with them."""
import json
import os
import shutil
import subprocess
from pathlib import Path

from waiting import wait_until

CONFIGURATION = """\
ClusterName=cevtest
SlurmctldHost={head}({head_address})
SlurmctldPort=6817
SlurmdPort=6818
AuthType=auth/munge
# A requeued job waits as long as a credential lives: by default two minutes, and no less than five seconds.
AuthInfo=socket={folder}/munge.socket,cred_expire={requeue_wait}
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
SlurmctldTimeout=10
SlurmdTimeout={node_timeout}
MessageTimeout=5
JobRequeue=1
MinJobAge=3600
{nodes}
PartitionName=main Nodes={first}-{last}] Default=YES MaxTime=INFINITE State=UP
"""


class Cluster:
    """The first host gives orders, the others are nodes with `cores` cores each (of which the machine may have fewer)."""

    def __init__(self, folder, hosts, cores=1, requeue_wait=5, node_timeout=300):
        self.folder, self.hosts, self.head, self.nodes = Path(folder), hosts, hosts.names[0], hosts.names[1:]
        self.daemon = {}
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM", "PMI", "OMPI"))}
        self.environment["SLURM_CONF"] = str(self.folder / "slurm.conf")
        self._write(cores, requeue_wait, node_timeout)
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    # --- coming and going

    def _write(self, cores, requeue_wait, node_timeout):
        for name in ["state", "log", *(f"spool.{n}" for n in self.nodes), *(f"etc/{n}" for n in self.nodes), *(f"pmix/{n}" for n in self.nodes)]:
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        lines = [f"NodeName={n} NodeAddr={self.hosts.address[n]} CPUs={cores} RealMemory=8000 State=UNKNOWN" for n in self.nodes]
        (self.folder / "slurm.conf").write_text(CONFIGURATION.format(
            folder=self.folder, head=self.head, head_address=self.hosts.address[self.head], requeue_wait=requeue_wait, node_timeout=node_timeout,
            nodes="\n".join(lines), first=self.nodes[0].replace("h", "h["), last=self.nodes[-1][1:]))
        for n in self.nodes:
            (self.folder / "etc" / n / "slurm.conf").symlink_to(self.folder / "slurm.conf")
            (self.folder / "etc" / n / "mpi.conf").write_text(f"PMIxCliTmpDirBase={self.folder}/pmix/{n}\n")

    def _spawn(self, name, host, *command, **environment):
        log = (self.folder / "log" / f"{name}.log").open("ab")
        self.daemon[name] = subprocess.Popen(self.hosts.on(host, *command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             env={**self.environment, **environment}, start_new_session=True)
        log.close()

    def _start(self):
        f = self.folder
        self._spawn("munged", self.head, "munged", "--foreground", "--force", f"--socket={f}/munge.socket",
                    f"--key-file={f}/munge.key", f"--pid-file={f}/munged.pid", f"--seed-file={f}/munge.seed")
        wait_until((f / "munge.socket").exists, 20, "munged")
        self._spawn("slurmctld", self.head, "slurmctld", "-D", "-c")
        for node in self.nodes:
            self.start_node(node)
        self.wait_for_nodes()

    def start_node(self, node):
        config = self.folder / "etc" / node / "slurm.conf"
        self._spawn(f"slurmd.{node}", node, "slurmd", "-D", "-N", node, "-f", str(config), SLURM_CONF=str(config))

    def forget(self, node):
        """What a restart of the node removes."""
        for name in (f"pmix/{node}", f"spool.{node}"):
            shutil.rmtree(self.folder / name)
            (self.folder / name).mkdir()

    def wait_for_nodes(self):
        ready = ["idle"] * len(self.nodes)
        wait_until(lambda: self.ask("sinfo", "--noheader", "--Node", "--format=%T").split() == ready, 60, "all nodes idle")

    def close(self):
        for host in (*self.nodes, self.head):
            self.hosts.kill(host)
        for daemon in self.daemon.values():
            daemon.wait()

    # --- orders

    def run(self, *command, cwd=None, timeout=60, **environment):
        return subprocess.run(self.hosts.on(self.head, *map(str, command)), cwd=cwd, env={**self.environment, **environment},
                              capture_output=True, text=True, timeout=timeout)

    def ask(self, *command):
        return self.run(*command).stdout

    def submit(self, *words, cwd, **environment):
        """The number of the new job."""
        done = self.run("sbatch", "--parsable", *words, cwd=cwd, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip().split(";")[0]

    def job(self, number):
        """What SLURM knows of a job, or of an array's task."""
        out = self.ask("scontrol", "--oneliner", "show", "job", number)
        return dict(word.split("=", 1) for word in out.split() if "=" in word)

    def wait_for(self, number, states, seconds):
        """Polls until a job is in one of the states, and returns what SLURM then knows of it."""
        wanted = states.split()
        try:
            return wait_until(lambda: (known := self.job(number)).get("JobState") in wanted and known, seconds, f"job {number} {states}")
        except AssertionError as late:
            raise AssertionError(f"{late}; it is {self.job(number)}") from None

    END = "COMPLETED FAILED CANCELLED TIMEOUT NODE_FAIL OUT_OF_MEMORY"

    def wait_for_end(self, number, seconds):
        return self.wait_for(number, self.END, seconds)
