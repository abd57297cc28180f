# SPDX-License-Identifier: GPL-3.0-or-later
"""arXiv:2409.04703: Wilson coefficients and non-standard interactions from COHERENT CsI[Na] and PandaX-4T."""
from dataclasses import replace

from .. import event_rates
from ..axes import tex_of_name
from ..command import MapError
from ..intervals import allowed_intervals
from ..numeric import np
from ..panels import Panel, contour_panels, profile_panels
from ..projection import curve_of, curves_of
from ..style import GREY, colour, line_style, new_figure
from .item import CALCULATED, COLUMN, Comparison, Item, absolute, relative
from .numbers import (COHERENT_BOUNDS, COHERENT_CUTS, COHERENT_DATA, COHERENT_DELTA, COHERENT_EDGES_PE, COHERENT_EVENTS,
                      COHERENT_EXCEPTIONS, COHERENT_FLAVOURS, COHERENT_TOLERANCE, CUT_TOLERANCE, FLAVOURS, PANDAX_BOUNDS, PANDAX_COUNTS,
                      PANDAX_LINE, PANDAX_VARIANCE, PROBABILITIES, PROBABILITY_TOLERANCE, PROJECTED, SOLAR_EVENTS)

PAPER = "2409.04703"
SYMBOLS = {"e": r"$\nu_e$", "mu": r"$\nu_\mu$", "tau": r"$\nu_\tau$"}
COEFFICIENTS = ["C1_u", "C1_d", "C2_u", "C2_d"]
PLANES = {"coherent_csi_paper": "coherent_nsi_paper", "coherent_csi": "coherent_nsi"}   # experiment -> scan
COUNTING = "pandax4t_counting"
RANGE = (-0.6, 1.0)     # of the plane of figures 3 and 5


# ----------------------------------------------------------------------------------------------------------- figure 1

def coherent_rate(w):
    return w.rates(["coherent_csi"], "eft")["coherent_csi"]


def events(w):
    fig, ax = new_figure(*COLUMN)
    event_rates.draw(ax, "coherent_csi", coherent_rate(w), titled=False)
    return {f"{PAPER}_figure_1": (fig, [])}


def coherent_events(w):
    rate = coherent_rate(w)
    unit, edges = event_rates.edges_of(rate)
    if unit != "PE" or list(edges) != COHERENT_EDGES_PE:
        raise MapError("coherent_csi: its bins are not those of figure 1 of arXiv:2409.04703")
    found = sum(np.array(counts) for counts in rate["signal"].values())
    row = absolute("events in each bin, all flavours", COHERENT_EVENTS, list(found), [0.05 + 0.005 * n for n in COHERENT_EVENTS],
                   source=CALCULATED, form="{:.1f}")
    return [replace(row, deviation=f"{max(found - COHERENT_EVENTS, key=abs):+.2f}"),
            *(relative(f"${rate['labels'][name]}$, events", total, sum(rate["signal"][name]), 0.005, source=CALCULATED, form="{:.4g}")
              for name, total in COHERENT_FLAVOURS.items())]


# ----------------------------------------------------------------------------------------------------------- figure 2

def probabilities(w):
    """Energies in MeV and {flavour: P(nu_e -> flavour)}, from `cevscan spectra`; None if the program has no such command."""
    answer = w.spectra(COUNTING, "probability")
    if answer is None:
        return None
    found = {curve["component"]: curve["values"] for curve in answer[COUNTING]["curves"] if curve["quantity"] == "day_and_night"}
    return np.array(answer[COUNTING]["energy_MeV"], float), {f: np.array(found[f"nu_{f}"], float) for f in FLAVOURS}


def draw_probabilities(w):
    found = probabilities(w)
    if found is None:
        return {}
    fig, ax = new_figure(*COLUMN)
    for k, (flavour, values) in enumerate(found[1].items()):
        ax.plot(found[0], values, color=colour(k), linestyle=line_style(k), label=rf"$P_{{{tex_of_flavour(flavour)}}}$")
    ax.set(xlim=(found[0][0], found[0][-1]), ylim=(0.1, 0.6), xlabel="neutrino energy [MeV]", ylabel=r"$P(\nu_e\to\nu_\alpha)$")
    ax.legend(frameon=False, fontsize=8)
    return {f"{PAPER}_figure_2": (fig, [])}


