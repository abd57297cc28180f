# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad configurations of what came with solar neutrinos: the source, tables of responses, mediators, slow axes, scans without some pulls."""
import pytest

from e2e import refused, run
from bad_input import RUN, case, changed, check_refused, write

SCAN = """\
scan: test
experiments: [toy.yaml]
interaction: vector_universal
parameters:
  - {name: mediator_mass_MeV, scale: log, min: 1, max: 100, points: 3}
  - {name: coupling, scale: log, min: 1.0e-6, max: 1.0e-3, points: 5}
  - {name: sin2_theta_w, value: 0.2387}
  - {name: flux_b8, value: 5.25e+6}
without_pulls: [toy.other]
data: observed
tile: [1, 2]
"""

TOY = """\
experiment: toy
source: {name: solar_b8, flux_per_cm2_s: 5.46e+6, live_years: 1, earth: 2, latitude_deg: 42, theta12_rad: 0.58, dm21_eV2: 7.42e-5, dm31_eV2: 2.51e-3}
target:
  mass_kg: 1000
  form_factor: {name: klein_nystrand, range_fm: 0.7, radius_coefficient_fm: 1.23}
  nuclei:
    - {name: Xe, protons: 54, neutrons: 77, mass_u: 131}
response:
  name: table
  signal_scale: 1
  recoil_keV: [0.5, 1.0, 2.0, 3.0]
  bins:
    - [0.1, 0.2, 0.3, 0.2]
    - [0.0, 0.1, 0.4, 0.6]
backgrounds:
  - {name: steady, counts: [3, 2]}
observed: [6, 9]
pulls:
  - {name: toy.signal, sigma: 0.1, scales: [signal]}
  - {name: toy.other, sigma: 0.1, scales: [signal]}
"""


@pytest.fixture
def files(tmp_path):
    return write(tmp_path, scan=SCAN, toy=TOY)


def test_the_files_themselves_are_good(files):
    run("check", files / "scan.yaml")
    run("run", files / "scan.yaml", "-o", files / "map.h5", "-q")


