# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of many panels with one legend: regions of two parameters, curves of one, expected events.

    >>> fig = contour_panels([Panel({"CsI": a, "Si": b, "CsI + Si": c}, "$u$ quarks"), ...], level=90, columns=2)
    >>> save_all(fig, "regions", [a, b, c])              # regions.pdf, regions.png

A label has the same colour and line style in every panel of a figure; `order` fixes them for a series of figures.
"""
from dataclasses import dataclass

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from . import event_rates
from .contours import best_fit_points, black, draw_several, void_boxes
from .curves import draw_panel, is_signed, line_width, panel_label, sign_handles, telling_range
from .intervals import delta_from_level
from .limits import write_decades
from .numeric import np
from .style import (VOID_STYLE, colour, draw_boxes, faint, line_style, new_grid, own_words, place_one_legend, set_scale,
                    write_steps)

PANEL_INCH = 2.55       # width of a panel
FILLED_AT_MOST = 3      # regions in a panel that have colour inside; of more, outlines are clearer


@dataclass(frozen=True)
class Panel:
    """Maps that are drawn over each other, by label: of the same two axes (in any order of panels) or curves of the same one."""
    maps: dict
    title: str = ""
    xlim: tuple = None      # (low, high) in units of the axes; what the maps cover by default
    ylim: tuple = None


def labels_in_order(panels, order=()):
    """All labels: those of `order`, then the others as they come."""
    return list(dict.fromkeys([*order, *(label for panel in panels for label in panel.maps)]))


def contour_panels(panels, level=90, columns=3, order=(), outlined=(), title=None, cut=None, excluded=False,
                   best_fits=True):
    """A panel for each of `panels`, with the regions of all its maps at one confidence level in % (two degrees of freedom), or
    at `cut` in Delta chi2. `outlined`: labels whose regions have no colour inside. `excluded` colours what is excluded. `best_fits` marks
    those that are not the standard model."""
    cut, words = (cut, rf"$\Delta\chi^2 = {cut:g}$") if cut else (delta_from_level(level, dof=2), f"{level:g}% C.L.")
    order = labels_in_order(panels, order)
    used = [label for label in order if any(label in panel.maps for panel in panels)]
    if max(len(panel.maps) for panel in panels) > FILLED_AT_MOST:
        outlined = order
    fig, axes = new_grid(len(panels), columns, PANEL_INCH, PANEL_INCH + 0.05)
    more, has_void = {}, False
    for ax, panel in zip(axes, panels):
        ax.set_box_aspect(1)
        more.update(draw_plane(ax, panel, cut, order, outlined, excluded, best_fits))
        has_void = has_void or any(void_boxes(m) for m in panel.maps.values())
    handles = [key_of_region(order.index(label), label, label in outlined) for label in used] + list(more.values())
    handles += [Patch(label="no values", **VOID_STYLE)] if has_void else []
    place_one_legend(fig, handles, ("excluded, " if excluded else "") + words)
    if title:
        fig.suptitle(own_words(title), fontsize=12)
    return fig


def key_of_region(k, label, is_outlined):
    return Patch(facecolor="none" if is_outlined else faint(colour(k)), edgecolor=colour(k), linestyle=line_style(k),
                 linewidth=1.3, label=own_words(label))


def draw_plane(ax, panel, cut, order, outlined, excluded, best_fits):
    """Returns handles of the markers in the panel, by their label."""
    labels, maps = list(panel.maps), list(panel.maps.values())
    for which, k, limits in (("x", 0, panel.xlim), ("y", 1, panel.ylim)):
        set_scale(ax, which, maps[0].axes[k])
        low, high = min(m.axes[k].values[0] for m in maps), max(m.axes[k].values[-1] for m in maps)
        getattr(ax, f"set_{which}lim")(*(limits or (low, high)))
    if excluded:
        write_decades(ax)
    places = [order.index(label) for label in labels]
    draw_several(ax, maps, [(cut, "")], labels, [n + 1 for n, label in enumerate(labels) if label in outlined], excluded, places)
    draw_boxes(ax, [box for m in maps for box in void_boxes(m)])
    if panel.title:
        ax.set_title(own_words(panel.title), fontsize=10)
    note_unfinished(ax, maps)
    return draw_markers(ax, maps, places, best_fits)


def draw_markers(ax, maps, places, best_fits):
    """The standard model, and best fits that are elsewhere, where they lie in the panel."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    model = [axis.standard_model for axis in maps[0].axes]
    plus = dict(marker="+", markersize=9, markeredgewidth=1.2, color="black", linestyle="none")
    points = [("standard model", model, plus)]
    points += [p for p in best_fit_points(maps, places) if best_fits and not np.allclose(p[1], model, atol=0.01 * (x1 - x0))]
    handles = {}
    for label, (x, y), style in points:
        if x0 <= x <= x1 and y0 <= y <= y1:
            ax.plot(x, y, zorder=4, clip_on=False, **style)
            handles[label] = Line2D([], [], label=label, **black(style))
    return handles


