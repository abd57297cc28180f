# SPDX-License-Identifier: GPL-3.0-or-later
"""Factors of studies: every value gives the map of the experiments changed by hand, bit for bit."""
import json
import re

import h5py
import pytest

from e2e import CONFIGS, MapOfStudy, axis, maps_of, refused, run, run_json, scan

SETS = [["ess_csi"], ["ess_csi", "ess_si"]]
YEARS = {"name": "years", "path": "source.years", "values": [1, 3]}
SIGMAS = {"name": "systematics", "label": "systematic uncertainties", "path": "pulls.*.sigma", "times": [1, 0.2]}


def study_text(factors, **keys):
    study = {"study": "s", "interaction": "nsi", "sets": SETS, "profiles": [axis("eps_ee_uV", 11)], "factors": factors, **keys}
    return json.dumps({key: value for key, value in study.items() if value is not None}, indent=1)


def write(folder, factors, **keys):
    (folder / "study.yaml").write_text(study_text(factors, **keys))
    return folder / "study.yaml"


def refusal(folder, factor, **keys):
    write(folder, [{"name": "f", "values": [1, 2], **factor} if "times" not in factor else {"name": "f", **factor}], **keys)
    return refused(folder, "check", "study.yaml")


def experiments_of(path, name):
    """Of one map, as its scan file has them."""
    return {x["experiment"]: x for x in json.loads(run("check", path, "--map", name).stdout)["experiments"]}


# --- maps ---------------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def product(tmp_path_factory):
    folder = tmp_path_factory.mktemp("factors")
    path = write(folder, [SIGMAS, {**YEARS, "experiments": ["ess_csi"]}], exposure_factors=[1, 2])
    summary = run_json("study", path, "-o", folder / "study.h5", "--json")
    return folder, path, summary


def test_maps_are_those_of_the_changed_experiments(product):
    folder, path, summary = product
    names = maps_of(folder / "study.h5")
    assert summary["maps"] == len(names) == 16 and names[0] == "eps_ee_uV/ess_csi@exposure=1,systematics=1,years=1"
    with h5py.File(folder / "study.h5") as f:
        for name in (names[0], names[5], names[-1]):
            (folder / "one.yaml").write_text(run("check", path, "--map", name).stdout)
            alone = scan(folder / "one.yaml", folder / f"{names.index(name)}.h5")
            assert alone["content_hash"] == MapOfStudy(f, name)["results/content_hash"].decode()


def test_the_scan_of_a_map_has_the_numbers(product):
    _, path, _ = product
    x = experiments_of(path, "eps_ee_uV/ess_csi+ess_si@exposure=2,systematics=0.2,years=1")
    assert [x["ess_csi"]["source"]["years"], x["ess_si"]["source"]["years"]] == [1, 3]
    assert [pull["sigma"] for pull in x["ess_csi"]["pulls"] + x["ess_si"]["pulls"]] == pytest.approx(2 * [0.02, 0.002])


def test_the_index_has_a_column_for_each(product):
    folder, _, _ = product
    with h5py.File(folder / "study.h5") as f:
        index = {key: [text.decode() for text in f["index"][key]] for key in f["index"]}
        assert f["index"].attrs["factors"] == "exposure,systematics,years"
        assert f["index/systematics"].attrs["long_name"] == "systematic uncertainties"
        assert f["index/years"].attrs["long_name"] == "years"
    rows = list(zip(index["set"], index["exposure_factor"], index["systematics"], index["years"]))
    assert len(set(rows)) == 16 and rows[0] == ("ess_csi", "1", "1", "1") and rows[-1] == ("ess_csi+ess_si", "2", "0.2", "3")


def test_what_does_not_vary_is_fitted_once(product):
    """ess_csi in eight settings; ess_si has no years that vary."""
    assert run_json("check", product[1], "--json")["fits_per_point"] == 8 + 4


def test_the_resolved_study_is_the_same(product, tmp_path):
    folder, path, _ = product
    checked = run_json("check", path, "--json")
    (tmp_path / "again.yaml").write_text(json.dumps(checked["resolved"]))
    assert run_json("check", tmp_path / "again.yaml", "--json")["identity"] == checked["identity"]
    with h5py.File(folder / "study.h5") as f:
        assert f.attrs["configuration_hash"] == checked["identity"]


def test_check_lists_them(product):
    factors = run_json("check", product[1], "--json")["factors"]
    assert [f["name"] for f in factors] == ["exposure", "systematics", "years"]
    assert factors[1] == {"name": "systematics", "label": "systematic uncertainties", "values": [1, 0.2]}


