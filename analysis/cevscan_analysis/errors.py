# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the package."""


class MapError(Exception):
    """Something that the user must hear of in one line."""
