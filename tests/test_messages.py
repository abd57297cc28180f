# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program says: input that cannot act, values and data that it assumed, files and names in place of others."""
import json
import re

import h5py
import pytest

from e2e import BAD_INPUT, axis, experiment, point, rates, refused, run, run_json, scan_config, select, write_experiment, write_scan


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Files of every kind: scans, a study, experiments and a map."""
    folder = tmp_path_factory.mktemp("messages")
    toy = experiment()["target"]
    bare = [{key: value for key, value in toy["nuclei"][0].items() if key != "rms_radius_fm"}]
    write_experiment(folder)
    write_experiment(folder, "hard", target={**toy, "nuclei": bare, "form_factor": "klein_nystrand"})
    write_experiment(folder, "seen", observed=[520, 1310, 1400])
    write_experiment(folder, "void", bins={"edges_keV": [1, 5, 1000, 2000]}, observed=[510, 2700, 3],
                     backgrounds=[{"name": "flat", "counts": [5, 5, 0]}])
    write_scan(folder, ["toy"], [axis("eps_ee_uV", 5)])
    two = [axis("eps_tautau_uV", 5), axis("eps_ee_uV", 5)]
    write_scan(folder, ["toy"], two, name="none.yaml")
    write_scan(folder, ["toy", "xenonnt_8b"], two, name="some.yaml")
    write_scan(folder, ["seen"], [axis("eps_ee_uV", 5)], name="silent.yaml")
    write_scan(folder, ["void"], [axis("eps_ee_uV", 5)], name="void_scan.yaml", data="observed")
    study = {"study": "all", "interaction": "nsi", "sets": [{"all_subsets_of": ["toy", "xenonnt_8b"]}], "planes": [two],
             "profiles": [two[0], axis("eps_ee_dV", 5)]}
    (folder / "study.yaml").write_text(json.dumps(study, indent=1))
    run("run", "scan.yaml", "-o", "map.h5", "-q", cwd=folder)
    return folder


def lines(done):
    return [line for line in done.stderr.splitlines() if re.match("cevscan: (warning|note|error)", line)]


# --- input that cannot act ----------------------------------------------------------------------------------------------
def write(folder, parameters, **more):
    (folder / "scan.yaml").write_text(json.dumps({**scan_config(["toy"], [axis("eps_ee_uV", 5), *parameters]), **more}, indent=1))


def fixed(name, value):
    return {"name": name, "value": value}


@pytest.mark.parametrize("parameters, more, says", [
    ([fixed("flux_b8", 5e6)], {}, ["scan.yaml:15:12:", '"flux_b8"', "toy expects", '"solar_b8"']),
    ([fixed("eps_tautau_uV", 0.3)], {}, ["scan.yaml:15:12:", '"eps_tautau_uV"', "nu_tau"]),
    ([fixed("neutron_radius_fm", 4)], {"experiments": ["hard"]}, ["scan.yaml:15:12:", '"klein_nystrand"', '"helm"']),
    ([], {"data": {"asimov": {"eps_tautau_uV": 0.3}}}, ["scan.yaml:17:4:", '"eps_tautau_uV"', "nu_tau"]),
    ([], {"experiments": ["seen"], "data": {"asimov": {"eps_ee_uV": 0.3}, "observed": ["seen"]}}, ["scan.yaml:17:4:", "observed"]),
    ([], {"tile": {"eps_ee_uV": 2, "eps_ee_dV": 3}}, ["scan.yaml:17:3:", '"tile"', '"eps_ee_dV"', "not scanned"]),
], ids=["flux", "flavour", "radius", "truth", "truth of observed data", "tile"])
def test_what_cannot_act_is_refused(tmp_path, place, parameters, more, says):
    for name in ("toy", "hard", "seen"):
        (tmp_path / f"{name}.yaml").write_text((place / f"{name}.yaml").read_text())
    write(tmp_path, parameters, **more)
    for command in (["check", "scan.yaml"], ["run", "scan.yaml", "-o", "map.h5"], ["rates", "scan.yaml"], ["point", "scan.yaml"]):
        message = refused(tmp_path, *command)
        assert all(word in message for word in says), message


@pytest.mark.parametrize("command", ["rates", "point"])
@pytest.mark.parametrize("experiment, setting, says", [
    ("toy", "flux_b8=1e6", '"solar_b8"'), ("hard", "neutron_radius_fm=4", '"klein_nystrand"'), ("toy", "eps_mutau_uV=1", None),
    ("toy", "eps_tautau_uV=0.1", "nu_tau"), ("toy", "eps_tautau_uV=0", None), ("toy,xenonnt_8b", "flux_b8=1e6", None)])
def test_settings_that_cannot_act_are_refused(place, command, experiment, setting, says):
    """Not those that act on some, nor a default that is written out."""
    if says is None:
        run(command, "-e", experiment, "--set", setting, cwd=place)
    else:
        message = refused(place, command, "-e", experiment, "--set", setting)
        assert f"--set {setting}: changes nothing" in message and says in message


def test_a_tile_of_a_study_has_sides_of_what_is_scanned(place, tmp_path):
    study = json.loads((place / "study.yaml").read_text())
    for tile, good in (({"eps_ee_dV": 3}, True), ({"eps_emu_uV": 3}, False)):
        (tmp_path / "study.yaml").write_text(json.dumps({**study, "tile": tile}))
        (tmp_path / "toy.yaml").write_text((place / "toy.yaml").read_text())
        if good:
            run("check", "study.yaml", cwd=tmp_path)
        else:
            assert '"eps_emu_uV" changes nothing: it is not scanned' in refused(tmp_path, "check", "study.yaml")


@pytest.mark.parametrize("form_factor", ["klein_nystrand", "helm_lewin_smith", "point", "responses"])
def test_keys_of_nuclei_that_their_form_factor_does_not_use(tmp_path, form_factor):
    target = {"mass_kg": 1, "form_factor": form_factor, "nuclei": [{"isotope": "Ar40", "rms_radius_fm": 3.4}]}
    write_experiment(tmp_path, target=target)
    message = refused(tmp_path, "rates", "-e", "toy")
    assert "toy.yaml:16:5: " in message and f'"rms_radius_fm" changes nothing: form factor "{form_factor}"' in message
    target["nuclei"][0].pop("rms_radius_fm")
    write_experiment(tmp_path, target=target)
    run("rates", "-e", "toy", cwd=tmp_path)


@pytest.mark.parametrize("pull, says", [
    ({"sigma": 1e-12, "scales": ["signal"]}, '"sigma"'), ({"scales": []}, '"scales"'),
    ({"parameter": "response.acceptance", "sigma": 0.3}, 'pull "mine": parameter "response.acceptance" is 0.8; one sigma away, at 1.1'),
    ({"parameter": "source.distance", "sigma": 0.1}, 'pull "mine": unknown parameter'),
    ({"up": {"backgrounds": {"flat": [0, 1, 0]}}, "down": {"backgrounds": {"flat": [0, 1, 0]}}}, "are the same")],
    ids=["nearly no sigma", "nothing", "end of its range", "unknown", "same shapes"])
def test_pulls_that_do_nothing_or_leave_their_range(tmp_path, pull, says):
    write_experiment(tmp_path, backgrounds=[{"name": "flat", "counts": [0, 0, 0]}], pulls=[{"name": "mine", "sigma": 0.1, **pull}])
    message = refused(tmp_path, "rates", "-e", "toy")
    assert says in message and "toy.yaml:" in message


@pytest.mark.parametrize("background, says", [
    ({"counts": [1, 2, 3], "live_days": 5}, 'key "live_days" changes nothing beside "counts"'),
    ({"counts": [1, 2, 3], "duty_factor": 0.5}, 'key "duty_factor" changes nothing beside "counts"'),
    ({"rate_per_keV_kg_day": 1, "live_days": 5, "quenching_factor": 0.2}, 'key "quenching_factor" changes nothing without')],
    ids=["live days", "duty factor", "quenching"])
def test_keys_of_backgrounds_that_are_not_used(tmp_path, background, says):
    write_experiment(tmp_path, backgrounds=[{"name": "flat", **background}])
    assert says in refused(tmp_path, "rates", "-e", "toy")


def test_a_threshold_of_a_scale_without_one(tmp_path):
    write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5, linear_threshold=0.1)])
    assert 'scan.yaml:13:24: key "linear_threshold" changes nothing: only the scale "symlog"' in refused(tmp_path, "check", "scan.yaml")
    run("check", write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5, linear_threshold=0.1, scale="symlog")]))


def test_pulls_of_what_has_no_counts_are_said(tmp_path):
    """Legal, since zero is; but nobody meant it."""
    write_experiment(tmp_path, backgrounds=[{"name": "flat", "counts": [0, 0, 0]}])
    for command in ("rates", "point"):
        assert lines(run(command, "-e", "toy", cwd=tmp_path)) == [
            'cevscan: warning: pull "toy.background" changes nothing in toy: what it scales has no counts']


@pytest.mark.parametrize("name", ["nu_e", "signal"])
def test_backgrounds_are_not_called_like_parts_of_the_signal(tmp_path, name):
    write_experiment(tmp_path, backgrounds=[{"name": name, "counts": [1, 2, 3]}], pulls=None)
    assert f'toy.yaml:41:12: the name "{name}" is taken' in refused(tmp_path, "rates", "-e", "toy")


def test_pulls_on_what_a_source_does_not_use(tmp_path):
    """By day, the latitude is nothing."""
    source = {"name": "solar_b8", "earth": 0}
    pull = {"name": "mine", "sigma": 1, "parameter": "source.latitude_deg"}
    write_experiment(tmp_path, source=source, bins={"edges_keV": [1, 2, 3, 4]}, pulls=[pull])
    assert 'pull "mine" changes nothing: the source is the same' in refused(tmp_path, "rates", "-e", "toy")
    write_experiment(tmp_path, source={**source, "earth": 1}, bins={"edges_keV": [1, 2, 3, 4]}, pulls=[pull])
    run("rates", "-e", "toy", cwd=tmp_path)


# --- what an axis does not move -----------------------------------------------------------------------------------------
COMMANDS = [["check"], ["run", "-o", "new.h5"], ["run", "-q", "-o", "new.h5"], ["rates"], ["point"], ["check", "--json"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_warns_of_axes(place, command):
    (place / "new.h5").unlink(missing_ok=True)
    nothing = lines(run(*command, "none.yaml", cwd=place))
    assert nothing == ['cevscan: warning: "eps_tautau_uV" changes nothing that toy expects: it acts on nu_tau, which no source here '
                       'gives; its axis says nothing']
    (place / "new.h5").unlink(missing_ok=True)
    some = lines(run(*command, "some.yaml", cwd=place))
    assert some[0] == 'cevscan: warning: "eps_tautau_uV" moves nothing that toy expects; xenonnt_8b it does'
    assert lines(run(*command[:1], "scan.yaml", *command[1:], cwd=place, code=None)) == [] or "new.h5" in command


def test_a_study_says_it_once(place):
    for command in (["check", "study.yaml"], ["study", "study.yaml", "-o", "study.h5"]):
        told = lines(run(*command, cwd=place))
        assert len([line for line in told if "eps_tautau_uV" in line]) == 1 and "xenonnt_8b it does" in told[0]
    (place / "study.h5").unlink()


def test_values_that_do_nothing_beside_the_others_are_said(place):
    alone = lines(run("rates", "-e", "toy", "--interaction", "scalar", "--set", "mediator_mass_MeV=5", cwd=place))
    assert len(alone) == 1 and '"mediator_mass_MeV", fixed at 5, changes nothing because coupling is 0' in alone[0]
    assert lines(run("rates", "-e", "toy", "--interaction", "scalar", "--set", "mediator_mass_MeV=5", "--set", "coupling=1e-5",
                     cwd=place)) == []
    path = write_scan(place, ["toy"], [axis("mediator_mass_MeV", 3, 1, 9)], name="mass.yaml", interaction="scalar")
    assert lines(run("check", path)) == ['cevscan: warning: "mediator_mass_MeV" changes nothing that toy expects, because coupling is 0; '
                                         'its axis says nothing']
    charges = [axis(f"charge_{flavour}", 3, -1, 1) for flavour in ("e", "mu")]
    path = write_scan(place, ["toy"], charges, name="charges.yaml", interaction="vector")
    assert [line.partition("expects, ")[2] for line in lines(run("check", path))] == 2 * ["because coupling is 0; its axis says nothing"]
    both = [fixed("charge_u", 0), fixed("charge_d", 0)]     # of two reasons none is the one
    told = lines(run("check", write_scan(place, ["toy"], charges + both, name="charges.yaml", interaction="vector")))
    assert sum("the other values being what they are; its axis" in line for line in told) == 2
    some = lines(run("rates", "-e", "toy,xenonnt_8b", "--set", "flux_b8=5e6", cwd=place))
    assert some == ['cevscan: note: "flux_b8", fixed at 5e+06, moves nothing that toy expects; xenonnt_8b it does']


def told(folder, config):
    (folder / "told.yaml").write_text(json.dumps(config, indent=1))
    return lines(run("check", "told.yaml", cwd=folder))


def electron_study(values, **keys):
    """A detector that takes this share of the electron neutrinos."""
    share = {"name": "x", "path": "source.time_efficiency_nu_e", "values": values}
    return {"study": "s", "interaction": "nsi", "sets": [["ess_csi"]], "factors": [share], **keys}


def test_all_settings_of_a_study_are_looked_at(tmp_path):
    """What acts in one of them is neither warned of nor refused; what acts in none is, whatever the file itself has."""
    moved, other = [axis("eps_ee_uV", 5)], [axis("eps_mumu_uV", 5)]
    assert told(tmp_path, electron_study([0, 1], profiles=moved)) == []
    for values in ([0, 0.5], [0.5, 0]):
        assert told(tmp_path, electron_study(values, parameters=[fixed("eps_ee_uV", 0.3)], profiles=other)) == []
    nobody = {"experiment": "noe", "base": "ess_csi", "source": {"time_efficiency_nu_e": 0}}
    mass = {"name": "m", "path": "target.mass_kg", "times": [1, 2]}
    study = {"study": "s", "interaction": "nsi", "experiments": [nobody], "sets": [["noe"]], "factors": [mass]}
    warning, = told(tmp_path, {**study, "profiles": moved})
    assert '"eps_ee_uV" changes nothing that noe expects: it acts on nu_e, which no source here gives' in warning
    (tmp_path / "told.yaml").write_text(json.dumps({**study, "parameters": [fixed("eps_ee_uV", 0.3)], "profiles": other}))
    assert '"eps_ee_uV" changes nothing that noe expects' in refused(tmp_path, "check", "told.yaml")


@pytest.mark.parametrize("times", [[0, 1], [1, 0]])
def test_backgrounds_that_some_setting_has(tmp_path, times):
    days = {"name": "x", "path": "backgrounds.*.live_days", "times": times}
    study = {"study": "s", "interaction": "nsi", "sets": [["ess_csi"]], "factors": [days], "profiles": [axis("eps_ee_uV", 5)]}
    assert told(tmp_path, study) == []


def test_products_of_several_couplings_are_seen(tmp_path):
    """No two axes at their first, middle or last values together make all three of these other than zero."""
    def charges(electron):
        values = {"charge_u": [0, 1, 5], "charge_e": electron, "coupling": [0, 1e-4]}
        return scan_config(["ess_csi"], [*({"name": name, "values": own} for name, own in values.items()), fixed("charge_mu", 0)],
                           interaction="vector")
    assert not [line for line in told(tmp_path, charges([-1, 0])) if "charge_u" in line or "coupling" in line]
    chi2 = json.loads(run("point", "-e", "ess_csi", "--interaction", "vector", "--set", "charge_u=5", "--set", "charge_e=-1", "--set",
                          "charge_mu=0", "--set", "coupling=1e-4", "--json").stdout)["chi2"]
    assert chi2 > 0


def test_shapes_of_pulls_are_looked_at(tmp_path):
    """Only at the upper end of this pull, the heavy nucleus with spin is above threshold."""
    knots = [1, 10, 40, 100, 200, 300]
    high, low = [[0, 0, 0, 0, 0.5, 0.5]], [[0, 0.1, 0, 0, 0.5, 0.5]]
    target = {"mass_kg": 1000, "form_factor": "responses", "nuclei": [{"isotope": "Si28"}, {"isotope": "Xe131"}]}
    pulls = [{"name": "toy.u", "sigma": 1, "up": {"bins": low}, "down": {"bins": high}}]
    changes = {"target": target, "response": {"name": "table", "recoil_keV": knots, "bins": high}, "bins": None,
               "backgrounds": [{"name": "flat", "counts": [10]}]}
    config = scan_config(["toy"], [axis("C2_u_e", 5, -0.01, 0.01)], interaction="eft")
    write_experiment(tmp_path, **changes, pulls=pulls)
    assert told(tmp_path, config) == []
    write_experiment(tmp_path, **changes, pulls=None)
    assert ['"C2_u_e" changes nothing' in line for line in told(tmp_path, config)] == [True]


@pytest.mark.parametrize("factor, more", [
    ({"path": "pulls.ess_csi.background.sigma", "times": [1, 5]}, {"without_pulls": ["ess_csi.background"]}),
    ({"path": "observed", "times": [1, 0.37]}, {"sets": [["coherent_csi_poisson"]], "data": "asimov"}),
    ({"path": "target.nuclei.*.per_unit", "times": [1, 2]}, {}),
    ({"path": "pulls.ess_csi.background.sigma", "times": [1, 5]}, None),
    ({"path": "observed", "times": [1, 0.37]}, {"sets": [["coherent_csi_poisson"]], "data": "observed"}),
], ids=["no such pull", "no such data", "no other target", "a pull", "data"])
def test_factors_that_change_nothing_are_said(tmp_path, factor, more):
    acts = more is None or more.get("data") == "observed"
    study = {"study": "s", "interaction": "nsi", "sets": [["ess_csi"]], "factors": [{"name": "f", **factor}],
             "profiles": [axis("eps_ee_uV", 5)], **(more or {})}
    says = 'cevscan: warning: factor "f" changes nothing: its maps are the same for every value'
    assert (says in told(tmp_path, study)) == (not acts)


# --- values that were assumed -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("interaction, values", [("nsi", "sin2_theta_w 0.23867, recoil_term 0 [defaults]"),
                                                 ("eft", "sin2_theta_w 0.2312, recoil_term 1, kappa 0.5 [defaults]")])
def test_the_standard_model_of_an_interaction_is_said(place, interaction, values):
    text = run("point", "-e", "toy", "--interaction", interaction, cwd=place).stdout
    assert re.search(rf"^interaction {interaction} \(arXiv:\d+\.\d+\): {re.escape(values)}$", text, re.MULTILINE)
    told = run_json("point", "-e", "toy", "--interaction", interaction, "--json", cwd=place)["interaction"]
    assert told["name"] == interaction and told["not_default"] == [] and told["fixed"]["sin2_theta_w"] in (0.23867, 0.2312)


def test_check_says_what_is_fixed(place, tmp_path):
    scan_file = write_scan(tmp_path, ["ess_ar"], [axis("eps_ee_uV", 5), fixed("eps_etau_uV", 0.05), fixed("recoil_term", 1)])
    assert "  fixed: eps_etau_uV 0.05 (default: 0), sin2_theta_w 0.23867, recoil_term 1 (default: 0)\n" in \
        run("check", scan_file).stdout
    told = run_json("check", scan_file, "--json")
    assert told["interaction"]["fixed"]["eps_etau_uV"] == 0.05 and "eps_ee_uV" not in told["interaction"]["fixed"]
    assert told["interaction"]["not_default"] == ["eps_etau_uV", "recoil_term"] and told["data"] == "asimov" and told["remarks"] == []
    assert "  fixed: sin2_theta_w 0.23867, recoil_term 0 [defaults]" in run("check", "study.yaml", cwd=place).stdout


def test_choices_of_two_papers_are_said(place):
    """sin^2 theta_W of one and the term T/E of another; not those of one other, nor a value of one's own."""
    def told(*settings):
        return lines(run("rates", "-e", "toy", *[word for s in settings for word in ("--set", s)], cwd=place))
    mixed = told("sin2_theta_w=0.2312")
    assert len(mixed) == 1 and "mixes the choices of several papers" in mixed[0]
    assert '"eft" (arXiv:2409.04703)' in mixed[0] and '"nsi" (arXiv:2208.11771)' in mixed[0]
    assert told("sin2_theta_w=0.2312", "recoil_term=1") == told("recoil_term=1") == told("sin2_theta_w=0.24") == []