def test_ranks_do_not_change_a_bit(product, tmp_path):
    """The others read the resolved study."""
    _, path, summary = product
    assert run_json("study", path, "-o", tmp_path / "study.h5", "--json", ranks=2)["content_hash"] == summary["content_hash"]


def test_exposures_are_a_factor(tmp_path):
    """Short and long, they are one study, with the names that exposures alone have."""
    short = run_json("check", write(tmp_path, None, exposure_factors=[1, 2]), "--json")
    long = run_json("check", write(tmp_path, [{"name": "exposure", "path": "exposure", "values": [1, 2]}]), "--json")
    assert short["identity"] == long["identity"] and short["maps"] == long["maps"]
    assert short["maps"][2] == "eps_ee_uV/ess_csi@2"
    assert run_json("check", write(tmp_path, None), "--json")["identity"] == \
        run_json("check", write(tmp_path, [], exposure_factors=[1]), "--json")["identity"]


def test_ways_to_say_where(tmp_path):
    """Names with dots, several paths, numbers that only have defaults, lists."""
    path = write(tmp_path, [{"name": "a", "path": ["pulls.ess_csi.signal.sigma", "pulls.ess_si.*.sigma"], "values": [0.3]},
                            {"name": "b", "path": "source.time_efficiency_nu_e", "times": [0.5]},
                            {"name": "c", "path": "target.nuclei.*.rms_radius_fm", "times": [2]},
                            {"name": "d", "path": "target.form_factor.skin_thickness_fm", "values": [1.1]}])
    x = experiments_of(path, "eps_ee_uV/ess_csi+ess_si@a=0.3,b=0.5,c=2,d=1.1")
    assert [pull["sigma"] for pull in x["ess_csi"]["pulls"] + x["ess_si"]["pulls"]] == [0.3, 0.01, 0.3, 0.3]
    assert x["ess_csi"]["source"]["time_efficiency_nu_e"] == 0.5
    assert [n["rms_radius_fm"] for n in x["ess_csi"]["target"]["nuclei"]] == [9.66, 9.66]
    assert x["ess_si"]["target"]["form_factor"]["skin_thickness_fm"] == 1.1
    assert "factor c 2: times target.nuclei.*.rms_radius_fm of ess_csi, ess_si" in run("check", path).stdout


def test_lists_are_multiplied_and_bare_models_unfold(tmp_path):
    factors = [{"name": "counts", "path": "backgrounds.*.counts", "times": [1, 0.5]},
               {"name": "skin", "path": "target.form_factor.range_fm", "values": [0.8]}]
    path = write(tmp_path, factors, sets=[["mine"]], experiments=[
        {"experiment": "mine", "base": "coherent_csi_poisson", "target": {"form_factor": "klein_nystrand"}}])
    counts = [experiments_of(path, f"eps_ee_uV/mine@counts={v},skin=0.8")["mine"]["backgrounds"][0]["counts"] for v in ("1", "0.5")]
    assert counts[1] == [x / 2 for x in counts[0]]
    assert experiments_of(path, "eps_ee_uV/mine@counts=1,skin=0.8")["mine"]["target"]["form_factor"] == {"name": "klein_nystrand", "range_fm": 0.8}


def test_what_grows_in_proportion(tmp_path):
    """Backgrounds live as long as their source: 208 days a year in the files of the ESS."""
    factors = [{**YEARS, "values": [1, 6], "in_proportion": "backgrounds.*.live_days"}]
    for years, days in ((1, 208), (6, 1248)):
        x = experiments_of(write(tmp_path, factors), f"eps_ee_uV/ess_csi@years={years}")["ess_csi"]
        assert (x["source"]["years"], x["backgrounds"][0]["live_days"]) == (years, pytest.approx(days, rel=1e-15))
    assert "keep their live_days" not in run("check", write(tmp_path, factors)).stdout
    assert "the backgrounds keep their live_days in ess_csi, ess_si" in run("check", write(tmp_path, [YEARS])).stdout


def test_sets_in_which_nothing_changes_are_said(tmp_path):
    sets = [["ess_csi"], ["ess_csi", "ess_si"], ["ess_si"], ["ess_ge"]]
    some = run("check", write(tmp_path, [{**YEARS, "experiments": ["ess_csi"]}], sets=sets)).stdout
    assert re.search("^factor years 1 3: .*; nothing changes in set ess_si, ess_ge$", some, re.MULTILINE)
    assert "nothing changes" not in run("check", write(tmp_path, [YEARS], sets=sets, exposure_factors=[1, 2])).stdout


