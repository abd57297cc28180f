#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws many cevscan maps in panels, one for each plane or parameter, with one legend."""
import os
from dataclasses import replace

from cevscan_analysis.command import MapError, add_labels, add_selection, command_line, complain, labels_given, percentage, run
from cevscan_analysis.contours import coarseness
from cevscan_analysis.intervals import delta_from_level
from cevscan_analysis.labels import escaped, in_figure, marked
from cevscan_analysis.limit_files import add_limits, limits_given, placed
from cevscan_analysis.maps import file_of, open_maps, select, titles_of
from cevscan_analysis.panels import Panel, contour_panels, labels_in_order, profile_panels
from cevscan_analysis.style import (add_output, add_width, figure_format, is_taller, own_words, readable, save, styled, their_words,
                                    width_in_mm)
from cevscan_analysis.tables import tell_of_crowd, tell_of_notes

EXAMPLE = 'plot_panels.py study.h5 --only ess_csi,ess_si,"ess_csi + ess_si" --labels CsI,Si,both -o planes.pdf'


def arguments():
    parser = command_line("Maps of the same two parameters are drawn over each other in a panel, as regions at one confidence level;\n"
                          "maps of one parameter likewise, as curves of Delta chi2. What has the same label has the same colour and\n"
                          "line style in every panel. Labels are what tells the maps apart: titles of experiments, and the factors that\n"
                          "vary. A study stands for all of its maps, or for those that --set and --where choose; of one that has both,\n"
                          "the planes are drawn unless --profiles asks for the parameters.", EXAMPLE)
    add_output(parser)
    add_selection(parser)
    parser.add_argument("--only", action="append", metavar="A,B,...",
                        help="labels to draw, or names of experiments as ess_csi + ess_si, before they are renamed by --labels (default: all). "
                             "Repeated, each is one label, which may hold commas")
    parser.add_argument("--profiles", action="store_true", help="draw the maps of one parameter, not the planes")
    parser.add_argument("--columns", type=int, metavar="N", help="panels side by side (default: as many as there are, up to 3)")
    parser.add_argument("--level", type=percentage, default=90, metavar="P",
                        help="confidence level of regions in %%, 2 degrees of freedom (default: 90)")
    add_labels(parser, "names in the legend, in the order in which they would stand there; TeX in $...$")
    parser.add_argument("--outlined", action="append", default=[], metavar="A,B,...",
                        help="labels whose regions have no colour inside. Repeated, each is one label")
    add_limits(parser, in_panels=True)
    parser.add_argument("--title", help="title of the figure; TeX in $...$")
    add_width(parser, None, "page, or column for panels that are not side by side")
    options = parser.parse_args()
    if options.columns is not None and options.columns < 1:
        parser.error("--columns must be 1 or more")
    return options


def words_of(texts):
    """Of an option that may be repeated: one text is a list with commas."""
    return [word.strip() for word in (texts[0].split(",") if len(texts) == 1 else texts) if word.strip()]


def all_maps(paths, options):
    """Of files of many maps all that are wanted, of scans of parameters in turn each member: [Map]."""
    maps = [m for path in paths for m in open_maps(path)]
    return [member for m in select(maps, options.sets, options.where) for member in m.members or [m]]


def of_one_kind(maps, profiles):
    """Planes, or maps of one parameter where these are asked for or there is nothing else."""
    n_axis = {len(m.axes) for m in maps}
    if n_axis == {1, 2}:
        return [m for m in maps if len(m.axes) == (1 if profiles else 2)]
    return maps


def panels_of(maps, spelled=True):
    """[{label: map}] of each set of axes. Labels are what tells the maps of every panel apart in the fewest words: titles of
    experiments (if they shall be spelled) or of sets, or names, with the file where there are several; maps that these do not tell apart,
    such as two planes of a study that differ in what is fixed, have panels of their own. Else they are paths."""
    if any(len(m.axes) > 2 for m in maps):
        names = dict.fromkeys(", ".join(m.names) for m in maps)
        raise MapError("maps must have two axes or one; they have " + "; ".join(names))
    names = [*([in_figure(maps)] if spelled else []), *titles_of(maps)]
    files = [os.path.splitext(os.path.basename(file_of(m)))[0] for m in maps]
    with_file = [f"{file}: {name}" for file, name in zip(files, names[-1])]
    axes, spaces = [tuple(m.names) for m in maps], [(*m.names, m.path.rpartition("/")[0]) for m in maps]
    found = [p for p in (grouped(maps, axes, labels) for labels in names) if p]
    if found:
        return min(found, key=lambda panels: len(labels_in_order([Panel(panel) for panel in panels])))
    for keys, labels in ((axes, with_file), *((spaces, labels) for labels in names), (axes, [m.path for m in maps])):
        panels = grouped(maps, keys, labels)
        if panels:
            return panels
    raise MapError("a map is given twice")


