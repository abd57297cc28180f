# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading cevscan maps (format: include/cevscan/map.h), and the numbers that are taken from them.

    >>> m = read_map("csi.h5")
    >>> m.axes[0].name, m.delta_chi2.shape, m.completeness
    >>> curve = project(m, ["eps_ee_uV"])
    >>> allowed_intervals(curve.axes[0], curve.delta_chi2, delta_from_level(90, dof=1)).intervals
"""
import argparse
import os
import re
import sys
from dataclasses import dataclass, replace
from statistics import NormalDist

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")  # a job may be writing the map; some file systems cannot lock

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"{os.path.basename(sys.argv[0])}: {missing}; install h5py and numpy for {sys.executable}", file=sys.stderr)
    raise SystemExit(2)

FORMAT, FORMAT_VERSION = "cevscan map", 1
PENDING, OK, NOT_CONVERGED, IMPOSSIBLE, INVALID = range(5)  # the bytes of /status


class MapError(Exception):
    """Something that the user must hear of in one line."""


# ---------------------------------------------------------------------------------------------------- command lines

def run(main):
    """Calls main() as a command: 0 if it returns, else one line on stderr and 2."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (MapError, OSError) as error:
        complain(error)
        raise SystemExit(2)
    raise SystemExit(0)


def complain(message):
    text = " ".join(str(message).split())
    print(f"{os.path.basename(sys.argv[0])}: {text}", file=sys.stderr)


