# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps over one grid in a file: axes, references, tiles that are done, numbers."""
import copy
from dataclasses import replace

from . import results, trust
from .axes import Axis, tex_of_name
from .errors import MapError
from .numeric import h5py, np
from .one_map import IMPOSSIBLE, OK, PENDING, Map, Minimised
from .printable import text_of
from .roles import axis_in_figure, constraint_in, roles_of

MAP, STUDY = "cevscan map", "cevscan study"
AT_ONCE = 1 << 28   # bytes of a field of a study that are read at once, for all of its maps


class Malformed(ValueError):
    """What a file of ours never has, in words for the user."""


class Space:
    """Maps over one grid: a group of the file, or the whole file."""

    def __init__(self, file, group, place, at_once=False):
        self.file, self.group, self.place = file, group, place
        self.attrs = {**file.attrs, **texts_of(group.attrs)}
        if self.attrs.get("format") != MAP and not (file.is_study and file.version == 2):
            raise Malformed("its attribute 'format' is missing or another")
        for name in ("chi2", "delta_chi2", "status", "tiles/done", "tiles/digest"):
            if name not in group:
                raise Malformed(f"it has no /{name}")
        # The bytes of the tiles come first: a tile that is done now stays so while its numbers are read.
        self.done = group["tiles/done"][()] == 1
        self.name, self.whole_shape = group.name, group["chi2"].shape
        self.stored_pulls = [name[5:] for name in group if name.startswith("pull_")]
        self.has_flags = "flags" in group and file.version == 2
        self.is_many = "map" in group and file.version == 2 and file.is_study
        self.progress = self._progress()
        self.axes = [_read_axis(group["chi2"], k, k == self.is_many) for k in range(self.is_many, group["chi2"].ndim)]
        names = [axis.name for axis in self.axes]
        self.minimised = _read_minimised(group, roles_of(self.attrs, names)) if self.has_flags else {}
        self.stored_profiled = [name for name in self.minimised if f"profiled_{name}" in group]
        self.axes = [replace(a, long_name=axis_in_figure(a.name, a.long_name, self.attrs)) for a in self.axes]
        self.shape = tuple(len(axis.values) for axis in self.axes)
        self.side = [int(s) for s in group["tiles"].attrs["side"]]
        self.at_once = at_once and group["chi2"].nbytes <= AT_ONCE
        self._whole = {}

    def _progress(self):
        group = self.file.file if self.file.version == 2 else self.group
        if "progress" not in group:
            raise Malformed("it has no /progress")
        return {name: text_of(dataset[()]) for name, dataset in group["progress"].items()}

    def _field(self, name, k):
        if name in self._whole:
            return self._whole[name][k].copy()      # a view would keep the maps of all
        dataset = self.group[name]
        if dataset.shape[int(self.is_many):] != self.shape:
            raise Malformed("the shapes of its datasets do not fit together")
        if not self.is_many:
            return dataset[()]
        if self.at_once:
            self._let_go_of_another()
            self._whole[name] = dataset[()]
            return self._whole[name][k].copy()
        return dataset[k]

    def _let_go_of_another(self):
        """Of a file, only one space is held as a whole."""
        held = self.file.held
        if held[0] is not self._whole:
            held[0].clear()
            held[0] = self._whole

    def map(self, verify, k=0, row=None, place=None, lazy=False):
        """The k-th map; `row`: what the index of a study says of it, and its factors."""
        words, factors = row or (None, {})
        place = place or self.place
        attrs = {**self.attrs, **(words or {}), "format": MAP} if words else self.attrs
        progress = {**self.progress, **self._results(k)}
        in_turn = _names_of_members(self.axes, progress, attrs) if self.axes[0].scale == "names" else []
        if lazy:
            from .lazy import Source, lazy_map      # it opens files by this module
            return lazy_map(Source(self, place, k, verify, (attrs, progress, in_turn)), factors)
        found = self.read(verify, k, place, attrs, progress, in_turn)
        return replace(found, factors=factors, members=tuple(replace(m, factors=factors) for m in found.members)) if factors else found

    def reopened(self, file):
        """The same space in the file that has been opened anew: what is known of it stays as it was, and what has been read of it is
        shared."""
        group = file.file[self.name]
        same = all(file.attrs.get(key) == self.file.attrs.get(key) for key in ("description_hash", "configuration_hash"))
        if group["chi2"].shape != self.whole_shape or not same:
            raise Malformed("it was replaced by another file since it was opened")
        anew = copy.copy(self)
        file.held = self.file.held
        anew.file, anew.group = file, group
        return anew

    @property
    def is_read(self):
        """Has all been read of a complete space, for all of its maps? Then nobody need open the file once more."""
        return self.at_once and bool(self.progress.get("complete")) and not self.stored_pulls and not self.has_flags and \
            {"chi2", "status", "tiles/digest", "box"} <= set(self._whole)

    def read(self, verify, k, place, attrs, progress, in_turn):
        """Its numbers."""
        chi2, status = (self._field(name, k) for name in ("chi2", "status"))
        done = self._done_points()
        # Other programs may have made a file of format 1 that has no pulls in its configuration: then it has none.
        pulls = {name: self._field("pull_" + name, k) for name in self._pulls(attrs)} if verify else {}
        pulls = {name: values for name, values in pulls.items() if _is_there(values, chi2)}
        flags, profiled = self._of_minima(k)
        if verify:
            self._check_tiles(place, k, [chi2, status, *pulls.values(), *([] if flags is None else [flags]), *profiled.values()])
        if not self.done.all():
            chi2, status = np.where(done, chi2, np.nan), np.where(done, status, PENDING)
            pulls, profiled = ({name: np.where(done, values, np.nan) for name, values in found.items()} for found in (pulls, profiled))
            flags = flags if flags is None else np.where(done, flags, 0).astype("u1")
        delta = self._delta(place, k, chi2, done, progress, verify)
        believed = results.checked_best_fit if verify and self.file.version == 2 else lambda m: m
        if not in_turn:
            return believed(self._with_minima(_map(place, self.axes, chi2, delta, status, progress, attrs, pulls), flags, profiled))
        members = tuple(
            believed(self._with_minima(_member(place, n, name, self.axes, (chi2, delta, status), progress, attrs, pulls),
                                       flags if flags is None else flags[n], {key: values[n] for key, values in profiled.items()}))
            for n, name in enumerate(in_turn))
        # Of its best fits none is the best.
        whole = _map(place, self.axes, chi2, delta, status, dict(progress, best_fit=np.nan), attrs, pulls)
        whole = self._with_minima(whole, flags, profiled)
        return replace(whole, best_fit={axis.name: np.nan for axis in self.axes}, members=members)

    def _results(self, k):
        """Of format 2: what stands under `results` of the k-th map, named as in format 1, where it is a part of /progress.
        Before the job is complete there is nothing to believe."""
        if self.file.version < 2 or not self.progress.get("complete"):
            return {}
        return {name: text_of(dataset[k] if self.is_many else dataset[()])
                for name, dataset in self.group["results"].items() if name != "axis"}   # which names a dimension, no more

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
        if self.at_once:
            if "box" not in self._whole:
                self._whole["box"] = self.group["delta_chi2"][(slice(None), *box)]
            stored = self._whole["box"][k]
        else:
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
        stored = self.stored_pulls
        return trust.own_pulls(attrs, stored, self.file.file.attrs.get("configuration", "")) if stored else []

    def _of_minima(self, k):
        """Flags, or None, and values of profiled parameters in their order: that of the digests."""
        if not self.has_flags:
            return None, {}
        return self._field("flags", k), {name: self._field(f"profiled_{name}", k) for name in self.stored_profiled}

    def _with_minima(self, m, flags, profiled):
        return replace(m, minimised=self.minimised, flags=flags, profiled=profiled) if self.has_flags else m

    def _check_tiles(self, place, k, fields):
        if "tiles/digest" not in self._whole:
            self._whole["tiles/digest"] = self.group["tiles/digest"][()]
        digests = self._whole["tiles/digest"][:, k] if self.is_many else self._whole["tiles/digest"]
        bad = trust.damaged_tiles(digests, self.done, self.shape, self.side, fields)
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


