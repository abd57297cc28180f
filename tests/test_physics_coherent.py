# SPDX-License-Identifier: GPL-3.0-or-later
"""The physics of CsI[Na] at the Spallation Neutron Source: numbers of an independent calculation first, then what must hold anyway."""
import json

import numpy as np
import pytest

from e2e import BAD_INPUT, CONFIGS, axis, fields, point, rates, run, run_json, scan, write_scan

PAPER = "coherent_csi_paper"
SM = {"sin2_theta_w": 0.2312, "recoil_term": 1}  # what `eft` has by itself
# Events in each bin of photoelectrons under the standard model, shell-model responses, as published with the study.
SIGNAL = [2.3, 50.3, 76.0, 65.4, 46.9, 54.5, 25.2, 12.0, 3.1]
TOTALS = {"responses": 335.7, "helm_lewin_smith": 354.9, "klein_nystrand": 316.6, "helm": 330.3}
FERMI_PER_GEV2 = 1.1663787e-5


def eft(experiments, values=None):
    return run_json("point", "--experiments", experiments, "--interaction", "eft", *settings(values), "--json")


def settings(values):
    return [word for name, value in (values or {}).items() for word in ("--set", f"{name}={value!r}")]


def counts(rate):
    return np.sum(list(rate["signal"].values()), axis=0)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The experiment's mapping, and a function that writes a changed copy."""
    folder = tmp_path_factory.mktemp("coherent")
    scan_file = write_scan(folder, ["coherent_csi"], [axis("eps_ee_uV", 2)])
    base = run_json("check", scan_file, "--json")["resolved"]["experiments"][0]

    def write(name, change):
        config = json.loads(json.dumps(base))
        change(config)
        config["experiment"] = name
        (folder / f"{name}.yaml").write_text(json.dumps(config))
        return folder / f"{name}.yaml"

    return write


# --- reference numbers ------------------------------------------------------------------------------------------------
def test_signal_in_each_bin():
    signal = counts(rates("coherent_csi", SM)["coherent_csi"])
    assert signal == pytest.approx(SIGNAL, abs=0.051)  # as it was printed
    assert signal[1:8] == pytest.approx(SIGNAL[1:8], rel=5e-3)


def test_signal_of_each_flavour():
    signal = rates("coherent_csi", SM)["coherent_csi"]["signal"]
    for name, expected in {"nu_e": 111.1, "nu_mu": 47.9, "numubar": 176.7}.items():
        assert sum(signal[name]) == pytest.approx(expected, rel=1.5e-3)


@pytest.mark.parametrize("form_factor", TOTALS)
def test_totals_of_form_factors(shipped, form_factor):
    def change(config):
        config["target"]["form_factor"] = form_factor
        for nucleus, (p, n) in zip(config["target"]["nuclei"], [(4.80, 5.01), (4.75, 4.94)]):
            if form_factor == "helm":
                nucleus.update(rms_radius_p_fm=p, rms_radius_n_fm=n)

    path = shipped("x" + form_factor, change)
    assert rates([path], SM)["x" + form_factor]["signal_total"] == pytest.approx(TOTALS[form_factor], rel=1.5e-3)


def test_backgrounds_and_data():
    rate = rates("coherent_csi")["coherent_csi"]
    assert sum(rate["background"]["brn"]) == pytest.approx(18.4, abs=0.05)
    assert sum(rate["background"]["nin"]) == pytest.approx(5.6, abs=0.05)


@pytest.mark.parametrize("name, expected", [(PAPER, 21.14), ("coherent_csi", 5.50)])
def test_chi2_of_the_standard_model(name, expected):
    for scan_file, values in [(CONFIGS / "scans" / name.replace("csi", "nsi"), SM), (CONFIGS / "scans" / name.replace("csi", "lambda"), {})]:
        result = run_json("point", f"{scan_file}.yaml", *settings(values), "--json")
        assert result["chi2"] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("name", ["coherent_csi", "coherent_csi_poisson", "coherent_csi_time"])
