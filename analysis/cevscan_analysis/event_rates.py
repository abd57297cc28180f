# SPDX-License-Identifier: GPL-3.0-or-later
"""Expected events per bin, as rates() gives them, in axes of matplotlib."""
from .numeric import np
from .scales import fewer_numbers
from .style import PLAIN, SMALL, add_title, own_words, styled, their_words

FLAVOURS = {"nu_e": "#0072b2", "nu_mu": "#d55e00", "numubar": "#e69f00", "nu_tau": "#009e73"}
GREYS = ("0.55", "0.70", "0.82", "0.90")
PATTERNS = (None, "xxxx", "\\\\\\\\")     # of backgrounds beyond the fourth
HATCHES = {r"$\nu_\mu$": "////", r"$\overline{\nu}_\mu$": "....", r"$\bar\nu_\mu$": "...."}  # for prints without colour
BINS_AT_MOST = 12   # that are numbered or named on an axis
OBSERVABLE = {"keV": "recoil energy [keV]", "PE": "photoelectrons", "bin": "bin"}


def edges_of(rate):
    """Unit of the observable, and the edges of its bins; a counting experiment has no upper one, and gets one to be drawn with."""
    unit = next(key[len("edges_"):] for key in rate if key.startswith("edges_") and key != "edges_us")
    edges = np.array(rate[f"edges_{unit}"], float)
    return unit, np.where(np.isfinite(edges), edges, 2 * edges[0])


def per_energy(counts, edges):
    """Sums over bins of arrival time, which come first."""
    return np.asarray(counts, float).reshape(-1, len(edges) - 1).sum(axis=0)


def background_label(rate, name):
    """What the experiment's file calls it; else its name."""
    return their_words(rate.get("labels", {}).get(name) or name.replace("_", " "))


def backgrounds_of(found):
    """Labels of the backgrounds of several experiments, each once: draw() gives those with the same label the same grey."""
    return list(dict.fromkeys(background_label(rate, name) for rate in found.values() for name in rate["background"]))


def layers_of(rate, edges, greys=()):
    """(label, colour, counts) from the bottom to the top: backgrounds, then flavours."""
    greys = list(greys) or backgrounds_of({"": rate})
    labels = {name: background_label(rate, name) for name in rate["background"]}
    layers = [(labels[name], GREYS[greys.index(labels[name]) % len(GREYS)], per_energy(counts, edges))
              for name, counts in rate["background"].items()]
    layers += [(f"${rate['labels'][name]}$", FLAVOURS.get(name, "#cc79a7"), per_energy(counts, edges))
               for name, counts in rate["signal"].items()]
    return [layer for layer in layers if layer[2].any()]


def draw_data(ax, rate, edges, widths, subtracted=0):
    """Data, or where there are none, with backgrounds subtracted, what they would vary by. Returns (handle, the ends of the error
    bars): standard deviations of the fit, sqrt(N) of Poisson counts."""
    is_expected = "observed" not in rate
    counts = per_energy(rate["observed"], edges) if not is_expected else sum(
        per_energy(part, edges) for kind in ("signal", "background") for part in rate[kind].values())
    error = np.sqrt(per_energy(rate["variance"], edges) if "variance" in rate else np.maximum(counts, 1))
    counts = counts - subtracted
    style = dict(fmt="none", capsize=1.5) if is_expected else dict(fmt="o", markersize=2.5)
    handle = ax.errorbar((edges[1:] + edges[:-1]) / 2, counts / widths, yerr=error / widths, color="black", linewidth=0.8, zorder=4,
                         label="statistical error" if is_expected else "data - background" if np.any(subtracted) else "data", **style)
    return handle, (counts - error) / widths, (counts + error) / widths


def sorted_keys(handles):
    """{label: handle} of several experiments: data, flavours, backgrounds."""
    kind = lambda label: 0 if "data" in label or "error" in label else 1 if label.startswith("$") else 2
    return dict(sorted(handles.items(), key=lambda pair: kind(pair[0])))


def set_range(ax, low, high, log, smallest, room):
    """With room above, in parts of what is drawn; a logarithmic scale begins below the lowest layer, but not more than six decades down."""
    if log:
        bottom = max(smallest / 2, 1e-6 * high)
        ax.set_yscale("log")
        ax.set_ylim(bottom, high * (high / bottom)**room)
    else:
        ax.axhline(0, color="black", linewidth=0.5)
        ax.set_ylim(low, high + room * (high - low))


@styled
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
            transform=ax.transAxes, ha="right", va="top", fontsize=SMALL)
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
    step = next(k for k in (1, 2, 5, 10, 20, 50, 100, 200, 500, n) if n <= BINS_AT_MOST * k or k == n)
    shown = np.arange(0, n, step) if step == 1 else np.arange(step - 1, n, step)
    ax.set_xticks(shown + 0.5, [their_words(names[k]) if named else k + 1 for k in shown])
    ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    if named:
        ax.set_xlabel("")
        ax.tick_params(axis="x", labelsize=SMALL, labelrotation=90 if sum(map(len, names)) > 24 else 0)


@styled
def draw(ax, name, rate, per_unit=False, log=False, titled=True, subtract=False, legend=True, greys=()):
    """Stacks the backgrounds and the flavours of one experiment, per bin or per unit of the observable, with the data on top; with
    `subtract` the flavours alone, and the data without the backgrounds. `greys`: backgrounds_of() several experiments. Returns
    {label: handle}, from the top to the bottom."""
    unit, edges = edges_of(rate)
    widths = np.diff(edges) if per_unit and len(edges) > 2 else np.ones(len(edges) - 1)
    below, layers, handles = np.zeros(len(edges) - 1), layers_of(rate, edges, greys), {}
    hidden = sum(counts for _, colour, counts in layers if subtract and colour in GREYS)
    for label, colour, counts in layers:
        if subtract and colour in GREYS:
            continue
        number = list(greys).index(label) if label in greys else 0
        handles[label] = ax.stairs((below + counts) / widths, edges, baseline=below / widths, fill=True, facecolor=colour,
                                   edgecolor="white", linewidth=0, label=label,
                                   hatch=PATTERNS[number // len(GREYS) % len(PATTERNS)] if colour in GREYS else HATCHES.get(label))
        below = below + counts
    ax.stairs(below / widths, edges, color="black", linewidth=0.7)
    low = high = below * 0
    if "observed" in rate or subtract:
        handle, low, high = draw_data(ax, rate, edges, widths, hidden)
        handles[handle.get_label()] = handle
    ax.set_xlim(edges[0], edges[-1])
    smallest = min((layers[0][2] / widths)[layers[0][2] > 0]) if layers else 1
    set_range(ax, min(0, 1.1 * min(low)), max(*(below / widths), *high), log, smallest, 0.45 if legend else 0.08)
    fewer_numbers(ax)
    name_axes(ax, rate, unit, edges, per_unit)
    if titled:
        add_title(ax, their_words(rate.get("title", name)), size=PLAIN)
    handles = dict(reversed(handles.items()))   # the topmost first
    if legend:
        ax.legend(handles.values(), handles.keys(), loc="upper right", frameon=False, fontsize=PLAIN, ncol=2 if len(handles) > 3 else 1,
                  handlelength=1.6, columnspacing=1, labelspacing=0.3)
    return handles
