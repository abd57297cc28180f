# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of plotting commands, kept in place of being saved."""
import sys

import numpy as np
import pytest

from cevscan_analysis import style


@pytest.fixture
def figure_of(monkeypatch, tmp_path):
    """Runs a plotting command and keeps its figure."""
    def make(module, *arguments):
        kept = []
        monkeypatch.setattr(sys, "argv", [module.__name__ + ".py", *map(str, arguments), "-o", str(tmp_path / "f.png")])
        monkeypatch.setattr(module, "save", lambda fig, path, maps: kept.append(fig))
        module.main()
        kept[0].canvas.draw()
        return kept[0]
    return make


def texts(fig):
    return [t.get_text() for t in fig.findobj(style.matplotlib.text.Text) if t.get_visible()]


def pixels(fig):
    """Its image, with the rows from below."""
    return np.asarray(fig.canvas.buffer_rgba())[::-1, :, :3].astype(int)