def note_unfinished(ax, maps):
    """Says above a panel, at the right, how many of its maps are not complete."""
    unfinished = [m for m in maps if m.completeness < 1]
    if unfinished:
        text = f"{len(unfinished)} of {len(maps)} maps unfinished" if len(maps) > 1 else f"{maps[0].percent_complete} complete"
        ax.text(1, 1.015, text, transform=ax.transAxes, ha="right", va="bottom", fontsize=8, style="italic", color="0.25")


def profile_panels(panels, columns=5, order=(), ylim=(0, 10), title=None, height=2.0):
    """A panel for each of `panels`, with the curves of Delta chi2 of all its maps of one axis; the scale of Delta chi2 is shared."""
    order = labels_in_order(panels, order)
    used = [label for label in order if any(label in panel.maps for panel in panels)]
    fig, axes = new_grid(len(panels), columns, 2.3, height)
    rest = {}
    for n, (ax, panel) in enumerate(zip(axes, panels)):
        places = [order.index(label) for label in panel.maps]
        is_last = n % columns == columns - 1 or n == len(panels) - 1
        curves = list(panel.maps.values())
        _, more, _ = draw_panel(ax, curves, list(panel.maps), panel.xlim, ylim, named=is_last, places=places)
        rest.update({h.get_label(): h for h in [*more, *sign_handles(curves)]})
        if n % columns == 0:
            ax.set_ylabel(r"$\Delta\chi^2$")
        else:
            ax.tick_params(labelleft=False)
        if panel.title:
            ax.set_title(own_words(panel.title), fontsize=10)
        note_unfinished(ax, curves)
        dress_scales(ax, panel, curves, ylim)
    signed = any(is_signed(m) for panel in panels for m in panel.maps.values())  # then line styles tell the signs
    handles = [Line2D([], [], color=colour(k), linestyle="-" if signed else line_style(k), linewidth=line_width(k, signed),
                      label=own_words(label)) for k, label in enumerate(order) if label in used]
    place_one_legend(fig, handles + list(rest.values()))
    if title:
        fig.suptitle(own_words(title), fontsize=12)
    return fig


def dress_scales(ax, panel, curves, ylim):
    """Scales of new physics share an axis of absolute values, over the range that has something to tell."""
    if all(is_signed(m) for m in curves):
        ax.set_xlabel(panel_label(curves))
        if panel.xlim is None:
            ax.set_xlim(*telling_range(curves, ylim[1]))
        write_steps(ax)


def rate_panels(found, titles=None, columns=3, per_unit=True, with_backgrounds=False, xlims=None):
    """Expected events of experiments, as rates() gives them: neutrinos stacked by flavour; the totals stand in the panel.
    `xlims`: {name: (low, high)} in the units of the observable."""
    fig, axes = new_grid(len(found), columns, 2.7, 2.3)
    handles = {}
    for ax, (name, rate) in zip(axes, found.items()):
        handles.update(event_rates.draw_signal(ax, rate, per_unit, with_backgrounds))
        ax.set_title(own_words((titles or {}).get(name, rate.get("title", name))), fontsize=10)
        if xlims and name in xlims:
            ax.set_xlim(*xlims[name])
    place_one_legend(fig, list(handles.values()))
    return fig
