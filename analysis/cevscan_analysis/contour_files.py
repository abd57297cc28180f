# SPDX-License-Identifier: GPL-3.0-or-later
"""Contours as files: CSV, JSON and HDF5, written and read back to the last digit.

CSV has a line for each point, an empty line between pieces, and before all a comment "# map {...}" for each map; its number
there is that of the last column. JSON has
the maps in a list, in each its pieces. HDF5 has a group contours/N for each map: x and y of all its points after one
another, and for each piece where it starts, how long it is, its level, its Delta chi2, and whether it is closed.
"""
import csv
import io
import json
import math
import os
from dataclasses import asdict, dataclass

from . import disk, trust
from .contour_pieces import Piece
from .errors import MapError
from .labels import experiments_of, factors_of, set_of
from .numeric import h5py, np
from .printable import text_of
from .roles import note_of_roles

FORMAT, VERSION = "cevscan contours", 1
SENSE = "along a line what is allowed lies to the left; inside tells what a closed line goes around"
COLUMNS = ["map", "level_percent", "delta_chi2", "piece", "closed", "inside", "x_name", "y_name", "x", "y", "map_number"]
NUMBER = COLUMNS[-1]    # from 1: the same map may be there twice. Files of before do not have it
IN_JSON = "in_json"     # attribute in HDF5: names of those that are lists and the like, written as JSON
KINDS = (".csv", ".json", ".h5", ".hdf5")
LOWEST = "the lowest chi2 over the scanned parameters"


@dataclass(frozen=True)
class Contours:
    """The lines of a map, and what they are of."""
    about: dict             # map, label, x and y (name, units, long_name, scale), content_hash, ...: see about()
    pieces: list            # of Piece

    @property
    def names(self):
        return [str(self.about[which].get("name", "")) for which in "xy"]


def about(m, label, dof=2, each=None, filled=False):
    """What a reader of the lines must know of the map."""
    axes = {which: {"name": a.name, "units": a.units, "long_name": a.long_name, "scale": a.scale} for which, a in zip("xy", m.axes)}
    text = lambda key: str(m.progress.get(key) or m.attrs.get(key, ""))
    return {"map": m.path, "label": label, "title": str(m.attrs.get("title", "")), "set": set_of(m), "factors": factors_of(m),
            "experiments": experiments_of(m), "interaction": str(m.attrs.get("interaction", "")), **axes,
            "degrees_of_freedom": dof, "counted_from": f"the lowest chi2 at each {each}" if each else LOWEST,
            "edges_of": "filled regions" if filled else "regions, without the border of the grid",
            "note": "; ".join(filter(None, (m.note, note_of_roles(m)))), "minimised": minimised_plain(m), "content_hash": text("content_hash"), "configuration_hash": text("configuration_hash")}


def minimised_plain(m):
    """What chi2 is the minimum over, as JSON can have it."""
    return [{"name": p.name, "bounds": [p.low, p.high], "units": p.units} |
            ({"centre": p.centre, "sigma": p.sigma} if math.isfinite(p.sigma) else {}) for p in m.minimised.values()]


# -------------------------------------------------------------------------------------------------------------- writing

def write_contours(path, found):
    """Writes a list of Contours in the format that the file's name says, in one stroke."""
    kind = kind_of(path)
    check_target(path)
    if kind in (".h5", ".hdf5"):
        disk.put(path, as_hdf5(found))
    else:
        disk.put(path, (as_csv if kind == ".csv" else as_json)(found).encode("utf-8", "surrogateescape"))


def check_target(path):
    """Refuses to write over a file that holds anything but contours."""
    try:
        is_other = os.path.lexists(path) and os.path.getsize(path) > 0 and read_contours(path) is None
    except MapError:
        is_other = True
    except OSError as error:
        raise MapError(f"{path}: {error.strerror}") from None
    if is_other:
        raise MapError(f"{path}: is there already, and is not a file of contours; it would be lost. Choose another name")


def kind_of(path):
    kind = os.path.splitext(path)[1].lower()
    if kind not in KINDS:
        raise MapError(f"{path}: a file of contours must end in .csv, .json or .h5")
    return kind


def as_csv(found):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    text.write(f"# {FORMAT}, format {VERSION}: {SENSE}\n")
    for n, one in enumerate(found, 1):
        text.write(f"# map {json.dumps({**one.about, NUMBER: n})}\n")
    writer.writerow(COLUMNS)
    for n, one in enumerate(found, 1):
        for k, piece in enumerate(one.pieces):
            text.write("\n" * (k > 0 or n > 1))
            start = [one.about["map"], "" if piece.level is None else repr(piece.level), repr(piece.delta), piece.number,
                     int(piece.closed), piece.inside, *one.names]
            writer.writerows([*start, repr(float(x)), repr(float(y)), n] for x, y in zip(piece.x, piece.y))
    return text.getvalue()


def as_json(found):
    plain = [{**one.about, "pieces": [{**asdict(p), "inside": p.inside, "x": p.x.tolist(), "y": p.y.tolist()} for p in one.pieces]}
             for one in found]
    return json.dumps({"format": FORMAT, "format_version": VERSION, "sense": SENSE, "contours": plain}, allow_nan=False) + "\n"


