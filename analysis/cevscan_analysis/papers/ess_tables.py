# SPDX-License-Identifier: GPL-3.0-or-later
"""arXiv:2208.11771: its tables, of the detectors and of allowed intervals, arranged as in print."""
from dataclasses import replace

from ..axes import tex_of_name
from ..intervals import allowed_intervals
from ..tables import FILE_ENDS, TABLES, Cut, rows_of
from .ess import CURVE, CURVES, FIGURES, LABELS, PAPER, PARAMETERS, curve_name, label_of
from .item import Item, absolute, relative
from .numbers import (CHANGING, DIAGONAL, ESS_DETECTORS, ESS_NUCLEI, INTERVAL_DELTAS, INTERVAL_EXCEPTIONS, TABLE_III, TABLE_IV,
                      TABLE_V, TABLE_VI, TENFOLD_REASON, edges_agree, edges_of, intervals_of)

STATED, TENFOLD = "c3f8", "c3f8_tenfold"
TENFOLD_STUDY = {"study": "ess_tenfold", "interaction": "nsi", "data": "asimov",
                 "sets": [{"name": TENFOLD, "experiments": [f"ess_{TENFOLD}"]}], "profiles": [{"name": name, **CURVE} for name in PARAMETERS]}
SCANS = {**CURVES, "ess_tenfold": TENFOLD_STUDY}


def prepare_tenfold(w):
    """C3F8 with ten times its nuclei, and the background of 10 kg."""
    def change(config):
        config["target"]["mass_kg"] *= 10
        config["backgrounds"][0]["rate_per_kg_day"] /= 10
    w.prepare(f"ess_{TENFOLD}", f"ess_{STATED}", change)


# ------------------------------------------------------------------------------------------------------ tables III to VI

def detectors_of(experiments):
    return tuple(name[4:] for name in experiments.split(","))


def curve_of_detectors(w, detectors, parameter):
    name = f"ess_tenfold:{parameter}/{TENFOLD}" if detectors == (TENFOLD,) else curve_name(detectors, parameter)
    return w.map(name)


def edges(w, detectors, parameter, level):
    curve = curve_of_detectors(w, detectors, parameter)
    allowed = allowed_intervals(curve.axes[0], curve.delta_chi2, INTERVAL_DELTAS[level])
    return [edge for pair in allowed.intervals for edge in pair]


def variants(experiments):
    """What stands for the detectors of a row: C3F8 twice. [(words, detectors)]"""
    detectors = detectors_of(experiments)
    twice = [(", ten times the nuclei", (TENFOLD,))] if detectors == (STATED,) else []
    return [("", detectors), *twice]


def compare(table):
    def rows(w):
        return [compare_interval(w, experiments, parameter, level, text, words, detectors)
                for (experiments, parameter), texts in intervals_of(table).items() for words, detectors in variants(experiments)
                for level, text in zip(INTERVAL_DELTAS, texts)]
    return rows


def compare_interval(w, experiments, parameter, level, text, words, detectors):
    found, expected = edges(w, detectors, parameter, level), edges_of(text)
    quantity = f"{label_of(detectors_of(experiments))}{words}, {tex_of_name(parameter)}, {level.replace(' sigma', 'σ')}"
    default = TENFOLD_REASON if detectors == (STATED,) else ""
    reason = INTERVAL_EXCEPTIONS.get((experiments, parameter, level), ("", default))[1]
    row = absolute(quantity, [e for e, _ in expected], found, [t for _, t in expected], reason)
    return replace(row, reference=text.replace(" u ", " ∪ "), found=written(found))


def written(found):
    return " ∪ ".join(f"[{a:.4f}, {b:.4f}]" for a, b in zip(found[::2], found[1::2]))


def arranged(table):
    """As in print: a row for each target and quark, a column for each coupling and level; what is printed above what comes out."""
    couplings = DIAGONAL if len(next(iter(table.values()))) == 4 else CHANGING

    def make(w):
        heads = [(tex_of_name(f"{c}_uV").replace("uV", "qV"), level) for c in couplings for level in INTERVAL_DELTAS]
        lines = [["target", "quark", "", *(f"{words}, {level.replace(' sigma', 'σ')}" for words, level in heads)]]
        for (experiments, quark), texts in table.items():
            label = label_of(detectors_of(experiments))
            lines.append([label, quark, "printed", *(cell_of_print(text) for text in texts)])
            cells = [(f"{c}_{quark}V", level, text) for (c, level), text in
                     zip(((c, level) for c in couplings for level in INTERVAL_DELTAS), texts)]
            for words, detectors in variants(experiments):
                lines.append([label + words, quark, "cevscan", *(cell(w, detectors, *which) for which in cells)])
        return [("Allowed intervals of one coupling, the others zero; Δχ² ≤ 2.71 and 4. A star marks what differs from print.", lines)]
    return make


