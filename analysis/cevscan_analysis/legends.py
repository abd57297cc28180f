# SPDX-License-Identifier: GPL-3.0-or-later
"""Legends that hide nothing, and no taller than what they explain: in a corner that is free, else below the axes."""
from .look import PLAIN
from .words import wrapped

CORNERS = ("upper right", "upper left", "lower right", "lower left")
MIDDLES = ("upper center", "lower center", "center right", "center left", "center")
PLACES = ([(place, 1) for place in CORNERS] + [(place, 2) for place in CORNERS + MIDDLES[:2]] +
          [(place, 1) for place in MIDDLES])  # and numbers of columns, in the order in which they are tried
INSIDE = dict(frameon=True, framealpha=1, facecolor="white", edgecolor="none", handlelength=2.2, labelspacing=0.3, borderpad=0.3,
              columnspacing=1.1, handletextpad=0.6)
BELOW = dict(frameon=False, handlelength=2.4, labelspacing=0.35, columnspacing=1.5, handletextpad=0.6, borderaxespad=0, borderpad=0)


def fit_height(fig):
    """Takes away the blank above and below square axes."""
    fig.draw_without_rendering()
    rows = {}
    for ax in fig.axes:
        if ax.get_box_aspect() and getattr(ax, "get_subplotspec", bool)():     # a colour bar has no place of its own
            box = ax.get_tightbbox()
            rows.setdefault(ax.get_subplotspec().rowspan.start, []).append((box.y0, box.y1))
    if rows:
        needed = sum(max(y1 for _, y1 in found) - min(y0 for y0, _ in found) for found in rows.values())
        fig.set_size_inches(fig.get_figwidth(), min(fig.get_figheight(), needed / fig.dpi + 0.06 * len(rows)))


def is_taller(fig):
    """Is a legend below the axes nearly as tall as they are?"""
    box = max((legend.get_window_extent(fig.canvas.get_renderer()).height for legend in fig.legends), default=0)
    return box > 0.75 * max(ax.get_window_extent().height for ax in fig.axes)


def place_legend(fig, ax, handles, points, title=None):
    """Puts the legend where it covers none of `points` (data coordinates), else below the axes, for which the figure grows."""
    fit_height(fig)
    if not place_inside(fig, ax, handles, points, title):
        place_below(fig, handles, title)


def place_inside(fig, ax, handles, points, title=None):
    """Is there such a place in the axes? Then the legend stands there."""
    fig.draw_without_rendering()
    seen, room = ax.transData.transform(points), ax.bbox.padded(2)
    for place, columns in PLACES:
        legend = ax.legend(handles=handles, title=title, loc=place, ncol=columns, **INSIDE)
        box = legend.get_window_extent(fig.canvas.get_renderer())
        fits = room.x0 <= box.x0 and box.x1 <= room.x1 and room.y0 <= box.y0 and box.y1 <= room.y1
        if fits and not box.padded(4).count_contains(seen):
            return True
    legend.remove()
    return False


def place_one_legend(fig, handles, title=None):
    """A legend of all panels: where a panel's place is left over in the grid of new_grid(), if it fits there, else below."""
    fit_height(fig)
    grid = fig.axes[0].get_subplotspec().get_gridspec()
    if grid.nrows * grid.ncols > len(fig.axes):
        fig.draw_without_rendering()
        corner = fig.axes[(grid.nrows - 1) * grid.ncols - 1].get_position()  # the panel above the last place
        left, last = fig.axes[-1].get_tightbbox().x1 / fig.bbox.width, fig.axes[-1].get_position()
        legend = fig.legend(handles=handles, title=title, loc="center", **BELOW,
                            bbox_to_anchor=((left + corner.x1) / 2, (last.y0 + last.y1) / 2))
        legend.get_title().set_multialignment("center")
        box = legend.get_window_extent(fig.canvas.get_renderer())
        if box.width < 0.95 * (corner.x1 - left) * fig.bbox.width and box.height < last.height * fig.bbox.height:
            legend.set_in_layout(False)
            return
        legend.remove()
    place_below(fig, handles, title)


def place_below(fig, handles, title=None):
    """In as many columns as fit into the width of the figure, whose height grows; labels that are wider than it are broken."""
    for handle in handles:
        handle.set_label(wrapped(handle.get_label(), 72 * fig.get_figwidth() - 4 * PLAIN, PLAIN))
    for columns in range(len(handles), 0, -1):
        legend = fig.legend(handles=handles, title=title, ncol=columns, loc="lower center", bbox_to_anchor=(0.5, 0.03 / fig.get_figheight()),
                            **BELOW)
        legend.set_in_layout(False)
        legend.get_title().set_multialignment("center")
        box = legend.get_window_extent(fig.canvas.get_renderer())
        if box.width < 0.98 * fig.bbox.width or columns == 1:
            break
        legend.remove()
    extra = box.height / fig.dpi + 0.12
    leave_below(fig, legend, fig.get_figheight() + extra, extra)
    if any(ax.get_box_aspect() for ax in fig.axes):     # these do not grow into what is left
        fig.draw_without_rendering()
        blank = min(ax.get_tightbbox().y0 for ax in fig.axes) / fig.dpi - extra - 0.02
        leave_below(fig, legend, fig.get_figheight() - max(0, 2 * blank), extra)
        fig.draw_without_rendering()
        over = max(ax.get_tightbbox().y1 for ax in fig.axes) / fig.dpi - fig.get_figheight() + 0.03     # notes above the axes
        leave_below(fig, legend, fig.get_figheight() + max(0, 2 * over), extra)


def leave_below(fig, legend, height, extra):
    """The figure has this height, of which the legend below takes `extra`, in inches."""
    fig.set_size_inches(fig.get_figwidth(), height)
    legend.set_bbox_to_anchor((0.5, 0.03 / height), fig.transFigure)
    fig.get_layout_engine().set(rect=(0, extra / height, 1, 1 - extra / height))
