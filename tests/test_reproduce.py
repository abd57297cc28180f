# SPDX-License-Identifier: GPL-3.0-or-later
"""analysis/reproduce.py: the registry of published figures and tables, and the report of a small part of it."""
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import reproduce as reproduction
from cevscan_analysis.command import MapError
from cevscan_analysis.papers import ITEMS, TITLES, chosen, eft, name_of, running, solar
from cevscan_analysis.papers.item import Comparison, absolute, no_figures as nothing_drawn, nothing, relative
from cevscan_analysis.papers.numbers import FLAVOURS, INTERVAL_EXCEPTIONS, INTERVALS, PROBABILITIES, RUNNING
from cevscan_analysis.papers.report import Result, differences, faults, plain, write_report
from cevscan_analysis.papers.workshop import Workshop, scan_text
from e2e import BIN, REPO

PART = "2411.11749/figure_2,2208.11771/figure_1,2411.11749/figure_1,2208.11771/table_V,2409.04703/table_II"
N_FIGURE, N_MAP, N_ITEM = 3, 10, 5


def reproduce(folder, *words):
    command = [sys.executable, str(REPO / "analysis" / "reproduce.py"), "-o", str(folder), "--cevscan", str(BIN), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reproduction")
    done = reproduce(folder, "--only", PART)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return folder, done.stdout


class Page(HTMLParser):
    """Tags that are open, and what the page refers to."""
    def __init__(self):
        super().__init__()
        self.open, self.links, self.n_image = [], [], 0

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)
        self.n_image += tag == "img"
        self.links += [value for key, value in attrs if key in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_files(made):
    folder, said = made
    assert sorted(os.listdir(folder)) == ["figures", "maps", "numbers.csv", "report.html", "report.md", "scans", "tables"]
    figures = sorted(os.listdir(folder / "figures"))
    assert len(figures) == 2 * N_FIGURE and all((folder / "figures" / name).stat().st_size > 5000 for name in figures)
    assert len(os.listdir(folder / "maps")) == N_MAP and f"{N_FIGURE} pictures" in said
    assert said.splitlines()[0].startswith(f"[1/{N_MAP + N_ITEM}]")
    assert sorted(os.listdir(folder / "tables")) == [f"2208.11771_table_V.{end}" for end in ("csv", "md", "tex")]


def test_page_is_whole_and_needs_no_other_file(made):
    page = Page()
    page.feed((made[0] / "report.html").read_text())
    assert page.open == [] and page.n_image == N_FIGURE
    assert all(link.startswith("data:image/png;base64,iVBOR") and len(link) > 10000 for link in page.links)


def test_links(made):
    links = re.findall(r"\]\(([^)]+)\)", (made[0] / "report.md").read_text())
    assert len(links) == 2 * N_FIGURE + 3 and all((made[0] / link).is_file() for link in links)


def test_every_deviation_has_a_reason(made):
    with open(made[0] / "numbers.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 + 2 + 8 + 8
    assert all(bool(row["reason"]) == (row["agrees"] == "0") for row in rows)
    differing = [row["quantity"] for row in rows if row["agrees"] == "0"]
    assert len(differing) == 3 and "CsI + Si" in differing[0]
    assert all("XENONnT" in words and "0.90" not in words for words in differing[1:])
    assert all(row["quantity"].count("surrogate") for row in rows if "PandaX" in row["quantity"])


def test_tables_are_arranged_as_in_print(made):
    """A row for each target and quark, what is printed above what comes out, and beneath only what differs."""
    text = (made[0] / "report.md").read_text().partition("### Table V:")[2].partition("###")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    head, _, *lines = rows[:6]
    assert [plain(words) for words in ("$\\varepsilon_{ee}^{qV}$, 90 %", "$\\varepsilon_{\\mu \\mu}^{qV}$, 2σ")] == [head[3], head[6]]
    assert [line[:3] for line in lines] == [["CsI + Si", quark, who] for quark in "ud" for who in ("printed", "cevscan")]
    assert lines[0][3] == "[-0.041, 0.042]" and lines[1][3].endswith("[0.3635, 0.3702] *")
    assert sum("*" in cell for line in lines for cell in line) == 1
    assert "7 of 8 comparisons agree" in text and len(rows) == 6 + 3


def test_what_cannot_be_had_is_said(made):
    text = (made[0] / "report.md").read_text()
    assert "### Table II: Not reproduced\n\nWhat this table prints" in text
    reasons = text.partition("## What is not covered")[2].partition("##")[0]
    assert reasons.count("arXiv:") == len(TITLES)


def test_goes_on_where_it_was(made):
    """Maps stay; the report is the same, byte for byte; the map of a scan that has changed is made anew."""
    folder = made[0]
    def state():
        return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in (folder / "maps").iterdir()}
    before, report = state(), (folder / "report.html").read_bytes()
    assert reproduce(folder, "--only", PART).returncode == 0
    assert state() == before and (folder / "report.html").read_bytes() == report
    scan = folder / "scans" / "solar_flux_b8_scaled.yaml"
    scan.write_text(scan.read_text().replace("1001", "501"))
    # and a map of other numbers in the place of another
    shutil.copy(folder / "maps" / "solar_sin2_theta_w_xenonnt.h5", folder / "maps" / "solar_sin2_theta_w_scaled.h5")
    done = reproduce(folder, "--only", PART)
    assert done.returncode == 0 and not done.stderr
    assert {name for name, when in state().items() if when != before[name]} == {"solar_flux_b8_scaled.h5", "solar_sin2_theta_w_scaled.h5"}
    assert (folder / "report.html").read_bytes() == report


def test_interrupted(tmp_path):
    """Ctrl-C ends it and the scan in work in good order, and the same command goes on."""
    words = ["-o", str(tmp_path), "--cevscan", str(BIN), "--only", "2409.04703/figure_3"]
    command = [sys.executable, str(REPO / "analysis" / "reproduce.py"), *words]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a job in the background ignores it
    assert job.stdout.readline().startswith("[1/4]")
    os.killpg(job.pid, signal.SIGINT)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 130 and "Traceback" not in said and not (tmp_path / "report.md").exists()
    assert reproduce(tmp_path, "--only", "2409.04703/figure_3").returncode == 0
    assert len(list((tmp_path / "maps").glob("*.h5"))) == 3 and (tmp_path / "report.html").is_file()


def test_list_and_bad_input(tmp_path):
    done = reproduce(tmp_path / "x", "--list")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == len(ITEMS) and not (tmp_path / "x").exists()
    done = reproduce(tmp_path / "x", "--only", "2208.1177/figure_1")
    assert done.returncode == 2 and "no entry begins with" in done.stderr and not (tmp_path / "x").exists()
    command = [sys.executable, str(REPO / "analysis" / "reproduce.py"), "-o", str(tmp_path / "x"), "--cevscan", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "build it with make" in done.stderr and not (tmp_path / "x").exists()


# ---------------------------------------------------------------------------------------------------------- the registry

def test_registry():
    """Names are unique, a name of a map means one scan, and every scan can be written."""
    names = [name_of(item) for item in ITEMS]
    assert len(set(names)) == len(names) and {item.paper for item in ITEMS} == set(TITLES)
    scans = {}
    for item in ITEMS:
        for name, scan in item.scans.items():
            text = scan_text(scan)
            assert scans.setdefault(name, text) == text and len(text) > 100
    assert len(scans) > 25 and chosen([]) == ITEMS and chosen(["2411.11749"]) == [i for i in ITEMS if i.paper == "2411.11749"]


FIGURES = {"2208.11771": 9, "2409.04703": 5, "2411.11749": 5}
TABLES = {"2208.11771": ["tables_I_II", "table_III", "table_IV", "table_V", "table_VI"],
          "2409.04703": ["table_I", "table_II", "table_III"], "2411.11749": ["tables"]}


def test_each_figure_and_table_has_its_entry():
    """By its number; what is drawn is named after it and has a caption."""
    for paper in TITLES:
        names = [item.name for item in ITEMS if item.paper == paper]
        assert sorted(names) == sorted(TABLES[paper] + [f"figure_{k + 1}" for k in range(FIGURES[paper])])
    for item in ITEMS:
        assert item.number == item.name.replace("_I_II", "_I and II").replace("_", " ")
        assert all(name.startswith(f"{item.paper}_{item.name}") for name in item.captions)
        assert bool(item.captions) == (item.name.startswith("figure") or item.paper == "2409.04703" and item.name != "table_II")
    assert [i.name for i in chosen(["2409.04703/table_I"])] == ["table_I"]   # not those that begin so
    assert [i.name for i in chosen(["2409.04703/table"])] == ["table_I", "table_II", "table_III"]


def test_exceptions_belong_to_printed_intervals():
    assert {key[:2] for key in INTERVAL_EXCEPTIONS} <= set(INTERVALS) and all(reason for _, reason in INTERVAL_EXCEPTIONS.values())


def test_comparisons():
    near, far = relative("x", 100, 100.4, 0.005, "why"), relative("x", 100, 90, 0.005, "why", unit="GeV")
    assert near.agrees and near.reason == "" and near.deviation == "+0.40 %"
    assert not far.agrees and far.reason == "why" and far.found == "90 GeV" and far.deviation == "-10.00 %"
    same, other = absolute("x", [1, 2], [1.01, 1.98], [0.021] * 2), absolute("x", [1, 2], [1, 2, 3, 4], [0.02] * 2, "a sliver")
    assert same.agrees and same.deviation == "-0.0200"
    assert not other.agrees and other.reason == "a sliver" and "4 edges for 2" in other.deviation


def test_words_of_tex():
    assert plain(r"C$_3$F$_8$ & $\varepsilon_{\mu \tau}^{uV}$, $|\Lambda(C_{1u}^{e})|$") == \
        "C<sub>3</sub>F<sub>8</sub> &amp; ε<sub>μτ</sub><sup>uV</sup>, |Λ(C<sub>1u</sub><sup>e</sup>)|"
    assert plain(r"$\sin^2\theta_W$ of $\bar\nu_\mu$") == "sin<sup>2</sup>θ<sub>W</sub> of ν<sub>μ</sub>"
    for item in ITEMS:
        assert not re.search(r"[$\\]", plain(item.title) + "".join(map(plain, item.captions.values())))


def test_faults_are_found(tmp_path):
    """A link that leads nowhere, an empty picture, a deviation without a reason."""
    item = replace(ITEMS[0], captions={"a": "a", "b": "b"})
    good, bad = Comparison("q", "1", "1", "0 %", True), Comparison("q2", "1", "2", "100 %", False)
    (tmp_path / "figures").mkdir()
    for name in ("a.png", "a.pdf", "b.png"):
        (tmp_path / "figures" / name).write_bytes(b"x" * 2000)
    found = write_report(tmp_path, [Result(item, ["a", "b"], [good, bad], [])], "cevscan")
    assert found == ["report.md: figures/b.pdf is not there", "figure 1: q2: differs without a reason"]
    (tmp_path / "figures" / "b.pdf").write_bytes(b"")
    assert faults(tmp_path, [])[0] == "report.md: figures/b.pdf is not there"


def test_differences_of_one_reason_share_a_line():
    rows = [Comparison(f"q{k}", "1", "2", "100 %", False, reason) for k, reason in enumerate(["why", "else", "why"])]
    assert list(differences([Result(ITEMS[0], [], rows, [])])) == [
        "arXiv:2208.11771, figure 1: why. q0: published 1, here 2; q2: published 1, here 2.",
        "arXiv:2208.11771, figure 1: else. q1: published 1, here 2."]


def test_other_processes_tell_what_went_wrong(monkeypatch):
    """An error, or the end of a program, in a process that draws ends the whole as it would in this one."""
    def end(workshop):
        raise SystemExit(74)

    def fail(workshop):
        raise MapError("it is not there")
    monkeypatch.setattr(reproduction.os, "sched_getaffinity", lambda _: {0, 1})
    made = list(reproduction.all_made([replace(ITEMS[0], figures=nothing_drawn, compare=nothing, prepare=None),
                                       replace(ITEMS[0], figures=end), replace(ITEMS[0], figures=fail)], None))
    assert made[0] == ([], [], [], (), ()) and made[1].code == 74 and str(made[2]) == "it is not there"


# ------------------------------------------------------------------------------------------ what the papers need beside maps

def test_running_of_the_mixing_angle():
    """Joins both ends; alpha alone runs by the charges; leptons do not move it at 1/4; lowest at the W mass."""
    light = running.light_mass()
    low, high = RUNNING["low"][0], RUNNING["z"][0]
    assert running.mixing([1e-9, running.Z_MASS], light) == pytest.approx([low, high], abs=1e-9)
    assert 0.1 < light < 0.35       # between the pion and a third of the proton
    mu = np.logspace(-4, 3, 2001)
    assert mu[running.mixing(mu, light).argmin()] == pytest.approx(running.W_MASS, rel=0.01)
    below = running.mixing(mu[mu < running.W_MASS], light)
    assert (np.diff(below) <= 1e-15).all()
    electron = next(slope for mass, slope in running.slopes(light) if mass == 0.000511)
    assert electron[1] / electron[0] == pytest.approx(0.25) and electron[0] == pytest.approx(-1 / (3 * np.pi))


def test_experiments_are_made_from_what_the_files_hold(tmp_path):
    """Each from the file's numbers, whatever was made before: six tonne years, with and without the uncertainty of the signal."""
    w = Workshop(str(tmp_path), str(BIN))
    eft.prepare_projected(w)
    made = [json.loads((tmp_path / "scans" / f"{eft.projected_name(sigma)}.yaml").read_text()) for sigma in (0.245, 0)]
    assert [c["target"]["mass_kg"] for c in made] == pytest.approx([6000, 6000])
    assert [c["observed"] for c in made] == [pytest.approx([44.9 * 6 / 1.04])] * 2
    assert [len(c["pulls"]) for c in made] == [1, 0] and made[0]["pulls"][0]["sigma"] == 0.245
    assert w.experiments([eft.COUNTING])[eft.COUNTING]["target"]["mass_kg"] == 1040
    assert sorted(path.name for path in (tmp_path / "scans").iterdir()) == ["pandax4t_projected_0.yaml", "pandax4t_projected_245.yaml"]


def test_fitted_events_are_those_of_the_fit(tmp_path):
    """Components times one plus their pulls add up to what `cevscan point` predicts, else it is refused."""
    w = Workshop(str(tmp_path), str(BIN))
    found = solar.fitted(w, solar.XENONNT)
    total = sum(np.array(counts) for part in ("signal", "background") for counts in found[part].values())
    assert total.sum() == pytest.approx(sum(found["observed"]), rel=0.1)
    w.experiments([solar.XENONNT])[solar.XENONNT]["pulls"].pop()    # a pull that it does not know of
    with pytest.raises(MapError, match="more than scale"):
        solar.fitted(w, solar.XENONNT)


def test_without_spectra_the_figure_is_left_out(tmp_path, monkeypatch):
    w = Workshop(str(tmp_path), str(BIN))
    monkeypatch.setattr(Workshop, "spectra", lambda *_: None)
    assert eft.draw_probabilities(w) == {} and eft.compare_probabilities(w) == []
    assert "cannot be had" in eft.without_spectra(w)[0]
    energies = sorted(PROBABILITIES)
    curves = [{"quantity": hours, "component": f"nu_{f}", "values": [PROBABILITIES[e][k] + off for e in energies]}
              for hours, off in (("by_day", 0.1), ("day_and_night", 0)) for k, f in enumerate(FLAVOURS)]
    monkeypatch.setattr(Workshop, "spectra", lambda *_: {eft.COUNTING: {"energy_MeV": energies, "curves": curves}})
    assert len(eft.compare_probabilities(w)) == 9 and all(c.agrees for c in eft.compare_probabilities(w))
    assert list(eft.draw_probabilities(w)) == ["2409.04703_figure_2"] and eft.without_spectra(w) == []
