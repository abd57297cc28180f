# SPDX-License-Identifier: GPL-3.0-or-later
"""analysis/reproduce.py: the registry of published figures and tables, and the report of a small part of it."""
import csv
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from cevscan_analysis.papers import ITEMS, TITLES, chosen, name_of
from cevscan_analysis.papers.item import Comparison, absolute, relative
from cevscan_analysis.papers.numbers import INTERVAL_EXCEPTIONS, INTERVALS
from cevscan_analysis.papers.report import Result, faults, plain, write_report
from cevscan_analysis.papers.workshop import scan_text
from e2e import BIN, REPO

PART = "2411.11749/figure_4,2208.11771/figure_1,2411.11749/figure_1"
N_FIGURE, N_MAP = 3, 8


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
    assert said.splitlines()[0].startswith(f"[1/{N_MAP + 3}]")


def test_page_is_whole_and_needs_no_other_file(made):
    page = Page()
    page.feed((made[0] / "report.html").read_text())
    assert page.open == [] and page.n_image == N_FIGURE
    assert all(link.startswith("data:image/png;base64,iVBOR") and len(link) > 10000 for link in page.links)


def test_links(made):
    links = re.findall(r"\]\(([^)]+)\)", (made[0] / "report.md").read_text())
    assert len(links) == 2 * N_FIGURE and all((made[0] / link).is_file() for link in links)


def test_every_deviation_has_a_reason(made):
    with open(made[0] / "numbers.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 + 2 + 8
    assert all(bool(row["reason"]) == (row["agrees"] == "0") for row in rows)
    differing = [row["quantity"] for row in rows if row["agrees"] == "0"]
    assert len(differing) == 2 and all("XENONnT" in words and "0.90" not in words for words in differing)
    assert all(row["quantity"].count("surrogate") for row in rows if "PandaX" in row["quantity"])


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
    assert reproduce(folder, "--only", PART).returncode == 0
    assert {name for name, when in state().items() if when != before[name]} == {"solar_flux_b8_scaled.h5"}
    shutil.copy(folder / "maps" / "solar_flux_b8_xenonnt.h5", folder / "maps" / "solar_flux_b8_scaled.h5")
    done = reproduce(folder, "--only", PART)     # a map of other numbers in its place
    assert done.returncode == 0 and not done.stderr
    assert (folder / "report.html").read_bytes() == report


def test_interrupted(tmp_path):
    """Ctrl-C ends it and the scan in work in good order, and the same command goes on."""
    words = ["-o", str(tmp_path), "--cevscan", str(BIN), "--only", "2409.04703/planes"]
    command = [sys.executable, str(REPO / "analysis" / "reproduce.py"), *words]
    job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                           preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # a job in the background ignores it
    assert job.stdout.readline().startswith("[1/6]")
    os.killpg(job.pid, signal.SIGINT)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 130 and "Traceback" not in said and not (tmp_path / "report.md").exists()
    assert reproduce(tmp_path, "--only", "2409.04703/planes").returncode == 0
    assert len(list((tmp_path / "maps").glob("*.h5"))) == 5 and (tmp_path / "report.html").is_file()


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
    assert len(scans) > 30 and chosen([]) == ITEMS and chosen(["2411.11749"]) == [i for i in ITEMS if i.paper == "2411.11749"]


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
