# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the file of a map or of a study, of format 1 or 2 (include/cevscan/map.h)."""
import contextlib
import json
import re

from . import results, trust
from .errors import MapError
from .numeric import h5py, np
from .one_map import Factor
from .printable import text_of
from .space import MAP, STUDY, Malformed, Space, texts_of

NEWEST = 2
CONTOURS = "cevscan contours"
OF_CONTOURS = "holds contours, not a map; over a map they are drawn by plot_map.py MAP.h5 --limit {}"


@contextlib.contextmanager
def opened(path, wanted=None):
    """The open file. What goes wrong in it becomes a MapError. `wanted`: names of the maps that will be read, if not all."""
    trust.check_place(path)
    _check_kind(path)
    trust.try_first(path, wanted, lambda file, is_small: _rehearse(File(path, file), wanted, is_small))
    try:
        with h5py.File(path, "r") as file:
            yield File(path, file)
    except (OSError, LookupError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError) as error:
        if isinstance(error, OSError) and error.errno and error.strerror:
            raise MapError(f"{path}: {error.strerror}") from None
        place = f"{path}:{wanted[0]}" if wanted else path
        raise MapError(f"{place}: not a cevscan map ({_reason(error)})") from None


def _check_kind(path):
    """Refuses what is something else of ours, and says what to do with it."""
    with open(path, "rb") as file:
        start = file.read(200)
    if path.lower().endswith((".yaml", ".yml")) and not start.startswith(b"\x89HDF"):
        raise MapError(f"{path}: says what to scan, and holds no results; run it first: cevscan run (or study) {path} -o MAP.h5")
    if start.startswith(f"# {CONTOURS}".encode()) or start.startswith(f'{{"format": "{CONTOURS}"'.encode()):
        raise MapError(f"{path}: {OF_CONTOURS.format(path)}")


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
        self.held = [{}]        # what has been read of the space that was read last, whoever has opened the file
        self.attrs = texts_of(file.attrs)
        self.version = self.attrs.get("format_version", 0)
        if self.attrs.get("format") == CONTOURS:
            raise MapError(f"{path}: {OF_CONTOURS.format(path)}")
        self.is_study = self.attrs.get("format") == STUDY
        if self.attrs.get("format") in (MAP, STUDY):
            if not isinstance(self.version, (int, np.integer)):
                raise Malformed("its attribute 'format_version' is no number")
            if self.version > NEWEST:
                raise MapError(f"{path}: map of format {self.version}; this program reads up to {NEWEST}")
        if self.version == 2:
            trust.check_description(path, file)
            results.check_hash(path, file, lambda: [f"spaces/{name}" for name in dict.fromkeys(
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

    def map(self, name, verify, lazy=False):
        """The one of this name, or the only one. A lazy map has its numbers read when they are first asked for."""
        if name is None and self.is_study:
            names = self.names()
            raise MapError(f"{self.path}: is a study of {len(names)} maps; name one, such as {self.path}:{names[0]}")
        if name is None:
            return Space(self, self.file, self.path).map(verify, lazy=lazy)
        if self.is_study and self.version == 2:
            space, k = self._place_of(name)
            return Space(self, self.file[f"spaces/{space}"], f"{self.path}:{name}").map(verify, k, self._row(name), lazy=lazy)
        return self._group(name).map(verify, lazy=lazy)

    def maps(self, verify, lazy=False):
        """All of them, in the order of the index."""
        names = self.names()
        if not names:
            yield self.map(None, verify, lazy)
        elif not (self.is_study and self.version == 2):
            for name in names:
                yield self._group(name).map(verify, lazy=lazy)
        else:
            yield from self._maps_of_spaces(names, verify, lazy)

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

    def _maps_of_spaces(self, names, verify, lazy):
        space, last = None, None
        for n, name in enumerate(names):
            own, k = self._place_of(name)
            if own != last:
                space, last = Space(self, self.file[f"spaces/{own}"], f"{self.path}:{own}", at_once=True), own
            yield space.map(verify, k, self._row(name, n), f"{self.path}:{name}", lazy)

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
            factors[key] = Factor(_number(row[column], f"/index/{column}"), label, key in self._multiples())
        own = {column for column, _ in self._factors().values()} - {"exposure_factor"}
        return {key: value for key, value in row.items() if key not in own}, factors

    def _multiples(self):
        """Names of the factors that multiply: the study gives them as `times`."""
        if not hasattr(self, "_times"):
            try:
                found = json.loads(str(self.attrs.get("configuration", "{}"))).get("factors") or ()
                self._times = {f.get("name") for f in found if isinstance(f, dict) and "times" in f}
            except (ValueError, AttributeError, TypeError):
                self._times = set()
        return self._times

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


def _number(text, place):
    try:
        return float(text)
    except ValueError:
        raise Malformed(f"{place} holds what is no number") from None
