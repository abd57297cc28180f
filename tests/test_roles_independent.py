# SPDX-License-Identifier: GPL-3.0-or-later
"""chi2 from its equations, in numpy: constraints, bounds, weights, parts of the signal, correlations and profiled couplings against a
minimiser of this file's own. Only counts are the program's, which test_physics_ess.py and test_spectra.py check."""
import h5py
import numpy as np
import pytest

from e2e import rates, run

# Counts are linear in y y^T, y the vector couplings to u and d with the standard model in it: physics of CEvNS at any nucleus.
G_P, G_N = 0.5 - 2 * 0.23867, -0.5
Y_SM = np.array([(2 * G_P - G_N) / 3, (2 * G_N - G_P) / 3])
EE, MUMU = [-0.2, 0.1, 0.4], [-0.3, 0.05]


def products(u, d):
    return np.array([(u + Y_SM[0]) ** 2, 2 * (u + Y_SM[0]) * (d + Y_SM[1]), (d + Y_SM[1]) ** 2])


class Counts:
    """Of one experiment at any diagonal couplings, from three of them."""

    def __init__(self, experiment):
        at = [(0, 0), (0.3, 0), (0, -0.4)]
        found = [next(iter(rates(experiment, {f"eps_{a}_{q}V": x for a in ("ee", "mumu") for q, x in zip("ud", c)}).values())) for c in at]
        terms = np.array([products(*c) for c in at])
        self.of = {name: np.linalg.solve(terms, np.array([f["signal"][name] for f in found])) for name in ("nu_e", "nu_mu", "numubar")}
        self.steady = np.array(found[0]["background"]["steady"])
        self.data = self.signal() + self.steady

    def parts(self, ee=(0, 0), mumu=(0, 0)):
        return {name: products(*(ee if name == "nu_e" else mumu)) @ rows for name, rows in self.of.items()}

    def signal(self, ee=(0, 0), mumu=(0, 0)):
        return sum(self.parts(ee, mumu).values())


@pytest.fixture(scope="module")
def counts():
    return {name: Counts(name) for name in ("ess_csi", "ess_si")}


GAUSSIAN, GAMMA, LOGNORMAL, FREE = "gaussian", "gamma", "lognormal", "none"


def penalty(kind, sigma, a):
    """And its first two derivatives."""
    if kind == GAMMA:
        return 2 * (a - np.log1p(a)) / sigma**2, 2 * (1 - 1 / (1 + a)) / sigma**2, 2 / (1 + a) ** 2 / sigma**2
    if kind == LOGNORMAL:
        log = np.log1p(a)
        return (log / sigma) ** 2, 2 * log / (1 + a) / sigma**2, 2 * (1 - log) / (1 + a) ** 2 / sigma**2
    return (0, 0, 0) if kind == FREE else ((a / sigma) ** 2, 2 * a / sigma**2, 2 / sigma**2)


def least(fixed, slopes, data, kinds, low, high, inverse=None):
    """chi2 of counts fixed + slopes a, over a between bounds: projected, damped Newton from zero. inverse: of the pulls' covariance, where
    all are Gaussian."""
    def chi2(a):
        n = fixed + slopes @ a
        if (n <= 0).any() or any(k in (GAMMA, LOGNORMAL) and x <= -1 for (k, _), x in zip(kinds, a)):
            return np.inf, None, None
        terms = np.array([penalty(*k, x) for k, x in zip(kinds, a)], float) if inverse is None else None
        value = 2 * np.sum(n - data + data * np.log(data / n)) + (terms[:, 0].sum() if inverse is None else a @ inverse @ a)
        gradient = slopes.T @ (2 * (1 - data / n)) + (terms[:, 1] if inverse is None else 2 * inverse @ a)
        hessian = slopes.T @ (slopes * (2 * data / n**2)[:, None]) + (np.diag(terms[:, 2]) if inverse is None else 2 * inverse)
        return value, gradient, hessian

    a = np.zeros(len(kinds))
    value, gradient, hessian = chi2(a)
    for _ in range(200):
        free = ~(((a <= low) & (gradient > 0)) | ((a >= high) & (gradient < 0)))
        if not free.any():
            break
        w, u = np.linalg.eigh(hessian[np.ix_(free, free)])
        step = np.zeros(len(a))
        step[free] = -u @ ((u.T @ gradient[free]) / np.maximum(np.abs(w), 1e-12 * np.abs(w).max()))
        t = 1.0
        while t > 1e-12:
            there = np.clip(a + t * step, low, high)
            new = chi2(there)
            if new[0] < value:
                break
            t /= 2
        else:
            break
        done = value - new[0] < 1e-13
        a, (value, gradient, hessian) = there, new
        if done:
            break
    return value


