"""Chips by keyboard: arrow keys point, Enter chooses."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.strip import ChipStrip, folds


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_arrow_keys_point_and_enter_chooses(qtbot):
    row = ChipRow()
    qtbot.addWidget(row)
    assert row.focusPolicy() == Qt.FocusPolicy.NoFocus  # nothing to point at
    row.show_chips([Chip(name, hover=f"word {name}") for name in "abc"])
    assert row.focusPolicy() == Qt.FocusPolicy.TabFocus
    row.resize(200, 30)
    row.show_chosen(1)
    said, clicked = [], []
    row.hovered.connect(said.append)
    row.clicked.connect(clicked.append)
    qtbot.keyClick(row, Qt.Key.Key_Right)
    qtbot.keyClick(row, Qt.Key.Key_Right)  # there are no more
    qtbot.keyClick(row, Qt.Key.Key_Return)
    qtbot.keyClick(row, Qt.Key.Key_Left)
    qtbot.keyClick(row, Qt.Key.Key_Space)
    assert said == ["word c", "word c", "word b"]
    assert clicked == [2, 1]


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_what_is_pointed_at_is_seen(qtbot):
    row = ChipRow()
    qtbot.addWidget(row)
    row.show_chips([Chip(name) for name in "abc"])
    row.resize(200, 30)
    with qtbot.waitExposed(row):
        row.show()
    before = row.grab().toImage()
    row.setFocus()
    qtbot.keyClick(row, Qt.Key.Key_Right)
    assert row.grab().toImage() != before


def chips(count: int, *marked: int) -> list[Chip]:
    return [Chip(f"word{at}", is_marked=at in marked) for at in range(count)]


def strip_of(qtbot, width: int, *given: Chip) -> ChipStrip:
    strip = ChipStrip()
    qtbot.addWidget(strip)
    strip.resize(width, strip.sizeHint().height())
    with qtbot.waitExposed(strip):
        strip.show()
    strip.show_chips(given)
    return strip


@pytest.mark.parametrize(
    ("count", "marked", "kept", "expected"),
    [
        (20, [10], set(), [range(2, 9), range(12, 18)]),
        (20, [10], {5}, [range(12, 18)]),
        (20, [], {5}, []),  # nothing differs: nothing is there to be found
        (9, [4], set(), []),  # too short a run is no easier to read
        (40, [0, 39], set(), [range(2, 38)]),
    ],
)
def test_equal_runs_are_folded_around_what_differs(count, marked, kept, expected):
    assert list(folds(chips(count, *marked), kept)) == expected


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_a_fold_is_one_chip_that_opens(qtbot):
    strip = strip_of(qtbot, 600, *chips(60, 30))
    row, clicked = strip.row, []
    row.clicked.connect(clicked.append)
    assert row.full_width() <= 600
    assert row.place_of(3) == row.place_of(28)
    assert row.place_of(29) != row.place_of(28)
    qtbot.mousePress(row, Qt.MouseButton.LeftButton, pos=row.place_of(30).center().toPoint())
    assert clicked == [30]
    qtbot.mousePress(row, Qt.MouseButton.LeftButton, pos=row.place_of(10).center().toPoint())
    assert clicked == [30]
    assert len({row.place_of(at).left() for at in range(29)}) == 29
    assert row.place_of(33) == row.place_of(57)
    strip.show_chips(chips(60, 31))
    assert row.place_of(3) != row.place_of(28)  # the same tokens stay open


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_keys_go_over_a_fold_in_one_step(qtbot):
    strip = strip_of(qtbot, 600, *chips(60, 30))
    said = []
    strip.row.hovered.connect(said.append)
    strip.row.show_chosen(29)
    for _ in range(2):
        qtbot.keyClick(strip.row, Qt.Key.Key_Left)
    assert said[0].startswith("27 tokens that both prompts have")
    qtbot.keyClick(strip.row, Qt.Key.Key_Right)
    qtbot.keyClick(strip.row, Qt.Key.Key_Return)
    assert strip.row.chips[29].text == "word29"


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_one_line_scrolls_to_what_differs_and_to_what_is_chosen(qtbot):
    marked = range(20, 60, 2)  # too many to be folded
    strip = strip_of(qtbot, 300, *chips(60, *marked))
    row, bar = strip.row, strip.horizontalScrollBar()
    height = strip.height()

    def is_seen(index: int) -> bool:
        place = row.place_of(index).translated(-bar.value(), 0)
        return place.left() >= 0 and place.right() <= strip.viewport().width()

    assert is_seen(20)
    strip.show_chosen(50)
    assert is_seen(50)
    strip.show_chosen(0)
    assert is_seen(0)
    later = next(b for b in strip.findChildren(QToolButton) if b.accessibleName() == "Later tokens")
    assert later.isVisible()
    qtbot.mouseClick(later, Qt.MouseButton.LeftButton)
    assert bar.value() > 0
    assert strip.height() == height


def test_chips_that_do_not_fit_are_left_out(qtbot):
    row = ChipRow(flow="fits")
    qtbot.addWidget(row)
    row.show_chips(chips(9))
    row.resize(200, 24)
    tops = {row.place_of(at).top() for at in range(3)}
    assert len(tops) == 1
    with pytest.raises(IndexError):
        row.place_of(8)
    assert row.chip_at(row.place_of(2).center()) == 2
