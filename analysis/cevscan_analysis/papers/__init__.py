# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of published figures and tables that cevscan reproduces: what to scan, what to draw, what to compare.

Adding an entry is adding an Item (papers/item.py) to the list ITEMS of a paper's module. analysis/reproduce.py makes them all.
"""
from . import eft, ess, solar

TITLES = {"2208.11771": "Non-standard interactions at the European Spallation Source",
          "2409.04703": "Wilson coefficients from COHERENT and PandaX-4T",
          "2411.11749": "Light mediators, weak mixing angle and flux from solar neutrinos"}
ITEMS = [*ess.ITEMS, *eft.ITEMS, *solar.ITEMS]


def name_of(item):
    """Of an entry: PAPER/NAME."""
    return f"{item.paper}/{item.name}"


def chosen(words):
    """The entries whose PAPER/NAME begins with one of the words; all if there are none."""
    return [item for item in ITEMS if not words or any(name_of(item).startswith(word) for word in words)]
