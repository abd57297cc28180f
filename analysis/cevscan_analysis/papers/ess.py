# SPDX-License-Identifier: GPL-3.0-or-later
"""arXiv:2208.11771: non-standard interactions with six detectors at the European Spallation Source."""
from dataclasses import replace

from ..areas import area_of, rank
from ..axes import tex_of_name
from ..intervals import allowed_intervals, delta_from_level
from ..panels import Panel, contour_panels, profile_panels, rate_panels
from ..projection import curve_of
from ..tables import FILE_ENDS, TABLES, Cut, rows_of, with_error
from .item import CALCULATED, Item, absolute, relative
from .numbers import ESS_TOTALS, INTERVAL_DELTAS, INTERVAL_EXCEPTIONS, INTERVALS, edges_of

PAPER = "2208.11771"
LABELS = {"csi": "CsI", "xe": "Xe", "si": "Si", "ge": "Ge", "ar": "Ar", "c3f8": r"C$_3$F$_8$"}
SINGLE = list(LABELS)
CURVE_PAIRS = [("csi", "xe"), ("csi", "si"), ("xe", "si"), ("ge", "si"), ("csi", "c3f8")]   # figure 3
PLANE_PAIRS = [("csi", "xe"), ("csi", "si"), ("xe", "si"), ("csi", "c3f8"), ("xe", "c3f8"), ("xe", "ge")]  # figures 7 and 8
COUPLINGS = ["eps_ee", "eps_mumu", "eps_emu", "eps_etau", "eps_mutau"]
BOTH = "both together"
ORDER_UNKNOWN = "Which plane stands under which number of the paper's figures is not certain; all planes that it draws are here."

# {name: ((parameter, low, high) of x, of y)}
NEAR, BAND, MIXED = (-0.2, 0.6), (-0.6, 1.0), (-0.6, 0.6)
PLANES = {"ee_u_mumu_u": (("eps_ee_uV", *NEAR), ("eps_mumu_uV", *NEAR)), "ee_d_mumu_d": (("eps_ee_dV", *NEAR), ("eps_mumu_dV", *NEAR)),
          "ee_u_mumu_d": (("eps_ee_uV", *NEAR), ("eps_mumu_dV", *NEAR)), "ee_d_mumu_u": (("eps_ee_dV", *NEAR), ("eps_mumu_uV", *NEAR)),
          "ee_u_ee_d": (("eps_ee_uV", *BAND), ("eps_ee_dV", *BAND)), "mumu_u_mumu_d": (("eps_mumu_uV", *BAND), ("eps_mumu_dV", *BAND)),
          "emu_u_emu_d": (("eps_emu_uV", *MIXED), ("eps_emu_dV", *MIXED)),
          "etau_u_etau_d": (("eps_etau_uV", *MIXED), ("eps_etau_dV", *MIXED)),
          "mutau_u_mutau_d": (("eps_mutau_uV", *MIXED), ("eps_mutau_dV", *MIXED)),
          "emu_u_mumu_u": (("eps_emu_uV", -0.4, 0.4), ("eps_mumu_uV", *NEAR))}
PAIR_PLANES = ["ee_u_mumu_u", "ee_u_ee_d", "mumu_u_mumu_d"]    # of figures 7 and 8
POINTS = 401            # along an axis of a plane
CURVE = dict(min=-0.4, max=0.7, points=2201)


def label_of(detectors):
    return " + ".join(LABELS[name] for name in detectors)


def curve_name(detectors, parameter):
    return f"ess_curves:{parameter}/" + "+".join(detectors)


def plane_name(plane, detectors):
    axes = ",".join(name for name, _, _ in PLANES[plane])
    return f"ess_{'planes' if len(detectors) == 1 else 'pairs'}:{axes}/" + "+".join(detectors)


