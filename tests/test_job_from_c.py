# SPDX-License-Identifier: GPL-3.0-or-later
"""A C program runs a scan with the installed library alone: no output, no end of the process, GSL's handler as it was."""
import os
import subprocess

import pytest

from e2e import REPO, content_hash, axis, run, write_scan

PLAIN = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"}  # as the program starts itself: the same bits


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    if "CEVSCAN_BUILD" in os.environ:
        pytest.skip("another build is tested")
    folder = tmp_path_factory.mktemp("program")
    subprocess.run(["make", "-s", "-C", REPO, "install", f"PREFIX={folder}"], check=True, capture_output=True)
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "cevscan"], check=True, capture_output=True, text=True,
                           env={**os.environ, "PKG_CONFIG_PATH": f"{folder}/lib/pkgconfig"}).stdout.split()
    subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", REPO / "tests" / "job_from_c.c",
                    *("-isystem" + f[2:] if f.startswith("-I") else f for f in flags), "-o", folder / "job"], check=True)
    return folder / "job"


def call(program, *arguments, ranks):
    start = ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks)] if ranks else []
    return subprocess.run([*start, program, *arguments], capture_output=True, text=True, timeout=240, stdin=subprocess.DEVNULL,
                          env={**os.environ, **PLAIN})


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_scan_from_c(program, tmp_path, ranks):
    path = write_scan(tmp_path, [str(REPO / "configs" / "experiments" / "ess_si.yaml")], [axis("eps_ee_uV", 31), axis("eps_mumu_uV", 21)])
    done = call(program, path, tmp_path / "map.h5", ranks=ranks)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    run("run", path, "-o", tmp_path / "same.h5")
    run("verify", "--all", tmp_path / "map.h5")
    assert content_hash(tmp_path / "map.h5") == content_hash(tmp_path / "same.h5")


def test_a_refusal_is_returned(program, tmp_path):
    (tmp_path / "scan.yaml").write_text("scan: [")
    done = call(program, tmp_path / "scan.yaml", tmp_path / "map.h5", ranks=None)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
