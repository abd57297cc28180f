# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference workload, taken out of cevscan so that other programs can do it: CsI + Si at the ESS, 80 bins, 4 pulls.

Source and target make the signal a polynomial of the two couplings, without a product of both (they belong to different flavours):

    signal_i(x, y) = T0_i + x T1_i + x^2 T2_i + y T3_i + y^2 T4_i.

Its templates T come from `cevscan rates` at five points, backgrounds from there too, and the data are the expectation at x = y = 0.
"""
from dataclasses import dataclass

import numpy as np

from measuring import BIN, run_json

EXPERIMENTS = ["ess_csi", "ess_si"]
AXES = ("eps_ee_uV", "eps_mumu_uV")
LOW, HIGH = -0.5, 0.7
SIGMA = np.array([0.10, 0.01])  # of each experiment's signal and background


@dataclass
class Detector:
    templates: np.ndarray   # [5, bin]
    background: np.ndarray  # [bin]
    data: np.ndarray        # [bin]


def rates(x, y):
    flags = ["--set", f"{AXES[0]}={x!r}", "--set", f"{AXES[1]}={y!r}"]
    return run_json([BIN, "rates", "--json", "--experiments", ",".join(EXPERIMENTS), *flags])


def signal(report, experiment):
    return np.sum([counts for counts in report[experiment]["signal"].values()], axis=0)


def detectors():
    at = {point: rates(*point) for point in [(0.0, 0.0), (1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)]}
    found = []
    for name in EXPERIMENTS:
        zero, *others = (signal(report, name) for report in at.values())
        odd = [(others[k] - others[k + 1]) / 2 for k in (0, 2)]
        even = [(others[k] + others[k + 1]) / 2 - zero for k in (0, 2)]
        background = np.sum(list(at[0.0, 0.0][name]["background"].values()), axis=0)
        found.append(Detector(np.array([zero, odd[0], even[0], odd[1], even[1]]), background, zero + background))
    return found


def grid(n):
    """The n x n points of the scan, and their coefficients [point, 5]."""
    axis = np.linspace(LOW, HIGH, n)
    x, y = (a.ravel() for a in np.meshgrid(axis, axis, indexing="ij"))
    return x, y, np.column_stack((np.ones_like(x), x, x * x, y, y * y))
