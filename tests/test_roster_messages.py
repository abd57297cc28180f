# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles that parameters cannot have, formulas, ties and correlations: each refused with file, line, key and reason."""
import pytest

from bad_input import case, check_refused, write
from e2e import refused, run

SCAN = """\
scan: test
experiments: [toy.yaml, twin.yaml]
interaction: nsi
parameters:
  - {name: eps_ee_uV, min: -0.2, max: 0.6, points: 3}
  - {name: eps_ee_dV, min: -0.2, max: 0.6, points: 3}
  - {name: eps_mumu_uV, profile: [-1, 1]}
  - {name: eps_emu_uV, profile: [-1, 1], centre: 0, sigma: 0.1}
  - {name: eps_mumu_dV, equals: eps_mumu_uV, times: 2}
  - {name: eps_etau_uV, formula: "eps*(2*cos(pi*eta/180) - sin(pi*eta/180))"}
  - {name: eps, profile: [-1, 1]}
  - {name: eta, min: -90, max: 90, points: 3, unit: deg}
  - {name: toy.signal, value: 0.1}
  - {name: twin.signal, profile: [-0.5, 0.5]}
correlations:
  - {of: [toy.background, twin.background], coefficient: 0.5}
store_profiled: true
"""

TOY = """\
experiment: toy
title: a toy
source: {name: pion_decay_at_rest, protons_per_year: 2.8e23, years: 3, neutrinos_per_proton: 0.3, distance_m: 20}
target:
  mass_kg: 10
  form_factor: helm
  nuclei:
    - {name: Ar, protons: 18, neutrons: 22, mass_u: 39.95, rms_radius_fm: 3.43}
response: {name: gaussian, threshold_keV: 1, sigma_at_threshold_keV: 0.3}
bins: {edges_keV: [1, 5, 20, 100]}
backgrounds:
  - {name: flat, counts: [3, 2, 1]}
pulls:
  - {name: toy.signal, sigma: 0.1, scales: [signal]}
  - {name: toy.background, sigma: 0.05, scales: [flat]}
  - {name: beam, sigma: 0.05, scales: [signal]}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return write(tmp_path_factory.mktemp("roles"), scan=SCAN, toy=TOY, twin=TOY.replace("toy", "twin"))


def test_the_files_themselves_are_good(files):
    (files / "scan.yaml").write_text(SCAN)
    printed = run("check", files / "scan.yaml").stdout
    for words in ["eps_mumu_uV      profiled, from -1 to 1", "constrained from elsewhere to 0 +- 0.1", "= 2 eps_mumu_uV",
                  "= eps*(2*cos(pi*eta/180) - sin(pi*eta/180))", "toy.signal       fixed at 0.1", "a pull, from -0.5 to 0.5",
                  "correlation of toy.background and twin.background: 0.5", "profiled parameters stored"]:
        assert words in printed, printed


MUMU = "eps_mumu_uV, profile: [-1, 1]"
TIE = "equals: eps_mumu_uV, times: 2"
FORMULA = '"eps*(2*cos(pi*eta/180) - sin(pi*eta/180))"'
ETA = "min: -90, max: 90, points: 3, unit: deg"
GIVEN = "toy.signal, value: 0.1"
WITHIN = "twin.signal, profile: [-0.5, 0.5]"
PAIR = "of: [toy.background, twin.background], coefficient: 0.5"


def formula(text):
    return f'"{text}"'


def correlated(text):
    return "of: [toy.background, twin.background, beam], " + text


ROLES = [
    case("profile of an axis", MUMU, "eps_mumu_uV, profile: [-1, 1], min: 0, max: 1, points: 3", "[-1, 1], min", "either scanned",
         '"profile"'),
    case("profile of a fixed value", MUMU, "eps_mumu_uV, profile: [-1, 1], value: 0.5", "[-1, 1], value", "either fixed", '"value"'),
    case("two entries", MUMU, "eps_ee_dV, profile: [-1, 1]", "eps_ee_dV, profile", "given twice"),
    case("one bound", MUMU, "eps_mumu_uV, profile: [-1]", "[-1]}", '"profile"', "[lowest, highest]", "found 1 numbers"),
    case("a bound that is a word", MUMU, "eps_mumu_uV, profile: [-1, high]", "high", '"profile"', "number"),
    case("bounds are no list", MUMU, "eps_mumu_uV, profile: 1", "1}", '"profile"', "list of numbers"),
    case("bounds the wrong way", MUMU, "eps_mumu_uV, profile: [1, -1]", "[1, -1]", "lower bound (1) must be below"),
    case("equal bounds", MUMU, "eps_mumu_uV, profile: [1, 1]", "[1, 1]", "lower bound (1) must be below"),
    case("bounds out of range", MUMU, "eps_mumu_uV, profile: [-1, 1e9]", "1e9", '"profile"', "between"),
    case("bounds without the default", MUMU, "eps_mumu_uV, profile: [3, 4]", "[3, 4]", "default, 0"),
    case("bounds without the centre", MUMU, "eps_mumu_uV, profile: [-1, 1], centre: 3, sigma: 0.1", "[-1, 1], centre",
         "constraint's centre, 3", "3 sigma"),
    case("profile of a choice", MUMU, "recoil_term, profile: [0, 1]", "[0, 1]", "choice", '"value"'),
    case("profile of what acts on nothing", MUMU, "eps_tautau_uV, profile: [-1, 1]", "[-1, 1]", '"eps_tautau_uV" is profiled',
         "acts on nu_tau, which no source here gives"),
    case("profile of one's own that nothing follows to an end", f"eps_etau_uV, formula: {FORMULA}",
         f"eps_tautau_uV, formula: {FORMULA}", "[-1, 1]}\n  - {name: eta", '"eps" is profiled', "nothing that acts follows it"),
    case("a constraint alone", MUMU, "eps_mumu_uV, centre: 0, sigma: 1", "{name: eps_mumu_uV, centre", "no role", '"profile"'),
    case("half a constraint", MUMU, "eps_mumu_uV, profile: [-1, 1], centre: 0", "0}", '"centre" and "sigma"', "together"),
    case("a constraint without width", MUMU, "eps_mumu_uV, profile: [-1, 1], centre: 0, sigma: 0", "0}", '"sigma"', "above 0"),
    case("a constraint of a value", MUMU, "eps_mumu_uV, value: 0.1, centre: 0, sigma: 1", "0, sigma", "changes nothing", '"value"'),
    case("no role", MUMU, "eps_mumu_uV", "{name: eps_mumu_uV}", '"value"', '"profile"', '"formula"'),
    case("a unit of a coupling", MUMU, "eps_mumu_uV, profile: [-1, 1], unit: m", "m}", '"unit"', '"eps_mumu_uV" has its unit'),
    case("a misspelt parameter", MUMU, "eps_mumu_uW, profile: [-1, 1]", "eps_mumu_uW", 'did you mean "eps_mumu_uV"',
         'no "formula" and no "equals" reads'),
    case("a misspelt pull", GIVEN, "toy.signl, value: 0.1", "toy.signl", 'did you mean "toy.signal"'),
    case("each_of with a role", "name: eps_ee_uV, min", "each_of: [eps_ee_uV, eps_etau_dV], sigma: 1, min", "sigma: 1",
         '"sigma"', '"each_of"'),
    case("nothing of one's own reads it", ETA, ETA + "}\n  - {name: zeta, value: 1", "zeta", '"zeta"', 'no "formula"'),
    case("a name that maps have", ETA, ETA + "}\n  - {name: pull_x, min: 0, max: 1, points: 3}\n  - {name: eps_etau_dV, equals: pull_x",
         "pull_x, min", '"pull_x"', "no axis can be called that"),
    case("a name that formulas know", "eta, " + ETA, "sin, " + ETA, "sin, min", '"sin"', "something else in formulas"),
    case("store_profiled without any", SCAN[SCAN.index("  - {name: eps_mumu_uV"):SCAN.index("  - {name: toy.signal")], "", "true",
         '"store_profiled"', "no parameter is profiled"),
]

PULLS = [
    case("a pull twice", WITHIN, "toy.signal, profile: [-0.5, 0.5]", "toy.signal, profile", "given twice"),
    case("bounds of a pull without 0", WITHIN, "twin.signal, profile: [0.1, 0.5]", "[0.1, 0.5]", '"twin.signal"', "leave 0 outside"),
    case("bounds of a pull the wrong way", WITHIN, "twin.signal, profile: [0.5, -0.5]", "[0.5, -0.5]", "must be below"),
    case("a constraint of a pull", WITHIN, "twin.signal, profile: [-0.5, 0.5], centre: 0, sigma: 1", "{name: twin.signal",
         "stands in its experiment"),
    case("a constraint of a given pull", GIVEN, "toy.signal, min: -1, max: 1, points: 3, centre: 0, sigma: 1", "0, sigma",
         "stands in its experiment"),
    case("a formula of a minimised pull", FORMULA, formula("eps*eta*twin.signal"), formula("eps*eta*twin.signal"), '"formula"',
         "a pull that the fit minimises"),
    case("a tie to a minimised pull", TIE, "equals: beam", "beam}", '"equals"', "a pull that the fit minimises"),
]

NUMBERS = [
    case("a misspelt number", GIVEN, "toy.response.aceptance, value: 0.5", "toy.response.aceptance", 'did you mean "toy.response.acceptance"'),
    case("a number twice", GIVEN, "response.acceptance, value: 0.5}\n  - {name: toy.response.acceptance, value: 0.4", "toy.response.acc",
         "are the same number of"),
    case("a number where bins begin", GIVEN, "response.threshold_keV, min: 1, max: 2, points: 3", "response.threshold_keV", "bins of", "begin there"),
    case("a number out of range", GIVEN, "response.acceptance, min: 0.5, max: 1.5, points: 3", "1.5", '"max"', "between 0 and 1"),
    case("a number by a formula", GIVEN, 'toy.response.acceptance, formula: "eps"', "{name: toy.response.acceptance",
         "a formula gives has none", '"equals"'),
    case("a number tied out of its range", GIVEN, "toy.response.acceptance, equals: eps", "{name: toy.response.acceptance",
         "would be between -1 and 1"),
    case("a choice as a number", GIVEN, "source.earth, value: 1", "source.earth", "unknown parameter"),
]

FOLLOWERS = [
    case("equals itself", TIE, "equals: eps_mumu_dV", "eps_mumu_dV}", "equal itself"),
    case("equals an unknown", TIE, "equals: eps_mumu_uW", "eps_mumu_uW}", 'did you mean "eps_mumu_uV"'),
    case("equals and formula", TIE, 'equals: eps_mumu_uV, formula: "eps"', "eps_mumu_uV, formula", 'either "equals" or "formula"'),
    case("equals and value", TIE, "equals: eps_mumu_uV, value: 1", "eps_mumu_uV, value", "no value of its own"),
    case("formula and axis", ETA, ETA + ', formula: "eps"', '"eps"}', "no axis of its own"),
    case("times alone", MUMU, MUMU + ", times: 2", "2}", '"times"', '"equals"'),
    case("times 0", TIE, "equals: eps_mumu_uV, times: 0", "0}", '"times"', "always 0"),
    case("times a word", TIE, "equals: eps_mumu_uV, times: two", "two}", '"times"', "number"),
    case("a choice follows", MUMU, "recoil_term, equals: eps", "{name: recoil_term", "choice"),
    case("a cycle of two", MUMU, "eps_mumu_uV, equals: eps_mumu_dV", "{name: eps_mumu_uV, equals",
         "depends on itself: eps_mumu_uV -> eps_mumu_dV -> eps_mumu_uV"),
    case("a cycle of formulas", "{name: eps, profile: [-1, 1]}", '{name: eps, formula: "2*eps_etau_uV"}', '{name: eps_etau_uV, formula',
         "depends on itself: eps_etau_uV -> eps -> eps_etau_uV"),
    case("a formula of itself", FORMULA, formula("eps*eta + eps_etau_uV"), formula("eps*eta + eps_etau_uV"), "follow from itself"),
    case("a slow one follows a profiled one by a formula", MUMU + "}", MUMU + '}\n  - {name: neutron_radius_fm, formula: "3 + eps"}',
         "{name: neutron_radius_fm", "changes the templates", '"eps" is profiled'),
    case("follows what has no value", TIE, "equals: neutron_radius_fm", "{name: eps_mumu_dV", '"neutron_radius_fm"', "no value"),
]


def bad_formula(name, text, *says):
    return case(name, FORMULA, formula(text), formula(text), '"formula"', *says)


FORMULAS = [
    bad_formula("unknown name", "eps*etaa", 'at letter 5: unknown name "etaa"', 'did you mean "eta"'),
    bad_formula("unknown function", "eps*cso(eta)", 'unknown function "cso"', 'did you mean "cos"'),
    bad_formula("random", "eps*eta*rnd(1)", "nothing in a formula is random"),
    bad_formula("open bracket", "eps*(eta+1", "wrong number of brackets: the one at letter 5 is not closed"),
    bad_formula("closed bracket", "eps*eta)+1", "wrong number of brackets: the one at letter 8 closes none"),
    bad_formula("empty brackets", "eps*eta*()", 'at letter 10: ")"'),
    bad_formula("operator at the end", "eps*eta*", "ends where a number, a name or a bracket was expected"),
    bad_formula("two operators", "eps*/eta", 'at letter 5: found "/"'),
    bad_formula("power of another language", "eps**2*eta", "powers are written x^y"),
    bad_formula("missing operator", "2 eps*eta", 'at letter 3: an operator is missing before "eps"'),
    bad_formula("number before a name", "2eps*eta", 'at letter 2: an operator is missing before "eps"'),
    bad_formula("function without brackets", "eps*cos eta", 'function "cos" needs its argument in brackets'),
    bad_formula("one number for two", "eps*atan2(eta)", 'function "atan2" takes two numbers, not one'),
    bad_formula("two numbers for one", "eps*cos(eta, 2)", 'function "cos" takes one number, not more'),
    bad_formula("assignment", "eps = eta", '"=" is no operator'),
    bad_formula("condition", "eps > 0 ? eta : 1", '">" is no operator'),
    bad_formula("foreign sign", "eps × eta", '"×" is no operator'),
    bad_formula("infinite number", "eps*eta*1e999", "no number in decimal digits"),
    bad_formula("too long", "eps*eta" + 500 * "+1", "at most 1000 letters"),
    bad_formula("too deep", 60 * "(" + "eps*eta" + 60 * ")", "more than 50 brackets"),
    case("empty", FORMULA, '""', '""', '"formula"', "text"),
    case("a number", FORMULA, "[1]", "[1]", '"formula"', "text"),
]

CORRELATIONS = [
    case("unknown pull", PAIR, "of: [toy.background, twin.backgrund], coefficient: 0.5", "twin.backgrund", 'did you mean "twin.background"'),
    case("a shared pull", PAIR, "of: [beam, beam], coefficient: 0.5", "beam], coefficient", "listed twice", "one pull already"),
    case("one pull", PAIR, "of: [beam], coefficient: 0.5", "[beam]", '"of"', "at least two"),
    case("a pull that is taken out", "correlations:\n  - {" + PAIR, "without_pulls: [beam]\ncorrelations:\n  - {of: [beam, toy.background], coefficient: 0.5",
         "beam, toy", "taken out", "without_pulls"),
    case("no coefficient", PAIR, "of: [toy.background, twin.background]", "{of", '"coefficient" or "matrix"'),
    case("both", PAIR, PAIR + ", matrix: [[1, 0.5], [0.5, 1]]", "{of", 'either "coefficient" or "matrix"'),
    case("coefficient 1", PAIR, PAIR.replace("0.5", "1"), "1}", "between -1 and 1", "same name"),
    case("coefficient above", PAIR, PAIR.replace("0.5", "1.5"), "1.5}", '"coefficient"', "between"),
    case("coefficient is a word", PAIR, PAIR.replace("0.5", "half"), "half}", '"coefficient"', "number"),
    case("three too negative", PAIR, correlated("coefficient: -0.6"), "-0.6", "not positive definite", "lies above -0.5"),
    case("not positive definite", PAIR, correlated("matrix: [[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]"), "[[1",
         "not positive definite"),
    case("not together", PAIR, "of: [toy.background, twin.background], coefficient: 0.9}\n  - {of: [toy.background, beam], coefficient: 0.8}\n"
         "  - {of: [twin.background, beam], coefficient: -0.9", "0.8", "not positive definite", "those before it"),
    case("not symmetric", PAIR, correlated("matrix: [[1, 0.1, 0], [0.2, 1, 0], [0, 0, 1]]"), "0.2", "not symmetric",
         '0.2 for "twin.background" and "toy.background", but 0.1'),
    case("diagonal", PAIR, correlated("matrix: [[1, 0, 0], [0, 2, 0], [0, 0, 1]]"), "2, 0]", '"matrix"', "between"),
    case("diagonal below 1", PAIR, correlated("matrix: [[1, 0, 0], [0, 0.5, 0], [0, 0, 1]]"), "0.5", "diagonal is 1"),
    case("rows", PAIR, correlated("matrix: [[1, 0], [0, 1]]"), "[[1", "expected 3 rows"),
    case("columns", PAIR, correlated("matrix: [[1, 0, 0], [0, 1], [0, 0, 1]]"), "[0, 1], [0", "expected 3 numbers in row 2, found 2"),
    case("a pair twice", PAIR, PAIR + "}\n  - {" + PAIR, "0.5}\nstore", "given twice"),
    case("a mapping", SCAN[SCAN.index("correlations:"):SCAN.index("store_prof")], "correlations: {a: 1}\n", "{a: 1}", '"correlations"', "list"),
]


@pytest.mark.parametrize("old, new, at, says", ROLES + PULLS + NUMBERS + FOLLOWERS + FORMULAS + CORRELATIONS)
def test_bad_roles_are_refused(files, old, new, at, says):
    check_refused(files, "scan", SCAN, old, new, at, says)


def test_too_many_profiled_parameters(files):
    names = [f"x{k}" for k in range(17)]
    own = "".join(f"  - {{name: {name}, profile: [-1, 1]}}\n" for name in names)
    (files / "many.yaml").write_text("scan: many\nexperiments: [toy.yaml]\ninteraction: nsi\nparameters:\n"
                                     "  - {name: eps_ee_uV, min: 0, max: 1, points: 3}\n" + own +
                                     f'  - {{name: eps_mumu_uV, formula: "{"+".join(names)}"}}\n')
    assert 'more than 16 profiled parameters; scan or fix "x16"' in refused(files, "check", "many.yaml")


# --- remarks ----------------------------------------------------------------------------------------------------------
HEAD = "scan: test\nexperiments: [toy.yaml, twin.yaml]\ninteraction: INTERACTION\nparameters:\n"
RANGE = "min: 1, max: 2, points: 3"


def remarks(files, interaction, *entries):
    """What check says to stderr of a scan of these parameters."""
    (files / "remarks.yaml").write_text(HEAD.replace("INTERACTION", interaction) + "".join(f"  - {{name: {e}}}\n" for e in entries))
    return run("check", files / "remarks.yaml").stderr


def test_axes_act_through_what_follows_them(files):
    alone = remarks(files, "nsi", f"eps_tautau_uV, {RANGE}")
    assert '"eps_tautau_uV" changes nothing' in alone and "its axis says nothing" in alone
    assert remarks(files, "nsi", f"eps_tautau_uV, {RANGE}", "eps_ee_uV, equals: eps_tautau_uV") == ""
    assert remarks(files, "nsi", f"a, {RANGE}", 'eps_ee_uV, formula: "a^2"') == ""
    assert '"a" changes nothing' in remarks(files, "nsi", f"a, {RANGE}", "eps_tautau_uV, equals: a")
    assert remarks(files, "nsi", f"toy.signal, {RANGE}") == "" == remarks(files, "nsi", f"response.acceptance, {RANGE.replace('1, max: 2', '0.5, max: 1')}")


def test_what_is_profiled_in_vain_is_said(files):
    """A mass acts, but not beside a coupling that is 0."""
    mass = "mediator_mass_MeV, profile: [30, 31]"
    said = remarks(files, "scalar", mass, f"toy.signal, {RANGE}")
    assert '"mediator_mass_MeV" changes nothing' in said and "because coupling is 0; it is profiled in vain" in said
    assert remarks(files, "scalar", mass, "coupling, min: 1e-5, max: 1e-4, points: 3") == ""


def test_correlations_of_pulls_that_are_not_there_are_refused(files):
    """A pull of the sigma 0 is as if it were not written."""
    (files / "none.yaml").write_text(TOY.replace("toy", "none").replace("none.background, sigma: 0.05", "none.background, sigma: 0"))
    (files / "scan.yaml").write_text(SCAN.replace("twin", "none"))
    assert 'scan.yaml:16:27: unknown pull "none.background"' in refused(files, "check", "scan.yaml")


# --- studies ----------------------------------------------------------------------------------------------------------
STUDY = """\
study: test
interaction: nsi
sets: [[toy.yaml], [toy.yaml, twin.yaml]]
parameters:
  - {name: eps_mumu_uV, profile: [-1, 1]}
  - {name: twin.signal, profile: [-0.5, 0.5]}
