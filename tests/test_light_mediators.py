# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits on light mediators out of analysis/light_mediators.py, the scan files of solar neutrinos, and analysis/intervals.py."""
import csv
import json
import subprocess
import sys

import pytest

from e2e import BIN, CONFIGS, REPO, run

ANALYSIS = REPO / "analysis"
TOLERANCE = 0.015

# Edges in g of what XENONnT allows, by mass in MeV and Delta chi2 from the minimum at that mass; source: independent calculation.
EDGES = {
    "scalar": {(0.001, 2.71): "6.9301e-06", (0.001, 4.61): "7.4997e-06", (10, 2.71): "7.8298e-06", (10, 4.61): "8.5090e-06",
               (1000, 2.71): "3.4171e-04", (1000, 4.61): "3.7606e-04"},
    "vector_universal": {
        (0.001, 2.71): "6.9340e-06 2.5946e-05 3.2979e-05", (0.001, 4.61): "1.4453e-05 2.3869e-05 3.3857e-05",
        (10, 2.71): "1.1649e-05 3.0950e-05 3.9068e-05", (10, 4.61): "1.8031e-05 2.8572e-05 4.0085e-05",
        (1000, 2.71): "9.3211e-04 1.5055e-03 1.9335e-03", (1000, 4.61): "1.2288e-03 1.2749e-03 1.9838e-03"},
    "vector_b_minus_l": {
        (0.001, 2.71): "2.5359e-05", (0.001, 4.61): "2.8693e-05", (10, 2.71): "2.9074e-05", (10, 4.61): "3.3042e-05",
        (1000, 2.71): "1.3473e-03", (1000, 4.61): "1.5510e-03"},
    "axial": {(0.001, 2.71): "6.5615e-04", (0.001, 4.61): "7.0914e-04", (10, 2.71): "7.4428e-04", (10, 4.61): "8.0784e-04",
              (1000, 2.71): "3.2803e-02", (1000, 4.61): "3.6072e-02"},
    "tensor": {(0.001, 2.71): "9.0572e-04", (0.001, 4.61): "9.7451e-04", (10, 2.71): "1.0402e-03", (10, 4.61): "1.1233e-03",
               (1000, 2.71): "4.7223e-02", (1000, 4.61): "5.1665e-02"}}
POINTS = [(i, *key) for i, table in EDGES.items() for key in table]

# Best fit and its one-sigma ends without XENONnT's signal scaled; source: independent calculation.
PROFILES = {"sin2_theta_w": (0.229, 0.130, 0.317, 0.001), "flux_b8": (5.15e6, 2.59e6, 8.03e6, 0.012e6)}


def mediators(folder, *words, program=BIN):
    command = [sys.executable, str(ANALYSIS / "light_mediators.py"), "-o", str(folder), "--cevscan", str(program), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def intervals(*words):
    done = subprocess.run([sys.executable, str(ANALYSIS / "intervals.py"), *map(str, words), "--json"], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The scans of XENONnT, with fewer masses than the figures have."""
    folder = tmp_path_factory.mktemp("mediators")
    template = folder / "few_masses.yaml"
    text = (CONFIGS / "scans" / "light_mediator.yaml").read_text()
    assert text.count("points: 141") == 1
    template.write_text(text.replace("points: 141", "points: 8"))
    done = mediators(folder / "out", "--experiments", "xenonnt", "--template", template)
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.mark.parametrize("interaction, mass, delta", POINTS)
def test_limits_of_an_independent_calculation(folder, interaction, mass, delta):
    expected = [float(word) for word in EDGES[interaction][mass, delta].split()]
    row = intervals(folder / "maps" / f"xenonnt_{interaction}.h5", "--each", "mediator_mass_MeV", "--at", mass, "--delta", delta)
    assert row["at"]["mediator_mass_MeV"] == pytest.approx(mass, rel=1e-6)
    found = [x for pair, flags in zip(row["intervals"], row["open"]) for x, is_open in zip(pair, flags) if not is_open]
    assert found == pytest.approx(expected, rel=TOLERANCE)
    assert row["open"][0][0] and row["intervals"][0][0] < 1e-6  # without a mediator all is well


def test_figures_and_tables(folder):
    for interaction in EDGES:
        assert (folder / "figures" / f"{interaction}.png").stat().st_size > 10000
        assert (folder / "figures" / f"{interaction}.pdf").exists()
    with open(folder / "limits.csv") as file:
        rows = list(csv.DictReader(file))
    assert {row["map"] for row in rows} == {f"{i}: XENONnT" for i in EDGES}
    assert {float(row["mediator_mass_MeV"]) for row in rows} == {0.001, 1, 10, 100, 1000}


def test_again_computes_nothing(folder):
    maps = sorted((folder / "maps").glob("*.h5"))
    before = [path.stat().st_mtime_ns for path in maps]
    done = mediators(folder, "--experiments", "xenonnt", "--interactions", "scalar", "--template", folder.parent / "few_masses.yaml")
    assert done.returncode == 0 and "[1/1] xenonnt_scalar" in done.stdout, done.stderr
    assert [path.stat().st_mtime_ns for path in maps] == before


@pytest.mark.parametrize("words, part", [(("--interactions", "pseudoscalar"), "pseudoscalar is none of vector_universal"),
                                         (("--template", "nowhere.yaml"), "nowhere.yaml")])
def test_bad_words(tmp_path, words, part):
    done = mediators(tmp_path / "x", *words)
    assert done.returncode == 2 and part in done.stderr and "Traceback" not in done.stderr


def test_a_template_without_its_lines(tmp_path):
    (tmp_path / "t.yaml").write_text("scan: x\n")
    done = mediators(tmp_path / "x", "--template", str(tmp_path / "t.yaml"))
    assert done.returncode == 2 and "0 lines begin with 'title:'" in done.stderr


def test_a_program_that_is_missing_or_fails(tmp_path):
    done = mediators(tmp_path / "x", program=tmp_path / "cevscan")
    assert done.returncode == 2 and "build it with make" in done.stderr and "Traceback" not in done.stderr
    done = mediators(tmp_path / "x", program="/bin/false")
    assert done.returncode == 1 and "false ended with" in done.stderr and "Traceback" not in done.stderr


def test_surrogate_data_are_named_in_scan_files():
    files = [path for path in (CONFIGS / "scans").glob("*.yaml") if "pandax4t_us2]" in path.read_text()]
    assert len(files) >= 4
    for path in files:
        title, = (line for line in path.read_text().splitlines() if line.startswith("title:"))
        assert "surrogate" in title


@pytest.mark.parametrize("parameter", PROFILES)
def test_profiles_of_xenonnt(tmp_path, parameter):
    best, low, high, tolerance = PROFILES[parameter]
    run("run", CONFIGS / "scans" / f"solar_{parameter}_xenonnt.yaml", "-o", tmp_path / "p.h5", "-q")
    row = intervals(tmp_path / "p.h5", "--delta", 1)
    assert [row["best_fit"], *row["intervals"][0]] == pytest.approx([best, low, high], abs=tolerance)


@pytest.mark.parametrize("scan", ["pandax4t_nsi", "coherent_pandax4t_nsi"])
def test_planes_of_pandax4t(tmp_path, scan):
    """A band along 2 Z + N up quarks for Z + 2 N down quarks, each with the allowed standard model inside."""
    run("run", CONFIGS / "scans" / f"{scan}.yaml", "-o", tmp_path / "p.h5", "-q")
    row = intervals(tmp_path / "p.h5", "--parameter", "eps_ee_uV", "--delta", 2.71)
    assert any(low <= 0 <= high for low, high in row["intervals"])
