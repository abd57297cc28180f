# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of pulls: what is refused, and in which words; on bases, in studies, and as they are told."""
import json

import pytest

from cevscan_analysis import open_maps
from bad_input import case, check_refused, write
from e2e import axis, content_hash, experiment, refused, run, run_json, scan, write_experiment, write_scan

SCAN = """\
scan: test
experiments: [toy.yaml]
interaction: nsi
parameters:
  - {name: eps_ee_uV, min: -0.2, max: 0.6, points: 11}
"""

TOY = """\
experiment: toy
source: {name: pion_decay_at_rest, protons_per_year: 2.8e23, years: 3, neutrinos_per_proton: 0.3, distance_m: 20}
target:
  mass_kg: 10
  form_factor: helm
  nuclei:
    - {isotope: Cs133, rms_radius_fm: 4.8}
    - {name: I, protons: 53, neutrons: 74, mass_u: 126.9, rms_radius_fm: 4.75}
response: {name: gaussian, threshold_keV: 1, sigma_at_threshold_keV: 0.3, acceptance: 0.8}
bins: {edges_keV: [1, 5, 20, 100]}
backgrounds:
  - {name: steady, counts: [30, 20, 10]}
  - {name: flat, counts: [3, 2, 1]}
pulls:
  - {name: p, sigma: 0.1, scales: [signal]}
  - {name: q, sigma: 0.05, scales: [steady, flat]}
"""

P, Q = "{name: p, sigma: 0.1, scales: [signal]}", "scales: [steady, flat]"


def p(text):
    return "{name: p, " + text + "}"


