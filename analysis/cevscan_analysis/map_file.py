# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the file of a map or of a study, of format 1 or 2 (include/cevscan/map.h)."""
import contextlib
import re
from dataclasses import replace

from . import results, trust
from .axes import Axis, tex_of_name
from .errors import MapError
from .numeric import h5py, np
from .one_map import IMPOSSIBLE, OK, PENDING, Factor, Map
from .printable import text_of

MAP, STUDY = "cevscan map", "cevscan study"
NEWEST = 2
AT_ONCE = 1 << 28   # bytes of a field of a study that are read at once, for all of its maps


@contextlib.contextmanager
def opened(path, wanted=None):
    """The open file. What goes wrong in it becomes a MapError. `wanted`: names of the maps that will be read, if not all."""
    trust.check_place(path)
    trust.try_first(path, wanted, lambda file, is_small: _rehearse(File(path, file), wanted, is_small))
    try:
        with h5py.File(path, "r") as file:
            yield File(path, file)
    except (OSError, LookupError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError) as error:
        if isinstance(error, OSError) and error.errno and error.strerror:
            raise MapError(f"{path}: {error.strerror}") from None
        place = f"{path}:{wanted[0]}" if wanted else path
        raise MapError(f"{place}: not a cevscan map ({_reason(error)})") from None


def _rehearse(file, wanted, is_small):
    """What will be done with the file, by a process that may fail on it; of a large one all but the reading of numbers."""
    if wanted is not None and not wanted:
        file.names()
    elif is_small:
        for _ in file.maps(True) if wanted is None else [file.map(wanted[0], True)]:
            pass
    else:
        for _ in file.spaces(wanted):
            pass


class Malformed(ValueError):
    """What a file of ours never has, in words for the user."""


def _reason(error):
    """In words: what HDF5 and this module say has them, what Python says of a value of an unexpected kind has not."""
    text = str(error.args[0]) if error.args else ""
    if "signature not found" in text:
        return "it is not an HDF5 file"
    if "truncated" in text:
        return "it is truncated"
    if isinstance(error, (Malformed, OSError)) or re.match("(un|not )able to |can't ", text, re.IGNORECASE):
        return text
    return "damaged: something in it is missing, or is not of the kind that a map has there"


