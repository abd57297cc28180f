# SPDX-License-Identifier: GPL-3.0-or-later
"""What a start asks of the machine: no X server, no word about a missing /sys."""
import glob
import os
import shutil
import subprocess

import pytest

from e2e import BIN, axis, write_scan

PLUGIN = glob.glob("/usr/lib/*/hwloc/hwloc_gl.so")


def start(folder, **environment):
    write_scan(folder, ["ess_ar"], [axis("eps_ee_uV", 3)])
    return subprocess.run([BIN, "run", "scan.yaml", "-o", "map.h5", "-q"], cwd=folder, capture_output=True, text=True, timeout=120,
                          env={**os.environ, **environment}, stdin=subprocess.DEVNULL)


def asks_x_servers(folder, **environment):
    """As hwloc says: its plugin `gl` looks for the cards of X servers. Listening for the calls would hear other programs', too."""
    done = start(folder, HWLOC_COMPONENTS_VERBOSE="1", **environment)
    assert done.returncode == 0 and "discovery component" in done.stderr
    return "Enabling discovery component `gl'" in done.stderr


@pytest.mark.skipif(not PLUGIN, reason="hwloc has no plugin that would ask an X server (libhwloc-plugins)")
def test_no_x_server_is_asked_unless_the_user_wants_it(tmp_path):
    assert not asks_x_servers(tmp_path)
    assert asks_x_servers(tmp_path, HWLOC_COMPONENTS="")


def test_a_start_says_nothing_of_the_machine(tmp_path):
    done = start(tmp_path)
    assert done.returncode == 0 and not done.stderr


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
