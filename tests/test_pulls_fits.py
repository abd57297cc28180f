# SPDX-License-Identifier: GPL-3.0-or-later
"""What constraints, bounds, weights and parts of pulls do to a fit: identities, each of a whole configuration."""
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from e2e import axis, content_hash, experiment, fields, rates, run, run_json, scan, write_experiment, write_scan

AT = {"eps_ee_uV": 0.15, "eps_mumu_dV": -0.05}  # away from the data, where flavours count differently
OBSERVED = [110.0, 150.0, 190.0]
TARGET = {**experiment()["target"], "mass_kg": 1}


def toy(folder, pulls, name="toy", **changes):
    return str(write_experiment(folder, name, pulls=pulls, **{"target": TARGET, "observed": OBSERVED, **changes}))


def point(folder, paths, values=AT, data="observed", **more):
    paths = [paths] if isinstance(paths, str) else paths
    path = write_scan(folder, paths, [], name="point.yaml", data=data, **more)
    return run_json("point", path, *(word for name, value in values.items() for word in ("--set", f"{name}={value!r}")), "--json")


def signal(path, values=AT):
    rate, = rates(path, values).values()
    return {name: np.array(counts) for name, counts in rate["signal"].items()}


# --- constraints ------------------------------------------------------------------------------------------------------
def sideband(folder, sigma, **pull):
    """One bin that sees no neutrinos, with the counts that a gamma constraint of sigma stands for."""
    counts = [1 / sigma**2]
    return str(write_experiment(folder, "sideband", response={"name": "threshold", "threshold_keV": 1000.0}, bins={"edges_keV": [1000, 2000]},
                                backgrounds=[{"name": "side", "counts": counts}], observed=counts, pulls=[{**pull, "scales": ["side"]}]))


@pytest.mark.parametrize("sigma", [0.05, 0.28, 1.0])
@pytest.mark.parametrize("component", ["signal", "flat"])
@pytest.mark.parametrize("data", ["observed", "asimov"])
def test_a_gamma_constraint_is_a_sideband(tmp_path, sigma, component, data):
    """2 [a - ln(1 + a)]/sigma^2 is what 1/sigma^2 counts say, as a free pull shared with an experiment that has them."""
    other = {"name": "q", "sigma": 0.05, "scales": ["flat" if component == "signal" else "signal"]}
    free = {"name": "p", "constraint": "none"}
    gamma = toy(tmp_path, [{"name": "p", "sigma": sigma, "constraint": "gamma", "scales": [component]}, other])
    explicit = [toy(tmp_path, [{**free, "scales": [component]}, other], name="explicit"), sideband(tmp_path, sigma, **free)]
    for values in (AT, {"eps_ee_uV": -0.1}, {"eps_mumu_uV": 0.1}):
        one, both = (point(tmp_path, paths, values, data) for paths in (gamma, explicit))
        assert one["chi2"] == pytest.approx(both["chi2"], abs=1e-9 * max(1, one["chi2"]))
        for name in "pq":
            assert one["pulls"][name] == pytest.approx(both["pulls"][name], abs=1e-6)
    assert one["chi2"] > 0.1 and abs(one["pulls"]["p"]) > 1e-3


def test_the_gamma_constraint_of_coherent(tmp_path):
    """The first COHERENT measurement constrains its signal by 28 % (Science 357 (2017) 1123); whatever form that has, its penalty is told."""
    penalty = {"gaussian": lambda a: (a / 0.28)**2, "gamma": lambda a: 2 * (a - np.log1p(a)) / 0.28**2, "lognormal": lambda a: (np.log1p(a) / 0.28)**2}
    found = {}
    for constraint, term in penalty.items():
        x = {"experiment": "mine", "base": "coherent_csi_poisson",
             "pulls": {"coherent_csi_poisson.signal": {"sigma": 0.28, "constraint": constraint}}}
        others = {"coherent_csi_poisson.steady_state": 0.021, "coherent_csi_poisson.brn": 0.25, "coherent_csi_poisson.nin": 0.35}
        at = found[constraint] = point(tmp_path, [x], {"eps_ee_uV": 0.6})
        expected = term(at["pulls"]["coherent_csi_poisson.signal"]) + sum((at["pulls"][name] / sigma)**2 for name, sigma in others.items())
        assert at["penalty"] == pytest.approx(expected, rel=1e-9)
    a = {constraint: at["pulls"]["coherent_csi_poisson.signal"] for constraint, at in found.items()}
    assert a["gaussian"] < -0.1 and a["gamma"] > a["gaussian"] and a["lognormal"] > a["gaussian"]  # both resist a loss of counts more
    assert found["gamma"]["chi2"] > found["gaussian"]["chi2"]