@pytest.mark.parametrize("seed", range(3))
def test_shares_add_up(name, seed):
    random = np.random.default_rng(seed)
    values = dict(zip(["C1_u_e", "C1_d_mu", "C2_u_e", "C2_d_mu"], (random.uniform(-1, 1, 4) * [3e-6, 3e-6, 1e-4, 1e-4]).tolist()))
    result = eft(name, values)
    shares = result["experiments"][name]
    assert min(shares["bins"]) >= 0 and sum(shares["bins"]) == pytest.approx(shares["chi2"], rel=1e-12)
    assert shares["chi2"] + result["penalty"] == pytest.approx(result["chi2"], rel=1e-9)
    sigma = {"signal": 0.125, "neutrons": 0.43011626, "steady_state": 0.021, "brn": 0.25, "nin": 0.35}
    assert sum((a / sigma[p.split(".")[1]]) ** 2 for p, a in result["pulls"].items()) == pytest.approx(result["penalty"], rel=1e-9)


ON, OFF = [11, 147, 224, 177, 144, 237, 210, 231, 197], [4, 98, 144, 123, 105, 202, 182, 216, 221]


@pytest.mark.parametrize("observed, variance, data, expected", [
    ({"counts": ON, "off_counts": OFF, "off_scale": 0.5, "floor": 70}, "on_plus_off", np.maximum(np.array(ON) - 0.5 * np.array(OFF), 70),
     np.array(ON) + 0.25 * np.array(OFF)),
    ({"counts": ON}, "on_plus_off", np.array(ON), np.array(ON)),
    (ON, [4, 5, 6, 7, 8, 9, 10, 11, 12], np.array(ON), np.arange(4, 13)),
    ({"counts": ON, "off_counts": OFF}, [9] * 9, np.array(ON) - OFF, np.full(9, 9)),
])
def test_differences_and_their_variances(shipped, tmp_path, observed, variance, data, expected):
    path = shipped("own", lambda config: config.update(observed=observed, statistic={"name": "gaussian", "variance": variance}))
    scan_file = write_scan(tmp_path, [str(path)], [axis("eps_ee_uV", 2)], data="observed")
    share = run_json("point", scan_file, "--json")["experiments"]["own"]
    assert share["data"] == pytest.approx(list(data), rel=1e-12)
    assert share["bins"] == pytest.approx(list((np.array(share["predicted"]) - data) ** 2 / expected), rel=1e-9)


def test_chi2_by_hand():
    """The sum of squares at the best pulls, from the counts as the release has them; and no other pulls give less."""
    c, ac = np.array(ON, float), np.array(OFF, float)
    for name, data in [("coherent_csi", c - ac), (PAPER, np.maximum(c - 0.983011583 * ac, 0))]:
        rate = rates(name, SM)[name]
        s, b = counts(rate), np.add(rate["background"]["brn"], rate["background"]["nin"])
        variance = c + ac if name == "coherent_csi" else data + b
        sigma = np.array([0.125, np.hypot(0.25, 0.35)])
        slopes = np.array([s, b]) / np.sqrt(variance)
        miss = (data - s - b) / np.sqrt(variance)
        pulls = np.linalg.solve(slopes @ slopes.T + np.diag(sigma**-2), slopes @ miss)
        chi2 = np.sum((miss - pulls @ slopes) ** 2) + np.sum((pulls / sigma) ** 2)
        result = run_json("point", CONFIGS / "scans" / f"{name.replace('csi', 'nsi')}.yaml", "--json")
        assert result["chi2"] == pytest.approx(chi2, rel=1e-6)  # sigma is written with nine digits
        assert list(result["pulls"].values()) == pytest.approx(list(pulls), rel=1e-6)
        share = result["experiments"][name]
        assert share["data"] == pytest.approx(list(data), abs=1e-5)
        assert sum(share["bins"]) == pytest.approx(share["chi2"], rel=1e-12)
        assert share["chi2"] + result["penalty"] == pytest.approx(result["chi2"], rel=1e-12)
        assert share["bins"] == pytest.approx(list((np.array(share["predicted"]) - share["data"]) ** 2 / variance), rel=1e-6)


# --- identities -------------------------------------------------------------------------------------------------------
def mixture(parts):
    return {"name": "mix", "isotopes": [{"isotope": name, "abundance": share} for name, share in parts.items()]}


def test_a_mixture_is_the_sum_of_its_isotopes(shipped):
    parts = {"Xe129": 0.3, "Xe131": 0.2, "Xe132": 0.4, "Xe136": 0.1}

    def target(nuclei):
        return lambda config: config["target"].update(nuclei=nuclei, molar_mass_g_per_mol=131)

    mixed = shipped("mixed", target([{**mixture(parts), "per_unit": 2}]))
    listed = shipped("listed", target([{"isotope": name, "per_unit": 2 * share} for name, share in parts.items()]))
    result = rates([mixed, listed])
    assert counts(result["mixed"]) == pytest.approx(counts(result["listed"]), rel=1e-12)
    alone = [shipped(name, target([{"isotope": name, "per_unit": 2}])) for name in parts]
    each = rates(alone)
    assert counts(result["mixed"]) == pytest.approx(sum(share * counts(each[name]) for name, share in parts.items()), rel=1e-12)


