# SPDX-License-Identifier: GPL-3.0-or-later
"""Recoil spectra, cross sections, form factors, fluxes, probabilities and responses: identities with what `cevscan rates` counts,
and the closed formulas, worked out here."""
import csv
import io
import math

import numpy as np
import pytest

from e2e import CONFIGS, experiment, rates, refused, run, run_json, select, write_experiment
from cevscan_analysis import pick

G_F, HBARC_MEV_FM, U_MEV, SIN2 = 1.1663787e-11, 197.3269804, 931.49410242, 0.23867
MUON_MEV, LINE_MEV, AVOGADRO = 105.6583755, (139.57039**2 - 105.6583755**2) / (2 * 139.57039), 6.02214076e23
DAYS, SECONDS_PER_YEAR = 3 * 365.25, 365.25 * 86400


def spectra(experiments, of, *words, values=None, **keywords):
    found = run_json("spectra", *select(experiments, values), "--of", of, *words, "--json", **keywords)
    return next(iter(found.values())) if len(found) == 1 else found


def grid(low, high, points):
    return ["--from", repr(low), "--to", repr(high), "--points", points]


def simpson(x, y):
    assert len(x) % 2 == 1
    return (x[1] - x[0]) / 3 * (y[0] + 4 * y[1:-1:2].sum() + 2 * y[2:-1:2].sum() + y[-1])


def largest_recoil_keV(mass_u, energy_MeV):
    return 2e3 * energy_MeV**2 / (mass_u * U_MEV)


def argon(folder, name="toy", **changes):
    return write_experiment(folder, name, **changes)


MASS_U = 39.95
ENDS = {"nu_mu": largest_recoil_keV(MASS_U, LINE_MEV), "numubar": largest_recoil_keV(MASS_U, MUON_MEV / 2),
        "nu_e": largest_recoil_keV(MASS_U, MUON_MEV / 2)}


# --- recoil spectra are what is counted ------------------------------------------------------------------------------------
def test_the_recoil_spectrum_above_a_threshold_is_what_is_counted(tmp_path):
    path = argon(tmp_path, response={"name": "counting", "threshold_keV": 5, "acceptance": 0.8}, bins=None, backgrounds=None, pulls=None)
    counted, values = rates([path], {"eps_ee_uV": 0.3})["toy"]["signal"], {"eps_ee_uV": 0.3}
    for component, end in ENDS.items():
        found = spectra([path], "recoil", *grid(5, end, 401), values=values)
        assert found["mass_kg"] == 10 and found["live_days"] == DAYS
        x, y = pick(found, component=component)
        assert 0.8 * 10 * DAYS * simpson(x, y) == pytest.approx(counted[component][0], rel=1e-9)


def test_the_recoil_spectrum_through_the_response_is_what_is_counted(tmp_path):
    path = argon(tmp_path)
    counted = rates([path])["toy"]["signal"]
    for component, end in ENDS.items():
        words = grid(1e-6, end, 4001)
        x, y = pick(spectra([path], "recoil", *words), component=component)
        matrix = [curve["values"] for curve in spectra([path], "response", *words)["curves"] if curve["quantity"] == "response"]
        assert len(matrix) == 3
        mine = [10 * DAYS * simpson(x, y * np.array(share)) for share in matrix]
        assert mine == pytest.approx(counted[component], rel=1e-6, abs=1e-6)


def test_a_table_counts_the_recoil_spectrum(tmp_path):
    """Solar neutrinos on one isotope, a table that is 0.5 up to its end, and a flux by --set."""
    table = {"name": "table", "recoil_keV": [0.5, 2], "bins": [[0.5, 0.5]]}
    path = write_experiment(tmp_path, source={"name": "solar_b8"}, response=table, bins=None, backgrounds=None, pulls=None,
                            target=experiment()["target"] | {"mass_kg": 1000})
    counted = rates([path], {"flux_b8": 1e7})["toy"]["signal"]
    found = spectra([path], "recoil", *grid(0.5, 2, 2001), values={"flux_b8": 1e7})
    for component, counts in counted.items():
        assert 0.5 * 1000 * 365.25 * simpson(*pick(found, component=component)) == pytest.approx(counts[0], rel=1e-7)


@pytest.mark.parametrize("name, interaction", [("ess_csi", "nsi"), ("xenonnt_8b", "eft")])
def test_nuclei_and_neutrinos_add_up(name, interaction):
    found = spectra(name, "recoil", "--interaction", interaction, "--points", 7)
    total = pick(found)[1]
    components = {curve["component"] for curve in found["curves"] if "component" in curve}
    nuclei = {curve["nucleus"] for curve in found["curves"] if "nucleus" in curve}
    assert len(components) == 3 and len(nuclei) == (2 if name == "ess_csi" else 9)
    assert sum(pick(found, component=c)[1] for c in components) == pytest.approx(total, rel=1e-12)
    for c in components:
        assert sum(pick(found, component=c, nucleus=n)[1] for n in nuclei) == pytest.approx(pick(found, component=c)[1], rel=1e-12)


