# SPDX-License-Identifier: GPL-3.0-or-later
"""The weak mixing angle over the momentum transfer: its running at one loop, and determinations of it.

In the MSbar scheme sin^2 theta = alpha/alpha_2, and both inverse couplings are linear in ln mu^2 between thresholds (J. Erler,
M. J. Ramsey-Musolf, Phys. Rev. D 72 (2005) 073003, at leading order). What the strong interaction does to light quarks is put into one
effective mass of theirs, which joins the values at the Z mass and at zero momentum."""
from ..numeric import np
from ..style import GREY, colour, new_figure
from .item import COLUMN
from .numbers import RUNNING

# (mass in GeV, colours, charge, weak isospin); None: the effective mass of light quarks.
FERMIONS = [(0.000511, 1, -1, -0.5), (0.10566, 1, -1, -0.5), (1.77686, 1, -1, -0.5), (None, 3, 2 / 3, 0.5), (None, 3, -1 / 3, -0.5),
            (None, 3, -1 / 3, -0.5), (1.27, 3, 2 / 3, 0.5), (4.18, 3, -1 / 3, -0.5), (172.7, 3, 2 / 3, 0.5)]
W_MASS, Z_MASS = 80.377, 91.1876
INVERSE_ALPHA = 127.95      # at the Z mass
W_LOOPS = np.array([7, 43 / 6]) / (4 * np.pi)   # of 1/alpha and 1/alpha_2, above the W mass


def slopes(light):
    """(mass, change of 1/alpha and 1/alpha_2 per ln mu^2 above it) of each particle."""
    found = [(m or light, -n * np.array([q * q, t * q / 2]) / (3 * np.pi)) for m, n, q, t in FERMIONS]
    return found + [(W_MASS, W_LOOPS)]


def mixing(mu, light):
    """sin^2 theta at scales in GeV, for an effective mass of light quarks in GeV."""
    inverse = np.outer([INVERSE_ALPHA, INVERSE_ALPHA * RUNNING["z"][0]], np.ones(np.size(mu)))
    for mass, slope in slopes(light):
        length = np.log(np.maximum(mu, mass) / max(Z_MASS, mass)) * 2    # of ln mu^2 from the Z mass
        inverse += np.outer(slope, length)
    return inverse[1] / inverse[0]


def light_mass():
    """The effective mass of light quarks in GeV with which sin^2 theta at zero momentum comes out."""
    low, high = 1e-3, 1.0
    for _ in range(60):
        middle = (low * high)**0.5
        low, high = (middle, high) if mixing(1e-6, middle)[0] > RUNNING["low"][0] else (low, middle)
    return middle


def draw_running(found):
    """`found`: {label: (value, upwards, downwards)} at the momentum transfers RUNNING["ours"]."""
    fig, ax = new_figure(*COLUMN)
    mu = np.logspace(-4, 3, 1401)
    ax.plot(mu, mixing(mu, light_mass()), color="black", linewidth=1.2, label=r"$\overline{\mathrm{MS}}$, one loop")
    low, high = RUNNING["ours"]
    for k, (label, (value, up, down)) in enumerate(found.items()):
        x = low * (high / low)**((k + 1) / (len(found) + 1))
        ax.errorbar(x, value, yerr=[[down], [up]], fmt="osD"[k % 3], color=colour(k), markersize=3.5, capsize=2, linewidth=1, label=label)
    for k, (name, scale, value, error, _) in enumerate(RUNNING["others"]):
        side = 1 if k % 2 else -1   # neighbours have their names on different sides
        ax.errorbar(scale, value, yerr=error, fmt="^" if k % 2 else "v", color=GREY, markersize=3.5, linewidth=0.9)
        ax.annotate(name, (scale, value), xytext=(0, 6 * side), textcoords="offset points", ha="center",
                    va="bottom" if side > 0 else "top", fontsize=7, color="0.3")
    ax.set(xscale="log", xlim=(mu[0], mu[-1]), ylim=(0.05, 0.5), xlabel="momentum transfer [GeV]", ylabel=r"$\sin^2\theta_W$")
    ax.legend(frameon=False, fontsize=7, loc="upper right")
    return fig