def test_isotopes_are_known_nuclei(shipped):
    def numbers(config):
        config["target"]["nuclei"] = [{"name": "Cs", "protons": 55, "mass_number": 133, "mass_u": 132.905451958},
                                      {"name": "I", "protons": 53, "neutrons": 74, "mass_u": 126.904471838}]

    path = shipped("numbers", numbers)
    result = rates(["coherent_csi", path])
    assert counts(result["numbers"]).tolist() == counts(result["coherent_csi"]).tolist()


def test_protons_on_target_are_protons_per_year_times_years(shipped):
    def change(config):
        del config["source"]["protons_on_target"]
        config["source"].update(protons_per_year=3.198e23 / 4, years=4)

    result = rates(["coherent_csi", shipped("yearly", change)])
    assert counts(result["yearly"]) == pytest.approx(counts(result["coherent_csi"]), rel=1e-13)


def test_time_efficiencies_scale_their_species(shipped):
    def change(config):
        for name in ("nu_mu", "numubar", "nu_e"):
            del config["source"]["time_efficiency_" + name]

    signal = rates([shipped("always", change), "coherent_csi"])
    for name, share in {"nu_mu": 0.994, "numubar": 0.918, "nu_e": 0.92}.items():
        kept, whole = (np.array(signal[x]["signal"][name]) for x in ("coherent_csi", "always"))
        assert kept == pytest.approx(share * whole, rel=1e-13)


@pytest.mark.parametrize("values", [{}, {"u": 0.3}, {"d": -0.2}, {"u": 0.21, "d": 0.13}])
def test_nsi_is_the_vector_part_of_eft(values):
    """eps = -C1/(sqrt(2) G_F), with kappa = 0 against the axial part of the standard model."""
    nsi = {f"eps_{f}_{q}V": v for q, v in values.items() for f in ("ee", "mumu")}
    wilson = {f"C1_{q}_{f}": -np.sqrt(2).item() * FERMI_PER_GEV2 * v for q, v in values.items() for f in ("e", "mu")}
    a = rates("coherent_csi", {**SM, **nsi})["coherent_csi"]
    b = run_json("rates", "--experiments", "coherent_csi", "--interaction", "eft", *settings({**wilson, "kappa": 0}), "--json")["coherent_csi"]
    for name in a["signal"]:
        assert b["signal"][name] == pytest.approx(a["signal"][name], rel=1e-11)


def test_the_axial_part_of_the_standard_model_is_small():
    rate = {k: run_json("rates", "--experiments", "coherent_csi", "--interaction", "eft", "--set", f"kappa={k}", "--json")["coherent_csi"]
            for k in (0, 0.5, 1)}
    without, half, whole = (counts(rate[k]) for k in (0, 0.5, 1))
    assert whole - without == pytest.approx(2 * (half - without), rel=1e-9)
    assert 0 < (half - without).sum() < 0.01 * without.sum()


@pytest.mark.parametrize("current, scale", [(1, 388.0), (1, -500.0), (2, 44.0), (2, -60.0)])
@pytest.mark.parametrize("flavour", ["e", "mu"])
def test_scales_are_coefficients(current, scale, flavour):
    by_scale = eft("coherent_csi", {f"lambda_C{current}_u_{flavour}": scale})
    direct = eft("coherent_csi", {f"C{current}_u_{flavour}": float(np.sign(scale)) / scale**2})
    assert by_scale["chi2"] == pytest.approx(direct["chi2"], rel=1e-9) and by_scale["chi2"] > 1e-4


def test_tau_flavour_has_no_effect():
    """Beside XENONnT, which sees it; alone it is refused."""
    tau = ["--set", "C1_u_tau=1e-4", "--set", "lambda_C1_d_tau=500"]
    both = run_json("point", "-e", "coherent_csi,xenonnt_8b", "--interaction", "eft", *tau, "--json")["experiments"]
    assert both["coherent_csi"]["chi2"] == 0 < both["xenonnt_8b"]["chi2"]
    assert "nu_tau" in run("point", "-e", "coherent_csi", "--interaction", "eft", *tau, code=BAD_INPUT).stderr


