# SPDX-License-Identifier: GPL-3.0-or-later
"""arXiv:2411.11749: light mediators, weak mixing angle and flux from solar 8B neutrinos in XENONnT and PandaX-4T."""
from .. import rates as rates_module
from ..command import configuration
from ..intervals import allowed_intervals
from ..mediators import EXPERIMENTS, INTERACTIONS, MASS, SHORT, scan_text
from ..panels import Panel, contour_panels, profile_panels
from ..projection import curve_of, curves_at, from_each
from ..style import new_figure
from .item import CALCULATED, Comparison, Item, absolute, relative
from .numbers import (MEASUREMENT_TOLERANCE, MEASUREMENTS, MEDIATOR_LIMITS, MEDIATOR_TOLERANCE, SOLAR_EVENTS)

PAPER = "2411.11749"
DRAWN_DELTA = 4.61
DRAWN = {1e-7: (1e-6, 1e-1), 1e-6: (1e-4, 1)}   # range of couplings, by where that of light_mediators.py begins
SURROGATE = ("PandaX-4T is a surrogate: no numbers per bin are published, its experiment file only adds up to the published totals. "
             "What is made from it cannot be compared with print.")
STANDARD = ("sin2_theta_w=0.23857", "recoil_term=1")
SETS = {"xenonnt": "XENONnT", "pandax4t": "PandaX-4T (surrogate)", "both": "both (surrogate)"}
QUANTITIES = {"sin2_theta_w": (r"$\sin^2\theta_W$", 1, ""), "flux_b8": (r"flux of $^8$B neutrinos", 1e6, "10⁶/cm²/s")}
SCALE = 0.9     # of XENONnT's signal, with which the printed numbers come out


# ----------------------------------------------------------------------------------------------------------- figure 1

def events(w):
    fig, axes = new_figure(7.6, 3.0, 1, 2)
    for ax, (name, rate) in zip(axes, w.rates(["xenonnt_8b", "pandax4t_us2"], settings=STANDARD).items()):
        rates_module.draw(ax, name, rate)
        ax.set_title("PandaX-4T US2 (surrogate)" if name == "pandax4t_us2" else "XENONnT SR0 + SR1", fontsize=10)
    return {f"{PAPER}_figure_1": (fig, [])}


def event_totals(w):
    def total(name, *settings):
        return w.rates([name], settings=[*STANDARD, *settings])[name]["signal_total"]
    return [relative("XENONnT, neutrinos at its flux of 5.25 · 10⁶ /cm²/s", SOLAR_EVENTS["xenonnt_8b"],
                     total("xenonnt_8b", "flux_b8=5.25e6"), 0.01, form="{:.4g}"),
            relative("PandaX-4T (surrogate), neutrinos at 5.46 · 10⁶ /cm²/s", SOLAR_EVENTS["pandax4t_us2"],
                     total("pandax4t_us2"), 0.01, form="{:.4g}")]


# ----------------------------------------------------------------------------------------------------------- figure 2

def mediator_name(experiment, interaction):
    return f"{experiment}_{interaction}"


def mediator_scans():
    template = configuration("scans", "light_mediator.yaml")
    return {mediator_name(e, i): scan_text(template, e, i) for i in INTERACTIONS for e in EXPERIMENTS}


def mediators(w):
    panels, words = [], {e: SHORT.get(e, title) for e, (title, _) in EXPERIMENTS.items()}
    for interaction, (title, low, _) in INTERACTIONS.items():
        maps = {words[e]: from_each(w.map(mediator_name(e, interaction)), MASS) for e in EXPERIMENTS}
        panels.append(Panel(maps, title, ylim=DRAWN[low]))
    alone = [words[e] for e in EXPERIMENTS if e != "both"]
    fig = contour_panels(panels, columns=3, outlined=alone, cut=DRAWN_DELTA, excluded=True)
    return {f"{PAPER}_figure_2": (fig, w.maps(mediator_scans())), f"{PAPER}_figure_2_band": band(w)}


def band(w):
    """The universal vector from near: two excluded regions with an allowed band between them."""
    maps = {SETS[e]: from_each(w.map(mediator_name(e, "vector_universal")), MASS) for e in SETS}
    panels = [Panel({label: m}, f"universal vector, {label}", (1e-3, 100), (5e-6, 3e-4)) for label, m in maps.items()]
    return contour_panels(panels, columns=3, cut=DRAWN_DELTA, excluded=True), list(maps.values())


