"""Slanted labels are whole."""

from dataclasses import replace

import numpy as np
import pytest

from lensgui.jobs.answers.arrays import CellState
from lensgui.panes import theme
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.terms.model_key import ModelKey
from tests.panes.test_widgets import picture

MODEL = ModelKey("fake")


@pytest.mark.parametrize("square", [False, True])
@pytest.mark.parametrize("width", [300, 340, 400, 500])
def test_slanted_labels_are_whole_at_the_left_edge(qtbot, square, width):
    heatmap = Heatmap(theme.diverging, lambda row, column: "", square=square)
    qtbot.addWidget(heatmap)
    heatmap.setPalette(theme.palette(theme.LIGHT))
    heatmap.resize(width, 300)
    states = np.full((30, 14), CellState.EXACT)
    names = ["⟨im_start⟩", *["·word"] * 13]
    heatmap.show_picture(replace(picture(states), column_names=names))
    image = heatmap.grab().toImage()
    edge = {image.pixel(0, y) for y in range(image.height())}
    assert len(edge) == 1  # nothing is written up to the very edge


def test_slanted_labels_are_not_cut_below(qtbot):
    heatmap = Heatmap(theme.diverging, lambda row, column: "", square=True)
    qtbot.addWidget(heatmap)
    heatmap.setPalette(theme.palette(theme.LIGHT))
    for width in range(200, 500, 10):
        heatmap.resize(width, 300)
        states = np.full((14, 14), CellState.EXACT)
        heatmap.show_picture(replace(picture(states), column_names=["⟨im_start⟩"] * 14))
        image = heatmap.grab().toImage()
        assert len({image.pixel(x, image.height() - 1) for x in range(width)}) == 1