def tex_of_flavour(flavour):
    return flavour if flavour == "e" else "\\" + flavour


def compare_probabilities(w):
    found = probabilities(w)
    return [] if found is None else [
        absolute(f"$P_{{{tex_of_flavour(f)}}}$ at {energy} MeV", [expected], [float(np.interp(energy, found[0], found[1][f]))],
                 [PROBABILITY_TOLERANCE], source=CALCULATED, form="{:.4f}")
        for energy, row in PROBABILITIES.items() for f, expected in zip(FLAVOURS, row)]


def without_spectra(w):
    return [] if probabilities(w) else ["The figure cannot be had: this version of the program does not print probabilities."]


# ------------------------------------------------------------------------------------------------------ figures 3 and 5

def plane(number, *names):
    """The (eps_ee_uV, eps_ee_dV) plane, with the regions of {label: name of the map}, a panel for each dict."""
    def draw(w):
        panels = [Panel({label: w.map(name) for label, name in maps.items()}, title, RANGE, RANGE) for title, maps in names]
        labels = list(dict.fromkeys(label for panel in panels for label in panel.maps))
        fig = contour_panels(panels, 90, 2, order=labels, best_fits=False, width=130 if len(panels) > 1 else "column")
        return {f"{PAPER}_figure_{number}": (fig, [m for panel in panels for m in panel.maps.values()])}
    return draw


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


def projected_name(sigma):
    return f"pandax4t_projected_{round(1000 * sigma)}"


def prepare_projected(w):
    """PandaX-4T with the exposure of the projection, the events of the standard model, and a variance that grows with the exposure."""
    times = PROJECTED["exposure"] / PROJECTED["exposure_today"]
    for sigma in PROJECTED["sigmas"]:
        def change(config, sigma=sigma):
            config["target"]["mass_kg"] *= times
            config.update(observed=[PROJECTED["measured"] * times],
                          statistic={"name": "gaussian", "variance": [PANDAX_VARIANCE * times]},
                          pulls=[dict(pull, sigma=sigma) for pull in config["pulls"] if sigma > 0])
        w.prepare(projected_name(sigma), COUNTING, change)


def projected_scan(sigma):
    name = projected_name(sigma)
    return {"scan": f"{name}_nsi", "title": name, "experiments": [name], "interaction": "nsi", "data": "observed",
            "parameters": [{"name": eps, "min": -1.5, "max": 1.5, "points": 601} for eps in ("eps_ee_uV", "eps_ee_dV")] +
                          [{"name": "sin2_theta_w", "value": 0.2312}, {"name": "recoil_term", "value": 1}]}


PROJECTED_SCANS = {f"{projected_name(sigma)}_nsi": projected_scan(sigma) for sigma in PROJECTED["sigmas"]}
PROJECTED_LABELS = {rf"PandaX-4T, 6 t yr, $\sigma_\alpha = {sigma:g}$": f"{projected_name(sigma)}_nsi" for sigma in PROJECTED["sigmas"]}


# ----------------------------------------------------------------------------------------------------------- figure 4

FLUX_SCAN = {"scan": "pandax4t_events", "title": "PandaX-4T", "experiments": [COUNTING], "interaction": "eft", "data": "observed",
             "parameters": [{"name": "flux_b8", "min": 0, "max": 3e7, "points": 1501}]}


def expected_events(w):
    """Of the standard model at a flux of 1 /cm2/s, to which the number is proportional."""
    flux = w.experiments([COUNTING])[COUNTING]["source"]["flux_per_cm2_s"]
    return w.rates([COUNTING], "eft")[COUNTING]["signal_total"] / flux


def count_curve(w):
    """Delta chi2 of PandaX-4T over the number of events: that of the flux, with its axis in events."""
    curve, per_flux = curve_of(w.map("pandax4t_events")), expected_events(w)
    axis = replace(curve.axes[0], values=curve.axes[0].values * per_flux, name="events", units="1")
    return axis, curve.delta_chi2, curve.best_fit["flux_b8"] * per_flux


