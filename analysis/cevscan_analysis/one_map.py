# SPDX-License-Identifier: GPL-3.0-or-later
"""A map: Delta chi2 on a grid, and what is known of it."""
from __future__ import annotations

import math
from dataclasses import dataclass, field

from . import frames
from .numeric import np

PENDING, OK, NOT_CONVERGED, IMPOSSIBLE, INVALID = range(5)  # the bytes of /status
PROVEN, AT_BOUND, FLAT = 1, 2, 4    # in the bytes of /flags: the minimum is proven to be global; something is at its bound; some
#                                     direction of what is minimised over changes nothing


@dataclass(frozen=True)
class Minimised:
    """A parameter that chi2 is the minimum over at each point."""
    name: str
    low: float      # bounds
    high: float
    units: str      # "1" if pure
    long_name: str  # TeX in dollar signs
    centre: float = math.nan    # of a constraint from elsewhere, ((x - centre)/sigma)^2 in chi2; NaN where there is none
    sigma: float = math.nan
    default: float = math.nan   # the standard model's, where values are stored


@dataclass(frozen=True)
class Projected:
    """What is known of a map that was projected, profiled over other axes: how well the grid resolves the minima along them."""
    over: tuple             # names of the axes that are gone
    error: np.ndarray       # float [axes...]: how far above the truth delta_chi2 may lie, an estimate
    is_coarse: np.ndarray   # bool [axes...]: more than a figure shows
    at_edge: np.ndarray     # bool [axes...]: the minimum lies at the end of an axis; there may be a lower one behind it
    ends: tuple = ()        # names of those axes that are gone at whose ends the best fit lies

    def at(self, index):
        """Of a part of the map."""
        return Projected(self.over, self.error[index], self.is_coarse[index], self.at_edge[index], self.ends)

    @property
    def note(self):
        """What a reader of the numbers must know; "" if all is well."""
        parts, n = [], self.error.size
        if self.is_coarse.any():
            most = float(self.error[self.is_coarse].max())
            parts.append(f"in {int(self.is_coarse.sum())} of {n} cells the grid is too coarse, and Delta chi2 may be too "
                         f"high, by up to {most:.2g}")
        if self.at_edge.any():
            parts.append(f"in {int(self.at_edge.sum())} of {n} cells the minimum lies at the end of an axis")
        if self.ends:
            parts.append(f"the best fit lies at the end of {', '.join(self.ends)}")
        return f"profiled over {', '.join(self.over)}: {'; '.join(parts)}" if parts else ""


@dataclass(frozen=True)
class Factor:
    """What the maps of a study vary beside sets and axes, of one map."""
    value: float
    label: str              # words that go with the value; TeX in dollar signs
    is_multiple: bool = False   # does the value multiply what the experiments' files say, in place of standing for it?


