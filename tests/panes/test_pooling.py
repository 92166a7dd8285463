"""Cells smaller than a pixel are pooled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lensgui.jobs.answers.arrays import CellState
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.pictures.picture import pooled
from tests.panes.conftest import answer


def test_pooling_keeps_the_strongest_known_cell_of_either_sign(document, show):
    pane = answer(show(AttentionPane()), document)
    shown = pane.head.picture
    shades = np.full((5, 5), 128, np.uint8)
    shades[1, 0], shades[0, 1], shades[3, 2] = 20, 255, 200
    states = np.full((5, 5), CellState.EXACT, np.uint8)
    states[0, 1] = CellState.MASKED
    few = pooled(replace(shown, shades=shades, states=states), 2, 128)
    assert few.shades.shape == (3, 3)
    assert few.shades[0, 0] == 20
    assert few.shades[1, 1] == 200
    assert few.states[0, 0] == CellState.EXACT