def as_hdf5(found):
    """Bytes of the file, which is made in memory: HDF5 may crash where a disk is full."""
    with h5py.File("contours", "w", driver="core", backing_store=False) as file:
        file.attrs.update(format=FORMAT, format_version=VERSION, sense=SENSE)
        for n, one in enumerate(found):
            group = file.create_group(f"contours/{n}")
            plain = {key: value for key, value in one.about.items() if key not in ("x", "y")}
            as_text = [key for key, value in plain.items() if not isinstance(value, (str, int, float))]
            for key, value in plain.items():
                group.attrs[key] = json.dumps(value) if key in as_text else _plain(value)
            group.attrs[IN_JSON] = ",".join(as_text)
            for which in "xy":
                parts = [getattr(p, which) for p in one.pieces]
                group[which] = np.concatenate(parts) if parts else np.empty(0)
                group[which].attrs.update({key: _plain(value) for key, value in one.about[which].items()})
            lengths = [len(p.x) for p in one.pieces]
            group["piece_start"] = np.cumsum([0, *lengths])[:-1].astype(np.int64)
            group["piece_length"] = np.array(lengths, np.int64)
            group["level_percent"] = np.array([np.nan if p.level is None else p.level for p in one.pieces], float)
            group["delta_chi2"] = np.array([p.delta for p in one.pieces], float)
            group["piece"] = np.array([p.number for p in one.pieces], np.int32)
            group["closed"] = np.array([p.closed for p in one.pieces], np.uint8)
            inside = [p.inside for p in one.pieces]
            group["inside"] = np.array(inside, h5py.string_dtype("utf-8", 8)) if inside else np.empty(0, "S8")
        file.flush()
        return file.id.get_file_image()


def _plain(value):
    """Text with bytes that are no UTF-8 written out, as HDF5 can hold it."""
    return text_of(value) if isinstance(value, str) else value


# -------------------------------------------------------------------------------------------------------------- reading

def read_contours(path):
    """The Contours of a file, whichever the format; None if it is a text that is none of ours."""
    trust.check_place(path)
    with open(path, "rb") as file:
        start = file.read(4096)
    try:
        if start.startswith(b"\x89HDF"):
            return _read_hdf5(path)
        if start.lstrip().startswith(b"{"):
            return _read_json(path)
        if start.startswith(f"# {FORMAT}".encode()) or b"x_name,y_name,x,y" in start:
            return _read_csv(path)
    except (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, csv.Error, RecursionError) as error:
        words = f" ({error})" if isinstance(error, (ValueError, csv.Error)) else ""
        raise MapError(f"{path}: not a file of contours as export_contours.py writes it{words}") from None
    return None


def _piece(x, y, closed, level, delta, number):
    x, y = np.asarray(x, float), np.asarray(y, float)
    if x.ndim != 1 or x.shape != y.shape or len(x) < 2 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"piece {number} is no line of two numbers at each point")
    return Piece(x, y, bool(closed), None if level is None or math.isnan(level) else float(level), float(delta), int(number))


def _read_json(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        whole = json.load(file)
    if whole["format"] != FORMAT:
        raise ValueError("its format is another")
    return [Contours({key: value for key, value in one.items() if key != "pieces"},
                     [_piece(*(p[key] for key in ("x", "y", "closed", "level", "delta", "number"))) for p in one["pieces"]])
            for one in whole["contours"]]


def _read_hdf5(path):
    trust.try_first(path)
    with h5py.File(path, "r") as file:
        if text_of(file.attrs.get("format", "")) != FORMAT:
            raise MapError(f"{path}: an HDF5 file, but not of contours; export_contours.py makes one of a map")
        return [_of_group(file[f"contours/{n}"]) for n in range(len(file["contours"]))] if "contours" in file else []


def _python(value):
    """A number as Python's own, not numpy's."""
    return value.item() if isinstance(value, np.generic) else value


def _of_group(group):
    told = {key: _python(text_of(value)) for key, value in group.attrs.items()}
    for key in str(told.pop(IN_JSON, "experiments,factors")).split(","):
        if key in told:
            told[key] = json.loads(told[key])
    for which in "xy":
        told[which] = {key: text_of(value) for key, value in group[which].attrs.items()}
    x, y = group["x"][()], group["y"][()]
    columns = zip(*(group[name][()].tolist() for name in
                    ("piece_start", "piece_length", "closed", "level_percent", "delta_chi2", "piece")))
    return Contours(told, [_piece(x[a:a + n], y[a:a + n], *rest) for a, n, *rest in columns])


def _read_csv(path):
    told, found, head = {}, {}, None
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        for number, row in enumerate(file, 1):
            if row.startswith("# map "):
                one = json.loads(row[6:])
                told[one.pop(NUMBER, None), one["map"], one["x"]["name"], one["y"]["name"]] = one
            elif row.strip() and not row.startswith("#"):
                words = next(csv.reader([row]))
                if head is None:
                    head = [words.index(name) for name in COLUMNS if name in words or name != NUMBER]
                else:
                    _keep_row(found, [words[k] for k in head] if len(words) > max(head) else [], number)
    keys = dict.fromkeys((*told, *found))
    return [Contours(told.get(key, {"map": key[1], "x": {"name": key[2]}, "y": {"name": key[3]}}),
                     [_piece(*zip(*points), *rest) for rest, points in found.get(key, {}).items()]) for key in keys]


def _keep_row(found, words, number):
    """A point into {(number, map, x, y): {(closed, level, delta, piece): points}}."""
    try:
        name, level, delta, piece, closed, _, x_name, y_name, x, y, *own = words
        rest = (bool(int(closed)), float(level) if level else None, float(delta), int(piece))
        key = (int(own[0]) if own else None, name, x_name, y_name)
        found.setdefault(key, {}).setdefault(rest, []).append((float(x), float(y)))
    except ValueError:
        raise ValueError(f"line {number}: expected {', '.join(COLUMNS)}") from None
