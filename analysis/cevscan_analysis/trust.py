# SPDX-License-Identifier: GPL-3.0-or-later
"""What is checked before the numbers of a file are believed: the place, the file as HDF5 sees it, its description, its
tiles."""
import hashlib
import json
import os
import stat

from .errors import MapError
from .numeric import h5py, np
from .trial import try_first

__all__ = ["check_description", "check_place", "damaged_tiles", "description_hash", "own_pulls", "try_first"]

OF_SCALES = ("CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST")   # attributes of HDF5's own
_described = set()  # files of which the description has been found sound: what stat() says of them


def check_place(path):
    """Refuses what is no file: opening a FIFO would wait for ever."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise MapError(f"{path}: is a directory")
        if not stat.S_ISREG(mode):
            raise MapError(f"{path}: is not a regular file")
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
    except OSError as error:
        raise MapError(f"{path}: {error.strerror}") from None


# ------------------------------------------------------------------------------------------------------- the description

class _Strange(Exception):
    """Something that no file of cevscan has."""


def check_description(path, file):
    """Of a file of format 2: everything that says what it is about must be as it was written."""
    s = os.stat(path)
    identity = (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns)
    if identity in _described:
        return
    if description_hash(file) != file.attrs.get("description_hash"):
        raise MapError(f"{path}: its description was changed: configuration, axes, labels or index are not those with which "
                       "it was written, so that nobody can say what its numbers are")
    _described.add(identity)


def description_hash(file):
    """SHA-256 of all names and attributes, and of the values of axes, map names and index columns: the definition stands
    in src/store/map_description.c. None where the file has what none of cevscan's has."""
    digest = hashlib.sha256()
    try:
        _describe(digest.update, file, b"/", 0)
    except (_Strange, TypeError, ValueError, KeyError, OSError, RuntimeError):
        return None
    return digest.hexdigest()


def _describe(put, item, path, depth):
    put(path + b"\0")
    for name in sorted(name.encode("utf-8", "surrogateescape") for name in item.attrs):
        if name.decode("utf-8", "surrogateescape") not in OF_SCALES and not (depth == 0 and name == b"description_hash"):
            put(name + b"\0")
            attribute = h5py.h5a.open(item.id, name)
            _put_value(put, attribute, lambda key=name: item.attrs[key.decode("utf-8", "surrogateescape")])
    if isinstance(item, h5py.Group):
        for name in sorted(name.encode("utf-8", "surrogateescape") for name in item):
            text = name.decode("utf-8", "surrogateescape")
            if text == "results" or (depth == 0 and text == "progress"):
                continue
            if not isinstance(item.get(text, getlink=True), h5py.HardLink) or depth >= 5:
                raise _Strange
            _describe(put, item[text], (b"" if depth == 0 else path) + b"/" + name, depth + 1)
    elif isinstance(item, h5py.Dataset) and not item.is_virtual and item.external is None:
        has_elements = "CLASS" in item.attrs or path.startswith(b"/index/")
        _put_value(put, item.id, (lambda: item[()]) if has_elements else None)
    else:
        raise _Strange


def _put_value(put, low, read):
    """Kind, sizes and elements of an attribute or dataset, whose low-level object gives its type."""
    kind = low.dtype
    is_text = kind.kind in "OS" and h5py.check_string_dtype(kind) is not None
    if low.get_space().get_simple_extent_type() == h5py.h5s.NULL:
        raise _Strange
    if not is_text and not (kind.kind in "iuf" and kind.itemsize <= 8 and h5py.check_enum_dtype(kind) is None):
        raise _Strange
    put((b"text" if is_text else f"{kind.kind}{kind.itemsize}".encode()) + b"\0")
    put(",".join(map(str, low.shape)).encode() + b"\0")
    if read is None:
        return
    values = read()
    if not is_text:
        put(np.ascontiguousarray(values, kind.newbyteorder("<")).tobytes())
        return
    for value in np.ravel(np.asarray(values, object)):
        put((value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")).split(b"\0")[0] + b"\0")


# --------------------------------------------------------------------------------------------------------------- tiles

def damaged_tiles(digests, done, shape, side, fields):
    """Numbers of the tiles whose digest [tile, 32] is not that of their part of `fields` [axes...]: chi2, status, pulls,
    flags, profiled values."""
    bad, expected = [], np.ascontiguousarray(digests, "u1")
    fields = [values.astype(values.dtype.newbyteorder("<"), copy=False) for values in fields]
    for n, box in enumerate(boxes(shape, side)):
        if done[n]:
            digest = hashlib.sha256()
            for values in fields:
                digest.update(np.ascontiguousarray(values[box]))
            if digest.digest() != expected[n].tobytes():
                bad.append(n)
    return bad


def boxes(shape, side):
    """Slices of each tile, the last axis fastest."""
    along = [[slice(i, min(i + s, n)) for i in range(0, n, s)] for n, s in zip(shape, side)]
    for index in np.ndindex(*map(len, along)):
        yield tuple(slices[i] for slices, i in zip(along, index))


def own_pulls(attrs, stored, configuration):
    """Names of the pulls of a map among those that are stored, in the order of first mention in its experiments."""
    try:
        found = json.loads(attrs.get("configuration") or configuration)["experiments"]
        pulls = {x["experiment"]: [pull["name"] for pull in x.get("pulls", []) if pull.get("sigma") != 0] for x in found
                 if isinstance(x, dict)}
    except (ValueError, LookupError, TypeError, AttributeError):
        return []
    names = [name.strip() for name in str(attrs.get("experiments", "")).split(",")]
    return [name for name in dict.fromkeys(p for x in names for p in pulls.get(x, [])) if name in stored]
