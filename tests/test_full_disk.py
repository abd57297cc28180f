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
    out = tmp_path / f"f.{kind}"
    for before in (None, "as it was"):
        if before:
            out.write_text(before)
        done = on_a_full_disk(script, ring, "--levels", "90", "-o", out)
        if done.returncode == 2 and "exists" in done.stderr:    # it is not replaced unless one says so
            done = on_a_full_disk(script, ring, "--levels", "90", "-o", out, "--force")
        assert (done.returncode, done.stderr) == (74, f"{script}: {out}: File too large\n")
        assert [p.name for p in tmp_path.iterdir()] == [out.name] * bool(before) and (not before or out.read_text() == before)


@pytest.mark.parametrize("script", ["export_contours.py", "areas.py", "intervals.py"])
def test_output(ring, script):
    with open("/dev/full", "w") as full:
        done = on_a_full_disk(script, ring, *(["--parameter", "eps_ee_uV"] if script == "intervals.py" else []), stdout=full)
    assert (done.returncode, done.stderr) == (74, f"{script}: stdout: No space left on device\n")


def test_a_place_that_is_none_is_bad_input(ring, tmp_path):
    done = command("plot_map.py", ring, "-o", tmp_path / "none" / "f.png")
    assert done.returncode == 2 and done.stderr == f"plot_map.py: {tmp_path / 'none' / 'f.png'}: No such file or directory\n"
