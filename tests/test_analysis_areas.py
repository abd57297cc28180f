# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of allowed regions against analytic ones, honesty of their errors, and the ranking of combinations."""
import csv
import dataclasses
import io
import json

import numpy as np
import pytest
from e2e import run
from scipy.ndimage import label as connected
from synthetic_map import Axis, command, complaint, eps, grid, write_map, write_study

from cevscan_analysis.against import areas_against, with_titles
from cevscan_analysis.area_curves import area_figure
from cevscan_analysis import MapError, area_of, delta_from_level, open_map, open_maps, rank
from cevscan_analysis.areas import _n_island
from cevscan_analysis.maps import exposure_of, labels_of
from cevscan_analysis.typeset import of_error


def ellipse(path, n=61, k=81, a=0.3, b=0.15, angle=0.5, centre=(0.02, -0.05), **attrs):
    """A map whose region Delta chi2 <= 1 has the semi-axes a and b."""
    x, y = eps("ee", -1, 1, n), eps("mumu", -1, 1, k)
    X, Y = grid(x, y)
    X, Y, c, s = X - centre[0], Y - centre[1], np.cos(angle), np.sin(angle)
    return open_map(write_map(path, [x, y], ((c * X + s * Y) / a)**2 + ((c * Y - s * X) / b)**2, **attrs))


@pytest.mark.parametrize("cut", [0.5, 1, 4.61])
def test_area_of_an_ellipse(tmp_path, cut):
    found = area_of(ellipse(tmp_path / "m.h5"), cut)
    assert found.value == pytest.approx(np.pi * 0.3 * 0.15 * cut, rel=0.02)
    assert found.unknown == 0 and found.n_island == 1 and not found.touches_edge


def test_error_is_honest(tmp_path):
    """Of many ellipses, down to such as fall between the points, nearly none is off by more than its error, and of those that the
    grid resolves none; for these the error is a few per cent at most."""
    random, outside = np.random.default_rng(7), 0
    for _ in range(120):
        n, k = random.integers(8, 100, 2)
        a, b = random.uniform(0.03, 0.4, 2)
        m = ellipse(tmp_path / "m.h5", n, k, a, b, random.uniform(0, np.pi), random.uniform(-0.2, 0.2, 2))
        found, true = area_of(m, 1), np.pi * a * b
        is_resolved = min(a * n, b * k, a * k, b * n) > 6   # semi-axes of three cells
        outside += abs(found.value - true) > found.error
        assert not is_resolved or abs(found.value - true) <= found.error < 0.12 * true
    assert outside <= 2


def test_error_of_rings(tmp_path):
    """Outside and inside of a ring are off by nearly the same, which must not make the error too small."""
    random = np.random.default_rng(11)
    for _ in range(40):
        n, width, radius = random.integers(30, 140), random.uniform(0.05, 0.15), random.uniform(0.3, 0.6)
        x, y = eps("ee", -1, 1, n), eps("mumu", -1, 1, n + 7)
        X, Y = grid(x, y)
        distance = np.hypot(X - random.uniform(-0.2, 0.2), Y - random.uniform(-0.2, 0.2)) - radius
        found = area_of(open_map(write_map(tmp_path / "m.h5", [x, y], (distance / width)**2)), 1)
        true = 4 * np.pi * radius * width
        assert abs(found.value - true) <= found.error < 0.5 * true


def test_nothing_and_everything(tmp_path):
    m = ellipse(tmp_path / "m.h5", n=21, k=21, centre=(0.05, 0.05))
    assert area_of(m, 1e-9).value == 0 and area_of(m, 1e-9).error == pytest.approx(0.01) and area_of(m, 1e-9).n_island == 0
    whole = area_of(m, 1e6)
    assert whole.value == pytest.approx(4) and whole.error < 1e-9 and whole.touches_edge


def test_infinity_and_holes(tmp_path):
    """Infinite Delta chi2 is outside; cells without a value are counted apart."""
    x, y = eps("ee", -1, 1, 41), eps("mumu", -1, 1, 41)
    X, Y = grid(x, y)
    chi2 = np.where(X > 0.501, np.inf, 0.0)
    chi2[:5, :5] = np.nan
    found = area_of(open_map(write_map(tmp_path / "m.h5", [x, y], chi2)), 1)
    assert found.unknown == pytest.approx(25 * 0.0025)
    assert found.value + found.unknown == pytest.approx(3, abs=0.01 + 2 * 0.05)


