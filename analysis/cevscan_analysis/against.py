# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of allowed regions over a factor of a study: over years, systematics, exposures.

    >>> for curve in areas_against(open_maps("study.h5"), "years", level=90): print(curve.label, curve.others, curve.points)
"""
from dataclasses import dataclass, replace

from .areas import Area, area_of
from .errors import MapError
from .intervals import delta_from_level
from .labels import experiments_of, factors_of, marked, plain_titles, sets_in_figure
from .lines import ENOUGH, coarseness
from .one_map import Map

RESOLVED = 0.05     # relative error of an area up to which nobody need ask whether the grid is too coarse


@dataclass(frozen=True)
class Point:
    value: float        # of the factor
    map: Map
    area: Area
    coarse: str         # why the grid is too coarse; "" if it is not


@dataclass(frozen=True)
class Curve:
    """A set of experiments in a plane, with the same values of all other factors."""
    plane: tuple        # names of the axes
    label: str
    others: dict        # name -> Factor, of those that vary among the maps
    points: list        # of Point, by value


def measured(m, level):
    """The area of a map's region at a level in %, and why its grid is too coarse for it; "" if it is not, and of unfinished maps,
    whose area is that of a part."""
    cut = delta_from_level(level, dof=2)
    area = area_of(m, cut)
    if 0 < area.error <= RESOLVED * area.value or m.completeness < 1:
        return area, ""
    if area.value > 0 and area.error > ENOUGH * area.value:
        n = " x ".join(str(len(axis.values)) for axis in m.axes)
        return area, f"the grid of {n} points is too coarse: the area, {area.value:.2g}, may be off by {area.error:.1g}"
    try:
        return area, coarseness(m, cut)
    except ImportError:     # of contourpy, which comes with matplotlib
        return area, ""


def measured_once(m, level):
    """The same of a map whose numbers are not needed any more."""
    found = measured(m, level)
    m.let_go()
    return found


def areas_against(maps, factor, level=90):
    """[Curve] of planes, in the order of the maps; points without a result are left out."""
    maps = list(maps)
    check_factor(maps, factor)
    maps = [m for m in maps if factor in factors_of(m)]
    varied = [name for name in dict.fromkeys(name for m in maps for name in factors_of(m))
              if name != factor and len({factors_of(m).get(name) for m in maps}) > 1]
    curves = {}
    for m, title in zip(maps, plain_titles(maps)):
        label = marked(title or " + ".join(experiments_of(m)), m)
        key = (tuple(m.names), label, *((name, factors_of(m).get(name)) for name in varied))
        curve = curves.setdefault(key, Curve(key[0], label, {name: m.factors[name] for name in varied if name in m.factors}, []))
        value = factors_of(m)[factor]
        if any(p.value == value for p in curve.points):
            raise MapError(f"{m.path}: another map has the same label, {label}, and {factor} = {value:g}; choose with --set or --where")
        point = Point(value, m, *measured_once(m, level))
        if m.lowest < float("inf"):
            curve.points.append(point)
    for curve in curves.values():
        curve.points.sort(key=lambda p: p.value)
    return [curve for curve in curves.values() if curve.points]


def with_titles(curves):
    """Curves whose sets have the names that figures have for them; as they are where these would not tell them apart."""
    points = [(curve.label, p.map) for curve in curves for p in curve.points]
    titles = sets_in_figure([m for _, m in points])
    names = {old: marked(title, m) for (old, m), title in zip(points, titles)}
    return [replace(curve, label=names[curve.label]) for curve in curves] if len(set(names.values())) == len(names) else curves


def check_factor(maps, factor):
    """Refuses a factor that is not there, or does not vary."""
    there = dict.fromkeys(name for m in maps for name in factors_of(m))
    if factor not in there:
        raise MapError(f"--against: no factor {factor}; " + (f"there are {', '.join(there)}" if there else
                                                             "the maps have none: they are of no study that varies one"))
    values = {factors_of(m)[factor] for m in maps if factor in factors_of(m)}
    if len(values) < 2:
        raise MapError(f"--against: {factor} has the same value in all maps, {values.pop():g}")


def name_of_factor(maps, factor):
    """Its label for an axis, without the place of the value."""
    found = next(m.factors[factor] for m in maps if factor in m.factors)
    return (found.label.replace("{}", "").strip(" ,=") or factor) + " (times the nominal)" * found.is_multiple
