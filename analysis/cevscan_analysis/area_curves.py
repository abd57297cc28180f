# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of areas over a factor: a colour for each set, a line style for each value of other factors, a panel for each plane."""
from .against import name_of_factor
from .axes import tex_of_unit
from .labels import words_of_factor
from .numeric import np
from .style import (MM, SMALL, add_head, add_title, colour, line_style, name_of, new_figure, new_grid, place_legend,
                    place_one_legend, styled, their_words, width_in_mm)

from matplotlib.lines import Line2D    # after the package, which sees to settings
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator


MARKERS = "osDv^Pp"
WIDTH = 1.1     # of lines, in points
DEEP = 30       # how far below the lowest area, as a ratio, the axis follows error bars
WIDE = 8        # a range of values that is larger than this has a logarithmic axis


@styled
def area_figure(curves, factor, level_name, title=None, width="column"):
    """Of Curves, as areas_against() gives them."""
    planes = list(dict.fromkeys(curve.plane for curve in curves))
    labels, styles = list(dict.fromkeys(curve.label for curve in curves)), list(dict.fromkeys(map(others_of, curves)))
    if len(planes) > 1:
        fig, axes = new_grid(len(planes), min(3, len(planes)), 0.9, "page" if width == "column" else width)
    else:
        inches = width_in_mm(width) * MM
        fig, ax = new_figure(inches, 0.75 * inches)
        axes = [ax]
    seen, any_coarse = [], False
    for ax, plane in zip(axes, planes):
        own = [curve for curve in curves if curve.plane == plane]
        dress(ax, own, factor, level_name, len(planes) > 1)
        for curve in own:
            any_coarse |= draw_areas(ax, curve, labels.index(curve.label), line_style(styles.index(others_of(curve))))
            seen += points_along(curve)
    handles = [Line2D([], [], label=their_words(label), **look_of(k)) for k, label in enumerate(labels)]
    if len(styles) > 1:
        handles += [Line2D([], [], color="0.3", linewidth=WIDTH, linestyle=line_style(k), label=their_words(words)) for k, words in enumerate(styles)]
    if any_coarse:
        handles.append(Line2D([], [], linestyle="none", marker="o", markersize=3.5, color="0.3", markerfacecolor="white",
                              label="grid too coarse"))
    if len(planes) > 1:
        place_one_legend(fig, handles)
        add_head(fig, title)
    else:
        add_title(axes[0], title)
        place_legend(fig, axes[0], handles, np.array(seen))
    return fig


def look_of(k):
    """Of a set."""
    return dict(color=colour(k), marker=MARKERS[k % len(MARKERS)], markersize=3.8, linewidth=WIDTH)


def others_of(curve):
    return ", ".join(words_of_factor(factor) for factor in curve.others.values())


def draw_areas(ax, curve, k, style):
    """Areas with their errors; hollow where the grid is too coarse. Are there such?"""
    x, y, error = (np.array([get(p) for p in curve.points]) for get in
                   (lambda p: p.value, lambda p: p.area.value, lambda p: p.area.error))
    low = np.minimum(error, y * (1 - 1e-6)) if ax.get_yscale() == "log" else np.minimum(error, y)
    look = look_of(k)
    ax.errorbar(x, y, yerr=(low, error), color=look["color"], linestyle=style, linewidth=look["linewidth"], capsize=2, elinewidth=0.8,
                zorder=2)
    coarse = np.array([bool(p.coarse) for p in curve.points])
    for flag, face in ((False, look["color"]), (True, "white")):
        ax.plot(x[coarse == flag], y[coarse == flag], **{**look, "linestyle": "none", "markerfacecolor": face, "zorder": 3})
    return bool(coarse.any())


def points_along(curve):
    """Points on the lines and on the bars, in units of the axes."""
    found = [(p.value, p.area.value + s * p.area.error) for p in curve.points for s in np.linspace(-1, 1, 9)
             if p.area.value + s * p.area.error > 0]
    pairs = zip(curve.points, curve.points[1:])
    return found + [(a.value**(1 - s) * b.value**s if min(a.value, b.value) > 0 else a.value + s * (b.value - a.value),
                     max(a.area.value, 1e-300)**(1 - s) * max(b.area.value, 1e-300)**s)
                    for a, b in pairs for s in np.linspace(0, 1, 30)]


def dress(ax, curves, factor, level_name, is_named):
    """Scales, ticks at the values of the factor, labels."""
    maps = [p.map for curve in curves for p in curve.points]
    x = sorted({p.value for curve in curves for p in curve.points})
    y = [p.area.value for curve in curves for p in curve.points]
    top = max(p.area.value + p.area.error for curve in curves for p in curve.points)
    if min(x) > 0 and max(x) >= WIDE * min(x):
        ax.set_xscale("log")
        ax.set_xlim(x[0] / (x[-1] / x[0])**0.06, x[-1] * (x[-1] / x[0])**0.06)
    else:
        ax.set_xlim(x[0] - 0.06 * (x[-1] - x[0]), x[-1] + 0.06 * (x[-1] - x[0]))
    if min(y) > 0 and max(y) >= WIDE * min(y):
        ax.set_yscale("log")
        lowest = min(p.area.value - p.area.error for curve in curves for p in curve.points)
        ax.set_ylim(max(lowest, min(y) / DEEP) / 1.4, top * 1.6)
    else:
        ax.set_ylim(0, (top if top < 3 * max(y) else 1.5 * max(y)) * 1.08 or 1)
    if len(x) <= 8:
        ax.xaxis.set_major_locator(FixedLocator(x))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(their_words(name_of_factor(maps, factor)))
    axes = maps[0].axes
    units = " ".join(tex_of_unit(axis.units) for axis in axes if axis.units not in ("1", "") and axis.drawn_scale == "linear")
    plane = ", ".join(name_of(axis) for axis in axes)
    ax.set_ylabel("area" + f" of ({plane})" * (not is_named) + f" at {level_name}" + f" [{units}]" * bool(units))
    if is_named:
        ax.set_title(plane, fontsize=SMALL + 0.5)
