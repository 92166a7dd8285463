"""Thumbnails of all heads, and their colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QColor

from lensgui.jobs.requests import AttentionGrid
from lensgui.panes import theme
from lensgui.panes.head_grid.image import (
    NOTHING,
    STRONGEST,
    Raster,
    color_table,
    large,
    paint_atlas,
    scale_words,
)
from tests.fakes import attention as fake_attention
from tests.panes.conftest import PAIR


def test_a_signed_thumbnail_shows_what_is_farthest_from_0(document):
    *_, atlas = fake_attention.attention(AttentionGrid(document.model, PAIR, "difference"))
    values = np.full_like(atlas.values, 128)
    values[0, 0, 4, :3] = (1, 128, 200)
    atlas = replace(atlas, values=values)
    pixels = paint_atlas(atlas, Raster(6, 4, 2, 0))
    assert pixels[1, 0] == 1
    assert pixels[0, 0] == NOTHING
    table = color_table(theme.LIGHT, large(atlas))
    neutral = theme.diverging(theme.LIGHT)[theme.NEUTRAL]
    assert [(table[NOTHING] >> shift) & 255 for shift in (16, 8, 0)] == neutral.tolist()
    assert len(table) == STRONGEST + 3


@pytest.mark.parametrize("look", theme.THEMES.values(), ids=theme.THEMES)
def test_differences_in_the_grid_are_blue_or_red_and_never_nearly_black(document, look):
    *_, atlas = fake_attention.attention(AttentionGrid(document.model, PAIR, "difference"))
    values = np.full_like(atlas.values, 128)
    values[0, 0, 3, 1], values[1, 1, 3, 0] = 128 + 30, 128 - 2
    values[2, 2, 0, 3] = 255  # nobody looks ahead
    atlas = replace(atlas, values=values)
    assert large(atlas) == pytest.approx(30 / 127)
    assert scale_words(atlas) == "full colour from ±0.24, by square root"
    colors = [QColor(color) for color in color_table(look, large(atlas))]
    neutral, blue, red = colors[NOTHING], colors[NOTHING + 30], colors[NOTHING - 2]
    assert blue.blue() > blue.red() + 40
    assert red.red() > red.blue() + 20  # small as it is
    for color in (blue, red):
        assert abs(color.lightness() - QColor(look.text).lightness()) > 40
    assert abs(neutral.red() - neutral.blue()) < 12
    assert colors[NOTHING + 60] == colors[STRONGEST]


def test_a_grid_without_a_difference_has_a_scale(document):
    *_, atlas = fake_attention.attention(AttentionGrid(document.model, PAIR, "difference"))
    nothing = replace(atlas, values=np.full_like(atlas.values, 128))
    assert large(nothing) == 1
    assert scale_words(replace(nothing, is_difference=False)) == ""