def edges_at(m, mass, delta):
    """Couplings at which Delta chi2 from the minimum at this mass goes through `delta`."""
    (_, curve), = curves_at(m, MASS, wanted=[mass])
    allowed = allowed_intervals(curve.axes[0], curve.delta_chi2, delta)
    return [x for pair, is_open in zip(allowed.intervals, allowed.open) for x, o in zip(pair, is_open) if not o]


def mediator_limits(w):
    rows = []
    for interaction, limits in MEDIATOR_LIMITS.items():
        for (mass, delta), expected in limits.items():
            found = edges_at(w.map(mediator_name("xenonnt", interaction)), mass, delta)
            row = absolute(f"{INTERACTIONS[interaction][0]}, g at {mass:g} MeV, Δχ² = {delta:g}", expected, found,
                           [MEDIATOR_TOLERANCE * g for g in expected], source=CALCULATED, form="{:.3e}")
            if len(found) == len(expected):
                off = max((b / a - 1 for a, b in zip(expected, found)), key=abs)
                row = Comparison(row.quantity, row.reference, row.found, f"{100 * off:+.2f} %", row.agrees, row.reason, CALCULATED)
            rows.append(row)
    return rows


# ----------------------------------------------------------------------------------------------------------- figure 4

def measurement_scans():
    scans = {f"solar_{q}_{e}": f"solar_{q}_{e}" for q in QUANTITIES for e in SETS}
    fixed = [{"name": "recoil_term", "value": 1}]
    flux = [{"name": "flux_b8", "min": 0, "max": 2.5e7, "points": 1001}, {"name": "sin2_theta_w", "value": 0.23857}]
    common = {"title": "XENONnT, signal scaled by 0.90", "experiments": ["xenonnt_8b_scaled"], "interaction": "nsi", "data": "observed"}
    scans["solar_flux_b8_scaled"] = {"scan": "solar_flux_b8_scaled", **common, "parameters": flux + fixed, "without_pulls": ["flux_b8"]}
    scans["solar_sin2_theta_w_scaled"] = {"scan": "solar_sin2_theta_w_scaled", **common, "parameters":
                                          [{"name": "sin2_theta_w", "min": -0.2, "max": 0.8, "points": 1001}] + fixed}
    return scans


def prepare_scaled(w):
    w.prepare("xenonnt_8b_scaled", "xenonnt_8b", lambda config: config["response"].update(signal_scale=SCALE))


def measurements(w):
    labels = {**SETS, "scaled": r"XENONnT, signal $\times$ 0.90"}
    panels = [Panel({words: curve_of(w.map(f"solar_{q}_{e}")) for e, words in labels.items()},
                    xlim=(-0.2, 0.8) if q == "sin2_theta_w" else (0, 2e7)) for q in QUANTITIES]
    fig = profile_panels(panels, columns=2, ylim=(0, 6), height=2.4)
    return {f"{PAPER}_figure_4": (fig, w.maps(measurement_scans()))}


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


ITEMS = [
    Item(PAPER, "figure_1", "figure 1", "Spectra of solar ⁸B events", {}, events,
         {f"{PAPER}_figure_1": "Expected events by flavour on the backgrounds, at 5.46 · 10⁶ /cm²/s, and what was observed. XENONnT: bins "
                               "of S2. PandaX-4T (surrogate): bins of ionisation electrons."}, event_totals, tolerance="1 %", notes=(SURROGATE,)),
    Item(PAPER, "figure_2", "figure 2", "Limits on light mediators", mediator_scans(), mediators,
         {f"{PAPER}_figure_2": "What is excluded at Δχ² = 4.61 from the minimum at each mass. PandaX-4T, and both with it, are a surrogate.",
          f"{PAPER}_figure_2_band": "The universal vector from near. What XENONnT allows between two excluded regions is where the mediator "
                                    "has turned the sign of the weak charge."},
         mediator_limits, tolerance="1.5 %",
         notes=("The figure has no numbers; limits of XENONnT are compared with an independent calculation.", SURROGATE)),
    Item(PAPER, "figure_4", "figure 4", "Weak mixing angle and flux", measurement_scans(), measurements,
         {f"{PAPER}_figure_4": "Δχ² of sin²θ_W, and of the flux without the solar model's knowledge of it."}, compare_measurements,
         prepare=prepare_scaled, tolerance="0.65 of the last digit in print; 0.02 and 0.001 to the calculation", notes=(SURROGATE,)),
]