# --- data ---------------------------------------------------------------------------------------------------------------
def test_which_data_are_used_is_said(place, tmp_path):
    note = "cevscan: note: data: asimov (a sensitivity); seen has observed counts: data: observed uses them"
    assert lines(run("check", "silent.yaml", cwd=place)) == [note]
    assert lines(run("run", "silent.yaml", "-o", tmp_path / "map.h5", cwd=place)) == [note]
    assert lines(run("run", "silent.yaml", "-o", tmp_path / "quiet.h5", "-q", cwd=place)) == []
    assert lines(run("rates", "silent.yaml", cwd=place)) == []
    assert lines(run("point", "-e", "seen", cwd=place)) == [note.replace("data: observed", "--data observed")]
    said = write_scan(tmp_path, [str(place / "seen.yaml")], [axis("eps_ee_uV", 5)], data="asimov")
    assert lines(run("check", said)) == []
    assert "xenonnt_8b has observed counts: data: {observed: [their names]} uses them" in run("check", "some.yaml", cwd=place).stderr


def test_truths_outside_of_the_map_are_said(place, tmp_path):
    def told(truth, parameters):
        path = write_scan(tmp_path, [str(place / "toy.yaml")], parameters, data={"asimov": truth})
        return lines(run("check", path)), lines(run("run", path, "-o", tmp_path / "map.h5", "-q")), lines(run("rates", path))[:1]
    note = 'cevscan: note: the truth of the Asimov data has "eps_ee_uV" at 0.7, outside of what is scanned, -0.2 to 0.6'
    assert told({"eps_ee_uV": 0.7}, [axis("eps_ee_uV", 3)]) == ([note], [], [note])     # -q is for warnings
    (tmp_path / "map.h5").unlink()
    in_turn = {"each_of": ["eps_ee_uV", "eps_ee_dV"], "min": -0.2, "max": 0.6, "points": 3}
    assert told({"eps_ee_uV": 0.7}, [in_turn])[0] == [note]
    (tmp_path / "map.h5").unlink()
    assert told({"eps_ee_uV": 0.6}, [axis("eps_ee_uV", 3)])[0] == []


