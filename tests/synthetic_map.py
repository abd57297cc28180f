# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps as cevscan would write them (include/cevscan/map.h), of functions that the tests know."""
import hashlib
import itertools
import json
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass

import h5py
import numpy as np

ANALYSIS = pathlib.Path(__file__).resolve().parent.parent / "analysis"
sys.path.insert(0, str(ANALYSIS))

from cevscan_analysis.trust import description_hash  # noqa: E402

TEXTS = {"format": "cevscan map", "title": "", "configuration": "{}", "configuration_hash": "c0ffee", "interaction": "nsi",
         "experiments": "csi", "data": "asimov", "fixed_parameters": "{}", "delta_chi2_from": "minimum",
         "program_version": "0", "git_commit": "", "library_versions": "{}"}
PENDING, OK, NOT_CONVERGED, IMPOSSIBLE, INVALID = range(5)
MEANINGS = "pending ok not_converged impossible invalid"


def command(name, *arguments, folder=None, **environment):
    """Runs a command of analysis/ as a user would."""
    return subprocess.run([sys.executable, str(ANALYSIS / name), *map(str, arguments)], cwd=folder, capture_output=True,
                          text=True, encoding="utf-8", env={**os.environ, **environment})


def complaint(result):
    """The one line that a failed command left."""
    assert result.returncode == 2 and result.stdout == "", result
    line, = result.stderr.splitlines()
    return line


@dataclass
class Axis:
    name: str
    values: np.ndarray
    long_name: str = None
    units: str = "1"
    scale: str = "linear"
    standard_model: float = 0.0
    linear_threshold: float = 0.0   # symlog only


def eps(flavours, low=-0.5, high=0.5, n=401, quark="u"):
    tex = flavours.replace("mu", r"\mu").replace("tau", r"\tau")
    return Axis(f"eps_{flavours}_{quark}V", np.linspace(low, high, n), rf"$\varepsilon_{{{tex}}}^{{{quark}V}}$")


def grid(*axes):
    """The axes' values, broadcast against each other, for functions of them."""
    return np.meshgrid(*(axis.values for axis in axes), indexing="ij")


def write_map(path, axes, chi2, reference=0.0, status=None, done=None, tile=16, complete=None, best_fit=None, version=1,
              pulls=None, minima=None, **attrs):
    """`done`: the ids of the tiles that are whole; all by default. An array as reference: one for each value of the first
    axis. `version`: of the format. `pulls`: {name: values}, of an experiment csi.
    `minima`: Minima, of a scan that profiles parameters."""
    m = Fields(axes, chi2, reference, status, done, tile, best_fit, pulls or {}, "members" in attrs, minima)
    complete = len(m.done) == m.n_tile if complete is None else complete
    with h5py.File(path, "w") as f:
        put_attributes(f, axes, m.pulls, version, attrs)
        for axis in axes:
            put_axis(f, axis)
        put_fields(f, axes, m.side, m.fields())
        put_minima(f, minima)
        put_tiles(f, m.side, m.n_tile, m.done, m.digests())
        put_progress(f, complete, m.n_failed, m.content_hash() if complete else "")
        put_results(f["progress"] if version == 1 else f.create_group("results"), m.results(version == 2))
        seal(f, version)
    return str(path)


@dataclass
class Minima:
    """What a point has that is a minimum over profiled parameters."""
    bounds: dict            # name -> (low, high), in the order of the scan
    flags: np.ndarray
    values: dict            # name -> values, of those that are stored
    units: dict = None
    long_names: dict = None


def put_minima(f, minima):
    if minima is None:
        return
    low, high = (np.array([b[k] for b in minima.bounds.values()], float) for k in (0, 1))
    f["flags"].attrs.update(flag_masks=np.array([1, 2, 4], "u1"), flag_meanings="proven at_bound flat",
                            minimised_over=",".join(minima.bounds), lower_bounds=low, upper_bounds=high)
    for name in minima.values:
        f[f"profiled_{name}"].attrs.update(units=(minima.units or {}).get(name, "1"), bounds=np.array(minima.bounds[name], float),
                                           long_name=(minima.long_names or {}).get(name, name))


