"""The heads that are selected together, and what can be asked of them at once."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from lensgui.panes import menus, theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button, line
from lensgui.panes.menus import ATTENTION, FEEDERS
from lensgui.panes.token_text import plain_tip
from lensgui.terms.kinds import Head

NOTHING = "No head is selected."
MOST_NAMES = 24


class SelectedHeads(QWidget):
    """One line: which heads are selected, and a button for each question about them.

    Attributes:
        heads: Layer and head of each.
        pane_requested: (title,) the pane that answers the question.
        pins_requested: All of them are to be pinned.
        verbs_requested: (where,) what can be done to the model there, at a place of the screen.
    """

    pane_requested = Signal(str)
    pins_requested = Signal()
    verbs_requested = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.heads: tuple[Head, ...] = ()
        self.words = line(self)
        self.words.setAccessibleName("Selected heads")
        self.average = button(PANE_ACTIONS["attention_of_heads"], self)
        self.feeders = button(PANE_ACTIONS["feeders_of_heads"], self)
        self.pin = button(PANE_ACTIONS["pin_heads"], self)
        self.intervene = button(PANE_ACTIONS["intervene_on_heads"], self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.words, 1)
        for each in self._buttons:
            each.setAutoRaise(False)
            each.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
            row.addWidget(each)
        self.average.clicked.connect(self._average)
        self.feeders.clicked.connect(self._feed)
        self.pin.clicked.connect(self.pins_requested)
        self.intervene.clicked.connect(self._intervene)
        self.show_heads(())

    def show_heads(self, heads: tuple[Head, ...]) -> None:
        """Name the heads that are selected."""
        self.heads = heads
        words = menus.heads_name(heads, MOST_NAMES) or NOTHING
        self.words.setText(words)
        self.words.setToolTip(plain_tip(words))
        for each in self._buttons:
            each.setEnabled(bool(heads))

    @property
    def _buttons(self) -> tuple[QToolButton, ...]:
        return self.average, self.feeders, self.pin, self.intervene

    @Slot()
    def _average(self) -> None:
        self.pane_requested.emit(ATTENTION)

    @Slot()
    def _feed(self) -> None:
        self.pane_requested.emit(FEEDERS)

    @Slot()
    def _intervene(self) -> None:
        below = self.intervene.rect().bottomLeft()
        self.verbs_requested.emit(self.intervene.mapToGlobal(below))