def test_protons_on_target_say_nothing_of_days(tmp_path):
    source = experiment()["source"] | {"protons_on_target": 8.4e23}
    del source["protons_per_year"], source["years"]
    found = spectra([argon(tmp_path, source=source)], "recoil", "--points", 3)
    yearly = spectra([argon(tmp_path)], "recoil", "--points", 3)
    assert found["live_days"] is None and found["curves"][0]["unit"] == "1/(keV kg)"
    assert pick(found)[1] == pytest.approx(DAYS * pick(yearly)[1], rel=1e-12)
    assert "whole exposure" in run("spectra", *select([argon(tmp_path, source=source)]), "--points", "2").stdout


def test_differential_rates_are_the_recoil_spectrum():
    assert run("rates", *select("ess_ar"), "--differential", "--json").stdout == run("spectra", *select("ess_ar"), "--json").stdout


# --- closed formulas ----------------------------------------------------------------------------------------------------------
def helm(q_per_fm, rms_fm, skin_fm=0.9):
    x = q_per_fm * math.sqrt(5 / 3 * (rms_fm**2 - 3 * skin_fm**2))
    return 3 * (math.sin(x) / x**2 - math.cos(x) / x) / x * math.exp(-(q_per_fm * skin_fm)**2 / 2)


def momentum_transfer(mass_u, recoil_keV):
    return math.sqrt(2 * mass_u * U_MEV * recoil_keV * 1e-3) / HBARC_MEV_FM


def cross_section(energy_MeV, recoil_keV, charge, recoil_term=0):
    """cm^2/keV on argon: G_F^2 M/pi (1 - T/E - MT/(2E^2)) Q^2 F^2."""
    mass, recoil = MASS_U * U_MEV, recoil_keV * 1e-3
    kinematics = 1 - recoil_term * recoil / energy_MeV - mass * recoil / (2 * energy_MeV**2)
    per_MeV3 = G_F**2 * mass / math.pi * kinematics * charge**2 * helm(momentum_transfer(MASS_U, recoil_keV), 3.43)**2
    return max(0, per_MeV3) * HBARC_MEV_FM**2 * 1e-26 * 1e-3


CHARGE = 18 * (0.5 - 2 * SIN2) + 22 * -0.5


@pytest.mark.parametrize("energy_MeV", [10, 29.8, 50])
@pytest.mark.parametrize("recoil_term", [0, 1])
def test_cross_sections_are_the_formula(tmp_path, energy_MeV, recoil_term):
    values = {"eps_ee_uV": 0.2, "eps_mutau_dV": 0.1, "recoil_term": recoil_term}
    found = spectra([argon(tmp_path)], "cross_section", "--energy", energy_MeV,
                    *grid(0.1, 1.1 * largest_recoil_keV(MASS_U, energy_MeV), 23), values=values)
    charges = {"nu_e": CHARGE + 0.2 * (2 * 18 + 22), "nu_mu": math.hypot(CHARGE, 0.1 * (18 + 2 * 22))}
    charges["numubar"] = charges["nu_mu"]
    for component, charge in charges.items():
        recoils, values = pick(found, nucleus="Ar", component=component)
        mine = [cross_section(energy_MeV, recoil, charge, recoil_term) for recoil in recoils]
        assert values == pytest.approx(mine, rel=1e-9, abs=1e-52) and (values > 0).sum() > 15


def test_the_mean_cross_section_is_that_of_the_line(tmp_path):
    recoils, values = pick(spectra([argon(tmp_path)], "cross_section", "--points", 23), nucleus="Ar", component="nu_mu")
    assert values == pytest.approx([cross_section(LINE_MEV, recoil, CHARGE) for recoil in recoils], rel=1e-9, abs=1e-52)


def test_form_factors_are_the_formula(tmp_path):
    found = spectra([argon(tmp_path)], "form_factor", "--points", 11, values={"neutron_radius_fm": 3.6})
    recoils, q = pick(found, nucleus="Ar", quantity="q")
    assert q == pytest.approx([momentum_transfer(MASS_U, recoil) for recoil in recoils], rel=1e-12)
    proton, neutron = (np.array([helm(x, rms) for x in q]) for rms in (3.43, 3.6))
    for name, mine in (("F_p^2", proton**2), ("F_p*F_n", proton * neutron), ("F_n^2", neutron**2)):
        assert pick(found, nucleus="Ar", quantity=name)[1] == pytest.approx(mine, rel=1e-9), name


