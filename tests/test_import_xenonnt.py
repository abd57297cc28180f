# SPDX-License-Identifier: GPL-3.0-or-later
"""Experiment files from XENONnT's release: a small release of the same structure, with numbers of its own, and the real one where
CEVSCAN_XENONNT_RELEASE says where a copy is."""
import csv
import os
import resource
import subprocess
import sys

import h5py
import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize

from e2e import BAD_INPUT, REPO, axis, fields, rates, run, run_json, scan, write_scan

SCRIPT = REPO / "analysis" / "import_xenonnt.py"
OBSERVABLES = ["cs2", "s2_shadow_s2_time_shadow_quantile", "s1_bdt_score", "s2_bdt_score"]
EDGES = [[90, 150, 500], [0, 0.5, 1], [0, 0.25, 0.5, 1], [0.75, 0.9, 1]]  # not as many bins along each
SHAPE = (2, 2, 3, 2)
ENERGIES = [0.5, 0.6, 0.7, 0.8]
EXPOSURE = {"sr0": 1.174398, "sr1": 2.342593}
# Of sr0, by hand: two in the first bin, one on an edge, one on the last edge, one outside.
EVENTS = {"sr0": [(100, 0.1, 0.1, 0.8), (149.9, 0.49, 0.2, 0.89), (150, 0.1, 0.3, 0.95), (500, 1, 1, 1), (600, 0.1, 0.1, 0.8)],
          "sr1": [(100, 0.6, 0.1, 0.8)]}


def flat(*index):
    return int(np.ravel_multi_index(index, SHAPE))


def efficiency(recoil_keV, yields=(0, 0)):
    return (np.arange(np.prod(SHAPE)).reshape(SHAPE) + 1) * recoil_keV * 1e-3 * (1 + 0.1 * yields[0] + 0.2 * yields[1])


def background(run_name, kind):
    shape = 1 + np.arange(np.prod(SHAPE)).reshape(SHAPE) % 5
    return {"ac": 0.02, "er": 0.002, "rg": 0.001}[kind] * (2 + int(run_name[2:])) * shape


def write_template(path, values, edges=EDGES):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as h5:
        for k, name in enumerate(OBSERVABLES):
            bins = h5.create_dataset(f"bins/{k}", data=np.array(edges[k], dtype=float))
            bins.attrs["name"] = name.removesuffix("_quantile")
        h5["templates/template"] = values


def mono(release, run_name, energy, yields=(0, 0)):
    return (release / "templates" / run_name / "mono" /
            f"template_XENONnT_{run_name}_mono_{energy:.3f}_cevns_tly_{yields[0]:.1f}_tqy_{yields[1]:.1f}.h5")


def of_background(release, run_name, kind, yields=(0, 0)):
    end = f"_tly_{yields[0]:.1f}_tqy_{yields[1]:.1f}" if kind == "rg" else ""
    return release / "templates" / run_name / kind / f"template_XENONnT_{run_name}_{kind}_cevns{end}.h5"


def write_binning(release, run_name, order=range(4)):
    (release / "binning").mkdir(exist_ok=True)
    (release / "binning" / f"{run_name}.yaml").write_text(
        "".join(f"{OBSERVABLES[k]}:\n" + "".join(f"- {x:.12f}\n" for x in EDGES[k]) for k in order))


def write_events(release, run_name, events):
    (release / "data").mkdir(exist_ok=True)
    with open(release / "data" / f"{run_name}.csv", "w", newline="") as file:
        csv.writer(file).writerows([["", *OBSERVABLES], *([k, *event] for k, event in enumerate(events))])


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "release"
    folder.mkdir()
    for name in EVENTS:
        write_binning(folder, name)
        write_events(folder, name, EVENTS[name])
        for yields in ((0, 0), (0, -1)):
            for energy in ENERGIES:
                write_template(mono(folder, name, energy, yields), efficiency(energy, yields))
            write_template(of_background(folder, name, "rg", yields), background(name, "rg"))
        for kind in ("ac", "er"):
            write_template(of_background(folder, name, kind), background(name, kind))
    return folder


