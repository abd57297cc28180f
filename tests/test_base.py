# SPDX-License-Identifier: GPL-3.0-or-later
"""Experiments that stand on others: what they come to is what they would be if they were written out."""
import json
import re

import pytest

from e2e import CONFIGS, axis, experiment, refused, run, run_json, write_experiment, write_scan

CHECK = ("check", "scan.yaml")


def resolved(folder, experiments):
    """The experiments of a scan file as the map keeps them, and the scan's identity."""
    checked = run_json("check", write_scan(folder, experiments, [axis("eps_ee_uV", 3)]), "--json")
    return checked["resolved"]["experiments"], checked["identity"]


def written(folder, overlay, *, base=None, name="mine"):
    """What {experiment: mine, base: toy, **overlay} comes to."""
    write_experiment(folder, **(base or {}))
    (mapping,), _ = resolved(folder, [{"experiment": name, "base": "toy", **overlay}])
    return mapping


def refusal(folder, overlay, **base):
    write_experiment(folder, **base)
    write_scan(folder, [{"experiment": "mine", "base": "toy", **overlay}], [axis("eps_ee_uV", 3)])
    return refused(folder, *CHECK)


# --- what it comes to ---------------------------------------------------------------------------------------------------
def test_it_is_the_experiment_written_out(tmp_path):
    write_experiment(tmp_path)
    long_hand = experiment("mine", source={**experiment()["source"], "years": 10},
                           pulls=[{"name": "toy.signal", "sigma": 0.02, "scales": ["signal"]}, experiment()["pulls"][1]])
    overlay = {"experiment": "mine", "base": "toy", "source": {"years": 10}, "pulls": [{"name": "toy.signal", "sigma": 0.02}]}
    (short,), identity = resolved(tmp_path, [overlay])
    (long,), other = resolved(tmp_path, [long_hand])
    assert identity == other and short == long and "base" not in short


def test_the_resolved_scan_needs_no_base(tmp_path):
    write_experiment(tmp_path)
    scan = write_scan(tmp_path, [{"experiment": "mine", "base": "toy", "source": {"years": 10}}], [axis("eps_ee_uV", 3)])
    checked = run_json("check", scan, "--json")
    (tmp_path / "toy.yaml").unlink()
    scan.write_text(json.dumps(checked["resolved"]))
    assert run_json("check", scan, "--json")["identity"] == checked["identity"]


@pytest.mark.parametrize("overlay, key, expected", [
    ({"source": {"years": 10}}, "source", {**experiment()["source"], "years": 10}),
    ({"bins": {"edges_keV": [1, 9, 20, 30]}, "backgrounds": None, "pulls": None}, "bins", {"edges_keV": [1, 9, 20, 30]}),     # other lists are replaced
    ({"target": {"form_factor": {"skin_thickness_fm": 1.0}}}, "target.form_factor", {"name": "helm", "skin_thickness_fm": 1.0}),
    ({"target": {"form_factor": "point", "nuclei": {"Ar": {"rms_radius_fm": None}}}}, "target.form_factor", "point"),
    ({"target": {"form_factor": {"name": "point"}, "nuclei": {"Ar": {"rms_radius_fm": None}}}}, "target.form_factor",
     {"name": "point"}),  # without what helm had
    ({"target": {"nuclei": {"Ar": {"neutrons": 20}}}}, "target.nuclei",
     [{"name": "Ar", "protons": 18, "neutrons": 20, "mass_u": 39.95, "rms_radius_fm": 3.43}]),
    ({"pulls": {"toy.background": None}}, "pulls", [experiment()["pulls"][0]]),
    ({"pulls": {"toy.signal": {"sigma": 0.2}}}, "pulls", [{"name": "toy.signal", "sigma": 0.2, "scales": ["signal"]}, experiment()["pulls"][1]]),
    ({"pulls": [{"name": "new", "sigma": 0.2, "scales": ["flat"]}]}, "pulls",
     [*experiment()["pulls"], {"name": "new", "sigma": 0.2, "scales": ["flat"]}]),
    ({"pulls": {"new": {"sigma": 0.2, "scales": ["flat"]}}}, "pulls",
     [*experiment()["pulls"], {"name": "new", "sigma": 0.2, "scales": ["flat"]}]),
    ({"pulls": {"toy.background": None}, "backgrounds": {"flat": None}}, "backgrounds", []),
    ({"observed": {"off_counts": [1, 1, 1]}, "statistic": {"name": "gaussian", "variance": "on_plus_off"}}, "observed",
     {"counts": [5, 6, 7], "off_counts": [1, 1, 1]}),
])
def test_what_is_laid_over(tmp_path, overlay, key, expected):
    found = written(tmp_path, overlay, base={"target": {**experiment()["target"], "form_factor": {"name": "helm", "skin_thickness_fm": 0.8}},
                                             "observed": [5, 6, 7]})
    for part in key.split("."):
        found = found[part]
    assert found == expected


