# SPDX-License-Identifier: GPL-3.0-or-later
"""Points whose couplings are profiled, taken out of cevscan so that other programs can do them: CsI + Si at the ESS in the plane
(eps_ee_uV, eps_ee_dV), minimised over up to ten other couplings and the four pulls.

Counts are a quadratic form of the couplings c, whatever they are:

    signal_i(c) = Q_i00 + 2 sum_k Q_i0k c_k + sum_kl Q_ikl c_k c_l.

Its matrices come from `cevscan rates` at as many points as they have elements; backgrounds and data as in problem.py.
"""
from dataclasses import dataclass

import numpy as np

from measuring import BIN, run_json
from problem import EXPERIMENTS, SIGMA, signal

AXES = ("eps_ee_uV", "eps_ee_dV")
COUPLINGS = ("eps_mumu_uV", "eps_mumu_dV", "eps_emu_uV", "eps_emu_dV", "eps_etau_uV", "eps_etau_dV", "eps_mutau_uV", "eps_mutau_dV",
             "eps_tautau_uV", "eps_tautau_dV")
LOW, HIGH, BOUND = -0.5, 0.7, 1.5


@dataclass
class Detector:
    form: np.ndarray        # [1 + coupling, 1 + coupling, bin], the axes first; symmetric
    background: np.ndarray  # [bin]
    data: np.ndarray        # [bin]


def rates(names, values):
    flags = [word for name, value in zip(names, values) for word in ("--set", f"{name}={float(value)!r}") if value]
    return run_json([BIN, "rates", "--json", "--experiments", ",".join(EXPERIMENTS), *flags])


def detectors(n_profiled):
    """By differences, which are exact for a quadratic form."""
    names = AXES + COUPLINGS[:n_profiled]
    n, unit = len(names), np.eye(len(names))
    zero, plus, minus = rates(names, np.zeros(n)), [rates(names, e) for e in unit], [rates(names, -e) for e in unit]
    both = {(k, l): rates(names, unit[k] + unit[l]) for k in range(n) for l in range(k)}
    return [_detector(name, zero, plus, minus, both) for name in EXPERIMENTS]


def _detector(name, zero, plus, minus, both):
    at = lambda report: signal(report, name)
    n, start = len(plus), at(zero)
    form = np.zeros((n + 1, n + 1, len(start)))
    form[0, 0] = start
    for k in range(n):
        form[0, k + 1] = form[k + 1, 0] = (at(plus[k]) - at(minus[k])) / 4
        form[k + 1, k + 1] = (at(plus[k]) + at(minus[k])) / 2 - start
    for (k, l), report in both.items():
        form[k + 1, l + 1] = form[l + 1, k + 1] = (at(report) - at(plus[k]) - at(plus[l]) + start) / 2
    background = np.sum(list(zero[name]["background"].values()), axis=0)
    return Detector(form, background, start + background)


def points(n, seed=1):
    """n random places in the plane [n, 2]."""
    return np.random.default_rng(seed).uniform(LOW, HIGH, (n, 2))


class Cost:
    """chi2 and its gradient in the couplings and the pulls of signal and background of each detector, at one place of the plane."""

    def __init__(self, found, place):
        self.found, self.place, self.n = found, np.asarray(place, float), len(found[0].form) - 3
        self.sigma = np.tile(SIGMA, len(found))

    def __call__(self, x):
        return self.both(x)[0]

    def gradient(self, x):
        return self.both(x)[1]

    def both(self, x):
        x = np.asarray(x, float)
        c, pulls, out = np.concatenate(([1.0], self.place, x[:self.n])), x[self.n:], np.zeros(len(x))
        ratio = pulls / self.sigma
        total = ratio @ ratio
        out[self.n:] = 2 * ratio / self.sigma
        for k, d in enumerate(self.found):
            half = np.tensordot(c, d.form, 1)          # [1 + coupling, bin]: half of the slopes
            own, (a, b) = c @ half, pulls[2 * k:2 * k + 2]
            n = own * (1 + a) + d.background * (1 + b)
            if n.min() <= 0:
                return 1e30, out
            total += 2 * np.sum(n - d.data - d.data * np.log(n / d.data))
            slope = 2 * (1 - d.data / n)
            out[:self.n] += 2 * (1 + a) * (half[3:] @ slope)
            out[self.n + 2 * k] += slope @ own
            out[self.n + 2 * k + 1] += slope @ d.background
        return total, out
