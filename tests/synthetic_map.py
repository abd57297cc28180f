# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps as cevscan would write them (include/cevscan/map.h), of functions that the tests know."""
import hashlib
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass

import h5py
import numpy as np

ANALYSIS = pathlib.Path(__file__).resolve().parent.parent / "analysis"
sys.path.insert(0, str(ANALYSIS))

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


def write_map(path, axes, chi2, reference=0.0, status=None, done=None, tile=16, complete=None, best_fit=None, **attrs):
    """`done`: the ids of the tiles that are whole; all by default. An array as reference: one for each value of the first axis."""
    chi2, reference = np.asarray(chi2, float), np.asarray(reference, float)
    if status is None:
        status = np.where(np.isnan(chi2), NOT_CONVERGED, np.where(np.isinf(chi2), IMPOSSIBLE, OK))
    side = [min(tile, n) for n in chi2.shape]
    side[0] = 1 if "members" in attrs else side[0]
    n_tile = int(np.prod([-(-n // s) for n, s in zip(chi2.shape, side)]))
    done = range(n_tile) if done is None else done
    complete = len(done) == n_tile if complete is None else complete
    with h5py.File(path, "w") as f:
        f.attrs.update({**TEXTS, "axes": ",".join(axis.name for axis in axes), **attrs})
        if "format_version" not in f.attrs:
            f.attrs["format_version"] = np.int32(1)
        for axis in axes:
            put_axis(f, axis)
        with np.errstate(invalid="ignore"):
            put_fields(f, axes, side, {"chi2": chi2, "delta_chi2": (chi2.T - reference).T, "status": status.astype("u1")})
        put_tiles(f, side, n_tile, done)
        put_progress(f, axes, chi2, reference, complete, best_fit, int(np.isin(status, (NOT_CONVERGED, INVALID)).sum()))
    return str(path)


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
        for k, axis in enumerate(axes):
            d.dims[k].attach_scale(f[axis.name])
    f["status"].attrs.update(flag_values=np.arange(5, dtype="u1"), flag_meanings=MEANINGS)


def put_tiles(f, side, n_tile, done):
    tiles = f.create_group("tiles")
    tiles.attrs["side"] = np.array(side, "u8")
    tiles["done"] = np.isin(np.arange(n_tile), list(done)).astype("u1")
    tiles["digest"] = np.zeros((n_tile, 32), "u1")


def put_progress(f, axes, chi2, reference, complete, best_fit, n_failed):
    if best_fit is None:
        best_fit = [a.values[i] for a, i in zip(axes, np.unravel_index(np.nanargmin(chi2), chi2.shape))]
    p = f.create_group("progress")
    for name, value in dict(sessions=1, ranks=4, threads=2).items():
        p[name] = np.int32(value)
    p["complete"], p["points_failed"] = np.uint8(complete), np.uint64(n_failed)
    p["heartbeat"], p["wall_time_s"] = 1.7e9, 3.5
    p["chi2_reference"], p["best_fit_chi2"] = reference, reference if np.ndim(reference) else float(np.nanmin(chi2))
    p["best_fit"] = np.array(best_fit, float)
    texts = {"start": ("2025-01-01T00:00:00Z", 24), "end": ("", 24),
             "content_hash": (hashlib.sha256(chi2.tobytes()).hexdigest() if complete else "", 65)}
    for name, (text, size) in texts.items():
        p.create_dataset(name, data=np.array(text.encode(), h5py.string_dtype("utf-8", size)))


# -------------------------------------------------------------------------------------------- functions like the real ones

def nsi_counting(eps_e, eps_mu, protons=55, neutrons=78, shape=25.0, rate=90.0):
    """Delta chi2 of an experiment that counts nu_e and nu_mu scatterings off one nucleus: `rate` weighs the sum of both (a
    ring or a band in the plane of two couplings), `shape` their difference (which leaves four islands of the ring)."""
    charge = protons * (0.5 - 2 * 0.23867) - 0.5 * neutrons
    quarks = 2 * protons + neutrons
    ratio_e, ratio_mu = ((1 + quarks * e / charge)**2 for e in (eps_e, eps_mu))
    return rate * ((ratio_e + 2 * ratio_mu) / 3 - 1)**2 + shape * ((ratio_e - ratio_mu) / 2)**2
