# SPDX-License-Identifier: GPL-3.0-or-later
"""What a start asks of the machine: no X server, no word about a missing /sys."""
import contextlib
import glob
import os
import shutil
import socket
import subprocess
import threading

import pytest

from e2e import BIN, axis, write_scan

PLUGIN = glob.glob("/usr/lib/*/hwloc/hwloc_gl.so")


def listen():
    """On the port of one of the displays :0 to :9, which are those that hwloc asks."""
    for port in range(6000, 6010):
        with contextlib.suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    pytest.skip("all displays are taken")


@contextlib.contextmanager
def x_server():
    """The list of those who called a server that hangs up at once."""
    calls = []
    with listen() as server:

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    connection, address = server.accept()
                    calls.append(address)
                    connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield calls
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def start(folder, **environment):
    write_scan(folder, ["ess_ar"], [axis("eps_ee_uV", 3)])
    return subprocess.run([BIN, "run", "scan.yaml", "-o", "map.h5", "-q"], cwd=folder, capture_output=True, text=True, timeout=120,
                          env={**os.environ, **environment}, stdin=subprocess.DEVNULL)


def test_no_x_server_is_asked(tmp_path):
    with x_server() as calls:
        done = start(tmp_path)
    assert done.returncode == 0 and not done.stderr and not calls


@pytest.mark.skipif(not PLUGIN, reason="hwloc has no plugin that would ask an X server (libhwloc-plugins)")
def test_the_user_has_a_say_in_it(tmp_path):
    """And the X server of this test would have seen it."""
    with x_server() as calls:
        done = start(tmp_path, HWLOC_COMPONENTS="")
    assert done.returncode == 0 and calls


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root has mounts of its own")
def test_a_machine_without_sys(tmp_path):
    write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 3)])
    hide = "mount -t tmpfs none /sys && "
    if subprocess.run(["unshare", "-m", "sh", "-c", hide + "true"], capture_output=True).returncode:
        pytest.skip("no mounts of its own here")
    environment = {k: v for k, v in os.environ.items() if k != "HWLOC_HIDE_ERRORS"}
    done = subprocess.run(["unshare", "-m", "sh", "-c", hide + f"exec {BIN} run scan.yaml -o map.h5 -q"], cwd=tmp_path,
                          capture_output=True, text=True, timeout=120, env=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and not done.stderr