def test_axial_responses_are_those_of_nuclei_with_spin():
    found = spectra("pandax4t_counting", "form_factor", "--points", 5)
    assert (pick(found, nucleus="Xe131", quantity="S_nn")[1] > 0).all()
    assert not any(curve["quantity"].startswith("S") for curve in spectra("ess_csi", "form_factor", "--points", 2)["curves"])


def test_the_flux_of_stopped_pions(tmp_path):
    found = spectra([argon(tmp_path)], "flux", *grid(1e-9, MUON_MEV / 2, 101))
    per_cm2_s = 0.3 * 2.8e23 / (4 * math.pi * 2000**2) / SECONDS_PER_YEAR
    for component, shape in (("numubar", lambda x: 64 * x**2 * (0.75 - x)), ("nu_e", lambda x: 192 * x**2 * (0.5 - x))):
        energy, flux = pick(found, component=component)
        assert flux == pytest.approx(per_cm2_s * shape(energy / MUON_MEV) / MUON_MEV, rel=1e-12, abs=1e-30)
        assert simpson(energy, flux) == pytest.approx(per_cm2_s, rel=1e-9)
    line, = found["lines"]
    assert (line["component"], line["unit"]) == ("nu_mu", "1/(cm^2 s)")
    assert line["energy_MeV"] == pytest.approx(LINE_MEV, rel=1e-12) and line["value"] == pytest.approx(per_cm2_s, rel=1e-12)


def test_the_flux_of_the_sun_adds_up():
    found = spectra("xenonnt_8b", "flux", *grid(1e-9, 16.5, 2 * 66 * 8 + 1), values={"flux_b8": 5e6})
    assert sum(simpson(*pick(found, component=c)) for c in ("nu_e", "nu_mu", "nu_tau")) == pytest.approx(5e6, rel=2e-5)  # as its table


# --- probabilities ------------------------------------------------------------------------------------------------------------
def test_probabilities_sum_to_one_and_average():
    found = spectra("xenonnt_8b", "probability", "--points", 12)
    p = {(hours, c): pick(found, quantity=hours, component=c)[1] for hours in ("by_day", "at_night", "day_and_night")
         for c in ("nu_e", "nu_mu", "nu_tau")}
    for hours in ("by_day", "at_night", "day_and_night"):
        assert sum(p[hours, c] for c in ("nu_e", "nu_mu", "nu_tau")) == pytest.approx(np.ones(12), abs=1e-12)
    assert p["day_and_night", "nu_e"] == pytest.approx((p["by_day", "nu_e"] + p["at_night", "nu_e"]) / 2, rel=1e-12)
    assert (p["at_night", "nu_e"] > p["by_day", "nu_e"])[2:].all(), "the Earth regenerates electron neutrinos above 4 MeV"


def test_weak_neutrinos_oscillate_as_in_vacuum():
    """P_ee -> cos^4 theta13 (1 - sin^2(2 theta12)/2) + sin^4 theta13 where matter does nothing."""
    s13, s12 = math.sin(0.149575), math.sin(0.583638)
    p = pick(spectra("xenonnt_8b", "probability", *grid(1e-4, 2e-4, 2)), quantity="by_day", component="nu_e")[1]
    assert p == pytest.approx((1 - s13**2)**2 * (1 - 2 * s12**2 * (1 - s12**2)) + s13**4, rel=1e-4)


def test_probabilities_times_the_spectrum_are_the_flux():
    words = grid(2, 14, 5)  # multiples of 0.25 MeV, where the spectrum is tabulated
    p, flux = spectra("xenonnt_8b", "probability", *words), spectra("xenonnt_8b", "flux", *words)
    total = sum(pick(flux, component=c)[1] for c in ("nu_e", "nu_mu", "nu_tau"))
    for c in ("nu_e", "nu_mu", "nu_tau"):
        assert pick(flux, component=c)[1] / total == pytest.approx(pick(p, quantity="day_and_night", component=c)[1], rel=1e-9)


def test_couplings_act_on_the_way(tmp_path):
    config = (CONFIGS / "experiments" / "pandax4t_counting.yaml").read_text()
    path = tmp_path / "on.yaml"
    config = config.replace("experiment: pandax4t_counting", "experiment: on")
    path.write_text(config.replace("  live_years: 1 ", "  nsi_in_propagation: 1\n  live_years: 1 "))
    new, old = (spectra([path], "probability", "--points", 3, values=values) for values in ({"eps_ee_uV": 0.3}, {}))
    off = spectra("pandax4t_counting", "probability", "--points", 3, values={"eps_ee_uV": 0.3})
    of = dict(quantity="by_day", component="nu_e")
    assert pick(off, **of)[1] == pytest.approx(pick(old, **of)[1], rel=1e-15)
    assert abs(pick(new, **of)[1] - pick(old, **of)[1]).max() > 0.02
    flux = spectra([path], "flux", *grid(2, 14, 5), values={"eps_ee_uV": 0.3})
    mine = spectra([path], "probability", *grid(2, 14, 5), values={"eps_ee_uV": 0.3})
    total = sum(pick(flux, component=c)[1] for c in ("nu_e", "nu_mu", "nu_tau"))
    assert pick(flux, component="nu_e")[1] / total == pytest.approx(pick(mine, quantity="day_and_night", component="nu_e")[1], rel=1e-9)


