# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of maps in legends and tables: in the fewest words that tell them apart."""
import functools
import json
import os
import re

from .command import MapError
from .printable import number_text, text_of

# Labels of factors that begin so are units or what is counted: "3 years". Others stand before their value: "systematics 0.5".
COUNTED = re.compile(r"(years?|yr|y|months?|weeks?|days?|d|hours?|h|s|kg|g|mg|t|tons?|tonnes?|m|cm|km|k?W|MW|GW|eV|keV|MeV|GeV|TeV|PE|"
                     r"events?|runs?|detectors?|modules?|protons?|cycles?|%)\b|%", re.ASCII)

SHORT = 16      # letters of a title that stands among other words


def experiments_of(m):
    """Names of the experiments of a map."""
    return [name.strip() for name in str(m.attrs.get("experiments", "")).split(",")]


def group_of(m):
    """Name of the map in its file: SPACE/MAP; "" where the file is the map."""
    file, colon, name = m.path.rpartition(":")
    return name if colon and not os.path.exists(m.path) and os.path.exists(file) else ""


def file_of(m):
    """Path of its file, without the name that it has there."""
    group = group_of(m)
    return m.path[:-len(group) - 1] if group else m.path


def set_of(m):
    """Name of the set of experiments of a map of a study; "" of others. Files from before the index had a column for it
    have it in the map's name."""
    return str(m.attrs.get("set") or group_of(m).rpartition("/")[2].partition("@")[0])


def factors_of(m):
    """{factor: its value} of a map of a study: what the study varies beside sets and axes, as "exposure"; {} of others."""
    return {name: factor.value for name, factor in m.factors.items()}


def exposure_of(m):
    """Mass and backgrounds of its experiments are this many times those of their files: "1", "10", "0.5"."""
    if "exposure_factor" in m.attrs:        # what the index of a study says
        return str(m.attrs["exposure_factor"])
    group = group_of(m)
    if group:                               # of a study of format 1: SPACE/SET@FACTOR
        return group.rpartition("@")[2] if "@" in group and not m.factors else "1"
    try:
        return f"{float(json.loads(m.attrs.get('configuration', '{}')).get('exposure_factor', 1)):.15g}"
    except (ValueError, TypeError, AttributeError):
        return "1"


def words_of_factor(factor):
    """"3 years"; "systematics 0.5", or "systematics × 0.5" of one that multiplies; a label with {} has the value there."""
    value, label = number_text(factor.value), escaped(factor.label.strip())
    if "{}" in label:
        return label.replace("{}", value)
    if factor.is_multiple:
        return f"{label} × {value}"
    if not COUNTED.match(label):
        return f"{label} {value}"
    if value == "1" and re.fullmatch(r"[a-z]{4,}s", label):
        label = label[:-1]
    return f"{value} {label}"


def ends_of(maps):
    """What each map's label says of its factors: those that are not the same in all maps; and exposures other than 1."""
    values = [factors_of(m) for m in maps]
    varied = [name for name in dict.fromkeys(name for v in values for name in v)
              if name != "exposure" and len({v.get(name) for v in values}) > 1]
    ends = ["".join(f", {words_of_factor(m.factors[name])}" for name in varied if name in m.factors) for m in maps]
    return [("" if exposure_of(m) == "1" else f" x{exposure_of(m)}") + end for m, end in zip(maps, ends)]


def plain_titles(maps):
    """Titles of maps, without what a study says in them of factors: that is what the titles of a set do not share."""
    titles = [str(m.attrs.get("title", "")) for m in maps]
    titles = [title.removesuffix(f", {exposure_of(m)} times the exposure") for title, m in zip(titles, maps)]
    shared = {}
    for m, title in zip(maps, titles):
        if set(factors_of(m)) - {"exposure"}:
            shared.setdefault((file_of(m), set_of(m)), []).append(title)
    starts = {key: common_start(found) for key, found in shared.items()}
    return [starts.get((file_of(m), set_of(m)), title) for m, title in zip(maps, titles)]


def common_start(titles):
    """"CsI" of "CsI, 1 year" and "CsI, 10 years"."""
    start = os.path.commonprefix(titles)
    return start if start in titles else start.rpartition(", ")[0] or titles[0]


def titles_of(maps):
    """Two names of each map: its title, and its experiments. Maps with another exposure say so: my_csi x10; and what else
    tells the maps of a study apart: my_csi, 3 years."""
    ends, titles = ends_of(maps), plain_titles(maps)
    # The title of a scan is its author's; that of a map of a study is that of its set, whatever the factors.
    titles = [escaped(title) + end if title and group_of(m) else title for m, title, end in zip(maps, titles, ends)]
    return titles, [" + ".join(map(escaped, experiments_of(m))) + end for m, end in zip(maps, ends)]


