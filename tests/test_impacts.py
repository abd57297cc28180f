# SPDX-License-Identifier: GPL-3.0-or-later
"""cevscan impacts: each end of a pull's range is where chi2 rises by one, and the best fit there is what a scan with that pull held finds."""
import csv
import io
import json
import subprocess

import pytest

import plot_impacts
from drawn_figures import figure_of, texts  # noqa: F401
from e2e import REPO, experiment, refused, run, run_json, scan, write_scan
from synthetic_map import command, complaint

AXES = [{"name": "eps_ee_uV", "min": -0.1, "max": 0.15, "points": 11}]
DATA = {"observed": [470, 1160, 1300]}


@pytest.fixture(scope="module")
def toy():
    return experiment(**DATA)


@pytest.fixture(scope="module")
def found(toy, tmp_path_factory):
    path = write_scan(tmp_path_factory.mktemp("impacts"), [toy], AXES, data="observed")
    return path, run_json("impacts", path, "--json")


def best_fit(folder, toy, held):
    """chi2 and place of the best fit of a scan that holds pulls where they are said to be."""
    parameters = AXES + [{"name": name, "value": value} for name, value in held.items()]
    done = scan(write_scan(folder, [toy], parameters, name="held.yaml", data="observed"), folder / "held.h5")
    (folder / "held.h5").unlink()
    return done["best_fit_chi2"], done["best_fit"]["eps_ee_uV"]


def test_ends_of_ranges_and_impacts_are_those_of_scans_that_hold_the_pull(found, toy, tmp_path):
    _, ranking = found
    chi2, at = best_fit(tmp_path, toy, {})
    assert ranking["chi2"] == pytest.approx(chi2, abs=1e-8)
    assert ranking["best_fit"]["eps_ee_uV"] == pytest.approx(at, abs=1e-5)
    assert {pull["name"] for pull in ranking["pulls"]} == {"toy.signal", "toy.background"}
    for pull in ranking["pulls"]:
        for side, sign in ((0, -1), (1, 1)):
            held, place = best_fit(tmp_path, toy, {pull["name"]: pull["best"] + sign * pull["range"][side]})
            assert held - chi2 == pytest.approx(1, abs=1e-5)
            assert place - at == pytest.approx(pull["impact"][side], abs=1e-5)


def test_pulls_are_sorted_by_impact_and_all_formats_say_the_same(found):
    path, ranking = found
    sizes = [max(map(abs, pull["impact"])) for pull in ranking["pulls"]]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 1e-3
    rows = list(csv.DictReader(io.StringIO(run("impacts", path, "--format", "csv").stdout)))
    assert [(row["pull"], float(row["impact_up"])) for row in rows] == [(pull["name"], pull["impact"][1]) for pull in ranking["pulls"]]
    table = run("impacts", path).stdout
    assert all(pull["name"] in table for pull in ranking["pulls"]) and "impacts on eps_ee_uV" in table


def test_signal_pull_and_coupling_are_one_where_only_the_rate_is_seen(tmp_path):
    """One bin: a signal that is scaled by 1 + a is compensated by the coupling wholly, so the range is the constraint's."""
    one = experiment(bins={"edges_keV": [1, 100]}, backgrounds=None, observed=None,
                     pulls=[{"name": "toy.signal", "sigma": 0.05, "scales": ["signal"]}])
    ranking = run_json("impacts", write_scan(tmp_path, [one], AXES), "--json")
    (pull,) = ranking["pulls"]
    assert pull["range"] == pytest.approx([0.05, 0.05], rel=1e-5)
    moved = {"eps_ee_uV": ranking["best_fit"]["eps_ee_uV"] + pull["impact"][1]}
    at_truth = signal_of(tmp_path, one, {}), signal_of(tmp_path, one, moved)
    assert 1.05 * at_truth[1] == pytest.approx(at_truth[0], rel=1e-5)


def signal_of(folder, toy, values):
    """Expected signal in all bins."""
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    found = run_json("rates", write_scan(folder, [toy], parameters, name="rates.yaml"), "--json")["toy"]
    return found["signal_total"]


@pytest.mark.parametrize("arguments,words", [
    (["--parameter", "eps_ee_uv"], 'did you mean "eps_ee_uV"?'),
    (["--parameter", "eps_ee_dV"], "neither scanned nor profiled"),
])
def test_a_parameter_that_is_not_fitted_is_refused(toy, tmp_path, arguments, words):
    write_scan(tmp_path, [toy], AXES, data="observed")
    assert words in refused(tmp_path, "impacts", "scan.yaml", *arguments)