def scanned(folder, experiments, parameters="", rest=""):
    (folder / "scan.yaml").write_text(
        f"scan: t\ninteraction: nsi\nexperiments:\n{experiments}parameters:\n  - {{name: eps_ee_uV, values: {EE}}}\n"
        f"  - {{name: eps_mumu_uV, values: {MUMU}}}\n{parameters}{rest}")
    run("run", folder / "scan.yaml", "-o", folder / "map.h5", "-q")
    with h5py.File(folder / "map.h5") as file:
        return {name: file[name][()] for name in file if isinstance(file[name], h5py.Dataset)}


INF = np.inf
CASES = {  # of the signal's and the background's pull: what it is, bounds, what it scales
    "gamma": [(GAMMA, 0.28, -INF, INF, {"signal": 1}), (GAUSSIAN, 0.01, -INF, INF, {"steady": 1})],
    "lognormal": [(LOGNORMAL, 0.28, -INF, INF, {"signal": 1}), (GAMMA, 0.3, -INF, INF, {"steady": 1})],
    "free": [(GAUSSIAN, 0.1, -INF, INF, {"signal": 1}), (FREE, None, -1, INF, {"steady": 1})],
    "bounded": [(GAUSSIAN, 0.1, -0.05, 0.08, {"signal": 1}), (GAUSSIAN, 0.01, -0.0005, 0.001, {"steady": 1})],
    "gamma, bounded": [(GAMMA, 0.28, -0.2, 0.3, {"signal": 1}), (GAUSSIAN, 0.01, -INF, INF, {"steady": 1})],
    "weights": [(GAUSSIAN, 0.1, -INF, INF, {"signal": 1, "steady": 0.05}), (GAUSSIAN, 0.01, -INF, INF, {"steady": 1, "signal": -0.5})],
    "parts": [(GAUSSIAN, 0.1, -INF, INF, {"signal.nu_e": 1, "signal.nu_mu": -0.7}), (GAMMA, 0.15, -INF, INF, {"signal": 1, "steady": 0.002})],
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_known_of_pulls(tmp_path, counts, name):
    pulls, c = CASES[name], counts["ess_csi"]
    text = "  - experiment: x\n    base: ess_csi\n    pulls:\n      ess_csi.signal: null\n      ess_csi.background: null\n"
    for i, (kind, sigma, low, high, scales) in enumerate(pulls):
        text += (f"      p{i}: {{constraint: {kind}" + f", sigma: {sigma}" * (sigma is not None) + f", minimum: {low}" * (low > -INF) +
                 f", maximum: {high}" * (high < INF) + ", scales: {" + ", ".join(f"{k}: {v}" for k, v in scales.items()) + "}}\n")
    chi2 = scanned(tmp_path, text)["chi2"]
    for (i, ee), (j, mumu) in ((a, b) for a in enumerate(EE) for b in enumerate(MUMU)):
        parts = c.parts((ee, 0), (mumu, 0))
        of = {"signal": sum(parts.values()), "steady": c.steady, **{f"signal.{k}": v for k, v in parts.items()}}
        slopes = np.array([sum(w * of[k] for k, w in p[4].items()) for p in pulls]).T
        mine = least(of["signal"] + c.steady, slopes, c.data, [p[:2] for p in pulls], np.array([p[2] for p in pulls]),
                     np.array([p[3] for p in pulls]))
        assert chi2[i, j] == pytest.approx(mine, rel=1e-11, abs=1e-8)


def of_two(counts, ee, mumu, inverse):
    """CsI and Si under the pulls of their files, whose covariance has this inverse."""
    csi, si = (counts[e].signal(ee, mumu) for e in ("ess_csi", "ess_si"))
    n, m = len(csi), len(csi) + len(si)
    slopes = np.zeros((m, 4))
    slopes[:n, 0], slopes[:n, 1], slopes[n:, 2], slopes[n:, 3] = csi, counts["ess_csi"].steady, si, counts["ess_si"].steady
    return least(np.concatenate([csi, si]) + slopes[:, 1] + slopes[:, 3], slopes,
                 np.concatenate([counts["ess_csi"].data, counts["ess_si"].data]), [(GAUSSIAN, 1)] * 4, -INF, INF, inverse)


def test_correlated_pulls(tmp_path, counts):
    chi2 = scanned(tmp_path, "  - ess_csi\n  - ess_si\n", rest="correlations:\n  - {of: [ess_csi.signal, ess_si.background, ess_si.signal], "
                   "matrix: [[1, 0.3, 0.8], [0.3, 1, -0.1], [0.8, -0.1, 1]]}\n")["chi2"]
    correlation = np.array([[1, 0, 0.8, 0.3], [0, 1, 0, 0], [0.8, 0, 1, -0.1], [0.3, 0, -0.1, 1]])
    sigma = np.array([0.1, 0.01, 0.1, 0.01])
    inverse = np.linalg.inv(correlation * np.outer(sigma, sigma))
    for i, ee in enumerate(EE):
        for j, mumu in enumerate(MUMU):
            assert chi2[i, j] == pytest.approx(of_two(counts, (ee, 0), (mumu, 0), inverse), rel=1e-11, abs=1e-8)


def test_two_profiled_couplings_one_of_them_constrained(tmp_path, counts):
    from scipy.optimize import minimize
    found = scanned(tmp_path, "  - ess_csi\n  - ess_si\n", "  - {name: eps_ee_dV, profile: [-0.5, 0.6], centre: 0.05, sigma: 0.1}\n"
                    "  - {name: eps_mumu_dV, profile: [-0.5, 0.6]}\n", "store_profiled: true\n")
    inverse = np.diag([100, 1e4, 100, 1e4])
    for i, j in ((0, 0), (2, 0)):
        def chi2(d, i=i, j=j):
            return of_two(counts, (EE[i], d[0]), (MUMU[j], d[1]), inverse) + ((d[0] - 0.05) / 0.1) ** 2
        theirs = found["chi2"][i, j]
        assert theirs == pytest.approx(chi2([found[f"profiled_eps_{a}_dV"][i, j] for a in ("ee", "mumu")]), rel=0, abs=1e-8)
        grid = np.linspace(-0.5, 0.6, 10)
        starts = sorted((chi2((a, b)), a, b) for a in grid for b in grid)[:3]  # a few starts of one's own choice miss narrow minima
        mine = min(minimize(chi2, start[1:], method="L-BFGS-B", bounds=[(-0.5, 0.6)] * 2, options={"ftol": 1e-14}).fun for start in starts)
        assert mine - 1e-5 <= theirs <= mine + 1e-6


@pytest.mark.parametrize("name, low, high, centre, sigma", [("ess_csi.response.acceptance", 0.7, 0.9, 0.8, 0.02),
                                                            ("neutron_radius_fm", 4.5, 5.5, 5, 0.1)])
def test_profiling_a_number_is_never_above_scanning_it(tmp_path, name, low, high, centre, sigma):
    role = f"  - {{name: {name}, %s, centre: {centre}, sigma: {sigma}}}\n"
    scan = scanned(tmp_path, "  - ess_csi\n", role % f"min: {low}, max: {high}, points: 9")["chi2"].min(axis=-1)
    (tmp_path / "map.h5").unlink()
    assert (scanned(tmp_path, "  - ess_csi\n", role % f"profile: [{low}, {high}]")["chi2"] <= scan + 1e-8).all()
