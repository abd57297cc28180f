# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps of cevscan in Python: reading, profiles, intervals, areas, tables and figures.

    >>> from cevscan_analysis import open_map, project, allowed_intervals, delta_from_level
    >>> m = open_map("csi.h5")                  # of a study: open_map("study.h5", "eps_ee_uV,eps_mumu_uV/ess_csi")
    >>> m.names, m.delta_chi2.shape, m.axes[0].units, m.completeness
    >>> curve = project(m, ["eps_ee_uV"])                   # the others profiled
    >>> area_of(m, delta_from_level(90, dof=2))
    >>> allowed_intervals(curve.axes[0], curve.delta_chi2, delta_from_level(90, dof=1)).intervals

Set PYTHONPATH to the folder that holds this package. What draws is in the modules style, contours, curves, rates and
panels, which need matplotlib; all else needs h5py and numpy.
"""
from .areas import Area, area_of, rank
from .axes import Axis, tex_of_name, tex_of_unit
from .command import MapError
from .contour_files import Contours, read_contours, write_contours
from .contour_lines import Piece, contour_lines
from .intervals import Allowed, allowed_intervals, delta_from_level
from .maps import Map, factors_of, group_names, labels_of, open_map, open_maps, select
from .projection import branches_of, curve_of, curves_at, curves_of, from_each, project

__all__ = ["Allowed", "Area", "Axis", "Map", "MapError", "allowed_intervals", "area_of", "branches_of", "curve_of", "curves_at",
           "curves_of", "delta_from_level", "factors_of", "from_each", "group_names", "labels_of", "open_map", "open_maps", "project", "rank", "select",
           "tex_of_name", "tex_of_unit"]