def grouped(maps, keys, labels):
    """A panel for each key; None if a label is empty or does not tell the maps of a panel apart."""
    panels = {}
    for m, key, label in zip(maps, keys, labels):
        panel = panels.setdefault(key, {})
        label = label and marked(their_words(escaped(label)), m)
        if not label or label in panel:
            return None
        panel[label] = m
    return list(panels.values())


def other_names(panels):
    """{what a label may be called, too: the label}: by title, and by the names of the experiments."""
    maps = [m for panel in panels for m in panel.values()]
    labels = [label for panel in panels for label in panel]
    return {name: label for names in titles_of(maps) for name, label in zip(names, labels)}


def some_of(panels, texts):
    """The panels with those labels alone that --only names."""
    if not texts:
        return panels
    there = labels_in_order([Panel(panel) for panel in panels])
    names, wanted = other_names(panels), []
    for word in words_of(texts):
        if word not in there and word not in names:
            raise MapError(f"--only: no label {word}; there are {', '.join(there)}")
        wanted.append(word if word in there else names[word])
    chosen = [{label: panel[label] for label in wanted if label in panel} for panel in panels]
    return [panel for panel in chosen if panel]


def renamed(panels, given):
    """With the labels of --labels in place of those that are there, in the order of first mention."""
    old = labels_in_order([Panel(panel) for panel in panels])
    new = [own_words(word) for word in given] if given else old
    if len(new) != len(old):
        raise MapError(f"--labels has {len(new)} names, but there are {len(old)}: {', '.join(old)}")
    if len(set(new)) < len(new):
        raise MapError(f"--labels names two alike: {', '.join(map(readable, given))}")
    names = dict(zip(old, new))
    return [Panel({names[label]: m for label, m in panel.items()}) for panel in panels]


def tell_of_coarse(maps, level):
    """A line for each map whose grid is too coarse for its region; at most a few."""
    notes = [(m, coarseness(m, delta_from_level(level, dof=2))) for m in maps]
    notes = [(m, note) for m, note in notes if note]
    for m, note in notes[:3]:
        complain(f"note: {m.path}: {note}")
    if len(notes) > 3:
        complain(f"note: and the grids of {len(notes) - 3} more maps")


def with_limits(panels, options):
    """The panels, each with its limits of --limit."""
    limits = limits_given(options, in_panels=True)
    planes = [next(iter(panel.maps.values())).axes for panel in panels]
    if limits and len(planes[0]) == 1:
        raise MapError(f"--limit {limits[0].path}: a limit is a line in a plane of two parameters, and these panels have one")
    return [replace(panel, limits=tuple(own)) for panel, own in zip(panels, placed(limits, planes))]


def draw(panels, options):
    panels = with_limits(panels, options)
    columns = options.columns or min(3, len(panels))
    width = options.width and width_in_mm(options.width)
    if len(next(iter(panels[0].maps.values())).axes) == 1:
        return profile_panels(panels, columns, title=options.title, width=width)
    outlined = [own_words(word) for word in words_of(options.outlined or [""])]
    unknown = [label for label in outlined if label not in labels_in_order(panels)]
    if unknown:
        raise MapError(f"--outlined: no label {unknown[0]}; there are {', '.join(labels_in_order(panels))}")
    return contour_panels(panels, options.level, columns, outlined=outlined, title=options.title, width=width,
                          limits_in_place=options.limit_in_place)


@styled
def main():
    options = arguments()
    figure_format(options.output)
    maps, given = of_one_kind(all_maps(options.maps, options), options.profiles), labels_given(options)
    panels = renamed(some_of(panels_of(maps), options.only), given)
    tell_of_crowd(max(len(panel.maps) for panel in panels))
    fig = draw(panels, options)
    if is_taller(fig) and not given and not options.outlined:   # then names stand for titles
        fig = draw(renamed(some_of(panels_of(maps, spelled=False), options.only), None), options)
    drawn = [m for panel in panels for m in panel.maps.values()]
    if len(drawn[0].axes) == 2:
        tell_of_coarse(drawn, options.level)
    tell_of_notes(drawn)
    save(fig, options.output, drawn)


if __name__ == "__main__":
    run(main)
