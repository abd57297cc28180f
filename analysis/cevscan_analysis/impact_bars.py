# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls by their impacts on the best fit of a parameter, as impacts() gives them, in axes of matplotlib: beside each other where the
data put each pull, in units of what was known before, and how far the best fit moves when it is held at either end."""
from .numeric import np
from .roles import axis_in_figure, pull_in_figure
from .style import SMALL, own_words, styled, their_words
from .words import drawn_name

UP, DOWN = "#0072b2", "#d55e00"
ROW_MM = 5.0
HALF = 0.34         # of a row, the height of a bar
NOTHING = 1e-6      # what a best fit, or chi2, has below that is rounding


def height_of(n):
    """Of the panels, in mm."""
    return max(3, n) * ROW_MM


def shown_pulls(found, most=None):
    pulls = found["pulls"][:most]
    return list(reversed(pulls))     # the largest on top


@styled
def draw_pulls(ax, found, most=None):
    """Best fit and range of each pull, in units of its uncertainty before the fit; of a free one in its own. Returns {label: handle}."""
    pulls, handles = shown_pulls(found, most), {}
    for y, pull in enumerate(pulls):
        unit = pull["sigma"] or 1
        low, high = (np.nan if end is None else end / unit for end in pull["range"])
        free = not pull["sigma"]
        drawn = ax.errorbar(pull["best"] / unit, y, xerr=[[np.nan_to_num(low)], [np.nan_to_num(high)]], fmt="o", markersize=2.5, capsize=1.5,
                            linewidth=0.8, color="black", markerfacecolor="white" if free else "black")
        if free:
            handles["free pull, in its own unit"] = drawn
    ax.axvspan(-1, 1, color="0.93", linewidth=0)
    ax.axvline(0, color="0.6", linewidth=0.5)
    widest = max(1.5, *(1.06 * abs(end) for end in ax.get_xlim()))
    ax.set_xlim(-widest, widest)
    ax.set_xlabel(r"pull $/\,\sigma$")
    for label, handle in handles.items():
        handle.set_label(label)
    name_rows(ax, [their_words(pull_in_figure(pull["name"])) for pull in pulls])
    return handles


@styled
def draw_impacts(ax, found, most=None):
    """How far the best fit moves with each pull at the upper and at the lower end of its range. Returns {label: handle}."""
    pulls, handles = shown_pulls(found, most), {}
    for side, colour, label in ((1, UP, "pull raised"), (0, DOWN, "pull lowered")):
        moved = [np.nan if pull["impact"][side] is None else pull["impact"][side] for pull in pulls]
        rows = np.arange(len(pulls)) + (0.5 - side) * -HALF      # beside each other: both may point the same way
        handles[label] = ax.barh(rows, moved, height=HALF, facecolor=colour, hatch=None if side else "//////", edgecolor="white",
                                 linewidth=0, label=label)
    largest = max([abs(x) for pull in pulls for x in pull["impact"] if x is not None], default=0) or 1
    at_bound = [y for y, pull in enumerate(pulls) if pull["at_bound"]]
    if at_bound:
        handles["fit at a bound"] = ax.plot([0.975] * len(at_bound), at_bound, linestyle="none", marker="D", markersize=3, color="black",
                                             markerfacecolor="white", markeredgewidth=0.7,
                                             transform=ax.get_yaxis_transform(), label="fit at a bound")[0]
    ax.axvline(0, color="black", linewidth=0.5)
    ax.set_xlim(-1.15 * largest, 1.15 * largest)
    ax.set_xlabel(rf"$\Delta\hat{{{found['label']}}}$" if len(found["label"]) == 1 else
                  own_words(rf"shift of the best fit of {named(found)}"))
    name_rows(ax, [""] * len(pulls))
    return handles


def named(found):
    """The parameter, in TeX or words."""
    label = f"${found['label']}$"
    return drawn_name(found["parameter"], axis_in_figure(found["parameter"], label, {}))


def name_rows(ax, names):
    ax.set_yticks(range(len(names)), names, fontsize=SMALL)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.tick_params(axis="y", which="both", left=False, right=False)


def best_fit_words(found):
    value, chi2 = (0 if abs(x) < NOTHING else x for x in (found["best_fit"][found["parameter"]], found["chi2"]))
    text = f"{value:.4g}".replace("-", "\u2212")
    return own_words(rf"best fit {named(found)} = {text}, $\chi^2 = {chi2:.4g}$ in {found['bins']} bins")