def test_a_bare_name_is_a_model(tmp_path):
    target = written(tmp_path, {"target": {"form_factor": {"skin_thickness_fm": 1.0}}},
                     base={"target": {**experiment()["target"], "form_factor": "helm"}})["target"]
    assert target["form_factor"] == {"name": "helm", "skin_thickness_fm": 1.0}


@pytest.mark.parametrize("spelling", ["I127", "I-127", "127I"])
@pytest.mark.parametrize("named", [True, False])
def test_isotopes_are_known_by_every_spelling(tmp_path, spelling, named):
    target = {**experiment()["target"], "nuclei": [{"isotope": "I127", "per_unit": 1}, {"isotope": "Cs133", "per_unit": 1}]}
    target = {key: value for key, value in target.items() if key != "nuclei"} | {"form_factor": "helm_lewin_smith", "nuclei": target["nuclei"]}
    over = {spelling: {"per_unit": 5}} if named else [{"isotope": spelling, "per_unit": 5}]
    nuclei = written(tmp_path, {"target": {"nuclei": over}}, base={"target": target})["target"]["nuclei"]
    assert [nucleus["per_unit"] for nucleus in nuclei] == [5, 1]


def test_name_and_title_are_its_own(tmp_path):
    mine = written(tmp_path, {}, base={"title": "A toy", "citation": "nobody"})
    assert mine["experiment"] == "mine" and "title" not in mine and mine["citation"] == "nobody"


def test_bases_stand_on_bases_beside_their_files(tmp_path):
    (tmp_path / "deep").mkdir()
    write_experiment(tmp_path / "deep")
    (tmp_path / "deep" / "middle.yaml").write_text("{experiment: middle, base: ./toy.yaml, source: {years: 7}, target: {mass_kg: 20}}")
    (mine, again), _ = resolved(tmp_path, [{"experiment": "mine", "base": "deep/middle.yaml", "target": {"mass_kg": 30}, "pulls": None},
                                           {"experiment": "sibling", "base": "mine", "source": {"years": 1}}])
    assert (mine["source"]["years"], mine["target"]["mass_kg"]) == (7, 30)
    assert (again["source"]["years"], again["target"]["mass_kg"]) == (1, 30) and "pulls" not in again


def test_check_says_what_differs(tmp_path):
    write_experiment(tmp_path)
    scan = write_scan(tmp_path, [{"experiment": "mine", "base": "toy", "source": {"years": 10},
                                  "pulls": {"toy.signal": {"sigma": 0.02}, "toy.background": None}}], [axis("eps_ee_uV", 3)])
    text = run("check", scan).stdout
    assert "mine stands on toy: source.years 10 (3), pulls[toy.signal].sigma 0.02 (0.1), pulls[toy.background] removed" in text


def test_check_says_that_backgrounds_keep_their_time(tmp_path):
    rate = [{"name": "steady", "rate_per_keV_kg_day": 1, "live_days": 624}, {"name": "flat", "counts": [50, 40, 30]}]
    write_experiment(tmp_path, backgrounds=rate)
    keeps = "; the backgrounds keep their live_days in mine\n"
    for overlay, kept in (({"source": {"years": 10}}, True), ({"source": {"years": 3.0}}, False), ({"source": {"distance_m": 3}}, False),
                          ({"source": {"years": 10}, "backgrounds": {"steady": {"live_days": 2080}}}, False),
                          ({"source": {"years": 10}, "backgrounds": {"steady": {"duty_factor": 0.5}}}, True)):
        scan = write_scan(tmp_path, [{"experiment": "mine", "base": "toy", **overlay}], [axis("eps_ee_uV", 3)])
        assert (keeps in run("check", scan).stdout) == kept, overlay
    assert "keep their live_days" not in run("check", CONFIGS / "reference.yaml").stdout


