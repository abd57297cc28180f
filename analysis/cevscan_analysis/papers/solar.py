# SPDX-License-Identifier: GPL-3.0-or-later
"""arXiv:2411.11749: light mediators, weak mixing angle and flux from solar 8B neutrinos in XENONnT and PandaX-4T."""
from .. import event_rates
from ..command import MapError
from ..intervals import allowed_intervals
from ..mediators import INTERACTIONS, MASS
from ..numeric import np
from ..panels import Panel, contour_panels, profile_panels
from ..projection import curve_of, curves_at, from_each
from ..style import GREY, new_figure
from .item import CALCULATED, PAGE, Comparison, Item, absolute, relative
from .numbers import (MEASUREMENT_TOLERANCE, MEASUREMENTS, MEDIATOR_LIMITS, MEDIATOR_TOLERANCE, PANDAX_US2, RUNNING, SOLAR_EVENTS)
from .running import draw_running

PAPER = "2411.11749"
XENONNT = "xenonnt_8b"
DRAWN_DELTA = 4.61
SURROGATE = ("PandaX-4T is a surrogate: no numbers per bin are published, its experiment file only adds up to the published totals. "
             "What is made from it cannot be compared with print.")
MIXING = RUNNING["low"][0]      # sin^2 theta_W at low energies
STANDARD = (f"sin2_theta_w={MIXING}", "recoil_term=1")
# In the order of figure 2: {name: (label, experiments)}
SETS = {"pandax4t": ("PandaX-4T (surrogate)", [PANDAX_US2]), "xenonnt": ("XENONnT", [XENONNT]),
        "both": ("both (surrogate)", [XENONNT, PANDAX_US2])}
LABELS = {name: label for name, (label, _) in SETS.items()}
QUANTITIES = {"flux_b8": (r"flux of $^8$B neutrinos", 1e6, "10⁶/cm²/s"), "sin2_theta_w": (r"$\sin^2\theta_W$", 1, "")}
SCALE = 0.9     # of XENONnT's signal, with which the printed numbers come out


# ----------------------------------------------------------------------------------------------------------- figure 1

def fitted(w, name):
    """Expected events, as rates() gives them, with the pulls of their best fit to the data."""
    rate = w.rates([name], settings=STANDARD)[name]
    point = w.point([name], "observed", {"sin2_theta_w": MIXING, "recoil_term": 1})
    pulls = [(point["pulls"][pull["name"]], pull["scales"]) for pull in w.experiments([name])[name]["pulls"]]

    def scaled(component, counts):
        return list(np.array(counts) * (1 + sum(value for value, components in pulls if component in components)))
    found = dict(rate, signal={flavour: scaled("signal", counts) for flavour, counts in rate["signal"].items()},
                 background={component: scaled(component, counts) for component, counts in rate["background"].items()})
    total = sum(np.array(counts) for part in ("signal", "background") for counts in found[part].values())
    if not np.allclose(total, point["experiments"][name]["predicted"], rtol=1e-6):
        raise MapError(f"{name}: its pulls do more than scale what it expects")
    return found


def events(w):
    fig, axes = new_figure(*PAGE, 1, 2)
    for ax, name, title in zip(axes, (PANDAX_US2, XENONNT), ("PandaX-4T US2 (surrogate)", "XENONnT SR0 + SR1")):
        event_rates.draw(ax, name, fitted(w, name), titled=False)
        ax.set_title(title, fontsize=9)
    return {f"{PAPER}_figure_1": (fig, [])}


def event_totals(w):
    def total(name, *settings):
        return w.rates([name], settings=[*STANDARD, *settings])[name]["signal_total"]
    return [relative("XENONnT, neutrinos at its flux of 5.25 · 10⁶ /cm²/s", SOLAR_EVENTS[XENONNT],
                     total(XENONNT, "flux_b8=5.25e6"), 0.01, form="{:.4g}"),
            relative("PandaX-4T (surrogate), neutrinos at 5.46 · 10⁶ /cm²/s", SOLAR_EVENTS[PANDAX_US2],
                     total(PANDAX_US2), 0.01, form="{:.4g}")]