@dataclass(frozen=True, repr=False)
class Map:
    """Delta chi2 on a grid: `delta_chi2[i, j, ...]` belongs to `axes[0].values[i]`, `axes[1].values[j]`, ...

    Texts that come from the file have their control characters written out (\\x1b): they may be printed."""
    path: str               # FILE, or FILE:GROUP
    axes: list              # of Axis, in the order of the arrays' dimensions
    delta_chi2: np.ndarray  # float [axes...]; NaN where not computed or failed, inf where impossible
    chi2: np.ndarray        # float [axes...]
    status: np.ndarray      # uint8 [axes...]: PENDING, OK, NOT_CONVERGED, IMPOSSIBLE or INVALID
    progress: dict          # everything under /progress, and what the results say of this map
    attrs: dict             # root attributes; of a map of a study, what its index says of it comes first
    completeness: float     # fraction of the grid points that have been dealt with
    points_failed: int
    best_fit: dict          # name of axis -> value; NaN in a map without a single result
    members: tuple = ()     # of Map: in a scan of several parameters in turn, that of each; it has the parameter's name
    pulls: dict = field(default_factory=dict)   # name -> float [axes...], where they are stored and the map is whole
    projected: Projected = None   # of a map over fewer axes than were scanned
    factors: dict = field(default_factory=dict)     # name -> Factor, of a map of a study
    minimised: dict = field(default_factory=dict)   # name -> Minimised: what chi2 is minimised over at each point
    # uint8 [axes...]: sum of PROVEN, AT_BOUND and FLAT; None if nothing is minimised, or the map projected. No value of the class:
    # that of a map whose numbers come later would be taken for it.
    flags: np.ndarray = field(default_factory=lambda: None)
    profiled: dict = field(default_factory=dict)    # name -> float [axes...]: values at the minimum, where they are stored

    @classmethod
    def later(cls, load, **known):
        """A map of which only some fields are known: load() gives the map that has the others, and is called when one of them is
        first asked for."""
        m = object.__new__(cls)
        m.__dict__.update(known, projected=None, _load=load)
        return m

    def __getattr__(self, name):
        if name not in self.__dataclass_fields__ or "_load" not in self.__dict__:
            raise AttributeError(f"a map has no attribute {name!r}")
        whole = self._load()
        for key in self.__dataclass_fields__:
            self.__dict__.setdefault(key, getattr(whole, key))
        return self.__dict__[name]

    @property
    def is_read(self):
        """Have its numbers been read?"""
        return "delta_chi2" in self.__dict__

    def let_go(self):
        """Frees the memory of the numbers of a map that can read them once more. What else is known of it stays."""
        if "_load" in self.__dict__:
            self.lowest, self.best_fit
            for name in ("delta_chi2", "chi2", "status", "pulls", "flags", "profiled"):
                self.__dict__.pop(name, None)
            getattr(self._load, "let_go", lambda: None)()

    def __getstate__(self):
        """What copies, and other processes, are given: the numbers, not the way to read them."""
        was_read = self.is_read
        state = {name: getattr(self, name) for name in (*self.__dataclass_fields__, *self.__dict__) if name != "_load"}
        if not was_read:
            self.let_go()
        return state

    def __repr__(self):
        grid = " x ".join(f"{axis.name} ({len(axis.values)})" for axis in self.axes)
        return f"<Map {self.path}: {grid}, {self.percent_complete} complete>"

    def to_xarray(self):
        """An xarray.Dataset: delta_chi2, chi2, status, pulls, flags and profiled values, with the axes as coordinates, and all that the file says of them."""
        return frames.to_xarray(self)

    def to_dataframe(self):
        """A pandas.DataFrame with a row for each point: a column for each axis, then delta_chi2, chi2, status, pulls, flags and profiled
        values."""
        return frames.to_dataframe(self)

    @property
    def names(self):
        return [axis.name for axis in self.axes]

    @property
    def is_surrogate(self):
        """Do its data stand in for numbers that have not been published? Whatever is made of it must say so. Files from before
        there was an attribute for it have it in the experiment's name."""
        own, marked = (str(self.attrs.get(key, "")) for key in ("experiments", "surrogates"))
        names = {name.strip() for name in own.split(",")}
        return "surrogate" in own.lower() or not names.isdisjoint(name.strip() for name in marked.split(",") if name.strip())

    @property
    def surrogates(self):
        """Those of its experiments whose data are surrogates, as the file says."""
        marked = {name.strip() for name in str(self.attrs.get("surrogates", "")).split(",")}
        return [name.strip() for name in str(self.attrs.get("experiments", "")).split(",") if name.strip() in marked - {""}]

    @property
    def lowest(self):
        """Smallest Delta chi2; inf if there is none."""
        if "_lowest" not in self.__dict__:
            self.__dict__["_lowest"] = float(np.fmin.reduce(self.delta_chi2, axis=None, initial=np.inf))
        return self.__dict__["_lowest"]

    def end_of_axis(self, name):
        """The value at the end of an axis at which the best fit lies, as nearly as the grid tells: what is better may
        lie behind it. None if it lies inside, or where the axis ends at infinity."""
        axis = next(axis for axis in self.axes if axis.name == name)
        return axis.end_at(self.best_fit[name])

    @property
    def percent_complete(self):
        """57.1%, rounded down; 100% is complete."""
        return f"{np.floor(1000 * self.completeness) / 10:g}%"

    @property
    def note(self):
        """What a reader of a number or figure from this map must know; "" if all is well."""
        parts = []
        if self.completeness < 1:
            parts.append(f"{self.percent_complete} complete")
        if self.points_failed:
            parts.append(f"{self.points_failed} point{'s' * (self.points_failed > 1)} failed")
        return ", ".join(parts)
