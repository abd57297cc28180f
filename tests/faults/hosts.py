# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts made of network namespaces, each with a name and a link of its own: what is unplugged, stopped or killed here is that
host alone. The file system is shared, as on a cluster. Needs root."""
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

os.environ["PATH"] += ":/usr/sbin:/sbin"


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True, text=True).stdout


def why_not(*programs):
    """The reason why there cannot be such hosts here, or ''."""
    missing = [program for program in ("ip", "nsenter", "unshare", *programs) if not shutil.which(program)]
    if missing:
        return f"not installed: {', '.join(missing)} (tests/faults/deps.sh)"
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    probe = f"cev{os.getpid()}probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespaces here: {made.stderr.strip()}"
    ip("netns", "del", probe)
    return ""


class Hosts:
    """h0 ... h(n-1), joined by a switch; h0 is meant for the one who gives orders."""

    def __init__(self, n):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # tests that are told to end must clean up as well
        self.tag = f"cev{os.getpid()}"
        self.names = [f"h{k}" for k in range(n)]
        self.address = {name: f"10.77.0.{k + 1}" for k, name in enumerate(self.names)}
        self.spaces = []
        # Names are looked up in a file of our own: a host without a name server would wait for one.
        self.folder = Path(tempfile.mkdtemp(prefix="cevscan-hosts-"))
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"{a} {n}\n" for n, a in self.address.items()))
        (self.folder / "nsswitch.conf").write_text("passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
        try:
            self._create()
        except BaseException:
            self.close()
            raise

    def _space(self, name):
        return f"{self.tag}{name}"

    def _add_space(self, name):
        ip("netns", "add", self._space(name))
        self.spaces.append(name)
        ip("-n", self._space(name), "link", "set", "lo", "up")

    def _create(self):
        self._add_space("switch")
        switch = self._space("switch")
        ip("-n", switch, "link", "add", "br0", "type", "bridge")
        ip("-n", switch, "link", "set", "br0", "up")
        for name in self.names:
            self._add_space(name)
            ip("link", "add", "e0", "netns", self._space(name), "type", "veth", "peer", "name", f"p{name}", "netns", switch)
            ip("-n", switch, "link", "set", f"p{name}", "master", "br0", "up")
            ip("-n", self._space(name), "addr", "add", f"{self.address[name]}/24", "dev", "e0")
            ip("-n", self._space(name), "link", "set", "e0", "up")

    def on(self, name, *command):
        """The command line that runs a command on a host; the process that is started becomes the command itself."""
        return ["nsenter", f"--net=/run/netns/{self._space(name)}", "unshare", "--uts", "--mount", "--", "sh", "-c",
                'mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf && hostname "$2" && shift 2 && exec "$@"',
                "host", str(self.folder), name, *command]

    def pids(self, name):
        return [int(word) for word in ip("netns", "pids", self._space(name), check=False).split()]

    def pids_of(self, name, program):
        """The living processes of a host that run this program: a path, or the name that the process goes by."""
        found = []
        for pid in self.pids(name):
            try:
                words, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
                names = os.readlink(f"/proc/{pid}/exe"), words.partition("(")[2]
            except OSError:
                continue
            if program in names and rest.split()[0] not in "ZX":
                found.append(pid)
        return found

    def pids_with(self, name, program, word):
        """Those that have this word on their command line."""
        found = []
        for pid in self.pids_of(name, program):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in words:
                found.append(pid)
        return found

    def signal_all(self, name, number):
        """Until nobody new appears, for a host's processes beget others."""
        told = set()
        while fresh := set(self.pids(name)) - told:
            for pid in fresh:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            told |= fresh

    def kill(self, name):
        self.signal_all(name, signal.SIGKILL)

    def stop(self, name):
        self.signal_all(name, signal.SIGSTOP)

    def go_on(self, name):
        self.signal_all(name, signal.SIGCONT)

    def unplug(self, name):
        ip("-n", self._space(name), "link", "set", "e0", "down")

    def plug_in(self, name):
        ip("-n", self._space(name), "link", "set", "e0", "up")

    def close(self):
        for name in self.spaces:
            self.kill(name)
            ip("netns", "del", self._space(name), check=False)
        self.spaces = []
        shutil.rmtree(self.folder, ignore_errors=True)
