"""The attention explorer in the real window."""

from __future__ import annotations

from PySide6.QtCore import Qt

from lensgui.jobs.requests import AttentionGrid, AttentionHead
from lensgui.state.selection import Cursor

LEFT = Qt.MouseButton.LeftButton


def click(window, qtbot, head, modifier):
    grid = window.panes["Attention"].grid
    qtbot.mouseClick(grid, LEFT, modifier, grid.middle_of(*head).toPoint())


def test_several_heads_are_asked_for_together(window, answerer, qtbot):
    window.selection.move(layer=2, head=1)
    answerer.asked.clear()
    with qtbot.waitSignal(window.runner.settled):
        click(window, qtbot, (4, 2), Qt.KeyboardModifier.ShiftModifier)
    asked = [request for request in answerer.asked if isinstance(request, AttentionHead)]
    assert asked[-1].heads == ((2, 1), (4, 2))
    assert window.panes["Attention"].name.text() == "mean of 2 heads"
    assert (window.selection.cursor.layer, window.selection.cursor.head) == (4, 2)


def test_a_pinned_head_can_be_undone(window, qtbot):
    click(window, qtbot, (3, 1), Qt.KeyboardModifier.ControlModifier)
    assert window.session.document.pins == (Cursor(3, 1),)
    window.session.undo_stack.undo()
    assert window.session.document.pins == ()


def test_the_difference_is_asked_for_and_drawn(window, answerer, qtbot):
    pane = window.panes["Attention"]
    answerer.asked.clear()
    with qtbot.waitSignal(window.runner.settled):
        pane.side.activated.emit(2)
    grids = [request for request in answerer.asked if isinstance(request, AttentionGrid)]
    assert [request.side for request in grids] == ["difference"]
    assert pane.grid.atlas.is_difference
    assert pane.slice is None or pane.slice.is_difference