def test_what_scans_nothing_or_a_pull_is_refused(toy, tmp_path):
    write_scan(tmp_path, [toy], [], data="observed")
    assert "nothing: there is no best fit to move" in refused(tmp_path, "impacts", "scan.yaml")
    write_scan(tmp_path, [toy], [*AXES, {"name": "toy.signal", "min": -0.2, "max": 0.2, "points": 3}], data="observed")
    assert 'the pull "toy.signal" is scanned' in refused(tmp_path, "impacts", "scan.yaml")


def test_the_figure_is_drawn(found, tmp_path):
    path, _ = found
    subprocess.run([REPO / "analysis" / "plot_impacts.py", path, "-o", tmp_path / "impacts.svg"], check=True, capture_output=True)
    text = (tmp_path / "impacts.svg").read_text()
    assert "pull raised" in text or "toy.signal" in text


def test_the_figure_is_drawn_from_json(tmp_path, figure_of):  # noqa: F811
    """One free pull, one at a bound: each has its entry in the legend, and the axis of shifts is even."""
    pull = {"best": 0.1, "range": [0.2, None], "impact": [-0.1, 0.3]}
    pulls = [{**pull, "name": "toy.signal.nu_e", "sigma": None, "at_bound": False}, {**pull, "name": "toy.b_g", "sigma": 0.2, "at_bound": True}]
    path = tmp_path / "impacts.json"
    path.write_text(json.dumps({"parameter": "eps_ee_uV", "label": "x", "chi2": 1, "bins": 2, "best_fit": {"eps_ee_uV": -1}, "pulls": pulls}))
    fig = figure_of(plot_impacts, path)
    assert {"free pull, in its own unit", "fit at a bound", r"toy signal $\nu_e$", "toy b g"} <= set(texts(fig))
    for ax in fig.axes:
        low, high = ax.get_xlim()
        assert low == -high
    assert fig.axes[1].get_xlim()[1] < 0.36


def test_json_of_something_else_is_refused(tmp_path):
    (tmp_path / "i.json").write_text("{}")
    assert "not that of `cevscan impacts --json`" in complaint(command("plot_impacts.py", tmp_path / "i.json", "-o", tmp_path / "i.pdf"))


def test_bounds_are_named_and_warned_of(toy, tmp_path):
    """A range whose end the best fit is at; a free pull has no sigma."""
    pulls = [toy["pulls"][0], {"name": "toy.background", "constraint": "none", "scales": ["flat"]}]
    path = write_scan(tmp_path, [{**toy, "pulls": pulls}], [{**AXES[0], "min": -0.02, "max": -0.01}], data="observed")
    done = run("impacts", path, "--json")
    (side,) = {pull["bounds"]["eps_ee_uV"] for pull in json.loads(done.stdout)["pulls"] if pull["at_bound"]}
    assert f"warning: the best fit lies at a bound (eps_ee_uV {side})" in done.stderr
    table = run("impacts", path).stdout
    assert f"at a bound: eps_ee_uV {side}" in table and "free" in table and "proven" in table
    rows = {row["pull"]: row for row in csv.DictReader(io.StringIO(run("impacts", path, "--format", "csv").stdout))}
    assert rows["toy.background"]["sigma"] == "" and rows["toy.signal"]["sigma"] == "0.10000000000000001"
    assert all(row["bounds"] == f"eps_ee_uV {side}" for row in rows.values() if row["at_bound"] == "1")


def test_values_that_are_rounding_are_zero_and_latex_has_its_rules(toy, tmp_path):
    path = write_scan(tmp_path, [toy], AXES, data="asimov")
    table = run("impacts", path).stdout
    assert " at eps_ee_uV=0\n" in table
    latex = run("impacts", path, "--format", "latex").stdout
    assert latex.count(r"\\") == 3 and r"\toprule" in latex and r"\texttt{toy.signal} & $0.1$ & $0$ &" in latex


def test_a_flat_direction_is_warned_of(toy, tmp_path):
    """Of one nucleus, chi2 knows only a sum of the couplings to u and d."""
    path = write_scan(tmp_path, [toy], [*AXES, {**AXES[0], "name": "eps_ee_dV"}], data="asimov")
    errors = run("impacts", path).stderr
    assert "at the best fit" in errors or "moves along a flat valley" in errors
