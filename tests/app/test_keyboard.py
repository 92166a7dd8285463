"""The keyboard alone is enough."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from lensgui.app.window.docks import is_in_front

STEPS = 300  # more than there are controls


@pytest.mark.parametrize("is_folded", [False, True])
def test_tab_reaches_every_control_in_sight_and_nothing_behind_a_tab(window, is_folded):
    window.panes["Prompt"].editors["clean"].setFocus()
    window.docks["Prompt"].fold(is_folded=is_folded)
    reached = set()
    for _ in range(STEPS):
        focus = window.focusWidget()
        reached.add(focus)
        assert is_in_front(focus), focus
        focus.focusNextPrevChild(True)
    wanted = [
        part
        for part in window.findChildren(QWidget)
        if part.focusPolicy() & Qt.FocusPolicy.TabFocus
        and part.isVisible()
        and part.isEnabled()
        and is_in_front(part)
        and part.accessibleName()
        and part.objectName() != "qt_spinbox_lineedit"  # the inside of a spin box
    ]
    assert len(wanted) > 20
    assert not [part.accessibleName() for part in wanted if part not in reached]


@pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)
def test_a_position_is_chosen_by_keyboard(window, qtbot):
    row = window.panes["Prompt"].tokens["clean"].row
    row.setFocus()
    window.selection.move(position=2)
    qtbot.keyClick(row, Qt.Key.Key_Left)
    qtbot.keyClick(row, Qt.Key.Key_Return)
    assert window.selection.cursor.position == 1


def test_folding_takes_the_keyboard_out_of_what_is_folded(window):
    editor = window.panes["Prompt"].editors["clean"]
    editor.setFocus()
    window.actions_by_name["fold_prompts"].trigger()
    assert window.focusWidget() is window.docks["Prompt"].bar.fold
