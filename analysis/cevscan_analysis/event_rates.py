# SPDX-License-Identifier: GPL-3.0-or-later
"""Expected events per bin, as rates() gives them, in axes of matplotlib."""
from .numeric import np
from .style import own_words

FLAVOURS = {"nu_e": "#0072b2", "nu_mu": "#d55e00", "numubar": "#e69f00", "nu_tau": "#009e73"}
GREYS = ("0.55", "0.70", "0.82", "0.90")
HATCHES = {r"$\nu_\mu$": "////", r"$\overline{\nu}_\mu$": "....", r"$\bar\nu_\mu$": "...."}  # for prints without colour
OBSERVABLE = {"keV": "recoil energy [keV]", "PE": "photoelectrons", "bin": "bin"}


def edges_of(rate):
    """Unit of the observable, and the edges of its bins; a counting experiment has no upper one, and gets one to be drawn with."""
    unit = next(key[len("edges_"):] for key in rate if key.startswith("edges_") and key != "edges_us")
    edges = np.array(rate[f"edges_{unit}"], float)
    return unit, np.where(np.isfinite(edges), edges, 2 * edges[0])


def per_energy(counts, edges):
    """Sums over bins of arrival time, which come first."""
    return np.asarray(counts, float).reshape(-1, len(edges) - 1).sum(axis=0)


def layers_of(rate, edges):
    """(label, colour, counts) from the bottom to the top: backgrounds, then flavours."""
    layers = [(name.replace("_", " "), GREYS[k % len(GREYS)], per_energy(counts, edges))
              for k, (name, counts) in enumerate(rate["background"].items())]
    layers += [(f"${rate['labels'][name]}$", FLAVOURS.get(name, "#cc79a7"), per_energy(counts, edges))
               for name, counts in rate["signal"].items()]
    return [layer for layer in layers if layer[2].any()]


def draw_data(ax, rate, edges, widths):
    """Returns the ends of the error bars: standard deviations of the fit, sqrt(N) of Poisson counts."""
    counts = per_energy(rate["observed"], edges)
    error = np.sqrt(per_energy(rate["variance"], edges) if "variance" in rate else np.maximum(counts, 1))
    ax.errorbar((edges[1:] + edges[:-1]) / 2, counts / widths, yerr=error / widths, fmt="o", color="black", markersize=3.5,
                linewidth=1, label="data", zorder=4)
    return (counts - error) / widths, (counts + error) / widths


def set_range(ax, low, high, log, smallest):
    """With room for the legend above; a logarithmic scale begins below the lowest layer, but not more than six decades down."""
    if log:
        bottom = max(smallest / 2, 1e-6 * high)
        ax.set_yscale("log")
        ax.set_ylim(bottom, high * (high / bottom)**0.4)
    else:
        ax.axhline(0, color="black", linewidth=0.5)
        ax.set_ylim(low, high + 0.45 * (high - low))


def draw_signal(ax, rate, per_unit=True, with_backgrounds=False):
    """Stacks the flavours (on the backgrounds, if they are wanted), with the totals in a corner; returns {label: handle}."""
    unit, edges = edges_of(rate)
    is_one = len(edges) == 2
    widths = np.diff(edges) if per_unit and not is_one else np.ones(len(edges) - 1)
    below, handles = np.zeros(len(edges) - 1), {}
    for label, colour, counts in layers_of(rate, edges):
        if colour in GREYS and not with_backgrounds:
            continue
        handles[label] = ax.stairs((below + counts) / widths, edges, baseline=below / widths, fill=True, facecolor=colour,
                                   hatch=HATCHES.get(label), edgecolor="white", linewidth=0, label=label)
        below = below + counts
    ax.stairs(below / widths, edges, color="black", linewidth=0.9)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, 1.3 * max(below / widths))
    name_axes(ax, rate, unit, edges, per_unit)
    ax.text(0.96, 0.95, f"signal {counted(rate['signal_total'])}\nbackground {counted(rate['background_total'])}",
            transform=ax.transAxes, ha="right", va="top", fontsize=8)
    return handles


def counted(n):
    """19 998; 192.9"""
    return f"{n:,.0f}".replace(",", " ") if n >= 1000 else f"{n:.4g}"


def name_axes(ax, rate, unit, edges, per_unit):
    ax.set_xlabel(OBSERVABLE.get(unit, unit))
    ax.set_ylabel(f"events per {unit}" if per_unit and unit != "bin" else "events per bin")
    if len(edges) == 2:
        ax.set_xlabel(f"all recoils {rate['bin_names'][0]}" if unit == "keV" and "bin_names" in rate else "one bin")
        ax.set_ylabel("events")
        ax.tick_params(axis="x", which="both", bottom=False, top=False, labelbottom=False)
    elif unit == "bin":
        name_bins(ax, rate.get("bin_names"), len(edges) - 1)


def name_bins(ax, names, n):
    """Their numbers, or the names that the experiment's file gives them: upright, where there is no room beside each other."""
    numbers = [f"bin {k + 1}" for k in range(n)]
    named = names is not None and names != numbers
    ax.set_xticks(np.arange(n) + 0.5, [own_words(name) for name in names] if named else range(1, n + 1))
    ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    if named:
        ax.set_xlabel("")
        ax.tick_params(axis="x", labelsize=8, labelrotation=90 if sum(map(len, names)) > 40 else 0)


def draw(ax, name, rate, per_unit=False, log=False, titled=True):
    """Stacks the backgrounds and the flavours of one experiment, per bin or per unit of the observable, with the data on top."""
    unit, edges = edges_of(rate)
    widths = np.diff(edges) if per_unit and len(edges) > 2 else np.ones(len(edges) - 1)
    below, layers = np.zeros(len(edges) - 1), layers_of(rate, edges)
    for label, colour, counts in layers:
        ax.stairs((below + counts) / widths, edges, baseline=below / widths, fill=True, color=colour, linewidth=0, label=label)
        below = below + counts
    ax.stairs(below / widths, edges, color="black", linewidth=0.9)
    low, high = draw_data(ax, rate, edges, widths) if "observed" in rate else (below * 0, below * 0)
    ax.set_xlim(edges[0], edges[-1])
    set_range(ax, min(0, 1.1 * min(low)), max(*(below / widths), *high), log,
              min((layers[0][2] / widths)[layers[0][2] > 0]) if layers else 1)
    name_axes(ax, rate, unit, edges, per_unit)
    if titled:
        ax.set_title(own_words(rate.get("title", name)), fontsize=10)
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], loc="upper right", frameon=False, fontsize=8,  # the topmost first
              ncol=2 if len(handles) > 3 else 1)
