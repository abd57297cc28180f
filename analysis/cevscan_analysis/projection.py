# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of fewer axes out of maps of more: profiles, slices at each value, and pieces without gaps."""
from dataclasses import replace

from . import profile
from .errors import MapError
from .maps import OK, PENDING, Projected, open_map
from .numeric import np


def project(m, names):
    """The map over the axes `names`, in this order, profiled over the others: delta_chi2 [len(names) dimensions] is the
    minimum along them, see profile.along(). What the grid is too coarse for, or where a minimum lies at the end of an
    axis, stands in `projected` of the map."""
    unknown = [name for name in names if name not in m.names]
    if unknown or len(set(names)) < len(names):
        raise MapError(f"{m.path}: no axis {unknown[0]}; its axes are {', '.join(m.names)}" if unknown else
                       f"an axis is named twice: {', '.join(names)}")
    left, over = list(m.names), [name for name in m.names if name not in names]
    points = profile.of_map(m)
    for name in over:
        k = left.index(name)
        points = profile.along(points, k, m.axes[m.names.index(name)])
        left.remove(name)
    order = [left.index(name) for name in names]
    points = points.transposed(order)
    status = np.where(np.isnan(points.delta_chi2), PENDING, OK) if over else m.status.transpose(order)
    return replace(m, axes=[m.axes[m.names.index(name)] for name in names], delta_chi2=points.delta_chi2,
                   chi2=points.chi2, status=status, pulls={}, projected=_projected(m, over, points),
                   **_transposed(m, None if over else order))


def _transposed(m, order):
    """What a point has beside chi2, where the map keeps its points; `order` None: it does not."""
    if order is None or m.flags is None:
        return dict(flags=None, profiled={})
    return dict(flags=m.flags.transpose(order), profiled={name: values.transpose(order) for name, values in m.profiled.items()})


def _projected(m, over, points):
    if not over:
        return m.projected
    before, ends = (m.projected.over, m.projected.ends) if m.projected else ((), ())
    ends += tuple(name for name in over if m.end_of_axis(name) is not None)
    return Projected((*before, *over), points.error, points.is_coarse, points.at_edge, ends)


def note_of_profiles(maps):
    """What Projected.note says, of all maps together; "" if all is well."""
    found = [m.projected for m in maps if m.projected]
    if not found:
        return ""
    join = lambda name: np.concatenate([np.ravel(getattr(p, name)) for p in found])
    return Projected(found[0].over, join("error"), join("is_coarse"), join("at_edge"), found[0].ends).note


def from_each(m, name):
    """The map with Delta chi2 counted from the minimum at each value of the axis `name`: for limits on the other parameters, one
    value of this at a time. Such a map has no best fit, and no values where its minimum is not known yet."""
    if name not in m.names or len(m.axes) < 2:
        raise MapError(f"{m.path}: no axis {name} beside others; its axes are {', '.join(m.names)}")
    kept = m.names.index(name)
    others = tuple(k for k in range(len(m.axes)) if k != kept)
    points = profile.of_map(m)
    for k in reversed(others):
        points = profile.along(points, k, m.axes[k])
    low = points.delta_chi2
    low = np.where((m.status == PENDING).any(axis=others) | ~np.isfinite(low), np.nan, low)
    low = np.expand_dims(low, others)
    return replace(m, delta_chi2=m.delta_chi2 - low, best_fit=dict.fromkeys(m.names, np.nan))


def curves_at(path, each, parameter=None, wanted=()):
    """[(value of the axis `each`, curve of `parameter` there)], Delta chi2 counted from the minimum of each curve; at the computed
    values that come nearest to those `wanted`, at all by default."""
    m = open_map(path)
    others = [name for name in m.names if name != each]
    if m.members or each not in m.names:
        raise MapError(f"{m.path}: no axis {each}; " + ("it scans parameters in turn" if m.members else
                                                        f"its axes are {', '.join(m.names)}"))
    if parameter is None and len(others) != 1:
        raise MapError(f"{m.path}: has {len(m.axes)} axes; choose one with --parameter: {', '.join(others)}")
    plane = from_each(project(m, [each, parameter or others[0]]), each)
    return [(float(plane.axes[0].values[i]), _curve_at(plane, i)) for i in _indices_of(plane, wanted)]


def _indices_of(plane, wanted):
    axis, t = plane.axes[0], plane.axes[0].to_scale(plane.axes[0].values)
    for value in wanted:
        if not axis.values[0] * (1 - 1e-9) <= value <= axis.values[-1] * (1 + 1e-9):
            raise MapError(f"{plane.path}: {value:g} lies outside of {axis.name}, {axis.values[0]:g} ... {axis.values[-1]:g}")
    return [int(np.abs(t - axis.to_scale(value)).argmin()) for value in wanted] or range(len(t))


def _curve_at(plane, i):
    axis, delta, projected = plane.axes[1], plane.delta_chi2[i], plane.projected
    best = axis.values[np.nanargmin(delta)] if np.isfinite(delta).any() else np.nan
    return replace(plane, axes=[axis], delta_chi2=delta, chi2=plane.chi2[i], status=plane.status[i],
                   best_fit={axis.name: float(best)}, pulls={}, flags=None, profiled={},
                   projected=projected and projected.at(i))


def curve_of(path, parameter=None):
    """The map at `path` (or a Map) profiled onto one parameter, which may be left out if it has no other."""
    curves = curves_of(path, parameter)
    if len(curves) > 1:
        raise MapError(f"{curves[0].path}: scans {len(curves)} parameters in turn; choose one with --parameter: "
                       f"{', '.join(m.names[0] for m in curves)}")
    return curves[0]


def curves_of(path, parameter=None):
    """The same, for each member of a scan of several parameters in turn unless one is named."""
    m = open_map(path)
    if m.members:
        chosen = [member for member in m.members if parameter in (None, member.names[0])]
        if not chosen:
            raise MapError(f"{m.path}: no parameter {parameter}; it scans in turn {', '.join(x.names[0] for x in m.members)}")
        return [project(member, member.names[:1]) for member in chosen]
    if parameter is None and len(m.axes) > 1:
        raise MapError(f"{m.path}: has {len(m.axes)} axes; choose one with --parameter: {', '.join(m.names)}")
    return [project(m, [parameter or m.names[0]])]


def branches_of(m):
    """The map in pieces without the gaps of its signed_log axes."""
    pieces = [m]
    for k in range(len(m.axes)):
        pieces = [_part(piece, k, branch) for piece in pieces for branch in piece.axes[k].branches]
    return pieces


def _part(m, k, branch):
    index = (slice(None),) * k + (branch,)
    axes = [replace(axis, values=axis.values[branch]) if j == k else axis for j, axis in enumerate(m.axes)]
    return replace(m, axes=axes, delta_chi2=m.delta_chi2[index], chi2=m.chi2[index], status=m.status[index],
                   pulls={name: values[index] for name, values in m.pulls.items()},
                   flags=None if m.flags is None else m.flags[index],
                   profiled={name: values[index] for name, values in m.profiled.items()},
                   projected=m.projected and m.projected.at(index))