def study(name, sets, **spaces):
    sets = [{"name": "+".join(g), "experiments": [f"ess_{d}" for d in g]} for g in sets]
    return {name: {"study": name, "interaction": "nsi", "data": "asimov", "sets": sets, **spaces}}


def planes_of(names):
    return [[{"name": name, "min": low, "max": high, "points": POINTS} for name, low, high in PLANES[plane]] for plane in names]


PARAMETERS = [f"{coupling}_{quark}V" for quark in "ud" for coupling in COUPLINGS]
SINGLES = [(d,) for d in SINGLE]
CURVES = study("ess_curves", SINGLES + CURVE_PAIRS, profiles=[{"name": name, **CURVE} for name in PARAMETERS])
SINGLE_PLANES = study("ess_planes", SINGLES, planes=planes_of(PLANES))
PAIRS = study("ess_pairs", PLANE_PAIRS, planes=planes_of([*PAIR_PLANES, "emu_u_mumu_u"]))


# ----------------------------------------------------------------------------------------------------------- figure 1

def spectra(w):
    found = w.rates([f"ess_{name}" for name in SINGLE])
    titles = {f"ess_{name}": label for name, label in LABELS.items()}
    fig = rate_panels(found, titles, xlims={"ess_si": (0.16, 80), "ess_ge": (0.6, 60), "ess_csi": (1, 30), "ess_xe": (0.9, 30)})
    return {f"{PAPER}_figure_1": (fig, [])}


def totals(w):
    found = w.rates([f"ess_{name}" for name in SINGLE])
    rows = []
    for name, expected in ESS_TOTALS.items():
        for part, total in zip(("signal", "background"), expected):
            rows.append(relative(f"{LABELS[name[4:]]}, {part}, events in 3 years", total, found[name][f"{part}_total"], 0.002,
                                 source=CALCULATED, form="{:.5g}"))
    return rows


# ------------------------------------------------------------------------------------------------------ figures 2 and 3

def curves(number, groups):
    def draw(w):
        panels = []
        for name in PARAMETERS:
            maps = {label_of(g): w.map(curve_name(g, name)) for g in groups}
            panels.append(Panel(maps, xlim=(-0.15, 0.55) if name[:-3] in COUPLINGS[:2] else (-0.3, 0.3)))
        fig = profile_panels(panels, columns=5, order=[label_of(g) for g in groups])
        return {f"{PAPER}_figure_{number}": (fig, [m for panel in panels for m in panel.maps.values()])}
    return draw


def item_of_curves(number, groups, words):
    return Item(PAPER, f"figure_{number}", f"figure {number}", f"One coupling at a time: {words}",
                CURVES, curves(number, groups),
                {f"{PAPER}_figure_{number}": f"Δχ² of each coupling to u and d quarks, all others zero; {words}."})


# -------------------------------------------------------------------------------------------------- tables III and V

def detectors_of(experiments):
    return tuple(name[4:] for name in experiments.split(","))


def intervals(w):
    rows = []
    for (experiments, parameter), printed in INTERVALS.items():
        curve = w.map(curve_name(detectors_of(experiments), parameter))
        for (level, delta), text in zip(INTERVAL_DELTAS.items(), printed):
            if text:
                rows.append(compare_interval(experiments, parameter, level, text, curve, delta))
    return rows + [compare_tenfold(w)]


def compare_interval(experiments, parameter, level, text, curve, delta):
    found = [edge for pair in allowed_intervals(curve.axes[0], curve.delta_chi2, delta).intervals for edge in pair]
    expected = edges_of(text)
    quantity = f"{label_of(detectors_of(experiments))}, {tex_of_name(parameter)}, {level.replace('sigma', 'σ')}"
    reason = INTERVAL_EXCEPTIONS.get((experiments, parameter, level), ("", ""))[1]
    row = absolute(quantity, [e for e, _ in expected], found, [t for _, t in expected], reason)
    return replace(row, reference=text.replace(" u ", " ∪ "), found=written(found))