@functools.lru_cache(maxsize=64)
def _titles_in(configuration):
    """{experiment: its title} of a configuration."""
    try:
        return {e["experiment"]: text_of(" ".join(e["title"].split())) for e in json.loads(configuration).get("experiments", ())
                if isinstance(e, dict) and e.get("title")}
    except (ValueError, TypeError, AttributeError, KeyError):
        return {}


def spelled_of(maps, ends=None):
    """Names of maps made of their experiments' titles, for figures; "" where an experiment has none. Words that all titles end
    with, as "at the ESS", are left away."""
    known = [_titles_in(str(m.attrs.get("configuration", "{}"))) for m in maps]
    found = {titles.get(name, "") for m, titles in zip(maps, known) for name in experiments_of(m)}
    end = _common_end([title.split(" ") for title in found])
    names = [[escaped(" ".join(titles.get(name, "").split(" ")[:-end or None])) for name in experiments_of(m)] for m, titles in zip(maps, known)]
    return [" + ".join(own) + tail if all(own) else "" for own, tail in zip(names, ends_of(maps) if ends is None else ends)]


def short_titles(attrs):
    """{experiment: its title, without the words that all of them end with; its name, where it has none, or one that is long} of a map."""
    names = [name.strip() for name in str(attrs.get("experiments", "")).split(",") if name.strip()]
    titles = _titles_in(str(attrs.get("configuration", "{}")))
    words = [titles.get(name, name).split(" ") for name in names]
    end = _common_end(words)
    found = {name: " ".join(own[:-end or None]) for name, own in zip(names, words)}
    return {name: title if len(title) <= SHORT else name for name, title in found.items()}


def _common_end(titles):
    """Number of words that all titles have at their end; one is left to each."""
    most = min(map(len, titles), default=1) - 1
    same = [len({title[-k] for title in titles}) == 1 for k in range(1, most + 1)] if len(titles) > 1 else []
    return same.index(False) if False in same else len(same)


def is_named_by_hand(m, title=None):
    """Has the map a title that says more than the names of its experiments?"""
    title, names = re.sub(r"\s", "", str(m.attrs.get("title", "")) if title is None else title), experiments_of(m)
    return bool(title) and title not in ("+".join(names), set_of(m) if set_of(m) == "+".join(names) else None)


def in_figure(maps):
    """Names for figures: titles that somebody chose, else titles of the experiments, else their names."""
    titles, names = titles_of(maps)
    return [title if title and is_named_by_hand(m) else spelled or title or name
            for m, title, spelled, name in zip(maps, titles, spelled_of(maps), names)]


def sets_in_figure(maps):
    """The same for the sets of maps, without what their factors are."""
    return [title if title and is_named_by_hand(m, title) else spelled or title or " + ".join(experiments_of(m))
            for m, title, spelled in zip(maps, plain_titles(maps), spelled_of(maps, [""] * len(maps)))]


def marked(label, m):
    """The label; surrogate data are named."""
    return label + " (surrogate)" * (m.is_surrogate and "surrogate" not in label.lower())


def escaped(text):
    """A text of a file, as a label: its dollar signs stand for TeX if what is between them may be that. What labels are made of is
    escaped piece by piece: the sign of one piece is no partner of another's."""
    return text if "$" not in text or text.replace(r"\$", "").count("$") % 2 == 0 else re.sub(r"(?<!\\)\$", r"\\$", text)


def labels_of(maps, text=None, figure=False):
    """One label per map: from `text` (a list, or with commas in between), else whatever tells the maps apart. Surrogate data
    are named. For a figure, experiments have their titles."""
    return [marked(label, m) for m, label in zip(maps, _plain_labels(maps, text, figure))]


def _plain_labels(maps, text, figure):
    if text is not None:
        labels = [label.strip() for label in (text.split(",") if isinstance(text, str) else text)]
        if len(labels) != len(maps):
            raise MapError(f"--labels names {len(labels)} maps, but there are {len(maps)}")
        return labels
    stems = [os.path.splitext(os.path.basename(m.path))[0] for m in maps]
    groups = [group_of(m) for m in maps]  # SPACE/SET of studies
    for candidate in (*([in_figure(maps)] if figure else []), *titles_of(maps), groups, stems):
        if all(candidate) and len(set(candidate)) == len(maps):
            return [escaped(label) for label in candidate]
    return [escaped(m.path) for m in maps]