class File:
    """A file of one map or of many."""

    def __init__(self, path, file):
        self.path, self.file = path, file
        self.attrs = _texts(file.attrs)
        self.version = self.attrs.get("format_version", 0)
        self.is_study = self.attrs.get("format") == STUDY
        if self.attrs.get("format") in (MAP, STUDY):
            if not isinstance(self.version, (int, np.integer)):
                raise Malformed("its attribute 'format_version' is no number")
            if self.version > NEWEST:
                raise MapError(f"{path}: map of format {self.version}; this program reads up to {NEWEST}")
        if self.version == 2:
            trust.check_description(path, file)
            results.check_hash(path, file, [f"spaces/{name}" for name in dict.fromkeys(
                name.partition("/")[0] for name in self.names())] or ["/"])

    def names(self):
        """Of its maps; [] where it is one."""
        if "index/name" in self.file:
            return [text_of(name) for name in self.file["index/name"][()]]
        found = []
        if "chi2" not in self.file:
            self.file.visititems(lambda name, item: found.append(name)
                                 if isinstance(item, h5py.Group) and "chi2" in item else None)
        return found

    def map(self, name, verify):
        """The one of this name, or the only one."""
        if name is None and self.is_study:
            names = self.names()
            raise MapError(f"{self.path}: is a study of {len(names)} maps; name one, such as {self.path}:{names[0]}")
        if name is None:
            return Space(self, self.file, self.path).map(verify)
        if self.is_study and self.version == 2:
            space, k = self._place_of(name)
            return Space(self, self.file[f"spaces/{space}"], f"{self.path}:{name}").map(verify, k, self._row(name))
        return self._group(name).map(verify)

    def maps(self, verify):
        """All of them, in the order of the index."""
        names = self.names()
        if not names:
            yield self.map(None, verify)
        elif not (self.is_study and self.version == 2):
            for name in names:
                yield self._group(name).map(verify)
        else:
            yield from self._maps_of_spaces(names, verify)

    def spaces(self, wanted=None):
        """Those that hold the maps of these names, or all."""
        names = self.names() if wanted is None else wanted
        if not names:
            yield Space(self, self.file, self.path)
        elif self.is_study and self.version == 2:
            for name in dict.fromkeys(self._place_of(name)[0] for name in names):
                yield Space(self, self.file[f"spaces/{name}"], f"{self.path}:{name}")
        else:
            for name in names:
                yield self._group(name)

    def _group(self, name):
        """Of a map of a study of format 1, or of a file of groups."""
        within = f"maps/{name}" if f"maps/{name}" in self.file else name
        return Space(self, self.file[within], f"{self.path}:{name}")

    def _maps_of_spaces(self, names, verify):
        space, last = None, None
        for n, name in enumerate(names):
            own, k = self._place_of(name)
            if own != last:
                space, last = Space(self, self.file[f"spaces/{own}"], f"{self.path}:{own}", at_once=True), own
            yield space.map(verify, k, self._row(name, n), f"{self.path}:{name}")

    def _place_of(self, name):
        """Name of its space, and its number there."""
        space, _, own = name.partition("/")
        names = self._names_of_space(space) if f"spaces/{space}/map" in self.file else []
        if own not in names:
            raise Malformed(f"the study has no map of the name {name}")
        return space, names.index(own)

    def _names_of_space(self, space):
        cache = self.__dict__.setdefault("_space_names", {})
        if space not in cache:
            cache[space] = [text_of(name) for name in self.file[f"spaces/{space}/map"][()]]
        return cache[space]

    def _row(self, name, n=None):
        """What the index says of a map."""
        if not hasattr(self, "_index"):
            self._index = {key: column[()] for key, column in self.file["index"].items()}
        n = self.names().index(name) if n is None else n
        row, factors = {key: text_of(column[n]) for key, column in self._index.items()}, {}
        for key, (column, label) in self._factors().items():
            factors[key] = Factor(_number(row[column], f"/index/{column}"), label)
        own = {column for column, _ in self._factors().values()} - {"exposure_factor"}
        return {key: value for key, value in row.items() if key not in own}, factors

    def _factors(self):
        """What varies beside sets and spaces: {factor: (its column of the index, its label)}."""
        if not hasattr(self, "_columns"):
            index = self.file["index"]
            names = [name for name in str(text_of(index.attrs.get("factors", ""))).split(",") if name]
            if "exposure_factor" in index and "exposure" not in names:
                names.append("exposure")
            columns = {name: "exposure_factor" if name == "exposure" else name for name in names}
            for name, column in columns.items():
                if column not in index:
                    raise Malformed(f"its index has no column of the factor {name}")
            self._columns = {name: (column, str(text_of(index[column].attrs.get("long_name", name))))
                             for name, column in columns.items()}
        return self._columns