def test_years_are_an_exposure(tmp_path):
    """Twice the years, with the backgrounds, are twice the mass, with the backgrounds."""
    factors = [{**YEARS, "values": [3, 6], "in_proportion": "backgrounds.*.live_days"}]
    run("study", write(tmp_path, factors), "-o", tmp_path / "years.h5", "-q")
    run("study", write(tmp_path, None, exposure_factors=[1, 2]), "-o", tmp_path / "exposure.h5", "-q")
    with h5py.File(tmp_path / "years.h5") as years, h5py.File(tmp_path / "exposure.h5") as exposure:
        name = "eps_ee_uV/ess_csi+ess_si"
        mine, other = MapOfStudy(years, f"{name}@years=6")["chi2"], MapOfStudy(exposure, f"{name}@2")["chi2"]
        assert mine == pytest.approx(other, rel=1e-9)
        assert MapOfStudy(years, f"{name}@years=3")["chi2"].tobytes() == MapOfStudy(exposure, name)["chi2"].tobytes()


def test_the_study_of_years_is_right(tmp_path):
    checked = run_json("check", CONFIGS / "studies" / "ess_years.yaml", "--json")
    assert len(checked["maps"]) == 60 and checked["fits_per_point"] == 4 * 12


def test_variants_that_no_set_fits_together_may_share_pulls(tmp_path):
    """Their uncertainties may differ; where a set has both, they may not."""
    more = [{"experiment": "better", "base": "ess_csi", "pulls": {"ess_csi.signal": {"sigma": 0.02}}}]
    checked = run_json("check", write(tmp_path, None, experiments=more, sets=[["ess_csi"], ["better"]]), "--json")
    assert checked["fits_per_point"] == 2
    write(tmp_path, None, experiments=more, sets=[["ess_csi", "better"]])
    assert 'pull "ess_csi.signal" is shared by' in refused(tmp_path, "check", "study.yaml")


def test_other_places_are_other_studies(tmp_path):
    """However long the names are, and whatever brackets and dots they have."""
    def identity(name):
        rate = {"rate_per_keV_kg_day": 10, "live_days": 600, "duty_factor": 0.04}
        more = [{"experiment": "x", "base": "ess_csi", "backgrounds": {"n" * 300 + end: rate for end in "ab"}}]
        factor = {"name": "f", "path": f"backgrounds.{name}.live_days", "times": [1, 2]}
        return run_json("check", write(tmp_path, [factor], experiments=more, sets=[["x"]]), "--json")["identity"]

    assert identity("n" * 300 + "a") != identity("n" * 300 + "b")
    xenon = [{"name": "A", "protons": 54, "neutrons": 77, "mass_u": 131, "rms_radius_fm": 4.8, "abundance": 1}]
    twin = {"Cs": None, "I": None, "Xe": {"isotopes": xenon},
            "Xe].isotopes[A": {**xenon[0], "name": "Xe].isotopes[A", "per_unit": 1}}
    twin["Xe].isotopes[A"].pop("abundance")
    more = [{"experiment": "x", "base": "ess_csi", "target": {"nuclei": twin}}]
    found = {run_json("check", write(tmp_path, [{"name": "f", "path": f"target.nuclei.Xe{path}.mass_u", "times": [1, 1.5]}],
                                     experiments=more, sets=[["x"]]), "--json")["identity"]
             for path in (".isotopes.A", "?.isotopes?A")}
    assert len(found) == 2