def test_an_experiment_file_may_have_a_base(tmp_path):
    write_experiment(tmp_path)
    (tmp_path / "mine.yaml").write_text("experiment: mine\nbase: toy\nsource: {years: 6}\n")
    once, twice = (run_json("rates", "-e", path, "--json", cwd=tmp_path) for path in ("./toy.yaml", "./mine.yaml"))
    assert twice["mine"]["signal_total"] == pytest.approx(2 * once["toy"]["signal_total"], rel=1e-12)


# --- what is refused ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("overlay, says", [
    ({"pulls": {"toy.sgnal": None}}, ['"toy.sgnal": null removes what the base has', 'did you mean "toy.signal"?']),
    ({"target": {"mass": None}}, ['"mass": null removes', 'did you mean "mass_kg"?']),
    ({"observed": None}, ['"observed": null removes']),
    ({"pulls": {"new": {"sigma": None, "scales": ["signal"]}}}, ['"sigma": null removes']),
    ({"pulls": {"toy.signal": 3}}, ['pull "toy.signal": expected a mapping of what differs, or null; found 3']),
    ({"pulls": {"toy.signal": {"name": "b"}}}, ["has another name inside"]),
    ({"pulls": [{"name": "toy.signal", "sigma": 0.2}, {"name": "toy.signal", "sigma": 0.3}]}, ['pull "toy.signal" is given twice']),
    ({"backgrounds": 2 * [{"name": "new", "counts": [1]}]}, ['background "new" is given twice']),
    ({"target": {"nuclei": [{"isotope": "Xe131", "per_unit": 2}, {"isotope": "131Xe", "per_unit": 7}]}}, ['nucleus "131Xe" is given twice']),
    ({"target": {"nuclei": {"Xe131": {"isotope": "Xe131", "per_unit": 2}, "Xe-131": {"per_unit": 7}}}}, ['nucleus "Xe-131" is given twice']),
    ({"backgrounds": {"flat": None}}, ['unknown component "flat"', 'pull "toy.background" scales it', "or the pull away as well"]),
    ({"target": {"mass_kgs": 3}}, ['unknown key of target "mass_kgs"', "mass_kg"]),
    ({"base": "tyo"}, ['no experiment "tyo"']),
    ({"base": ["toy"]}, ['key "base": expected the name or the path of an experiment, found a list']),
    ({"base": "./scan.yaml"}, ['it has no key "experiment"']),
])
def test_refusals_have_words(tmp_path, overlay, says):
    message = refusal(tmp_path, overlay)
    for words in says:
        assert words in message


HELM = "form factor \"helm_lewin_smith\" does not use it"
AWAY = "what the base has and this does not want is taken away with null"


@pytest.mark.parametrize("base, overlay, at, says, away", [
    ("ess_csi", "bins: {edges_keV: [1, 5, 10, 20]}", "{edges_keV", "expected one of the keys", "bins: {resolution_widths: null}"),
    ("ess_csi", "backgrounds: {steady: {counts: [1, 2]}}\n    bins: {resolution_widths: null, edges_keV: [1, 5, 10]}", "{counts",
     "expected exactly one of", "backgrounds: {steady: {rate_per_keV_kg_day: null, live_days: null, duty_factor: null}}"),
    ("ess_csi", "target: {nuclei: {Cs: {rms_radius_p_fm: 4, rms_radius_n_fm: 5}}}", "{rms_radius_p_fm", "or both",
     "target: {nuclei: {Cs: {rms_radius_fm: null}}}"),
    ("ess_csi", "target: {form_factor: helm_lewin_smith}", "{form_factor", HELM,
     "target: {nuclei: {Cs: {rms_radius_fm: null}, I: {rms_radius_fm: null}}}"),
    ("coherent_csi", "source: {protons_per_year: 2e23, years: 3}", "3}", "all that there were", "source: {protons_on_target: null}"),
    ("ess_csi", "source: {protons_on_target: 2e23}", "{protons_on", "all that there were", "source: {protons_per_year: null, years: null}"),
])
def test_what_the_base_has_besides_is_named(tmp_path, base, overlay, at, says, away):
    """In words that mend it, at the line that is the cause."""
    text = f"scan: s\ninteraction: nsi\nparameters: [{json.dumps(axis('eps_ee_uV', 3))}]\nexperiments:\n" \
           f"  - experiment: my\n    base: {base}\n    {overlay}\n"
    (tmp_path / "scan.yaml").write_text(text)
    message = refused(tmp_path, *CHECK)
    column = text.splitlines()[6].index(at) + 1
    assert f"scan.yaml:7:{column}: " in message and says in message
    assert f'"my" stands on "{base}": {AWAY} ({away})' in message