CASES = [
    case("unknown constraint", P, p("sigma: 0.1, constraint: gama, scales: [signal]"), "gama", 'unknown constraint "gama"', 'did you mean "gamma"?'),
    case("constraint is a number", P, p("sigma: 0.1, constraint: [1], scales: [signal]"), "[1]", '"constraint"', "text"),
    case("a free pull with a sigma", P, p("sigma: 0.1, constraint: none, scales: [signal]"), "0.1, constraint", '"sigma"', "free", "leave it out"),
    case("no sigma", P, p("scales: [signal]"), "{name: p", '"sigma" is missing', "constraint: none"),
    case("gamma of no width", P, p("sigma: 0, constraint: gamma, scales: [signal]"), "0, constraint", '"sigma"', "above 0, at most 3", '"gamma"'),
    case("gamma of great width", P, p("sigma: 3.1, constraint: gamma, scales: [signal]"), "3.1", '"sigma"', "at most 3"),
    case("lognormal of great width", P, p("sigma: 4, constraint: lognormal, scales: [signal]"), "4, constraint", "at most 3", '"lognormal"'),
    case("lognormal of no width", P, p("sigma: 0, constraint: lognormal, scales: [signal]"), "0, constraint", "above 0"),
    case("gamma of a parameter", P, p("sigma: 0.1, constraint: gamma, parameter: source.distance_m"), "source.distance_m", 'pull "p"', '"gamma"',
         "its own unit"),
    case("a free parameter", P, p("constraint: none, parameter: source.distance_m"), "source.distance_m", '"none"', "profile the parameter itself"),
    case("a minimum above 0", P, p("sigma: 0.1, minimum: 0.01, scales: [signal]"), "0.01", '"minimum"', "at -1 what it scales has none"),
    case("a maximum below 0", P, p("sigma: 0.1, maximum: -0.01, scales: [signal]"), "-0.01", '"maximum"', "below 0"),
    case("an infinite minimum", P, p("sigma: 0.1, minimum: -inf, scales: [signal]"), "-inf", '"minimum"', "finite"),
    case("a single value", P, p("sigma: 0.1, minimum: 0, maximum: 0, scales: [signal]"), "0, scales", "only one value", "sigma: 0"),
    case("a minimum that a gamma has", P, p("sigma: 0.1, constraint: gamma, minimum: -1, scales: [signal]"), "-1", '"minimum"', "changes nothing",
         "above -1"),
    case("unknown interpolation", P, p("sigma: 0.1, interpolation: cubic, parameter: source.distance_m"), "cubic", "interpolation", "quadratic"),
    case("interpolation of what scales", P, p("sigma: 0.1, interpolation: linear, scales: [signal]"), "linear", '"interpolation"', '"scales"'),
    case("a weight of 0", Q, "scales: {steady: 1, flat: 0}", "0}", "weight of 0", '"flat"'),
    case("a weight that is a word", Q, "scales: {steady: 1, flat: half}", "half", '"flat"', "number"),
    case("an infinite weight", Q, "scales: {steady: 1, flat: inf}", "inf", '"flat"', "finite"),
    case("a weight of nothing that is known", Q, "scales: {steady: 1, falt: 2}", "falt", 'did you mean "flat"?'),
    case("no weights", Q, "scales: {}", "{}", '"scales"', "signal.nu_mu"),
    case("scales is a text", Q, "scales: steady", "steady", '"scales"', "list"),
    case("a species that the source does not have", Q, "scales: [signal.nu_tau]", "signal.nu_tau", 'did you mean "signal.nu_',
         "signal.numubar", "signal.COMPONENT.NUCLEUS"),
    case("a nucleus that the target does not have", Q, "scales: [signal.Xe]", "signal.Xe", "signal.Cs133", "signal.I"),
    case("a nucleus under a species", Q, "scales: [signal.nu_e.Cs134]", "signal.nu_e.Cs134", 'did you mean "signal.nu_e.Cs133"?'),
    case("nothing after the dot", Q, "scales: [signal.]", "signal.]", "unknown component"),
    case("a species twice", Q, "scales: [signal.nu_e, steady, signal.nu_e]", "signal.nu_e]", '"signal.nu_e" is listed twice'),
    case("a nucleus twice", Q, "scales: [signal.Cs133, signal.Cs]", "signal.Cs]", '"signal.Cs" is listed twice'),
    case("the signal twice", Q, "scales: [signal, signal]", "signal]", '"signal" is listed twice'),
    case("a pull twice, without width", "name: q, sigma: 0.05", "name: p, sigma: 0", "{name: p, sigma: 0,", '"p" is given twice'),
    case("nonsense under no width", "name: q, sigma: 0.05, scales: [steady", "name: q, sigma: 0, scales: [stedy", "stedy", 'did you mean "steady"?'),
    case("both sides alike", P, p("sigma: 1, interpolation: quadratic, up: {backgrounds: {flat: [3, 2, 1]}}, down: {backgrounds: {flat: [3, 2, 1]}}"),
         "{backgrounds: {flat: [3, 2, 1]}}}", "changes nothing"),
    case("too many shapes", P, "\n  - ".join(f"{{name: p{k}, sigma: 1, interpolation: quadratic, parameter: source.distance_m}}" for k in range(7)),
         "{name: p6", "together", "count twice"),
    case("too many parts", P, "\n  - ".join(f"{{name: p{k}, sigma: 1, scales: [signal.I]}}" for k in range(14)), "{name: p13", "together"),
]


@pytest.mark.parametrize("old, new, at, says", CASES)
def test_pulls(tmp_path, old, new, at, says):
    write(tmp_path, scan=SCAN)
    check_refused(tmp_path, "toy", TOY, old, new, at, says)


GOOD = [p("constraint: none, scales: [signal]"), p("constraint: none, minimum: -1, maximum: 4, scales: [signal]"), p("sigma: 3, constraint: gamma, "
        "scales: [signal]"), p("sigma: 0.1, scales: [signal, signal.nu_e]"), p("sigma: 0.1, scales: {signal.nu_mu: 2, signal.nu_e.I-127: -1}"),
        p("sigma: 0.1, scales: {signal.Cs: 1, signal.numubar.133Cs: 1}"), p("sigma: 0.1, minimum: -0.05, interpolation: quadratic, parameter: source.distance_m"),
        p("constraint: none, up: {backgrounds: {flat: [4, 2, 1]}}, down: {backgrounds: {flat: [1, 2, 1]}}")]


@pytest.mark.parametrize("pull", GOOD)
def test_they_are_kept_as_they_are(tmp_path, pull):
    """What the map keeps is the same scan; the I of the file is no I127, so a spelling of isotopes fits Cs133 alone."""
    if "I-127" in pull:
        pull = pull.replace("I-127", "I")
    write(tmp_path, scan=SCAN, toy=TOY.replace(P, pull))
    kept = run_json("check", tmp_path / "scan.yaml", "--json")
    (tmp_path / "again.yaml").write_text(json.dumps(kept["resolved"]))
    again = run_json("check", tmp_path / "again.yaml", "--json")
    assert again["identity"] == kept["identity"] and again["resolved"] == kept["resolved"]


