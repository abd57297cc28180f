# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad configurations stop before anything is created: exit code 2, and one message with file, line, column and key."""
import pytest

from bad_input import RUN, case, changed, check_refused, write
from e2e import refused, run

SCAN = """\
scan: test
title: a test
experiments: [toy.yaml]
interaction: nsi
parameters:
  - {name: eps_ee_uV, min: -0.2, max: 0.6, points: 11}
  - {name: eps_mumu_uV, min: -0.2, max: 0.6, points: 11}
  - {name: eps_etau_uV, value: 0.05}
data: asimov
store_pulls: true
tile: [4, 4]
"""

TOY = """\
experiment: toy
title: a toy
source: {name: pion_decay_at_rest, protons_per_year: 2.8e23, years: 3, neutrinos_per_proton: 0.3, distance_m: 20}
target:
  mass_kg: 10
  form_factor: {name: helm, skin_thickness_fm: 0.9}
  nuclei:
    - {name: Ar, protons: 18, neutrons: 22, mass_u: 39.95, rms_radius_fm: 3.43, per_unit: 1}
response: {name: gaussian, threshold_keV: 1, sigma_at_threshold_keV: 0.3, acceptance: 0.8}
bins: {edges_keV: [1, 5, 20, 100]}
backgrounds:
  - {name: steady, rate_per_keV_kg_day: 0.1, live_days: 624, duty_factor: 0.04}
  - {name: flat, counts: [3, 2, 1]}
pulls:
  - {name: toy.signal, sigma: 0.1, scales: [signal]}
  - {name: toy.background, sigma: 0.05, scales: [steady, flat]}
observed: [60, 90, 45]
"""


@pytest.fixture
def files(tmp_path):
    return write(tmp_path, scan=SCAN, toy=TOY)


def test_the_files_themselves_are_good(files):
    run("check", files / "scan.yaml")
    run("run", files / "scan.yaml", "-o", files / "map.h5", "-q")
    (files / "scan.yaml").write_text(changed(SCAN, "data: asimov", "data: observed"))
    run("check", files / "scan.yaml")


# --- scan files -------------------------------------------------------------------------------------------------------
EE = "min: -0.2, max: 0.6, points: 11}\n  - {name: eps_mumu_uV"


def ee(text):
    return text + "}\n  - {name: eps_mumu_uV"


