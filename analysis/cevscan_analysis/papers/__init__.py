# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of published figures and tables that cevscan reproduces: what to scan, what to draw, what to compare.

Adding an entry is adding an Item (papers/item.py) to the list ITEMS of a paper's module. analysis/reproduce.py makes them all.
"""
from . import eft, ess_tables, solar

TITLES = {"2208.11771": "Non-standard interactions at the European Spallation Source",
          "2409.04703": "Wilson coefficients from COHERENT and PandaX-4T",
          "2411.11749": "Light mediators, weak mixing angle and flux from solar neutrinos"}
ITEMS = [*ess_tables.ITEMS, *eft.ITEMS, *solar.ITEMS]


def name_of(item):
    """Of an entry: PAPER/NAME."""
    return f"{item.paper}/{item.name}"


def chosen(words):
    """The entries whose PAPER/NAME is one of the words, or else begins with it; all if there are none."""
    names = [name_of(item) for item in ITEMS]
    fits = [{word} if word in names else {name for name in names if name.startswith(word)} for word in words]
    return [item for item, name in zip(ITEMS, names) if not words or any(name in fit for fit in fits)]
