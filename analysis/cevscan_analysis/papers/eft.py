# SPDX-License-Identifier: GPL-3.0-or-later
"""arXiv:2409.04703: Wilson coefficients and non-standard interactions from COHERENT CsI[Na] and PandaX-4T."""
from ..axes import tex_of_name
from ..intervals import allowed_intervals
from ..numeric import np
from ..panels import Panel, contour_panels, profile_panels
from ..projection import curve_of, curves_of
from .item import CALCULATED, Comparison, Item, absolute, relative
from .numbers import (COHERENT_BOUNDS, COHERENT_CUTS, COHERENT_DATA, COHERENT_DELTA, COHERENT_EXCEPTIONS, COHERENT_TOLERANCE,
                      CUT_TOLERANCE, PANDAX_BOUNDS, SOLAR_EVENTS)

PAPER = "2409.04703"
FLAVOURS = {"e": r"$\nu_e$", "mu": r"$\nu_\mu$", "tau": r"$\nu_\tau$"}
COEFFICIENTS = ["C1_u", "C1_d", "C2_u", "C2_d"]
PLANES = {"coherent_csi_paper": "coherent_nsi_paper", "coherent_csi": "coherent_nsi"}   # experiment -> scan


BOTH_DEFAULT = {"scan": "coherent_pandax4t_nsi_default", "title": "COHERENT CsI[Na] + PandaX-4T", "interaction": "nsi",
                "experiments": ["coherent_csi", "pandax4t_counting"], "data": "observed",
                "parameters": [{"name": name, "min": -1.5, "max": 1.5, "points": 601} for name in ("eps_ee_uV", "eps_ee_dV")] +
                              [{"name": "sin2_theta_w", "value": 0.2312}, {"name": "recoil_term", "value": 1}]}


def bound(w, scan, parameter, delta=COHERENT_DELTA):
    """Smallest Lambda in GeV that is allowed with either sign."""
    curve = curve_of(w.map(scan), parameter)
    return allowed_intervals(curve.axes[0], curve.delta_chi2, delta).lower_bound


def coherent_bounds(w):
    rows = []
    for parameter, (printed, *calculated) in COHERENT_BOUNDS.items():
        found = bound(w, "coherent_lambda_paper", parameter)
        rows.append(relative(tex_of_name(parameter), printed, found, COHERENT_TOLERANCE[parameter[7:9]],
                             COHERENT_EXCEPTIONS.get(parameter, ""), form="{:.4g}", unit="GeV"))
    for scan, column in COHERENT_DATA.items():
        words = "data as in the paper" if column == 1 else "default data"
        for parameter, numbers in COHERENT_BOUNDS.items():
            tolerance = 0.002 + 0.05 / numbers[column]
            rows.append(relative(f"{tex_of_name(parameter)}, {words}", numbers[column], bound(w, scan, parameter), tolerance,
                                 source=CALCULATED, form="{:.4g}", unit="GeV"))
    return rows


def pandax_bounds(w):
    rows = [relative(tex_of_name(parameter), printed, bound(w, "pandax4t_lambda", parameter), tolerance, form="{:.5g}", unit="GeV")
            for parameter, (printed, tolerance) in PANDAX_BOUNDS.items()]
    found = w.rates(["pandax4t_counting"], "eft")["pandax4t_counting"]["signal_total"]
    return rows + [relative("expected neutrinos", SOLAR_EVENTS["pandax4t_counting"], found, 0.005, form="{:.4g}", unit="events")]


def scales(scan, name):
    def draw(w):
        panels = []
        for coefficient in COEFFICIENTS:
            curves = {m.names[0].rpartition("_")[2]: m for m in curves_of(w.map(scan)) if f"_{coefficient}_" in m.names[0]}
            title = "$" + coefficient[0] + "_{" + coefficient[1] + coefficient[3] + "}$"
            panels.append(Panel({FLAVOURS[f]: m for f, m in curves.items()}, title))
        return {name: (profile_panels(panels, columns=2, ylim=(0, 12), height=2.2, order=list(FLAVOURS.values())), [w.map(scan)])}
    return draw


