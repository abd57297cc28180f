# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the package."""


class MapError(Exception):
    """Something that the user must hear of in one line."""

    code = 2        # with which a command ends


class WriteError(MapError):
    """The disk is full, or fails."""
    code = 74
