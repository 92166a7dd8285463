"""Keeping what is there every few seconds, and offering it after a crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QDateTime, QObject, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.controls.controls import headline, sentence
from lensgui.panes.style import TARGET
from lensgui.panes.token_text import plain_tip, shorten
from lensgui.state.autosave import Left, Recovery, Writer
from lensgui.state.sessions.saved import Saved

INTERVAL_MS = 15_000  # from the first change that is not kept: never 20 s of work are lost
LIST_SIZE = 560, 120  # pixels, times the zoom
WHEN = "yyyy-MM-dd hh:mm"
MOST_LETTERS = 40  # of a name or a prompt in the list
ENDED = "lensgui ended before this was saved"
KEPT = "What was there then is kept:"
UNSAVED = "not in a file"
DISCARDED = "discarded before"
DISCARD = (
    "Offer what is chosen under File → Recover… only, until something else is discarded; what was "
    "discarded before is thrown away."
)


class Autosave(QObject):
    """Keeps what is there in the window's recovery file, soon after it has changed.

    Attributes:
        recovery: The file.
        failed: (sentence,) why that is not possible, said once.
        recovered: (Left,) the user wants what another window has left.
    """

    failed = Signal(str)
    recovered = Signal(object)

    def __init__(
        self,
        snapshot: Callable[[], Saved],
        origin: Callable[[], Path | None],
        writer: Writer,
        parent: QObject | None = None,
    ) -> None:
        """Begin without anything kept.

        Args:
            snapshot: Returns what is there.
            origin: Returns the user's file that it is about.
            writer: Writes it.
            parent: Whatever owns this.
        """
        super().__init__(parent)
        self.recovery = Recovery()
        self._snapshot, self._origin, self._writer = snapshot, origin, writer
        self._has_failed = False
        self._timer = QTimer(self, singleShot=True, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.now)
        writer.written.connect(self._succeed)
        writer.failed.connect(self._fail)

    @property
    def is_due(self) -> bool:
        """Whether something is there that is not kept yet."""
        return self._timer.isActive()

    @Slot()
    def note_change(self) -> None:
        """Hear that something is there which is not kept yet."""
        if not self.is_due:
            self._timer.start()

    @Slot()
    def now(self) -> None:
        """Keep what is there: before something risky, or as it is time."""
        self.keep()

    def keep(self, then: Callable[[], object] = lambda: None) -> None:
        """Keep what is there, and do something once that is done; not if it can't be."""
        self._timer.stop()
        saved, origin, recovery = self._snapshot(), self._origin(), self.recovery

        def write() -> None:
            recovery.write(saved, origin)
            then()

        self._writer.submit(recovery.path, write)

    def forget(self) -> None:
        """Keep nothing: it is in the user's file, or is not to be kept."""
        self._timer.stop()
        self._writer.submit(self.recovery.path, self.recovery.end)

    def offer(self, parent: QWidget, *, with_last: bool = False) -> bool:
        """Offer what other windows have left; whether there is anything.

        Args:
            parent: The window.
            with_last: Whether what was closed or discarded last without being saved is among it.
        """
        left = self.recovery.left(with_last=with_last)
        if left:
            dialog = Offer(left, parent)
            dialog.opened.connect(self.recovered)
            dialog.discarded.connect(self._discard)
            dialog.open()
        return bool(left)

    @Slot(object)
    def _discard(self, left: Left) -> None:
        self.recovery.set_aside(left)

    @Slot(object)
    def _succeed(self, path: Path) -> None:
        if path == self.recovery.path:
            self._has_failed = False

    @Slot(object, str)
    def _fail(self, path: Path, sentence: str) -> None:
        if path == self.recovery.path and not self._has_failed:
            self._has_failed = True
            self.failed.emit(sentence)


class Offer(QDialog):
    """Says what crashed windows have left.

    Attributes:
        opened: (Left,) to be opened.
        discarded: (Left,) not to be offered at a start any more.
    """

    opened = Signal(object)
    discarded = Signal(object)

    def __init__(self, left: Sequence[Left], parent: QWidget) -> None:
        super().__init__(parent)
        self._left = list(left)
        self.setWindowTitle("lensgui")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.list = QListWidget(self)
        self.list.setAccessibleName("What is kept from before")
        self.list.setToolTip("Choose what to open, or to discard.")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for one in left:
            item = QListWidgetItem(described(one), self.list)
            item.setSizeHint(QSize(0, TARGET))
        self.list.setCurrentRow(0)
        self.list.setMinimumSize(*map(theme.zoomed, LIST_SIZE))
        said = sentence(self)
        said.setText(KEPT)
        buttons = QDialogButtonBox(self)
        role = QDialogButtonBox.ButtonRole
        rows = (
            ("Open", role.AcceptRole, "Go on with what is chosen.", self._open),
            ("Discard", role.DestructiveRole, DISCARD, self._discard),
            (
                "Not now",
                role.RejectRole,
                "Keep it; it is offered again at the next start.",
                self.reject,
            ),
        )
        for text, part, tip, act in rows:
            each = buttons.addButton(text, part)
            each.setToolTip(plain_tip(tip))
            each.clicked.connect(act)
        column = QVBoxLayout(self)
        for widget in (headline(ENDED, self), said, self.list, buttons):
            column.addWidget(widget)

    @Slot()
    def _open(self) -> None:
        self.opened.emit(self._left[self.list.currentRow()])
        self.accept()

    @Slot()
    def _discard(self) -> None:
        row = self.list.currentRow()
        self.list.takeItem(row)
        self.discarded.emit(self._left.pop(row))
        if not self._left:
            self.reject()


def described(left: Left) -> str:
    """Return what a crashed window has left, in one line."""
    changed = QDateTime.fromSecsSinceEpoch(int(left.saved.changed.timestamp()))
    when = changed.toString(WHEN)
    name = left.origin.name if left.origin is not None else UNSAVED
    prompt = " ".join(left.saved.document.pair.clean.split())
    parts = [when, shorten(name, MOST_LETTERS), f"“{shorten(prompt, MOST_LETTERS)}”"]
    return " · ".join([*parts, *[DISCARDED] * left.is_discarded])