def draw_counts(w):
    axis, delta, best = count_curve(w)
    fig, ax = new_figure(*COLUMN)
    ax.plot(axis.values, delta, color=colour(0), linewidth=1.4)
    ax.axhline(PANDAX_LINE, color=GREY, linestyle=(0, (4, 3)), linewidth=0.8)
    ax.text(1.012, PANDAX_LINE, f"{PANDAX_LINE:g}", transform=ax.get_yaxis_transform(), va="center", fontsize=8, color="0.25")
    for k, (n, words) in enumerate(((expected_events(w) * standard_flux(w), "standard model"), (best, "measured"))):
        ax.axvline(n, color=colour(k + 1), linestyle=line_style(k + 1), linewidth=1, label=f"{words}, {n:.1f}")
    ax.set(xlim=(0, 230), ylim=(0, 8), xlabel=r"CE$\nu$NS events", ylabel=r"$\Delta\chi^2$")
    ax.legend(frameon=False, loc="upper right", fontsize=8)
    return {f"{PAPER}_figure_4": (fig, [w.map("pandax4t_events")])}


def standard_flux(w):
    return w.experiments([COUNTING])[COUNTING]["source"]["flux_per_cm2_s"]


def compare_counts(w):
    axis, delta, best = count_curve(w)
    measured, sigma = PANDAX_COUNTS["measured"], PROJECTED["sigmas"][0]
    found = np.ravel(allowed_intervals(axis, delta, PANDAX_LINE).intervals)
    # (measured - N)^2 = line (variance + (sigma N)^2)
    roots = np.sort(np.roots([1 - PANDAX_LINE * sigma**2, -2 * measured, measured**2 - PANDAX_LINE * PANDAX_VARIANCE]))
    return [relative("events at the minimum", measured, best, 0.005, form="{:.4g}"),
            relative("events of the standard model", PANDAX_COUNTS["standard model"], expected_events(w) * standard_flux(w), 0.005,
                     form="{:.4g}"),
            absolute(f"events at Δχ² = {PANDAX_LINE:g}, closed form", list(roots), list(found), [0.1, 0.1], source=CALCULATED,
                     form="{:.3f}")]


# ----------------------------------------------------------------------------------------------------- tables I and III

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
    found = w.rates([COUNTING], "eft")[COUNTING]["signal_total"]
    return rows + [relative("expected neutrinos", SOLAR_EVENTS[COUNTING], found, 0.005, form="{:.4g}", unit="events")]


def table_of_bounds(flavours, printed, rows):
    """A row for each coefficient, a column for each flavour. `rows`: {words: scan}."""
    def make(w):
        lines = [["coefficient", "", *(SYMBOLS[f] for f in flavours)]]
        for coefficient in COEFFICIENTS:
            names = [f"lambda_{coefficient}_{f}" for f in flavours]
            lines.append([tex_of_coefficient(coefficient), "printed", *(f"{printed[name][0]:g}" for name in names)])
            lines += [["", words, *(f"{bound(w, scan, name):.5g}" for name in names)] for words, scan in rows.items()]
        return [("Lower bounds on |Λ| in GeV at 90 % C.L., one coefficient ±1/Λ² at a time.", lines)]
    return make


def tex_of_coefficient(name):
    return f"$C_{{{name[1]}{name[3]}}}$"


def scales(scan, name):
    def draw(w):
        panels = []
        for coefficient in COEFFICIENTS:
            curves = {m.names[0].rpartition("_")[2]: m for m in curves_of(w.map(scan)) if f"_{coefficient}_" in m.names[0]}
            panels.append(Panel({SYMBOLS[f]: m for f, m in curves.items()}, tex_of_coefficient(coefficient)))
        return {name: (profile_panels(panels, columns=2, ylim=(0, 12), height=1.7, order=list(SYMBOLS.values())), [w.map(scan)])}
    return draw