# ------------------------------------------------------------------------------------------------------ figures 2 and 3

AXES = {"flux_b8": {"name": "flux_b8", "min": 0, "max": 2.5e7, "points": 1001},
        "sin2_theta_w": {"name": "sin2_theta_w", "min": -0.2, "max": 0.8, "points": 1001}}
RANGES = {"flux_b8": (0, 2e7), "sin2_theta_w": (-0.2, 0.8)}
SCALED = f"{XENONNT}_scaled"


def measurement_scan(quantity, name, title, experiments):
    fixed = {"recoil_term": 1, **({"sin2_theta_w": MIXING} if quantity == "flux_b8" else {})}
    scan = {"scan": f"solar_{quantity}_{name}", "title": title, "experiments": experiments, "interaction": "nsi", "data": "observed",
            "parameters": [AXES[quantity], *({"name": key, "value": value} for key, value in fixed.items())]}
    return dict(scan, without_pulls=["flux_b8"]) if quantity == "flux_b8" else scan


def measurement_scans():
    sets = {**SETS, "scaled": ("XENONnT, signal scaled by 0.90", [SCALED])}
    return {f"solar_{q}_{name}": measurement_scan(q, name, *what) for q in QUANTITIES for name, what in sets.items()}


def prepare_scaled(w):
    w.prepare(SCALED, XENONNT, lambda config: config["response"].update(signal_scale=SCALE))


def measurements(w):
    labels = {**LABELS, "scaled": r"XENONnT, signal $\times$ 0.90"}
    panels = [Panel({words: curve_of(w.map(f"solar_{q}_{name}")) for name, words in labels.items()}, xlim=RANGES[q])
              for q in QUANTITIES]
    fig = profile_panels(panels, columns=2, ylim=(0, 6), height=1.7)
    fig.axes[1].axvline(MIXING, color=GREY, linewidth=0.9, linestyle=(0, (1, 1)), zorder=1)
    fig.axes[1].annotate(r"$\overline{\mathrm{MS}}$", (MIXING, 5.9), xytext=(3, 0), textcoords="offset points", va="top", fontsize=8)
    return {f"{PAPER}_figure_2": (fig, w.maps(measurement_scans()))}


def measured(m, unit):
    """Best fit, upwards and downwards to Delta chi2 = 1."""
    curve = curve_of(m)
    (low, high), = allowed_intervals(curve.axes[0], curve.delta_chi2, 1).intervals
    best = curve.best_fit[curve.names[0]]
    return [best / unit, (high - best) / unit, (best - low) / unit]


def written(numbers, digits):
    return "{:.{d}f} +{:.{d}f} −{:.{d}f}".format(*numbers, d=digits)


def compare_measurements(w):
    rows, scales = [], {"xenonnt": 1, "scaled": SCALE}
    for q, (printed, calculated) in MEASUREMENTS.items():
        name, unit, unit_words = QUANTITIES[q]
        digits = 2 if q == "flux_b8" else 3
        step = 10.0**(1 - digits)   # of the last digit in print
        for e, scale in scales.items():
            found = measured(w.map(f"solar_{q}_{e}"), unit)
            words = f"{name}, XENONnT" + (f", signal × {scale:.2f}" if scale != 1 else "") + (f" [{unit_words}]" if unit_words else "")
            reason = "the printed numbers come out if XENONnT's signal is scaled by 0.90, to which the paper's best-fit spectrum was tied"
            for expected, tolerance, source, d in ((printed, 0.65 * step, "printed", digits - 1),
                                                   (calculated[scale], MEASUREMENT_TOLERANCE[q], CALCULATED, digits)):
                row = absolute(words, expected, found, [tolerance] * 3, reason if source == "printed" and scale == 1 else "")
                rows.append(Comparison(words, written(expected, d), written(found, digits), row.deviation, row.agrees, row.reason, source))
    return rows