def planes(w):
    pandax, panels = w.map("pandax4t_nsi"), []
    for coherent, both, title in (("coherent_nsi_paper", "coherent_pandax4t_nsi", "data as in the paper"),
                                  ("coherent_nsi", "coherent_pandax4t_nsi_default", "default data")):
        panels.append(Panel({"COHERENT CsI": w.map(coherent), "PandaX-4T": pandax, "both": w.map(both)}, title, (-0.6, 1), (-0.6, 1)))
    fig = contour_panels(panels, 90, 2, outlined=["PandaX-4T", "COHERENT CsI"], best_fits=False)
    return {f"{PAPER}_planes": (fig, [m for panel in panels for m in panel.maps.values()])}


def cuts(w):
    """Where the region of COHERENT cuts the axes of the plane."""
    rows = []
    for (experiment, parameter), expected in COHERENT_CUTS.items():
        m = w.map(PLANES[experiment])
        k = m.names.index(parameter)
        zero = int(np.abs(m.axes[1 - k].values).argmin())
        intervals = allowed_intervals(m.axes[k], np.take(m.delta_chi2, zero, axis=1 - k), 4.605).intervals
        found, words = np.ravel(intervals), "as in the paper" if "paper" in experiment else "default"
        row = absolute(f"{tex_of_name(parameter)}, data {words}", np.ravel(expected), found, [CUT_TOLERANCE] * np.size(expected))
        text = [" ∪ ".join(f"[{a:.3f}, {b:.3f}]" for a, b in pairs) for pairs in (expected, intervals)]
        rows.append(Comparison(row.quantity, *text, row.deviation, row.agrees, row.reason, CALCULATED))
    return rows


NUMBERS = "The paper's figures 2 to 5 are covered by this entry and its neighbours; which is which number is not certain."

ITEMS = [
    Item(PAPER, "table_I", "table I", "Lower bounds on the scale of Wilson coefficients, COHERENT CsI[Na]",
         {name: name for name in COHERENT_DATA}, scales("coherent_lambda", f"{PAPER}_scales_coherent"),
         {f"{PAPER}_scales_coherent": "Δχ² over |Λ| for one Wilson coefficient ±1/Λ² at a time, default data."}, coherent_bounds,
         tolerance="1.1 % (vector) and 1.5 % (axial), as print does not define the data",
         notes=("The data of the paper are not defined in print. \"As in the paper\" takes what comes nearest: anticoincidence counts "
                "subtracted, what is negative set to zero, and their fluctuations left out of the variance.", NUMBERS)),
    Item(PAPER, "pandax_scales", "section IV.B", "Lower bounds on the scale of Wilson coefficients, PandaX-4T",
         {"pandax4t_lambda": "pandax4t_lambda"}, scales("pandax4t_lambda", f"{PAPER}_scales_pandax4t"),
         {f"{PAPER}_scales_pandax4t": "The same for PandaX-4T as one counting bin, κ = 1."}, pandax_bounds, tolerance="0.4 to 0.5 %",
         notes=("The printed bounds come out with destructive interference and with κ = 1, as the paper's equations stand; with κ = 1/2, "
                "which a free nucleon asks for, the axial ones are lower by a factor of 2^(1/4).", NUMBERS)),
    Item(PAPER, "planes", "figures 2 to 5", "Couplings of electron neutrinos to u and d quarks",
         {**{name: name for name in ("coherent_nsi_paper", "coherent_nsi", "pandax4t_nsi", "coherent_pandax4t_nsi")},
          "coherent_pandax4t_nsi_default": BOTH_DEFAULT}, planes,
         {f"{PAPER}_planes": "COHERENT CsI[Na], PandaX-4T and both; 90 % C.L., two degrees of freedom."}, cuts,
         tolerance="0.0025",
         notes=("The figures have no numbers; cuts with the axes are compared with an independent calculation.", NUMBERS)),
]
