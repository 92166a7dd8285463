"""Rows of the inspector are chosen by keys as they are by the pointer."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QScrollArea

from lensgui.panes import theme
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.state.selection import Cursor
from tests import fakes
from tests.panes.conftest import answer

Key = Qt.Key


@pytest.fixture
def pane(document, show):
    pane = answer(show(InspectorPane(), 420, 700), document, Cursor(2, 1, 3))
    pane.setPalette(theme.palette(theme.LIGHT))
    pane.activateWindow()
    return pane


@pytest.fixture(params=["ranking", "lens"])
def rows(request, pane, qtbot):
    found = pane.head.attention if request.param == "ranking" else pane.lens
    found.clearFocus()
    qtbot.waitUntil(lambda: found.height() == found.sizeHint().height())
    return found


def accents(rows, row):
    """Whether a frame in the colour of the selection is around a row."""
    image, place = rows.grab().toImage(), rows.place_of(row)
    above = {
        QColor(image.pixel(int(place.width()) // 2, round(place.top()) + down)).name()
        for down in range(4)
    }
    return theme.LIGHT.accent in above


def test_enter_chooses_what_a_click_does(rows, qtbot):
    for row in range(rows.count()):
        chosen = []
        rows.picked.connect(chosen.append)
        qtbot.mouseClick(rows, Qt.MouseButton.LeftButton, pos=rows.place_of(row).center().toPoint())
        for key in (Key.Key_Return, Key.Key_Enter, Key.Key_Space):
            qtbot.keyClick(rows, key)
        rows.picked.disconnect(chosen.append)
        assert chosen == [rows.fields(row)] * (4 if rows.fields(row) else 0)


def test_arrows_go_through_the_rows_and_say_each(rows, qtbot):
    rows.setFocus()
    qtbot.keyClick(rows, Key.Key_Home)
    assert rows.at == 0
    for row in range(1, rows.count()):
        with qtbot.waitSignal(rows.hovered) as hovered:
            qtbot.keyClick(rows, Key.Key_Down)
        assert hovered.args == [rows.words(row)] == [rows.accessibleDescription()]
    qtbot.keyClick(rows, Key.Key_Down)
    assert rows.at == rows.count() - 1
    qtbot.keyClick(rows, Key.Key_Up)
    assert rows.at == rows.count() - 2


def test_the_focus_is_seen_and_only_while_it_is_there(rows, qtbot):
    assert rows.focusPolicy() == Qt.FocusPolicy.StrongFocus
    rows.setFocus()
    qtbot.keyClick(rows, Key.Key_Home)
    qtbot.keyClick(rows, Key.Key_Down)
    assert accents(rows, 1)
    assert not accents(rows, 0)
    rows.clearFocus()
    assert not accents(rows, 1)


def test_keys_begin_at_what_is_selected(document, show):
    pane = answer(show(InspectorPane(), 420, 700), document, Cursor(2, 1, 3, 1))
    for rows, at in ((pane.lens, 3), (pane.head.attention, pane.head.attention.chosen_row())):
        rows.setFocus()
        assert rows.at == at is not None


def test_a_row_that_a_key_reached_is_scrolled_into_view(document, show, qtbot):
    pane = answer(show(InspectorPane(), 420, 200), document, Cursor(2, 1, 3))
    bar = pane.findChild(QScrollArea).verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    pane.lens.setFocus()
    bar.setValue(0)
    qtbot.keyClick(pane.lens, Key.Key_End)
    assert pane.lens.at == fakes.LAYERS
    last = pane.lens.place_of(fakes.LAYERS).center().toPoint()
    assert pane.lens.visibleRegion().contains(last)
    assert bar.value() > 0


def test_parts_that_keys_reach_have_a_name_and_a_sentence(rows):
    assert rows.accessibleName()
    assert rows.toolTip().endswith(".")
    assert rows.accessibleDescription()


def test_without_rows_keys_are_left_to_others(document, show, qtbot):
    pane = show(InspectorPane(), 420, 700)
    rows = pane.head.attention
    rows.show_attention([], [])
    rows.setFocus()
    with qtbot.assertNotEmitted(rows.picked):
        qtbot.keyClick(rows, Key.Key_Down)
        qtbot.keyClick(rows, Key.Key_Return)
    rows.grab()