def test_data_that_count_twice_are_said(tmp_path):
    says = "cevscan: warning: coherent_csi and coherent_csi_paper count the same data twice? Their observed counts are equal"
    both = ["coherent_csi", "coherent_csi_paper"]
    path = write_scan(tmp_path, both, [axis("eps_ee_uV", 3)], data="observed")
    assert lines(run("check", path)) == lines(run("run", path, "-o", tmp_path / "map.h5", "-q")) == [says]
    study = {"study": "s", "interaction": "nsi", "data": "observed", "profiles": [axis("eps_ee_uV", 3)], "sets": [[name] for name in both]}
    (tmp_path / "study.yaml").write_text(json.dumps(study))
    assert lines(run("check", tmp_path / "study.yaml")) == []
    (tmp_path / "study.yaml").write_text(json.dumps({**study, "sets": [both, *study["sets"]]}))
    assert lines(run("check", tmp_path / "study.yaml")) == [says]


def test_data_of_a_point_can_be_chosen(place, tmp_path):
    result = run_json("point", "-e", "seen", "--data", "observed", "--json", cwd=place)
    assert result["data"] == "observed" and result["experiments"]["seen"]["data"] == [520, 1310, 1400] and result["chi2"] > 0
    assert run_json("point", "-e", "seen", "--data", "asimov", "--json", cwd=place)["chi2"] == 0
    file = write_scan(tmp_path, [str(place / "seen.yaml")], [axis("eps_ee_uV", 5)], data="observed")
    assert run_json("point", file, "--json")["experiments"] == run_json("point", "-e", "seen", "--data", "observed", "--json",
                                                                       cwd=place)["experiments"]
    assert run_json("point", file, "--data", "asimov", "--json")["chi2"] == 0
    fit = run_json("point", "silent.yaml", "--data", "observed", "--json", cwd=place)
    assert fit["delta_chi2"] < fit["chi2"]
    assert 'experiment "toy" has no observed counts' in refused(place, "point", "-e", "seen,toy", "--data", "observed")
    assert "delta_chi2 none" in run("point", "-e", "seen", "--data", "observed", cwd=place).stdout
    assert run("rates", "-e", "seen", "--data", "observed", cwd=place).stdout


