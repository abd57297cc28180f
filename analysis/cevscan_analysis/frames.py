# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps as what other libraries work with: xarray and pandas, where they are installed."""
import importlib
import sys

from .errors import MapError
from .numeric import np
from .roles import note_of_roles

MEANINGS = "pending ok not_converged impossible invalid"    # of the bytes of /status, from 0
FLAG_MEANINGS = "proven at_bound flat"                          # of the bits of /flags
TOLD = ("title", "set", "experiments", "interaction", "data", "surrogates", "configuration_hash", "configuration")


def to_xarray(m):
    xarray = _imported("xarray", "to_xarray")
    coords = {axis.name: (axis.name, values_of(m, axis), attributes_of(axis)) for axis in m.axes}
    fields = {name: (m.names, values, {"long_name": words, "units": "1"}) for name, values, words in fields_of(m)}
    fields["status"][2].update(flag_values=np.arange(5, dtype="u1"), flag_meanings=MEANINGS)
    if m.flags is not None:
        fields["flags"][2].update(flag_masks=np.array([1, 2, 4], "u1"), flag_meanings=FLAG_MEANINGS,
                                  minimised_over=",".join(m.minimised))
    for name in m.profiled:
        own = m.minimised[name]
        fields[f"profiled_{name}"][2].update(units=own.units, bounds=[own.low, own.high],
                                              **({"centre": own.centre, "sigma": own.sigma} if own.sigma == own.sigma else {}))
    return xarray.Dataset(fields, coords, about(m))


def to_dataframe(m):
    pandas = _imported("pandas", "to_dataframe")
    grid = np.meshgrid(*(np.arange(len(axis.values)) for axis in m.axes), indexing="ij")
    columns = {axis.name: np.asarray(values_of(m, axis))[index.ravel()] for axis, index in zip(m.axes, grid)}
    frame = pandas.DataFrame({**columns, **{name: np.ravel(values) for name, values, _ in fields_of(m)}})
    frame.attrs.update(about(m))
    return frame


def _imported(library, what):
    try:
        return importlib.import_module(library)
    except ImportError as error:
        raise MapError(f"{what}() needs {library}, which {sys.executable} does not have ({error})") from None


def values_of(m, axis):
    """Of the axis of parameters in turn, their names."""
    return [member.names[0] for member in m.members] if axis.scale == "names" and m.members else axis.values


def fields_of(m):
    """(name, values, words) of each array."""
    found = [("delta_chi2", m.delta_chi2, r"$\Delta\chi^2$"), ("chi2", m.chi2, r"$\chi^2$"), ("status", m.status, "status of the point")]
    found += [(f"pull_{name}", values, f"pull {name} at the minimum") for name, values in m.pulls.items()]
    found += [("flags", m.flags, "flags of the minimum")] if m.flags is not None else []
    return found + [(f"profiled_{name}", values, m.minimised[name].long_name) for name, values in m.profiled.items()]


def attributes_of(axis):
    return {"units": axis.units, "long_name": axis.long_name, "description": axis.description, "scale": axis.scale,
            "standard_model": axis.standard_model}


def about(m):
    """What identifies the map; its factors by their names."""
    told = {name: str(m.attrs[name]) for name in TOLD if m.attrs.get(name)}
    note = note_of_roles(m)
    return {"path": m.path, **told, **({"note": note} if note else {}), "content_hash": str(m.progress.get("content_hash", "")), "completeness": m.completeness,
            **{f"factor_{name}": factor.value for name, factor in m.factors.items()},
            **{f"best_fit_{name}": value for name, value in m.best_fit.items()}}
