# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening maps of cevscan, and naming them."""
import json
import os

from . import map_file
from .command import MapError
from .one_map import IMPOSSIBLE, INVALID, NOT_CONVERGED, OK, PENDING, Map, Profiled

__all__ = ["IMPOSSIBLE", "INVALID", "NOT_CONVERGED", "OK", "PENDING", "Map", "Profiled", "experiments_of", "exposure_of",
           "file_of", "group_names", "labels_of", "open_map", "open_maps", "titles_of"]


def experiments_of(m):
    """Names of the experiments of a map."""
    return [name.strip() for name in str(m.attrs.get("experiments", "")).split(",")]


def file_of(m):
    """Path of its file, without the name that it has there."""
    return _split(m.path, None)[0]


def exposure_of(m):
    """Mass and backgrounds of its experiments are this many times those of their files: "1", "10", "0.5"."""
    if "exposure_factor" in m.attrs:        # what the index of a study says
        return str(m.attrs["exposure_factor"])
    group = _split(m.path, None)[1]
    if group:                               # of a study of format 1: SPACE/SET@FACTOR
        return group.rpartition("@")[2] if "@" in group else "1"
    try:
        return f"{float(json.loads(m.attrs.get('configuration', '{}')).get('exposure_factor', 1)):.15g}"
    except (ValueError, TypeError, AttributeError):
        return "1"


def titles_of(maps):
    """Two names of each map: its title, and its experiments. Maps with another exposure say so: my_csi x10."""
    factors = [exposure_of(m) for m in maps]
    ends = ["" if factor == "1" else f" x{factor}" for factor in factors]
    titles = [str(m.attrs.get("title", "")) for m in maps]
    titles = [title.removesuffix(f", {factor} times the exposure") for title, factor in zip(titles, factors)]
    # The title of a scan is its author's; that of a map of a study is that of its set, whatever the exposure.
    titles = [title + end if title and _split(m.path, None)[1] else title for m, title, end in zip(maps, titles, ends)]
    return titles, [" + ".join(experiments_of(m)) + end for m, end in zip(maps, ends)]


def labels_of(maps, text=None):
    """One label per map: from the comma separated `text`, else whatever tells the maps apart. Surrogate data are
    named."""
    return [label + " (surrogate)" * (m.is_surrogate and "surrogate" not in label.lower())
            for m, label in zip(maps, _plain_labels(maps, text))]


def _plain_labels(maps, text):
    if text is not None:
        labels = [label.strip() for label in text.split(",")]
        if len(labels) != len(maps):
            raise MapError(f"--labels names {len(labels)} maps, but there are {len(maps)}")
        return labels
    stems = [os.path.splitext(os.path.basename(m.path))[0] for m in maps]
    groups = [_split(m.path, None)[1] or "" for m in maps]  # SPACE/SET of studies
    for candidate in (*titles_of(maps), groups, stems):
        if all(candidate) and len(set(candidate)) == len(maps):
            return [label.replace("$", r"\$") for label in candidate]
    return [m.path.replace("$", r"\$") for m in maps]


def open_map(path, group=None, verify=True):
    """The map at `path`, also while a job writes it. Only whole tiles are taken. Raises MapError.

    `group` names a map of a study, SPACE/MAP, or of another file of many (group_names() lists them); "FILE:GROUP" as
    the path says the same. A Map is returned as it is. With `verify`, tiles must have their digests."""
    if isinstance(path, Map):
        return path
    path, group = _split(os.fspath(path), group)
    with map_file.opened(path, [group] if group else None) as file:
        return file.map(group, verify)


def open_maps(path, verify=True):
    """All maps of a file, one by one: of a study those of its index, in this order; else the map that it is."""
    file_path, group = _split(os.fspath(path), None)
    if group:
        yield open_map(file_path, group, verify)
        return
    with map_file.opened(file_path) as file:   # once for all: a study may have thousands of objects
        yield from file.maps(verify)


def group_names(path):
    """Names of the maps of a study (SPACE/MAP), or of the groups of a file that hold a map each; [] for a file that is a
    map."""
    with map_file.opened(os.fspath(path), ()) as file:
        return file.names()


def _split(path, group):
    """FILE and GROUP of FILE:GROUP, unless there is a file of that name."""
    file, colon, name = path.rpartition(":")
    is_both = group is None and colon and not os.path.exists(path) and os.path.exists(file)
    return (file, name) if is_both else (path, group)
