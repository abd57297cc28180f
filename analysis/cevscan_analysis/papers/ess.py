# SPDX-License-Identifier: GPL-3.0-or-later
"""arXiv:2208.11771: non-standard interactions with six detectors at the European Spallation Source; its figures 1 to 9."""
from ..areas import area_of, rank
from ..axes import tex_of_name
from ..intervals import delta_from_level
from ..numeric import np
from ..panels import Panel, contour_panels, profile_panels, rate_panels
from ..event_rates import edges_of, per_energy
from ..tables import with_error
from .item import CALCULATED, Item, relative
from .numbers import CHANGING, DIAGONAL, ESS_TOTALS

PAPER = "2208.11771"
LABELS = {"csi": "CsI", "ar": "Ar", "xe": "Xe", "ge": "Ge", "si": "Si", "c3f8": r"C$_3$F$_8$"}
SINGLE = list(LABELS)
LEFT, MIDDLE = ("csi", "ar", "c3f8"), ("xe", "ge", "si")    # detectors that share the panels of figure 9
CURVE_PAIRS = [("csi", "xe"), ("csi", "si"), ("xe", "si"), ("ge", "si"), ("csi", "c3f8")]               # figure 3
PLANE_PAIRS = {7: [("csi", "xe"), ("csi", "si")], 8: [("xe", "si"), ("csi", "c3f8"), ("xe", "c3f8"), ("xe", "ge")]}
PAIRS_OF_9 = [("csi", "xe"), ("csi", "si")]
COUPLINGS = [*DIAGONAL, *CHANGING]
LEVEL = 90              # %, two degrees of freedom: Delta chi2 = 4.61

# {name: ((parameter, low, high) of x, of y)}
NEAR, BAND, MIXED = (-0.2, 0.6), (-0.6, 1.0), (-0.6, 0.6)
PLANES = {"ee_u_mumu_u": (("eps_ee_uV", *NEAR), ("eps_mumu_uV", *NEAR)), "ee_d_mumu_d": (("eps_ee_dV", *NEAR), ("eps_mumu_dV", *NEAR)),
          "ee_u_mumu_d": (("eps_ee_uV", *NEAR), ("eps_mumu_dV", *NEAR)), "ee_d_mumu_u": (("eps_ee_dV", *NEAR), ("eps_mumu_uV", *NEAR)),
          "ee_u_ee_d": (("eps_ee_uV", *BAND), ("eps_ee_dV", *BAND)), "mumu_u_mumu_d": (("eps_mumu_uV", *BAND), ("eps_mumu_dV", *BAND)),
          "emu_u_emu_d": (("eps_emu_uV", *MIXED), ("eps_emu_dV", *MIXED)),
          "etau_u_etau_d": (("eps_etau_uV", *MIXED), ("eps_etau_dV", *MIXED)),
          "mutau_u_mutau_d": (("eps_mutau_uV", *MIXED), ("eps_mutau_dV", *MIXED)),
          "emu_u_mumu_u": (("eps_emu_uV", -0.4, 0.4), ("eps_mumu_uV", *NEAR))}
PLANES_OF = {4: list(PLANES)[:4], 5: list(PLANES)[4:6], 6: list(PLANES)[6:9]}
PAIR_PLANES = ["ee_u_mumu_u", "ee_u_ee_d", "mumu_u_mumu_d"]     # of figures 7 and 8
PLANE_OF_9 = "emu_u_mumu_u"
POINTS = 301            # along an axis of a plane
WIDTHS_MM = {4: 110, 5: 140, 6: 125}    # of figures of several rows, which fit on a page so
CURVE = dict(min=-0.4, max=0.7, points=1101)


def label_of(detectors):
    return " + ".join(LABELS[name] for name in detectors)


def curve_name(detectors, parameter):
    return f"ess_curves:{parameter}/" + "+".join(detectors)


def plane_name(plane, detectors):
    axes = ",".join(name for name, _, _ in PLANES[plane])
    kind = "planes" if len(detectors) == 1 else "pairs_of_9" if plane == PLANE_OF_9 else "pairs"
    return f"ess_{kind}:{axes}/" + "+".join(detectors)


def study(name, sets, **spaces):
    sets = [{"name": "+".join(g), "experiments": [f"ess_{d}" for d in g]} for g in sets]
    return {name: {"study": name, "interaction": "nsi", "data": "asimov", "sets": sets, **spaces}}