def texts_of(attrs):
    """Attributes as they may be printed; the configuration has line ends of its own."""
    return {name: value if name == "configuration" else text_of(value) for name, value in attrs.items()}


def _is_there(pull, chi2):
    """A setting of a study may have given a pull no width: it is in other maps, and no number of this one."""
    return not np.isnan(pull).all() or not np.isfinite(chi2).any()


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


def of_member(n, name, axes, progress):
    """Axes and progress of the n-th member as a map of its own: the axis `value` takes the parameter's name."""
    own = {key: progress[key][n] for key in ("chi2_reference", "best_fit_chi2") if np.ndim(progress.get(key))}
    if np.ndim(progress.get("best_fit")):
        own["best_fit"] = progress["best_fit"][n][1:]
    return [replace(axes[1], name=name, long_name=tex_of_name(name)), *axes[2:]], {**progress, **own}


def _member(path, n, name, axes, fields, progress, attrs, pulls):
    own_axes, own = of_member(n, name, axes, progress)
    return _map(path, own_axes, *(values[n] for values in fields), own, attrs, {pull: values[n] for pull, values in pulls.items()})


def _read_axis(dataset, k, is_first):
    if len(dataset.dims[k]) == 0:
        raise Malformed(f"dimension {k} of /chi2 has no scale")
    scale = dataset.dims[k][0]
    # scale.name searches the whole file, which is slow in a study.
    name = h5py.h5ds.get_scale_name(scale.id).decode("utf-8", "replace") or scale.name
    name, a = text_of(name.rpartition("/")[2]), texts_of(scale.attrs)
    values = scale[()]
    if values.ndim != 1 or len(values) < 2 or not np.all(np.diff(values) > 0):
        raise Malformed(f"the values of axis {name} do not increase")
    if a.get("scale") == "names" and not is_first:
        raise Malformed(f"axis {name} has names, but is not the first")
    if a.get("scale") == "signed_log" and 0 in values:
        raise Malformed(f"axis {name} is logarithmic with both signs, but has a zero")
    return Axis(name, a.get("units", "1"), a.get("long_name", name), a.get("description", ""), a.get("scale", "linear"),
                float(a.get("standard_model", np.nan)), values, float(a.get("linear_threshold", 0)))


