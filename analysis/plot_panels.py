#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws many cevscan maps in panels, one for each plane or parameter, with one legend."""
import os

from cevscan_analysis.command import MapError, command_line, percentage, run
from cevscan_analysis.maps import file_of, open_maps, titles_of
from cevscan_analysis.panels import Panel, contour_panels, labels_in_order, profile_panels
from cevscan_analysis.style import figure_format, own_words, save
from cevscan_analysis.tables import tell_of_notes

EXAMPLE = 'plot_panels.py study.h5 --only ess_csi,ess_si,"ess_csi + ess_si" --labels CsI,Si,both -o planes.pdf'


def arguments():
    parser = command_line("Maps of the same two parameters are drawn over each other in a panel, as regions at one confidence level;\n"
                          "maps of one parameter likewise, as curves of Delta chi2. What has the same label has the same colour and\n"
                          "line style in every panel. A study stands for all of its maps; of one that has both, the planes are drawn\n"
                          "unless --profiles asks for the parameters.", EXAMPLE)
    parser.add_argument("-o", "--output", required=True, metavar="FIGURE", help="figure to write: .pdf or .png")
    parser.add_argument("--only", metavar="A,B,...", help="labels to draw, before they are renamed by --labels (default: all)")
    parser.add_argument("--profiles", action="store_true", help="draw the maps of one parameter, not the planes")
    parser.add_argument("--columns", type=int, default=3, metavar="N", help="panels side by side (default: 3)")
    parser.add_argument("--level", type=percentage, default=90, metavar="P",
                        help="confidence level of regions in %%, 2 degrees of freedom (default: 90)")
    parser.add_argument("--labels", metavar="A,B,...", help="names in the legend, in the order in which they would stand there")
    parser.add_argument("--outlined", default="", metavar="A,B,...", help="labels whose regions have no colour inside")
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    options = parser.parse_args()
    if options.columns < 1:
        parser.error("--columns must be 1 or more")
    return options


def all_maps(paths):
    """Of files of many maps all, of scans of parameters in turn each member: [Map]."""
    return [member for path in paths for m in open_maps(path) for member in m.members or [m]]


def panels_of(maps):
    """[{label: map}] of each set of axes. Labels are what tells the maps of every panel apart in the fewest words: titles or
    experiments, with the file where there are several; maps that these do not tell apart, such as two planes of a study that
    differ in what is fixed, have panels of their own. Else they are paths."""
    if any(len(m.axes) > 2 for m in maps):
        names = dict.fromkeys(", ".join(m.names) for m in maps)
        raise MapError("maps must have two axes or one; they have " + "; ".join(names))
    titles, experiments = titles_of(maps)
    files = [os.path.splitext(os.path.basename(file_of(m)))[0] for m in maps]
    with_file = [f"{file}: {name}" for file, name in zip(files, experiments)]
    axes, spaces = [tuple(m.names) for m in maps], [(*m.names, m.path.rpartition("/")[0]) for m in maps]
    found = [p for p in (grouped(maps, axes, titles), grouped(maps, axes, experiments)) if p]
    if found:
        return min(found, key=lambda panels: len(labels_in_order([Panel(panel) for panel in panels])))
    for keys, labels in ((axes, with_file), (spaces, titles), (spaces, experiments), (axes, [m.path for m in maps])):
        panels = grouped(maps, keys, labels)
        if panels:
            return panels
    raise MapError("a map is given twice")


def grouped(maps, keys, labels):
    """A panel for each key; None if a label is empty or does not tell the maps of a panel apart."""
    panels = {}
    for m, key, label in zip(maps, keys, labels):
        is_silent = label and m.is_surrogate and "surrogate" not in label.lower()
        label = label.replace("$", r"\$") + " (surrogate)" * bool(is_silent)
        panel = panels.setdefault(key, {})
        if not label or label in panel:
            return None
        panel[label] = m
    return list(panels.values())


def some_of(panels, text):
    """The panels with those labels alone that --only names."""
    if text is None:
        return panels
    wanted, there = [word.strip() for word in text.split(",")], labels_in_order([Panel(panel) for panel in panels])
    for word in wanted:
        if word not in there:
            raise MapError(f"--only: no label {word}; there are {', '.join(there)}")
    chosen = [{label: panel[label] for label in wanted if label in panel} for panel in panels]
    return [panel for panel in chosen if panel]


def renamed(panels, text):
    """With the labels of --labels in place of those that are there, in the order of first mention."""
    old = labels_in_order([Panel(panel) for panel in panels])
    new = [own_words(word.strip()) for word in text.split(",")] if text else old
    if len(new) != len(old):
        raise MapError(f"--labels has {len(new)} names, but there are {len(old)}: {', '.join(old)}")
    if len(set(new)) < len(new):
        raise MapError(f"--labels names two alike: {text}")
    names = dict(zip(old, new))
    return [Panel({names[label]: m for label, m in panel.items()}) for panel in panels]


def main():
    options = arguments()
    figure_format(options.output)
    maps = all_maps(options.maps)
    n_axis = {len(m.axes) for m in maps}
    if n_axis == {1, 2}:
        maps = [m for m in maps if len(m.axes) == (1 if options.profiles else 2)]
    panels = renamed(some_of(panels_of(maps), options.only), options.labels)
    if len(maps[0].axes) == 1:
        fig = profile_panels(panels, options.columns, title=options.title)
    else:
        outlined = [word.strip() for word in options.outlined.split(",") if word]
        unknown = [label for label in outlined if label not in labels_in_order(panels)]
        if unknown:
            raise MapError(f"--outlined: no label {unknown[0]}; there are {', '.join(labels_in_order(panels))}")
        fig = contour_panels(panels, options.level, options.columns, outlined=outlined, title=options.title)
    tell_of_notes([m for panel in panels for m in panel.maps.values()])
    save(fig, options.output, [m for panel in panels for m in panel.maps.values()])


if __name__ == "__main__":
    run(main)
