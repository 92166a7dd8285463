"""Whatever can be pressed or chosen stands in the one table of actions."""

from __future__ import annotations

from operator import attrgetter

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QContextMenuEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QDialogButtonBox,
    QLineEdit,
    QMenu,
    QTabBar,
    QWidgetAction,
)

from lensgui.app.window.actions import ACTIONS, COMMANDS
from lensgui.panes.action import plain
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.pairs.word_roles import WordRoles
from lensgui.prompts.pair import PairRow

pytestmark = pytest.mark.qt_log_ignore("^This plugin does not support", extend=True)


def is_qts_own(part):
    """Whether Qt made a part of a control itself, or a dialog's OK, Cancel or Close."""
    above = part.parent()
    if isinstance(above, QDialogButtonBox):
        return above.standardButton(part) != QDialogButtonBox.StandardButton.NoButton
    is_inside = isinstance(above, QTabBar | QAbstractItemView | QLineEdit)
    return is_inside or part.objectName().startswith(("qt_", "_q_"))


def is_line(action):
    """Whether an action is a line that can be chosen from a menu."""
    is_part = action.isSeparator() or action.menu() is not None
    return not is_part and not isinstance(action, QWidgetAction) and bool(action.text())


def lost(window):
    """Return what can be pressed or chosen and is in no row of the table."""
    buttons = [part for part in window.findChildren(QAbstractButton) if not is_qts_own(part)]
    lines = [line for line in window.findChildren(QAction) if is_line(line)]
    assert len(buttons) > 60
    assert len(lines) > 60
    nameless = [part for part in (*buttons, *lines) if part.objectName() not in ACTIONS]
    return [(type(part).__name__, part.text(), part.parent()) for part in nameless]


def test_every_button_and_every_line_of_a_menu_is_in_the_table(window):
    assert lost(window) == []


def test_so_is_what_dialogs_and_menus_bring(window, qtbot):
    rows = tuple(PairRow(pair) for pair in [window.session.document.pair])
    window.session.edit(table=rows, kept=window.session.document.patching())
    window.selection.move(layer=2, head=1, position=3, source=1)
    qtbot.waitUntil(lambda: not window.runner.is_busy)
    prompt, inspector = window.panes["Prompt"], window.panes["Inspector"]
    pairs, attention = window.panes["Prompt pairs"], window.panes["Attention"]
    prompt.replace.click()
    pairs.name_words.click()
    assert pairs.findChildren(WordRoles)
    attention.bar.roles.click()
    inspector.pin.menu().aboutToShow.emit()
    window.model_bar.model.menu().aboutToShow.emit()
    for name in ("show_keys", "history", "show_table", "settings", "models"):
        window.actions_by_name[name].trigger()
    point = attention.head.middle_of(3, 1).toPoint()
    asked = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, point, QPoint(0, 0))
    QApplication.sendEvent(attention.head, asked)
    menu = attention.findChild(QMenu, "verbs")
    assert menu.actions()
    menu.close()
    assert lost(window) == []
    for dialog in (prompt._dialog, *pairs.findChildren(WordRoles)):
        dialog.close()


def test_every_row_is_whole_and_has_a_name_of_its_own(window):
    assert len(ACTIONS) == len({name.casefold() for name in ACTIONS})
    assert ACTIONS.keys() >= PANE_ACTIONS.keys() | {command.name for command in COMMANDS}
    for name, row in ACTIONS.items():
        assert row.name == name
        assert row.tip.endswith(".")
        assert row.reason == "" or row.reason.endswith(".")
        assert row.called or row.kind != "action"


def test_the_words_of_a_button_are_its_rows(window):
    for part in window.findChildren(QAbstractButton):
        row = ACTIONS.get(part.objectName())
        if row is not None:
            assert part.accessibleName(), row.name
            assert part.toolTip(), row.name
    fold = window.panes["Prompt"].replace
    assert (fold.text(), fold.accessibleName()) == ("Replace…", "Replace words")
    assert window.status.stop.toolTip() == "Stop what runs and keep what is known (Ctrl+.)."


def test_no_row_of_a_pane_is_left_over(window):
    """A row that nothing is made from would be found, and could never be done."""
    names = {part.objectName() for part in window.findChildren(QAbstractButton)}
    names |= {part.objectName() for part in window.findChildren(QAction)}
    names |= {part.objectName() for part in window.panes["Prompt"].next.values()}
    only_at_times = {"fitting_word", "pin", "token", "word"}
    only_in_dialogs = {
        name for name, row in ACTIONS.items() if row.kind is None and name not in names
    }
    assert ACTIONS.keys() - names - only_at_times == only_in_dialogs - only_at_times


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Save &as…", "Save as"),
        ("Q && A", "Q & A"),
        ("&&", "&"),
        ("", ""),
    ],
)
def test_a_menus_marks_are_no_part_of_a_name(text, said):
    assert plain(text) == said


def test_every_command_has_what_does_it(parts):
    for command in COMMANDS:
        assert callable(attrgetter(command.slot)(parts.commands)), command.name
