"""Chips by keyboard: arrow keys point, Enter chooses."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from lensgui.panes.controls.chips import Chip, ChipRow


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
