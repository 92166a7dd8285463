"""Somebody who clicks, types and drags anywhere: nothing breaks, nothing hangs, nothing warns."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QAction, QContextMenuEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QFileDialog,
    QInputDialog,
    QMenu,
    QWidget,
)
from pytestqt.qtbot import QtBot

from lensgui.app import start
from lensgui.app.commands import entries
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.sweep_view.kinds import KINDS
from tests.fakes import FakeAnswerer
from tests.windows import pane_of

NOT_TRIED = {"close", "open_folder", "open_hub", "import_hub"}
PAIR = {
    "clean": " table green seven music apple house river table green seven music",
    "corrupted": " table green seven music stone house river table green seven music",
    "answer": " apple",
    "distractor": " stone",
}
KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Tab,
    Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Space, Qt.Key.Key_Backspace, Qt.Key.Key_Home,
)  # fmt: skip
DIALOGS = (
    (QFileDialog, "getExistingDirectory", ""),
    (QFileDialog, "getOpenFileNames", ("", "")),
    (QFileDialog, "getSaveFileName", ("", "")),
    (QInputDialog, "getText", ("", "")),
)
WORDS = (" table", " apple", "é", "😀", "\n", "  ", "|", "<|endoftext|>", "0", ",", '"')


class RandomUser:
    """Does one thing after another to a window, the same things for the same seed."""

    def __init__(self, parts: start.Parts, seed: int) -> None:
        self.window, self.draw = parts.window, random.Random(seed)
        self.window.actions_by_name["close"].setEnabled(False)  # the search finds it too
        parts.commands.search.sources.remove(entries.models)  # nothing is opened here
        self.done: list[str] = []
        self.seen: set[object] = set()  # what has been looked at, and how
        self.actions = (
            self.click, self.click, self.click, self.press, self.type, self.move, self.scroll,
            self.drag, self.ask_for_menu, self.choose, self.switch, self.switch, self.edit,
            self.begin_again, self.resize,
        )  # fmt: skip
        self.impatience = QTimer(self.window, interval=20)  # some menus wait in a loop of their own
        self.impatience.timeout.connect(self.leave_popups)
        self.impatience.start()

    def act(self) -> None:
        """Do one thing, drawn at random."""
        action = self.draw.choice(self.actions)
        self.done.append(action.__name__)
        action()
        self.leave_popups()
        self.look()

    def look(self) -> None:
        """Note what is on screen."""
        attention = pane_of(self.window, AttentionPane)
        patching = pane_of(self.window, PatchingPane)
        if patching.sweep is not None:
            document = self.window.session.document
            side = patching.view.given.view.side
            self.seen |= {document.kind, document.direction, ("side", side)}
        if attention.slice is not None:
            drawing = attention.focus.view.drawing
            self.seen |= {("view", drawing), ("measure", attention.slice.measure)}
        if self.window.session.document.rows:
            self.seen.add("average")

    def target(self) -> tuple[QWidget, QPoint]:
        widgets = [w for w in self.window.findChildren(QWidget) if w.isVisible() and w.isEnabled()]
        widget = self.draw.choice(widgets)
        place = QPoint(
            self.draw.randrange(max(1, widget.width())),
            self.draw.randrange(max(1, widget.height())),
        )
        return widget, place

    def click(self) -> None:
        widget, place = self.target()
        some = (Qt.KeyboardModifier.NoModifier,) * 3
        modifier = self.draw.choice(
            (*some, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier)
        )
        if self.draw.random() < 0.15:
            QTest.mouseDClick(widget, Qt.MouseButton.LeftButton, modifier, place)
        else:
            QTest.mouseClick(widget, Qt.MouseButton.LeftButton, modifier, place)

    def press(self) -> None:
        focus = QApplication.focusWidget() or self.window
        QTest.keyClick(focus, self.draw.choice(KEYS))

    def type(self) -> None:
        focus = QApplication.focusWidget()
        if focus is not None:
            QTest.keyClicks(focus, self.draw.choice(("a", " b", "12", "xyz")))

    def move(self) -> None:
        QTest.mouseMove(*self.target())

    def scroll(self) -> None:
        widget, place = self.target()
        turn = QPoint(0, self.draw.choice((-120, 120)))
        event = QWheelEvent(
            QPointF(place), QPointF(widget.mapToGlobal(place)), QPoint(), turn,
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)

    def drag(self) -> None:
        widget, place = self.target()
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=place)
        QTest.mouseMove(widget, QPoint(widget.width() // 2, widget.height() // 2))
        QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=self.target()[1])

    def ask_for_menu(self) -> None:
        widget, place = self.target()
        event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
        QApplication.sendEvent(widget, event)

    def choose(self) -> None:
        actions = [
            action
            for action in self.window.findChildren(QAction)
            if action.isEnabled() and action.text() and not self._is_left_alone(action)
        ]
        self.draw.choice(actions).trigger()

    def switch(self) -> None:
        """Choose from a list that is in sight, as a user does."""
        boxes = [b for b in self.window.findChildren(QComboBox) if b.isVisible() and b.isEnabled()]
        boxes = [box for box in boxes if box.count() > 1]
        if not boxes:
            return  # the panes that have some are closed
        box = self.draw.choice(boxes)
        box.setCurrentIndex(self.draw.randrange(box.count()))
        box.activated.emit(box.currentIndex())

    def begin_again(self) -> None:
        """Return to prompts that can be swept, with a head selected, and look at another kind."""
        window, (_, options) = self.window, self.draw.choice(KINDS)
        kind = self.draw.choice(options).value
        window.reset_layout()
        window.session.edit(**PAIR, table=(), is_average=False, kind=kind)
        self.window.selection.move(layer=1, head=self.draw.randrange(2), position=4)

    def edit(self) -> None:
        pair = self.window.session.document.pair
        name = self.draw.choice(("clean", "corrupted", "answer", "distractor"))
        text = getattr(pair, name)
        text = text[: self.draw.randrange(len(text) + 1)] + self.draw.choice(WORDS)
        self.window.session.edit(**{name: text})

    def resize(self) -> None:
        self.window.resize(self.draw.randrange(700, 1700), self.draw.randrange(500, 1100))

    def leave_popups(self) -> None:
        """Choose something from a menu that popped up, or leave it; leave lists and dialogs."""
        for _ in range(5):
            popup = QApplication.activePopupWidget() or QApplication.activeModalWidget()
            if popup is None:
                return
            if isinstance(popup, QMenu) and self.draw.random() < 0.5:
                choices = [a for a in popup.actions() if a.isEnabled() and not a.isSeparator()]
                choices = [a for a in choices if a.menu() is None and not self._is_left_alone(a)]
                popup.close()
                if choices:
                    self.draw.choice(choices).trigger()
            popup.close()

    def _is_left_alone(self, action: QAction) -> bool:
        slots = self.window.actions_by_name
        return any(action is slots[name] for name in NOT_TRIED) or "pen" in action.text()


@contextmanager
def opened(home: Path, is_real: bool, qapp: QApplication) -> Iterator[start.Parts]:
    """The whole application on the toy or on made-up numbers, its dialogs answered by nothing."""
    make = (lambda: Dispatcher(threads=1)) if is_real else FakeAnswerer
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LENSGUI_HOME", str(home))
        for dialog, name, nothing in DIALOGS:
            patch.setattr(dialog, name, staticmethod(lambda *a, nothing=nothing, **k: nothing))
        parts = start.build(start.Options(model="toy" if is_real else "fake"), make)
        parts.faults.release()
        parts.window.model_bar.fetch_requested.disconnect()  # nothing is fetched here
        yield parts
        assert parts.runner.close(10_000)
        parts.collector.release()
        parts.window.hide()
        parts.window.close()
        parts.window.deleteLater()
        parts.appearance.preferences.restore()
        parts.appearance.choose("light")
        qapp.sendPostedEvents()
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qapp.processEvents()


def use(parts: start.Parts, qtbot: QtBot, seed: int, moves: int) -> RandomUser:
    """Let a user do so many things, after which everything is at rest and can be undone."""

    def rests() -> bool:
        return not parts.runner.is_busy

    with qtbot.waitSignal(parts.runner.settled, timeout=20_000):
        parts.window.show()
    user = RandomUser(parts, seed)
    for number in range(moves):
        user.act()
        if number % 5 == 0:
            qtbot.wait(1)
        if user.done[-1] == "begin_again" and number % 3 == 0:  # now and then somebody looks
            qtbot.waitUntil(rests, timeout=60_000)
            user.look()
    qtbot.waitUntil(rests, timeout=60_000)
    parts.window.resize(1280, 800)
    assert parts.window.isVisible()
    document = parts.window.session.document
    parts.window.session.undo_stack.undo()
    parts.window.session.undo_stack.redo()
    assert parts.window.session.document == document
    return user
