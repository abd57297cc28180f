# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading cevscan maps (format: include/cevscan/map.h)."""
import contextlib
import os
from dataclasses import dataclass, replace

from .axes import Axis, tex_of_name
from .command import MapError
from .numeric import h5py, np

FORMAT, FORMAT_VERSION = "cevscan map", 1
PENDING, OK, NOT_CONVERGED, IMPOSSIBLE, INVALID = range(5)  # the bytes of /status


def experiments_of(m):
    """Names of the experiments of a map."""
    return [name.strip() for name in str(m.attrs.get("experiments", "")).split(",")]


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
    experiments = [" + ".join(experiments_of(m)) for m in maps]
    groups = [m.path.partition(".h5:")[2] for m in maps]  # SPACE/SET of studies
    for candidate in ([m.attrs.get("title", "") for m in maps], experiments, groups, stems):
        if all(candidate) and len(set(candidate)) == len(maps):
            return [label.replace("$", r"\$") for label in candidate]
    return [m.path.replace("$", r"\$") for m in maps]


@dataclass(frozen=True)
class Map:
    """Delta chi2 on a grid: `delta_chi2[i, j, ...]` belongs to `axes[0].values[i]`, `axes[1].values[j]`, ..."""
    path: str               # FILE, or FILE:GROUP
    axes: list              # of Axis, in the order of the arrays' dimensions
    delta_chi2: np.ndarray  # float [axes...]; NaN where not computed or failed, inf where impossible
    chi2: np.ndarray        # float [axes...]
    status: np.ndarray      # uint8 [axes...]: PENDING, OK, NOT_CONVERGED, IMPOSSIBLE or INVALID
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


def open_map(path, group=None):
    """The map at `path`, also while a job writes it. Only whole tiles are taken. Raises MapError.

    `group` names a map in a study or another file of many (group_names() lists them); "FILE:GROUP" as the path says the same. A
    Map is returned as it is."""
    if isinstance(path, Map):
        return path
    path, group = _split(os.fspath(path), group)
    place = f"{path}:{group}" if group else path
    with _opened(path, place) as file:
        within = f"maps/{group}" if group and f"maps/{group}" in file else group
        return _read(place, file[within] if group else file, dict(file.attrs) if group else {})


def open_maps(path):
    """All maps of a file, one by one: of a study those of its index, in this order; else the map that it is."""
    names = os.path.isfile(path) and group_names(path)
    if not names:
        yield open_map(path)
        return
    with _opened(path, path) as file:   # once for all: a study has thousands of objects
        for name in names:
            within = f"maps/{name}" if f"maps/{name}" in file else name
            yield _read(f"{path}:{name}", file[within], dict(file.attrs))


def group_names(path):
    """Names of the maps of a study (SPACE/SET), or of the groups of a file that hold a map each; [] for a file that is a map."""
    names = []
    with _opened(os.fspath(path), path) as file:
        if "index/name" in file:
            return [_text(name) for name in file["index/name"][()]]
        if "chi2" not in file:
            file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Group) and "chi2" in item else None)
    return names


def _split(path, group):
    """FILE and GROUP of FILE:GROUP, unless there is a file of that name."""
    file, colon, name = path.rpartition(":")
    return (file, name) if group is None and colon and not os.path.exists(path) and os.path.exists(file) else (path, group)


@contextlib.contextmanager
def _opened(path, place):
    """The open file; what goes wrong in it becomes a MapError about `place`."""
    if os.path.isdir(path):
        raise MapError(f"{path}: is a directory")
    try:
        with open(path, "rb"):
            pass
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, LookupError, RuntimeError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno and error.strerror:
            raise MapError(f"{path}: {error.strerror}") from None
        raise MapError(f"{place}: not a cevscan map ({_reason(error)})") from None


def _reason(error):
    text = str(error.args[0]) if error.args else type(error).__name__
    if "signature not found" in text:
        return "it is not an HDF5 file"
    if "truncated" in text:
        return "it is truncated"
    return text


def _text(value):
    return value.decode("utf-8", "replace").rstrip("\0") if isinstance(value, bytes) else value


def _read(path, file, common):
    """`file`: the file or a group of it, whose attributes come before those that all maps of the file have in `common`."""
    attrs = {name: _text(value) for name, value in {**common, **file.attrs}.items()}
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


def _read_axis(dataset, k):
    if len(dataset.dims[k]) == 0:
        raise ValueError(f"dimension {k} of /chi2 has no scale")
    scale = dataset.dims[k][0]
    name = h5py.h5ds.get_scale_name(scale.id).decode() or scale.name  # the latter searches the whole file: slow in a study
    name, a = name.rpartition("/")[2], {key: _text(value) for key, value in scale.attrs.items()}
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
