"""The colours of numbers, whichever were chosen: what 0 is, what is told apart, and their words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from lensgui.panes import colour_maps, theme
from lensgui.panes.attention.attention_controls import MEASURES
from lensgui.panes.controls.chooser import Chooser
from lensgui.panes.patching.necessary_sufficient import KEY_TIP
from lensgui.panes.pictures.level_bar import LevelBar
from lensgui.panes.scatter.point_key import PointKey
from lensgui.panes.sweep_view.kinds import DIRECTIONS
from lensgui.panes.theme import NEUTRAL, THEMES, Pictures, contrast
from lensgui.state.settings import TABLE, Choice

EVERY = [
    pytest.param(Pictures(*names), look, id=f"{'-'.join(names)}-{look.name}")
    for names, look in product(
        zip(
            colour_maps.DIVERGING,
            colour_maps.SEQUENTIAL,
            strict=True,
        ),
        THEMES.values(),
    )
]
# What is left of red, green and blue light without the cones for red, or for green
# (Viénot, Brettel and Mollon 1999).
BLIND = (
    np.array([[0.1124, 0.8876, 0], [0.1124, 0.8876, 0], [0.0040, -0.0040, 1]]),
    np.array([[0.2928, 0.7072, 0], [0.2928, 0.7072, 0], [-0.0223, 0.0223, 1]]),
)


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    theme.set_pictures(Pictures())


def lightness(table: theme.Table) -> np.ndarray:
    return colour_maps._lab(table / 255)[:, 0]


@pytest.mark.parametrize(("pictures", "look"), EVERY)
def test_0_is_neutral_and_numbers_grow_in_equal_steps(pictures, look):
    theme.set_pictures(pictures)
    table = theme.diverging(look)
    assert np.ptp(table[NEUTRAL].astype(int)) <= 10  # a grey
    ground = contrast(QColor(*map(int, table[NEUTRAL])), QColor(look.surface))
    assert ground < 1.4
    for half in (table[NEUTRAL::-1], table[NEUTRAL:]):
        steps = np.abs(np.diff(lightness(half)))
        assert steps.max() < 0.02
    amounts = lightness(theme.sequential(look))
    steps = np.diff(amounts) * np.sign(amounts[-1] - amounts[0])
    assert steps.min() > -0.002  # one way, from the ground on
    assert abs(amounts[-1] - amounts[0]) > 0.5
    masked = QColor(look.masked).getRgb()[:3]
    assert not (theme.sequential(look) == masked).all(-1).any()


@pytest.mark.parametrize(("pictures", "look"), EVERY)
def test_numbers_are_read_on_every_colour(pictures, look):
    theme.set_pictures(pictures)
    for table in (theme.sequential(look), theme.diverging(look)):
        for red, green, blue in table.tolist():
            ink = theme.readable_on(red, green, blue)
            assert contrast(ink, QColor(red, green, blue)) >= 4.5


@pytest.mark.parametrize("look", list(THEMES.values()), ids=list(THEMES))
@pytest.mark.parametrize("name", ["blue-orange", "purple-green"])
def test_signs_are_told_apart_without_red_or_green_cones(name, look):
    theme.set_pictures(Pictures(diverging=name))
    light = colour_maps._light(colour_maps._lab(theme.diverging(look) / 255)).clip(0, 1)
    for matrix in BLIND:
        seen = (light @ matrix.T).clip(0, 1)
        lab = np.cbrt(seen @ colour_maps._TO_CONES.T) @ colour_maps._TO_LAB.T
        for reach in (60, 100, 127):
            apart = lab[NEUTRAL + reach] - lab[NEUTRAL - reach]
            assert np.hypot(*apart[1:]) > 0.08, reach


def test_there_is_a_map_for_every_choice():
    for name in ("diverging", "sequential"):
        maps = getattr(colour_maps, name.upper())
        kind = TABLE[name].kind
        assert isinstance(kind, Choice)
        assert [value for value, _ in kind.options] == list(maps)


def redraw(*widgets, **changes):
    theme.set_pictures(Pictures(**changes))
    for widget in widgets:
        QApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))


def test_words_name_the_colours_that_are_there(qtbot):
    boxes = [Chooser("a", [("", MEASURES)], None), Chooser("b", DIRECTIONS, None)]
    key = PointKey("a", "b", KEY_TIP)
    for part in (*boxes, key):
        qtbot.addWidget(part)
    boxes[0].show_value("contribution")
    boxes[1].show_value("noising")
    assert "blue helps" in boxes[0].toolTip()
    assert "red places" in boxes[1].accessibleDescription()
    assert "themselves are blue" in key.toolTip()
    redraw(*boxes, key, diverging="purple-green")
    assert "purple helps" in boxes[0].toolTip()
    assert "green places" in boxes[1].accessibleDescription()
    assert "themselves are purple" in key.toolTip()
    for word in ("blue", "red "):
        assert not any(word in part.toolTip() for part in (*boxes, key))


def test_a_bar_has_the_colours_of_the_picture(qtbot):
    bar = LevelBar()
    qtbot.addWidget(bar)
    bar.resize(bar.sizeHint())
    for name in colour_maps.DIVERGING:
        redraw(bar, diverging=name)
        image, table = bar.grab().toImage(), theme.diverging(theme.LIGHT)
        top = image.pixelColor(5, 8)
        assert min(abs(int(table[at, 2]) - top.blue()) for at in range(245, 256)) <= 3
