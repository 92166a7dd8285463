"""One user, from an empty start to a session that is saved, closed and opened again.

By mouse and keyboard, in a real window; the model is the built-in toy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from lensgui.__main__ import make_answerer
from lensgui.app import start
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.inspector.inspector import InspectorPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.state.examples import TOY
from tests.windows import pane_of

CLEAN = " table green house table"
LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SECONDS = 60_000


@pytest.fixture
def starts(tmp_path, monkeypatch, qapp, qtbot) -> Iterator[Callable[[], start.Parts]]:
    """Start the application anew, on the same home."""
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path / "home"))
    started: list[start.Parts] = []

    def begin() -> start.Parts:
        parts = start.build(start.Options(model=TOY), make_answerer)
        parts.faults.release()
        started.append(parts)
        with qtbot.waitSignal(parts.runner.settled, timeout=SECONDS):
            parts.window.show()
        return parts

    yield begin
    for parts in started:
        assert start.leave(parts, 20)
        parts.window.deleteLater()
    qapp.sendPostedEvents()


def press(qtbot, widget: QWidget, key: Qt.Key, modifiers=NO_KEYS) -> None:
    qtbot.keyClick(widget, key, modifiers)


def type_in(qtbot, widget: QWidget, text: str) -> None:
    """Type a text in place of what is there."""
    qtbot.mouseClick(getattr(widget, "viewport", lambda: widget)(), LEFT)
    press(qtbot, widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(widget, text)


def find(qtbot, parts: start.Parts, words: str) -> None:
    """Do what the search finds."""
    press(qtbot, parts.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    search = parts.commands.search
    qtbot.waitUntil(search.field.isVisible)
    qtbot.keyClicks(search.field, words)
    press(qtbot, search.field, Qt.Key.Key_Return)


def work(parts: start.Parts, qtbot) -> None:
    """Type a prompt, select a head, choose a measure, write a note, pin a head, close a pane."""
    window, ctrl = parts.window, Qt.KeyboardModifier.ControlModifier
    press(qtbot, window, Qt.Key.Key_N, ctrl)
    assert window.session.document.pair.clean == ""
    type_in(qtbot, pane_of(window, PromptPane).editors["clean"], CLEAN)
    rest(parts, qtbot)
    find(qtbot, parts, "1.0")
    assert (window.selection.cursor.layer, window.selection.cursor.head) == (1, 0)
    find(qtbot, parts, "measure contribution")
    assert window.session.document.views.attention.measure == "contribution"
    rest(parts, qtbot)
    type_in(qtbot, pane_of(window, InspectorPane).note_field, "what I saw")
    grid = pane_of(window, AttentionPane).grid
    middle = grid.layout_now().frame(0).toAlignedRect().center()
    qtbot.mouseClick(grid, LEFT, ctrl, QPoint(middle))
    assert window.session.document.pins
    press(qtbot, window, Qt.Key.Key_Z, ctrl)
    assert not window.session.document.pins
    press(qtbot, window, Qt.Key.Key_Z, ctrl | Qt.KeyboardModifier.ShiftModifier)
    assert window.session.document.pins
    window.docks["Prompt pairs"].raise_()
    qtbot.mouseClick(window.docks["Prompt pairs"].bar.shut, LEFT)
    assert window.isWindowModified()


def rest(parts: start.Parts, qtbot) -> None:
    """Wait until all is computed."""
    qtbot.waitUntil(lambda: not parts.runner.is_busy, timeout=SECONDS)


def test_from_an_empty_start_to_a_session_that_is_opened_again(
    starts, tmp_path, qtbot, monkeypatch
):
    path, ctrl = tmp_path / "my work.lens", Qt.KeyboardModifier.ControlModifier
    for ask in ("getSaveFileName", "getOpenFileName"):  # the system's own dialogs
        monkeypatch.setattr(QFileDialog, ask, lambda *_: (str(path), ""))
    parts = starts()
    window = parts.window
    work(parts, qtbot)
    press(qtbot, window, Qt.Key.Key_S, ctrl)
    qtbot.waitUntil(lambda: path.exists() and not window.isWindowModified())
    assert window.windowTitle().startswith("my work")
    before, cursor = window.session.document, window.selection.cursor
    assert window.close()

    parts = starts()
    window = parts.window
    press(qtbot, window, Qt.Key.Key_O, ctrl)
    qtbot.waitUntil(lambda: window.session.document == before)
    rest(parts, qtbot)
    assert window.selection.cursor == cursor
    assert window.docks["Prompt pairs"].isHidden()
    assert pane_of(window, PromptPane).editors["clean"].toPlainText() == CLEAN
    assert pane_of(window, InspectorPane).note_field.toPlainText() == "what I saw"
    assert not window.isWindowModified()
    press(qtbot, window, Qt.Key.Key_N, ctrl)
    find(qtbot, parts, "my work")  # among the last files
    qtbot.waitUntil(lambda: window.session.document == before)
    assert window.close()