def written(edges):
    return " ∪ ".join(f"[{a:.4f}, {b:.4f}]" for a, b in zip(edges[::2], edges[1::2]))


def interval_tables(w):
    """The intervals of all curves of the tables, in the three formats."""
    cuts = [Cut(delta) for delta in INTERVAL_DELTAS.values()]
    parameters = list(dict.fromkeys(parameter for _, parameter in INTERVALS))
    rows = [row for g in TABLE_DETECTORS for name in parameters
            for row in rows_of([w.map(curve_name(g, name))], label_of(g), cuts)]
    return {f"{PAPER}_tables_III_V.{end}": TABLES[form](rows, cuts) for form, end in FILE_ENDS.items()}


def prepare_tenfold(w):
    """C3F8 with ten times its nuclei, and the background of 10 kg."""
    def change(config):
        config["target"]["mass_kg"] *= 10
        config["backgrounds"][0]["rate_per_kg_day"] /= 10
    w.prepare(TENFOLD, "ess_c3f8", change)


def compare_tenfold(w):
    (key, (text, _)), = [item for item in INTERVALS.items() if item[0][0] == "ess_c3f8"]
    row = compare_interval(*key, "90 %", text, curve_of(w.map(f"{TENFOLD}_curve")), INTERVAL_DELTAS["90 %"])
    return replace(row, quantity=f"{row.quantity}, with ten times the nuclei and the background of 10 kg")


TENFOLD = "ess_c3f8_tenfold"
TENFOLD_SCAN = {"scan": f"{TENFOLD}_curve", "experiments": [TENFOLD], "interaction": "nsi", "data": "asimov",
                "parameters": [{"name": "eps_ee_uV", "min": -0.2, "max": 0.6, "points": 1601}]}
TABLE_DETECTORS = list(dict.fromkeys(detectors_of(experiments) for experiments, _ in INTERVALS))


# ------------------------------------------------------------------------------------------------------ figures 4 to 9

def planes_of_singles(number, planes, columns):
    def draw(w):
        panels = [Panel({LABELS[name]: w.map(plane_name(plane, (name,))) for name in SINGLE}) for plane in planes]
        fig = contour_panels(panels, 90, columns, order=list(LABELS.values()))
        return {f"{PAPER}_{number}": (fig, [m for panel in panels for m in panel.maps.values()])}
    return draw


def areas_of_singles(planes):
    def table(w):
        lines = [["plane", *LABELS.values()]]
        for plane in planes:
            found = [area_of(w.map(plane_name(plane, (name,))), delta_from_level(90, dof=2)) for name in SINGLE]
            lines.append([plane_words(plane), *(with_error(a.value, a.error) + ", cut" * a.touches_edge for a in found)])
        return [("Areas of the 90 % regions and upper estimates of their errors; \"cut\": the region reaches an edge of the plane, and "
                 "the area is that of the part inside.", lines)]
    return table


def plane_words(plane):
    return ", ".join(tex_of_name(name) for name, _, _ in PLANES[plane])


def item_of_planes(name, number, planes, columns, title):
    figure = f"{PAPER}_{name}"
    return Item(PAPER, name, number, title, SINGLE_PLANES,
                planes_of_singles(name, planes, columns), {figure: title + "; 90 % C.L., two degrees of freedom."},
                tables=areas_of_singles(planes), notes=(ORDER_UNKNOWN,))


def plane_maps(w, plane):
    """{detectors: map} of the detectors in the pairs, and of the pairs."""
    singles = [(d,) for d in SINGLE if any(d in pair for pair in PLANE_PAIRS)]
    return {g: w.map(plane_name(plane, g)) for g in singles + PLANE_PAIRS}