def test_recoil_term_is_small_and_lowers_the_rate():
    with_it, without = (rates("coherent_csi", {"sin2_theta_w": 0.2312, "recoil_term": x})["coherent_csi"]["signal_total"] for x in (1, 0))
    assert 0 < without / with_it - 1 < 0.01


# --- arrival times ------------------------------------------------------------------------------------------------------
MUON_US, FLAT_US, SLOPE = 2.1969811, 0.52, 0.0494  # arXiv:2110.07730 for the efficiency


def kept_of_muons(pulse, end):
    """Decays of muons that a pulse of no width leaves behind, kept with the efficiency, until the end."""
    rate = 1 / MUON_US + SLOPE
    return np.exp(-SLOPE * (pulse - FLAT_US)) * (1 - np.exp(-rate * (end - pulse))) / (MUON_US * rate)


def in_windows(shipped, name, edges, **timing):
    """Counts in each window, of all neutrinos."""
    beam = {"name": "gaussian_pulse", "mean_us": 0.6, "fwhm_us": 0.378, "efficiency_flat_us": FLAT_US, "efficiency_slope_per_us": SLOPE}

    def change(config):
        for key in [key for key in config["source"] if key.startswith("time_efficiency")]:
            del config["source"][key]
        del config["observed"], config["statistic"]
        config["timing"] = {"edges_us": edges, "beam": beam, **timing}

    signal = rates([shipped(name, change)])[name]["signal"]
    return {k: np.array(v).reshape(len(edges) - 1, -1).sum(axis=1) for k, v in signal.items() if not k.startswith("term")}


def test_what_arrives_outside_all_windows_is_lost(shipped):
    """More windows add what arrives in them, and change nothing in the others."""
    most = in_windows(shipped, "most", [0, 0.3, 1, 6])
    fewer = in_windows(shipped, "fewer", [0, 0.3, 1])
    one = in_windows(shipped, "one", [0, 6])
    half = in_windows(shipped, "half", [0, 0.5])
    long = in_windows(shipped, "long", [0, 30])
    for name in ("nu_mu", "numubar", "nu_e"):
        assert fewer[name] == pytest.approx(most[name][:2], rel=1e-12)
        assert one[name].sum() == pytest.approx(most[name].sum(), rel=1e-9)
        assert half[name].sum() < one[name].sum() < long[name].sum()
    assert half["nu_mu"].sum() / long["nu_mu"].sum() < 0.35 and half["nu_e"].sum() / long["nu_e"].sum() < 0.05
    assert one["nu_e"].sum() / long["nu_e"].sum() == pytest.approx(kept_of_muons(0.6, 6) / kept_of_muons(0.6, 30), abs=0.002)


def test_a_paper_may_share_out_what_arrives_in_the_windows(shipped):
    pulse, windows = in_windows(shipped, "pulse", [0, 1, 6]), in_windows(shipped, "windows", [0, 1, 6], shares_of="windows")
    for name in ("nu_mu", "nu_e"):
        ratio = windows[name] / pulse[name]
        assert ratio == pytest.approx(np.full(2, ratio[0]), rel=1e-9)
    assert (windows["nu_e"] / pulse["nu_e"])[0] == pytest.approx(1 / (1 - np.exp(-(6 - 0.6) / MUON_US)), abs=0.005)


def test_windows_of_time_sum_to_the_whole(shipped):
    """Shares of each neutrino sum to what is kept of the pulse; so do the bins of energy. Of the muons, exp(-5.4/2.197) =
    8.6 % decay after the last window, 0.6 us after a pulse at zero width, and the efficiency takes as much again."""
    def change(config):
        for name in ("nu_mu", "numubar", "nu_e"):
            del config["source"]["time_efficiency_" + name]

    whole = rates([shipped("untimed", change)])["untimed"]
    timed = rates("coherent_csi_time")["coherent_csi_time"]
    n_time, n_energy = len(timed["edges_us"]) - 1, len(timed["edges_PE"]) - 1
    for name, kept in {"nu_mu": 0.994, "numubar": kept_of_muons(0.6, 6), "nu_e": kept_of_muons(0.6, 6)}.items():
        by_window = np.array(timed["signal"][name]).reshape(n_time, n_energy)
        ratio = by_window.sum(axis=0) / whole["signal"][name]
        assert ratio == pytest.approx(np.full(n_energy, ratio[0]), rel=1e-12)
        assert ratio[0] == pytest.approx(kept, abs=0.005)
        assert by_window / by_window.sum(axis=0) == pytest.approx(np.repeat(by_window[:, :1] / by_window[:, :1].sum(), n_energy, axis=1), rel=1e-9)
    backgrounds = timed["background"]
    for name, total in {"steady_state": 1295, "brn": 18.4, "nin": 5.6}.items():
        assert sum(backgrounds[name]) == pytest.approx(total, rel=1e-9)
    prompt = np.array(backgrounds["brn"]).reshape(n_time, n_energy).sum(axis=1)
    delayed = np.array(backgrounds["nin"]).reshape(n_time, n_energy).sum(axis=1)
    assert prompt[:8].sum() / prompt.sum() > 0.95 > delayed[:8].sum() / delayed.sum()