def determinations(w):
    """What comes out for all sets: best fits and 1 sigma."""
    lines = [["", *(f"{words} [{unit}]" if unit else words for words, _, unit in QUANTITIES.values())]]
    for name, label in LABELS.items():
        cells = [written(measured(w.map(f"solar_{q}_{name}"), unit), 2 if q == "flux_b8" else 3) for q, (_, unit, _) in QUANTITIES.items()]
        lines.append([label, *cells])
    return [("Best fits and 1σ.", lines)]


def running(w):
    found = {LABELS[name]: measured(w.map(f"solar_sin2_theta_w_{name}"), 1) for name in SETS}
    return {f"{PAPER}_figure_3": (draw_running(found), [w.map(f"solar_sin2_theta_w_{name}") for name in SETS])}


# ------------------------------------------------------------------------------------------------------ figures 4 and 5

FIGURE_5 = ["scalar", "axial", "vector_b_minus_l", "vector_universal"]
ORDER_4 = ["xenonnt", "pandax4t", "both"]


def mediator_studies():
    """The three sets of each interaction. 20 masses and 100 couplings a decade: the bands of the universal vector are a few hundredths of
    one wide where they begin, and with fewer they break into beads."""
    plane = [{"name": MASS, "scale": "log", "min": 1e-3, "max": 1e4, "points": 141},
             {"name": "coupling", "scale": "log", "min": 1e-7, "max": 1, "points": 701}]
    sets = [{"name": name, "experiments": experiments} for name, (_, experiments) in SETS.items()]
    return {f"mediators_{i}": {"study": f"mediators_{i}", "interaction": i, "data": "observed", "sets": sets, "planes": [plane],
                               "parameters": [{"name": "sin2_theta_w", "value": MIXING}]} for i in INTERACTIONS}


def mediator_map(w, interaction, name):
    return w.map(f"mediators_{interaction}:{MASS},coupling/{name}")


def excluded(w, interaction, name):
    """Delta chi2 from the minimum at each mass."""
    return from_each(mediator_map(w, interaction, name), MASS)


def all_mediators(w):
    titles = {i: title for i, (title, _, _) in INTERACTIONS.items()}
    panels = [Panel({titles[i]: excluded(w, i, name) for i in INTERACTIONS}, LABELS[name], ylim=(1e-6, 1)) for name in ORDER_4]
    fig = contour_panels(panels, columns=3, cut=DRAWN_DELTA, excluded=True)
    return {f"{PAPER}_figure_4": (fig, [mediator_map(w, i, name) for i in INTERACTIONS for name in ORDER_4])}


def combination(w):
    panels = []
    for i in FIGURE_5:
        maps = {LABELS[name]: excluded(w, i, name) for name in reversed(ORDER_4)}
        panels.append(Panel(maps, INTERACTIONS[i][0], ylim=(1e-4, 1) if i == "axial" else (1e-6, 1e-1)))
    alone = [LABELS[name] for name in ORDER_4 if name != "both"]
    fig = contour_panels(panels, columns=2, outlined=alone, cut=DRAWN_DELTA, excluded=True, width=150)
    return {f"{PAPER}_figure_5": (fig, [mediator_map(w, i, name) for i in FIGURE_5 for name in ORDER_4]), f"{PAPER}_figure_5_band": band(w)}


def band(w):
    """The universal vector from near: two excluded regions with an allowed band between them."""
    maps = {LABELS[name]: excluded(w, "vector_universal", name) for name in ORDER_4}
    panels = [Panel({label: m}, label, (1e-3, 100), (5e-6, 3e-4)) for label, m in maps.items()]
    return contour_panels(panels, columns=3, cut=DRAWN_DELTA, excluded=True), list(maps.values())


def edges_at(m, mass, delta):
    """Couplings at which Delta chi2 from the minimum at this mass goes through `delta`."""
    (_, curve), = curves_at(m, MASS, wanted=[mass])
    allowed = allowed_intervals(curve.axes[0], curve.delta_chi2, delta)
    return [x for pair, is_open in zip(allowed.intervals, allowed.open) for x, o in zip(pair, is_open) if not o]