# --- what is refused ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("factor, says", [
    ({"path": "pulls.*.sgma"}, 'no experiment has the number "pulls.*.sgma": there is no "sgma"; did you mean "sigma"?'),
    ({"path": "pulls.*.signl.sigma"}, 'there is no "signl"; did you mean "ess_csi.signal"? (known: ess_csi.signal, ess_csi.background)'),
    ({"path": "pulls.*.nosuch"}, 'there is no "nosuch" (known: sigma, scales)'),
    ({"path": "source.yeers"}, 'did you mean "years"?'),
    ({"path": "source.name"}, '"source.name" is no number'),
    ({"path": "source.years."}, 'path "source.years.": a dot joins two parts'),
    ({"path": ".source.years"}, 'path ".source.years": a dot joins two parts'),
    ({"path": "target.nuclei"}, '"target.nuclei" is no number'),
    ({"path": "*." * 16 + "sigma"}, "more than 16 parts"),
    ({"path": ["source.years", "pulls.nosuch"]}, 'no experiment has the number "pulls.nosuch"'),
    ({"path": "pulls.ess_csi.signal.sigma", "experiments": ["ess_csi", "ess_si"]}, "ess_si has no number"),
    ({"path": "source.years", "experiments": ["ess_cs"]}, 'did you mean "ess_csi"?'),
    ({"path": "pulls.*.sigma", "times": [1, 1e6]}, 'key "sigma": expected a number between 0 and 1000, found 100000 '
                                                   '(experiment "ess_csi" with f=1000000)'),
    ({"path": "target.nuclei.*.protons", "times": [1, 0.3]}, 'key "protons": expected a whole number'),
    ({"path": "source.years", "values": [1, 1.0]}, "the same map twice"),
    ({"path": "pulls.*.sigma", "in_proportion": "source.years"}, '"in_proportion" is for one number at "pulls.*.sigma"'),
    ({"path": "source.years", "in_proportion": "backgrounds.*.days"}, 'there is no "days" (known: rate_per_keV_kg_day, live_days, duty_factor)'),
    ({"path": "source.years", "in_proportion": "source.years", "times": [2]}, "with \"times\", give a list of paths"),
    ({"path": "source.years", "values": []}, 'key "values": expected a list of numbers'),
    ({"path": "source.years", "values": [1], "times": [2]}, '"values" and "times"'),
    ({"path": []}, 'key "path": expected a path'),
    ({"path": [["source.years"]]}, 'key "path": expected a path'),
    ({"path": "source.years", "name": "set"}, "a column of the index has that name"),
    ({"path": "source.years", "name": "2nd"}, "begins with no digit"),
    ({"path": "exposure"}, 'has the path "exposure", and no other has it'),
    ({"path": "source.years", "name": "exposure"}, 'has the path "exposure", and no other has it'),
    ({"path": "exposure", "name": "exposure", "experiments": ["ess_si"]}, "acts on all experiments"),
    ({"path": "source.years", "values": [k + 1 for k in range(5000)]}, "5000 settings; at most 1024"),
])
def test_refusals_have_words(tmp_path, factor, says):
    message = refusal(tmp_path, factor)
    assert says in message and "study.yaml:" in message


def test_a_value_out_of_range_is_placed_at_the_factor(tmp_path):
    message = refusal(tmp_path, {"path": "pulls.*.sigma", "times": [1, 1e6]})
    line = (tmp_path / "study.yaml").read_text().splitlines().index("    1000000.0") + 1
    assert f"study.yaml:{line}:5: " in message


@pytest.mark.parametrize("one, other", [
    ({"path": "source.years", "values": [3, 6]}, {"path": "source.years", "values": [1, 2]}),
    ({"path": "source.years", "times": [1, 2]}, {"path": "source.years", "values": [3, 6]}),
    ({"path": "pulls.ess_csi.signal.sigma", "values": [0.1, 0.05]}, {"path": "pulls.*.sigma", "times": [1, 2]}),
    ({"path": "source.years", "values": [3, 6], "in_proportion": "target.mass_kg"}, {"path": "target.mass_kg", "values": [3, 6]}),
])
def test_a_number_that_is_set_is_one_factors(tmp_path, one, other):
    for first, second in ((one, other), (other, one)):
        path = write(tmp_path, [{"name": "a", **first}, {"name": "b", **second}])
        line = path.read_text().splitlines().index('   "name": "b",') + 2
        message = refused(tmp_path, "check", "study.yaml")
        assert f"study.yaml:{line}:" in message and 'factors "a" and "b" both change' in message and '"values"' in message


def test_no_number_is_in_proportion_to_itself(tmp_path):
    assert "source.years of ess_csi is set, and in proportion to itself" in refusal(
        tmp_path, {"path": "source.years", "in_proportion": "source.*"})


def test_what_is_multiplied_may_be_so_twice(tmp_path):
    """In any order."""
    factors = [{"name": "a", "path": "source.years", "values": [6], "in_proportion": "target.mass_kg"},
               {"name": "b", "path": ["target.mass_kg", "pulls.*.sigma"], "times": [10]}, {**SIGMAS, "name": "c", "times": [3]}]
    for order in (factors, factors[::-1]):
        path = write(tmp_path, order, sets=[["ess_csi"]])
        (name,) = run_json("check", path, "--json")["maps"]
        x = experiments_of(path, name["name"] if isinstance(name, dict) else name)["ess_csi"]
        assert x["target"]["mass_kg"] == pytest.approx(22.5 * 2 * 10) and x["pulls"][0]["sigma"] == pytest.approx(0.1 * 30)


def test_factors_are_given_once(tmp_path):
    write(tmp_path, [YEARS, YEARS])
    assert 'factor "years" is given twice' in refused(tmp_path, "check", "study.yaml")
    write(tmp_path, [{"name": "exposure", "path": "exposure", "values": [2]}], exposure_factors=[1, 2])
    assert 'factor "exposure" is given twice' in refused(tmp_path, "check", "study.yaml")