def deviance(n, d):
    return 2 * np.sum(n - d + d * np.log(d / n))


def test_a_lognormal_constraint_against_scipy(tmp_path):
    path = toy(tmp_path, [{"name": "p", "sigma": 0.2, "constraint": "lognormal", "scales": ["signal"]}])
    s, d = sum(signal(path).values()), np.array(OBSERVED)
    best = minimize_scalar(lambda a: deviance(s * (1 + a) + [50, 40, 30], d) + (np.log1p(a) / 0.2)**2, bounds=(-0.9, 3), method="bounded",
                           options={"xatol": 1e-12})
    found = point(tmp_path, path)
    assert found["chi2"] == pytest.approx(best.fun, abs=1e-8) and found["pulls"]["p"] == pytest.approx(best.x, abs=1e-6)


def test_a_free_pull_is_the_limit_of_a_wide_one(tmp_path):
    free = point(tmp_path, toy(tmp_path, [{"name": "p", "constraint": "none", "scales": ["signal"]}]))
    wide = point(tmp_path, toy(tmp_path, [{"name": "p", "sigma": 1000, "scales": ["signal"]}]))
    assert free["chi2"] == pytest.approx(wide["chi2"], abs=1e-6) and free["penalty"] == 0
    assert free["pulls"]["p"] == pytest.approx(wide["pulls"]["p"], abs=1e-6) and abs(free["pulls"]["p"]) > 0.05


# --- bounds -----------------------------------------------------------------------------------------------------------
def test_a_bound_that_does_not_bind_changes_no_bit(tmp_path):
    hashes = []
    for k, bound in enumerate(({}, {"minimum": -1}, {"maximum": 5})):
        path = toy(tmp_path, [{"name": "p", "sigma": 0.2, "scales": ["signal"], **bound}, {"name": "q", "sigma": 0.05, "scales": ["flat"]}])
        scan(write_scan(tmp_path, [path], [axis("eps_ee_uV", 31)], store_pulls=True), tmp_path / f"{k}.h5")
        hashes.append(content_hash(tmp_path / f"{k}.h5"))
    assert len(set(hashes)) == 1


def test_a_bound_that_binds(tmp_path):
    """Where the fit would go beyond it, the pull sits there, as if the file had scaled what it scales."""
    loose = {"name": "p", "constraint": "none", "scales": ["flat"]}
    without = point(tmp_path, toy(tmp_path, []))
    free = point(tmp_path, toy(tmp_path, [loose]))
    assert free["chi2"] < without["chi2"] - 1e-3
    side = "minimum" if free["pulls"]["p"] < 0 else "maximum"
    none = point(tmp_path, toy(tmp_path, [{**loose, side: 0}]))
    half = free["pulls"]["p"] / 2
    at_half = point(tmp_path, toy(tmp_path, [{**loose, side: half}]))
    fixed = point(tmp_path, toy(tmp_path, [], backgrounds=[{"name": "flat", "counts": [(1 + half) * n for n in (50, 40, 30)]}]))
    assert none["chi2"] == pytest.approx(without["chi2"], abs=1e-9) and none["pulls"]["p"] == pytest.approx(0, abs=1e-9)
    assert at_half["chi2"] == pytest.approx(fixed["chi2"], abs=1e-9) and at_half["pulls"]["p"] == pytest.approx(half, abs=1e-9)
    assert free["chi2"] < at_half["chi2"] < none["chi2"]


# --- weights ----------------------------------------------------------------------------------------------------------
def two(*sigmas):
    return [{"name": f"p{k}", "sigma": sigma, "scales": ["signal"]} for k, sigma in enumerate(sigmas)]


