# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts whose disk is full: a sentence, exit code 74, nothing half-written, and what was there before stays."""
import resource
import subprocess
import sys

import pytest
from synthetic_map import ANALYSIS, command, eps, grid, write_map

MOST = 4096     # bytes of a file


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    x, y = eps("ee", -1, 1, 61), eps("mumu", -1, 1, 61)
    X, Y = grid(x, y)
    return write_map(tmp_path_factory.mktemp("ring") / "ring.h5", [x, y], 300 * (X**2 + Y**2 - 0.25)**2)


def on_a_full_disk(name, *words, stdout=subprocess.PIPE):
    """The system's own limit of the size of files stands for it."""
    return subprocess.run([sys.executable, str(ANALYSIS / name), *map(str, words)], stdout=stdout, stderr=subprocess.PIPE, text=True,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MOST, MOST)))


@pytest.mark.parametrize("script, kind", [("plot_map.py", "pdf"), ("plot_map.py", "png"), ("plot_map.py", "svg"), ("export_contours.py", "csv"),
                                          ("export_contours.py", "json"), ("export_contours.py", "h5")])
def test_files(ring, tmp_path, script, kind):
    out, words = tmp_path / f"f.{kind}", [ring, "--levels", "90", "-o", tmp_path / f"f.{kind}"]
    told = (74, f"{script}: {out}: File too large\n")
    done = on_a_full_disk(script, *words)
    assert (done.returncode, done.stderr) == told and not list(tmp_path.iterdir())
    assert command(script, *words).returncode == 0
    before = out.read_bytes()
    done = on_a_full_disk(script, *words)
    assert (done.returncode, done.stderr) == told and list(tmp_path.iterdir()) == [out] and out.read_bytes() == before


@pytest.mark.parametrize("script", ["export_contours.py", "areas.py", "intervals.py"])
def test_output(ring, script):
    with open("/dev/full", "w") as full:
        done = on_a_full_disk(script, ring, *(["--parameter", "eps_ee_uV"] if script == "intervals.py" else []), stdout=full)
    assert (done.returncode, done.stderr) == (74, f"{script}: stdout: No space left on device\n")


def test_a_place_that_is_none_is_bad_input(ring, tmp_path):
    done = command("plot_map.py", ring, "-o", tmp_path / "none" / "f.png")
    assert done.returncode == 2 and done.stderr == f"plot_map.py: {tmp_path / 'none' / 'f.png'}: No such file or directory\n"
