# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of studies: their sets and factors, choosing some of them, and their labels."""
import json

import h5py
import numpy as np
import pytest
from e2e import run
from synthetic_map import command, eps, grid, write_map, write_study, write_years

from cevscan_analysis import MapError, map_file
from cevscan_analysis.labels import labels_of, titles_of, words_of_factor
from cevscan_analysis.maps import factors_of, open_map, open_maps, select, set_of
from cevscan_analysis.one_map import Factor


@pytest.fixture
def years(tmp_path):
    return write_years(tmp_path / "study.h5")


def test_sets_and_factors_are_those_of_the_index(years):
    maps = list(open_maps(years))
    assert [set_of(m) for m in maps] == ["csi"] * 3 + ["si"] * 3 + ["csi+si"] * 3
    assert [factors_of(m) for m in maps[:3]] == [{"years": 1.0}, {"years": 3.0}, {"years": 10.0}]
    assert maps[0].attrs["set"] == "csi" and maps[0].factors["years"] == Factor(1.0, "years")
    one = open_map(years, "eps_ee_uV,eps_mumu_uV/si@years=3")
    assert factors_of(one) == {"years": 3.0} and set_of(one) == "si" and np.array_equal(one.chi2, maps[4].chi2)


def test_exposure_is_a_factor_with_a_column_of_its_own(tmp_path):
    x = eps("ee", n=11)
    file = write_study(tmp_path / "s.h5", {"eps_ee_uV": ((x,), {"csi": x.values**2, "csi@10": 10 * x.values**2})},
                       columns={"exposure_factor": ["1", "10"]})
    assert [factors_of(m) for m in open_maps(file)] == [{"exposure": 1.0}, {"exposure": 10.0}]
    assert [set_of(m) for m in open_maps(file)] == ["csi", "csi"]   # from before there was a column of sets
    assert labels_of(list(open_maps(file))) == ["csi", "csi x10"]
    named = write_study(tmp_path / "t.h5", {"eps_ee_uV": ((x,), {"csi": x.values**2})}, factors={"exposure": "exposure"},
                        columns={"exposure_factor": ["0.5"]})
    assert [factors_of(m) for m in open_maps(named)] == [{"exposure": 0.5}]


def test_a_factor_hides_no_attribute_of_the_map(tmp_path):
    x = eps("ee", n=11)
    file = write_study(tmp_path / "s.h5", {"eps_ee_uV": ((x,), {"csi@1": x.values**2})}, columns={"data": ["1"]}, factors={"data": "data"})
    m, = open_maps(file)
    assert m.attrs["data"] == "asimov" and factors_of(m) == {"data": 1.0}


@pytest.mark.parametrize("columns, factors, reason", [({"years": ["three"]}, {"years": "y"}, "holds what is no number"),
                                                      ({}, None, "no column of the factor years")])
def test_factors_that_are_none(tmp_path, columns, factors, reason):
    x = eps("ee", n=11)
    file = write_study(tmp_path / "s.h5", {"eps_ee_uV": ((x,), {"csi": x.values**2})}, columns=columns, factors=factors)
    if factors is None:
        with h5py.File(file, "r+") as f:
            f["index"].attrs["factors"] = "years"
            f.attrs["description_hash"] = map_file.trust.description_hash(f)
    with pytest.raises(MapError, match=reason):
        list(open_maps(file))


def test_members_have_the_factors_of_their_map(tmp_path):
    """Of a study that the program writes."""
    (tmp_path / "study.yaml").write_text(json.dumps({
        "study": "small", "interaction": "nsi", "data": "asimov", "sets": [["ess_si"]], "exposure_factors": [1, 10],
        "profiles": [{"each_of": ["eps_ee_uV", "eps_ee_dV"], "min": -0.2, "max": 0.6, "points": 11}]}))
    run("study", tmp_path / "study.yaml", "-o", tmp_path / "s.h5", "-q")
    maps = select(open_maps(tmp_path / "s.h5"), ["ess_si"], {"exposure": 10})
    assert [factors_of(member) for m in maps for member in m.members] == [{"exposure": 10.0}] * 2
    assert labels_of(maps, figure=True) == ["Silicon CCD array at the ESS x10"]


# ------------------------------------------------------------------------------------------------------------ choosing

def test_select(years):
    maps = list(open_maps(years))
    found = lambda **words: [(set_of(m), factors_of(m)["years"]) for m in select(maps, **words)]
    assert len(found()) == 9
    assert found(sets=["si"], where={"years": 3}) == [("si", 3)]
    assert found(sets=["si", "csi"], where={"years": [1, 10]}) == [("csi", 1), ("csi", 10), ("si", 1), ("si", 10)]
    assert found(sets=["csi + si"]) == [("csi+si", t) for t in (1, 3, 10)]   # by its title
    assert select(open_maps(years), ["csi"], {"years": "3"})[0].attrs["set"] == "csi"


@pytest.mark.parametrize("words, reason", [
    (dict(sets=["ge"]), "no set ge; there are csi, si, csi\\+si"), (dict(where={"mass": 1}), "no factor mass; there are years"),
    (dict(where={"years": 5}), "no map has years=5; there are 1, 3, 10")])
def test_what_is_not_there_is_refused(years, words, reason):
    with pytest.raises(MapError, match=reason):
        select(open_maps(years), **words)


@pytest.mark.parametrize("value, own", [(1, [1]), (1.0000005, [1.0000005]), ("1.0000005", [1.0000005]), (1 + 1e-12, [1]), (1 / 3, [0.333333333333333]),
                                        ([1, 0.1 + 0.2], [1, 0.3])])
