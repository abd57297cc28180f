# SPDX-License-Identifier: GPL-3.0-or-later
"""The physics of the ESS detectors: reference numbers first, then what must hold whatever the numbers are."""
import json
from pathlib import Path

import numpy as np
import pytest

from e2e import ALL_ESS, point, rates, run_json, select, write_experiment, write_scan

REFERENCE = json.loads((Path(__file__).parent / "data" / "ess_points.json").read_text())["points"]

# Signal and background in three years: independent calculation of the setups of arXiv:2208.11771.
TOTALS = {
    "ess_csi": (19998, 270322),
    "ess_xe": (18848, 242672),
    "ess_si": (192.88, 1095.18),
    "ess_ge": (3787.8, 43495),
    "ess_ar": (3293.1, 24.96),
    "ess_c3f8": (1377.0, 3744),
}
N_BINS = {"ess_csi": 20, "ess_xe": 16, "ess_si": 60, "ess_ge": 72, "ess_ar": 1, "ess_c3f8": 1}
FIRST_EDGES_KEV = {
    "ess_csi": [1, 1.69671, 2.57342, 3.63014],
    "ess_xe": [0.9, 1.77826, 2.94452],
    "ess_si": [0.16, 0.418054, 0.791308],
    "ess_ge": [0.6, 0.794006, 1.01501],
}


def signal(rate):
    """Counts per bin, summed over the neutrinos of the source."""
    return np.sum(list(rate["signal"].values()), axis=0)


# --- reference numbers ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ALL_ESS)
def test_totals_at_the_standard_model(name):
    rate = rates(name)[name]
    expected_signal, expected_background = TOTALS[name]
    assert rate["signal_total"] == pytest.approx(expected_signal, rel=1e-4)
    assert rate["background_total"] == pytest.approx(expected_background, rel=1e-4)
    assert signal(rate).sum() == pytest.approx(rate["signal_total"], rel=1e-12)
    assert len(signal(rate)) == N_BINS[name] == len(rate["edges_keV"]) - 1


@pytest.mark.parametrize("name", FIRST_EDGES_KEV)
def test_bins_grow_with_the_resolution(name):
    edges = np.array(rates(name)[name]["edges_keV"])
    expected = FIRST_EDGES_KEV[name]
    assert edges[: len(expected)] == pytest.approx(expected, rel=1e-5)
    widths = np.diff(edges)
    assert np.diff(widths) == pytest.approx(widths[1] - widths[0], rel=1e-6)


def test_first_bins_of_csi():
    assert signal(rates("ess_csi")["ess_csi"])[:3] == pytest.approx([1995.8, 2264.3, 2400.9], abs=0.06)


def label(reference):
    return "+".join(n[4:] for n in reference["experiments"]) + ":" + ",".join(
        f"{name[4:]}={value}" for name, value in reference["parameters"].items())


@pytest.mark.parametrize("reference", REFERENCE, ids=label)
def test_reference_points(reference):
    """Those of the other program have values for nu_tau, too, which change nothing and are refused here."""
    result = point(reference["experiments"], {k: v for k, v in reference["parameters"].items() if "tautau" not in k})
    assert result["status"] == "ok"
    assert result["chi2"] == pytest.approx(reference["chi2"], rel=1e-5, abs=1e-9)
    assert result["pulls"] == pytest.approx(reference["pulls"], abs=1e-6)


def test_where_plain_newton_diverges():
    result = point("ess_csi,ess_si", {"eps_ee_uV": -0.5, "eps_mumu_uV": -0.5})
    assert result["chi2"] == pytest.approx(172.522950, abs=1e-6)
    assert result["pulls"] == pytest.approx(
        {"ess_csi.signal": -0.91823, "ess_csi.background": -1.443e-4, "ess_si.signal": -0.93642,
         "ess_si.background": -1.0470e-3}, abs=1e-5)


# --- identities -------------------------------------------------------------------------------------------------------
EVERYTHING = ",".join(ALL_ESS)
SOMEWHERE = {"eps_ee_uV": 0.13, "eps_mumu_dV": -0.07, "eps_etau_uV": 0.2, "eps_emu_dV": 0.1}


