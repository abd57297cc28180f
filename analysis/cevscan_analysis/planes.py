# SPDX-License-Identifier: GPL-3.0-or-later
"""Which maps of two axes a command takes from its files."""
from .errors import MapError
from .maps import labels_of, open_maps, select
from .notes import tell_of_left_out
from .projection import project


def planes_of(paths, axes=None, sets=(), where=None, need=""):
    """The maps over two axes of all files; of a study all that have two, or those over `axes` ("X,Y"), of these sets and values of
    factors. A line tells of what is left out, since it does not have what the command needs."""
    names = [name.strip() for name in axes.split(",")] if axes else None
    if names and len(names) != 2:
        raise MapError(f"--axes takes two names, X,Y: {axes}")
    maps = [m for path in paths for m in _of_file(path, names, need)]
    if not maps:
        raise MapError(f"{paths[0]}: has no map of two parameters" + f" {axes}" * bool(axes))
    return select(maps, sets, where)


def _of_file(path, names, need):
    maps = list(open_maps(path))
    if len(maps) > 1:
        planes = [m for m in maps if len(m.axes) == 2 and not m.members]
        planes = [m for m in planes if names is None or sorted(names) == sorted(m.names)]
        if planes and not names:
            tell_of_left_out(path, maps, planes, need)
        return [m if names in (None, m.names) else project(m, names) for m in planes]
    return [project(m, names) if names else m for m in maps]


def labels_by_plane(maps):
    """Labels that tell the maps of the same two axes apart."""
    labels = [""] * len(maps)
    for names in dict.fromkeys(tuple(sorted(m.names)) for m in maps):
        here = [k for k, m in enumerate(maps) if tuple(sorted(m.names)) == names]
        for k, label in zip(here, labels_of([maps[k] for k in here])):
            labels[k] = label
    return labels


def only_those(maps, labels, texts):
    """The maps and labels that --only names: each of `texts` is a label, or several with commas in between."""
    if not texts:
        return maps, labels
    wanted = [name for text in texts for name in ([text] if text in labels else [word.strip() for word in text.split(",")])]
    for name in wanted:
        if name not in labels:
            raise MapError(f"--only: no label {name}; there are {', '.join(labels)}")
    kept = [k for name in dict.fromkeys(wanted) for k, label in enumerate(labels) if label == name]
    return [maps[k] for k in kept], [labels[k] for k in kept]
