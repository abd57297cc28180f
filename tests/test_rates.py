# SPDX-License-Identifier: GPL-3.0-or-later
"""Expected events in tables, CSV and JSON: digits, edges, names of bins."""
import csv
import io
import math
import re

import numpy as np
import pytest

from e2e import experiment, point, rates, run, run_json, select, write_experiment, write_scan

NAMES = ["S2 120-200 PE", 'the "upper" one, wide']
TABLE = {"response": {"name": "table", "recoil_keV": [1, 10, 100], "bins": [[0, 0.5, 0.2], [0, 0.1, 0.4]]}, "bins": None,
         "backgrounds": [{"name": "flat", "counts": [50, 40]}]}


def rows_of(experiments):
    return list(csv.DictReader(io.StringIO(run("rates", *select(experiments), "--format", "csv").stdout)))


def table_of(experiments):
    """The numbers of a table, by title of their columns, without those that say which bin it is; the last row is the sum."""
    title, *rows = run("rates", *select(experiments)).stdout.strip().splitlines()[3:]
    columns = title.split()
    first = columns.index("signal")
    return {name: [float(row.split()[-len(columns) + first + k]) for row in rows] for k, name in enumerate(columns[first:])}


def test_every_format():
    as_json, rows = rates("ess_csi,ess_ar"), rows_of("ess_csi,ess_ar")
    assert list(rows[0]) == ["experiment", "kind", "component", "bin", "name", "unit", "from", "to", "from_us", "to_us", "events",
                             "interaction"]
    assert len(rows) == 4 * 20 + 4 * 1
    for name, rate in as_json.items():
        edges = rate["edges_keV"]
        for kind in ("signal", "background"):
            for component, counts in rate[kind].items():
                mine = [row for row in rows if (row["experiment"], row["kind"], row["component"]) == (name, kind, component)]
                assert [float(row["events"]) for row in mine] == counts
                assert [float(row["from"]) for row in mine] == edges[:-1]
                assert [row["to"] and float(row["to"]) for row in mine] == [edge or "" for edge in edges[1:]]
                assert {(row["unit"], row["from_us"], row["to_us"]) for row in mine} == {("keV", "", "")}
    assert {row["interaction"] for row in rows} == {"nsi (arXiv:2208.11771): sin2_theta_w 0.23867, recoil_term 0 [defaults]"}
    assert as_json["ess_csi"]["interaction"]["fixed"]["sin2_theta_w"] == 0.23867
    assert set(as_json["ess_csi"]["signal"]) == {"nu_mu", "numubar", "nu_e"}
    assert run("rates", *select("ess_csi"), "--format", "json").stdout == run("rates", *select("ess_csi"), "--json").stdout


@pytest.mark.parametrize("name", ["ess_csi", "ess_c3f8", "xenonnt_8b", "coherent_csi_time"])
def test_a_table_has_the_numbers_of_json(name):
    rate, table = rates(name)[name], table_of(name)
    for kind in ("signal", "background"):
        for component, counts in rate[kind].items():
            assert table[component][:-1] == pytest.approx(counts, rel=5e-3, abs=1e-300), component
            assert table[component][-1] == pytest.approx(sum(counts), rel=1e-6, abs=5e-4), component
    assert table["signal"][-1] == pytest.approx(rate["signal_total"], rel=1e-6)


def test_names_are_quoted_where_they_must_be(tmp_path):
    """Commas and quotes in names of experiments and backgrounds are theirs; plain names stay plain."""
    names = ["acc,x", 'the "other"', "=1+1", "flat"]
    path = write_experiment(tmp_path, backgrounds=[{"name": name, "counts": [50, 40, 30]} for name in names],
                            pulls=None, title="T, 'x'")
    rows = rows_of([path])
    assert list(dict.fromkeys(row["component"] for row in rows if row["kind"] == "background")) == names
    assert all(None not in row and None not in row.values() and float(row["events"]) > 0 for row in rows)
    text = run("rates", *select([path]), "--format", "csv").stdout
    assert 'toy,background,"acc,x",1,' in text and "toy,background,flat,1," in text


# --- digits -------------------------------------------------------------------------------------------------------------
def small(folder):
    """A gram for a year, in bins of an eV."""
    target = experiment()["target"] | {"mass_kg": 1e-3}
    edges = [1 + 0.001 * k for k in range(6)]
    return write_experiment(folder, "gram", target=target, bins={"edges_keV": edges}, response={"name": "threshold", "threshold_keV": 1},
                            backgrounds=[{"name": "flat", "rate_per_keV_kg_day": 10, "live_days": 365}],
                            pulls=[{"name": "gram.signal", "sigma": 0.1, "scales": ["signal"]}])


def large(folder):
    source = experiment()["source"] | {"protons_per_year": 1e29, "distance_m": 1}
    return write_experiment(folder, "tonnes", source=source, target=experiment()["target"] | {"mass_kg": 1e5})