@pytest.mark.parametrize("command", [["check"], ["run", "-o", "no.h5"], ["point"]], ids=" ".join)
def test_counts_where_nothing_is_expected_are_named(place, command):
    message = refused(place, *command, "void_scan.yaml") if command[0] != "run" else \
        lines(run(*command, "void_scan.yaml", cwd=place, code=BAD_INPUT))[-1]
    assert "experiment void: bin 3 (1000 to 2000 keV) has 3 counts, but nothing is expected there" in message


def test_asimov_counts_that_no_point_expects_are_named(tmp_path):
    """The truth has events, and every scanned point none: couplings that take the weak charge away."""
    target = {"mass_kg": 10, "form_factor": "point", "nuclei": [{"name": "H", "protons": 1, "neutrons": 0, "mass_u": 40}]}
    write_experiment(tmp_path, target=target, backgrounds=None, pulls=None)
    zero = -(0.5 - 2 * 0.23867) / 2  # of 1/2 - 2 s^2 + 2 eps
    write_scan(tmp_path, ["toy"], [fixed("eps_ee_uV", zero), fixed("eps_mumu_uV", zero), axis("eps_tautau_uV", 3)])
    for command in (["check", "scan.yaml"], ["point", "scan.yaml"], ["run", "scan.yaml", "-o", "map.h5", "-q"]):
        message = lines(run(*command, cwd=tmp_path, code=BAD_INPUT))[-1]
        assert re.search(r"experiment toy: bin 1 \(1 to 5 keV\) has \S+ counts, but nothing is expected there at any point", message)


