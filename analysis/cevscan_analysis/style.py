# SPDX-License-Identifier: GPL-3.0-or-later
"""All that figures share: sizes and colours (look), words, axes (scales), legends, and files."""
from .files import FORMATS, KNOWN, add_output, add_width, empty_panels, figure_format, provenance, save, save_all
from .legends import is_taller, place_below, place_inside, place_legend, place_one_legend
from .look import (COLOURS, GREY, LARGE, LINE_STYLES, MM, PLAIN, SMALL, STYLE, WIDTHS, PrintFigure, colour, drawing, faint,
                   line_style, matplotlib, new_figure, new_grid, shade, styled, width_in_mm)
from .scales import (VOID_STYLE, beyond_grid, draw_boxes, set_limits, set_scale, symlog_ticks, write_decades, write_steps,
                     write_thousands)
from .words import (add_head, add_note, add_title, axis_label, has_tex, is_tex, label_with_unit, name_of, notes_of_minimised, own_words, put_note,
                    readable, their_words, wrapped)

__all__ = ["COLOURS", "FORMATS", "GREY", "KNOWN", "LARGE", "LINE_STYLES", "MM", "PLAIN", "PrintFigure", "SMALL", "STYLE", "VOID_STYLE",
           "WIDTHS", "add_head", "add_note", "add_output", "add_title", "add_width", "axis_label", "beyond_grid", "colour", "draw_boxes", "drawing",
           "empty_panels", "faint", "figure_format", "has_tex", "is_taller", "is_tex", "label_with_unit", "line_style", "matplotlib", "name_of",
           "new_figure", "new_grid", "notes_of_minimised", "own_words", "place_below", "place_inside", "place_legend", "place_one_legend", "provenance",
           "put_note", "readable", "save", "save_all", "set_limits", "set_scale", "shade", "styled", "symlog_ticks", "their_words",
           "width_in_mm", "wrapped", "write_decades", "write_steps", "write_thousands"]
