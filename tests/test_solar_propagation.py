# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans in which the couplings of the detection act on solar neutrinos' way as well: axes that were fast become slow ones."""
import json

import h5py
import numpy as np
import pytest

from e2e import axis, fields, refused, run, run_json, scan, write_scan

NAMES = ["pandax4t_counting", "xenonnt_8b"]
EE, MUMU = axis("eps_ee_uV", 4, -0.4, 0.5), axis("eps_mumu_dV", 3, -0.3, 0.3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The detectors with neutrinos of the day that feel the couplings: NAME_day.yaml; all hours: NAME_all.yaml."""
    folder = tmp_path_factory.mktemp("propagation")
    path = write_scan(folder, NAMES, [EE], name="for_their_mappings.yaml")
    for config in run_json("check", path, "--json")["resolved"]["experiments"]:
        name = config["experiment"]
        for hours, earth in (("day", 0), ("all", 2)):
            for on in (0, 1):
                config["experiment"] = f"{name}_{hours}{'' if on else '_off'}"
                config["source"].update(nsi_in_propagation=on, earth=earth)
                (folder / f"{config['experiment']}.yaml").write_text(json.dumps(config))
    return folder


def experiments(folder, end, names=NAMES):
    return [str(folder / f"{name}_{end}.yaml") for name in names]


def rates(folder, end, values, *flags):
    settings = [word for name, value in values.items() for word in ("--set", f"{name}={value!r}")]
    rate, = run_json("rates", "--experiments", *experiments(folder, end, NAMES[1:]), *flags, *settings, "--json").values()
    return {name: np.array(counts) for name, counts in rate["signal"].items()}


@pytest.mark.parametrize("hours", ["day", "all"])
def test_without_couplings_it_is_the_standard_model(folder, hours):
    on, off = rates(folder, hours, {}), rates(folder, f"{hours}_off", {})
    for name in off:
        assert on[name] == pytest.approx(off[name], rel=1e-12)


def test_muons_become_fewer(folder):
    """Where eps_mumu^u is that of a published bound: by 28 to 31 %, the couplings of the detection being the same."""
    values = {"eps_mumu_uV": 0.7228}
    on, off = rates(folder, "day", values), rates(folder, "day_off", values)
    assert np.all((on["nu_mu"] / off["nu_mu"] > 0.69) & (on["nu_mu"] / off["nu_mu"] < 0.72))
    assert np.all(on["nu_e"] > 1.3 * off["nu_e"])


def test_what_acts_on_all_flavours_alike_is_seen_by_the_detector_only(folder):
    values = dict.fromkeys(["eps_ee_dV", "eps_mumu_dV", "eps_tautau_dV"], 0.3)
    on, off = rates(folder, "day", values), rates(folder, "day_off", values)
    for name in off:
        assert on[name] == pytest.approx(off[name], rel=1e-10)


def test_one_map_for_ranks_threads_and_orders_of_axes(folder, tmp_path):
    path = write_scan(tmp_path, experiments(folder, "day"), [EE, MUMU], data="observed", store_pulls=True)
    summaries = [scan(path, tmp_path / f"{k}.h5", "--threads", threads, ranks=ranks)
                 for k, (ranks, threads) in enumerate([(None, 1), (None, 3), (2, 1), (3, 2)])]
    assert len({s["content_hash"] for s in summaries}) == 1
    chi2, _, status, axes = fields(tmp_path / "0.h5")
    assert np.all(status == 1)
    with h5py.File(tmp_path / "0.h5") as h5:
        assert list(h5["tiles"].attrs["side"]) == [1, 1]
    scan(write_scan(tmp_path, experiments(folder, "day"), [MUMU, EE], name="turned.yaml", data="observed"), tmp_path / "turned.h5")
    assert fields(tmp_path / "turned.h5")[0].T.tobytes() == chi2.tobytes()
    for i, j in [(0, 0), (2, 1), (3, 2)]:
        at = {"eps_ee_uV": float(axes["eps_ee_uV"][i]), "eps_mumu_dV": float(axes["eps_mumu_dV"][j])}
        words = [word for name, value in at.items() for word in ("--set", f"{name}={value!r}")]
        assert run_json("point", path, *words, "--json")["chi2"] == pytest.approx(chi2[i, j], rel=1e-9)
    run("verify", "--all", tmp_path / "0.h5")


def test_the_truth_is_the_best_fit(folder, tmp_path):
    truth = {"eps_ee_uV": 0.2, "eps_mumu_dV": -0.3}
    path = write_scan(tmp_path, experiments(folder, "day"), [EE, MUMU], data={"asimov": truth})
    summary = scan(path, tmp_path / "map.h5")
    chi2, _, _, axes = fields(tmp_path / "map.h5")
    at = tuple(int(np.argmin(np.abs(axes[name] - value))) for name, value in truth.items())
    assert chi2[at] == pytest.approx(0, abs=1e-9) and chi2.min() == chi2[at]
    assert summary["best_fit"] == truth


def test_a_fast_axis_stays_fast(folder, tmp_path):
    """The weak mixing angle and the flux beside a coupling; the same as a scan at one value of that."""
    fast = axis("sin2_theta_w", 5, 0.2, 0.3)
    scan(write_scan(tmp_path, experiments(folder, "day"), [EE, fast], data="observed"), tmp_path / "map.h5")
    chi2, _, _, axes = fields(tmp_path / "map.h5")
    fixed = {"name": "eps_ee_uV", "value": float(axes["eps_ee_uV"][2])}
    scan(write_scan(tmp_path, experiments(folder, "day"), [fixed, fast], name="row.yaml", data="observed"), tmp_path / "row.h5")
    assert fields(tmp_path / "row.h5")[0].tobytes() == chi2[2].tobytes()


def test_wilson_coefficients_are_the_same_couplings(folder):
    lambda_GeV, fermi_per_GeV2 = 400.0, 1.1663787e-5
    eps = 1 / (2**0.5 * fermi_per_GeV2 * lambda_GeV**2)
    common = {"sin2_theta_w": 0.2312, "recoil_term": 1}
    one = rates(folder, "day", {**common, "eps_mumu_uV": eps})
    other = rates(folder, "day", {**common, "lambda_C1_u_mu": -lambda_GeV}, "--interaction", "eft")
    for name in one:
        assert one[name] == pytest.approx(other[name], rel=1e-6)


@pytest.mark.parametrize("flavour, off, on", [("e", 288.0, 286.1), ("mu", 290.1, 270.8), ("tau", 287.3, 276.8)])
def test_bounds_move(folder, flavour, off, on):
    """Those of analysis/README.md: Delta chi2 = 2.706 for destructive couplings, in a detector that is described exactly by others."""
    for end, lambda_GeV in (("all_off", off), ("all", on)):
        names = experiments(folder, end, NAMES[:1])
        scan_file = write_scan(folder, names, [], name="bounds.yaml", interaction="eft", data="observed")
        found = run_json("point", scan_file, "--set", f"lambda_C1_u_{flavour}={-lambda_GeV!r}", "--json")
        assert found["chi2"] == pytest.approx(2.706, abs=0.02)


# --- what is refused --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("interaction", ["scalar", "vector_universal", "axial", "tensor"])
def test_no_potential_of_light_mediators(folder, tmp_path, interaction):
    write_scan(tmp_path, experiments(folder, "day"), [axis("coupling", 3, 0, 1e-4)], interaction=interaction)
    message = refused(tmp_path, "run", "scan.yaml", "-o", "map.h5")
    assert f'"{interaction}"' in message and '"nsi"' in message and '"nsi_in_propagation"' in message and "scan.yaml:" in message


@pytest.mark.parametrize("parameters, more", [
    ([axis("eps_emu_uV", 3, -0.1, 0.1)], {}),
    ([EE, {"name": "eps_mutau_dV", "value": 0.1}], {}),
    ([EE], {"data": {"asimov": {"eps_etau_uV": 0.1}}}),
])
def test_no_couplings_between_flavours(folder, tmp_path, parameters, more):
    write_scan(tmp_path, experiments(folder, "day"), parameters, **more)
    message = refused(tmp_path, "run", "scan.yaml", "-o", "map.h5")
    assert "scan.yaml:" in message and "expected zero" in message and "coherently" in message


def test_no_couplings_between_flavours_by_hand(folder, tmp_path):
    name = experiments(folder, "day", NAMES[:1])
    assert "expected zero" in refused(tmp_path, "point", "--experiments", *name, "--set", "eps_emu_uV=0.1")
    run("point", "--experiments", *name, "--set", "eps_emu_uV=0")


@pytest.mark.parametrize("parameters, more, says", [
    ([{"each_of": ["eps_ee_uV", "eps_ee_dV"], "min": -1, "max": 1, "points": 5}], {}, "in turn"),
    ([EE, MUMU], {"tile": [2, 2]}, '"tile"'),
])
def test_slow_axes_are_slow_axes(folder, tmp_path, parameters, more, says):
    write_scan(tmp_path, experiments(folder, "day"), parameters, **more)
    assert says in refused(tmp_path, "run", "scan.yaml", "-o", "map.h5")


@pytest.mark.parametrize("value, says", [("0.5", "whole"), ("2", "between 0 and 1"), ("true", "number"), ("-1", "between 0 and 1")])
def test_the_option_is_a_choice(folder, tmp_path, value, says):
    text = (folder / f"{NAMES[0]}_day.yaml").read_text().replace('"nsi_in_propagation": 1', f'"nsi_in_propagation": {value}')
    (tmp_path / "bad.yaml").write_text(text)
    message = refused(tmp_path, "point", "--experiments", "./bad.yaml")
    assert '"nsi_in_propagation"' in message and says in message and "bad.yaml:1:" in message


def test_the_option_is_described():
    card = run_json("describe", "solar_b8", "--json")
    found, = (p for p in card["parameters"] if p["name"] == "nsi_in_propagation")
    assert (found["default"], found["minimum"], found["maximum"]) == (0, 0, 1)
