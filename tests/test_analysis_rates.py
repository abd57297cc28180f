# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of expected events."""
import subprocess
import sys

import numpy as np
import pytest

from e2e import BIN, REPO, rates

ANALYSIS = REPO / "analysis"
sys.path.insert(0, str(ANALYSIS))

from cevscan_analysis import MapError, event_rates, pick, spectra  # noqa: E402
from cevscan_analysis import rates as rates_of_package  # noqa: E402


def script(*words):
    return subprocess.run([sys.executable, str(ANALYSIS / "plot_rates.py"), "--cevscan", str(BIN), *map(str, words)], capture_output=True,
                          text=True, timeout=120)


def test_json_says_what_a_picture_needs():
    found = rates("coherent_csi,coherent_csi_poisson,ess_csi")
    csi, poisson, ess = found["coherent_csi"], found["coherent_csi_poisson"], found["ess_csi"]
    assert csi["observed"] == [7, 49, 80, 54, 39, 35, 28, 15, -24] and csi["variance"][1] == 147 + 98
    assert poisson["observed"][1] == 147 and "variance" not in poisson
    assert "observed" not in ess and ess["title"].startswith("Cesium") and ess["labels"]["nu_e"] == "\\nu_e"


def test_layers_sum_to_the_prediction():
    rate = rates("xenonnt_8b")["xenonnt_8b"]
    unit, edges = event_rates.edges_of(rate)
    layers = event_rates.layers_of(rate, edges)
    assert unit == "bin" and [label for label, _, _ in layers][-1] == r"$\nu_\tau$"
    assert sum(counts.sum() for _, _, counts in layers) == pytest.approx(rate["signal_total"] + rate["background_total"], rel=1e-9)


def test_arrival_time_is_summed_over():
    timed, plain = rates("coherent_csi_time")["coherent_csi_time"], rates("coherent_csi")["coherent_csi"]
    _, edges = event_rates.edges_of(timed)
    assert len(timed["background"]["brn"]) == 11 * 9
    assert event_rates.per_energy(timed["background"]["brn"], edges) == pytest.approx(np.array(plain["background"]["brn"]), rel=1e-9)


@pytest.mark.parametrize("words", [[], ["--log"], ["--per-unit", "--title", "events"]])
def test_figures(tmp_path, words):
    for name in ("a.png", "a.pdf"):
        done = script("-e", "coherent_csi,xenonnt_8b,ess_ar,coherent_csi_time", "-o", tmp_path / name, *words)
        assert done.returncode == 0 and not done.stderr, done.stderr
        assert (tmp_path / name).stat().st_size > 5000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.pdf", "a.png"]


def test_rates_of_the_package_is_a_function():
    found = rates_of_package(["ess_csi", "ess_ar"], settings={"eps_ee_uV": 0.1}, cevscan=BIN)
    assert found == rates("ess_csi,ess_ar", {"eps_ee_uV": 0.1})
    with pytest.raises(MapError, match='did you mean "ess_csi"') as error:
        rates_of_package("ess_cis", cevscan=BIN)
    assert "cevscan: error" not in str(error.value)


def test_spectra_of_the_package():
    found = spectra("ess_ar", of="cross_section", energy_MeV=30, low=1, high=9, points=3, log=True, cevscan=BIN)["ess_ar"]
    recoil_keV, values = pick(found, nucleus="Ar", component="nu_e")
    assert recoil_keV == pytest.approx([1, 3, 9]) and (values > 0).all()
    with pytest.raises(MapError, match="0 curves .* Ar, nu_e"):
        pick(found, nucleus="Xe")


def test_what_has_no_edges():
    counted = event_rates.edges_of(rates("ess_c3f8")["ess_c3f8"])
    assert counted[0] == "keV" and np.isfinite(counted[1]).all()


def test_bad_input(tmp_path):
    done = script("-e", "xenont_8b", "-o", tmp_path / "a.png")
    assert done.returncode == 2 and 'did you mean "xenonnt_8b"' in done.stderr and not list(tmp_path.iterdir())
    done = script("-e", "xenonnt_8b", "-o", tmp_path / "a.gif")
    assert done.returncode == 2 and "must end in .pdf, .png, .svg or .pgf" in done.stderr
    done = script("-e", "xenonnt_8b", "--set", "flux_b8=much", "-o", tmp_path / "a.png")
    assert done.returncode == 2 and "flux_b8=much" in done.stderr