@pytest.mark.parametrize("overlay, says", [
    ("pulls: {ess_csi.sinal: {sigma: 0.05}}", 'has no pull "ess_csi.sinal"; did you mean "ess_csi.signal"?'),
    ("pulls: [{name: ess_csi.sinal, sigma: 0.05}]", 'has no pull "ess_csi.sinal"; did you mean "ess_csi.signal"?'),
    ("backgrounds: {steddy: {duty_factor: 0.05}}", 'has no background "steddy"; did you mean "steady"?'),
    ("target: {nuclei: {Cesium: {rms_radius_fm: 5}}}", 'has no nucleus "Cesium", but Cs, I'),
])
def test_new_names_that_say_too_little_are_told_from_old_ones(tmp_path, overlay, says):
    (tmp_path / "my.yaml").write_text(f"experiment: my\nbase: ess_csi\n{overlay}\n")
    message = refused(tmp_path, "rates", "-e", "./my.yaml")
    assert f'; "ess_csi" {says}' in message and "my.yaml:3:" in message


def test_what_does_not_fit_the_base_is_placed_in_the_experiment(tmp_path):
    message = refusal(tmp_path, {"bins": {"edges_keV": [1, 9, 20]}})
    assert re.search(r"scan\.yaml:4:3: background \"flat\": 3 counts for 2 bins \(\S*toy\.yaml:\d+:\d+\); mine stands on toy: bins", message)


def test_of_two_the_base_has_none_is_meant(tmp_path):
    """A target may have an isotope twice; then nothing can be laid over one of them."""
    nuclei = [{"isotope": "Xe131", "per_unit": 1}, {"isotope": "131Xe", "per_unit": 2}]
    target = {"mass_kg": 10, "form_factor": "helm_lewin_smith", "nuclei": nuclei}
    message = refusal(tmp_path, {"target": {"nuclei": {"Xe131": {"per_unit": 3}}}}, target=target)
    assert 'nucleus "Xe131": the base has two of that name' in message
    assert written(tmp_path, {}, base={"target": target})["target"]["nuclei"] == nuclei


def test_what_is_wrong_in_a_base_is_placed_there(tmp_path):
    message = refusal(tmp_path, {"source": {"years": 2}}, bins={"edges_keV": [5, 1]})
    assert re.search(r"toy\.yaml:\d+:\d+: key \"edges_keV\"", message)


def test_what_stands_on_another_has_a_name(tmp_path):
    write_experiment(tmp_path)
    write_scan(tmp_path, [{"base": "toy"}], [axis("eps_ee_uV", 3)])
    assert "has a name of its own" in refused(tmp_path, *CHECK)


def test_circles_are_told_with_their_chain(tmp_path):
    for one, other in ("ab", "bc", "ca"):
        (tmp_path / f"{one}.yaml").write_text(f"{{experiment: {one}, base: ./{other}.yaml}}")
    write_scan(tmp_path, ["./a.yaml"], [axis("eps_ee_uV", 3)])
    assert "a circle: a stands on b, which stands on c, which stands on a" in refused(tmp_path, *CHECK)
    write_scan(tmp_path, [{"experiment": "x", "base": "y"}, {"experiment": "y", "base": "x"}], [axis("eps_ee_uV", 3)])
    assert "a circle: x stands on y, which stands on x" in refused(tmp_path, *CHECK)


def test_a_chain_has_an_end(tmp_path):
    write_experiment(tmp_path)
    for k in range(20):
        (tmp_path / f"b{k}.yaml").write_text(f"{{experiment: b{k}, base: {f'./b{k - 1}.yaml' if k else './toy.yaml'}}}")
    write_scan(tmp_path, ["./b19.yaml"], [axis("eps_ee_uV", 3)])
    assert "more than 16 experiments stand on one another" in refused(tmp_path, *CHECK)


def test_surrogates_are_named(tmp_path):
    """By check and run, and in the map; what stands on one is one."""
    write_experiment(tmp_path, surrogate="made up\nfor a test")
    scan = write_scan(tmp_path, ["ess_ar", {"experiment": "mine", "base": "./toy.yaml", "pulls": None}], [axis("eps_ee_uV", 3)])
    says = "mine is a surrogate: made up for a test\n"
    assert says in run("check", scan).stdout
    assert says in run("run", scan, "-o", tmp_path / "map.h5").stderr
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "map.h5") as f:
        assert f.attrs["surrogates"] == "mine"
