# SPDX-License-Identifier: GPL-3.0-or-later
"""The measurement of scaling runs and adds up; what it measures is not looked at."""
import csv
import json
import subprocess
import sys

import pytest

from e2e import BIN, REPO

sys.path.insert(0, str(REPO / "analysis"))
import measure_scaling  # noqa: E402


def test_measure_and_draw(tmp_path):
    output = tmp_path / "scaling.json"
    done = subprocess.run([sys.executable, REPO / "analysis" / "measure_scaling.py", "--program", BIN, "--layouts", "1x1,2x1,1x2",
                           "--rounds", "1", "--seconds", "0.05", "--folder", tmp_path, "-o", output], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    results = json.loads(output.read_text())["results"]
    assert [(r["kind"], r["ranks"], r["threads"]) for r in results] == \
        [(kind, *layout) for kind in ("strong", "weak") for layout in ((1, 1), (2, 1), (1, 2))]
    for r in results:
        base = results[0] if r["kind"] == "strong" else results[3]
        assert r["points"] == base["points"] * (r["cores"] if r["kind"] == "weak" else 1)
        assert r["points_per_second"] == pytest.approx(r["points"] / r["seconds"])
        assert r["speed_up"] == pytest.approx(r["points_per_second"] / base["points_per_second"])
        assert r["efficiency"] == pytest.approx(r["speed_up"] / r["cores"])
    with open(tmp_path / "scaling.csv") as file:
        assert [row["kind"] for row in csv.DictReader(file)] == [r["kind"] for r in results]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scaling.csv", "scaling.json"]
    figure = tmp_path / "scaling.png"
    subprocess.run([sys.executable, REPO / "analysis" / "plot_scaling.py", output, "-o", figure], check=True)
    assert figure.read_bytes()[:4] == b"\x89PNG"


def test_layouts(monkeypatch):
    for name in ("SLURM_NTASKS", "SLURM_CPUS_PER_TASK"):
        monkeypatch.delenv(name, raising=False)
    assert measure_scaling.default_layouts(1) == [(1, 1)]
    assert measure_scaling.default_layouts(2) == [(1, 1), (2, 1), (1, 2)]
    assert measure_scaling.default_layouts(8) == [(1, 1), (2, 1), (1, 2), (4, 1), (1, 4), (8, 1), (2, 4), (1, 8)]
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "4")
    assert measure_scaling.cores_here() == 16
    assert max(threads for _, threads in measure_scaling.default_layouts(16)) == 4
    assert measure_scaling.parse_layouts("1x1,4x2") == [(1, 1), (4, 2)]
    for wrong in ("4", "0x1", "1x1,", "2x2x2"):
        with pytest.raises(Exception):
            measure_scaling.parse_layouts(wrong)


def test_what_is_no_measurement_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    done = subprocess.run([sys.executable, REPO / "analysis" / "plot_scaling.py", tmp_path / "x.json", "-o", tmp_path / "x.pdf"],
                          capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "x.json" in done.stderr
