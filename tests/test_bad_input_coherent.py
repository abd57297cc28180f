# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad configurations of what came with COHERENT: isotopes, photoelectrons, arrival times, statistics, parameters in turn."""
import pytest

from e2e import refused, run, run_json
from bad_input import RUN, case, changed, check_refused, write

SCAN = """\
scan: test
experiments: [toy.yaml]
interaction: eft
parameters:
  - each_of: [lambda_C1_u_e, lambda_C1_d_e, lambda_C2_u_mu]
    scale: signed_log
    min: 100
    max: 1000
    points: 8
  - {name: C1_u_mu, min: -1e-6, max: 1e-6, points: 5}
  - {name: recoil_term, value: 1}
  - {name: lambda_C1_d_mu, value: 1000}
data: {observed: [toy]}
"""

TOY = """\
experiment: toy
source: {name: pion_decay_at_rest, protons_on_target: 3e23, neutrinos_per_proton: 0.08, distance_m: 19.3}
target:
  mass_kg: 14.6
  form_factor: responses
  nuclei:
    - {isotope: Cs133, per_unit: 1}
    - {name: Iod, protons: 53, mass_number: 127, mass_u: 126.9}
    - name: Xe
      per_unit: 0.01
      isotopes:
        - {isotope: Xe129, abundance: 0.25}
        - {isotope: Xe132, abundance: 0.75}
response:
  name: photoelectrons
  quenching: {name: polynomial, c1: 0.055, c2: 4.3, c3: -111.7, c4: 840}
  smearing: {name: gamma, light_yield_PE_per_keVee: 13.35, shape_per_keVee: 9.56}
  efficiency: {name: logistic, height: 1.3, slope: 0.28, midpoint: 11, offset: -0.3}
bins: {edges_PE: [0, 10, 20, 60]}
timing:
  edges_us: [0, 1, 6]
  beam: {name: gaussian_pulse, mean_us: 0.6, fwhm_us: 0.4, efficiency_flat_us: 0.5, efficiency_slope_per_us: 0.05}
backgrounds:
  - {name: steady, counts: [30, 20, 10]}
  - {name: brn, arrival: prompt, counts: [3, 2, 1]}
observed:
  counts: [60, 90, 45, 61, 91, 46]
  off_counts: [30, 20, 11, 31, 21, 12]
  off_scale: 0.9
  floor: 0
statistic: {name: gaussian, variance: on_plus_off}
pulls:
  - {name: toy.signal, sigma: 0.1, scales: [signal]}
"""


@pytest.fixture
def files(tmp_path):
    return write(tmp_path, scan=SCAN, toy=TOY)


def test_the_files_themselves_are_good(files):
    run("check", files / "scan.yaml")
    run("run", files / "scan.yaml", "-o", files / "map.h5", "-q")


# --- experiment files -------------------------------------------------------------------------------------------------
EDGES, STATISTIC = "edges_us: [0, 1, 6]", "{name: gaussian, variance: on_plus_off}"
OBSERVED = """\
observed:
  counts: [60, 90, 45, 61, 91, 46]
  off_counts: [30, 20, 11, 31, 21, 12]
  off_scale: 0.9
  floor: 0
"""