def test_time_tells_flavours_apart():
    """What moves nu_e into nu_mu is seen better with the time than without."""
    values = {"eps_ee_uV": 0.1, "eps_mumu_uV": -0.08}
    assert point("coherent_csi_time", values)["chi2"] > point("coherent_csi_poisson", values)["chi2"]


# --- bounds of arXiv:2409.04703, table I ----------------------------------------------------------------------------------
BOUNDS = {
    "coherent_lambda_paper": {"C1_u_e": 388.6, "C1_d_e": 406.1, "C2_u_e": 44.0, "C2_d_e": 26.5,
                              "C1_u_mu": 393.4, "C1_d_mu": 409.7, "C2_u_mu": 50.0, "C2_d_mu": 30.1},
    "coherent_lambda": {"C1_u_e": 378.0, "C1_d_e": 396.8, "C2_u_e": 37.0, "C2_d_e": 22.3,
                        "C1_u_mu": 386.5, "C1_d_mu": 405.7, "C2_u_mu": 43.7, "C2_d_mu": 26.3},
}


def crossings(x, y, level):
    """Where y, linear between the points, is at the level."""
    below = y <= level
    k = np.nonzero(below[1:] != below[:-1])[0]
    return x[k] + (level - y[k]) / (y[k + 1] - y[k]) * (x[k + 1] - x[k])


@pytest.fixture(scope="module", params=BOUNDS)
def bounds(request, tmp_path_factory):
    output = tmp_path_factory.mktemp("bounds") / "map.h5"
    summary = scan(CONFIGS / "scans" / f"{request.param}.yaml", output)
    assert summary["complete"] and summary["points_failed"] == 0
    _, delta, status, axes = fields(output)
    return request.param, [p[7:] for p in summary["best_fit"]], delta, axes["value"], summary


def test_bounds_on_scales(bounds):
    name, members, delta, scales, _ = bounds
    assert members == list(BOUNDS[name])
    for k, member in enumerate(members):
        smallest = np.abs(crossings(scales, delta[k], 2.706)).min()
        assert smallest == pytest.approx(BOUNDS[name][member], rel=0.01), member


def test_bounds_of_positive_coefficients_are_far(bounds):
    """C1 > 0 only adds to the charge: its bound is not the one of the degenerate band."""
    _, members, delta, scales, _ = bounds
    for k, member in enumerate(members):
        if member.startswith("C1"):
            positive = scales > 0
            assert crossings(scales[positive], delta[k][positive], 2.706).min() > 600, member


def test_best_fits_of_members(bounds):
    """Each member has its own; none lies above any point of its row, and both branches of the band were looked at."""
    _, members, delta, scales, summary = bounds
    for k, member in enumerate(members):
        best = summary["best_fit"]["lambda_" + member]
        assert delta[k].min() > -1e-9 and delta[k].min() < 1e-3
        if member.startswith("C1"):  # two minima: a small correction, and the flipped charge
            row = delta[k]
            minima = [i for i in range(1, len(row) - 1) if row[i] < row[i - 1] and row[i] <= row[i + 1]]
            assert len([i for i in minima if row[i] < 2.706]) >= 2, member
        assert scales[0] <= best["value"] <= scales[-1]