# --- experiment files ---------------------------------------------------------------------------------------------------
RECOILS, ROW = "recoil_keV: [0.5, 1.0, 2.0, 3.0]", "    - [0.0, 0.1, 0.4, 0.6]\n"
ROWS = "  bins:\n    - [0.1, 0.2, 0.3, 0.2]\n" + ROW
EXPERIMENT_CASES = [
    # source
    case("negative flux", "5.46e+6", "-5.46e+6", "-5.46e+6", '"flux_per_cm2_s"'),
    case("endless flux", "5.46e+6", ".inf", ".inf", '"flux_per_cm2_s"'),
    case("negative time", "live_years: 1", "live_years: -1", "-1", '"live_years"'),
    case("a third side of the Earth", "earth: 2", "earth: 3", "3, latitude", '"earth"', "between 0 and 2"),
    case("half a day", "earth: 2", "earth: 0.5", "0.5, latitude", '"earth"', "whole number"),
    case("a name for the Earth", "earth: 2", "earth: day", "day", '"earth"'),
    case("beyond the pole", "latitude_deg: 42", "latitude_deg: 91", "91", '"latitude_deg"', "between -90 and 90"),
    case("no splitting", "dm21_eV2: 7.42e-5", "dm21_eV2: 0", "0, dm31", '"dm21_eV2"'),
    case("inverted splitting of the Sun", "dm21_eV2: 7.42e-5", "dm21_eV2: -7.42e-5", "-7.42e-5", '"dm21_eV2"'),
    case("an angle in degrees", "theta12_rad: 0.58", "theta12_rad: 33.4", "33.4", '"theta12_rad"'),
    case("unknown key of the source", "theta12_rad", "theta12", "theta12:", '"theta12"', "theta12_rad"),
    case("unknown source", "solar_b8", "solar_b7", "solar_b7", '"solar_b7"', 'did you mean "solar_b8"'),
    case("key of another source", "live_years: 1", "years: 1", "years: 1", '"years"'),
    # response
    case("recoils fall", RECOILS, "recoil_keV: [0.5, 2.0, 1.0, 3.0]", "1.0, 3.0]", '"recoil_keV"', "increase"),
    case("recoils stand", RECOILS, "recoil_keV: [0.5, 1.0, 1.0, 3.0]", "1.0, 3.0]", '"recoil_keV"', "increase"),
    case("one recoil", RECOILS, "recoil_keV: [0.5]", "[0.5]", '"recoil_keV"', "two"),
    case("no recoil", RECOILS, "recoil_keV: []", "[]", '"recoil_keV"'),
    case("a negative recoil", RECOILS, "recoil_keV: [-0.5, 1.0, 2.0, 3.0]", "-0.5", '"recoil_keV"'),
    case("a recoil of zero", RECOILS, "recoil_keV: [0, 1.0, 2.0, 3.0]", "0, 1.0", '"recoil_keV"'),
    case("a recoil that is no number", RECOILS, "recoil_keV: [0.5, .nan, 2.0, 3.0]", ".nan", '"recoil_keV"'),
    case("recoils are a number", RECOILS, "recoil_keV: 3", "3", '"recoil_keV"'),
    case("recoils are missing", "  " + RECOILS + "\n", "", "name: table", '"recoil_keV"', "missing"),
    case("a hole in the table", ROW, "    - [0.0, 0.1, 0.6]\n", "[0.0", '"bins"', "bin 2", "3 values for 4"),
    case("a value too many", ROW, "    - [0.0, 0.1, 0.4, 0.6, 0.7]\n", "[0.0", '"bins"', "bin 2", "5 values for 4"),
    case("an empty row", ROW, "    - []\n", "[]", '"bins"'),
    case("a negative response", ROW, "    - [0.0, 0.1, -0.4, 0.6]\n", "-0.4", '"bins"'),
    case("an endless response", ROW, "    - [0.0, 0.1, .inf, 0.6]\n", ".inf", '"bins"'),
    case("a response that is no number", ROW, "    - [0.0, 0.1, much, 0.6]\n", "much", '"bins"'),
    case("a row that is a number", ROW, "    - 0.3\n", "0.3", '"bins"'),
    case("a row that is a mapping", ROW, "    - {a: 0.3}\n", "{a", '"bins"'),
    case("no rows", ROWS, "  bins: []\n", "[]", '"bins"'),
    case("rows are a number", ROWS, "  bins: 7\n", "7", '"bins"'),
    case("rows are missing", ROWS, "", "name: table", '"bins"', "missing"),
    case("negative scale", "signal_scale: 1", "signal_scale: -1", "-1", '"signal_scale"'),
    case("unknown key of the response", "signal_scale", "signl_scale", "signl_scale", '"signl_scale"', 'did you mean "signal_scale"'),
    case("bins of its own and others", "backgrounds:", "bins: {edges_keV: [1, 2, 3]}\nbackgrounds:", "{edges", '"bins"', '"table"', "own"),
    case("table of another kind of response", "name: table", "name: tables", "tables", '"tables"', 'did you mean "table"'),
    # names of bins
    case("a name too few", "observed:", "bin_names: [low]\nobserved:", "[low]", '"bin_names"', "2 texts"),
    case("names that are one", "observed:", "bin_names: low\nobserved:", "low", '"bin_names"', "list of 2 texts"),
    case("an empty name", "observed:", "bin_names: [low, '']\nobserved:", "''", '"bin_names"', "bin 2"),
    case("a name that is a list", "observed:", "bin_names: [low, [high]]\nobserved:", "[high]", '"bin_names"', "bin 2"),
    case("a name that moves the cursor", "observed:", 'bin_names: [low, "\\e[1m"]\nobserved:', '"\\e', '"bin_names"', "U+001B"),
    # what comes with the number of bins
    case("too few counts", "observed: [6, 9]", "observed: [6]", "[6]", '"observed"', "2"),
    case("background for other bins", "counts: [3, 2]", "counts: [3, 2, 1]", "[3, 2, 1]", '"steady"'),
    case("a rate per keV of a bin", "counts: [3, 2]", "rate_per_keV_kg_day: 1, live_days: 1", "{name: steady", '"steady"', '"counts"'),
    # form factor
    case("unknown key of the form factor", "range_fm", "rang_fm", "rang_fm", '"rang_fm"', 'did you mean "range_fm"'),
    case("negative radius", "1.23", "-1.23", "-1.23", '"radius_coefficient_fm"'),
]


@pytest.mark.parametrize("old, new, at, says", EXPERIMENT_CASES)
def test_experiment_file(files, old, new, at, says):
    check_refused(files, "toy", TOY, old, new, at, says)