def _read_minimised(group, roles):
    """{name: Minimised}, in the order of the file. Units and TeX stand with the values, where they are stored."""
    a = texts_of(group["flags"].attrs)
    names = [name for name in str(a.get("minimised_over", "")).split(",") if name]
    low, high = (np.atleast_1d(np.asarray(a.get(key, ()), float)) for key in ("lower_bounds", "upper_bounds"))
    if not names or len(names) != len(low) or len(names) != len(high):
        raise Malformed("its flags do not say what was minimised over")
    found = {}
    for name, a, b in zip(names, low, high):
        own = texts_of(group[f"profiled_{name}"].attrs) if f"profiled_{name}" in group else {}
        words = str(own.get("units", "1")), str(own.get("long_name", tex_of_name(name)))
        constraint = constraint_in(roles.get(name, {})) or (np.nan, np.nan)
        found[name] = Minimised(name, float(a), float(b), *words, *constraint, float(own.get("standard_model", np.nan)))
    return found


def _best_fit(axes, chi2, progress):
    best = np.asarray(progress.get("best_fit", np.nan), float)
    if not (progress.get("complete") and best.shape == (len(axes),) and np.isfinite(best).all()):
        best = np.full(len(axes), np.nan)
        if np.isfinite(chi2).any():
            best = [a.values[i] for a, i in zip(axes, np.unravel_index(np.nanargmin(chi2), chi2.shape))]
    return {axis.name: float(x) for axis, x in zip(axes, best)}