def test_logarithmic_axes(tmp_path):
    """They count in natural logarithms."""
    x, y = Axis("mass", np.geomspace(1, 100, 81), scale="log"), Axis("g", np.geomspace(1e-4, 1, 101), scale="log")
    X, Y = grid(x, y)
    m = open_map(write_map(tmp_path / "m.h5", [x, y], np.log(X / 10)**2 + np.log(Y / 1e-2)**2))
    found = area_of(m, 1)
    assert abs(found.value - np.pi) < found.error < 0.1


def test_pieces():
    random = np.random.default_rng(1)
    for _ in range(50):
        flags = random.random((12, 17)) < 0.4
        assert _n_island(flags) == connected(flags, np.ones((3, 3)))[1]


@pytest.fixture
def planes(tmp_path):
    """Two crossing bands, what both leave, and one that adds nothing."""
    x, y = eps("ee", -1, 1, 121), eps("mumu", -1, 1, 121)
    X, Y = grid(x, y)
    one, other = ((X + Y) / 0.1)**2, ((X - Y) / 0.2)**2
    made = {"csi": one, "si": other, "csi,si": one + other, "ge": 1.0 * one, "csi,ge": 1.5 * one, "csi,xe": one}
    return [write_map(tmp_path / f"{name.replace(',', '_')}.h5", [x, y], chi2, experiments=name) for name, chi2 in made.items()]


def test_ranking(planes):
    ranking = rank([open_map(path) for path in planes], level=90)
    assert [r.label for r in ranking] == ["csi + si", "csi + ge"]   # csi + xe lacks a member
    best, second = ranking
    cut = delta_from_level(90, dof=2)
    assert best.members == ["csi", "si"] and best.area.value == pytest.approx(np.pi * 0.1 * 0.2 * cut / 2, abs=best.area.error)
    assert best.ratio < 0.2 and second.ratio == pytest.approx(np.sqrt(1 / 1.5), rel=0.05)
    assert second.area.touches_edge and not best.area.touches_edge


@pytest.mark.parametrize("form", ["markdown", "csv", "latex"])
def test_command(planes, form):
    areas, ranks = (command("areas.py", *planes, "--format", form, *more) for more in ([], ["--rank"]))
    assert areas.returncode == ranks.returncode == 0 and not areas.stderr + ranks.stderr
    assert ranks.stdout.index("csi + si") < ranks.stdout.index("csi + ge")
    if form == "csv":
        rows = list(csv.reader(io.StringIO(areas.stdout)))
        assert len(rows) == 7 and rows[3][0] == "csi + si" and float(rows[3][1]) == pytest.approx(0.1447, rel=0.02)


def test_complaints(tmp_path, planes):
    line = complaint(command("areas.py", *planes[:2], "--rank"))
    assert "no map of several experiments" in line
    x = eps("ee", -1, 1, 11)
    assert "needs two axes" in complaint(command("areas.py", write_map(tmp_path / "one.h5", [x], x.values**2)))
    with pytest.raises(MapError, match="cannot be compared"):
        rank([open_map(planes[0]), ellipse(tmp_path / "m.h5")])


# ------------------------------------------------------------------------------------------------------------ exposures