def planes_of(names):
    return [[{"name": name, "min": low, "max": high, "points": POINTS} for name, low, high in PLANES[plane]] for plane in names]


PARAMETERS = [f"{coupling}_{quark}V" for quark in "ud" for coupling in COUPLINGS]   # rows and columns of figures 2 and 3
SINGLES = [(d,) for d in SINGLE]
ALL_PAIRS = [pair for pairs in PLANE_PAIRS.values() for pair in pairs]
CURVES = study("ess_curves", SINGLES + CURVE_PAIRS, profiles=[{"name": name, **CURVE} for name in PARAMETERS])
SINGLE_PLANES = study("ess_planes", SINGLES, planes=planes_of(PLANES))
PAIRS = {**study("ess_pairs", ALL_PAIRS, planes=planes_of(PAIR_PLANES)),
         **study("ess_pairs_of_9", PAIRS_OF_9, planes=planes_of([PLANE_OF_9]))}


# ----------------------------------------------------------------------------------------------------------- figure 1

SPECTRA = {"csi": (1, 30), "si": (0.16, 80), "ge": (0.6, 60), "xe": (0.9, 30)}     # as in print; keV


def spectra(w):
    """Events in each bin, and the square root of the background's."""
    found = w.rates([f"ess_{name}" for name in SPECTRA])
    fig = rate_panels(found, {f"ess_{name}": LABELS[name] for name in SPECTRA}, columns=2, per_unit=False,
                      xlims={f"ess_{name}": limits for name, limits in SPECTRA.items()})
    for ax, rate in zip(fig.axes, found.values()):
        draw_root_of_background(ax, rate)
    return {f"{PAPER}_figure_1": (fig, [])}


def draw_root_of_background(ax, rate):
    _, edges = edges_of(rate)
    root = np.sqrt(sum(per_energy(counts, edges) for counts in rate["background"].values()))
    line = ax.stairs(root, edges, baseline=None, color="black", linewidth=1.2, linestyle=(0, (4, 1.5)), zorder=5)
    ax.set_ylim(0, max(ax.get_ylim()[1], 1.3 * max(root)))
    ax.legend([line], [r"$\sqrt{\mathrm{background}}$"], loc="upper right", bbox_to_anchor=(1, 0.84), frameon=False, fontsize=8,
              handlelength=2.4)


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
            panels.append(Panel(maps, xlim=(-0.15, 0.55) if name[:-3] in DIAGONAL else (-0.3, 0.3)))
        fig = profile_panels(panels, columns=len(COUPLINGS), order=[label_of(g) for g in groups])
        return {f"{PAPER}_figure_{number}": (fig, maps_of(panels))}
    return draw


def maps_of(panels):
    return [m for panel in panels for m in panel.maps.values()]


def item_of_curves(number, groups, words):
    return Item(PAPER, f"figure_{number}", f"figure {number}", f"One coupling at a time: {words}",
                CURVES, curves(number, groups),
                {f"{PAPER}_figure_{number}": f"Δχ² of one coupling, the others zero: to u quarks above, to d quarks below; {words}."})


# ------------------------------------------------------------------------------------------------------ figures 4 to 9

def planes_of_singles(number):
    """A row for each plane, in which three detectors share a panel."""
    def draw(w):
        panels = [Panel({LABELS[name]: w.map(plane_name(plane, (name,))) for name in group})
                  for plane in PLANES_OF[number] for group in (LEFT, MIDDLE)]
        fig = contour_panels(panels, LEVEL, 2, order=list(LABELS.values()), width=WIDTHS_MM[number])
        return {f"{PAPER}_figure_{number}": (fig, maps_of(panels))}
    return draw


def areas(planes, groups):
    """Of the regions of a figure."""
    def table(w):
        lines = [["plane", *map(label_of, groups)]]
        for plane in planes:
            found = [area_of(w.map(plane_name(plane, g)), delta_from_level(LEVEL, dof=2)) for g in groups]
            lines.append([plane_words(plane), *(with_error(a.value, a.error) + ", cut" * a.touches_edge for a in found)])
        return [("Areas of the 90 % regions and upper estimates of their errors; \"cut\": the region reaches an edge of the plane, and "
                 "the area is that of the part inside.", lines)]
    return table