COHERENT, PANDAX = "COHERENT CsI", "PandaX-4T"
ITEMS = [
    Item(PAPER, "figure_1", "figure 1", "Events of COHERENT CsI[Na]", {}, events,
         {f"{PAPER}_figure_1": "Events of each flavour with the responses of the shell model, on those of neutrons, in bins of "
                               "photoelectrons; and what remains of the data after the anticoincidence counts are subtracted, with the "
                               "standard deviation of the difference."}, coherent_events, tolerance="0.05 events and 0.5 %",
         notes=("The figure has no numbers; they are compared with an independent calculation.",)),
    Item(PAPER, "table_I", "table I", "Scales of Wilson coefficients from COHERENT CsI[Na]",
         {name: name for name in COHERENT_DATA}, scales("coherent_lambda_paper", f"{PAPER}_table_I"),
         {f"{PAPER}_table_I": "Where the table comes from: Δχ² over |Λ|, data as in the paper."}, coherent_bounds,
         table_of_bounds(FLAVOURS[:2], COHERENT_BOUNDS, {"cevscan, data as in the paper": "coherent_lambda_paper",
                                                         "cevscan, default data": "coherent_lambda"}), arranged=True,
         tolerance="1.1 % (vector) and 1.5 % (axial), as print does not define the data; 0.2 % to the calculation",
         notes=("The data of the paper are not defined in print. \"As in the paper\" takes what comes nearest: anticoincidence counts "
                "subtracted, what is negative set to zero, and their fluctuations left out of the variance.",)),
    Item(PAPER, "table_II", "table II", "Not reproduced", notes=("What this table prints is not among the numbers kept here.",)),
    Item(PAPER, "figure_2", "figure 2", "Flavours of solar ⁸B neutrinos", {}, draw_probabilities,
         {f"{PAPER}_figure_2": "Probability that a ⁸B neutrino arrives as each flavour, averaged over day and night at the place of "
                               "PandaX-4T, over its energy."},
         compare_probabilities, tolerance="0.002", remarks=without_spectra),
    Item(PAPER, "figure_3", "figure 3", "Couplings of electron neutrinos to u and d quarks",
         {name: name for name in ("coherent_nsi_paper", "coherent_nsi", "pandax4t_nsi")},
         plane(3, ("data as in the paper", {COHERENT: "coherent_nsi_paper", PANDAX: "pandax4t_nsi"}),
               ("default data", {COHERENT: "coherent_nsi", PANDAX: "pandax4t_nsi"})),
         {f"{PAPER}_figure_3": "COHERENT CsI[Na] and PandaX-4T, 90 % C.L., two degrees of freedom. On the left what is printed; on the "
                               "right with the data and variance that are the default here."}, cuts, tolerance="0.0025",
         notes=("The figure has no numbers; cuts with the axes are compared with an independent calculation.",)),
    Item(PAPER, "table_III", "table III", "Scales of Wilson coefficients from PandaX-4T",
         {"pandax4t_lambda": "pandax4t_lambda"}, scales("pandax4t_lambda", f"{PAPER}_table_III"),
         {f"{PAPER}_table_III": "Where the table comes from: Δχ² over |Λ|, PandaX-4T as one counting bin, κ = 1."}, pandax_bounds,
         table_of_bounds(FLAVOURS, PANDAX_BOUNDS, {"cevscan": "pandax4t_lambda"}), arranged=True, tolerance="0.4 to 0.5 %",
         notes=("The printed bounds come out with destructive interference and with κ = 1, as the paper's equations stand; with κ = 1/2, "
                "which a free nucleon asks for, the axial ones are lower by a factor of 2^(1/4).",)),
    Item(PAPER, "figure_4", "figure 4", "The number of events in PandaX-4T", {"pandax4t_events": FLUX_SCAN}, draw_counts,
         {f"{PAPER}_figure_4": "Δχ² over the number of CEνNS events, which stands for the flux that is scanned; the line at 4.61."},
         compare_counts, tolerance="0.5 %; 0.1 events to the closed form"),
    Item(PAPER, "figure_5", "figure 5", "A projection of PandaX-4T",
         {"coherent_nsi_paper": "coherent_nsi_paper", **PROJECTED_SCANS},
         plane(5, ("", {COHERENT: "coherent_nsi_paper", **PROJECTED_LABELS})),
         {f"{PAPER}_figure_5": "COHERENT CsI[Na], and PandaX-4T with 6 t yr that measures the standard model, with and without the "
                               "uncertainty of its signal; 90 % C.L., two degrees of freedom."}, prepare=prepare_projected,
         notes=("44.9 events in 1.04 t yr become 259 in 6 t yr, and the variance of their number grows with the exposure. The figure has "
                "no numbers.",)),
]