# --- scan files -----------------------------------------------------------------------------------------------------------
MASS, COUPLING = "{name: mediator_mass_MeV, scale: log, min: 1, max: 100, points: 3}", "{name: sin2_theta_w, value: 0.2387}"
SCAN_CASES = [
    case("negative mass", MASS, "{name: mediator_mass_MeV, min: -1, max: 100, points: 3}", "-1", '"min"', "between 0"),
    case("a mass of zero on a logarithmic axis", "min: 1, max: 100", "min: 0, max: 100", "{name: mediator_mass_MeV", "above 0"),
    case("a negative mass among values", MASS, "{name: mediator_mass_MeV, values: [-1, 10]}", "-1", '"values"', "between 0"),
    case("a fixed negative mass", MASS, "{name: mediator_mass_MeV, value: -3}", "-3", '"value"'),
    case("min above max", "min: 1, max: 100", "min: 100, max: 1", "100, max", '"mediator_mass_MeV"', "below max"),
    case("min at max", "min: 1, max: 100", "min: 100, max: 100", "100, max", '"mediator_mass_MeV"', "below max"),
    case("masses fall", MASS, "{name: mediator_mass_MeV, values: [10, 1]}", "1]", '"mediator_mass_MeV"', "increase"),
    case("one mass", MASS, "{name: mediator_mass_MeV, values: [10]}", "[10]", '"mediator_mass_MeV"', "two"),
    case("negative coupling", "min: 1.0e-6", "min: -1.0e-6", "-1.0e-6", '"min"', "between 0"),
    case("negative flux", "5.25e+6", "-5.25e+6", "-5.25e+6", '"value"', "between 0"),
    case("negative radius", COUPLING, "{name: neutron_radius_fm, value: -4}", "-4", '"value"'),
    case("a huge nucleus", COUPLING, "{name: neutron_radius_fm, min: 4, max: 40, points: 3}", "40, points", '"max"', "between 0 and 20"),
    case("unknown parameter", "mediator_mass_MeV", "mediator_mass_GeV", "mediator_mass_GeV",
         '"mediator_mass_GeV"', 'did you mean "mediator_mass_MeV"'),
    case("parameter of another interaction", COUPLING, "{name: eps_ee_uV, value: 0.1}", "eps_ee_uV", '"eps_ee_uV"'),
    case("unknown interaction", "vector_universal", "vector_univrsal", "vector_univrsal", '"vector_univrsal"', 'did you mean "vector_universal"'),
    case("a recoil term scanned", COUPLING, "{name: recoil_term, values: [0, 1]}", "{name: recoil_term", '"recoil_term"', "cannot be scanned"),
    case("masses in turn with others", "name: mediator_mass_MeV, scale: log", "each_of: [neutron_radius_fm, coupling], scale: log",
         "neutron_radius_fm", '"each_of"', '"neutron_radius_fm"', "in turn"),
    case("a tile of several masses", "tile: [1, 2]", "tile: [2, 2]", "2, 2]", '"tile"', '"mediator_mass_MeV"'),
    case("unknown pull", "[toy.other]", "[toy.othr]", "toy.othr", '"toy.othr"', 'did you mean "toy.other"'),
    case("pulls are a text", "[toy.other]", "toy.other", "toy.other", '"without_pulls"', "list"),
    case("pulls are a mapping", "[toy.other]", "{toy.other: 1}", "{toy", '"without_pulls"', "list"),
    case("a pull that is a list", "[toy.other]", "[[toy.other]]", "[toy.other]]", "pull"),
    case("truth with a negative mass", "data: observed", "data: {asimov: {mediator_mass_MeV: -1}}", "-1", '"mediator_mass_MeV"'),
    case("unknown key", "without_pulls", "without_pull", "without_pull", '"without_pull"', 'did you mean "without_pulls"'),
]


@pytest.mark.parametrize("old, new, at, says", SCAN_CASES)
def test_scan_file(files, old, new, at, says):
    message = check_refused(files, "scan", SCAN, old, new, at, says)
    assert refused(files, "check", "scan.yaml") == message


@pytest.mark.parametrize("setting, says", [("mediator_mass_MeV=-1", "between"), ("coupling=-1", "between"), ("flux_b8=-1", "between"),
                                           ("as_printed=0.5", "whole number"), ("neutron_radius_fm=nan", "neutron_radius_fm"),
                                           ("copling=1", "did you mean")])
def test_settings(files, setting, says):
    message = refused(files, "point", "--experiments", "xenonnt_8b", "--interaction", "tensor", "--set", setting)
    assert "--set" in message and says in message


@pytest.mark.parametrize("old, new", [("[toy.other]", "[toy.othr]"), ("min: 1, max: 100", "min: 100, max: 1")])
def test_one_message_for_all_ranks(files, old, new):
    (files / "scan.yaml").write_text(changed(SCAN, old, new))
    assert refused(files, *RUN, ranks=3) == refused(files, *RUN)