@pytest.mark.parametrize("pulls, same", [
    ([{"name": "p", "sigma": 0.1, "scales": {"signal": 2}}], [{"name": "p", "sigma": 0.2, "scales": ["signal"]}]),
    ([{"name": "p", "sigma": 0.1, "scales": {"signal": 1, "flat": 1}}], [{"name": "p", "sigma": 0.1, "scales": ["signal", "flat"]}]),
    ([{"name": "p", "sigma": 0.1, "scales": {"signal": -1, "flat": -0.5}}], [{"name": "p", "sigma": 0.05, "scales": {"signal": 2, "flat": 1}}]),
    ([{"name": "p", "sigma": 0.1, "scales": {"signal": 1, "flat": 0.75}}, *two(0.2)], [{"name": "p", "sigma": 0.1, "scales": {"signal": 1, "flat": 0.75}},
                                                                                   *two(0.12, 0.16)]),
    ([{"name": "p", "constraint": "none", "scales": ["signal"]}], [{"name": name, "constraint": "none", "scales": ["signal"]} for name in "pq"]),
    ([{"name": "p", "sigma": 0.1, "scales": ["signal.nu_e"]}], [{"name": "p", "sigma": 0.05, "scales": {"signal.nu_e": 2}}]),
    ([{"name": "p", "sigma": 0.1, "scales": ["signal"]}], [{"name": "p", "sigma": 0.1, "scales": ["signal.nu_mu", "signal.numubar", "signal.nu_e"]}]),
    ([{"name": "p", "sigma": 0.1, "scales": ["signal"]}], [{"name": "p", "sigma": 0.1, "scales": ["signal.Ar"]}]),
    ([{"name": "p", "sigma": 0.1, "scales": ["signal"]}], [{"name": "p", "sigma": 0.1, "scales": {"signal": 3, "signal.Ar": -2}}]),
    ([{"name": "p", "sigma": 0.1, "scales": ["signal.nu_mu"]}], [{"name": "p", "sigma": 0.1, "scales": {"signal": 1, "signal.numubar": -1, "signal.nu_e": -1}}]),
], ids=lambda pulls: None)
def test_the_same_in_other_words(tmp_path, pulls, same):
    one, other = (point(tmp_path, toy(tmp_path, own)) for own in (pulls, same))
    assert one["chi2"] > 0.1 and one["chi2"] == pytest.approx(other["chi2"], abs=1e-9 * max(1, one["chi2"]))


def test_a_common_pull_of_different_weights_against_scipy(tmp_path):
    path = toy(tmp_path, [{"name": "p", "sigma": 0.1, "scales": {"signal.nu_e": 1.5, "flat": -2, "signal": 0.5}}])
    parts, d, flat = signal(path), np.array(OBSERVED), np.array([50, 40, 30])
    s = sum(parts.values())
    best = minimize_scalar(lambda a: deviance(s * (1 + 0.5 * a) + 1.5 * a * parts["nu_e"] + flat * (1 - 2 * a), d) + (a / 0.1)**2, bounds=(-0.4, 0.4),
                           method="bounded", options={"xatol": 1e-12})
    found = point(tmp_path, path)
    assert found["chi2"] == pytest.approx(best.fun, abs=1e-8) and found["pulls"]["p"] == pytest.approx(best.x, abs=1e-6)


# --- parts ------------------------------------------------------------------------------------------------------------
SOURCE = {"name": "pion_decay_at_rest", "protons_per_year": 2.8e23, "years": 3, "neutrinos_per_proton": 0.3, "distance_m": 20}


@pytest.mark.parametrize("species", ["nu_e", "nu_mu", "numubar"])
def test_a_species_is_fitted_as_its_flux(tmp_path, species):
    """Data with a tenth less of one of them: a free pull on it finds just that."""
    less = {**SOURCE, f"time_efficiency_{species}": 0.9}
    there = toy(tmp_path, [], name="there", source=less, observed=None)
    data = (sum(signal(there).values()) + [50, 40, 30]).tolist()
    found = point(tmp_path, toy(tmp_path, [{"name": "p", "constraint": "none", "scales": [f"signal.{species}"]}], observed=data))
    assert found["chi2"] == pytest.approx(0, abs=1e-9) and found["pulls"]["p"] == pytest.approx(-0.1, abs=1e-6)