# --- shared pulls -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("other, says", [({"sigma": 0.2}, "sigma 0.1 and 0.2"), ({"constraint": "gamma"}, "constraint gaussian and gamma"),
                                         ({"sigma": None, "constraint": "none"}, "constraint gaussian and none"),
                                         ({"minimum": -1}, "minimum none and -1"), ({"maximum": 2}, "maximum none and 2")])
def test_one_name_is_one_pull(tmp_path, other, says):
    pull = {"name": "p", "sigma": 0.1, "scales": ["signal"]}
    other = {key: value for key, value in {**pull, **other}.items() if value is not None}
    paths = [str(write_experiment(tmp_path, name, pulls=[own])) for name, own in [("one", pull), ("two", other)]]
    write_scan(tmp_path, paths, [axis("eps_ee_uV", 3)])
    message = refused(tmp_path, "check", "scan.yaml")
    assert f'pull "p" is shared by "one" and "two", but with {says}' in message and "scan.yaml:5:3: " in message


def test_weights_need_not_be_shared(tmp_path):
    pulls = [{"name": "p", "sigma": 0.1, "scales": scales} for scales in (["signal"], {"flat": 0.5}, ["signal.nu_e"])]
    paths = [str(write_experiment(tmp_path, f"x{k}", pulls=[pull])) for k, pull in enumerate(pulls)]
    text = run("check", write_scan(tmp_path, paths, [axis("eps_ee_uV", 3)])).stdout
    for words in ("pull p, sigma 0.1, shared", "pull p, sigma 0.1 on 0.5 flat, shared", "pull p, sigma 0.1 on signal.nu_e, shared"):
        assert words in text


# --- how they are told ------------------------------------------------------------------------------------------------
TOLD = [({"constraint": "none", "minimum": -1, "scales": ["flat"]}, "free, at least -1"),
        ({"constraint": "none", "scales": ["flat"]}, "free"),
        ({"sigma": 0.28, "constraint": "gamma", "scales": ["signal"]}, "sigma 0.28, constraint gamma"),
        ({"sigma": 0.1, "minimum": -0.2, "maximum": 0.3, "scales": ["signal"]}, "sigma 0.1, within -0.2 and 0.3"),
        ({"sigma": 0.1, "maximum": 0.3, "scales": ["signal"]}, "sigma 0.1, at most 0.3"),
        ({"sigma": 0.1, "scales": {"signal": 1, "flat": -0.5}}, "sigma 0.1 on signal, -0.5 flat"),
        ({"sigma": 0.1, "scales": {"flat": 1, "signal.nu_e.Ar": 2}}, "sigma 0.1 on flat, 2 signal.nu_e.Ar"),
        ({"sigma": 0.5, "parameter": "source.distance_m", "interpolation": "quadratic"}, "sigma 0.5 of source.distance_m, quadratic"),
        ({"sigma": 1, "up": {"backgrounds": {"flat": [1, 2, 3]}}, "down": {"backgrounds": {"flat": [0, 2, 3]}}}, "sigma 1 of shapes")]


@pytest.mark.parametrize("pull, words", TOLD)
def test_they_are_told(tmp_path, pull, words):
    path = write_experiment(tmp_path, pulls=[{"name": "p", **pull}])
    assert f"  pull p, {words}\n" in run("describe", path).stdout
    assert f"    pull p, {words}\n" in run("check", write_scan(tmp_path, ["toy"], [axis("eps_ee_uV", 3)])).stdout


def test_components_are_described():
    text = run("describe", "pion_decay_at_rest").stdout
    for name in ("nu_mu", "numubar", "nu_e"):
        assert f"\n  {name} " in text
    assert [c["name"] for c in run_json("describe", "solar_b8", "--json")["components"]] == ["nu_e", "nu_mu", "nu_tau"]