def mediator_limits(interactions):
    def rows(w):
        return [limit(w, interaction, *where, expected) for interaction in interactions
                for where, expected in MEDIATOR_LIMITS[interaction].items()]
    return rows


def limit(w, interaction, mass, delta, expected):
    found = edges_at(mediator_map(w, interaction, "xenonnt"), mass, delta)
    row = absolute(f"{INTERACTIONS[interaction][0]}, g at {mass:g} MeV, Δχ² = {delta:g}", expected, found,
                   [MEDIATOR_TOLERANCE * g for g in expected], source=CALCULATED, form="{:.3e}")
    if len(found) != len(expected):
        return row
    off = max((b / a - 1 for a, b in zip(expected, found)), key=abs)
    return Comparison(row.quantity, row.reference, row.found, f"{100 * off:+.2f} %", row.agrees, row.reason, CALCULATED)


OTHERS = "; ".join(f"{name}: {citation}" for name, *_, citation in RUNNING["others"])
NO_NUMBERS = "The figure has no numbers; limits of XENONnT are compared with an independent calculation."
ITEMS = [
    Item(PAPER, "figure_1", "figure 1", "Spectra of solar ⁸B events", {}, events,
         {f"{PAPER}_figure_1": "What is fitted to the data: events by flavour on the backgrounds, with the pulls of the best fit. PandaX-4T "
                               "(surrogate): bins of ionisation electrons; XENONnT: bins of S2."},
         event_totals, tolerance="1 %, of what is expected before the fit", notes=(SURROGATE,)),
    Item(PAPER, "figure_2", "figure 2", "Flux and weak mixing angle", measurement_scans(), measurements,
         {f"{PAPER}_figure_2": "Δχ² from the minimum of each curve: of the flux, without the solar model's knowledge of it, and of "
                               f"sin²θ_W; the vertical line is its running value at low energies in the MSbar scheme, {MIXING}."},
         compare_measurements, determinations,
         prepare=prepare_scaled, tolerance="0.65 of the last digit in print; 0.02 and 0.001 to the calculation",
         notes=(SURROGATE, f"The running value: {RUNNING['citation']}.")),
    Item(PAPER, "figure_3", "figure 3", "The weak mixing angle over the scale",
         {name: scan for name, scan in measurement_scans().items() if "sin2" in name}, running,
         {f"{PAPER}_figure_3": "sin²θ_W over the momentum transfer: the running at one loop, the three determinations with 1σ (PandaX-4T, "
                               "and both with it, are a surrogate), and some of the other experiments."}, prepare=prepare_scaled,
         notes=(RUNNING["words"], f"Other experiments: {OTHERS}.", SURROGATE)),
    Item(PAPER, "figure_4", "figure 4", "Limits on light mediators, by experiment", mediator_studies(), all_mediators,
         {f"{PAPER}_figure_4": "What is excluded at Δχ² = 4.61 from the minimum at each mass: all mediators in XENONnT, in PandaX-4T and in "
                               "both together; the last two are a surrogate."},
         mediator_limits(["tensor"]), tolerance="1.5 %", notes=(NO_NUMBERS, "Those of the other mediators stand at figure 5.", SURROGATE)),
    Item(PAPER, "figure_5", "figure 5", "Limits on light mediators, by interaction", mediator_studies(), combination,
         {f"{PAPER}_figure_5": "The same for each interaction: both experiments together, and alone as lines.",
          f"{PAPER}_figure_5_band": "The universal vector from near. What XENONnT allows between two excluded regions is where the mediator "
                                    "has turned the sign of the weak charge."},
         mediator_limits(FIGURE_5), tolerance="1.5 %",
         notes=(NO_NUMBERS, "Bounds of other experiments, which the paper draws over these, are not ours to ship: plot_map.py --limit draws "
                            "those that you have.", SURROGATE)),
    Item(PAPER, "tables", "tables", "Not reproduced", notes=("What the paper's tables print is not among the numbers kept here.",)),
]