# --- responses ----------------------------------------------------------------------------------------------------------------
def test_a_gaussian_response(tmp_path):
    found = spectra([argon(tmp_path)], "response", *grid(0.5, 30, 60))
    x, resolution = pick(found, quantity="resolution")
    assert resolution == pytest.approx(0.3 * np.sqrt(x / 1.0), rel=1e-12)

    def below(edge):
        return np.array([math.erf((edge - t) / (s * math.sqrt(2))) for t, s in zip(x, resolution)])

    assert pick(found, quantity="response", bin="5 to 20 keV")[1] == pytest.approx(0.4 * (below(20) - below(5)), rel=1e-9, abs=1e-15)
    assert pick(found, quantity="efficiency")[1] == pytest.approx(0.4 * (below(100) - below(1)), rel=1e-9)


def test_a_response_of_photoelectrons():
    found = spectra("coherent_csi", "response", "--points", 5)
    x, quenched = pick(found, quantity="quenched")
    mean = pick(found, quantity="mean")[1]
    assert (0 < quenched).all() and (quenched < 0.3 * x).all() and mean == pytest.approx(13.35 * quenched, rel=1e-12)
    matrix = [curve for curve in found["curves"] if curve["quantity"] == "response"]
    assert [curve["bin"] for curve in matrix][:2] == ["0 to 8 PE", "8 to 12 PE"] and len(matrix) == 9
    assert np.sum([curve["values"] for curve in matrix], axis=0) == pytest.approx(pick(found, quantity="efficiency")[1], rel=1e-12)


# --- formats ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("of", ["recoil", "cross_section", "form_factor", "flux", "probability", "response"])
def test_formats_agree(of):
    words = ["spectra", *select("xenonnt_8b"), "--of", of, "--points", "3"]
    found = run_json(*words, "--json")["xenonnt_8b"]
    rows = list(csv.DictReader(io.StringIO(run(*words, "--format", "csv").stdout)))
    assert [float(row["value"]) for row in rows] == [value for curve in found["curves"] for value in curve["values"]]
    assert [float(row["x"]) for row in rows[:3]] == found[found["x"]] and {row["x_name"] for row in rows} == {found["x"]}
    text = run(*words).stdout
    for curve in found["curves"]:
        assert all(f"{value:.6e}" in text for value in curve["values"])


def test_names_of_nuclei_are_quoted_where_they_must_be(tmp_path):
    nuclei = [{"name": "A,r", "protons": 18, "neutrons": 22, "mass_u": 39.95, "rms_radius_fm": 3.43}]
    path = write_experiment(tmp_path, target={**experiment()["target"], "nuclei": nuclei})
    text = run("spectra", *select([path]), "--of", "form_factor", "--points", "2", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["nucleus"] for row in rows} == {"A,r"} and all(None not in row and float(row["value"]) > 0 for row in rows)


def test_grids():
    found = spectra("ess_ar", "flux", "--log", "--from", 0.1, "--to", 10, "--points", 3)
    assert found["energy_MeV"] == pytest.approx([0.1, 1, 10], rel=1e-15) and found["energy_MeV"][-1] == 10
    assert len(spectra("ess_ar", "form_factor")["recoil_keV"]) == 100
    assert set(spectra("ess_ar,ess_si", "form_factor", "--points", 2)) == {"ess_ar", "ess_si"}


@pytest.mark.parametrize("words, says", [
    (["--of", "recoils"], 'did you mean "recoil"'),
    (["--of", "probability"], "do not oscillate"),
    (["--energy", "30"], "only cross sections"),
    (["--from", "5", "--to", "5"], "from 5 to 5"),
    (["--from", "500"], "0 < from < to"),
])
def test_what_is_refused(tmp_path, words, says):
    assert says in refused(tmp_path, "spectra", *select("ess_ar"), *words)


@pytest.mark.parametrize("words", [["--points", "1"], ["--points", "many"], ["--from", "0"], ["--to", "nan"], ["--energy", "-3"]])
def test_bad_flags(words):
    done = run("spectra", *select("ess_ar"), *words, code=2)
    assert f"{words[0]} {words[1]}: expected" in done.stderr and not done.stdout