SCAN_CASES = [
    case("unknown key", "title:", "titel:", "titel", '"titel"', 'did you mean "title"'),
    case("unknown key far from all", "title:", "zzzzzzzz:", "zzzzzzzz", '"zzzzzzzz"', "store_pulls"),
    case("unknown key of a parameter", EE, ee("min: -0.2, max: 0.6, point: 11"), "point:", '"point"', 'did you mean "points"'),
    case("unknown parameter", "eps_ee_uV", "eps_eee_uV", "eps_eee_uV", '"eps_eee_uV"', 'did you mean "eps_ee_uV"'),
    case("unknown fixed parameter", "eps_etau_uV", "eps_tae_uV", "eps_tae_uV", '"eps_tae_uV"', "did you mean"),
    case("unknown experiment", "[toy.yaml]", "[ess_cis]", "ess_cis", '"ess_cis"', 'did you mean "ess_csi"'),
    case("missing experiment file", "[toy.yaml]", "[nowhere.yaml]", "nowhere.yaml", '"nowhere.yaml"'),
    case("unknown interaction", ": nsi", ": nis", "nis", '"nis"', 'did you mean "nsi"'),
    case("unknown kind of data", "data: asimov", "data: assimov", "assimov", '"assimov"', 'did you mean "asimov"'),
    case("unknown parameter of the truth", "data: asimov", "data: {asimov: {eps_ee_u: 0.1}}", "eps_ee_u:", '"eps_ee_u"',
         'did you mean "eps_ee_uV"'),
    case("truth is no number", "data: asimov", "data: {asimov: {eps_ee_uV: big}}", "big", '"eps_ee_uV"', "number"),
    case("truth is infinite", "data: asimov", "data: {asimov: {eps_ee_uV: inf}}", "inf", '"eps_ee_uV"', "finite"),
    case("observed data of a mapping", "data: asimov", "data: {asimov: {}, observed: {}}", "{}}", '"data"', "observed"),
    case("unknown scale", EE, ee("min: 0.1, max: 0.6, points: 11, scale: lgo"), "lgo", '"lgo"', 'did you mean "log"'),
    case("key is missing", "interaction: nsi\n", "", "scan", '"interaction"'),
    case("experiments are missing", "experiments: [toy.yaml]\n", "", "scan", '"experiments"'),
    case("experiments are a text", "[toy.yaml]", "toy.yaml", "toy.yaml", '"experiments"', "list"),
    case("no experiments", "[toy.yaml]", "[]", "[]", '"experiments"'),
    case("an experiment twice", "[toy.yaml]", "[toy.yaml, toy.yaml]", "toy.yaml]", '"toy"', "twice"),
    case("a list as experiment", "[toy.yaml]", "[[toy.yaml]]", "[toy.yaml]]", "experiment"),
    case("interaction is a list", ": nsi", ": [nsi]", "[nsi]", "interaction"),
    case("scan is a mapping", "scan: test", "scan: {a: 1}", "{a: 1}", '"scan"', "text"),
    case("min is a word", EE, ee("min: low, max: 0.6, points: 11"), "low", '"min"', "number"),
    case("min is quoted", EE, ee('min: "-0.2", max: 0.6, points: 11'), '"-0.2"', '"min"', "number"),
    case("min is a list", EE, ee("min: [1], max: 0.6, points: 11"), "[1]", '"min"', "number"),
    case("min is empty", EE, ee("min: , max: 0.6, points: 11"), ", max: 0.6", '"min"', "number"),
    case("min is NaN", EE, ee("min: nan, max: 0.6, points: 11"), "nan", '"min"', "finite"),
    case("max is YAML's NaN", EE, ee("min: 0, max: .nan, points: 11"), ".nan", '"max"', "number"),
    case("max is infinite", EE, ee("min: 0, max: inf, points: 11"), "inf", '"max"', "finite"),
    case("max overflows", EE, ee("min: 0, max: 1e999, points: 11"), "1e999", '"max"', "finite"),
    case("min is max", EE, ee("min: 0.6, max: 0.6, points: 11"), "0.6, max", "min", "max"),
    case("min above max", EE, ee("min: 0.7, max: 0.6, points: 11"), "0.7", "min", "max"),
    case("out of range", EE, ee("min: -2000, max: 0.6, points: 11"), "-2000", '"min"', "between"),
    case("one point", EE, ee("min: 0, max: 0.6, points: 1"), "1}", '"points"', "2"),
    case("no points", EE, ee("min: 0, max: 0.6, points: 0"), "0}", '"points"'),
    case("fewer than no points", EE, ee("min: 0, max: 0.6, points: -5"), "-5", '"points"', "whole number"),
    case("half a point", EE, ee("min: 0, max: 0.6, points: 10.5"), "10.5", '"points"', "whole number"),
    case("points is a word", EE, ee("min: 0, max: 0.6, points: many"), "many", '"points"', "whole number"),
    case("far too many points", EE, ee("min: 0, max: 0.6, points: 1e30"), "1e30", '"points"'),
    case("more points than an axis takes", EE, ee("min: 0, max: 0.6, points: 16777217"), "16777217", '"points"', "16777216"),
    case("more points than memory", EE, ee("min: 0, max: 0.6, points: 16777216}\n  - {name: eps_tautau_uV, min: 0, max: 1, points: 16777216"),
         "11}", '"points"', "2^48"),
    case("points are missing", EE, ee("min: 0, max: 0.6"), "{name: eps_ee", '"points"'),
    case("value and range", EE, ee("value: 1, min: 0, max: 0.6, points: 3"), "{name: eps_ee", '"value"'),
    case("value is NaN", "value: 0.05", "value: nan", "nan", '"value"', "finite"),
    case("value is a list", "value: 0.05", "value: [0.05]", "[0.05]", '"value"', "number"),
    case("one of values", EE, ee("values: [0.1]"), "[0.1]", "two values"),
    case("values fall", EE, ee("values: [0.1, 0.3, 0.2]"), "0.2]", "values"),
    case("values repeat", EE, ee("values: [0.1, 0.1]"), "0.1]", "values"),
    case("values hold NaN", EE, ee("values: [0.1, nan]"), "nan", '"values"', "finite"),
    case("logarithm of zero", EE, ee("min: 0, max: 0.6, points: 11, scale: log"), "{name: eps_ee", "eps_ee_uV", "above 0"),
    case("symlog without threshold", EE, ee("min: -1, max: 1, points: 11, scale: symlog"), "{name: eps_ee", "linear_threshold"),
    case("negative linear threshold", EE, ee("min: -1, max: 1, points: 11, scale: symlog, linear_threshold: -1"), "-1}",
         '"linear_threshold"'),
    case("a parameter twice", "eps_mumu_uV", "eps_ee_uV", "eps_ee_uV, min: -0.2, max: 0.6, points: 11}\n  - {name: eps_etau", "twice"),
    case("parameter without name", "{name: eps_etau_uV, value", "{value", "{value", '"name"'),
    case("parameter is a text", "{name: eps_etau_uV, value: 0.05}", "eps_etau_uV", "eps_etau_uV", "mapping"),
    case("parameters are a mapping", "  - {name: eps_etau_uV, value: 0.05}\n", "  - 5\n", "5\n", "mapping"),
    case("five axes", "  - {name: eps_etau_uV, value: 0.05}\n",
         "".join(f"  - {{name: eps_{n}V, min: 0, max: 1, points: 3}}\n" for n in ("ee_d", "mumu_d", "emu_d")), "{name: eps_emu_dV", "4"),
    case("tile for another number of axes", "tile: [4, 4]", "tile: [4]", "[4]", '"tile"', "2"),
    case("tile of nothing", "tile: [4, 4]", "tile: [4, 0]", "0]", '"tile"'),
    case("tile is a number", "tile: [4, 4]", "tile: 4", "4\n", '"tile"', "list"),
    case("flag is a number", "store_pulls: true", "store_pulls: 1", "1\n", '"store_pulls"', "true or false"),
    case("a key twice", "title: a test", "scan: again", "scan: again", '"scan"', "twice"),
    case("a key that is a list", "title: a test", "[a, b]: c", "[a, b]", "key"),
    case("tab as indentation", "  - {name: eps_etau", "\t- {name: eps_etau", "\t-", "YAML"),
    case("unclosed list", "[toy.yaml]", "[toy.yaml", "interaction", "YAML"),
    case("unknown alias", "[toy.yaml]", "[*toy]", "*toy", "YAML"),
]