planes:
  - [{name: eps_ee_uV, min: 0, max: 1, points: 3}, {name: eps_ee_dV, min: 0, max: 1, points: 3}]
  - [{name: eps_ee_uV, min: 0, max: 1, points: 3}, {name: eps_mumu_uV, min: 0, max: 1, points: 3}]
correlations:
  - {of: [toy.background, twin.background, beam], coefficient: 0.25}
"""

STUDIES = {
    "axis of all planes": ("parameters:\n", "parameters:\n  - {name: eps_etau_uV, min: 0, max: 1, points: 3}\n", "found 3"),
    "role that no plane has": ("parameters:\n", "parameters:\n  - {name: eps_ee_uV, value: 0.1}\n", "all planes and profiles scan it"),
    "bounds in a plane": ("{name: eps_ee_dV, min: 0, max: 1, points: 3}]", "{name: eps_ee_dV, min: 0, max: 1, points: 3}, "
                          "{name: toy.signal, profile: [-1, 1]}]", 'into the "parameters" of the study'),
    "axis that a set lacks": ("{name: eps_ee_dV, min: 0, max: 1, points: 3}]", "{name: twin.background, min: 0, max: 1, points: 3}]",
                              'no experiment of set "toy" has it'),
    "correlations that no set has": ("sets: [[toy.yaml], [toy.yaml, twin.yaml]]", "sets: [[toy.yaml], [twin.yaml]]", "these correlations change nothing"),
}


@pytest.mark.parametrize("name", STUDIES)
def test_bad_roles_in_studies(files, name):
    old, new, says = STUDIES[name]
    text = STUDY.replace(old, new)
    if name == "correlations that no set has":
        text = text.replace(", beam]", "]")
    (files / "study.yaml").write_text(text)
    message = refused(files, "check", "study.yaml")
    assert says in message and "study.yaml:" in message, message


def test_roles_in_studies(files):
    """What a plane scans is not profiled there; the scan of a set has the pulls that the set has."""
    (files / "study.yaml").write_text(STUDY)
    printed = run("check", files / "study.yaml").stdout
    assert "scanned here, in place of the study's role: eps_mumu_uV" in printed, printed
    alone = run("check", files / "study.yaml", "--map", "eps_ee_uV,eps_ee_dV/toy").stdout
    both = run("check", files / "study.yaml", "--map", "eps_ee_uV,eps_mumu_uV/toy+twin").stdout
    assert "twin" not in alone and '"beam"' in alone and '"profile"' in alone
    assert both.count('"profile"') == 1 and '"twin.signal"' in both
    for text in [alone, both]:
        (files / "map.yaml").write_text(text)
        run("check", files / "map.yaml")
