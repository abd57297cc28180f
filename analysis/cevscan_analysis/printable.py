# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of files that others wrote, as they may be printed: control characters would be commands to a terminal."""


def printable(text):
    """With what is no letter, sign or blank written out: ESC as \\x1b."""
    return text if text.isprintable() else "".join(
        c if c.isprintable() or c == "\u00a0" else repr(c)[1:-1] for c in text)


def without_controls(text):
    """The same, but bytes that are no UTF-8 are left: they may be a text in another encoding."""
    return "".join(c if "\udc80" <= c <= "\udcff" else printable(c) for c in text)


def text_of(value):
    """A text of a file, as h5py gives it; numbers are left alone."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace").rstrip("\0")
    return printable(value) if isinstance(value, str) else value


def number_text(value):
    """A number in the fewest digits that are it and no other: 3, 0.1, 1.0000005."""
    text = f"{value:.15g}"
    return text if float(text) == value else repr(float(value))