@pytest.mark.parametrize("old, new, at, says", SCAN_CASES)
def test_scan_file(files, old, new, at, says):
    message = check_refused(files, "scan", SCAN, old, new, at, says)
    assert refused(files, "check", "scan.yaml") == message


# --- experiment files -------------------------------------------------------------------------------------------------
EXPERIMENT_CASES = [
    case("unknown key", "title:", "titel:", "titel", '"titel"', 'did you mean "title"'),
    case("unknown key of the source", "distance_m", "distance", "distance:", '"distance"', 'did you mean "distance_m"'),
    case("unknown key of the target", "mass_kg", "mass_g", "mass_g", '"mass_g"', 'did you mean "mass_kg"'),
    case("unknown key of a nucleus", "mass_u", "mas_u", "mas_u", '"mas_u"', 'did you mean "mass_u"'),
    case("unknown key of the form factor", "skin_thickness_fm", "skin_thicknes_fm", "skin_thicknes_fm",
         'did you mean "skin_thickness_fm"'),
    case("unknown key of the response", "acceptance", "acceptence", "acceptence", 'did you mean "acceptance"'),
    case("unknown key of the bins", "edges_keV", "edges_kev", "edges_kev", '"edges_kev"', 'did you mean "edges_keV"'),
    case("unknown key of a background", "live_days", "life_days", "life_days", 'did you mean "live_days"'),
    case("unknown key of a pull", "sigma: 0.05", "sigm: 0.05", "sigm:", 'did you mean "sigma"'),
    case("unknown source", "pion_decay_at_rest", "pion_decay_at_work", "pion_decay_at_work", 'did you mean "pion_decay_at_rest"'),
    case("unknown form factor", "name: helm", "name: hlem", "hlem", '"hlem"', 'did you mean "helm"'),
    case("unknown response", "name: gaussian", "name: gausian", "gausian", '"gausian"', 'did you mean "gaussian"'),
    case("source is a list", "source: {name: pion_decay_at_rest, protons_per_year: 2.8e23, years: 3, neutrinos_per_proton: 0.3, "
         "distance_m: 20}", "source: [1]", "[1]", "source"),
    case("response without name", "{name: gaussian, threshold", "{threshold", "{threshold", '"name"'),
    case("source is missing", "title: a toy\nsource", "citation", "experiment", '"source"'),
    case("required number is missing", "distance_m: 20", "citation: x", "{name: pion", '"distance_m"'),
    case("negative mass", "mass_kg: 10", "mass_kg: -10", "-10", '"mass_kg"', "between"),
    case("mass of zero", "mass_kg: 10", "mass_kg: 0", "0\n", '"mass_kg"', "between"),
    case("mass is NaN", "mass_kg: 10", "mass_kg: nan", "nan", '"mass_kg"', "finite"),
    case("mass is a word", "mass_kg: 10", "mass_kg: ten", "ten", '"mass_kg"', "number"),
    case("mass with a unit", "mass_kg: 10", "mass_kg: 10 kg", "10 kg", '"mass_kg"', "number"),
    case("negative mass of a nucleus", "mass_u: 39.95", "mass_u: -39.95", "-39.95", '"mass_u"'),
    case("half a proton", "protons: 18", "protons: 17.5", "17.5", '"protons"', "whole number"),
    case("negative neutrons", "neutrons: 22", "neutrons: -1", "-1", '"neutrons"', "whole number"),
    case("one radius of two", "rms_radius_fm: 3.43", "rms_radius_p_fm: 3.43", "{name: Ar", '"rms_radius_n_fm"'),
    case("three radii", "rms_radius_fm: 3.43", "rms_radius_fm: 3.43, rms_radius_p_fm: 3.43, rms_radius_n_fm: 3.5", "{name: Ar",
         '"rms_radius_fm"'),
    case("no nuclei", "nuclei:\n    - {name: Ar, protons: 18, neutrons: 22, mass_u: 39.95, rms_radius_fm: 3.43, per_unit: 1}",
         "nuclei: []", "[]", '"nuclei"'),
    case("very many nuclei", "nuclei:\n    - {name: Ar, protons: 18, neutrons: 22, mass_u: 39.95, rms_radius_fm: 3.43, per_unit: 1}",
         "nuclei: [" + "{name: Ar}, " * 257 + "]", "[{name", '"nuclei"', "64"),
    case("very many edges", "[1, 5, 20, 100]", "[" + ", ".join(map(str, range(1, 200_000))) + "]", "[1, 2", '"edges_keV"', "100000 bins"),
    case("bins narrower than numbers", "sigma_at_threshold_keV: 0.3, acceptance: 0.8}\nbins: {edges_keV: [1, 5, 20, 100]}",
         "sigma_at_threshold_keV: 1e-9}\nbins: {resolution_widths: 0.01}", "{resolution", "do not reach"),
    case("very many pulls", "pulls:\n  - {name: toy.signal, sigma: 0.1, scales: [signal]}\n  - {name: toy.background, sigma: 0.05, "
         "scales: [steady, flat]}", "pulls: [" + "{}, " * 65 + "]", "[{}", "pulls", "64"),
    case("negative distance", "distance_m: 20", "distance_m: -20", "-20", '"distance_m"'),
    case("zero distance", "distance_m: 20", "distance_m: 0", "0}", '"distance_m"'),
    case("negative flux", "protons_per_year: 2.8e23", "protons_per_year: -1", "-1", '"protons_per_year"'),
    case("acceptance above one", "acceptance: 0.8", "acceptance: 1.8", "1.8", '"acceptance"'),
    case("threshold of zero", "threshold_keV: 1", "threshold_keV: 0", "0, sigma", '"threshold_keV"'),
    case("bins overlap", "[1, 5, 20, 100]", "[1, 20, 5, 100]", "5, 100", '"edges_keV"', "overlap"),
    case("bin of no width", "[1, 5, 20, 100]", "[1, 5, 5, 100]", "5, 100", '"edges_keV"'),
    case("one edge", "[1, 5, 20, 100]", "[1]", "[1]", '"edges_keV"', "two"),
    case("negative edge", "[1, 5, 20, 100]", "[-1, 5, 20, 100]", "-1", '"edges_keV"'),
    case("bins said twice", "{edges_keV:", "{resolution_widths: 2, edges_keV:", "{resolution_widths", "resolution_widths"),
    case("bins are missing", "bins: {edges_keV: [1, 5, 20, 100]}\n", "", "experiment", '"bins"'),
    case("a rate without live days", ", live_days: 624, duty_factor: 0.04", "", "{name: steady", '"live_days"'),
    case("two rates", "live_days: 624", "live_days: 624, rate_per_kg_day: 1", "{name: steady", "exactly one"),
    case("no rate", "rate_per_keV_kg_day: 0.1, ", "", "{name: steady", "exactly one"),
    case("rate per keVee without quenching", "rate_per_keV_kg_day", "rate_per_keVee_kg_day", "{name: steady", '"quenching_factor"'),
    case("rate without energy", "rate_per_keV_kg_day", "rate_per_kg_day", "{name: steady", '"steady"'),
    case("negative rate", "rate_per_keV_kg_day: 0.1", "rate_per_keV_kg_day: -0.1", "-0.1", '"rate_per_keV_kg_day"'),
    case("duty above one", "duty_factor: 0.04", "duty_factor: 4", "4}", '"duty_factor"'),
    case("too few counts", "counts: [3, 2, 1]", "counts: [3, 2]", "[3, 2]", '"flat"', "3"),
    case("negative counts", "counts: [3, 2, 1]", "counts: [3, -2, 1]", "-2", '"counts"'),
    case("two backgrounds of one name", "name: flat", "name: steady", "steady, counts", '"steady"'),
    case("background called signal", "name: flat", "name: signal", "signal, counts", '"signal"'),
    case("backgrounds are a mapping", "  - {name: steady, rate_per_keV_kg_day: 0.1, live_days: 624, duty_factor: 0.04}\n"
         "  - {name: flat, counts: [3, 2, 1]}", "  {a: 1}", "{a: 1}", '"backgrounds"', "list"),
    case("unknown component", "[steady, flat]", "[steady, falt]", "falt", '"falt"', 'did you mean "flat"'),
    case("component twice", "[steady, flat]", "[steady, steady]", "steady]", '"steady"', "twice"),
    case("no components", "[steady, flat]", "[]", "[]", '"scales"'),
    case("component is a list", "[steady, flat]", "[[steady]]", "[steady]]", "component"),
    case("sigma of nearly nothing", "sigma: 0.05", "sigma: 1e-10", "1e-10, scales", '"sigma"', "0 for no pull at all"),
    case("negative sigma", "sigma: 0.05", "sigma: -0.05", "-0.05", '"sigma"'),
    case("a pull twice", "toy.background", "toy.signal", "{name: toy.signal, sigma: 0.05", '"toy.signal"', "twice"),
    case("slash in a pull's name", "toy.background", "toy/background", "{name: toy/background", "slash"),
    case("too few observed", "[60, 90, 45]", "[60, 90]", "[60, 90]", '"observed"', "3"),
    case("observed is a number", "[60, 90, 45]", "60", "60", '"observed"', "list"),
    case("negative observed", "[60, 90, 45]", "[60, -90, 45]", "-90", '"observed"'),
    case("observed NaN", "[60, 90, 45]", "[60, nan, 45]", "nan", '"observed"', "finite"),
    case("comma in the name", "experiment: toy", 'experiment: "a,b"', '"a,b"', "comma"),
    case("name is empty", "experiment: toy", 'experiment: ""', '""', '"experiment"', "text"),
]


@pytest.mark.parametrize("old, new, at, says", EXPERIMENT_CASES)
def test_experiment_file(files, old, new, at, says):
    check_refused(files, "toy", TOY, old, new, at, says)


# --- under mpirun -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("old, new", [("eps_ee_uV", "eps_eee_uV"), ("[toy.yaml]", "[ess_cis]"), ("points: 11}\n  - {name: eps_m",
                                      "points: 1}\n  - {name: eps_m"), ("[toy.yaml]", "[toy.yaml")],
                         ids=["parameter", "experiment", "one point", "YAML"])
def test_one_message_for_all_ranks(files, old, new):
    (files / "scan.yaml").write_text(changed(SCAN, old, new))
    assert refused(files, *RUN, ranks=3) == refused(files, *RUN)