def test_a_part_without_counts_is_remarked(tmp_path):
    source = {**experiment()["source"], "time_efficiency_nu_e": 0}
    write_experiment(tmp_path, source=source, pulls=[{"name": "p", "sigma": 0.1, "scales": ["signal.nu_e"]}])
    assert 'pull "p" changes nothing in toy' in run("check", write_scan(tmp_path, ["toy"], [axis("eps_ee_uV", 3)])).stderr


# --- bases and studies ------------------------------------------------------------------------------------------------
def pulls_of(folder, overlay):
    write_experiment(folder)
    write_scan(folder, [{"experiment": "mine", "base": "toy", "pulls": overlay}], [axis("eps_ee_uV", 3)])
    return run_json("check", folder / "scan.yaml", "--json")["resolved"]["experiments"][0]["pulls"]


def test_on_a_base(tmp_path):
    free = pulls_of(tmp_path, {"toy.background": {"sigma": None, "constraint": "none", "minimum": -1}})
    assert free[1] == {"name": "toy.background", "scales": ["flat"], "constraint": "none", "minimum": -1}
    assert pulls_of(tmp_path, {"toy.signal": {"scales": {"signal": 1, "flat": 0.5}}})[0]["scales"] == {"signal": 1, "flat": 0.5}
    write_scan(tmp_path, [{"experiment": "mine", "base": "toy", "pulls": {"toy.signal": {"constraint": "none"}}}], [axis("eps_ee_uV", 3)])
    message = refused(tmp_path, "check", "scan.yaml")
    assert "scan.yaml" in message and "pulls: {toy.signal: {sigma: null}}" in message


def test_weights_are_laid_over_one_by_one(tmp_path):
    write_experiment(tmp_path, pulls=[{"name": "p", "sigma": 0.1, "scales": {"signal": 1, "flat": 0.5}}])
    write_scan(tmp_path, [{"experiment": "mine", "base": "toy", "pulls": {"p": {"scales": {"flat": None, "signal.nu_e": 2}}}}], [axis("eps_ee_uV", 3)])
    pull, = run_json("check", tmp_path / "scan.yaml", "--json")["resolved"]["experiments"][0]["pulls"]
    assert pull["scales"] == {"signal": 1, "signal.nu_e": 2}


def study(folder, factors, **more):
    config = {"study": "test", "interaction": "nsi", "profiles": [axis("eps_ee_uV", 5)],
              "sets": [["toy"]], "factors": factors, **more}
    (folder / "study.yaml").write_text(json.dumps(config))
    return folder / "study.yaml"


@pytest.mark.parametrize("path, value, says", [("pulls.p.scales.flat", 0.25, 0.25), ("pulls.*.minimum", -0.5, -0.5), ("pulls.p.sigma", 0.3, 0.3)])
def test_factors_of_a_study(tmp_path, path, value, says):
    write_experiment(tmp_path, pulls=[{"name": "p", "sigma": 0.1, "minimum": -1, "scales": {"signal": 1, "flat": 0.5}}])
    maps = run_json("check", study(tmp_path, [{"name": "f", "path": path, "values": [value]}]), "--json")
    assert str(says) in json.dumps(maps["resolved"])


def test_a_study_takes_a_pull_away(tmp_path):
    """sigma 0 in one setting is the map without that pull."""
    write_experiment(tmp_path)
    path = study(tmp_path, [{"name": "wide", "path": "pulls.toy.signal.sigma", "values": [0, 0.1]}], store_pulls=True)
    run("run", path, "-o", tmp_path / "study.h5", "-q")
    run("verify", "--all", tmp_path / "study.h5")
    assert [list(m.pulls) for m in open_maps(tmp_path / "study.h5")] == [["toy.background"], ["toy.signal", "toy.background"]]
    for name in ("0", "0.1"):
        (tmp_path / "one.yaml").write_text(run("check", path, "--map", f"eps_ee_uV/toy@wide={name}").stdout)
        run("run", tmp_path / "one.yaml", "-o", tmp_path / f"{name}.h5", "-q")
    write_experiment(tmp_path, pulls=experiment()["pulls"][1:])
    scan(write_scan(tmp_path, ["toy"], [axis("eps_ee_uV", 5)], store_pulls=True), tmp_path / "without.h5")
    assert content_hash(tmp_path / "0.h5") == content_hash(tmp_path / "without.h5") != content_hash(tmp_path / "0.1.h5")