EXPERIMENT_CASES = [
    # nuclei
    case("negative mass number", "mass_number: 127", "mass_number: -127", "-127", '"mass_number"', "whole number"),
    case("mass number below the protons", "mass_number: 127", "mass_number: 52", "52", '"mass_number"', "53 protons"),
    case("half a mass number", "mass_number: 127", "mass_number: 127.5", "127.5", '"mass_number"', "whole number"),
    case("mass number and neutrons", "mass_number: 127", "mass_number: 127, neutrons: 74", "{name: Iod", '"neutrons"', '"mass_number"'),
    case("neither of them", "mass_number: 127, ", "", "{name: Iod", '"neutrons"', "missing"),
    case("nucleus without mass", ", mass_u: 126.9", "", "{name: Iod", '"mass_u"', "missing"),
    case("unknown isotope", "isotope: Cs133", "isotope: Cs134", "Cs134", '"Cs134"', 'did you mean "Cs133"'),
    case("isotope by another spelling", "isotope: Cs133", "isotope: Caesium", "Caesium", '"Caesium"', "Cs133"),
    case("isotope with protons", "isotope: Cs133", "isotope: Cs133, protons: 55", "{isotope: Cs133", '"Cs133"', "leave them out"),
    case("isotope with neutrons", "isotope: Cs133", "isotope: Cs133, neutrons: 0", "{isotope: Cs133", '"Cs133"', "leave them out"),
    case("isotope is a list", "isotope: Cs133", "isotope: [Cs133]", "[Cs133]", '"isotope"', "text"),
    *[case(f"{key} that is not used", "isotope: Cs133", f"isotope: Cs133, {key}: 4.8", f"{key}: 4.8", f'"{key}"', '"responses"', '"helm"')
      for key in ("rms_radius_fm", "rms_radius_p_fm", "rms_radius_n_fm")],
    case("negative radius", "isotope: Cs133", "isotope: Cs133, rms_radius_fm: -4.8", "-4.8", '"rms_radius_fm"'),
    case("no radius for Helm", "form_factor: responses", "form_factor: helm", "{isotope: Cs133", '"rms_radius_fm"', "missing"),
    case("abundances below one", "abundance: 0.75", "abundance: 0.7", "- {isotope: Xe129", '"isotopes"', "0.95", "1"),
    case("abundances above one", "abundance: 0.75", "abundance: 0.8", "- {isotope: Xe129", '"isotopes"', "1.05"),
    case("abundance above one", "abundance: 0.75", "abundance: 75", "75", '"abundance"', "between"),
    case("negative abundance", "abundance: 0.75", "abundance: -0.75", "-0.75", '"abundance"'),
    case("isotope without abundance", ", abundance: 0.75", "", "{isotope: Xe132", '"abundance"', "missing"),
    case("abundance of a nucleus", "{isotope: Cs133, per_unit: 1}", "{isotope: Cs133, abundance: 1}", "{isotope: Cs133", '"abundance"',
         "mixture"),
    case("per_unit of an isotope of a mixture", "abundance: 0.75", "abundance: 0.75, per_unit: 1", "{isotope: Xe132", '"per_unit"'),
    case("mixture with a mass", "      per_unit: 0.01", "      mass_u: 131", "mass_u", '"mass_u"', "mixture"),
    case("mixture with a radius", "      per_unit: 0.01", "      rms_radius_fm: 4.8", "rms_radius_fm", '"rms_radius_fm"', "mixture"),
    case("mixture with neutrons", "      per_unit: 0.01", "      neutrons: 77", "neutrons", '"neutrons"', "mixture"),
    case("mixture of nothing", "isotopes:\n        - {isotope: Xe129, abundance: 0.25}\n        - {isotope: Xe132, abundance: 0.75}",
         "isotopes: []", "[]", '"isotopes"', "list"),
    case("element that the responses do not know", "isotope: Cs133", "isotope: C12", "{isotope: C12", '"responses"', "6 protons"),
    case("nucleus that the responses do not know", "mass_number: 127", "mass_number: 128", "{name: Iod", '"responses"', "53 protons",
         "75 neutrons"),
    # source
    case("protons said twice", "protons_on_target: 3e23", "protons_on_target: 3e23, protons_per_year: 1e23", "{name: pion",
         '"protons_per_year"', '"protons_on_target"', "only one"),
    case("no protons", "protons_on_target: 3e23, ", "", "{name: pion", '"protons_per_year"', '"protons_on_target"', "missing"),
    case("negative protons", "protons_on_target: 3e23", "protons_on_target: -3e23", "-3e23", '"protons_on_target"'),
    case("time efficiency above one", "distance_m: 19.3", "distance_m: 19.3, time_efficiency_nu_e: 1.2", "1.2", '"time_efficiency_nu_e"'),
    # response
    case("efficiency above one", "{name: logistic, height: 1.3, slope: 0.28, midpoint: 11, offset: -0.3}",
         "{name: constant, acceptance: 1.1}", "1.1", '"acceptance"', "between 0 and 1"),
    case("efficiency below zero", "{name: logistic, height: 1.3, slope: 0.28, midpoint: 11, offset: -0.3}",
         "{name: constant, acceptance: -0.1}", "-0.1", '"acceptance"', "between 0 and 1"),
    case("efficiency that falls", "slope: 0.28", "slope: -0.28", "-0.28", '"slope"'),
    case("piece is missing", "  smearing: {name: gamma, light_yield_PE_per_keVee: 13.35, shape_per_keVee: 9.56}\n", "",
         "name: photoelectrons", '"smearing"', "missing"),
    case("unknown piece", "  smearing:", "  smaering:", "smaering", '"smaering"', 'did you mean "smearing"'),
    case("unknown smearing", "name: gamma", "name: gama", "gama", '"gama"', 'did you mean "gamma"'),
    case("unknown quenching", "name: polynomial", "name: polynomal", "polynomal", '"polynomal"', 'did you mean "polynomial"'),
    case("unknown efficiency", "name: logistic", "name: logstic", "logstic", '"logstic"', 'did you mean "logistic"'),
    case("smearing without its number", ", shape_per_keVee: 9.56", "", "{name: gamma", '"shape_per_keVee"', "missing"),
    case("unknown key of a piece", "light_yield_PE_per_keVee", "light_yield_PE_per_keV", "light_yield_PE_per_keV:",
         '"light_yield_PE_per_keV"', "did you mean"),
    case("piece of a response without pieces", "name: photoelectrons", "name: threshold", "quenching", '"quenching"'),
    case("quenching that falls", "c1: 0.055, c2: 4.3", "c1: -0.055, c2: 0", "{name: polynomial", "does not grow"),
    case("quenching that turns", "c3: -111.7, c4: 840", "c3: -111.7, c4: 0", "{name: polynomial", "does not grow"),
    case("no quenching", "{name: polynomial, c1: 0.055, c2: 4.3, c3: -111.7, c4: 840}", "{name: polynomial}", "{name: polynomial}",
         "does not grow"),
    # bins
    case("edges in another unit", "edges_PE", "edges_keV", "[0, 10", "PE", '"edges_PE"'),
    case("edges in both units", "{edges_PE:", "{edges_keV: [1, 2], edges_PE:", "[1, 2]", "PE", '"edges_PE"'),
    case("bins by resolution", "{edges_PE: [0, 10, 20, 60]}", "{resolution_widths: 2}", "{resolution", '"edges_PE"'),
    case("edges fall", "[0, 10, 20, 60]", "[0, 20, 10, 60]", "10, 60", '"edges_PE"', "overlap"),
    case("negative edge", "[0, 10, 20, 60]", "[-1, 10, 20, 60]", "-1", '"edges_PE"'),
    case("names beside edges", "timing:", "bin_names: [dim, bright, dazzling]\ntiming:", "[dim", '"bin_names"', '"photoelectrons"', "edges"),
    # timing
    case("windows overlap", EDGES, "edges_us: [0, 6, 1]", "1]", '"edges_us"', "overlap"),
    case("window of no length", EDGES, "edges_us: [0, 0, 6]", "0, 6", '"edges_us"', "overlap"),
    case("one edge of time", EDGES, "edges_us: [0]", "[0]", '"edges_us"', "two"),
    case("edges of time are missing", "  " + EDGES + "\n", "", "beam", '"edges_us"', "missing"),
    case("convention for shares", EDGES, EDGES + "\n  shares_of: window", "window", "did you mean", '"windows"'),
    case("windows before the pulse", EDGES, "edges_us: [-90, -80, -70]", "[-90", '"edges_us"', "prompt"),
    case("unknown beam", "gaussian_pulse", "gausian_pulse", "gausian_pulse", 'did you mean "gaussian_pulse"'),
    case("pulse of no length", "fwhm_us: 0.4", "fwhm_us: 0", "0, efficiency", '"fwhm_us"'),
    case("unknown arrival", "arrival: prompt", "arrival: promt", "promt", '"promt"', 'did you mean "prompt"'),
    case("arrival without timing", "timing:\n  edges_us: [0, 1, 6]\n  beam: {name: gaussian_pulse, mean_us: 0.6, fwhm_us: 0.4, "
         "efficiency_flat_us: 0.5, efficiency_slope_per_us: 0.05}\n", "", "prompt", '"arrival"', '"timing"'),
    case("arrival of what is said for every window", "arrival: prompt, counts: [3, 2, 1]", "arrival: prompt, counts: [3, 2, 1, 3, 2, 1]",
         "prompt", '"arrival"', "every window"),
    # data
    case("too few counts", "[60, 90, 45, 61, 91, 46]", "[60, 90, 45]", "[60, 90, 45]", '"counts"', "6", "3"),
    case("too few off counts", "[30, 20, 11, 31, 21, 12]", "[30, 20, 11]", "[30, 20, 11]", '"off_counts"', "6", "3"),
    case("negative counts", "[60, 90, 45, 61, 91, 46]", "[60, 90, 45, -61, 91, 46]", "-61", '"counts"'),
    case("negative off counts", "[30, 20, 11, 31, 21, 12]", "[30, 20, 11, -31, 21, 12]", "-31", '"off_counts"'),
    case("background for other bins", "counts: [30, 20, 10]", "counts: [30, 20, 10, 5]", "[30, 20, 10, 5]", '"steady"', "4"),
    case("a rate per keV of photoelectrons", "{name: steady, counts: [30, 20, 10]}", "{name: steady, rate_per_keV_kg_day: 1, live_days: 1}",
         "{name: steady", '"steady"', "PE", '"counts"'),
    case("observed without counts", "  counts: [60, 90, 45, 61, 91, 46]\n", "", "off_counts", '"counts"', "missing"),
    case("scale of nothing", "  off_counts: [30, 20, 11, 31, 21, 12]\n", "", "0.9", '"off_scale"', '"off_counts"'),
    case("unknown key of observed", "off_scale", "of_scale", "of_scale", 'did you mean "off_scale"'),
    # statistic
    case("unknown statistic", "name: gaussian, variance", "name: gausian, variance", "gausian, variance", '"gausian"',
         'did you mean "gaussian"'),
    case("difference of counts as Poisson counts", STATISTIC, "poisson", "[30, 20, 11", '"off_counts"', "Poisson"),
    case("the same by default", "statistic: " + STATISTIC + "\n", "", "[30, 20, 11", '"off_counts"', "Poisson"),
    case("variance of Poisson counts", STATISTIC, "{name: poisson, variance: on_plus_off}", "on_plus_off", '"variance"', "Poisson"),
    case("no variance", STATISTIC, "{name: gaussian}", "{name: gaussian}", '"variance"', "missing"),
    case("no variance in short", STATISTIC, "gaussian # in short", "gaussian # in", '"variance"', "missing"),
    case("unknown rule for the variance", "on_plus_off", "on_plus_of", "on_plus_of", '"on_plus_of"', 'did you mean "on_plus_off"'),
    case("too few variances", "variance: on_plus_off", "variance: [1, 2, 3]", "[1, 2, 3]", '"variance"', "6", "3"),
    case("a variance of zero", "variance: on_plus_off", "variance: [1, 2, 0, 4, 5, 6]", "[1, 2, 0", '"variance"', "bin 3"),
    case("a negative variance", "variance: on_plus_off", "variance: [1, 2, -3, 4, 5, 6]", "-3", '"variance"'),
    case("a rule that gives zero", "[60, 90, 45, 61, 91, 46]\n  off_counts: [30, 20, 11, 31, 21, 12]",
         "[60, 0, 45, 61, 91, 46]\n  off_counts: [30, 0, 11, 31, 21, 12]", "on_plus_off", '"variance"', "bin 2"),
    case("a rule without data", OBSERVED, "", "on_plus_off", '"variance"', '"observed"'),
]