def test_maps_of_scales_and_of_single_points_agree(bounds):
    name, members, delta, scales, summary = bounds
    for k, i in [(0, 100), (3, 3990), (6, 7000)]:
        values = {"lambda_" + members[k]: float(scales[i])}
        result = run_json("point", CONFIGS / "scans" / f"{name}.yaml", *settings(values), "--json")
        assert result["chi2"] - summary["best_fit"]["lambda_" + members[k]]["chi2"] == pytest.approx(delta[k][i], abs=1e-9)


# --- the plane of arXiv:2409.04703, section 4 -----------------------------------------------------------------------------
CUTS = {
    "coherent_nsi_paper": {"eps_ee_uV": [-0.042, 0.154, 0.232, 0.417], "eps_ee_dV": [-0.038, 0.139, 0.209, 0.381]},
    "coherent_nsi": {"eps_ee_uV": [-0.070, 0.450], "eps_ee_dV": [-0.063, 0.408]},
}


@pytest.mark.parametrize("name", CUTS)
def test_cuts_of_the_plane(tmp_path, name):
    summary = scan(CONFIGS / "scans" / f"{name}.yaml", tmp_path / "map.h5", ranks=2)
    chi2, delta, status, axes = fields(tmp_path / "map.h5")
    assert summary["points_failed"] == 0 and delta.min() > -1e-9
    u, d = axes["eps_ee_uV"], axes["eps_ee_dV"]
    assert u[300] == 0 and d[300] == 0
    assert crossings(u, delta[:, 300], 4.605) == pytest.approx(CUTS[name]["eps_ee_uV"], abs=0.003)
    assert crossings(d, delta[300, :], 4.605) == pytest.approx(CUTS[name]["eps_ee_dV"], abs=0.003)
    # Bands of slope -(2 Z + N)/(Z + 2 N) = -0.89, a little steeper as the neutrons' form factor falls faster. Their outer edges:
    columns = [k for k in range(len(u)) if abs(u[k]) < 0.6]
    for side in (0, -1):
        edge = [crossings(d, delta[k], 4.605)[side] for k in columns]
        slope, offset = np.polyfit(u[columns], edge, 1)
        assert -0.92 < slope < -0.89
        assert edge == pytest.approx(list(slope * u[columns] + offset), abs=0.003)


# --- together with the ESS --------------------------------------------------------------------------------------------------
def thinned(folder, name, points, **changes):
    """A shipped scan on a coarser grid."""
    config = run_json("check", CONFIGS / "scans" / f"{name}.yaml", "--json")["resolved"]
    for parameter in config["parameters"]:
        if "points" in parameter:
            parameter["points"] = points
    config.update(changes)
    path = folder / f"{config['scan']}{len(list(folder.iterdir()))}.yaml"
    path.write_text(json.dumps(config))
    return path


def test_joint_chi2_is_the_sum(tmp_path):
    joint = thinned(tmp_path, "coherent_ess", 41)
    experiments = json.loads(joint.read_text())["experiments"]
    maps = {"joint": joint,
            "csi": thinned(tmp_path, "coherent_ess", 41, experiments=experiments[:1], data="observed"),
            "ess": thinned(tmp_path, "coherent_ess", 41, experiments=experiments[1:], data="asimov")}
    chi2 = {}
    for name, path in maps.items():
        scan(path, tmp_path / f"{name}.h5")
        chi2[name] = fields(tmp_path / f"{name}.h5")[0]
    assert chi2["joint"] == pytest.approx(chi2["csi"] + chi2["ess"], rel=1e-9, abs=1e-9)
    assert chi2["csi"].min() > 1 and chi2["ess"].min() < 1e-9


def test_data_of_some_experiments(tmp_path):
    """The same, whichever way it is said."""
    names = ["coherent_csi", "coherent_csi_poisson"]
    axes = [axis("eps_ee_uV", 21)]

    def chi2(data, experiments=names):
        path = write_scan(tmp_path, experiments, axes, name="s.yaml", data=data)
        scan(path, tmp_path / "s.h5", "-q")
        result = fields(tmp_path / "s.h5")[0]
        (tmp_path / "s.h5").unlink()
        return result

    assert np.array_equal(chi2("observed"), chi2({"observed": names}))
    assert np.array_equal(chi2("observed"), chi2({"observed": names[::-1]}))
    assert np.array_equal(chi2("asimov"), chi2({"observed": []}))
    truth = {"asimov": {"eps_ee_uV": 0.1}}
    mixed = chi2({"observed": names[:1], **truth})
    assert mixed == pytest.approx(chi2("observed", names[:1]) + chi2(truth, names[1:]), rel=1e-12)
