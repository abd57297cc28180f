# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines on stderr: what a reader of numbers or figures must know of their maps."""
import math

from .command import complain
from .errors import MapError
from .labels import file_of
from .lines import coarseness
from .projection import note_of_profiles


def tell_of_end(m, axis):
    """Does the best fit of a curve lie at the end of its axis? Then a note says so."""
    end = m.end_of_axis(axis.name)
    if end is not None:
        complain(f"note: {m.path}: the best fit lies at the end of the axis {axis.name}, {end:.6g}")
    return end is not None


def tell_of_profiles(maps):
    """A note of what the grid does not resolve."""
    note = note_of_profiles(maps)
    if note:
        complain(f"note: {maps[0].path}: {note}")


CROWDED = 12


def tell_of_crowd(n):
    """A note, if more maps are drawn over each other than can be told apart."""
    if n > CROWDED:
        complain(f"note: {n} maps are drawn over each other; fewer can be chosen with --set NAME or --where FACTOR=VALUE")


def tell_of_single(path):
    complain(f"note: {path}: is one map, of which --set and --where choose nothing")


MANY = 4    # maps of a file that are named in one line


def list_of_notes(maps):
    """"FILE: MAP 57.1% complete, ...": of maps of the same file."""
    file = file_of(maps[0])
    words = [f"{m.path[len(file):].lstrip(':')} {m.note}".strip() for m in maps]
    return f"{file}: " + "; ".join(words[:MANY]) + f"; and {len(words) - MANY} more" * (len(words) > MANY)


def tell_of_notes(maps):
    """A line for each file of what a reader of numbers from its maps must know."""
    files = {}
    for m in maps:
        if m.note:
            files.setdefault(file_of(m), []).append(m)
    for found in files.values():
        complain(f"note: {list_of_notes(found)}")


GRIDS = 3   # that are too coarse, before they are counted


def tell_of_grids(maps, cuts):
    """Which grids are too coarse for the smallest or the largest of the regions below `cuts`; at most a few lines."""
    found = [(m, next(filter(None, (coarseness(m, cut) for cut in sorted({min(cuts), max(cuts)}))), "")) for m in maps]
    found = [(m, note) for m, note in found if note]
    for m, note in found[:GRIDS]:
        complain(f"note: {m.path}: {note}")
    if len(found) > GRIDS:
        complain(f"note: and the grids of {len(found) - GRIDS} more maps")


def tell_of_left_out(path, maps, kept, need):
    """One line, if some of the maps of a study are not of the kind that is needed."""
    kinds = {}
    for m in maps:
        if not any(m is other for other in kept):
            kind = "parameters in turn" if m.members else f"{len(m.axes)} ax{'i' if len(m.axes) == 1 else 'e'}s"
            kinds[kind] = kinds.get(kind, 0) + 1
    if kinds:
        words = " and ".join(f"{n} ha{'s' if n == 1 else 've'} {kind}" for kind, n in kinds.items())
        complain(f"note: {path}: {sum(kinds.values())} of {len(maps)} maps are left out: {need}, and {words}")


def with_values(families, labels):
    """Those lists of maps, with their labels, that have any; a line tells of others."""
    found = [pair for pair in zip(families, labels) if any(m.lowest < math.inf for m in pair[0])]
    if not found:
        raise MapError(f"{families[0][0].path}: no point of the map has a value yet")
    if len(found) < len(families):
        complain(f"note: {len(families) - len(found)} of {len(families)} maps are left out: no point of them has a value yet")
    return zip(*found)
