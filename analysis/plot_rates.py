#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the expected events of experiments per bin: the signal by flavour, stacked on the backgrounds, and what was observed."""
import json
import os
import shutil
import subprocess

from cevmap import MapError, command_line, run
from cevplot import figure_format, new_figure, own_words, save
import numpy as np

HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(HOME, "bin", "cevscan")
PROGRAM = PROGRAM if os.path.exists(PROGRAM) else shutil.which("cevscan") or PROGRAM
FLAVOURS = {"nu_e": "#0072b2", "nu_mu": "#d55e00", "numubar": "#e69f00", "nu_tau": "#009e73"}
GREYS = ("0.55", "0.70", "0.82", "0.90")
OBSERVABLE = {"keV": "recoil energy [keV]", "PE": "photoelectrons", "bin": "bin"}


def arguments():
    parser = command_line("Expected events in each bin of experiments, one panel for each: signal by flavour, stacked on the\n"
                          "backgrounds, with data points where there are data. Bins of arrival time are summed over. The counts\n"
                          "come from `cevscan rates`.", "plot_rates.py -e coherent_csi,xenonnt_8b --interaction eft -o rates.pdf",
                          takes_maps=False)
    parser.add_argument("-e", "--experiments", required=True, metavar="A,B,...", help="names or files, as for `cevscan rates`")
    parser.add_argument("-o", "--output", required=True, metavar="FIGURE", help="figure to write: .pdf or .png")
    parser.add_argument("--interaction", default="nsi", metavar="NAME", help="(default: nsi)")
    parser.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE", help="as for `cevscan rates`; can be repeated")
    parser.add_argument("--per-unit", action="store_true", help="events per keV (or photoelectron) in place of events per bin")
    parser.add_argument("--log", action="store_true", help="logarithmic scale of events")
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    parser.add_argument("--cevscan", default=PROGRAM, metavar="PROGRAM",
                        help="(default: bin/cevscan beside this script's folder, else that of $PATH)")
    return parser.parse_args()


def rates(options):
    """{experiment: what `cevscan rates --json` says of it}"""
    command = [options.cevscan, "rates", "-e", options.experiments, "--interaction", options.interaction, "--json"]
    command += [f"--set={setting}" for setting in options.set]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    except OSError as error:
        raise MapError(f"{options.cevscan}: {error.strerror}; build it with make") from None
    if done.returncode != 0:
        raise SystemExit(done.returncode if done.returncode > 0 else 128 - done.returncode)  # its message is there already
    return json.loads(done.stdout)


def edges_of(rate):
    """Unit of the observable, and the edges of its bins."""
    unit = next(key[len("edges_"):] for key in rate if key.startswith("edges_") and key != "edges_us")
    return unit, np.array(rate[f"edges_{unit}"], float)


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


def draw(ax, name, rate, options):
    unit, edges = edges_of(rate)
    widths = np.diff(edges) if options.per_unit else np.ones(len(edges) - 1)
    below, layers = np.zeros(len(edges) - 1), layers_of(rate, edges)
    for label, colour, counts in layers:
        ax.stairs((below + counts) / widths, edges, baseline=below / widths, fill=True, color=colour, linewidth=0, label=label)
        below = below + counts
    ax.stairs(below / widths, edges, color="black", linewidth=0.9)
    low, high = draw_data(ax, rate, edges, widths) if "observed" in rate else (below * 0, below * 0)
    ax.set_xlim(edges[0], edges[-1])
    set_range(ax, min(0, 1.1 * min(low)), max(*(below / widths), *high), options.log,
              min((layers[0][2] / widths)[layers[0][2] > 0]) if layers else 1)
    if unit == "bin":
        ax.set_xticks(np.arange(len(edges) - 1) + 0.5, range(1, len(edges)))
        ax.tick_params(axis="x", which="minor", bottom=False, top=False)
    ax.set_xlabel(OBSERVABLE.get(unit, unit))
    ax.set_ylabel(f"events per {unit}" if options.per_unit and unit != "bin" else "events per bin")
    ax.set_title(own_words(rate.get("title", name)), fontsize=10)
    handles, labels = ax.get_legend_handles_labels()
    ax.legend(handles[::-1], labels[::-1], loc="upper right", frameon=False, fontsize=8, ncol=2 if len(handles) > 3 else 1)  # the topmost first


def main():
    options = arguments()
    figure_format(options.output)
    found = rates(options)
    columns = min(len(found), 3)
    rows = -(-len(found) // columns)
    fig, axes = new_figure(3.6 * columns, 2.9 * rows, rows, columns, squeeze=False)
    for ax, (name, rate) in zip(axes.flat, found.items()):
        draw(ax, name, rate, options)
    for ax in axes.flat[len(found):]:
        ax.set_visible(False)
    if options.title:
        fig.suptitle(own_words(options.title))
    save(fig, options.output, [])


if __name__ == "__main__":
    run(main)
