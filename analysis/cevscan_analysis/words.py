# SPDX-License-Identifier: GPL-3.0-or-later
"""Words in figures: TeX or not, labels of axes, titles that wrap, notes."""
import os
import re

from .axes import tex_of_unit
from .command import MapError
from .look import LARGE, SMALL, matplotlib
from .printable import printable
from .roles import TIED, roles_in_words

from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from matplotlib.textpath import TextToPath

LONGEST = 400       # letters of a text in a figure: lines that are much longer can be neither drawn nor read


def readable(text):
    """A text of the command line, whatever its encoding: what is not UTF-8 is read as Latin-1."""
    if any("\udc80" <= c <= "\udcff" for c in text):
        text = os.fsencode(text).decode("latin-1")
    return printable(text)


def has_tex(text):
    """Are there dollar signs in pairs? Else they are signs like any other, also to matplotlib."""
    n = text.replace(r"\$", "").count("$")
    return n > 0 and n % 2 == 0


def is_tex(text):
    """Can it be set?"""
    if not has_tex(text):
        return True
    try:
        MathTextParser("path").parse(text)
        return True
    except ValueError:
        return False


def own_words(text):
    """Words that the user gave: TeX in dollar signs allowed, if it can be set."""
    if text is None:
        return None
    text = readable(text)
    if len(text) > LONGEST:
        raise MapError(f"a text of {len(text)} letters is too long for a figure, which has room for {LONGEST}: {text[:40]}...")
    if not is_tex(text):
        raise MapError(f"this TeX cannot be set: {text}")
    return as_drawn(text)


def their_words(text):
    """Words of a file: TeX where it can be set, else what they say, letter by letter."""
    text = readable(text)
    if len(text) > LONGEST:     # a part of TeX is none
        return re.sub(r"\\?\$", r"\\$", text[:LONGEST].rstrip("\\")) + "..."
    return as_drawn(text) if is_tex(text) else re.sub(r"(?<!\\)\$", r"\\$", text)


def as_drawn(text):
    """A dollar sign that has no partner is one."""
    return text if has_tex(text) or "$" not in text else re.sub(r"(?<!\\)\$", r"\\$", text)


def axis_label(axis):
    return label_with_unit(name_of(axis), axis.units)


def name_of(axis):
    return axis.long_name if is_tex(axis.long_name) and len(axis.long_name) <= LONGEST else their_words(axis.name)


def label_with_unit(name, units):
    return name if units in ("1", "") else f"{name} [{tex_of_unit(units)}]"


# ----------------------------------------------------------------------------------------------------------- line breaks

def width_of(text, size):
    """In points."""
    font, text = FontProperties(family="STIXGeneral", size=size), text.replace(TIED, " ")
    return TextToPath().get_text_width_height_descent(text.replace(r"\$", "$") if not has_tex(text) else text, font,
                                                      ismath=has_tex(text))[0]


def wrapped(text, width, size):
    """With line breaks at blanks, but none within TeX or at a blank that ties, so that no line is wider than `width` points if that can be."""
    lines = []
    for paragraph in text.split("\n"):
        words = re.findall(r"(?:\\\$|\$(?:\\\$|[^$])*\$|[^ \t$])+|\$", paragraph) if has_tex(paragraph) else re.split("[ \t]+", paragraph.strip())
        words = [part for word in words for part in ([word] if TIED not in word or width_of(word, size) <= width else word.split(TIED))]
        line = ""
        for word in words:
            if line and width_of(f"{line} {word}", size) > width:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    return "\n".join(lines).replace(TIED, " ")


def drawn_name(name, long_name):
    """TeX of a file, where it can be set; else the name."""
    return long_name if is_tex(long_name) and len(long_name) <= LONGEST else their_words(name)


def notes_of_minimised(maps, labels):
    """What was minimised over and what was constrained: once what is the same of all maps, the rest with their labels. Maps may name
    the same number in other words, as one has the title of its experiment: then the longer ones count."""
    items = [dict(zip(roles_in_words(m), roles_in_words(m, drawn_name))) for m in maps]     # {in a file: in a figure}
    shared = [plain for plain in items[0] if all(plain in own for own in items)]
    rest = ["; ".join(words for plain, words in own.items() if plain not in shared) for own in items]
    return ["; ".join(max((own[plain] for own in items), key=len) for plain in shared)] * bool(shared) + by_label(rest, labels)


def by_label(words, labels):
    """Those texts that are there, each after the labels of which it is."""
    if len(words) == 1:
        return [words[0]] * bool(words[0])
    return [f"{', '.join(label for label, own in zip(labels, words) if own == text)}: {text}" for text in dict.fromkeys(words) if text]


def add_note(ax, maps, labels, coarse=()):
    """Says above the figure, at the right, what was minimised over, which maps are not whole, and which have a grid that is too
    coarse (flags)."""
    notes = [wrapped(note, room_of(ax), SMALL) for note in notes_of_minimised(maps, labels)]
    for k, (m, label) in enumerate(zip(maps, labels)):
        words = [m.note] * bool(m.note) + ["grid too coarse"] * (k < len(coarse) and coarse[k])
        if words:
            start = f"{label}: " if len(maps) > 1 else "map is " if m.completeness < 1 else ""
            notes.append(start + ", ".join(words))
    return put_note(ax, notes)


def put_note(ax, notes):
    """Lines above the axes, at the right. Returns their number; a line with something above and below its letters counts for more."""
    if notes:
        ax.text(1, 1.015, "\n".join(notes), transform=ax.transAxes, ha="right", va="bottom", fontsize=SMALL, style="italic",
                color="0.25")
    lines = [line for note in notes for line in note.split("\n")]
    return sum(1.4 if "^" in line and "_" in line else 1 for line in lines)


COLOUR_BAR = 24     # of its 55 points at the right, those by which the axes do not reach the middle


def room_of(ax):
    """Width in points of what may stand above axes, in the middle: their part of the figure without what stands at their sides."""
    spec = ax.get_subplotspec()
    has_bar = any(not (hasattr(other, "get_subplotspec") and other.get_subplotspec()) for other in ax.figure.axes)
    return 72 * ax.figure.get_figwidth() / (spec.get_gridspec().ncols if spec else 1) - (54 + COLOUR_BAR * has_bar)


def add_title(ax, title, n_note=0, size=LARGE):
    """Above the notes, in lines that are no wider than the axes' part of the figure."""
    if title:
        ax.set_title(wrapped(own_words(title), room_of(ax), size), pad=4 + 9 * n_note, fontsize=size)


def add_head(fig, title):
    """A title of all panels."""
    if title:
        fig.suptitle(wrapped(own_words(title), 68 * fig.get_figwidth(), LARGE), fontsize=LARGE)


__all__ = ["add_head", "add_note", "add_title", "axis_label", "drawn_name", "has_tex", "is_tex", "label_with_unit", "matplotlib", "name_of", "notes_of_minimised",
           "own_words", "put_note", "readable", "their_words", "width_of", "wrapped"]