# --- files and names in place of others ---------------------------------------------------------------------------------
@pytest.mark.parametrize("arguments, says", [
    (["rates", "ess_csi"], "ess_csi is an experiment: cevscan rates -e ess_csi"),
    (["point", "ess_csi"], "ess_csi is an experiment: cevscan point -e ess_csi"),
    (["check", "ess_csi"], 'ess_csi is an experiment, and this wants a scan file that lists it under "experiments"'),
    (["rates", "esscsi"], 'did you mean the experiment "ess_csi"? cevscan rates -e ess_csi'),
    (["rates", "map.h5"], "map.h5 is a map, not a scan file: cevscan status map.h5"),
    (["point", "map.h5"], "map.h5 is a map, not a scan file: cevscan status map.h5"),
    (["check", "map.h5"], "map.h5 is a map, not a scan file: cevscan status map.h5"),
    (["run", "map.h5", "-o", "new.h5"], "the map to write is given with -o"),
    (["rates", "toy.yaml"], "toy.yaml is an experiment file: cevscan rates -e toy.yaml"),
    (["check", "toy.yaml"], 'toy.yaml is an experiment file, not a scan file: a scan lists it under "experiments"'),
    (["run", "toy.yaml", "-o", "new.h5"], "toy.yaml is an experiment file, not a scan file"),
    (["point", "study.yaml"], "study.yaml is a study, and this wants one scan: cevscan check study.yaml --map SPACE/SET"),
    (["status", "scan.yaml"], "scan.yaml is a scan file, not a map: cevscan check scan.yaml"),
    (["verify", "study.yaml"], "study.yaml is a study file, not a map: cevscan check study.yaml"),
    (["merge", "map.h5", "scan.yaml", "-o", "new.h5"], "scan.yaml is a scan file, not a map"),
    (["status", "toy.yaml"], "toy.yaml is an experiment file, not a map: cevscan describe toy.yaml"),
    (["describe", "scan.yaml"], "scan.yaml is a scan file, not an experiment: cevscan check scan.yaml"),
    (["rates", "-e", "nosuch"], "-e nosuch: no experiment has this name; there are: coherent_csi, "),
    (["rates", "-e", "esscsi"], '-e esscsi: no experiment has this name (did you mean "ess_csi"?)'),
    (["rates", "-e", "scan.yaml"], "scan.yaml is a scan file, not an experiment: cevscan rates scan.yaml"),
    (["rates", "-e", "map.h5"], "map.h5 is a map, not an experiment: cevscan status map.h5"),
    (["describe", "pion"], 'nothing is called "pion"; there is: pion_decay_at_rest (source)'),
    (["describe", "eps_ee_u"], 'there is: eps_ee_uV (parameter)'),
    (["describe", "Cs"], "there are: Cs133 (isotope), coherent_csi (experiment)"),
    (["describe", "cs-133"], 'did you mean "Cs133"'),
    (["describe", "vectr"], 'did you mean "vector"'),
    (["run", "scan.yaml", "-o", "x.h5", "--threds=3"], "there is no option --threds (did you mean --threads?); see: cevscan run --help"),
    (["rates", "-e", "toy", "--interaktion", "nsi"], "(did you mean --interaction?); see: cevscan rates --help"),
    (["status", "--json=1"], "option --json takes no argument; see: cevscan status --help"),
    (["describe", "-x"], "there is no option -x; see: cevscan describe --help"),
    (["run", "scan.yaml", "x.h5"], "more than one scan or study file: x.h5; the file to write is given with -o: -o x.h5"),
    (["run", "scan.yaml", "-o", "out/x.pdf"], "-o out/x.pdf: a map is an HDF5 file; give it a name like out/x.h5"),
    (["study", "study.yaml", "-o", "study.yaml"], "-o study.yaml: a map is an HDF5 file; give it a name like study.h5"),
    (["merge", "map.h5", "-o", "x.PNG"], "-o x.PNG: a map is an HDF5 file; give it a name like x.h5"),
    (["point", "-e", "toy", "--set", "eps_ee_uV", "0.1"], "--set eps_ee_uV 0.1: expected --set eps_ee_uV=0.1"),
    (["rates", "scan.yaml", "--set", "eps_ee_uV", "-0.1"], "there is no option -0; a negative number follows a = sign"),
    (["run", "scan.yaml", "-qo"], "option -o needs an argument; see: cevscan run --help"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_files_and_names(place, arguments, says):
    assert says in refused(place, *arguments)


def test_ranks_are_told_of_a_wrong_file_once(place):
    assert "map.h5 is a map, not a scan file" in refused(place, "run", "map.h5", "-o", "new.h5", ranks=2)


# --- describe -----------------------------------------------------------------------------------------------------------
def test_describe_isotopes_and_parameters():
    everything = run_json("describe", "--json")["isotopes"]
    assert {"name": "Cs133", "protons": 55, "neutrons": 78, "mass_u": 132.905451958, "shell_model": True, "kind": "isotope"} in everything
    assert run_json("describe", "isotopes", "--json") == everything
    assert run_json("describe", "133Cs", "--json")["name"] == "Cs133"
    assert "Z 55  N 78" in run("describe", "Cs133").stdout and " Cs133\n" in run("describe").stdout
    flux = run_json("describe", "flux_b8", "--json")
    assert len(flux) == 9 and all(f["parameter"]["acts_on"]["sources"] == ["solar_b8"] for f in flux)
    text = run("describe", "flux_b8").stdout
    assert text.startswith("parameter flux_b8, in 1/cm^2/s: ") and text.count("flux of source solar_b8") == 9


def test_describe_says_what_acts_on_what():
    acts = {p["name"]: p["acts_on"] for p in run_json("describe", "eft", "--json")["parameters"]}
    assert acts["C1_u_e"]["flavours"] == ["nu_e"] and len(acts["C1_u_e"]["form_factors"]) == 5
    assert acts["C2_d_tau"] == {"flavours": ["nu_tau"], "form_factors": ["responses"], "sources": []}
    assert acts["neutron_radius_fm"]["form_factors"] == ["helm"] and acts["sin2_theta_w"]["flavours"] == ["nu_e", "nu_mu", "nu_tau"]
    text = run("describe", "nsi").stdout
    assert "[nu_e, nu_mu]" in text and "[flux of source solar_b8]" in text and "[form factor helm; slow]" in text
    titles = [run_json("describe", name, "--json")["title"] for name in ("vector", "vector_universal")]
    assert "yours to set" in titles[0] and "universal charges" in titles[1]


# --- clocks -------------------------------------------------------------------------------------------------------------
def test_status_after_a_clock_was_set_back(place, tmp_path):
    (tmp_path / "map.h5").write_bytes((place / "map.h5").read_bytes())
    assert re.search(r"last sign of life \d+ s ago", run("status", tmp_path / "map.h5").stdout)
    with h5py.File(tmp_path / "map.h5", "r+") as h5:
        h5["progress/heartbeat"][...] += 7200
    text = run("status", tmp_path / "map.h5").stdout
    assert re.search(r"last sign of life 7\d\d\d s in the future: this clock was set back", text) and "-7" not in text