def command_line(description, example, takes_maps=True):
    """A parser with the arguments that all commands share. "-1e-3" is a number here, not an option."""
    parser = argparse.ArgumentParser(description=description, epilog="example:\n  " + example, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser._negative_number_matcher = re.compile(r"^-\.?\d")
    if takes_maps:
        parser.add_argument("maps", nargs="+", metavar="MAP.h5", help="map of cevscan; after -- if it starts with a dash")
    return parser


def percentage(text):
    """Type of a confidence level in %, for argparse."""
    value = float(text)
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 100 %")
    return value


def labels_of(maps, text=None):
    """One label per map: from the comma separated `text`, else whatever tells the maps apart. Surrogate data are named."""
    return [label + " (surrogate)" * (m.is_surrogate and "surrogate" not in label.lower())
            for m, label in zip(maps, _plain_labels(maps, text))]


def _plain_labels(maps, text):
    if text is not None:
        labels = [label.strip() for label in text.split(",")]
        if len(labels) != len(maps):
            raise MapError(f"--labels names {len(labels)} maps, but there are {len(maps)}")
        return labels
    stems = [os.path.splitext(os.path.basename(m.path))[0] for m in maps]
    experiments = [" + ".join(e.strip() for e in m.attrs.get("experiments", "").split(",")) for m in maps]
    for candidate in ([m.attrs.get("title", "") for m in maps], experiments, stems):
        if all(candidate) and len(set(candidate)) == len(maps):
            return [label.replace("$", r"\$") for label in candidate]
    return [m.path.replace("$", r"\$") for m in maps]


# ------------------------------------------------------------------------------------------------------------ a map

@dataclass(frozen=True)
class Axis:
    name: str
    units: str              # "1" if pure
    long_name: str          # TeX in dollar signs
    description: str
    scale: str              # linear, log, symlog, signed_log, values, names
    standard_model: float   # inf for a scale of new physics
    values: np.ndarray
    linear_threshold: float = 0     # where a symlog axis turns from linear to logarithmic

    @property
    def is_scale_of_new_physics(self):
        """Such a parameter has lower bounds, and an interval that reaches the end of the axis goes on to infinity."""
        return bool(np.isinf(self.standard_model))

    @property
    def branches(self):
        """Slices of the values that hang together: a signed_log axis has a gap around zero in which nothing is defined."""
        n = len(self.values)
        middle = int(np.searchsorted(self.values, 0)) if self.scale == "signed_log" else 0
        return [slice(0, middle), slice(middle, n)] if 0 < middle < n else [slice(0, n)]

    @property
    def nearest_to_zero(self):
        return float(np.abs(self.values).min())

    @property
    def drawn_scale(self):
        """linear, log, symlog or signed_log; a list of values is logarithmic if it spans more than two decades, and a symlog
        axis linear if it hardly leaves its linear part."""
        if self.scale == "symlog" and self.linear_threshold > 0.3 * np.abs(self.values).max():
            return "linear"
        if self.scale != "values":
            return self.scale
        return "log" if self.values[0] > 0 and self.values[-1] > 100 * self.values[0] else "linear"

    def to_scale(self, x):
        """The coordinate in which the axis is (nearly) even."""
        if self.drawn_scale == "symlog":
            return np.arcsinh(x / (2 * self.linear_threshold))
        if self.drawn_scale == "signed_log":
            return np.sign(x) * (1 + np.log(np.abs(x) / self.nearest_to_zero))
        return np.log(x) if self.drawn_scale == "log" else np.asarray(x)

    def from_scale(self, t):
        if self.drawn_scale == "symlog":
            return 2 * self.linear_threshold * np.sinh(t)
        if self.drawn_scale == "signed_log":
            return np.sign(t) * self.nearest_to_zero * np.exp(np.abs(t) - 1)
        return np.exp(t) if self.drawn_scale == "log" else np.asarray(t)


@dataclass(frozen=True)
class Map:
    path: str
    axes: list              # of Axis, in the order of the arrays' dimensions
    delta_chi2: np.ndarray  # NaN where not computed or failed, inf where impossible
    chi2: np.ndarray
    status: np.ndarray
    progress: dict          # everything under /progress
    attrs: dict             # root attributes
    completeness: float     # fraction of the grid points that have been dealt with
    points_failed: int
    best_fit: dict          # name of axis -> value; NaN in a map without a single result
    members: tuple = ()     # of Map: in a scan of several parameters in turn, that of each; it has the parameter's name

    @property
    def names(self):
        return [axis.name for axis in self.axes]

    @property
    def is_surrogate(self):
        """Do its data stand in for numbers that have not been published? Whatever is made of it must say so."""
        return "surrogate" in str(self.attrs.get("experiments", "")).lower()

    @property
    def lowest(self):
        """Smallest Delta chi2; inf if there is none."""
        return float(np.fmin.reduce(self.delta_chi2, axis=None, initial=np.inf))

    @property
    def note(self):
        """What a reader of a number or figure from this map must know; "" if all is well."""
        parts = []
        if self.completeness < 1:
            parts.append(f"{np.floor(1000 * self.completeness) / 10:g}% complete")
        if self.points_failed:
            parts.append(f"{self.points_failed} point{'s' * (self.points_failed > 1)} failed")
        return ", ".join(parts)


def read_map(path):
    """The map at `path`, also while a job writes it. Only whole tiles are taken. Raises MapError."""
    if os.path.isdir(path):
        raise MapError(f"{path}: is a directory")
    try:
        with open(path, "rb"):
            pass
        with h5py.File(path, "r") as file:
            return _read(path, file)
    except (OSError, LookupError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno and error.strerror:
            raise MapError(f"{path}: {error.strerror}") from None
        raise MapError(f"{path}: not a cevscan map ({_reason(error)})") from None


def _reason(error):
    text = str(error.args[0]) if error.args else type(error).__name__
    if "signature not found" in text:
        return "it is not an HDF5 file"
    if "truncated" in text:
        return "it is truncated"
    return text


def _text(value):
    return value.decode("utf-8", "replace").rstrip("\0") if isinstance(value, bytes) else value


def _read(path, file):
    attrs = {name: _text(value) for name, value in file.attrs.items()}
    if attrs.get("format") != FORMAT:
        raise ValueError("its attribute 'format' is missing or another")
    if attrs.get("format_version", 0) > FORMAT_VERSION:
        raise MapError(f"{path}: map of format {attrs['format_version']}; this program reads up to {FORMAT_VERSION}")
    for name in ("chi2", "delta_chi2", "status", "tiles/done", "progress"):
        if name not in file:
            raise ValueError(f"it has no /{name}")
    progress = {name: _text(dataset[()]) for name, dataset in file["progress"].items()}
    axes = [_read_axis(file["chi2"], k) for k in range(file["chi2"].ndim)]
    chi2, delta, status = _read_fields(file, axes, progress)
    if axes[0].scale != "names":
        return _map(path, axes, chi2, delta, status, progress, attrs)
    members = tuple(_member(path, k, name, axes, chi2, delta, status, progress, attrs)
                    for k, name in enumerate(_names_of_members(axes, progress, attrs)))
    whole = _map(path, axes, chi2, delta, status, dict(progress, best_fit=np.nan), attrs)  # of its best fits none is the best
    return replace(whole, best_fit={axis.name: np.nan for axis in axes}, members=members)


def _map(path, axes, chi2, delta, status, progress, attrs):
    return Map(path, axes, delta, chi2, status, progress, attrs,
               completeness=float(np.mean(status != PENDING)),
               points_failed=int(np.isin(status, (PENDING, OK, IMPOSSIBLE), invert=True).sum()),
               best_fit=_best_fit(axes, chi2, progress))


def _read_fields(file, axes, progress):
    """chi2, delta_chi2 and status, of whole tiles only."""
    chi2, delta, status = file["chi2"][()], file["delta_chi2"][()], file["status"][()]
    shape = tuple(len(axis.values) for axis in axes)
    if not shape == chi2.shape == delta.shape == status.shape:
        raise ValueError("the shapes of its datasets do not fit together")
    if not progress.get("complete"):  # tiles may still have been written against different references
        done = _done_points(file["tiles"], shape)
        chi2, status = np.where(done, chi2, np.nan), np.where(done, status, PENDING)
        reference = np.asarray(progress.get("chi2_reference", np.nan), float)
        reference = reference.reshape(reference.shape + (1,) * (chi2.ndim - 1)) if reference.ndim else reference
        with np.errstate(invalid="ignore"):
            delta = np.where(np.isfinite(reference), chi2 - reference, np.where(done, delta, np.nan))
    return chi2, delta, status


def _names_of_members(axes, progress, attrs):
    names = [name.strip() for name in attrs.get("members", "").split(",")]
    if len(names) != len(axes[0].values) or not all(names) or len(set(names)) < len(names):
        raise ValueError("its attribute 'members' does not name the values of its first axis")
    if len(axes) < 2:
        raise ValueError("it scans several parameters in turn, but has no axis of their values")
    for name, shape in (("chi2_reference", (len(names),)), ("best_fit", (len(names), len(axes)))):
        if np.shape(progress.get(name)) != shape:
            raise ValueError(f"/progress/{name} does not have an entry for each of its members")
    return names


def _member(path, k, name, axes, chi2, delta, status, progress, attrs):
    """The k-th member as a map of its own: the axis `value` takes the parameter's name."""
    own = {key: progress[key][k] for key in ("chi2_reference", "best_fit_chi2") if np.ndim(progress.get(key))}
    value = replace(axes[1], name=name, long_name=tex_of_name(name))
    return _map(path, [value, *axes[2:]], chi2[k], delta[k], status[k],
                dict(progress, best_fit=progress["best_fit"][k][1:], **own), attrs)


def tex_of_unit(units):
    """GeV^-2 with its power raised."""
    return re.sub(r"\^(-?\d+)", r"$^{\1}$", units)


# Members of a scan have no labels in the map.
TEX_OF_NAMES = ((r"lambda_C(\d)_([ud])_(\w+)", r"\\Lambda(C_{\1\2}^{\3})"), (r"C(\d)_([ud])_(\w+)", r"C_{\1\2}^{\3}"),
                (r"eps_(\w+)_([ud][VA])", r"\\varepsilon_{\1}^{\2}"))


def tex_of_name(name):
    for pattern, tex in TEX_OF_NAMES:
        if re.fullmatch(pattern, name):
            return "$" + re.sub("(mu|tau)", r"\\\1 ", re.sub(pattern, tex, name)).replace(" }", "}") + "$"
    return name


def _read_axis(dataset, k):
    if len(dataset.dims[k]) == 0:
        raise ValueError(f"dimension {k} of /chi2 has no scale")
    scale = dataset.dims[k][0]
    name, a = scale.name.strip("/"), {key: _text(value) for key, value in scale.attrs.items()}
    values = scale[()]
    if values.ndim != 1 or len(values) < 2 or not np.all(np.diff(values) > 0):
        raise ValueError(f"the values of axis {name} do not increase")
    if a.get("scale") == "names" and k > 0:
        raise ValueError(f"axis {name} has names, but is not the first")
    if a.get("scale") == "signed_log" and 0 in values:
        raise ValueError(f"axis {name} is logarithmic with both signs, but has a zero")
    return Axis(name, a.get("units", "1"), a.get("long_name", name), a.get("description", ""), a.get("scale", "linear"),
                float(a.get("standard_model", np.nan)), values, float(a.get("linear_threshold", 0)))


def _done_points(tiles, shape):
    """True at the points of whole tiles. Tiles are numbered with the last axis fastest."""
    side = [int(s) for s in tiles.attrs["side"]]
    done = tiles["done"][()].reshape([-(-n // s) for n, s in zip(shape, side)]) == 1
    for k, s in enumerate(side):
        done = done.repeat(s, axis=k)
    return done[tuple(slice(n) for n in shape)]


def _best_fit(axes, chi2, progress):
    best = np.asarray(progress.get("best_fit", np.nan), float)
    if not (progress.get("complete") and best.shape == (len(axes),) and np.isfinite(best).all()):
        best = np.full(len(axes), np.nan)
        if np.isfinite(chi2).any():
            best = [a.values[i] for a, i in zip(axes, np.unravel_index(np.nanargmin(chi2), chi2.shape))]
    return {axis.name: float(x) for axis, x in zip(axes, best)}


# ------------------------------------------------------------------------------------------------------- projection

def project(m, names):
    """The map over the axes `names`, in this order, profiled (minimum) over the others."""
    unknown = [name for name in names if name not in m.names]
    if unknown or len(set(names)) < len(names):
        raise MapError(f"{m.path}: no axis {unknown[0]}; its axes are {', '.join(m.names)}" if unknown else
                       f"an axis is named twice: {', '.join(names)}")
    delta, chi2, left = m.delta_chi2, m.chi2, list(m.names)
    for name in m.names:
        if name not in names:
            k = left.index(name)
            branches = m.axes[m.names.index(name)].branches
            delta, chi2 = _minimum_along(delta, k, branches), _minimum_along(chi2, k, branches)
            left.remove(name)
    order = [left.index(name) for name in names]
    status = m.status if len(left) == len(m.names) else np.where(np.isnan(delta), PENDING, OK)
    return replace(m, axes=[m.axes[m.names.index(name)] for name in names], delta_chi2=delta.transpose(order),
                   chi2=chi2.transpose(order), status=status.transpose(order))


def from_each(m, name):
    """The map with Delta chi2 counted from the minimum at each value of the axis `name`: for limits on the other parameters, one
    value of this at a time. Such a map has no best fit, and no values where its minimum is not known yet."""
    if name not in m.names or len(m.axes) < 2:
        raise MapError(f"{m.path}: no axis {name} beside others; its axes are {', '.join(m.names)}")
    kept = m.names.index(name)
    others = tuple(k for k in range(len(m.axes)) if k != kept)
    low = m.delta_chi2
    for k in reversed(others):
        low = _minimum_along(low, k, m.axes[k].branches)
    low = np.where((m.status == PENDING).any(axis=others) | ~np.isfinite(low), np.nan, low)
    low = np.expand_dims(low, others)
    return replace(m, delta_chi2=m.delta_chi2 - low, best_fit=dict.fromkeys(m.names, np.nan))


def curves_at(path, each, parameter=None, wanted=()):
    """[(value of the axis `each`, curve of `parameter` there)], Delta chi2 counted from the minimum of each curve; at the computed
    values that come nearest to those `wanted`, at all by default."""
    m = read_map(path)
    others = [name for name in m.names if name != each]
    if m.members or each not in m.names:
        raise MapError(f"{path}: no axis {each}; " + ("it scans parameters in turn" if m.members else
                                                      f"its axes are {', '.join(m.names)}"))
    if parameter is None and len(others) != 1:
        raise MapError(f"{path}: has {len(m.axes)} axes; choose one with --parameter: {', '.join(others)}")
    plane = from_each(project(m, [each, parameter or others[0]]), each)
    return [(float(plane.axes[0].values[i]), _curve_at(plane, i)) for i in _indices_of(plane, wanted)]


def _indices_of(plane, wanted):
    axis, t = plane.axes[0], plane.axes[0].to_scale(plane.axes[0].values)
    for value in wanted:
        if not axis.values[0] * (1 - 1e-9) <= value <= axis.values[-1] * (1 + 1e-9):
            raise MapError(f"{plane.path}: {value:g} lies outside of {axis.name}, {axis.values[0]:g} ... {axis.values[-1]:g}")
    return [int(np.abs(t - axis.to_scale(value)).argmin()) for value in wanted] or range(len(t))


def _curve_at(plane, i):
    axis, delta = plane.axes[1], plane.delta_chi2[i]
    best = axis.values[np.nanargmin(delta)] if np.isfinite(delta).any() else np.nan
    return replace(plane, axes=[axis], delta_chi2=delta, chi2=plane.chi2[i], status=plane.status[i],
                   best_fit={axis.name: float(best)})


def curve_of(path, parameter=None):
    """The map at `path` profiled onto one parameter, which may be left out if it has no other."""
    curves = curves_of(path, parameter)
    if len(curves) > 1:
        raise MapError(f"{path}: scans {len(curves)} parameters in turn; choose one with --parameter: "
                       f"{', '.join(m.names[0] for m in curves)}")
    return curves[0]


def curves_of(path, parameter=None):
    """The same, for each member of a scan of several parameters in turn unless one is named."""
    m = read_map(path)
    if m.members:
        chosen = [member for member in m.members if parameter in (None, member.names[0])]
        if not chosen:
            raise MapError(f"{path}: no parameter {parameter}; it scans in turn {', '.join(x.names[0] for x in m.members)}")
        return [project(member, member.names[:1]) for member in chosen]
    if parameter is None and len(m.axes) > 1:
        raise MapError(f"{path}: has {len(m.axes)} axes; choose one with --parameter: {', '.join(m.names)}")
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
    return replace(m, axes=axes, delta_chi2=m.delta_chi2[index], chi2=m.chi2[index], status=m.status[index])


def _minimum_along(values, k, branches):
    """Minimum along axis k, over its branches."""
    parts = [_minimum_of_branch(values.take(range(*b.indices(values.shape[k])), axis=k), k) for b in branches]
    return np.fmin.reduce(parts)


def _minimum_of_branch(values, k):
    """Minimum along axis k: of the parabola through the smallest value and its neighbours, which a grid would miss by up to
    a half step, so that a valley oblique to the axes does not make steps. NaN only where all is NaN."""
    v = np.moveaxis(np.where(np.isnan(values), np.inf, values), k, -1)
    i = v.argmin(axis=-1)[..., None]
    low, left, right = (np.take_along_axis(v, np.clip(i + s, 0, v.shape[-1] - 1), -1)[..., 0] for s in (0, -1, 1))
    interior = (i[..., 0] > 0) & (i[..., 0] < v.shape[-1] - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        bend = left + right - 2 * low
        fine = interior & np.isfinite(bend) & (bend > 0)
        vertex = np.where(fine, low - (right - left)**2 / (8 * bend), low)
    vertex = np.maximum(vertex, min(0, v.min())) if np.isfinite(v.min()) else vertex
    return np.where(np.isnan(values).all(axis=k), np.nan, vertex)


# -------------------------------------------------------------------------------------------------------- intervals

def delta_from_level(percent, dof):
    """Delta chi2 that holds `percent` % of a chi2 distribution of 1 or 2 degrees of freedom: 2.7055 for 90 and 1."""
    p = percent / 100
    return {1: NormalDist().inv_cdf((1 + p) / 2)**2, 2: -2 * np.log1p(-p)}[dof]


@dataclass(frozen=True)
class Allowed:
    intervals: list         # of (low, high)
    open: list              # of (low, high): True where the interval ends because the curve does, or has a hole
    touches_edge: tuple     # does the first interval begin, and the last one end, at the ends of the axis?
    holes: list             # of (low, high): neighbours of stretches without values


    @property
    def lower_bound(self):
        """Smallest |x| that is allowed; None if nothing is, or if smaller ones may be, where the curve has no values."""
        ends = [(abs(x), not is_open) for pair, flags in zip(self.intervals, self.open) for x, is_open in zip(pair, flags)]
        ends += [(0.0, True) for low, high in self.intervals if low <= 0 <= high]
        bound, is_known = min(ends, default=(None, False))
        return bound if is_known and not any(min(abs(low), abs(high)) < bound for low, high in self.holes) else None


def allowed_intervals(axis, delta, level):
    """Where delta <= level. Edges come from the cubic through the four points around them; those of a signed_log axis from
    the points of one sign."""
    parts = [_allowed_of_branch(replace(axis, values=axis.values[b]), delta[b], level) for b in axis.branches]
    return Allowed(intervals=[x for part in parts for x in part.intervals], open=[x for part in parts for x in part.open],
                   touches_edge=(parts[0].touches_edge[0], parts[-1].touches_edge[1]),
                   holes=[x for part in parts for x in part.holes])


def _allowed_of_branch(axis, delta, level):
    inside, void = delta <= level, np.isnan(delta)
    t, x = axis.to_scale(axis.values), axis.values
    intervals, is_open = [], []
    for first, last in stretches(inside):
        low_open = first == 0 or void[first - 1]
        high_open = last == len(x) - 1 or void[last + 1]
        low = x[first] if low_open else _edge(axis, t, delta - level, first, first - 1)
        high = x[last] if high_open else _edge(axis, t, delta - level, last, last + 1)
        intervals.append((float(low), float(high)))
        is_open.append((bool(low_open), bool(high_open)))
    holes = [(float(x[max(a - 1, 0)]), float(x[min(b + 1, len(x) - 1)])) for a, b in stretches(void)]
    return Allowed(intervals, is_open, (bool(inside[0]), bool(inside[-1])), holes)


def stretches(flag):
    """First and last index of each stretch of True in a line of flags."""
    change = np.flatnonzero(np.diff(np.concatenate(([False], flag, [False])).astype(int)))
    return [(int(a), int(b) - 1) for a, b in zip(change[::2], change[1::2])]


def _edge(axis, t, f, inner, outer):
    """Where f crosses zero between two neighbouring points, f[inner] <= 0 < f[outer]."""
    if not np.isfinite(f[outer]):
        return axis.values[inner]
    step = outer - inner
    around = [k for k in (inner, outer) + ((inner - step,) if 0 <= inner - step < len(t) else ()) +
              ((outer + step,) if 0 <= outer + step < len(t) else ()) if np.isfinite(f[k])]
    u = [(t[k] - t[inner]) / (t[outer] - t[inner]) for k in around]
    weights = [f[k] / np.prod([a - b for b in u if b != a]) for k, a in zip(around, u)]
    cubic = lambda z: sum(w * np.prod([z - b for b in u if b != a]) for w, a in zip(weights, u))
    root = _bisect(cubic, 0.0, 1.0) if cubic(0) < 0 < cubic(1) else 0.0
    return axis.from_scale(t[inner] + root * (t[outer] - t[inner]))


def _bisect(f, low, high):
    """Where f changes sign, f(low) < 0 < f(high), to the last bit."""
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if f(middle) < 0 else (low, middle)
    return high