def cell_of_print(text):
    return text.replace(" u ", " ∪ ") if "[" in text else f"±{text}"


def cell(w, detectors, parameter, level, text):
    found = edges(w, detectors, parameter, level)
    star = "" if edges_agree(found, text if "[" in text else f"[-{text}, {text}]") else " *"
    if "[" in text or len(found) != 2:
        return written(found) + star
    return f"±{(found[1] - found[0]) / 2:.4f}{star}"


def files(number, table):
    """The intervals of a table in the three formats."""
    def make(w):
        cuts = [Cut(delta) for delta in INTERVAL_DELTAS.values()]
        rows = [row for experiments, parameter in intervals_of(table) for words, detectors in variants(experiments)
                for row in rows_of([curve_of_detectors(w, detectors, parameter)], label_of(detectors_of(experiments)) + words, cuts)]
        return {f"{PAPER}_table_{number}.{end}": TABLES[form](rows, cuts) for form, end in FILE_ENDS.items()}
    return make


def item_of_table(number, table, title, notes=()):
    return Item(PAPER, f"table_{number}", f"table {number}", title, SCANS, compare=compare(table), tables=arranged(table),
                files=files(number, table), prepare=prepare_tenfold, arranged=True, notes=notes,
                tolerance="each edge within 0.003 and half a unit of the last digit")


# ------------------------------------------------------------------------------------------------------ tables I and II

def steady_rate(config):
    """Of the background, and its unit."""
    background, = config["backgrounds"]
    (key, rate), = [(key, value) for key, value in background.items() if key.startswith("rate_per_")]
    return rate, "/(" + key.removeprefix("rate_per_").replace("keVee", "keV(ee)").replace("_", " ") + ")"


def detectors(w):
    """What the experiment files hold of the numbers that are printed."""
    found = w.experiments([f"ess_{name}" for name in ESS_DETECTORS])
    for name, config in zip(ESS_DETECTORS, found.values()):
        response = config["response"]
        yield name, (config["target"]["mass_kg"], steady_rate(config)[0], response["threshold_keV"],
                     response.get("sigma_at_threshold_keV", 0) / response["threshold_keV"])


def nuclei(w):
    found = {}
    for config in w.experiments([f"ess_{name}" for name in ESS_DETECTORS]).values():
        found.update({n["name"]: (n["protons"], n["neutrons"], n["mass_u"], n["rms_radius_fm"]) for n in config["target"]["nuclei"]})
    return found


DETECTOR_WORDS = ("mass in kg", "background rate", "threshold in keV", "resolution at threshold")
NUCLEUS_WORDS = ("protons", "neutrons", "mass in u", "radius in fm")


def compare_inputs(w):
    groups = [(LABELS[name], DETECTOR_WORDS, ESS_DETECTORS[name], values) for name, values in detectors(w)]
    groups += [(name, NUCLEUS_WORDS, expected, nuclei(w)[name]) for name, expected in ESS_NUCLEI.items()]
    return [relative(f"{label}, {words}", printed, value, 1e-9) if printed else absolute(f"{label}, {words}", [0], [value], [0])
            for label, names, expected, values in groups for words, printed, value in zip(names, expected, values)]


def input_tables(w):
    configs = w.experiments([f"ess_{name}" for name in ESS_DETECTORS])
    first = [["detector", *DETECTOR_WORDS]]
    for (name, (mass, rate, threshold, resolution)), config in zip(detectors(w), configs.values()):
        first.append([LABELS[name], f"{mass:g}", f"{rate:g}{steady_rate(config)[1]}", f"{threshold:g}",
                      f"{100 * resolution:.0f} %" if resolution else "counting"])
    second = [["nucleus", *NUCLEUS_WORDS], *([name, *(f"{x:g}" for x in values)] for name, values in nuclei(w).items())]
    return [("Detectors. The acceptance above threshold is 0.8.", first), ("Nuclei.", second)]


SYMMETRIC = "Intervals are symmetric: only their ends are given."
BOTH_SHOWN = "The rows of C₃F₈ come out with ten times the nuclei of the stated 10 kg: both are shown."
ITEMS = [
    Item(PAPER, "tables_I_II", "tables I and II", "Detectors and nuclei", compare=compare_inputs, tables=input_tables, arranged=True,
         tolerance="none: these are what the experiment files hold"),
    item_of_table("III", TABLE_III, "Flavour-diagonal couplings, one detector", (BOTH_SHOWN,)),
    item_of_table("IV", TABLE_IV, "Flavour-changing couplings, one detector", (SYMMETRIC, BOTH_SHOWN)),
    item_of_table("V", TABLE_V, "Flavour-diagonal couplings, CsI + Si"),
    item_of_table("VI", TABLE_VI, "Flavour-changing couplings, CsI + Si", (SYMMETRIC,)),
]
ITEMS = [FIGURES[0], *ITEMS[:1], *FIGURES[1:3], *ITEMS[1:], *FIGURES[3:]]