class Space:
    """Maps over one grid: a group of the file, or the whole file."""

    def __init__(self, file, group, place, at_once=False):
        self.file, self.group, self.place = file, group, place
        self.attrs = {**file.attrs, **_texts(group.attrs)}
        if self.attrs.get("format") != MAP and not (file.is_study and file.version == 2):
            raise Malformed("its attribute 'format' is missing or another")
        for name in ("chi2", "delta_chi2", "status", "tiles/done", "tiles/digest"):
            if name not in group:
                raise Malformed(f"it has no /{name}")
        # The bytes of the tiles come first: a tile that is done now stays so while its numbers are read.
        self.done = group["tiles/done"][()] == 1
        self.is_many = "map" in group and file.version == 2 and file.is_study
        self.progress = self._progress()
        self.axes = [_read_axis(group["chi2"], k, k == self.is_many) for k in range(self.is_many, group["chi2"].ndim)]
        self.shape = tuple(len(axis.values) for axis in self.axes)
        self.side = [int(s) for s in group["tiles"].attrs["side"]]
        self.digests = None
        self.at_once = at_once and group["chi2"].nbytes <= AT_ONCE
        self._whole = {}

    def _progress(self):
        group = self.file.file if self.file.version == 2 else self.group
        if "progress" not in group:
            raise Malformed("it has no /progress")
        return {name: text_of(dataset[()]) for name, dataset in group["progress"].items()}

    def _field(self, name, k):
        dataset = self.group[name]
        if dataset.shape[int(self.is_many):] != self.shape:
            raise Malformed("the shapes of its datasets do not fit together")
        if not self.is_many:
            return dataset[()]
        if self.at_once:
            if name not in self._whole:
                self._whole[name] = dataset[()]
            return self._whole[name][k]
        return dataset[k]

    def map(self, verify, k=0, row=None, place=None):
        """The k-th map; `row`: what the index of a study says of it, and its factors."""
        found = self._map(verify, k, row[0] if row else None, place)
        return replace(found, factors=row[1], members=tuple(replace(m, factors=row[1]) for m in found.members)) if row else found

    def _map(self, verify, k, row, place):
        place = place or self.place
        attrs = {**self.attrs, **(row or {}), "format": MAP} if row else self.attrs
        progress = {**self.progress, **self._results(k)}
        in_turn = _names_of_members(self.axes, progress, attrs) if self.axes[0].scale == "names" else []
        chi2, status = (self._field(name, k) for name in ("chi2", "status"))
        done = self._done_points()
        # Other programs may have made a file of format 1 that has no pulls in its configuration: then it has none.
        pulls = {name: self._field("pull_" + name, k) for name in self._pulls(attrs)} if verify else {}
        if verify:
            self._check_tiles(place, k, chi2, status, list(pulls.values()))
        if not self.done.all():
            chi2, status = np.where(done, chi2, np.nan), np.where(done, status, PENDING)
            pulls = {name: np.where(done, values, np.nan) for name, values in pulls.items()}
        delta = self._delta(place, k, chi2, done, progress, verify)
        believed = results.checked_best_fit if verify and self.file.version == 2 else lambda m: m
        if not in_turn:
            return believed(_map(place, self.axes, chi2, delta, status, progress, attrs, pulls))
        members = tuple(believed(_member(place, n, name, self.axes, (chi2, delta, status), progress, attrs, pulls))
                        for n, name in enumerate(in_turn))
        # Of its best fits none is the best.
        whole = _map(place, self.axes, chi2, delta, status, dict(progress, best_fit=np.nan), attrs, pulls)
        return replace(whole, best_fit={axis.name: np.nan for axis in self.axes}, members=members)

    def _results(self, k):
        """Of format 2: what stands under `results` of the k-th map, named as in format 1, where it is a part of /progress.
        Before the job is complete there is nothing to believe."""
        if self.file.version < 2 or not self.progress.get("complete"):
            return {}
        return {name: text_of(dataset[k] if self.is_many else dataset[()])
                for name, dataset in self.group["results"].items()}

    def _delta(self, place, k, chi2, done, progress, verify):
        """chi2 from its reference: what the file has as delta_chi2, which is half of the file, need not be read then. While
        the job runs, tiles may have been written against different references."""
        reference = np.asarray(progress.get("chi2_reference", np.nan), float)
        reference = reference.reshape(reference.shape + (1,) * (chi2.ndim - 1)) if reference.ndim else reference
        if not np.isfinite(reference).all():
            return _from_lowest(chi2, np.where(done, self._field("delta_chi2", k), np.nan), self.axes[0].scale == "names")
        with np.errstate(invalid="ignore"):
            delta = chi2 - reference
        if verify and progress.get("complete"):
            self._check_reference(place, k, delta, done)
        return delta if self.done.all() else np.where(done, delta, np.nan)

    def _check_reference(self, place, k, delta, done):
        """Reference and delta_chi2 are in no digest, but each tells of the other: in one tile of each member."""
        box = tuple(slice(0, s) for s in self.side)
        box = (slice(None), *box[1:]) if self.axes[0].scale == "names" else box
        stored = self.group["delta_chi2"][((k,) if self.is_many else ()) + box]
        with np.errstate(invalid="ignore"):
            off = np.abs(stored - delta[box]) > 1e-9 * (1 + np.abs(delta[box]))
        if (off & done[box]).any():
            raise MapError(f"{place}: damaged: its Delta chi2 do not count from its reference; cevscan verify tells more")

    def _done_points(self):
        """True at the points of whole tiles. Tiles are numbered with the last axis fastest."""
        if self.done.all():
            return np.broadcast_to(True, self.shape)
        done = self.done.reshape([-(-n // s) for n, s in zip(self.shape, self.side)])
        for k, s in enumerate(self.side):
            done = done.repeat(s, axis=k)
        return done[tuple(slice(n) for n in self.shape)]

    def _pulls(self, attrs):
        """Names of the stored pulls of a map in the order in which they enter its digests: that of first mention."""
        stored = [name[5:] for name in self.group if name.startswith("pull_")]
        return trust.own_pulls(attrs, stored, self.file.file.attrs.get("configuration", "")) if stored else []

    def _check_tiles(self, place, k, chi2, status, pulls):
        if self.digests is None:
            self.digests = self.group["tiles/digest"][()]
        digests = self.digests[:, k] if self.is_many else self.digests
        bad = trust.damaged_tiles(digests, self.done, self.shape, self.side, [chi2, status, *pulls])
        if bad:
            raise MapError(f"{place}: damaged: {len(bad)} of its {len(self.done)} tiles do not have their digests, the first is "
                           f"{bad[0]}; cevscan verify --repair computes them anew")


def _from_lowest(chi2, delta, is_of_members):
    """Delta chi2 of an unfinished map of format 2: all from the lowest of the references that its tiles were written
    against."""
    with np.errstate(invalid="ignore"):
        reference = np.where(np.isfinite(chi2), chi2 - delta, np.nan)
    along = tuple(range(1, chi2.ndim)) if is_of_members else None
    lowest = np.fmin.reduce(reference, axis=along, keepdims=True, initial=np.inf)
    with np.errstate(invalid="ignore"):
        return np.where(reference - lowest > 1e-9 * (1 + np.abs(lowest)), chi2 - lowest, delta)


def _number(text, place):
    try:
        return float(text)
    except ValueError:
        raise Malformed(f"{place} holds what is no number") from None


def _texts(attrs):
    """Attributes as they may be printed; the configuration has line ends of its own."""
    return {name: value if name == "configuration" else text_of(value) for name, value in attrs.items()}


def _map(path, axes, chi2, delta, status, progress, attrs, pulls):
    n_failed = status.size - sum(np.count_nonzero(status == s) for s in (PENDING, OK, IMPOSSIBLE))
    return Map(path, axes, delta, chi2, status, progress, attrs,
               completeness=np.count_nonzero(status != PENDING) / status.size, points_failed=int(n_failed),
               best_fit=_best_fit(axes, chi2, progress), pulls=pulls)


def _names_of_members(axes, progress, attrs):
    names = [name.strip() for name in attrs.get("members", "").split(",")]
    if len(names) != len(axes[0].values) or not all(names) or len(set(names)) < len(names):
        raise Malformed("its attribute 'members' does not name the values of its first axis")
    if len(axes) < 2:
        raise Malformed("it scans several parameters in turn, but has no axis of their values")
    for name, shape in (("chi2_reference", (len(names),)), ("best_fit", (len(names), len(axes)))):
        if name in progress and np.shape(progress[name]) != shape:
            raise Malformed(f"/progress/{name} does not have an entry for each of its members")
    return names


def _member(path, n, name, axes, fields, progress, attrs, pulls):
    """The n-th member as a map of its own: the axis `value` takes the parameter's name."""
    own = {key: progress[key][n] for key in ("chi2_reference", "best_fit_chi2") if np.ndim(progress.get(key))}
    if np.ndim(progress.get("best_fit")):
        own["best_fit"] = progress["best_fit"][n][1:]
    value = replace(axes[1], name=name, long_name=tex_of_name(name))
    return _map(path, [value, *axes[2:]], *(values[n] for values in fields), {**progress, **own}, attrs,
                {pull: values[n] for pull, values in pulls.items()})


def _read_axis(dataset, k, is_first):
    if len(dataset.dims[k]) == 0:
        raise Malformed(f"dimension {k} of /chi2 has no scale")
    scale = dataset.dims[k][0]
    # scale.name searches the whole file, which is slow in a study.
    name = h5py.h5ds.get_scale_name(scale.id).decode("utf-8", "replace") or scale.name
    name, a = text_of(name.rpartition("/")[2]), _texts(scale.attrs)
    values = scale[()]
    if values.ndim != 1 or len(values) < 2 or not np.all(np.diff(values) > 0):
        raise Malformed(f"the values of axis {name} do not increase")
    if a.get("scale") == "names" and not is_first:
        raise Malformed(f"axis {name} has names, but is not the first")
    if a.get("scale") == "signed_log" and 0 in values:
        raise Malformed(f"axis {name} is logarithmic with both signs, but has a zero")
    return Axis(name, a.get("units", "1"), a.get("long_name", name), a.get("description", ""), a.get("scale", "linear"),
                float(a.get("standard_model", np.nan)), values, float(a.get("linear_threshold", 0)))


def _best_fit(axes, chi2, progress):
    best = np.asarray(progress.get("best_fit", np.nan), float)
    if not (progress.get("complete") and best.shape == (len(axes),) and np.isfinite(best).all()):
        best = np.full(len(axes), np.nan)
        if np.isfinite(chi2).any():
            best = [a.values[i] for a, i in zip(axes, np.unravel_index(np.nanargmin(chi2), chi2.shape))]
    return {axis.name: float(x) for axis, x in zip(axes, best)}