def plane_words(plane):
    return ", ".join(tex_of_name(name) for name, _, _ in PLANES[plane])


SHARED = "Which detectors share a panel is known of figure 9, and taken from there."


def item_of_planes(number, title):
    caption = (f"{title}: 90 % C.L., two degrees of freedom. A row for each plane; CsI, Ar and C₃F₈ on the left, Xe, Ge and Si on "
               "the right.")
    return Item(PAPER, f"figure_{number}", f"figure {number}", title, SINGLE_PLANES, planes_of_singles(number),
                {f"{PAPER}_figure_{number}": caption}, tables=areas(PLANES_OF[number], SINGLES), notes=(SHARED,))


def pairs(number):
    def draw(w):
        panels = [Panel({label_of(g): w.map(plane_name(plane, g)) for g in PLANE_PAIRS[number]}) for plane in PAIR_PLANES]
        fig = contour_panels(panels, LEVEL, 3, order=[label_of(g) for g in ALL_PAIRS])
        return {f"{PAPER}_figure_{number}": (fig, maps_of(panels))}
    return draw


def item_of_pairs(number, words, tables, notes=()):
    return Item(PAPER, f"figure_{number}", f"figure {number}", f"Pairs of detectors: {words}", {**SINGLE_PLANES, **PAIRS}, pairs(number),
                {f"{PAPER}_figure_{number}": f"{words} in three planes, 90 % C.L., two degrees of freedom."}, tables=tables, notes=notes)


def ranking(w):
    """Of the pairs of figures 7 and 8, which needs the regions of their members."""
    tables, groups = [], [g for g in SINGLES if any(g[0] in pair for pair in ALL_PAIRS)] + ALL_PAIRS
    for plane in PAIR_PLANES:
        lines = [["pair", "area", "area of its best member", "left", "pieces", "fewest pieces of a member"]]
        for r in rank(w.maps(plane_name(plane, g) for g in groups), LEVEL, list(map(label_of, groups))):
            lines.append([r.label, with_error(r.area.value, r.area.error), with_error(r.smallest.value, r.smallest.error),
                          with_error(r.ratio, r.error), str(r.area.n_island), str(r.n_island_of_members)])
        tables.append((f"{plane_words(plane)}: the pairs of figures 7 and 8 in the order of how much they remove of what their best member "
                       "leaves (90 %).", lines))
    return tables


def figure_9(w):
    panels = [Panel({label_of(g): w.map(plane_name(PLANE_OF_9, g)) for g in groups})
              for groups in ([(d,) for d in LEFT], [(d,) for d in MIDDLE], PAIRS_OF_9)]
    fig = contour_panels(panels, LEVEL, 3, order=[*LABELS.values(), *map(label_of, PAIRS_OF_9)])
    return {f"{PAPER}_figure_9": (fig, maps_of(panels))}


FIGURES = [
    Item(PAPER, "figure_1", "figure 1", "Expected events of each flavour", {}, spectra,
         {f"{PAPER}_figure_1": "Events in each bin after three years, stacked by flavour, and the square root of the steady background."},
         totals, tolerance="0.2 %",
         notes=("The figure has no numbers; totals are compared with an independent calculation, those of the counting detectors Ar and "
                "C₃F₈ too.",)),
    item_of_curves(2, SINGLES, "six detectors"),
    item_of_curves(3, CURVE_PAIRS, "five pairs of detectors"),
    item_of_planes(4, "Couplings of electron and muon neutrinos"),
    item_of_planes(5, "Couplings to u and d quarks, flavour-diagonal"),
    item_of_planes(6, "Couplings to u and d quarks, flavour-changing"),
    item_of_pairs(7, "CsI + Xe and CsI + Si", areas(PAIR_PLANES, PLANE_PAIRS[7])),
    item_of_pairs(8, "Xe + Si, CsI + C₃F₈, Xe + C₃F₈ and Xe + Ge", ranking),
    Item(PAPER, "figure_9", "figure 9", "A flavour-changing and a flavour-diagonal coupling", {**SINGLE_PLANES, **PAIRS}, figure_9,
         {f"{PAPER}_figure_9": "CsI, Ar and C₃F₈; Xe, Ge and Si; CsI + Xe and CsI + Si. 90 % C.L., two degrees of freedom."},
         tables=areas([PLANE_OF_9], SINGLES + PAIRS_OF_9)),
]
