# SPDX-License-Identifier: GPL-3.0-or-later
"""What was done with parameters that no axis shows: bounds, constraints and correlations, as the configuration of a map has them, in
words for figures (TeX) and for files."""
import functools
import json
import re

from .axes import tex_of_name, tex_of_unit
from .labels import escaped, experiments_of, short_titles
from .printable import number_text, printable

PARTS = ("source", "form_factor", "response", "quenching", "smearing", "efficiency")    # of an experiment, that have numbers
COMPONENTS = {"nu_e": r"$\nu_e$", "nue": r"$\nu_e$", "nu_mu": r"$\nu_\mu$", "numu": r"$\nu_\mu$", "numubar": r"$\bar{\nu}_\mu$",
              "nu_mu_bar": r"$\bar{\nu}_\mu$"}
TIED = "\u00a0"     # a blank at which no line breaks
MANY = 6            # parameters that a figure names one by one


@functools.lru_cache(maxsize=64)
def _told(configuration):
    """That of a file; {} if it is none."""
    try:
        found = json.loads(configuration)
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _dicts(found):
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _is_number(*values):
    return all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in values)


def roles_of(attrs, axes):
    """{name: its entry in the configuration} of the map over axes of these names. In a study, what a plane or a profile scans has
    the role that stands there."""
    told = _told(str(attrs.get("configuration", "")))
    planes = [_dicts(one) for one in told.get("planes") or [] if isinstance(one, list)] + [[one] for one in _dicts(told.get("profiles"))]
    scanned = next((one for one in planes if sorted(str(entry.get("name")) for entry in one) == sorted(axes)), [])
    entries = {str(entry.get("name")): entry for entry in _dicts(told.get("parameters"))}
    return {**entries, **{str(entry.get("name")): entry for entry in scanned}}


def constraint_in(entry):
    """(centre, sigma) of an entry; None if it has none."""
    centre, sigma = entry.get("centre", 0), entry.get("sigma")
    return (float(centre), float(sigma)) if _is_number(centre, sigma) and sigma > 0 else None


def constraints_of(m):
    """{name: (centre, sigma)} of all parameters of a map that are constrained from elsewhere."""
    found = {name: constraint_in(entry) for name, entry in roles_of(m.attrs, m.names).items()}
    return {name: own for name, own in found.items() if own}


def correlations_of(m):
    """[(names, coefficient)]; None stands for a matrix."""
    found = []
    for one in _dicts(_told(str(m.attrs.get("configuration", ""))).get("correlations")):
        names = [str(name) for name in one.get("of") or []]
        found += [(names, float(one["coefficient"]) if _is_number(one.get("coefficient")) else None)] if names else []
    own = set(experiments_of(m))
    return [(names, c) for names, c in found if sum(name.partition(".")[0] in own or "." not in name for name in names) > 1]


# ----------------------------------------------------------------------------------------------------------------- names

def name_in_figure(name, long_name, attrs):
    """That of a parameter: TeX of couplings; of numbers and pulls of experiments, whose names have dots, words: "CsI response
    $\\epsilon$"."""
    if "." not in name:
        return long_name
    first, *rest = name.split(".")
    titles = short_titles(attrs)
    head = [] if len(titles) == 1 and first in titles and rest else [titles.get(first, words_of_part(first) if first in PARTS else first)]
    words = [escaped(printable(word)) for word in head] + [words_of_part(word) for word in rest]
    if is_of_part(name) and "$" in long_name and r"\mathrm" not in long_name:
        words[-1] = long_name
    return " ".join(words)


def words_of_part(word):
    return COMPONENTS.get(word, escaped(printable(word)).replace("_", " "))


def is_of_part(name):
    """A number of an experiment, and not a pull."""
    return any(part in PARTS for part in name.split(".")[-3:-1])


def pull_in_figure(name, attrs=None):
    """Of a pull, in words."""
    return name_in_figure(name, "", attrs or {}) if "." in name else words_of_part(name)


def axis_in_figure(name, long_name, attrs):
    """As the label of an axis."""
    words = name_in_figure(name, long_name, attrs)
    return f"pull of {words}" if "." in name and not is_of_part(name) else words


# ----------------------------------------------------------------------------------------------------------------- words
# `drawn` makes (name, long_name) a text that a figure can have; None: the text is for files, and names stand as they are.

def tied(text):
    """Without a blank at which a line could break; TeX is left alone."""
    parts = re.split(r"(\$[^$]*\$)", text) if text.count("$") % 2 == 0 else [text]
    return "".join(part if part.startswith("$") else part.replace(" ", TIED) for part in parts)


def value_text(value, drawn):
    text = number_text(float(f"{value:.6g}"))
    return text.replace("-", "\u2212") if drawn else text


def range_text(p, drawn):
    unit = "" if p.units in ("1", "") else " " + (tex_of_unit(p.units) if drawn else p.units)
    if p.low == -p.high:
        return f"within ±{value_text(p.high, drawn)}{unit}"
    return f"in [{value_text(p.low, drawn)}, {value_text(p.high, drawn)}]{unit}"


def spelled(m, name, drawn):
    if not drawn:
        return name
    known = {**{axis.name: axis.long_name for axis in m.axes}, **{p.name: p.long_name for p in m.minimised.values()}}
    return drawn(name, name_in_figure(name, known.get(name, tex_of_name(name)), m.attrs))


def words_of_bounds(m, drawn=None):
    """"minimised over X, Y within ±1; Z in [0.7, 0.9]"; "" of a map whose chi2 is a minimum over no more than pulls."""
    groups, shown = {}, list(m.minimised.values())[:MANY if drawn else None]
    for p in shown:
        groups.setdefault(range_text(p, drawn), []).append(spelled(m, p.name, drawn))
    parts = [", ".join([*map(tied, names[:-1]), tied(f"{names[-1]} {words}")]) for words, names in groups.items()]
    if len(shown) < len(m.minimised):
        parts.append(tied(f"{len(m.minimised) - len(shown)} more"))
    return "minimised over " + "; ".join(parts) if parts else ""


def roles_in_words(m, drawn=None):
    """What was minimised over, if anything was, and each constraint."""
    bounds = words_of_bounds(m, drawn)
    return [bounds] * bool(bounds) + constraints_in_words(m, drawn)


def constraints_in_words(m, drawn=None):
    """["X = 0 ± 0.1", "correlation of A, B: 0.3"]."""
    parts = [tied(f"{spelled(m, name, drawn)} = {value_text(centre, drawn)} ± {value_text(sigma, drawn)}")
             for name, (centre, sigma) in constraints_of(m).items()]
    most = MANY if drawn else None
    for names, coefficient in correlations_of(m):
        told = ", ".join(tied(spelled(m, name, drawn)) for name in names[:most])
        told += f" and {len(names) - MANY} more" if most and len(names) > MANY else ""
        parts.append(f"correlation of{TIED}{told}" + ("" if coefficient is None else f":{TIED}{value_text(coefficient, drawn)}"))
    return parts


def note_of_roles(m):
    """Both, for files and tables; "" where there is neither."""
    return "; ".join(roles_in_words(m)).replace(TIED, " ")