def test_the_value_itself_before_what_is_near(tmp_path, value, own):
    """And each is written as it is, in labels and tables."""
    values, x, y = ["1", "1.0000005", "0.333333333333333", "0.3"], eps("ee", -1, 1, 9), eps("mumu", -1, 1, 9)
    file = write_study(tmp_path / "s.h5", {"p": ((x, y), {f"csi@x={v}": 9 * sum(a**2 for a in grid(x, y)) for v in values})},
                       columns={"x": values}, factors={"x": "x"})
    assert [factors_of(m)["x"] for m in select(open_maps(file), where={"x": value})] == own
    assert labels_of(list(open_maps(file))) == [f"csi, x {v}" for v in values]
    with pytest.raises(MapError, match="no map has x=1.000001; there are 0.3, 0.333333333333333, 1, 1.0000005"):
        select(open_maps(file), where={"x": 1.000001})
    if value == 1:
        rows = [row.split(",")[1] for row in command("areas.py", file, "--against", "x", "--format", "csv").stdout.splitlines()]
        assert sorted(rows[1:]) == sorted(values)


def test_maps_that_are_no_study(tmp_path, years):
    x = eps("ee", n=11)
    m = open_map(write_map(tmp_path / "m.h5", [x], x.values**2))
    assert set_of(m) == "" and factors_of(m) == {}
    with pytest.raises(MapError, match="there is no study with sets"):
        select([m], sets=["csi"])
    with pytest.raises(MapError, match="the maps have none"):
        select([m], where={"years": 1})
    assert len(select([m, *open_maps(years)], where={"years": 1})) == 3


# -------------------------------------------------------------------------------------------------------------- labels

def test_labels_say_what_varies(years):
    maps = list(open_maps(years))
    assert labels_of(maps)[:4] == ["csi, 1 year", "csi, 3 years", "csi, 10 years", "si, 1 year"]
    assert labels_of(select(maps, where={"years": [1, 3]}))[-2:] == ["csi + si, 1 year", "csi + si, 3 years"]
    assert labels_of(select(maps, sets=["csi"])) == ["csi, 1 year", "csi, 3 years", "csi, 10 years"]
    assert labels_of(maps[:1]) == ["csi, 1 years"]   # the title of the file: nothing varies


def test_two_factors(tmp_path):
    x = eps("ee", n=11)
    maps = {f"csi@{k}": x.values**2 for k in range(4)}
    file = write_study(tmp_path / "s.h5", {"eps_ee_uV": ((x,), maps)}, factors={"years": "years", "systematics": "systematics {} times"},
                       columns={"years": ["1", "3", "1", "3"], "systematics": ["1", "1", "0.5", "0.5"]})
    found = list(open_maps(file))
    assert labels_of(found) == ["csi, 1 year, systematics 1 times", "csi, 3 years, systematics 1 times",
                                "csi, 1 year, systematics 0.5 times", "csi, 3 years, systematics 0.5 times"]
    assert labels_of(select(found, where={"systematics": 0.5})) == ["csi, 1 year", "csi, 3 years"]


@pytest.mark.parametrize("value, label, text", [(3, "years", "3 years"), (1, "years", "1 year"), (1, "kg of CsI", "1 kg of CsI"),
                                                (0.5, "systematics", "systematics 0.5"), (2, "threshold", "threshold 2"),
                                                (10, "{} times the mass", "10 times the mass"), (5, "% of the flux", "5 % of the flux")])
def test_words_of_factors(value, label, text):
    assert words_of_factor(Factor(value, label)) == text


def test_experiments_have_their_titles_in_figures(tmp_path):
    x = eps("ee", n=11)
    configuration = json.dumps({"experiments": [{"experiment": "a", "title": "Silicon CCDs\n at the ESS"},
                                                {"experiment": "b", "title": "Germanium at the ESS"}]})
    file = write_study(tmp_path / "s.h5", {"eps_ee_uV": ((x,), {"a": x.values**2, "a+b": 2 * x.values**2, "b": x.values**2})},
                       columns={"title": ["a", "a + b", "all of Ge"]}, configuration=configuration)
    maps = list(open_maps(file))
    assert labels_of(maps, figure=True) == ["Silicon CCDs", "Silicon CCDs + Germanium", "all of Ge"]
    assert labels_of(maps) == ["a", "a + b", "all of Ge"]


def test_surrogates(tmp_path):
    """The file says of which experiments the data are surrogates; before there was an attribute, their names did."""
    x = eps("ee", n=11)
    file = write_study(tmp_path / "s.h5", {"eps_ee_uV": ((x,), {"a": x.values**2, "a+b": x.values**2, "c": x.values**2})}, surrogates="b")
    assert [m.is_surrogate for m in open_maps(file)] == [False, True, False]
    assert labels_of(list(open_maps(file))) == ["a", "a + b (surrogate)", "c"]
    old = open_map(write_map(tmp_path / "m.h5", [x], x.values**2, experiments="pandax_surrogate"))
    assert old.is_surrogate and labels_of([old]) == ["pandax_surrogate"]


def test_titles_with_dollars(tmp_path):
    """TeX where the dollar signs are in pairs; others are signs like any other."""
    x = eps("ee", n=11)
    for title, label in ((r"$B-L$ vector", r"$B-L$ vector"), ("5$ a_b", r"5\$ a_b"), (r"5\$ and 6$", r"5\$ and 6\$")):
        m = open_map(write_map(tmp_path / "m.h5", [x], x.values**2, title=title))
        assert labels_of([m]) == [label]
    X, Y = grid(x, x)
    assert titles_of([m])[0] == [r"5\$ and 6$"]