@pytest.mark.parametrize("coupling", ["eps_tautau_uV", "eps_tautau_dV"])
@pytest.mark.parametrize("value", [-3.0, 0.5])
def test_tautau_has_no_effect(coupling, value):
    """No tau neutrinos reach the detectors; beside one that some do reach, since alone such a value is refused."""
    with_tau, without = (point(EVERYTHING + ",xenonnt_8b", {**SOMEWHERE, **more}) for more in ({coupling: value}, {}))
    for name in ALL_ESS:
        assert with_tau["experiments"][name] == without["experiments"][name]
        assert all(with_tau["pulls"][f"{name}.{p}"] == without["pulls"][f"{name}.{p}"] for p in ("signal", "background"))
    assert with_tau["experiments"]["xenonnt_8b"] != without["experiments"]["xenonnt_8b"]


@pytest.mark.parametrize("flavours", ["ee", "mumu", "emu", "etau", "mutau"])
def test_silicon_does_not_tell_up_from_down(flavours):
    up, down = (point("ess_si", {f"eps_{flavours}_{q}V": 0.23}) for q in "ud")
    assert up["chi2"] == pytest.approx(down["chi2"], rel=1e-12)
    assert up["chi2"] > 1


def test_caesium_iodide_tells_up_from_down():
    up, down = (point("ess_csi", {f"eps_ee_{q}V": 0.23})["chi2"] for q in "ud")
    assert abs(up - down) > 0.1


@pytest.mark.parametrize("flavours", ["emu", "etau", "mutau"])
def test_the_sign_of_one_flavour_changing_coupling_does_not_matter(flavours):
    plus, minus = (point(EVERYTHING, {f"eps_{flavours}_uV": x})["chi2"] for x in (0.3, -0.3))
    assert plus == minus


MUONIC, ELECTRONIC = {"nu_mu", "numubar"}, {"nu_e"}


@pytest.mark.parametrize("flavours, expected", [("ee", ELECTRONIC), ("mumu", MUONIC), ("emu", MUONIC | ELECTRONIC),
                                                ("etau", ELECTRONIC), ("mutau", MUONIC)])
def test_which_neutrinos_a_coupling_acts_on(flavours, expected):
    sm, new = (rates("ess_csi", values)["ess_csi"]["signal"] for values in ({}, {f"eps_{flavours}_uV": 0.3}))
    assert {name for name in sm if not np.allclose(sm[name], new[name], rtol=1e-12)} == expected


TRUTHS = [{}, {"eps_ee_uV": 0.1}, {"eps_mumu_dV": -0.3, "eps_emu_uV": 0.2}, {"eps_ee_uV": -0.5, "eps_mumu_uV": -0.5},
          {name: 0.05 * k for k, name in enumerate(["eps_ee_uV", "eps_ee_dV", "eps_mutau_uV", "eps_etau_dV"], 1)}]


@pytest.mark.parametrize("truth", TRUTHS, ids=json.dumps)
def test_chi2_vanishes_at_the_truth(tmp_path, truth):
    scan = write_scan(tmp_path, ALL_ESS, [], data={"asimov": truth})
    at_truth = run_json("point", scan, *select("", truth)[2:], "--json")
    assert at_truth["chi2"] == pytest.approx(0, abs=1e-9)
    assert all(abs(pull) < 1e-9 for pull in at_truth["pulls"].values())
    away = run_json("point", scan, *select("", {**truth, "eps_ee_uV": 0.25})[2:], "--json")
    assert away["chi2"] > 1 and away["delta_chi2"] >= 0


@pytest.mark.parametrize("seed", range(8))
def test_shares_add_up(seed):
    random = np.random.default_rng(seed)
    names = ["eps_ee_uV", "eps_mumu_dV", "eps_emu_uV", "eps_etau_dV"]
    result = point(EVERYTHING, dict(zip(names, random.uniform(-0.6, 0.6, 4).tolist())))
    assert result["delta_chi2"] >= 0 and result["penalty"] >= 0
    shares = result["experiments"]
    assert sum(x["chi2"] for x in shares.values()) + result["penalty"] == pytest.approx(result["chi2"], rel=1e-9)
    for x in shares.values():
        assert min(x["bins"]) >= 0 and sum(x["bins"]) == pytest.approx(x["chi2"], rel=1e-9, abs=1e-12)
    penalty = sum((pull / (0.10 if name.endswith("signal") else 0.01)) ** 2 for name, pull in result["pulls"].items())
    assert penalty == pytest.approx(result["penalty"], rel=1e-9)