@pytest.mark.parametrize("old, new, at, says", EXPERIMENT_CASES)
def test_experiment_file(files, old, new, at, says):
    check_refused(files, "toy", TOY, old, new, at, says)


# --- scan files -------------------------------------------------------------------------------------------------------
LIST, RANGE = "[lambda_C1_u_e, lambda_C1_d_e, lambda_C2_u_mu]", "    scale: signed_log\n    min: 100\n    max: 1000\n    points: 8\n"
SCAN_CASES = [
    case("a slow parameter scanned", "{name: recoil_term, value: 1}", "{name: recoil_term, min: 0, max: 1, points: 2}", "{name: recoil_term",
         '"recoil_term"', "cannot be scanned"),
    case("half a recoil term", "{name: recoil_term, value: 1}", "{name: recoil_term, value: 0.5}", "0.5", '"recoil_term"', "whole number"),
    case("truth with half a recoil term", "data: {observed: [toy]}", "data: {asimov: {recoil_term: 0.5}}", "0.5", '"recoil_term"',
         "whole number"),
    case("lambda of zero", "{name: lambda_C1_d_mu, value: 1000}", "{name: lambda_C1_d_mu, value: 0}", "0}", '"lambda_C1_d_mu"',
         "other than zero"),
    case("lambda of zero in the truth", "data: {observed: [toy]}", "data: {asimov: {lambda_C1_u_e: 0}}", "0}", '"lambda_C1_u_e"',
         "other than zero"),
    case("lambda through zero", "{name: lambda_C1_d_mu, value: 1000}", "{name: lambda_C1_d_mu, min: -10, max: 10, points: 3}",
         "{name: lambda_C1_d_mu", '"lambda_C1_d_mu"', "other than zero"),
    case("zero among values of lambda", "{name: lambda_C1_d_mu, value: 1000}", "{name: lambda_C1_d_mu, values: [-10, 0, 10]}", "0, 10",
         '"lambda_C1_d_mu"', "other than zero"),
    case("kappa above one", "{name: recoil_term, value: 1}", "{name: kappa, value: 2}", "2}", '"value"', "between 0 and 1"),
    case("different units", LIST, "[lambda_C1_u_e, C1_d_e]", "C1_d_e]", '"each_of"', '"lambda_C1_u_e"', '"C1_d_e"', "units"),
    case("different ranges", LIST, "[sin2_theta_w, kappa]", "kappa]", '"each_of"', "ranges"),
    case("a member twice", LIST, "[lambda_C1_u_e, lambda_C1_d_e, lambda_C1_u_e]", "lambda_C1_u_e]", '"lambda_C1_u_e"', "twice"),
    case("one member", LIST, "[lambda_C1_u_e]", "[lambda_C1_u_e]", '"each_of"', "2 to 64"),
    case("no member", LIST, "[]", "[]", '"each_of"', "2 to 64"),
    case("65 members", LIST, "[" + ", ".join(["lambda_C1_u_e"] * 65) + "]", "[", '"each_of"', "2 to 64"),
    case("members are a text", LIST, "lambda_C1_u_e", "lambda_C1_u_e", '"each_of"', "list"),
    case("an unknown member", LIST, "[lambda_C1_u_e, lambda_C1_de]", "lambda_C1_de", '"lambda_C1_de"', 'did you mean "lambda_C1_d_e"'),
    case("a slow member", LIST, "[sin2_theta_w, recoil_term]", "recoil_term]", '"recoil_term"', "cannot be scanned"),
    case("a member that is also fixed", "{name: lambda_C1_d_mu, value: 1000}", "{name: lambda_C1_d_e, value: 1000}", "lambda_C1_d_e, value",
         '"lambda_C1_d_e"', "twice"),
    case("each_of and name", "  - each_of: " + LIST, "  - name: C1_d_e\n    each_of: " + LIST, "name: C1_d_e", '"each_of"', '"name"'),
    case("each_of and value", "    points: 8\n", "    points: 8\n    value: 3\n", "each_of", '"each_of"', '"value"'),
    case("each_of without a range", RANGE, "    scale: signed_log\n", "each_of", '"points"'),
    case("each_of is not first", "parameters:\n", "parameters:\n  - {name: C1_d_mu, min: -1e-6, max: 1e-6, points: 5}\n", "each_of:",
         '"each_of"', "before"),
    case("each_of again", "{name: C1_u_mu, min: -1e-6, max: 1e-6, points: 5}",
         "{each_of: [C1_u_mu, C1_d_mu], min: -1e-6, max: 1e-6, points: 5}", "{each_of", '"each_of"', "before"),
    case("an odd number of points", "points: 8", "points: 9", "each_of", "signed_log", "even"),
    case("two points of both signs", "points: 8", "points: 2", "each_of", "signed_log", "4 or more"),
    case("signed_log from zero", "min: 100", "min: 0", "each_of", "above 0"),
    case("signed_log from below zero", "min: 100", "min: -100", "-100", '"min"', "between 0"),
    case("a scale that cannot be chosen", "scale: signed_log", "scale: names", "names", '"names"', "signed_log"),
    case("data of an unknown experiment", "[toy]", "[tyo]", "tyo", '"tyo"', 'did you mean "toy"'),
    case("data of a text", "{observed: [toy]}", "{observed: toy}", "toy}", '"data"', "[EXPERIMENT, ...]"),
    case("unknown data", "{observed: [toy]}", "{obseved: [toy]}", "obseved", '"obseved"', 'did you mean "observed"'),
    case("tile for the wrong axes", "data: {observed: [toy]}", "tile: [4, 4]", "[4, 4]", '"tile"', "3"),
]