def pairs(w):
    figures = {}
    for plane in PAIR_PLANES:
        maps = plane_maps(w, plane)
        panels = [Panel({**{LABELS[d]: maps[d,] for d in pair}, BOTH: maps[pair]}, label_of(pair)) for pair in PLANE_PAIRS]
        fig = contour_panels(panels, 90, 3, order=[BOTH, *LABELS.values()], outlined=list(LABELS.values()))
        figures[f"{PAPER}_figures_7_8_{plane}"] = (fig, list(maps.values()))
    return figures


def ranking(w):
    tables = []
    for plane in PAIR_PLANES:
        maps = plane_maps(w, plane)
        lines = [["pair", "area", "area of its best member", "left", "pieces", "fewest pieces of a member"]]
        for r in rank(list(maps.values()), 90, [label_of(g) for g in maps]):
            lines.append([r.label, with_error(r.area.value, r.area.error), with_error(r.smallest.value, r.smallest.error),
                          with_error(r.ratio, r.error), str(r.area.n_island), str(r.n_island_of_members)])
        tables.append((f"{plane_words(plane)}: pairs in the order of how much they remove of what their best member leaves (90 %).", lines))
    return tables


def figure_9(w):
    plane = "emu_u_mumu_u"
    one = Panel({LABELS[d]: w.map(plane_name(plane, (d,))) for d in SINGLE}, "single detectors")
    two = Panel({label_of(g): w.map(plane_name(plane, g)) for g in PLANE_PAIRS}, "pairs")
    first = contour_panels([one], 90, 1, order=list(LABELS.values()))
    second = contour_panels([two], 90, 1, order=[label_of(g) for g in PLANE_PAIRS])
    return {f"{PAPER}_figure_9": (first, list(one.maps.values())), f"{PAPER}_figure_9_pairs": (second, list(two.maps.values()))}


ITEMS = [
    Item(PAPER, "figure_1", "figure 1", "Expected events of each flavour", {}, spectra,
         {f"{PAPER}_figure_1": "Expected events after three years, stacked by flavour, without the backgrounds, whose totals stand in "
                               "the panels. Counting detectors have one bin."}, totals, tolerance="0.2 %",
         notes=("The figure of the paper has no numbers; totals are compared with an independent calculation.",)),
    item_of_curves(2, [(d,) for d in SINGLE], "six detectors"),
    item_of_curves(3, CURVE_PAIRS, "five pairs"),
    Item(PAPER, "tables_III_V", "tables III and V", "Allowed intervals of one coupling",
         {**CURVES, f"{TENFOLD}_curve": TENFOLD_SCAN}, compare=intervals,
         files=interval_tables, prepare=prepare_tenfold,
         tolerance="each edge within 0.003 and half a unit of the last digit"),
    item_of_planes("figures_4_to_6_diagonal", "figures 4 to 6", list(PLANES)[:4], 2, "Couplings of electron and muon neutrinos"),
    item_of_planes("figures_4_to_6_quarks", "figures 4 to 6", list(PLANES)[4:6], 2, "Couplings to u and d quarks, flavour-diagonal"),
    item_of_planes("figures_4_to_6_changing", "figures 4 to 6", list(PLANES)[6:9], 3, "Couplings to u and d quarks, flavour-changing"),
    Item(PAPER, "figures_7_8", "figures 7 and 8", "Pairs of detectors", {**SINGLE_PLANES, **PAIRS}, pairs,
         {f"{PAPER}_figures_7_8_{p}": "Two detectors and both together, 90 % C.L., two degrees of freedom." for p in PAIR_PLANES},
         tables=ranking,
         notes=("The first of the three planes is that of figure 7. Which the other two of the paper are is not certain: these are our "
                "choice.",)),
    Item(PAPER, "figure_9", "figure 9", "A flavour-changing and a flavour-diagonal coupling",
         {**SINGLE_PLANES, **PAIRS}, figure_9,
         {f"{PAPER}_figure_9": "Six detectors, 90 % C.L., two degrees of freedom.",
          f"{PAPER}_figure_9_pairs": "Six pairs, 90 % C.L., two degrees of freedom."}),
]