def test_prediction_follows_from_rates_and_pulls():
    result, rate = point("ess_ge", SOMEWHERE), rates("ess_ge", SOMEWHERE)["ess_ge"]
    a, b = result["pulls"]["ess_ge.signal"], result["pulls"]["ess_ge.background"]
    expected = (1 + a) * signal(rate) + (1 + b) * np.array(rate["background"]["steady"])
    share = result["experiments"]["ess_ge"]
    assert share["predicted"] == pytest.approx(expected.tolist(), rel=1e-9)
    n, d = expected, np.array(share["data"])
    assert share["bins"] == pytest.approx((2 * (n - d + d * np.log(d / n))).tolist(), rel=1e-6, abs=1e-9)


def test_unrelated_experiments_add():
    together = point(EVERYTHING, SOMEWHERE)
    alone = [point(name, SOMEWHERE) for name in ALL_ESS]
    assert together["chi2"] == pytest.approx(sum(x["chi2"] for x in alone), rel=1e-9)
    assert together["pulls"] == pytest.approx({k: v for x in alone for k, v in x["pulls"].items()}, abs=1e-9)


def test_order_of_experiments_does_not_matter():
    forth, back = point("ess_csi,ess_si,ess_ar", SOMEWHERE), point("ess_ar,ess_si,ess_csi", SOMEWHERE)
    assert forth["chi2"] == pytest.approx(back["chi2"], rel=1e-12)


# --- experiments are data -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("key, value, factor", [("years", 6, 2), ("distance_m", 10, 4), ("protons_per_year", 1.4e23, 0.5),
                                                ("neutrinos_per_proton", 0.09, 0.3), ("years", 0, 0)])
def test_the_source_scales_the_signal(tmp_path, key, value, factor):
    source = {"name": "pion_decay_at_rest", "protons_per_year": 2.8e23, "years": 3, "neutrinos_per_proton": 0.3, "distance_m": 20}
    base, changed = write_experiment(tmp_path, "base", source=source), write_experiment(tmp_path, "changed", source={**source, key: value})
    result = rates([base, changed])
    assert signal(result["changed"]) == pytest.approx(factor * signal(result["base"]), rel=1e-12)
    assert result["changed"]["background"] == result["base"]["background"]


def test_mass_scales_signal_and_background(tmp_path):
    config = {"backgrounds": [{"name": "flat", "rate_per_keV_kg_day": 0.1, "live_days": 100, "duty_factor": 0.5}]}
    base = write_experiment(tmp_path, "base", **config)
    heavy = json.loads(base.read_text())
    heavy["experiment"], heavy["target"]["mass_kg"] = "heavy", 25.0
    (tmp_path / "heavy.yaml").write_text(json.dumps(heavy))
    result = rates([base, tmp_path / "heavy.yaml"])
    assert signal(result["heavy"]) == pytest.approx(2.5 * signal(result["base"]), rel=1e-12)
    assert result["base"]["background"]["flat"] == pytest.approx([0.1 * 10 * 50 * w for w in (4, 15, 80)])
    assert result["heavy"]["background"]["flat"] == pytest.approx([0.1 * 25 * 50 * w for w in (4, 15, 80)])


def shared(folder, name, **changes):
    pulls = [{"name": "flux", "sigma": 0.1, "scales": ["signal"]}]
    return write_experiment(folder, name, pulls=pulls, **changes)


def test_a_shared_pull_couples_experiments(tmp_path):
    one, two = shared(tmp_path, "one"), shared(tmp_path, "two", backgrounds=[{"name": "flat", "counts": [5, 4000, 3]}])
    values = {"eps_ee_uV": 0.2}
    together = point([one, two], values)
    apart = [point([x], values) for x in (one, two)]
    assert list(together["pulls"]) == ["flux"]
    independent, penalty = sum(x["chi2"] for x in apart), (together["pulls"]["flux"] / 0.1) ** 2
    assert abs(together["chi2"] - independent) > 1
    # Paid twice, the shared pull is one of the choices that the two independent pulls have.
    assert together["chi2"] + penalty >= independent
    assert together["chi2"] >= max(x["chi2"] for x in apart)
    pulls = [x["pulls"]["flux"] for x in apart]
    assert together["pulls"]["flux"] != pytest.approx(pulls[0], abs=1e-3)