@pytest.mark.parametrize("keys, says", [
    ({"factors": [{**YEARS, "values": list(range(1, 100001))}]}, "100000 settings; at most 1024"),
    ({"exposure_factors": list(range(1, 200002))}, "200001 exposures; at most 100000 maps"),
    ({"exposure_factors": [1 + 1e-5 * (k % 50000) for k in range(50001)]}, "the same map twice: exposure factor 1 is given twice"),
    ({"factors": [{**YEARS, "values": [3, 3.0000000000000004]}]},
     'two maps would have one name: factor "years" with 3 and 3.0000000000000004 are the same to 15 digits'),
    ({"exposure_factors": [0.1, 0.10000000000000002]}, "are the same to 15 digits"),
])
def test_values_are_counted_and_differ(tmp_path, keys, says):
    write(tmp_path, keys.pop("factors", None), **keys)
    assert says in refused(tmp_path, "check", "study.yaml")


def test_settings_count_among_the_maps(tmp_path):
    factors = [{**YEARS, "values": [k + 1 for k in range(30)]}, {**SIGMAS, "times": [1 / (k + 1) for k in range(30)]}]
    write(tmp_path, factors, exposure_factors=[k + 1 for k in range(60)])
    assert "108000 maps (2 sets x 54000 settings" in refused(tmp_path, "check", "study.yaml")


@pytest.mark.parametrize("factor, says", [
    ({"path": "source.live_years"}, "source.live_years of xenonnt_8b: observed data have the exposure that they have"),
    ({"path": "target.mass_kg", "times": [1, 2]}, "observed data have the exposure that they have"),
])
def test_observed_data_keep_their_exposure(tmp_path, factor, says):
    assert says in refusal(tmp_path, factor, sets=[["xenonnt_8b"]], data="observed")


def test_systematics_of_observed_data_may_vary(tmp_path):
    checked = run_json("check", write(tmp_path, [SIGMAS], sets=[["xenonnt_8b"]], data="observed"), "--json")
    assert len(checked["maps"]) == 2


def test_uncertainties_of_an_exposure_keep_it(tmp_path):
    message = refusal(tmp_path, {"path": "source.protons_on_target", "times": [1, 2]}, sets=[["coherent_csi"]])
    assert "its uncertainties belong to the exposure that it has" in message


def test_exposures_of_gaussian_counts_are_refused_at_their_place(tmp_path):
    path = write(tmp_path, None, sets=[["coherent_csi"]], exposure_factors=[1, 2])
    line = path.read_text().splitlines().index(' "exposure_factors": [') + 1
    message = refused(tmp_path, "check", "study.yaml")
    assert f"study.yaml:{line}:" in message and 'it takes no exposure factor (experiment "coherent_csi" with exposure=2)' in message


@pytest.mark.parametrize("factor, beside", [
    ({"path": "source.years"}, 'key "years" changes nothing beside "protons_on_target"'),
    ({"path": "backgrounds.*.duty_factor", "values": [1, 0.5]}, 'key "duty_factor" changes nothing beside "counts"'),
])
def test_defaults_that_change_nothing_are_no_numbers(tmp_path, factor, beside):
    assert beside in refusal(tmp_path, factor, sets=[["coherent_csi_poisson"]])
    message = refusal(tmp_path, {**factor, "experiments": ["coherent_csi_poisson"]}, sets=[["coherent_csi_poisson", "ess_csi"]])
    assert f'of coherent_csi_poisson: {beside}' in message


def test_years_act_where_there_are_some(tmp_path):
    path = write(tmp_path, [YEARS], sets=[["coherent_csi_poisson", "ess_csi"]])
    x = experiments_of(path, "eps_ee_uV/coherent_csi_poisson+ess_csi@years=1")
    assert x["ess_csi"]["source"]["years"] == 1 and "years" not in x["coherent_csi_poisson"]["source"]


def test_experiments_that_others_stand_on_need_no_set(tmp_path):
    """Others do; and what nobody uses uses nothing."""
    more = [{"experiment": "b0", "base": "ess_csi", "source": {"years": 5}}, {"experiment": "b1", "base": "b0"},
            {"experiment": "z", "base": "b1", "target": {"mass_kg": 50}}]
    checked = run_json("check", write(tmp_path, None, experiments=more, sets=[["z"]]), "--json")
    (z,) = checked["resolved"]["experiments"]
    assert z["experiment"] == "z" and z["source"]["years"] == 5
    write(tmp_path, None, experiments=more, sets=[["b1"]])
    assert 'experiment "z" is in no set' in refused(tmp_path, "check", "study.yaml")