@pytest.mark.parametrize("make", [small, large])
def test_small_and_large_numbers_keep_their_digits(tmp_path, make):
    path = make(tmp_path)
    (name, rate), = rates([path]).items()
    table = table_of([path])
    total = np.sum(list(rate["signal"].values()), axis=0)
    assert table["signal"][:-1] == pytest.approx(total, rel=1e-5) and table["signal"][-1] == pytest.approx(sum(total), rel=1e-6)
    assert (total < 1e-3).all() if make is small else (total > 1e12).any()
    lines = run("rates", *select([path])).stdout.strip().splitlines()[3:]
    assert len({len(line) for line in lines}) == 1, "columns that align"
    assert "." in lines[1] and len({line[:21].strip() for line in lines[1:]}) == len(lines) - 1, "edges that differ"


def test_a_point_prints_the_same_bins(tmp_path):
    text = run("point", *select([small(tmp_path)])).stdout
    assert re.search(r"^ +1\.000 +1\.001 +\S*[1-9]", text, re.MULTILINE)


# --- names ----------------------------------------------------------------------------------------------------------------
def test_a_counting_experiment_has_no_upper_edge():
    rate, row = rates("ess_c3f8")["ess_c3f8"], rows_of("ess_c3f8")[0]
    assert rate["edges_keV"] == [0.2, None] and rate["bin_names"] == ["above 0.2 keV"]
    assert (row["bin"], row["name"], row["from"], row["to"]) == ("1", "above 0.2 keV", "0.20000000000000001", "")
    assert re.search(r"^above 0\.2 keV +1377\.042 ", run("rates", *select("ess_c3f8")).stdout, re.MULTILINE)
    assert re.search(r"^above 0\.2 keV ", run("point", *select("ess_c3f8")).stdout, re.MULTILINE)


def test_bins_of_a_table_are_numbered(tmp_path):
    path = write_experiment(tmp_path, **TABLE)
    rate, rows = rates([path])["toy"], rows_of([path])
    assert rate["bin_names"] == ["bin 1", "bin 2"] and rate["edges_bin"] == [0, 1, 2]
    assert [(row["bin"], row["name"], row["unit"], row["from"], row["to"]) for row in rows[:2]] == [
        ("1", "bin 1", "", "", ""), ("2", "bin 2", "", "", "")]
    text = run("rates", *select([path])).stdout
    assert re.search(r"^bin 2 +\d", text, re.MULTILINE) and "from bin" not in text


def test_bins_of_a_table_have_names(tmp_path):
    path = write_experiment(tmp_path, **TABLE, bin_names=NAMES)
    assert rates([path])["toy"]["bin_names"] == NAMES
    assert [row["name"] for row in rows_of([path])[:2]] == NAMES
    assert point([path])["experiments"]["toy"]["bin_names"] == NAMES
    for command in ("rates", "point"):
        assert re.search(rf"^{re.escape(NAMES[1])} +\d", run(command, *select([path])).stdout, re.MULTILINE)


def test_names_change_no_map(tmp_path):
    identities = set()
    for names in (None, NAMES):
        write_experiment(tmp_path, **TABLE, bin_names=names)
        write_scan(tmp_path, ["toy.yaml"], [{"name": "eps_ee_uV", "min": 0, "max": 1, "points": 3}])
        result = run_json("check", tmp_path / "scan.yaml", "--json")
        assert names is None or result["resolved"]["experiments"][0]["bin_names"] == NAMES
        identities.add(result["identity"])
    assert len(identities) == 1


def test_edges_have_no_names():
    assert "bin_names" not in rates("ess_csi")["ess_csi"]


def test_windows_of_time_have_edges_and_names():
    row = rows_of("coherent_csi_time")[9]
    assert (row["bin"], row["name"], row["unit"], row["from_us"], row["to_us"]) == ("1", "0 to 8 PE", "PE", "0.125", "0.25")
    assert point("coherent_csi_time")["experiments"]["coherent_csi_time"]["bin_names"][9] == "0 to 8 PE, 0.125 to 0.25 us"
    assert re.search(r"^ +from us +to us +from PE +to PE +signal", run("rates", *select("coherent_csi_time")).stdout, re.MULTILINE)


# --- data -----------------------------------------------------------------------------------------------------------------
def test_data_are_what_a_fit_is_compared_with():
    rate = rates("xenonnt_8b")["xenonnt_8b"]
    expected = np.sum([*rate["signal"].values(), *rate["background"].values()], axis=0)
    if rate["data_kind"] == "asimov":
        assert rate["data"] == pytest.approx(expected, rel=1e-9)
    assert rate["observed"] == [16, 14, 7] and all(map(math.isfinite, rate["data"]))