class Fields:
    """A map in memory, and what its file says of it."""

    def __init__(self, axes, chi2, reference=0.0, status=None, done=None, tile=16, best_fit=None, pulls=None, in_turn=False, minima=None):
        self.minima = minima
        self.axes, self.chi2, self.reference = axes, np.asarray(chi2, float), np.asarray(reference, float)
        if status is None:
            status = np.where(np.isnan(self.chi2), NOT_CONVERGED, np.where(np.isinf(self.chi2), IMPOSSIBLE, OK))
        self.status, self.pulls = np.asarray(status).astype("u1"), pulls or {}
        self.side = [min(tile, n) for n in self.chi2.shape]
        self.side[0] = 1 if in_turn else self.side[0]
        self.n_tile = int(np.prod([-(-n // s) for n, s in zip(self.chi2.shape, self.side)]))
        self.done = range(self.n_tile) if done is None else done
        self.n_failed = int(np.isin(self.status, (NOT_CONVERGED, INVALID)).sum())
        lowest = [a.values[i] for a, i in zip(axes, np.unravel_index(np.nanargmin(self.chi2), self.chi2.shape))]
        self.best_fit = np.array(lowest if best_fit is None else best_fit, float)

    def fields(self):
        with np.errstate(invalid="ignore"):
            delta = (self.chi2.T - self.reference).T
        return {"chi2": self.chi2, "delta_chi2": delta, "status": self.status,
                **{"pull_" + name: np.asarray(values, float) for name, values in self.pulls.items()}, **self.of_minima()}

    def of_minima(self):
        found = self.minima
        return {} if found is None else {"flags": np.asarray(found.flags, "u1"), **{
            f"profiled_{name}": np.asarray(found.values[name], float) for name in found.bounds if name in found.values}}

    def digests(self):
        """SHA-256 of chi2, status, pulls, flags and profiled values of each tile."""
        along = [[slice(i, i + s) for i in range(0, n, s)] for n, s in zip(self.chi2.shape, self.side)]
        parts = [self.chi2, self.status, *(np.asarray(v, float) for v in self.pulls.values()), *self.of_minima().values()]
        return np.array([np.frombuffer(hashlib.sha256(b"".join(p[box].tobytes() for p in parts)).digest(), "u1")
                         for box in itertools.product(*along)])

    def content_hash(self):
        return hashlib.sha256(self.digests().tobytes()).hexdigest()

    def results(self, with_counts):
        lowest = self.reference if self.reference.ndim else float(np.nanmin(self.chi2))
        found = {"chi2_reference": self.reference, "best_fit_chi2": lowest, "best_fit": self.best_fit}
        if self.minima is not None:
            for bit, name in enumerate(("proven", "at_bound", "flat")):
                found[f"points_{name}"] = np.uint64((np.asarray(self.minima.flags) >> bit & 1).sum())
        return {**found, "points_failed": np.uint64(self.n_failed), "content_hash": self.content_hash()} if with_counts else found


def write_study(path, spaces, reference=0.0, done=None, tile=16, complete=True, columns=None, factors=None, **attrs):
    """A study of format 2. `spaces`: {name: (axes, {map: chi2})}; the name of a map is that of its experiments, with + in
    between, and what comes after an @. `columns` of the index, {name: texts}, may replace those that are made here;
    `factors`: {column: label}."""
    names, rows = [], []
    with h5py.File(path, "w") as f:
        f.attrs.update({**TEXTS, "format": "cevscan study", "format_version": np.int32(2), **attrs})
        put_progress(f, complete, 0, "0" * 64 if complete else "")
        for space, (axes, maps) in spaces.items():
            group = f.create_group(f"spaces/{space}")
            put_space(group, axes, maps, reference, done, tile)
            names += [f"{space}/{name}" for name in maps]
            rows += [(",".join(axis.name for axis in axes), name) for name in maps]
        sets = [name.partition("@")[0] for _, name in rows]
        made = {"name": names, "axes": [axes for axes, _ in rows], "experiments": [name.replace("+", ", ") for name in sets],
                "title": [name.replace("+", " + ") for name in sets],
                "configuration_hash": [f"c0ffee{n}" for n in range(len(names))]}
        for name, texts in {**made, **(columns or {})}.items():
            put_texts(f, f"index/{name}", texts)
        for name, label in (factors or {}).items():
            f[f"index/{'exposure_factor' if name == 'exposure' else name}"].attrs["long_name"] = label
        f["index"].attrs["factors"] = ",".join(factors or {})
        seal(f, 2)
    return str(path)


def write_years(path, sets=("csi", "si", "csi+si"), years=(1, 3, 10), n=41, widths=None, **options):
    """A study of sets and years of one plane, with regions that shrink with the square root of time. Titles say the years, as
    those of the program may."""
    x, y = eps("ee", -1, 1, n), eps("mumu", -1, 1, n)
    X, Y = grid(x, y)
    widths = widths or {name: (0.3, 0.1) if k % 2 else (0.1, 0.3) for k, name in enumerate(sets)}
    maps = {f"{name}@years={t}": ((X / widths[name][0])**2 + (Y / widths[name][1])**2) * t for name in sets for t in years}
    rows = [(name, t) for name in sets for t in years]
    columns = {"set": [name for name, _ in rows], "years": [f"{t:.15g}" for _, t in rows],
               "title": [f"{name.replace('+', ' + ')}, {t} years" for name, t in rows]}
    return write_study(path, {"eps_ee_uV,eps_mumu_uV": ((x, y), maps)}, columns=columns, factors={"years": "years"}, **options)


def put_space(group, axes, maps, reference, done, tile):
    found = [Fields(axes, chi2, reference, done=done, tile=tile) for chi2 in maps.values()]
    group.attrs["axes"] = ",".join(axis.name for axis in axes)
    for axis in axes:
        put_axis(group, axis)
    put_texts(group, "map", list(maps))
    group["map"].make_scale("map")
    fields = [m.fields() for m in found]
    put_fields(group, axes, [len(found), *found[0].side], {key: np.stack([f[key] for f in fields]) for key in fields[0]})
    put_tiles(group, found[0].side, found[0].n_tile, found[0].done, np.stack([m.digests() for m in found], axis=1))
    results = [m.results(True) for m in found]
    put_results(group.create_group("results"), {key: np.stack([np.asarray(r[key]) for r in results])
                                                for key in results[0] if key != "content_hash"})
    put_texts(group, "results/content_hash", [r["content_hash"] for r in results])


def write_members(path, names, axes, chi2, best_fit=None, **options):
    """A scan of the parameters `names` in turn, each with a best fit of its own: chi2 [names, axes...]."""
    chi2 = np.asarray(chi2, float)
    flat = np.where(np.isnan(chi2), np.inf, chi2).reshape(len(names), -1)
    if best_fit is None:
        places = [np.unravel_index(k, chi2.shape[1:]) for k in flat.argmin(axis=1)]
        best_fit = [[m, *(a.values[i] for a, i in zip(axes, place))] for m, place in enumerate(places)]
    names_axis = Axis("parameter", np.arange(len(names)), scale="names", standard_model=np.nan)
    return write_map(path, [names_axis, *axes], chi2, best_fit=best_fit,
                     **{"reference": flat.min(axis=1), "members": ",".join(names), **options})


def signed_log(low=10.0, high=10000.0, half=2000, **options):
    """The axis `value` of a scan of scales of new physics."""
    positive = np.geomspace(low, high, half)
    return Axis("value", np.concatenate((-positive[::-1], positive)),
                **{"units": "GeV", "scale": "signed_log", "standard_model": np.inf, **options})


def put_axis(f, axis):
    d = f.create_dataset(axis.name, data=np.asarray(axis.values, float))
    d.attrs.update(units=axis.units, long_name=axis.long_name or axis.name, description=f"what {axis.name} is",
                   scale=axis.scale, standard_model=float(axis.standard_model))
    if axis.linear_threshold:
        d.attrs["linear_threshold"] = axis.linear_threshold
    d.make_scale(axis.name)


def put_fields(f, axes, side, fields):
    for name, values in fields.items():
        d = f.create_dataset(name, data=values, chunks=tuple(side))
        d.attrs.update(long_name=name, units="1")
        for k, axis in enumerate((["map"] if len(axes) < values.ndim else []) + [axis.name for axis in axes]):
            d.dims[k].attach_scale(f[axis])
    f["status"].attrs.update(flag_values=np.arange(5, dtype="u1"), flag_meanings=MEANINGS)


def put_tiles(f, side, n_tile, done, digests):
    tiles = f.create_group("tiles")
    tiles.attrs["side"] = np.array(side, "u8")
    tiles["done"] = np.isin(np.arange(n_tile), list(done)).astype("u1")
    tiles["digest"] = digests


def put_progress(f, complete, n_failed, content_hash):
    p = f.create_group("progress")
    for name, value in dict(sessions=1, ranks=4, threads=2).items():
        p[name] = np.int32(value)
    p["complete"], p["points_failed"] = np.uint8(complete), np.uint64(n_failed)
    p["heartbeat"], p["wall_time_s"] = 1.7e9, 3.5
    for name, text, size in (("start", "2025-01-01T00:00:00Z", 24), ("end", "", 24), ("content_hash", content_hash, 65)):
        put_text(p, name, text, size)


def put_results(group, results):
    for name, value in results.items():
        if isinstance(value, str):
            put_text(group, name, value, 65)
        else:
            group[name] = value


def put_text(group, name, text, size):
    group.create_dataset(name, data=np.array(text.encode(), h5py.string_dtype("utf-8", size)))


def put_texts(group, name, texts):
    texts = [text.encode() for text in texts]
    group.create_dataset(name, data=np.array(texts, h5py.string_dtype("utf-8", max(1, *map(len, texts)))))


def put_attributes(f, axes, pulls, version, attrs):
    configuration = {"experiments": [{"experiment": "csi", "pulls": [{"name": name} for name in pulls]}]}
    texts = {**TEXTS, "axes": ",".join(axis.name for axis in axes), "configuration": json.dumps(configuration if pulls else {})}
    f.attrs.update({**texts, **attrs})
    if "format_version" not in f.attrs:
        f.attrs["format_version"] = np.int32(version)


def seal(f, version):
    """Of format 2: the hash of all that says what the file is about. By the reader's own function: a file that the program
    wrote is among the tests' data, to compare with."""
    if version == 2:
        f.attrs["description_hash"] = description_hash(f)


# -------------------------------------------------------------------------------------------- functions like the real ones

def nsi_counting(eps_e, eps_mu, protons=55, neutrons=78, shape=25.0, rate=90.0):
    """Delta chi2 of an experiment that counts nu_e and nu_mu scatterings off one nucleus: `rate` weighs the sum of both (a
    ring or a band in the plane of two couplings), `shape` their difference (which leaves four islands of the ring)."""
    charge = protons * (0.5 - 2 * 0.23867) - 0.5 * neutrons
    quarks = 2 * protons + neutrons
    ratio_e, ratio_mu = ((1 + quarks * e / charge)**2 for e in (eps_e, eps_mu))
    return rate * ((ratio_e + 2 * ratio_mu) / 3 - 1)**2 + shape * ((ratio_e - ratio_mu) / 2)**2