def test_flavours_of_the_sun(tmp_path):
    """They are components as well: all three together are the flux."""
    base = {"experiment": "mine", "base": "xenonnt_8b"}
    found = [point(tmp_path, [{**base, "pulls": [{"name": "p", "sigma": 0.3, "scales": scales}]}], {"eps_ee_uV": 0.4})
             for scales in (["signal"], ["signal.nu_e", "signal.nu_mu", "signal.nu_tau"], ["signal.nu_e"], ["signal.Xe"])]
    assert found[1]["chi2"] == pytest.approx(found[0]["chi2"], abs=1e-9) and found[3]["chi2"] == pytest.approx(found[0]["chi2"], abs=1e-9)
    assert found[2]["chi2"] > found[0]["chi2"] + 1e-3


# --- shapes -----------------------------------------------------------------------------------------------------------
def test_a_quadratic_shape_against_scipy(tmp_path):
    up, down, none = np.array([80.0, 48, 33]), np.array([26.0, 36, 29]), np.array([50.0, 40, 30])
    pull = {"name": "p", "sigma": 0.5, "interpolation": "quadratic", "up": {"backgrounds": {"flat": up.tolist()}},
            "down": {"backgrounds": {"flat": down.tolist()}}}
    path = toy(tmp_path, [pull])
    s, d = sum(signal(path).values()), np.array(OBSERVED)
    shape = lambda x: none + x * (up - down) / 2 + x * x * (up + down - 2 * none) / 2
    best = minimize_scalar(lambda x: deviance(s + shape(x), d) + x * x, bounds=(-3, 3), method="bounded", options={"xatol": 1e-12})
    found = point(tmp_path, path)
    assert found["chi2"] == pytest.approx(best.fun, abs=1e-8) and found["pulls"]["p"] == pytest.approx(0.5 * best.x, abs=1e-6)


def test_a_free_shape_has_its_sides_at_one(tmp_path):
    sides = {"up": {"backgrounds": {"flat": [55, 44, 33]}}, "down": {"backgrounds": {"flat": [45, 36, 27]}}}
    shape, scaled = (point(tmp_path, toy(tmp_path, [{"name": "p", "constraint": "none", **keys}])) for keys in (sides, {"scales": {"flat": 0.1}}))
    assert shape["chi2"] == pytest.approx(scaled["chi2"], abs=1e-9) and shape["pulls"]["p"] == pytest.approx(scaled["pulls"]["p"], rel=1e-5)


# --- maps -------------------------------------------------------------------------------------------------------------
def test_maps_of_all_of_it(tmp_path):
    """One content for all ranks, verified, its points those of single evaluations."""
    pulls = [{"name": "p", "sigma": 0.28, "constraint": "gamma", "scales": ["signal"]}, {"name": "q", "constraint": "none", "minimum": -1, "scales": ["flat"]},
             {"name": "r", "sigma": 0.1, "scales": {"signal.nu_e": 1, "flat": 0.5}},
             {"name": "s", "sigma": 0.5, "parameter": "source.distance_m", "interpolation": "quadratic"}]
    path = write_scan(tmp_path, [toy(tmp_path, pulls)], [axis("eps_ee_uV", 9), axis("eps_mumu_uV", 7)], data="observed", store_pulls=True)
    for ranks in (None, 3):
        scan(path, tmp_path / f"{ranks}.h5", ranks=ranks)
    assert content_hash(tmp_path / "None.h5") == content_hash(tmp_path / "3.h5")
    run("verify", "--all", tmp_path / "3.h5")
    chi2, _, _, axes = fields(tmp_path / "3.h5")
    at = {"eps_ee_uV": float(axes["eps_ee_uV"][2]), "eps_mumu_uV": float(axes["eps_mumu_uV"][5])}
    assert point(tmp_path, toy(tmp_path, pulls), at)["chi2"] == pytest.approx(chi2[2, 5], rel=1e-9)