def test_two_halves_with_a_shared_pull_are_one_experiment(tmp_path):
    """Twice the same experiment with one flux: the counts add, bin by bin, as in an experiment of twice the exposure."""
    two = [shared(tmp_path, name) for name in ("one", "two")]
    target = {**json.loads(two[0].read_text())["target"], "mass_kg": 20.0}
    double = shared(tmp_path, "double", target=target, backgrounds=[{"name": "flat", "counts": [100, 80, 60]}])
    halves, whole = point(two, {"eps_ee_uV": 0.2}), point([double], {"eps_ee_uV": 0.2})
    assert halves["chi2"] == pytest.approx(whole["chi2"], rel=1e-9)
    assert halves["pulls"]["flux"] == pytest.approx(whole["pulls"]["flux"], abs=1e-8)


def test_a_pull_on_everything_absorbs_a_change_of_everything(tmp_path):
    """One pull on signal and background without penalty worth speaking of: only the shape is left to chi2."""
    loose = write_experiment(tmp_path, "loose", pulls=[{"name": "all", "sigma": 1e3, "scales": ["signal", "flat"]}],
                             backgrounds=[{"name": "flat", "counts": [0, 0, 0]}])
    source = {"data": {"asimov": {"eps_mumu_uV": 0.0}}}
    scan = write_scan(tmp_path, [str(loose)], [], **source)
    assert run_json("point", scan, "--set", "eps_etau_uV=0.0", "--json")["chi2"] == pytest.approx(0, abs=1e-9)
    result = run_json("point", scan, "--set", "eps_ee_uV=0.4", "--set", "eps_mumu_uV=0.4", "--json")
    # Argon is one nucleus and both flavours change alike, so the spectrum only scales.
    assert result["chi2"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("changes", [
    {"backgrounds": None, "pulls": [{"name": "s", "sigma": 0.1, "scales": ["signal"]}]},
    {"backgrounds": [{"name": "flat", "counts": [0, 0, 0]}]},
    {"pulls": None},
    {"backgrounds": None, "pulls": None},
], ids=["no background", "zero background", "no pulls", "nothing but signal"])
def test_zero_is_legal(tmp_path, changes):
    toy = write_experiment(tmp_path, **changes)
    assert point([toy])["chi2"] == pytest.approx(0, abs=1e-12)
    result = point([toy], {"eps_ee_uV": 0.1})
    assert result["status"] == "ok" and result["chi2"] > 0


def test_nothing_at_all_is_legal(tmp_path):
    dark = experiment_without_anything(tmp_path)
    result = point([dark], {"eps_ee_uV": 0.3})
    assert result["status"] == "ok" and result["chi2"] == 0


def experiment_without_anything(folder):
    source = {"name": "pion_decay_at_rest", "protons_per_year": 0, "neutrinos_per_proton": 0.3, "distance_m": 20}
    return write_experiment(folder, "dark", source=source, backgrounds=None, pulls=None)


@pytest.mark.parametrize("nudge", [0.0, 1e-12, 1e-6])
def test_a_coupling_that_cancels_the_signal(tmp_path, nudge):
    """Without background, and with all of Q_e^2 and Q_mu^2 gone, data that were seen are impossible, or nearly."""
    toy = write_experiment(tmp_path, backgrounds=None, pulls=[{"name": "s", "sigma": 0.1, "scales": ["signal"]}])
    g_p = 0.5 - 2 * 0.23867
    zero = -(18 * g_p - 22 * 0.5) / (2 * 18 + 22) + nudge
    result = point([toy], {"eps_ee_uV": zero, "eps_mumu_uV": zero}, code=None)
    assert result["status"] in ("ok", "impossible")
    if result["status"] == "ok":
        assert result["chi2"] > 1000
    else:
        assert result["chi2"] is None
