# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of arXiv:2208.11771, arXiv:2409.04703 and arXiv:2411.11749, and of independent calculations: in this one place for
`make reproduce` and for the tests. Where print and calculation are known to differ, the reason stands beside them."""
import re

# -------------------------------------------------------------------- arXiv:2208.11771: tables III to VI (ESS detectors, 3 years)

INTERVAL_DELTAS = {"90 %": 2.71, "2 sigma": 4}  # one degree of freedom
EDGE_TOLERANCE = 0.003   # and half a unit of the last digit

# (experiments, quark): allowed intervals of eps_ee and of eps_mumu as printed, each at 90 % and at 2 sigma.
TABLE_III = {
    ("ess_csi", "u"): ("[-0.055, 0.051] u [0.35, 0.45]", "[-0.067, 0.064] u [0.34, 0.47]",
                       "[-0.027, 0.023] u [0.38, 0.43]", "[-0.034, 0.028] u [0.37, 0.43]"),
    ("ess_csi", "d"): ("[-0.040, 0.047] u [0.31, 0.41]", "[-0.061, 0.057] u [0.30, 0.42]",
                       "[-0.024, 0.020] u [0.34, 0.38]", "[-0.031, 0.024] u [0.33, 0.39]"),
    ("ess_si", "u"): ("[-0.063, 0.080] u [0.24, 0.38]", "[-0.077, 0.109] u [0.21, 0.39]",
                      "[-0.032, 0.031] u [0.29, 0.35]", "[-0.039, 0.037] u [0.28, 0.36]"),
    ("ess_si", "d"): ("[-0.064, 0.08] u [0.24, 0.38]", "[-0.077, 0.11] u [0.21, 0.39]",
                      "[-0.032, 0.031] u [0.29, 0.35]", "[-0.039, 0.038] u [0.28, 0.36]"),
    ("ess_xe", "u"): ("[-0.055, 0.052] u [0.35, 0.46]", "[-0.068, 0.063] u [0.34, 0.47]",
                      "[-0.027, 0.023] u [0.38, 0.43]", "[-0.033, 0.026] u [0.38, 0.44]"),
    ("ess_xe", "d"): ("[-0.049, 0.047] u [0.31, 0.41]", "[-0.061, 0.057] u [0.30, 0.42]",
                      "[-0.025, 0.020] u [0.34, 0.38]", "[-0.03, 0.023] u [0.34, 0.39]"),
    ("ess_ge", "u"): ("[-0.054, 0.054] u [0.32, 0.42]", "[-0.066, 0.064] u [0.30, 0.44]",
                      "[-0.026, 0.022] u [0.35, 0.40]", "[-0.032, 0.026] u [0.34, 0.40]"),
    ("ess_ge", "d"): ("[-0.05, 0.049] u [0.30, 0.39]", "[-0.061, 0.06] u [0.28, 0.40]",
                      "[-0.025, 0.021] u [0.32, 0.37]", "[-0.029, 0.025] u [0.32, 0.37]"),
    ("ess_ar", "u"): ("[-0.05, 0.047] u [0.32, 0.42]", "[-0.062, 0.058] u [0.31, 0.43]",
                      "[-0.025, 0.021] u [0.34, 0.39]", "[-0.031, 0.024] u [0.34, 0.40]"),
    ("ess_ar", "d"): ("[-0.047, 0.044] u [0.30, 0.39]", "[-0.058, 0.054] u [0.29, 0.40]",
                      "[-0.024, 0.019] u [0.32, 0.36]", "[-0.029, 0.023] u [0.32, 0.37]"),
    ("ess_c3f8", "u"): ("[-0.046, 0.043] u [0.30, 0.39]", "[-0.057, 0.053] u [0.29, 0.40]",
                        "[-0.023, 0.019] u [0.32, 0.36]", "[-0.029, 0.023] u [0.32, 0.37]"),
    ("ess_c3f8", "d"): ("[-0.045, 0.042] u [0.29, 0.37]", "[-0.055, 0.052] u [0.28, 0.39]",
                        "[-0.023, 0.018] u [0.31, 0.35]", "[-0.028, 0.023] u [0.31, 0.36]"),
}
TABLE_V = {
    ("ess_csi,ess_si", "u"): ("[-0.041, 0.042]", "[-0.05, 0.052] u [0.34, 0.39]", "[-0.02, 0.016]", "[-0.025, 0.022]"),
    ("ess_csi,ess_si", "d"): ("[-0.038, 0.039] u [0.31, 0.38]", "[-0.046, 0.047] u [0.30, 0.39]",
                              "[-0.018, 0.015]", "[-0.023, 0.02] u [0.34, 0.36]"),
}

# (experiments, quark): ends of the allowed intervals of eps_emu, eps_etau and eps_mutau as printed, each at 90 % and at 2 sigma. All
# are symmetric: the couplings change the flavour, and enter as squares only.
TABLE_IV = {
    ("ess_csi", "u"): ("0.089", "0.1", "0.16", "0.18", "0.11", "0.12"),
    ("ess_csi", "d"): ("0.08", "0.09", "0.14", "0.16", "0.096", "0.11"),
    ("ess_si", "u"): ("0.088", "0.099", "0.15", "0.17", "0.11", "0.12"),
    ("ess_si", "d"): ("0.088", "0.098", "0.15", "0.17", "0.11", "0.12"),
    ("ess_xe", "u"): ("0.09", "0.1", "0.16", "0.18", "0.11", "0.12"),
    ("ess_xe", "d"): ("0.08", "0.09", "0.14", "0.16", "0.097", "0.11"),
    ("ess_ge", "u"): ("0.085", "0.096", "0.15", "0.17", "0.1", "0.11"),
    ("ess_ge", "d"): ("0.079", "0.088", "0.14", "0.16", "0.095", "0.11"),
    ("ess_ar", "u"): ("0.082", "0.092", "0.14", "0.16", "0.099", "0.11"),
    ("ess_ar", "d"): ("0.077", "0.086", "0.13", "0.15", "0.093", "0.1"),
    ("ess_c3f8", "u"): ("0.075", "0.085", "0.13", "0.15", "0.092", "0.1"),
    ("ess_c3f8", "d"): ("0.073", "0.083", "0.13", "0.15", "0.089", "0.1"),
}
TABLE_VI = {
    ("ess_csi,ess_si", "u"): ("0.074", "0.081", "0.13", "0.14", "0.09", "0.10"),
    ("ess_csi,ess_si", "d"): ("0.068", "0.075", "0.12", "0.14", "0.085", "0.092"),
}
# Columns of the tables, two levels each.
DIAGONAL, CHANGING = ("eps_ee", "eps_mumu"), ("eps_emu", "eps_etau", "eps_mutau")


def intervals_of(table):
    """{(experiments, parameter): (interval at 90 %, at 2 sigma)} of a table above."""
    found = {}
    for (experiments, quark), texts in table.items():
        texts = [text if "[" in text else f"[-{text}, {text}]" for text in texts]
        couplings = DIAGONAL if len(texts) == 4 else CHANGING
        found.update({(experiments, f"{c}_{quark}V"): tuple(texts[2 * k:2 * k + 2]) for k, c in enumerate(couplings)})
    return found


INTERVALS = {key: texts for table in (TABLE_III, TABLE_IV, TABLE_V, TABLE_VI) for key, texts in intervals_of(table).items()}

# What the calculation gives instead, to the digits given here, and why.
INTERVAL_EXCEPTIONS = {
    ("ess_csi", "eps_ee_dV", "90 %"): ("[-0.049, 0.047] u [0.31, 0.41]",
                                       "-0.040 is probably a misprint of -0.049, which is what comes out for xenon too"),
    ("ess_csi,ess_si", "eps_ee_uV", "90 %"): ("[-0.041, 0.042] u [0.3635, 0.3702]",
                                              "the second well ends just below the line and leaves a sliver of values"),
    ("ess_c3f8", "eps_ee_uV", "90 %"): ("[-0.0515, 0.0526] u [0.2866, 0.3907]",
                                        "the printed row comes out with ten times the nuclei of the stated 10 kg, and the background "
                                        "of 10 kg"),
}
TENFOLD_REASON = INTERVAL_EXCEPTIONS["ess_c3f8", "eps_ee_uV", "90 %"][1]     # of all rows of C3F8 as it is stated
# Edges above that come from the independent calculation, and not from print, are met more closely.
CALCULATED_DIGITS, CALCULATED_TOLERANCE = 4, 0.0003


def edges_of(text):
    """[(value, tolerance), ...] of "[lo, hi] u [lo, hi]"."""
    edges = []
    for number in re.findall(r"-?\d+\.\d+", text):
        digits = len(number.split(".")[1])
        own = CALCULATED_TOLERANCE if digits >= CALCULATED_DIGITS else EDGE_TOLERANCE
        edges.append((float(number), own + 0.5 * 10**-digits))
    return edges


def edges_agree(found, text):
    """Are these the edges of the text, each within its tolerance?"""
    expected = edges_of(text)
    return len(found) == len(expected) and all(abs(x - value) <= tolerance for x, (value, tolerance) in zip(found, expected))


# Tables I and II: detectors (mass in kg, background rate in the unit of the experiment file, threshold in keV, resolution at threshold;
# 0 for detectors that count) and nuclei (protons, neutrons, mass in u, rms radius in fm).
ESS_DETECTORS = {"csi": (22.5, 10, 1, 0.30), "xe": (20, 10, 0.9, 0.40), "si": (1, 1, 0.16, 0.60), "ge": (7, 15, 0.6, 0.15),
                 "ar": (10, 0.1, 0.1, 0), "c3f8": (10, 15, 0.2, 0)}
ESS_NUCLEI = {"Cs": (55, 78, 132.91, 4.83), "I": (53, 74, 126.90, 4.83), "Xe": (54, 78, 131.29, 4.79), "Si": (14, 14, 27.98, 3.12),
              "Ge": (32, 40, 72.00, 4.06), "Ar": (18, 22, 39.95, 3.43), "C": (6, 6, 12.01, 2.47), "F": (9, 10, 19.00, 2.90)}

# Events in three years with the standard model, signal and background: an independent calculation.
ESS_TOTALS = {"ess_csi": (19998, 270322), "ess_xe": (18848, 242672), "ess_si": (192.88, 1095.18), "ess_ge": (3787.8, 43495),
              "ess_ar": (3293.1, 24.96), "ess_c3f8": (1377.0, 3744)}

# ------------------------------------------------------------- arXiv:2409.04703: table I (COHERENT) and section IV.B (PandaX-4T)

# Lower bounds on Lambda in GeV: as printed, and of an independent calculation with the data as in the paper and with the default's.
COHERENT_DELTA = 2.706  # 90 %, one parameter
COHERENT_BOUNDS = {"lambda_C1_u_e": (390, 388.6, 378.0), "lambda_C1_u_mu": (395, 393.4, 386.5),
                   "lambda_C1_d_e": (407, 406.1, 396.8), "lambda_C1_d_mu": (414, 409.7, 405.7),
                   "lambda_C2_u_e": (44.7, 44.0, 37.0), "lambda_C2_u_mu": (68.4, 50.0, 43.7),
                   "lambda_C2_d_e": (26.4, 26.5, 22.3), "lambda_C2_d_mu": (40.9, 30.1, 26.3)}
COHERENT_DATA = {"coherent_lambda_paper": 1, "coherent_lambda": 2}  # scan -> column above
COHERENT_TOLERANCE = {"C1": 0.011, "C2": 0.015}  # relative to print; data and variance are not defined there
COHERENT_EXCEPTIONS = dict.fromkeys(
    ("lambda_C2_u_mu", "lambda_C2_d_mu"),
    "no variant gives it: at a rate that goes with the fourth power of 1/Lambda it stands for 5.5 times as many axial events from "
    "muon flavours as from electron neutrinos, while flux and kinematics give 2.15")

# Where Delta chi2 <= 4.605 cuts the axes of the (eps_ee_uV, eps_ee_dV) plane: an independent calculation.
COHERENT_CUTS = {("coherent_csi_paper", "eps_ee_uV"): [[-0.042, 0.154], [0.232, 0.417]],
                 ("coherent_csi_paper", "eps_ee_dV"): [[-0.038, 0.139], [0.209, 0.381]],
                 ("coherent_csi", "eps_ee_uV"): [[-0.070, 0.450]], ("coherent_csi", "eps_ee_dV"): [[-0.063, 0.408]]}
CUT_TOLERANCE = 0.0025

# Table III: lower bounds on Lambda in GeV from PandaX-4T for e, mu, tau, with kappa = 1 and the smaller of both signs for C2; and
# the relative tolerance.
PANDAX_TABLE = {"C1_u": ((287.46, 289.61, 286.70), 0.004), "C1_d": ((304.61, 306.88, 303.80), 0.004),
                "C2_u": ((14.70, 14.81, 14.60), 0.005), "C2_d": ((23.32, 23.48, 23.15), 0.005)}
FLAVOURS = ("e", "mu", "tau")
PANDAX_BOUNDS = {f"lambda_{coefficient}_{flavour}": (printed, tolerance) for coefficient, (bounds, tolerance) in PANDAX_TABLE.items()
                 for flavour, printed in zip(FLAVOURS, bounds)}

# Figure 1: events of COHERENT CsI[Na] with the responses of the shell model, by bin of photoelectrons (edges) and by flavour: an
# independent calculation; half a unit of the last digit and 0.5 %.
COHERENT_EDGES_PE = [0, 8, 12, 16, 20, 24, 32, 40, 50, 60]
COHERENT_EVENTS = [2.3, 50.3, 76.0, 65.4, 46.9, 54.5, 25.2, 12.0, 3.1]
COHERENT_FLAVOURS = {"nu_e": 111.1, "nu_mu": 47.9, "numubar": 176.7}

# Figure 2: P(nu_e -> nu_e, nu_mu, nu_tau) of 8B neutrinos averaged over day and night at latitude 28.15 N, by energy in MeV: calculated
# with PEANUTS (arXiv:2303.15527) for the same oscillation parameters.
PROBABILITIES = {2: (0.48615, 0.22309, 0.29076), 5: (0.39186, 0.29618, 0.31196), 8: (0.34371, 0.33427, 0.32202)}
PROBABILITY_TOLERANCE = 0.002

# Figure 4: the number of events of the minimum and of the standard model, and Delta chi2 of the line (90 %, two degrees of freedom).
PANDAX_COUNTS = {"measured": 69.1, "standard model": 44.9}
PANDAX_LINE = 4.61
# Figure 5: of the projection, the events that are measured in the exposure of today, exposures in tonne years, and the uncertainties
# of the signal.
PROJECTED = {"measured": 44.9, "exposure_today": 1.04, "exposure": 6, "sigmas": (0.245, 0)}
PANDAX_VARIANCE = (0.37 * 69.1)**2      # of the number of events, without that of the signal

# --------------------------------------------------------------------------- arXiv:2411.11749: solar 8B neutrinos in xenon

# The experiment with PandaX-4T's bins of ionisation electrons, which are a surrogate.
PANDAX_US2 = "pandax4t_us2"

# sin^2 theta_W in the MSbar scheme at zero momentum and at the Z mass (value, error), and of other experiments: (name, momentum transfer in
# GeV, value, error, citation). "ours": the range of momentum transfers sqrt(2 M T) in GeV of recoils of xenon from 0.7 to 2.5 keV.
RUNNING = {"low": (0.23857, 0.00005), "z": (0.23121, 0.00004), "ours": (0.0131, 0.0247),
           "citation": "P. A. Zyla et al. (Particle Data Group), Prog. Theor. Exp. Phys. 2020, 083C01",
           "words": "The running is that of one loop (renormalisation group of J. Erler and M. J. Ramsey-Musolf, Phys. Rev. D 72 (2005) "
                    "073003), with one effective mass of light quarks, between the values at the Z mass and at zero momentum of "
                    "P. A. Zyla et al. (Particle Data Group), Prog. Theor. Exp. Phys. 2020, 083C01.",
           "others": [("APV(Cs)", 0.0024, 0.239, 0.0065, "M. Cadeddu, F. Dordei, Phys. Rev. D 99 (2019) 033010, mean of +0.006 and -0.007"),
                      ("E158", 0.161, 0.2397, 0.0013, "P. L. Anthony et al., Phys. Rev. Lett. 95 (2005) 081601")]}

# Boundaries in g at a Delta chi2 from the minimum over g, XENONnT with signal_scale 1, by mass in MeV: an independent calculation, at the
# level of 1 %. Several numbers: excluded between the first two and above the third.
MEDIATOR_LIMITS = {
    "scalar": {(1e-3, 2.71): [6.9301e-06], (1e-3, 4.61): [7.4997e-06], (10, 2.71): [7.8298e-06], (10, 4.61): [8.5090e-06],
               (1e3, 2.71): [3.4171e-04], (1e3, 4.61): [3.7606e-04]},
    "vector_universal": {(1e-3, 2.71): [6.9340e-06, 2.5946e-05, 3.2979e-05], (1e-3, 4.61): [1.4453e-05, 2.3869e-05, 3.3857e-05],
                         (10, 2.71): [1.1649e-05, 3.0950e-05, 3.9068e-05], (10, 4.61): [1.8031e-05, 2.8572e-05, 4.0085e-05],
                         (1e3, 2.71): [9.3211e-04, 1.5055e-03, 1.9335e-03], (1e3, 4.61): [1.2288e-03, 1.2749e-03, 1.9838e-03]},
    "vector_b_minus_l": {(1e-3, 2.71): [2.5359e-05], (1e-3, 4.61): [2.8693e-05], (10, 2.71): [2.9074e-05], (10, 4.61): [3.3042e-05],
                         (1e3, 2.71): [1.3473e-03], (1e3, 4.61): [1.5510e-03]},
    "axial": {(1e-3, 2.71): [6.5615e-04], (1e-3, 4.61): [7.0914e-04], (10, 2.71): [7.4428e-04], (10, 4.61): [8.0784e-04],
              (1e3, 2.71): [3.2803e-02], (1e3, 4.61): [3.6072e-02]},
    "tensor": {(1e-3, 2.71): [9.0572e-04], (1e-3, 4.61): [9.7451e-04], (10, 2.71): [1.0402e-03], (10, 4.61): [1.1233e-03],
               (1e3, 2.71): [4.7223e-02], (1e3, 4.61): [5.1665e-02]},
}
MEDIATOR_MASSES_MEV = [1e-3, 10, 1e3]
MEDIATOR_TOLERANCE = 0.015  # relative

# Best fit, upwards and downwards to Delta chi2 = 1, XENONnT: as printed, and of an independent calculation by `signal_scale`.
MEASUREMENTS = {"flux_b8": ((5.7, 3.2, 2.8), {1: (5.15, 2.88, 2.56), 0.9: (5.73, 3.20, 2.85)}),      # 1e6/cm2/s
                "sin2_theta_w": ((0.25, 0.09, 0.10), {1: (0.229, 0.088, 0.099), 0.9: (0.247, 0.093, 0.104)})}
MEASUREMENT_TOLERANCE = {"flux_b8": 0.02, "sin2_theta_w": 1e-3}

# Events: XENONnT's own expectation at a flux of 5.25e6 /cm2/s, that of arXiv:2411.11749 for PandaX-4T at 5.46e6, and that of
# arXiv:2409.04703 for PandaX-4T as one bin.
SOLAR_EVENTS = {"xenonnt_8b": 11.92, PANDAX_US2: 48.75, "pandax4t_counting": 44.9}
