"""The table of heads in a window: rows are the selection, labels are notes, and all is undone."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.heads.heads import HeadsPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.state.selection import Cursor
from tests.windows import pane_of


@pytest.fixture
def pane(window, qtbot):
    window.show_pane("Heads")
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    return pane_of(window, HeadsPane)


def head_of(pane, row):
    return pane.model.rows.head(pane.model.order[row])


def test_a_row_is_the_selection_and_the_selection_a_row(window, pane, qtbot):
    qtbot.mouseClick(
        pane.view.viewport(),
        Qt.MouseButton.LeftButton,
        pos=pane.view.visualRect(pane.model.index(1, 2)).center(),
    )
    cursor = window.selection.cursor
    assert (cursor.layer, cursor.head) == head_of(pane, 1)
    qtbot.keyClick(pane.view, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert window.selection.cursor.heads == (head_of(pane, 1), head_of(pane, 2))
    window.selection.move(layer=4, head=2, heads=())
    assert head_of(pane, pane.view.currentIndex().row()) == (4, 2)
    assert pane.view.viewport().rect().contains(pane.view.visualRect(pane.view.currentIndex()))
    qtbot.keyClick(pane.view, Qt.Key.Key_Return)
    assert pane_of(window, AttentionPane).is_in_front


def test_a_label_is_the_inspectors_note_and_is_undone(window, pane):
    window.selection.move(layer=0, head=1, position=None)
    pane.model.setData(pane.model.index(1, pane.model.rows.columns.index("label")), "mine")
    assert pane_of(window, InspectorPane).note_field.toPlainText() == "mine"
    assert window.session.document.notes[0].place == Cursor(0, 1)
    window.undo()
    assert window.session.document.notes == ()
    assert pane.model.rows.labels == {}


def test_a_typed_filter_is_one_step_back(window, pane, qtbot):
    count = pane.model.rowCount()
    qtbot.keyClicks(pane.controls.filter, "layer < 2")
    assert pane.model.rowCount() < count
    window.undo()
    assert pane.controls.filter.text() == ""
    assert pane.model.rowCount() == count
    qtbot.waitUntil(lambda: all(of.is_whole for of in pane.model.rows.rankings.values()))
