# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of many panels with one legend: regions of two parameters, curves of one, expected events.

    >>> fig = contour_panels([Panel({"CsI": a, "Si": b, "CsI + Si": c}, "$u$ quarks"), ...], level=90, columns=2)
    >>> save_all(fig, "regions", [a, b, c])              # regions.pdf, regions.png

A label has the same colour and line style in every panel of a figure; `order` fixes them for a series of figures. Figures are as
wide as in print ("page", "column" or mm), and so large are their letters.
"""
from dataclasses import dataclass

from . import event_rates
from .contours import Look, draw_points, draw_several, key_of, void_boxes
from .curves import CHI2_RANGE, draw_panel, is_signed, key_of_curve, panel_label, sign_handles, telling_range
from .intervals import delta_from_level, level_text
from .limits import draw_limits
from .scales import fewer_numbers
from .style import (PLAIN, SMALL, VOID_STYLE, add_head, add_title, colour, draw_boxes, faint, line_style, new_grid, notes_of_minimised,
                    own_words, place_one_legend, put_note, set_scale, styled, wrapped, write_decades, write_steps)
from .words import room_of

from matplotlib.lines import Line2D    # after the package, which sees to settings
from matplotlib.patches import Patch

FILLED_AT_MOST = 3      # regions in a panel that have colour inside; of more, outlines are clearer


@dataclass(frozen=True)
class Panel:
    """Maps that are drawn over each other, by label: of the same two axes (in any order of panels) or curves of the same one."""
    maps: dict
    title: str = ""
    xlim: tuple = None      # (low, high) in units of the axes; what the maps cover by default
    ylim: tuple = None
    limits: tuple = ()      # of limit_files.Limit, in the order of its axes


def labels_in_order(panels, order=()):
    """All labels: those of `order`, then the others as they come."""
    return list(dict.fromkeys([*order, *(label for panel in panels for label in panel.maps)]))


@styled
def contour_panels(panels, level=90, columns=3, order=(), outlined=(), title=None, cut=None, excluded=False,
                   best_fits=True, width=None, limits_in_place=False):
    """A panel for each of `panels`, with the regions of all its maps at one confidence level in % (two degrees of freedom), or
    at `cut` in Delta chi2. `outlined`: labels whose regions have no colour inside. `excluded` colours what is excluded; where there is
    no colour, short strokes lie on this side. `best_fits` marks those that are not the standard model."""
    cut, words = (cut, rf"$\Delta\chi^2 = {cut:g}$") if cut else (delta_from_level(level, dof=2), f"{level_text(level)}% C.L.")
    order = labels_in_order(panels, order)
    used = [label for label in order if any(label in panel.maps for panel in panels)]
    if max(len(panel.maps) for panel in panels) > FILLED_AT_MOST:
        outlined = order
    fig, axes = new_grid(len(panels), columns, 1, width)
    more, has_void = {}, False
    for ax, panel in zip(axes, panels):
        ax.set_box_aspect(1)
        more.update(draw_plane(ax, panel, cut, order, outlined, excluded, best_fits, limits_in_place, notes_of_panel(panel, panels)))
        has_void = has_void or any(void_boxes(m) for m in panel.maps.values())
    handles = [key_of(look_of(order.index(label), label in outlined, excluded), own_words(label)) for label in used] + list(more.values())
    handles += [Patch(label="no values", **VOID_STYLE)] if has_void else []
    place_one_legend(fig, handles, with_minimised(fig, panels, ("excluded, " if excluded else "") + words))
    add_head(fig, title)
    return fig


def look_of(k, is_outlined, excluded):
    return Look((None if is_outlined else faint(colour(k)),), colour(k), line_style(k), excluded=excluded)


def notes_of_panel(panel, panels):
    """What was minimised over, if it is not the same in all of them: that stands in the legend."""
    return minimised_in(panel) if len({tuple(minimised_in(other)) for other in panels}) > 1 else []


def draw_plane(ax, panel, cut, order, outlined, excluded, best_fits, limits_in_place=False, notes=()):
    """Returns handles of the markers in the panel, by their label."""
    labels, maps = list(panel.maps), list(panel.maps.values())
    for which, k, limits in (("x", 0, panel.xlim), ("y", 1, panel.ylim)):
        set_scale(ax, which, maps[0].axes[k])
        low, high = min(m.axes[k].values[0] for m in maps), max(m.axes[k].values[-1] for m in maps)
        getattr(ax, f"set_{which}lim")(*(limits or (low, high)))
    fewer_numbers(ax)
    if excluded:
        write_decades(ax)
    places = [order.index(label) for label in labels]
    draw_several(ax, maps, [(cut, "")], labels, [n + 1 for n, label in enumerate(labels) if label in outlined], excluded, places)
    draw_boxes(ax, [box for m in maps for box in void_boxes(m)])
    add_title(ax, panel.title, note_unfinished(ax, maps, notes), PLAIN)
    shown = [best_fits and not is_at_model(ax, m) for m in maps]
    handles, markers = draw_points(ax, maps, places, shown, size=7)
    more, _ = draw_limits(ax, panel.limits, limits_in_place, markers)
    return {h.get_label(): h for h in more + handles}


def is_at_model(ax, m):
    """Does the best fit lie at the standard model, as far as a reader can tell?"""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    off = [abs(m.best_fit[axis.name] - axis.standard_model) for axis in m.axes]
    return bool(off[0] < 0.01 * (x1 - x0) and off[1] < 0.01 * (y1 - y0))


def note_unfinished(ax, maps, notes=()):
    """Says above a panel, at the right, how many of its maps are not complete, after `notes`. Returns the number of lines."""
    unfinished = [m for m in maps if m.completeness < 1]
    if not unfinished:
        return put_note(ax, [wrapped(note, room_of(ax), SMALL) for note in notes])
    text = f"{len(unfinished)} of {len(maps)} maps unfinished" if len(maps) > 1 else f"{maps[0].percent_complete} complete"
    return put_note(ax, [*(wrapped(note, room_of(ax), SMALL) for note in notes), text])


@styled
def profile_panels(panels, columns=5, order=(), ylim=CHI2_RANGE, title=None, height=2.0, width=None):
    """A panel for each of `panels`, with the curves of Delta chi2 of all its maps of one axis; the scale of Delta chi2 is shared.
    `height` of a panel, of one that is 2.3 wide."""
    order = labels_in_order(panels, order)
    used = [label for label in order if any(label in panel.maps for panel in panels)]
    fig, axes = new_grid(len(panels), columns, height / 2.3, width)
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
        add_title(ax, panel.title, note_unfinished(ax, curves, notes_of_panel(panel, panels)), PLAIN)
        dress_scales(ax, panel, curves, ylim)
        fewer_numbers(ax, x=4 if columns > 3 else 5)
    signed = any(is_signed(m) for panel in panels for m in panel.maps.values())
    handles = [key_of_curve(k, own_words(label), signed) for k, label in enumerate(order) if label in used]
    place_one_legend(fig, handles + list(rest.values()), with_minimised(fig, panels))
    add_head(fig, title)
    return fig


def minimised_in(panel):
    return notes_of_minimised(list(panel.maps.values()), list(panel.maps))


def with_minimised(fig, panels, title=None):
    """The title of a legend, and what was minimised over, if that is the same in all panels."""
    notes = minimised_in(panels[0]) if len({tuple(minimised_in(panel)) for panel in panels}) == 1 else []
    lines = [title] * bool(title) + [wrapped(note, 68 * fig.get_figwidth(), PLAIN) for note in notes]
    return "\n".join(lines) or None


def dress_scales(ax, panel, curves, ylim):
    """Parameters that were scanned in turn share a range; each has that in which it has something to tell. Scales of new physics
    are drawn over absolute values."""
    signed = all(is_signed(m) for m in curves)
    if panel.xlim is None and (signed or all("members" in m.attrs for m in curves)):
        ax.set_xlim(*telling_range(curves, ylim[1]))
    if signed:
        ax.set_xlabel(panel_label(curves))
        write_steps(ax)


@styled
def rate_panels(found, titles=None, columns=3, per_unit=True, with_backgrounds=False, xlims=None, width=None):
    """Expected events of experiments, as rates() gives them: neutrinos stacked by flavour; the totals stand in the panel.
    `xlims`: {name: (low, high)} in the units of the observable."""
    fig, axes = new_grid(len(found), columns, 0.86, width)
    handles = {}
    for ax, (name, rate) in zip(axes, found.items()):
        handles.update(event_rates.draw_signal(ax, rate, per_unit, with_backgrounds))
        add_title(ax, (titles or {}).get(name, rate.get("title", name)), size=PLAIN)
        if xlims and name in xlims:
            ax.set_xlim(*xlims[name])
    place_one_legend(fig, list(handles.values()))
    return fig