def rows_of(done):
    assert done.returncode == 0, done.stderr
    return list(csv.reader(io.StringIO(done.stdout)))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study with two exposures, planes, curves and parameters in turn, as the program writes it."""
    folder = tmp_path_factory.mktemp("study")
    axes = [{"name": name, "min": -0.2, "max": 0.6, "points": 31} for name in ("eps_ee_uV", "eps_mumu_uV", "eps_ee_dV")]
    (folder / "study.yaml").write_text(json.dumps({
        "study": "small", "interaction": "nsi", "data": "asimov", "sets": [{"all_subsets_of": ["ess_csi", "ess_si"]}],
        "planes": [axes[:2]], "exposure_factors": [1, 10],
        "profiles": [axes[2], {"each_of": ["eps_ee_uV", "eps_ee_dV"], "min": -0.2, "max": 0.6, "points": 31}]}))
    run("study", folder / "study.yaml", "-o", folder / "study.h5", "-q")
    return str(folder / "study.h5")


def test_members_have_the_exposure_of_the_combination(study):
    maps = [m for m in open_maps(study) if len(m.axes) == 2 and not m.members]
    assert [exposure_of(m) for m in maps] == ["1"] * 3 + ["10"] * 3
    ranking = rank(maps)
    assert [r.label for r in ranking] == ["ess_csi + ess_si", "ess_csi + ess_si x10"]
    assert [r.members for r in ranking] == [["ess_csi", "ess_si"], ["ess_csi x10", "ess_si x10"]]
    for r, own in zip(ranking, (maps[:3], maps[3:])):
        areas = [area_of(m, delta_from_level(90, dof=2)).value for m in own]
        assert r.ratio == pytest.approx(areas[2] / min(areas[:2])) and r.ratio < 1
    assert [r.label for r in rank(maps[3:] + maps[:3])] == ["ess_csi + ess_si x10", "ess_csi + ess_si"]
    assert rank([maps[2], maps[3], maps[4]]) == []     # at x1 the members are not there


def test_exposures_of_scans_and_of_format_1(tmp_path):
    m = ellipse(tmp_path / "a.h5", configuration=json.dumps({"exposure_factor": 10.0}))
    assert exposure_of(m) == "10" and exposure_of(ellipse(tmp_path / "b.h5")) == "1"
    assert labels_of([m, ellipse(tmp_path / "b.h5")]) == ["csi x10", "csi"]
    old = dataclasses.replace(m, path=f"{tmp_path}/a.h5:eps/csi@0.5", attrs={**m.attrs, "title": "CsI, 0.5 times the exposure"})
    assert exposure_of(old) == "0.5" and labels_of([old]) == ["CsI x0.5"]
    assert exposure_of(dataclasses.replace(m, path=f"{tmp_path}/a.h5:eps/csi")) == "1"


def test_maps_that_have_no_area_are_left_out(study):
    for more in ([], ["--rank"]):
        done = command("areas.py", study, "--format", "csv", *more)
        assert len(rows_of(done)) == (3 if more else 7)
        first, *rest = done.stderr.splitlines()
        assert first == (f"areas.py: note: {study}: 12 of 18 maps are left out: an area needs two axes, and 6 have 1 "
                         "axis and 6 have parameters in turn")
        known = ("pieces is uncertain", "more maps") if more else ("coarse", "pieces is uncertain", "more maps")
        assert rest and all(any(words in line for words in known) for line in rest)
    done = command("areas.py", study, "--format", "csv", "--axes", "eps_mumu_uV,eps_ee_uV")
    assert len(rows_of(done)) == 7 and "left out" not in done.stderr


def test_intervals_of_parameters_in_turn_are_there(study):
    done = command("intervals.py", study, "--format", "csv")
    assert {(row[0], row[1]) for row in rows_of(done)[1:]} == {
        (f"{space}/{name}{end}", parameter) for name in ("ess_csi", "ess_si", "ess_csi+ess_si") for end in ("", "@10")
        for space, parameter in (("eps_ee_dV", "eps_ee_dV"), ("eps_ee_uV+eps_ee_dV", "eps_ee_uV"),
                                 ("eps_ee_uV+eps_ee_dV", "eps_ee_dV"))}
    assert "6 of 18 maps are left out: intervals are of one parameter, and 6 have 2 axes" in done.stderr
    named = command("intervals.py", study, "--format", "csv", "--parameter", "eps_ee_uV")
    assert {row[1] for row in rows_of(named)[1:]} == {"eps_ee_uV"} and named.stderr == ""
    each = command("intervals.py", study, "--format", "csv", "--each", "eps_ee_uV", "--at", "0.2")
    assert {row[2] for row in rows_of(each)[1:]} == {"eps_mumu_uV"}


# ----------------------------------------------------------------------------------------------------------- unfinished

def test_what_is_not_complete_is_not_ranked(tmp_path, planes):
    part = open_map(planes[2])
    x, y = eps("ee", -1, 1, 121), eps("mumu", -1, 1, 121)
    half = write_map(tmp_path / "half.h5", [x, y], part.chi2, experiments="csi,si", done=range(20))
    line = complaint(command("areas.py", *planes[:2], half, "--rank"))
    assert line == f"areas.py: --rank: only complete maps are ranked: {half}: 33.4% complete"
    done = command("areas.py", *planes, half, "--rank", "--format", "csv")
    assert len(rows_of(done)) == 3 and done.stderr == f"areas.py: note: only complete maps are ranked: {half}: 33.4% complete\n"
    with pytest.raises(MapError, match="half.h5: what is not complete cannot be ranked; it is 33.4% complete"):
        rank([open_map(path) for path in [*planes[:2], half]])
    areas = command("areas.py", planes[0], half, "--format", "csv")
    assert [row[-1] for row in rows_of(areas)] == ["complete", "100%", "33.4%"]
    assert areas.stderr == f"areas.py: note: {half}: 33.4% complete\n"
    assert command("plot_panels.py", planes[0], half, "-o", tmp_path / "f.png").stderr.endswith(f"note: {half}: 33.4% complete\n")


def test_unfinished_maps_of_a_study_are_told_in_one_line(tmp_path):
    x, y = eps("ee", n=40), eps("mumu", n=40)
    maps = {name: 50 * k * sum(v**2 for v in grid(x, y)) for k, name in enumerate("abcdef", 1)}
    path = write_study(tmp_path / "s.h5", {"eps_ee_uV,eps_mumu_uV": ([x, y], {**maps, "a+b": maps["a"] + maps["b"]})}, done=[0, 4],
                       complete=False)
    words = "; ".join(f"eps_ee_uV,eps_mumu_uV/{name} 32% complete" for name in "abcd") + "; and 3 more"
    assert complaint(command("areas.py", path, "--rank")) == f"areas.py: --rank: only complete maps are ranked: {path}: {words}"
    assert command("areas.py", path).stderr == f"areas.py: note: {path}: {words}\n"
    nothing = write_study(tmp_path / "n.h5", {"eps_ee_uV,eps_mumu_uV": ([x, y], maps)}, done=[], complete=False)
    assert "no point of the map has a value yet" in complaint(command("areas.py", nothing))


def test_columns_have_names_of_their_own(planes):
    head = rows_of(command("areas.py", *planes, "--rank", "--format", "csv"))[0]
    assert len(set(head)) == len(head) == 7


# -------------------------------------------------------------------------------------------------------------- factors

SYSTEMATICS = (1, 0.2)


@pytest.fixture(scope="module")
def factored(tmp_path_factory):
    """A study of years and systematics: regions of semi-axes 0.3 and 0.15 times sqrt((1 / years + systematics / 4) cut)."""
    x, y = eps("ee", -1, 1, 61), eps("mumu", -1, 1, 61)
    X, Y = grid(x, y)
    sets = {"csi": (X / 0.3)**2 + (Y / 0.15)**2, "si": (X / 0.15)**2 + (Y / 0.3)**2}
    sets["csi+si"] = sets["csi"] + sets["si"]
    rows = [(name, t, s) for name in sets for t in (1, 3, 10) for s in SYSTEMATICS]
    maps = {f"{name}@years={t}@systematics={s}": sets[name] / (1 / t + s / 4) for name, t, s in rows}
    return write_study(tmp_path_factory.mktemp("f") / "s.h5", {"eps_ee_uV,eps_mumu_uV": ((x, y), maps)},
                       columns={"set": [r[0] for r in rows], "years": [str(r[1]) for r in rows], "systematics": [str(r[2]) for r in rows]},
                       factors={"years": "years", "systematics": "systematics"})


def test_area_over_a_factor(factored):
    curves = areas_against(open_maps(factored), "years")
    assert [(c.label, {k: f.value for k, f in c.others.items()}) for c in curves] == [
        (name, {"systematics": s}) for name in ("csi", "si", "csi + si") for s in SYSTEMATICS]
    cut = delta_from_level(90, dof=2)
    for curve in curves[:4]:
        assert [p.value for p in curve.points] == [1, 3, 10]
        for p in curve.points:
            true = np.pi * 0.3 * 0.15 * cut * (1 / p.value + curve.others["systematics"].value / 4)
            assert abs(p.area.value - true) <= p.area.error and p.coarse == ""


def test_table_over_a_factor(factored):
    head, *rows = rows_of(command("areas.py", factored, "--against", "years", "--format", "csv"))
    assert head[:4] == ["set", "systematics", "years", "area, 90 %"] and len(rows) == 18 and "plane" not in head
    assert [row[:3] for row in rows[:3]] == [["csi", "1", "1"], ["csi", "1", "3"], ["csi", "1", "10"]]
    one = rows_of(command("areas.py", factored, "--against", "systematics", "--where", "years=3", "--set", "si", "--labels", "Silicon",
                          "--format", "csv"))
    assert [row[:2] for row in one] == [["set", "systematics"], ["Silicon", "0.2"], ["Silicon", "1"]]


def test_figure_over_a_factor(factored):
    fig = area_figure(areas_against(open_maps(factored), "years"), "years", "90% C.L.")
    ax, = fig.axes
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "years" and ax.get_ylabel().endswith("{\\mu\\mu}^{uV}$) at 90% C.L.")
    words = [t.get_text() for legend in [*fig.legends, ax.get_legend()] if legend for t in legend.get_texts()]
    assert words == ["csi", "si", "csi + si", "systematics 1", "systematics 0.2"]
    assert len(ax.containers) == 6 and {len(bars.lines[0].get_xdata()) for bars in ax.containers} == {3}
    assert len({bars.lines[0].get_color() for bars in ax.containers}) == 3
    assert len({bars.lines[0].get_linestyle() for bars in ax.containers}) == 2


@pytest.mark.parametrize("words, part", [(("--against", "year"), "no factor year; there are years, systematics"),
                                         (("--against", "years", "--where", "years=3"), "years has the same value in all maps, 3")])
def test_factors_that_do_not_vary(factored, words, part):
    assert part in complaint(command("areas.py", factored, *words))


def test_a_figure_needs_a_factor(factored, planes):
    for words in (("-o", "f.pdf"), ("--against", "years", "--rank"), ("--against", "years", "--only", "csi")):
        done = command("areas.py", factored, *words)
        assert done.returncode == 2 and "--against" in done.stderr and "Traceback" not in done.stderr
    assert "no factor years; the maps have none" in complaint(command("areas.py", *planes, "--against", "years"))


def test_members_have_the_factors_of_the_combination(factored):
    ranking = rank(list(open_maps(factored)))
    assert [r.label for r in ranking[:2]] == ["csi + si, 1 year, systematics 1", "csi + si, 1 year, systematics 0.2"] and len(ranking) == 6
    for r in ranking:
        assert all(member.partition(", ")[2] == r.label.partition(", ")[2] for member in r.members) and len(r.members) == 2
        assert r.ratio == pytest.approx(0.4, rel=0.02)     # a^2 b^2 / (a^2 + b^2) of a b
    some = rows_of(command("areas.py", factored, "--rank", "--where", "years=3", "--where", "systematics=1", "--format", "csv"))
    assert len(some) == 2


# ---------------------------------------------------------------------------------------------------------- coarse grids

def test_a_grid_that_is_too_coarse_is_told(tmp_path):
    """13 x 11 points of a thin ring."""
    x, y = eps("ee", -1, 1, 13), eps("mumu", -1, 1, 11)
    X, Y = grid(x, y)
    path = write_map(tmp_path / "m.h5", [x, y], ((np.hypot(X, Y) - 0.55) / 0.03)**2)
    done = command("areas.py", path, "--format", "csv")
    assert "m.h5: the grid of 13 x 11 points is too coarse: " in done.stderr and rows_of(done)[1][-1] == "too coarse"
    fine = command("areas.py", ellipse(tmp_path / "e.h5").path, "--format", "csv")
    assert fine.stderr == "" and "grid" not in rows_of(fine)[0]


# ---------------------------------------------------------------------------------------------------------------- pieces

def valleys(path, saddle, n=61, tilt=0.0):
    """Two minima in an oblique valley, with a saddle of Delta chi2 = 4.605 + `saddle` between them; for small ones the grid cannot
    tell whether there are two pieces, or one."""
    x, y = eps("ee", -1, 1, n), eps("mumu", -1, 1, n)
    X, Y = grid(x, y)
    along, across = (X + 0.7 * Y) / 1.22, (Y - 0.7 * X) / 1.22
    return write_map(path, [x, y], (delta_from_level(90, 2) + saddle) * (1 - (along / 0.5)**2)**2 + (across / 0.02)**2)


@pytest.mark.parametrize("saddle, n, sure", [(30, 241, True), (-3, 241, True), (0.02, 41, False)])
def test_the_number_of_pieces_is_told_where_it_is_uncertain(tmp_path, saddle, n, sure):
    path = valleys(tmp_path / "m.h5", saddle, n)
    area, done = area_of(open_map(path), delta_from_level(90, 2)), command("areas.py", path, "--format", "csv")
    assert area.pieces_are_sure == sure and ("number of pieces is uncertain" in done.stderr) == (not sure and "too coarse" not in done.stdout)
    assert not sure or area.n_island == (2 if saddle > 0 else 1)


def test_uncertain_pieces_stand_in_the_table(tmp_path):
    sure, unsure = valleys(tmp_path / "a.h5", 30, 241), valleys(tmp_path / "b.h5", 0.02, 121)
    done = command("areas.py", sure, unsure, "--format", "csv")
    assert [row["grid"] for row in csv.DictReader(io.StringIO(done.stdout))] == ["fine enough", "pieces uncertain"]
    assert f"{unsure}: the number of pieces is uncertain" in done.stderr and done.returncode == 0


# -------------------------------------------------------------------------------------------------------- figure over a factor

def test_the_figure_over_a_factor_says_what_it_shows(tmp_path):
    """The plane, the experiments' titles, multiples as such; all lines as wide, and all error bars within the frame."""
    x, y = eps("ee", -1, 1, 41), eps("mumu", -1, 1, 41)
    X, Y = grid(x, y)
    rows = [(name, t, s) for name in ("csi", "si") for t in (1, 3, 10) for s in (1, 0.2)]
    maps = {f"{name}@years={t},systematics={s}": (X**2 + (3 if name == "csi" else 2) * Y**2) * 20 * t / s for name, t, s in rows}
    configuration = {"experiments": [{"experiment": "csi", "title": "Cesium iodide scintillator"}, {"experiment": "si", "title": "Silicon"}],
                     "factors": [{"name": "years", "values": [1, 3, 10]}, {"name": "systematics", "times": [1, 0.2]}]}
    columns = {"set": [name for name, *_ in rows], "years": [f"{t:.15g}" for _, t, _ in rows], "title": [name for name, *_ in rows],
               "systematics": [f"{s:.15g}" for *_, s in rows]}
    study = write_study(tmp_path / "s.h5", {"a": ((x, y), maps)}, columns=columns, configuration=json.dumps(configuration),
                        factors={"years": "years", "systematics": "systematics"})
    curves = with_titles(areas_against(open_maps(study), "years"))
    fig = area_figure(curves, "years", "90% C.L.")
    words = {t.get_text() for legend in [*fig.legends, fig.axes[0].get_legend()] if legend for t in legend.get_texts()}
    assert {"Cesium iodide scintillator", "Silicon", "systematics × 1", "systematics × 0.2"} <= words
    ax = fig.axes[0]
    assert "varepsilon_{ee}" in ax.get_ylabel() and r"varepsilon_{\mu\mu}" in ax.get_ylabel()
    assert len({line.get_linewidth() for line in ax.lines if line.get_linestyle() not in ("None", "none")}) == 1
    low, high = ax.get_ylim()
    assert all(low < p.area.value - p.area.error and p.area.value + p.area.error < high for c in curves for p in c.points)
    assert [c.label for c in areas_against(open_maps(study), "years")][:2] == ["csi", "csi"]


@pytest.mark.parametrize("value, error, expected", [(0.65, 0.0006, "0.6500"), (12.3456, 0.1, "12.3"), (0.5, 0, "0.5"), (0.1, 2, "0.1"),
                                                    (4.6e-6, 1e-8, "4.60e-06"), (1234.5, 20, "1234")])
def test_digits_follow_the_error(value, error, expected):
    assert of_error(value, error) == expected


def test_an_option_that_is_nearly_one_is_told():
    assert "did you mean --levels?" in command("plot_map.py", "m.h5", "--level", "90", "-o", "f.pdf").stderr
