# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of cevscan in Python: reading, profiles, intervals, areas, contours, tables and figures.

    >>> from cevscan_analysis import open_map, project, allowed_intervals, delta_from_level
    >>> m = open_map("csi.h5")                  # of a study: open_map("study.h5", "eps_ee_uV,eps_mumu_uV/ess_csi")
    >>> m.names, m.delta_chi2.shape, m.axes[0].units, m.completeness
    >>> curve = project(m, ["eps_ee_uV"])                   # the others profiled
    >>> area_of(m, delta_from_level(90, dof=2))
    >>> allowed_intervals(curve.axes[0], curve.delta_chi2, delta_from_level(90, dof=1)).intervals
    >>> for piece in contour_lines(m, level=90): print(piece.x, piece.y, piece.closed)
    >>> m.to_xarray(), m.to_dataframe()
    >>> rates("ess_csi", settings={"eps_ee_uV": 0.1})["ess_csi"]["signal_total"]
    >>> energy, flux = pick(spectra("xenonnt_8b", of="flux")["xenonnt_8b"], component="nu_e")

Set PYTHONPATH to the folder that holds this package. What draws is in the modules style, contours, curves, event_rates
and panels, which need matplotlib; all else needs h5py and numpy. Errors are MapError. What a name needs is imported when it is
first used, and a map of open_maps() reads its numbers when they are first asked for.
"""
import importlib
import importlib.util

_NAMES = {
    "against": "areas_against",
    "areas": "Area area_of rank",
    "axes": "Axis tex_of_name tex_of_unit",
    "contour_files": "Contours read_contours write_contours",
    "contour_pieces": "Piece contour_lines",
    "errors": "MapError",
    "expected": "impacts pick rates spectra",
    "intervals": "Allowed allowed_intervals delta_from_level",
    "maps": "Map factors_of group_names labels_of open_map open_maps select",
    "projection": "branches_of curve_of curves_at curves_of from_each project",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name in _HOMES:
        value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    elif not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}"):
        value = importlib.import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    globals()[name] = value
    return value


def __dir__():
    return __all__