@pytest.mark.parametrize("old, new, at, says", SCAN_CASES)
def test_scan_file(files, old, new, at, says):
    message = check_refused(files, "scan", SCAN, old, new, at, says)
    assert refused(files, "check", "scan.yaml") == message


def test_signed_log_within_a_range_that_is_not_symmetric(files):
    """-max must be a value of the parameter, too."""
    (files / "scan.yaml").write_text(changed(SCAN, "each_of: " + LIST, "name: sin2_theta_w").replace("min: 100", "min: 0.1")
                                     .replace("max: 1000", "max: 1.5"))
    message = refused(files, *RUN)
    assert '"max"' in message and "between 0 and 1," in message


def test_more_than_four_axes(files):
    """each_of counts for two."""
    more = "".join(f"  - {{name: {name}, min: 0, max: 1e-6, points: 3}}\n" for name in ("C1_d_mu", "C2_u_e"))
    (files / "scan.yaml").write_text(changed(SCAN, "  - {name: recoil_term, value: 1}\n", more))
    assert "more than 4" in refused(files, *RUN)


def test_observed_experiment_without_data(files):
    text = changed(changed(TOY, OBSERVED, ""), "variance: on_plus_off", "variance: [1, 2, 3, 4, 5, 6]")
    (files / "toy.yaml").write_text(text)
    message = refused(files, *RUN)
    assert " scan.yaml:" in message and '"toy"' in message and '"observed"' in message


