"""What every dockable view is: a question for the worker, and a picture of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from PySide6.QtCore import Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from lensgui.jobs.requests import Request
from lensgui.jobs.results import Answer, ModelCard
from lensgui.jobs.runner import STOPPED
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

MODEL = "model"  # the name under which a pane hears that there is none
OPENING = "The model is being opened."
NO_MODEL = "No model is open."
UNEQUAL = "The prompts differ in length."
QUIET = (STOPPED, UNEQUAL)  # no faults: one was wanted, the other is said in full at the prompts


class EmptyState(Protocol):
    """A picture that says something while there is nothing to draw."""

    empty: str

    def update(self) -> None:
        """Draw again."""


class Pane(QWidget):
    """A view that owns no model, no thread and no timer: it is told, and it says what was clicked.

    Attributes:
        title: Its name on its dock.
        is_in_front: Whether no other pane covers it.
        about: What it shows, in one sentence.
        scrolls: Whether it may be given less height than it needs.
        picked: (fields,) Cursor fields that a click chose.
        edited: (changes,) document fields that the user changed.
        hovered: (words,) the value under the pointer; "" when there is none.
        altered: A switch of the pane's own changed what it asks.
        shown: (title,) another pane that the user wants to look at now.
        again: The user wants what was stopped to go on.
    """

    title: ClassVar[str] = ""
    about: ClassVar[str] = ""
    scrolls: ClassVar[bool] = True
    picked = Signal(object)
    edited = Signal(object)
    hovered = Signal(str)
    altered = Signal()
    shown = Signal(str)
    again = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.title)
        self.setAccessibleDescription(self.about)
        self.is_in_front = True
        self.notes: dict[str, str] = {}
        self._answered: set[str] = set()
        self._paused: Request | None = None
        self._empty_states: dict[EmptyState, str] = {}
        self.note = QLabel(self, wordWrap=True)
        self.note.hide()
        self.note.setAccessibleName(f"{self.title}: what went wrong")
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Maximum)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(8, 4, 8, 6)
        self.column.setSpacing(4)
        self.column.addWidget(self.note)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return what this pane wants to know, by a name of its own for each question."""
        return {}

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return a few lines that compute with the library what this pane shows."""
        return ""

    def show_card(self, card: ModelCard) -> None:
        """Take note of the model that is open."""
        self._say_if_empty(self._empty_states)

    def show_opening(self) -> None:
        """Say that there is no model yet."""
        self._say_if_empty(dict.fromkeys(self._empty_states, OPENING))

    def show_document(self, document: Document) -> None:
        """Take note of the document."""

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline what is selected."""

    def expect(self, name: str) -> None:
        """Take note that a new question was asked: what is drawn answers an older one."""
        self._answered.discard(name)
        self._remark(name, "")

    def show_pending(self, name: str) -> None:
        """Dim what is drawn: the answer to the new question takes its time."""

    def show_answer(self, name: str, answer: Answer) -> None:
        """Draw an answer; each is more complete than the one before."""
        self._answered.add(name)
        self._remark(name, "")

    def show_failure(self, name: str, sentence: str) -> None:
        """Say why there is no (complete) answer; an older question's answer is cleared away."""
        if name not in self._answered:
            self.clear(name)
        self._say_if_empty(dict.fromkeys(self._empty_states, NO_MODEL) if name == MODEL else {})
        self._remark(name, sentence)

    def hear(self, title: str, name: str, request: Request | None, answer: Answer | None) -> None:
        """Take note of what another pane was told; None once that is no longer true.

        Args:
            title: The other pane's.
            name: Its name for the question.
            request: The question.
            answer: The answer so far.
        """

    def hear_pause(self, title: str, name: str) -> None:
        """Take note that another pane's question rests: it keeps what it was told so far.

        Args:
            title: The other pane's.
            name: Its name for the question.
        """

    def rests(self, request: Request | None) -> bool:
        """Whether a question was stopped for now, and what is known of it stays drawn."""
        return request is not None and request == self._paused

    def clear(self, name: str) -> None:
        """Forget an answer whose question is no longer asked."""
        self._remark(name, "")

    def _say_if_empty(self, words: Mapping[EmptyState, str]) -> None:
        for widget, text in words.items():
            widget.empty = text
            widget.update()

    def _remark(self, name: str, sentence: str) -> None:
        if self.notes.get(name, "") == sentence:
            return
        self.notes[name] = sentence
        sentences = list(dict.fromkeys(filter(None, self.notes.values())))
        self.note.setText("\n".join(sentences))
        role = QPalette.ColorRole
        is_fault = any(said not in QUIET for said in sentences)
        self.note.setForegroundRole(role.BrightText if is_fault else role.WindowText)
        self.note.setVisible(bool(sentences))
