# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening maps of cevscan, and choosing some of a study."""
import math
import os

from . import map_file
from .command import MapError
from .labels import exposure_of, experiments_of, factors_of, file_of, labels_of, plain_titles, set_of, titles_of
from .one_map import (AT_BOUND, FLAT, IMPOSSIBLE, INVALID, NOT_CONVERGED, OK, PENDING, PROVEN, Factor, Map, Minimised,
                      Projected)
from .printable import number_text

__all__ = ["AT_BOUND", "FLAT", "IMPOSSIBLE", "INVALID", "NOT_CONVERGED", "OK", "PENDING", "PROVEN", "Factor", "Map", "Minimised",
           "Projected", "experiments_of", "exposure_of", "factors_of", "file_of", "group_names", "labels_of", "open_map", "open_maps", "select", "set_of", "titles_of"]


def open_map(path, group=None, verify=True, lazy=False):
    """The map at `path`, also while a job writes it. Only whole tiles are taken. Raises MapError.

    `group` names a map of a study, SPACE/MAP, or of another file of many (group_names() lists them); "FILE:GROUP" as
    the path says the same. A Map is returned as it is. With `verify`, tiles must have their digests. A `lazy` map has its numbers
    read, and checked, when they are first asked for."""
    if isinstance(path, Map):
        return path
    path, group = _split(os.fspath(path), group)
    with map_file.opened(path, [group] if group else None) as file:
        return file.map(group, verify, lazy)


def open_maps(path, verify=True, lazy=True):
    """All maps of a file, one by one: of a study those of its index, in this order; else the map that it is. Their numbers are read,
    and checked, when they are first asked for: a study that is larger than the memory can be opened. With lazy=False all is read as
    they come."""
    file_path, group = _split(os.fspath(path), None)
    if group:
        yield open_map(file_path, group, verify, lazy)
        return
    with map_file.opened(file_path) as file:   # once for all: a study may have thousands of objects
        if not lazy:
            yield from file.maps(verify)
            return
        found = list(file.maps(verify, lazy=True))
    while found:        # a map that the caller lets go of is gone
        yield found.pop(0)


def group_names(path):
    """Names of the maps of a study (SPACE/MAP), or of the groups of a file that hold a map each; [] for a file that is a
    map."""
    with map_file.opened(os.fspath(path), ()) as file:
        return file.names()


def select(maps, sets=(), where=None):
    """Those of the maps of studies that belong to one of the `sets` (names or titles; all by default), and have one of the values
    that `where`, {factor: value, or list of values}, gives for each of its factors. Maps without such a factor are left out.

        >>> select(open_maps("study.h5"), sets=["csi"], where={"years": 3, "systematics": [1, 0.5]})
    """
    maps = list(maps)
    if sets:
        maps = _of_sets(maps, sets)
    for name, wanted in (where or {}).items():
        maps = _of_values(maps, name, [float(v) for v in (wanted if isinstance(wanted, (list, tuple)) else [wanted])])
    return maps


def _of_sets(maps, sets):
    names = [(set_of(m), title) for m, title in zip(maps, plain_titles(maps))]
    there = dict.fromkeys(own for own, _ in names if own)
    for wanted in sets:
        if not any(wanted in pair for pair in names):
            raise MapError(f"--set: no set {wanted}; " + (f"there are {', '.join(there)}" if there else "there is no study with sets"))
    return [m for m, pair in zip(maps, names) if any(wanted in pair for wanted in sets)]


def _of_values(maps, name, wanted):
    found = [factors_of(m) for m in maps]
    there = sorted({values[name] for values in found if name in values})
    if not there:
        known = dict.fromkeys(key for values in found for key in values)
        raise MapError(f"--where: no factor {name}; " + (f"there are {', '.join(known)}" if known else "the maps have none"))
    chosen = {own for value in wanted for own in _nearest(value, there, name)}
    return [m for m, values in zip(maps, found) if values.get(name) in chosen]


def _nearest(value, there, name):
    """Those of the values that are there which are meant: the value itself, else what is as near as its digits are written."""
    found = [own for own in there if own == value] or [own for own in there if math.isclose(own, value, rel_tol=1e-9)]
    if not found:
        raise MapError(f"--where: no map has {name}={number_text(value)}; there are {', '.join(map(number_text, there))}")
    return found


def _split(path, group):
    """FILE and GROUP of FILE:GROUP, unless there is a file of that name."""
    file, colon, name = path.rpartition(":")
    is_both = group is None and colon and not os.path.exists(path) and os.path.exists(file)
    return (file, name) if is_both else (path, group)