@pytest.mark.parametrize("setting, says", [("recoil_term=0.5", "whole number"), ("lambda_C1_u_e=0", "other than zero"),
                                           ("lambda_C1_u_e=1e10", "between"), ("kappa=1.5", "between"), ("lamda_C1_u_e=3", "did you mean")])
def test_settings(files, setting, says):
    message = refused(files, "point", "--experiments", "ess_csi", "--interaction", "eft", "--set", setting)
    assert "--set" in message and says in message


@pytest.mark.parametrize("old, new", [("recoil_term, value: 1", "recoil_term, value: 0.5"), ("[toy]", "[tyo]")])
def test_one_message_for_all_ranks(files, old, new):
    (files / "scan.yaml").write_text(changed(SCAN, old, new))
    assert refused(files, *RUN, ranks=3) == refused(files, *RUN)


def test_efficiency_is_clipped(files):
    """A logistic curve may run above one: no more is kept than there is."""
    totals = {}
    for name, height in [("some", "1.3"), ("full", "2"), ("fuller", "10")]:
        text = changed(TOY, "height: 1.3", f"height: {height}").replace("experiment: toy", f"experiment: {name}").replace("toy.", f"{name}.")
        (files / f"{name}.yaml").write_text(text)
        totals[name] = run_json("rates", "--experiments", f"./{name}.yaml", "--json", cwd=files)[name]["signal_total"]
    text = changed(TOY, "{name: logistic, height: 1.3, slope: 0.28, midpoint: 11, offset: -0.3}", "constant")
    (files / "all.yaml").write_text(text)
    everything = run_json("rates", "--experiments", "./all.yaml", "--json", cwd=files)["toy"]["signal_total"]
    assert totals["some"] < totals["full"] < totals["fuller"] < everything


@pytest.mark.parametrize("ranks", [None, 2])
def test_observed_experiment_called_like_a_number(files, ranks):
    """YAML's plain 2024 is a name where names are wanted, on every rank and in the map."""
    (files / "toy.yaml").write_text(changed(TOY, "experiment: toy", "experiment: 2024"))
    (files / "scan.yaml").write_text(changed(SCAN, "[toy]", "[2024]"))
    run("run", "scan.yaml", "-o", "map.h5", ranks=ranks, cwd=files)
    run("verify", "--all", "map.h5", cwd=files)