def imported(release, *arguments, code=0):
    """The command, with experiment files beside the release."""
    command = [sys.executable, str(SCRIPT), str(release), "-o", str(release.parent / "experiments"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done


def files(release):
    folder = release.parent / "experiments"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def use(release):
    return {"env": {**os.environ, "CEVSCAN_PATH": str(release.parent / "experiments")}}


def resolved(release, name="xenonnt_sr0"):
    """The experiment as cevscan reads it."""
    scan_file = write_scan(release.parent, [name], [axis("eps_ee_uV", 3)])
    return run_json("check", scan_file, "--json", **use(release))["resolved"]["experiments"][0]


# ---------------------------------------------------------------------------------------------------------- what is written

def test_counts_by_hand(release):
    done = imported(release)
    assert files(release) == ["xenonnt_sr0.yaml", "xenonnt_sr1.yaml"]
    assert [os.path.basename(line) for line in done.stdout.splitlines()] == files(release)
    observed = np.zeros(24, int)
    observed[flat(0, 0, 0, 0)] = 2
    observed[flat(1, 0, 1, 1)] = observed[flat(1, 1, 2, 1)] = 1
    assert list(resolved(release)["observed"]) == list(observed)
    assert "sr0.csv: 1 of 5 events lie outside of the bins" in done.stderr and "sr1" not in done.stderr
    assert resolved(release, "xenonnt_sr1")["observed"][flat(0, 1, 0, 0)] == 1


def test_responses_and_backgrounds(release):
    imported(release)
    for name, exposure in EXPOSURE.items():
        experiment = resolved(release, f"xenonnt_{name}")
        assert experiment["target"]["mass_kg"] == pytest.approx(1000 * exposure, rel=1e-9)
        assert experiment["response"]["recoil_keV"] == ENERGIES
        expected = np.array([efficiency(energy).ravel() for energy in ENERGIES]).T
        assert np.array(experiment["response"]["bins"]) == pytest.approx(expected, rel=1e-8)
        for component, kind in zip(experiment["backgrounds"], ("ac", "er", "rg")):
            assert component["counts"] == pytest.approx(exposure * background(name, kind).ravel(), rel=1e-8)
    assert "10.5281/zenodo.20576156" in experiment["citation"] and "CC BY 4.0" in experiment["citation"]


def test_pulls(release):
    imported(release)
    pulls = [{p["name"]: (p["sigma"], p["scales"]) for p in resolved(release, f"xenonnt_{name}")["pulls"]} for name in EXPOSURE]
    assert pulls[0] == {"flux_b8": (0.12, ["signal"]), "xenonnt_sr0.accidental_coincidences": (0.0904, ["accidental_coincidences"]),
                        "xenonnt.electronic_recoils": (1, ["electronic_recoils"]), "xenonnt.neutrons": (0.58, ["neutrons"])}
    assert pulls[1]["xenonnt_sr1.accidental_coincidences"][0] == 0.0576
    assert set(pulls[0]) & set(pulls[1]) == {"flux_b8", "xenonnt.electronic_recoils", "xenonnt.neutrons"}


def test_yields(release):
    """Files of their own; responses in proportion to the efficiencies."""
    imported(release)
    imported(release, "--tqy", -1)
    assert files(release) == ["xenonnt_sr0.yaml", "xenonnt_sr0_tqy_down.yaml", "xenonnt_sr1.yaml", "xenonnt_sr1_tqy_down.yaml"]
    both = rates("xenonnt_sr0,xenonnt_sr0_tqy_down", **use(release))
    assert both["xenonnt_sr0_tqy_down"]["signal_total"] == pytest.approx(0.8 * both["xenonnt_sr0"]["signal_total"], rel=1e-8)
    assert "tly_1.0_tqy_0.0" in imported(release, "--tly", 1, code=BAD_INPUT).stderr


OTHERS = {"xenonnt.light_yield": (1, 0), "xenonnt.charge_yield": (0, 1)}


def write_other_yields(release):
    """The neutrons change with them, too."""
    for name in EVENTS:
        for step in OTHERS.values():
            for sign in (-1, 1):
                yields = tuple(sign * k for k in step)
                for energy in ENERGIES:
                    write_template(mono(release, name, energy, yields), efficiency(energy, yields))
                write_template(of_background(release, name, "rg", yields), background(name, "rg") * (1 + 0.05 * yields[0]))


def test_yields_as_pulls(release):
    write_other_yields(release)
    imported(release, "--pull-yields")
    assert files(release) == ["xenonnt_sr0_yields.yaml", "xenonnt_sr1_yields.yaml"]
    for name, exposure in EXPOSURE.items():
        experiment = resolved(release, f"xenonnt_{name}_yields")
        pulls = {p["name"]: p for p in experiment["pulls"]}
        assert list(pulls)[-2:] == list(OTHERS)
        for pull, step in OTHERS.items():
            assert pulls[pull]["sigma"] == 1 and "scales" not in pulls[pull]
            for side, sign in (("up", 1), ("down", -1)):
                yields = tuple(sign * k for k in step)
                expected = np.array([efficiency(energy, yields).ravel() for energy in ENERGIES]).T
                assert np.array(pulls[pull][side]["bins"]) == pytest.approx(expected, rel=1e-8)
                neutrons = exposure * background(name, "rg").ravel() * (1 + 0.05 * yields[0])
                assert pulls[pull][side]["backgrounds"]["neutrons"] == pytest.approx(neutrons, rel=1e-8)
    scan_file = write_scan(release.parent, ["xenonnt_sr0_yields", "xenonnt_sr1_yields"], [axis("eps_ee_uV", 3)], data="observed")
    found = run_json("point", scan_file, "--json", **use(release))
    assert set(OTHERS) < set(found["pulls"])


def test_yields_as_pulls_need_all_templates(release):
    done = imported(release, "--pull-yields", code=BAD_INPUT)
    assert "tly_1.0_tqy_0.0" in done.stderr and files(release) == []
    assert "without --tly" in imported(release, "--pull-yields", "--tqy", -1, code=BAD_INPUT).stderr


def test_order_of_axes_in_the_file_of_bins(release):
    """That of the templates counts."""
    imported(release)
    first = (release.parent / "experiments" / "xenonnt_sr0.yaml").read_text()
    write_binning(release, "sr0", order=(3, 1, 0, 2))
    imported(release, "--force")
    assert (release.parent / "experiments" / "xenonnt_sr0.yaml").read_text() == first


def test_no_events(release):
    write_events(release, "sr0", [])
    assert imported(release).stderr == "" and set(resolved(release)["observed"]) == {0}


# --------------------------------------------------------------------------------------------------------------- what it does

def test_rates_are_shares_of_one_spectrum(release):
    """All bins are proportional to each other here; twice the exposure sees twice as much."""
    imported(release)
    both = rates("xenonnt_sr0,xenonnt_sr1", **use(release))
    signal = {name: np.sum(list(rate["signal"].values()), axis=0) for name, rate in both.items()}
    assert signal["xenonnt_sr0"] == pytest.approx(signal["xenonnt_sr0"][0] * np.arange(1, 25), rel=1e-7)
    assert signal["xenonnt_sr1"] == pytest.approx(signal["xenonnt_sr0"] * EXPOSURE["sr1"] / EXPOSURE["sr0"], rel=1e-7)
    assert signal["xenonnt_sr0"].sum() > 0.1


def test_scan(release):
    imported(release)
    scan_file = write_scan(release.parent, ["xenonnt_sr0", "xenonnt_sr1"], [axis("eps_ee_uV", 21, -1, 1)], data="observed")
    assert run_json("check", scan_file, "--json", **use(release))["points"] == 21
    summary = scan(scan_file, release.parent / "map.h5", **use(release))
    assert summary["complete"] and summary["points_failed"] == 0
    chi2, delta, _, _ = fields(release.parent / "map.h5")
    assert np.all(np.isfinite(chi2)) and delta.min() >= 0


def test_likelihood_of_two_runs(release):
    """The extended Poisson likelihood over all bins of both, minimised by another program over the pulls, some of them shared."""
    imported(release)
    runs = {f"xenonnt_{name}": name for name in EXPOSURE}
    scan_file = write_scan(release.parent, list(runs), [axis("eps_ee_uV", 3)], data="observed")
    found = run_json("point", scan_file, "--json", **use(release))
    signal = {name: np.sum(list(rate["signal"].values()), axis=0) for name, rate in rates(list(runs), **use(release)).items()}
    observed = {name: np.array(resolved(release, name)["observed"]) for name in runs}

    def chi2(pull):
        flux, electronic, neutrons, *accidentals = pull
        sum_ = np.sum((pull / [0.12, 1, 0.58, 0.0904, 0.0576])**2)
        for (name, of), accidental in zip(runs.items(), accidentals):
            ac, er, rg = (EXPOSURE[of] * background(of, kind).ravel() for kind in ("ac", "er", "rg"))
            mu = (1 + flux) * signal[name] + (1 + accidental) * ac + (1 + electronic) * er + (1 + neutrons) * rg
            n = observed[name]
            sum_ += 2 * np.sum(mu - n + n * np.log(np.where(n > 0, n, 1) / mu))
        return sum_

    fit = minimize(chi2, np.zeros(5), method="L-BFGS-B", bounds=[(-0.99, 3)] * 5, options={"ftol": 1e-15, "gtol": 1e-10})
    assert found["chi2"] == pytest.approx(fit.fun, rel=1e-7)


# --------------------------------------------------------------------------------------------------------------- what it refuses

def lose(path):
    return lambda release: path(release).unlink()


def replace(path, values, edges=EDGES):
    return lambda release: write_template(path(release), values, edges)


def text(name, content):
    return lambda release: (release / name).write_text(content)


FIRST, AC = (lambda r: mono(r, "sr0", 0.5)), (lambda r: of_background(r, "sr0", "ac"))
BAD = {
    "no mono template": (lose(lambda r: mono(r, "sr0", 0.6)), ["mono_0.600_cevns_tly_0.0_tqy_0.0.h5", "missing"]),
    "a hole in all": (lambda r: [mono(r, "sr0", 0.6, y).unlink() for y in ((0, 0), (0, -1))],
                      ["sr0/mono", "between 0.5 and 0.7 keV"]),
    "no background": (lose(AC), ["sr0_ac_cevns.h5", "missing"]),
    "no neutrons": (lose(lambda r: of_background(r, "sr1", "rg")), ["sr1_rg_cevns_tly_0.0_tqy_0.0.h5", "missing"]),
    "no bins": (lambda r: (r / "binning/sr0.yaml").unlink(), ["binning/sr0.yaml", "No such file"]),
    "shape": (replace(AC, np.ones((3, 3, 3, 3))), ["sr0_ac_cevns.h5", "shape (3, 3, 3, 3)", "(2, 2, 3, 2)"]),
    "other bins": (replace(AC, np.ones(SHAPE), [[90, 151, 500], *EDGES[1:]]), ["sr0_ac_cevns.h5", "bins in cs2", "sr0.yaml"]),
    "negative": (replace(AC, -np.ones(SHAPE)), ["sr0_ac_cevns.h5", "negative"]),
    "nan": (replace(FIRST, np.full(SHAPE, np.nan)), ["mono_0.500", "no number"]),
    "above one": (replace(FIRST, np.ones(SHAPE)), ["mono_0.500", "24", "more than 1"]),
    "energy twice": (lambda r: write_template(mono(r, "sr0", 0.5).with_name(mono(r, "sr0", 0.5).name.replace("0.500", "0.50")),
                                              efficiency(0.5)), ["mono_0.50", "do not increase", "0.5 keV"]),
    "not HDF5": (lambda r: AC(r).write_text("x"), ["sr0_ac_cevns.h5", "not a template"]),
    "no number in the bins": (text("binning/sr0.yaml", "cs2:\n- 90\n- wide\n"), ["sr0.yaml:3", "\"wide\" is not a number"]),
    "no list in the bins": (text("binning/sr0.yaml", "cs2: {}\n"), ["sr0.yaml:1", "expected"]),
    "one observable": (text("binning/sr0.yaml", "cs2:\n- 90\n- 100\n"), ["sr0.yaml", "1 observables"]),
    "edges fall": (lambda r: text("binning/sr0.yaml", (r / "binning/sr0.yaml").read_text().replace("150.0", "50.0"))(r),
                   ["sr0.yaml", "cs2 do not increase"]),
    "no column": (text("data/sr0.csv", ",cs2\n0,100\n"), ["sr0.csv", "no column", "s1_bdt_score"]),
    "no number in the events": (text("data/sr0.csv", ",".join(["", *OBSERVABLES]) + "\n0,100,0.1,x,0.8\n"),
                                ["sr0.csv:2", "s1_bdt_score", "\"x\" is not a number"]),
    "short row": (text("data/sr0.csv", ",".join(["", *OBSERVABLES]) + "\n0,100,0.1\n"), ["sr0.csv:2", "not a number"]),
    "no data": (lambda r: [path.unlink() for path in (r / "data").iterdir()], ["data", "none of the runs"]),
}


@pytest.mark.parametrize("spoil, says", BAD.values(), ids=BAD)
def test_bad_releases(release, spoil, says):
    """One line that names the file, and nothing is written."""
    spoil(release)
    done = imported(release, code=BAD_INPUT)
    errors = done.stderr.splitlines()[-1]
    assert errors.startswith("import_xenonnt.py: ") and all(word in errors for word in says), done.stderr
    assert "Traceback" not in done.stderr and files(release) == []


@pytest.mark.parametrize("arguments, says", [
    (["--runs", "sr7"], 'unknown run "sr7"'), (["--runs", "sr0,sr0"], "twice"), (["--tly", "2"], "--tly"),
    (["--exposure", "sr0"], "--exposure"), (["--exposure", "sr0=-1"], "--exposure"), (["--accidentals", "x=1"], "--accidentals"),
], ids=str)
def test_bad_flags(release, arguments, says):
    assert says in imported(release, *arguments, code=BAD_INPUT).stderr and files(release) == []


def test_what_is_no_release(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "not a copy of the release" in imported(tmp_path / "empty", code=BAD_INPUT).stderr


def test_a_run_without_exposure(release):
    for folder in ("mono", "ac", "er", "rg"):
        (release / "templates" / "sr2" / folder).mkdir(parents=True)
        for path in (release / "templates" / "sr0" / folder).iterdir():
            (release / "templates" / "sr2" / folder / path.name.replace("sr0", "sr2")).write_bytes(path.read_bytes())
    write_binning(release, "sr2")
    write_events(release, "sr2", EVENTS["sr1"])
    assert "sr2 is left out" in imported(release).stderr and "xenonnt_sr2.yaml" not in files(release)
    assert "--exposure sr2=" in imported(release, "--runs", "sr2", code=BAD_INPUT).stderr
    imported(release, "--runs", "sr2", "--exposure", "sr2=2.5", "--accidentals", "sr2=0.07")
    experiment = resolved(release, "xenonnt_sr2")
    assert experiment["target"]["mass_kg"] == 2500 and experiment["pulls"][1]["sigma"] == 0.07


def test_files_are_replaced_by_force_only(release):
    folder = release.parent / "experiments"
    folder.mkdir()
    (folder / "xenonnt_sr1.yaml").write_text("mine")
    done = imported(release, code=BAD_INPUT)
    assert "xenonnt_sr1.yaml: exists already" in done.stderr and "--force" in done.stderr
    assert files(release) == ["xenonnt_sr1.yaml"] and (folder / "xenonnt_sr1.yaml").read_text() == "mine"
    imported(release, "--force")
    assert files(release) == ["xenonnt_sr0.yaml", "xenonnt_sr1.yaml"] and (folder / "xenonnt_sr1.yaml").read_text() != "mine"


def test_a_full_disk(release):
    """No file, and no part of one."""
    command = [sys.executable, str(SCRIPT), str(release), "-o", str(release.parent / "experiments")]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, preexec_fn=limit)
    assert done.returncode == 74 and "xenonnt_sr0.yaml: cannot be written: File too large" in done.stderr
    assert files(release) == []


def test_no_place_to_write(release):
    (release.parent / "experiments").write_text("a file")
    assert "experiments" in imported(release, code=BAD_INPUT).stderr


# --------------------------------------------------------------------------------------------------------------- the real one

REAL = os.environ.get("CEVSCAN_XENONNT_RELEASE")
needs_release = pytest.mark.skipif(not REAL, reason="CEVSCAN_XENONNT_RELEASE does not name a copy of doi:10.5281/zenodo.20576156")
SM = {"sin2_theta_w": 0.23857, "recoil_term": 1}
FIXED = [{"name": name, "value": value} for name, value in SM.items()]

# Natural xenon under 8B neutrinos at 5.46e6 per cm2 and s, per (t yr keV), at recoils of so many keV: an independent calculation.
SPECTRUM = {0.5: 706.3, 0.7: 460.0, 1.0: 238.2, 1.5: 71.96, 2.0: 17.30, 2.5: 2.755, 3.0: 0.2126}


@pytest.fixture
def real(tmp_path):
    command = [sys.executable, str(SCRIPT), REAL, "-o", str(tmp_path / "experiments"), "--runs", "sr0,sr1"]
    subprocess.run(command, check=True, timeout=120)
    return tmp_path / "release"


@needs_release
def test_real_counts(real):
    """9 and 28 events; backgrounds as in Phys. Rev. Lett. 133 (2024) 191002, 26.4 +1.4 -1.3; signal by a spectrum of an
    independent calculation, which ends where less than 1e-3 events remain."""
    counts = rates("xenonnt_sr0,xenonnt_sr1", SM, **use(real))
    assert [sum(resolved(real, name)["observed"]) for name in counts] == [9, 28]
    assert sum(rate["background_total"] for rate in counts.values()) == pytest.approx(26.50, abs=0.01)
    signal = sum(rate["signal_total"] for rate in counts.values())
    log_spectrum = CubicSpline(list(SPECTRUM), np.log(list(SPECTRUM.values())))
    recoil = np.linspace(0.5, 3, 2001)
    expected = 0
    for name, exposure in EXPOSURE.items():
        response = resolved(real, f"xenonnt_{name}")["response"]
        total = np.interp(recoil, response["recoil_keV"], np.sum(response["bins"], axis=0))
        expected += exposure * trapezoid(total * np.exp(log_spectrum(recoil)), recoil)
    assert signal == pytest.approx(expected, rel=0.005) and signal == pytest.approx(9.489, abs=0.01)
    assert signal * 5.25 / 5.46 == pytest.approx(9.2, rel=0.015)  # of the release, at the flux that XENONnT uses


@needs_release
def test_real_significance_and_flux(real):
    """The background alone is 2.7 sigma away, as published (2.73); so is the flux times the efficiency: (4.7 +3.6 -2.3) 10^6 at
    11.92 events, which is 6.1 10^6 at 9.12."""
    scan_file = write_scan(real.parent, ["xenonnt_sr0", "xenonnt_sr1"],
                           [axis("flux_b8", 2001, 0, 2e7), *FIXED],
                           data="observed", without_pulls=["flux_b8"])
    scan(scan_file, real.parent / "flux.h5", **use(real))
    _, delta, _, axes = fields(real.parent / "flux.h5")
    assert np.sqrt(delta[0]) == pytest.approx(2.73, abs=0.05)
    allowed = axes["flux_b8"][delta <= 1] / 1e6
    assert axes["flux_b8"][delta.argmin()] / 1e6 == pytest.approx(6.35, abs=0.03)
    assert [allowed[0], allowed[-1]] == pytest.approx([3.65, 9.51], abs=0.03)


@needs_release
def test_real_flux_with_yields_as_pulls(real):
    """Both yields free within their uncertainty widen the interval, as they should: 9.5 events become 7.4 to 11.9."""
    command = [sys.executable, str(SCRIPT), REAL, "-o", str(real.parent / "experiments"), "--runs", "sr0,sr1", "--pull-yields"]
    subprocess.run(command, check=True, timeout=120)
    scan_file = write_scan(real.parent, ["xenonnt_sr0_yields", "xenonnt_sr1_yields"], [axis("flux_b8", 2001, 0, 2e7), *FIXED],
                           data="observed", without_pulls=["flux_b8"])
    scan(scan_file, real.parent / "flux.h5", **use(real))
    _, delta, _, axes = fields(real.parent / "flux.h5")
    allowed = axes["flux_b8"][delta <= 1] / 1e6
    assert axes["flux_b8"][delta.argmin()] / 1e6 == pytest.approx(6.38, abs=0.03)
    assert [allowed[0], allowed[-1]] == pytest.approx([3.47, 10.81], abs=0.03)


def largest(release, interaction, n=1001):
    """The coupling of a mediator of 10 MeV from which on Delta chi2 is above 2.71."""
    scan_file = write_scan(release.parent, ["xenonnt_sr0", "xenonnt_sr1"],
                           [axis("coupling", n, 1e-6, 1e-4, scale="log"), {"name": "mediator_mass_MeV", "value": 10}, *FIXED],
                           data="observed", interaction=interaction)
    scan(scan_file, release.parent / f"{interaction}.h5", **use(release))
    _, delta, _, axes = fields(release.parent / f"{interaction}.h5")
    return axes["coupling"][delta - delta.min() <= 2.71].max()


@needs_release
@pytest.mark.parametrize("interaction, g", [("scalar", 8.44e-6), ("vector_b_minus_l", 3.27e-5), ("vector_universal", 4.04e-5)])
def test_real_limits(real, interaction, g):
    """As in analysis/README.md."""
    assert largest(real, interaction) == pytest.approx(g, rel=0.007)
