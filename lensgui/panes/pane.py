"""What every dockable view is: a question for the worker, and a picture of the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar

from PySide6.QtCore import QEvent, Signal, Slot
from PySide6.QtGui import QContextMenuEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.request import Request
from lensgui.jobs.requests import ReadPair
from lensgui.jobs.runner import STOPPED
from lensgui.panes.controls.controls import plain_label
from lensgui.panes.figures.shown import Shown, innermost
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, Views
from lensgui.terms.kinds import Head
from lensgui.terms.roles import GivenRole, Part

MODEL = "model"  # the name under which every pane receives whether one is open
OPENING = "The model is being opened."
NO_MODEL = "No model is open."
UNEQUAL = "The prompts differ in length: give them as many tokens."
NO_NUMBERS = "The model is not here, and the file lacks numbers for this pane."
QUIET = (STOPPED, UNEQUAL, NO_NUMBERS)  # no faults: requested, or said in full elsewhere
SIDE = 8  # pixels left and right of what is in a pane
Channel = tuple[str, str]  # a pane's title, and its name for a question
AnAnswer = TypeVar("AnAnswer")


class EmptyState(Protocol):
    """A picture that says something while there is nothing to draw."""

    empty: str

    def update(self) -> None:
        """Draw again."""


class Pane(QWidget):
    """A view that owns no model, thread or timer: it receives replies and says what was clicked.

    Attributes:
        title: Its name on its dock.
        is_in_front: Whether no other pane covers it.
        about: What it shows, in one sentence.
        guide: The page of the guide about it.
        says_itself: Questions whose failure the pane shows in a place of its own.
        has_message_line: Whether a line is left empty at its bottom for messages.
        card: The model that was opened last; None before there is one.
        messages: What is wrong, by the name of the question or of what the user did.
        roles: What part each head plays.
        given: The roles that the user gave.
        is_computed: Whether it shows numbers, which Python can compute.
        averages: Whether it shows means while the document averages.
        moded: (words,) what it shows that is not the one pair; "" for nothing of the kind.
        folds: Whether it can be folded to its title and one line.
        shows_all_interventions: Whether it shows those that are off too, and all of them while
            other panes show what is so without.
        view_name: Which of the document's views says how it is set; "" for none.
        follows_written: Whether it shows the run up to a token that the model wrote, while one is
            selected.
        followed: (Followed,) the token that the model wrote which the user selected; None for none.
        continued: (words, how) how much that was written it shows behind the prompt, "" for
            nothing; and how that is run.
        unfollowed: The user wants to see the prompt alone again.
        summarised: (words,) what is to be seen of it while it is folded.
        picked: (fields,) Cursor fields that a click chose.
        edited: (changes,) document fields that the user changed.
        intervened: (additions,) what the user wants done to the model, in order: interventions, or
            what they are made of first.
        pinned: (Cursor,) a place to keep an eye on, or no longer.
        hovered: (words,) the value under the pointer; "" when there is none.
        altered: What it asks is another question now, without any edit.
        pane_requested: (title,) the pane that the user wants to see.
        again: The user wants what was stopped to go on.
        paused: (name, is_paused) the user lets a question rest, or go on.
        from_file: (is_so,) whether what it shows is partly as a file had it.
        anew: The user wants that to be worked out here.
        taken: (widget, how) the user wants to take a picture home: "export", "copy_picture",
            "copy_numbers", or "menu" to be asked which.
    """

    title: ClassVar[str] = ""
    about: ClassVar[str] = ""
    guide: ClassVar[str] = ""
    has_message_line: ClassVar[bool] = True
    says_itself: ClassVar[frozenset[str]] = frozenset()
    is_computed: ClassVar[bool] = True
    averages: ClassVar[bool] = False
    folds: ClassVar[bool] = False
    shows_all_interventions: ClassVar[bool] = False
    view_name: ClassVar[str] = ""
    follows_written: ClassVar[bool] = False
    moded = Signal(str)
    followed = Signal(object)
    continued = Signal(str, str)
    unfollowed = Signal()
    summarised = Signal(str)
    picked = Signal(object)
    edited = Signal(object)
    intervened = Signal(object)
    pinned = Signal(object)
    hovered = Signal(str)
    altered = Signal()
    pane_requested = Signal(str)
    again = Signal()
    paused = Signal(str, bool)
    from_file = Signal(bool)
    anew = Signal()
    taken = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.title)
        self.setAccessibleDescription(self.about)
        self.is_in_front = True
        self.card: ModelCard | None = None
        self.messages: dict[str, str] = {}
        self.roles: Mapping[Head, Part] = {}
        self.given: tuple[GivenRole, ...] = ()
        self._document: Document | None = None
        self._replies: dict[str, Reply] = {}
        self._empty_states: dict[EmptyState, str] = {}
        self._bottom: int | None = None  # of what is seen of the pane, if it is scrolled
        self.message = plain_label(parent=self)
        self.message.setWordWrap(True)
        self.message.setAutoFillBackground(True)
        self.message.hide()
        self.message.setAccessibleName(f"{self.title}: what went wrong")
        self.column = QVBoxLayout(self)
        self.column.setSpacing(4)
        self._take_room()

    def changeEvent(self, event: QEvent) -> None:
        """Keep a line of another font free."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._take_room()
            self._place_message()

    def _take_room(self) -> None:
        line = self.fontMetrics().lineSpacing() if self.has_message_line else 0
        self.column.setContentsMargins(SIDE, 2, SIDE, 4 + line)

    @property
    def is_in_sight(self) -> bool:
        """Whether it is seen: neither closed nor covered."""
        return self.isVisible() and self.is_in_front

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return what this pane wants to know, by a name of its own for each question."""
        return {}

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return a few lines that compute with the library what this pane shows."""
        return ""

    def shown(self) -> list[Shown]:
        """Return the pictures that there are, the main one first, as they are taken home."""
        return []

    def shown_at(self, widget: QWidget | None) -> Shown | None:
        """Return the picture that a widget draws, or is a part of; None if it is of none."""
        return innermost(self.shown(), widget)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with a picture that has no menu of its own."""
        widget = self.childAt(event.pos())
        if self.shown_at(widget) is not None:
            self.taken.emit(widget, "menu")

    def seen(self, document: Document) -> Document:
        """Return a document as this pane shows it."""
        return document if self.shows_all_interventions else document.shown

    def show_document(self, document: Document) -> None:
        """Show the document."""

    def begin_anew(self) -> None:
        """Ask about what is selected: the user wants to see here what another pane offered."""

    @property
    def views(self) -> Views:
        """How all panes are set."""
        return self._document.views if self._document is not None else AT_FIRST

    @Slot(object)
    def set_view(self, changes: dict[str, Any]) -> None:
        """Say that the user set the pane otherwise, by fields of its view; nothing if it is so."""
        before = getattr(self.views, self.view_name)
        after = replace(before, **changes)
        if after != before:
            self.edited.emit({self.view_name: after})

    def show_mode(self, document: Document) -> None:
        """Say whether means are shown, or more than the prompt, where the pane's title is."""
        count = len(document.rows) if self.averages else 0
        self.moded.emit(f"mean of {count} pair{'s' * (count != 1)}" if count else "")
        self.say_continued(document)

    def say_continued(self, document: Document) -> None:
        """Say how much that was written is shown behind the prompt."""
        pair, count = document.pair, len(document.pair.more)
        is_under = any(one.acts_on(pair.more_behind) for one in pair.interventions)
        how = f"Run {'under' if is_under else 'without'} interventions."
        self.continued.emit(f"prompt + {count} written" if count else "", how)

    @Slot()
    def let_go(self) -> None:
        """Select no token that the model wrote."""

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline what is selected."""

    def show_reply(self, name: str, reply: Reply | None) -> None:
        """Show how a question stands, and say why there is no (complete) answer.

        Args:
            name: The pane's name for the question, or "model" for the one that every pane depends
                on.
            reply: How it stands; None once it is no longer asked.
        """
        before = self._replies.get(name)
        if reply is None:
            self._replies.pop(name, None)
        else:
            self._replies[name] = reply
        if name not in self.says_itself:
            self._say(name, reply.sentence if reply is not None else "")
        if name == MODEL:
            self.card = self.known(MODEL, ModelCard) or self.card
            self._say_if_empty(self._empty_states)
        if not _is_mere_end(before, reply):
            self.draw_reply(name)
        self.from_file.emit(any(one.is_from_file for one in self._replies.values()))

    def show_roles(self, roles: Mapping[Head, Part], given: tuple[GivenRole, ...]) -> None:
        """Receive what part each head plays, and which of these parts the user gave."""
        self.roles, self.given = roles, given
        self.draw_roles()

    def draw_roles(self) -> None:
        """Draw the letters of roles."""

    def draw_anew(self) -> None:
        """Draw all that is known again: colours, or how words are written, are others."""
        for name in list(self._replies):
            self.draw_reply(name)
        self.draw_roles()

    def show_all(self, replies: Mapping[Channel, Reply]) -> None:
        """Receive the replies of all panes, by (title, name)."""

    def draw_reply(self, name: str) -> None:
        """Draw what has become of a question; `answer` and `known` say what there is by now."""

    def reply(self, name: str) -> Reply | None:
        """Return how a question stands; None while it is not asked."""
        return self._replies.get(name)

    def answer(self, name: str, kind: type[AnAnswer]) -> AnAnswer | None:
        """Return what is to be drawn: what is known, or for a while what was known before.

        Of a prompt without tokens there is nothing to draw.
        """
        reply = self._replies.get(name)
        found = reply.answer if reply is not None else None
        return found if isinstance(found, kind) and _has_cells(found) else None

    def known(self, name: str, kind: type[AnAnswer]) -> AnAnswer | None:
        """Return what is known of the very question that is asked."""
        reply = self._replies.get(name)
        found = reply.known if reply is not None else None
        return found if isinstance(found, kind) and _has_cells(found) else None

    def answered(self, name: str) -> Request | None:
        """Return the question that `answer` belongs to: the one that is asked, or one before."""
        reply = self._replies.get(name)
        return (reply.of or reply.request) if reply is not None else None

    def reading_of(self, document: Document) -> PairReading | None:
        """Return what is known of the prompts of a document, whatever is done to the model.

        Their tokens are the same under any interventions. None while they have not been read.
        """
        found, of = self.answer("pair", PairReading), self.answered("pair")
        asked = ReadPair(document.model, document.pair)
        return found if of is not None and of.about == asked.about else None

    def is_stale(self, name: str) -> bool:
        """Whether what is drawn is to be dimmed: it answers an older question."""
        reply = self._replies.get(name)
        return reply is not None and reply.is_stale

    def has_failed(self, name: str) -> bool:
        """Whether there is no (complete) answer."""
        reply = self._replies.get(name)
        return reply is not None and reply.status == "failed"

    def _without_model(self) -> dict[EmptyState, str]:
        """Return what empty pictures say while there is no model; {} once there is one."""
        reply = self._replies.get(MODEL)
        if reply is None or reply.known is not None:
            return {}
        words = NO_MODEL if reply.status == "failed" else OPENING
        return dict.fromkeys(self._empty_states, words)

    def _say_if_empty(self, words: Mapping[EmptyState, str], *questions: str) -> None:
        """Have empty pictures say something, unless what they lack is a model, or an answer.

        Args:
            words: What each says.
            questions: What they show the answers to: where there is none, the message says why.
        """
        if any(map(self.has_failed, questions)):
            words = dict.fromkeys(words, "")
        for widget, text in (self._without_model() or words).items():
            if widget.empty != text:
                widget.empty = text
                widget.update()

    def _say(self, name: str, sentence: str) -> None:
        if self.messages.get(name, "") == sentence:
            return
        self.messages[name] = sentence
        sentences = list(dict.fromkeys(filter(None, self.messages.values())))
        self.message.setText("\n".join(sentences))
        role = QPalette.ColorRole
        is_fault = any(said not in QUIET for said in sentences)
        self.message.setForegroundRole(role.BrightText if is_fault else role.WindowText)
        self.message.setVisible(bool(sentences))
        self._place_message()

    def show_bottom(self, bottom: int) -> None:
        """Let messages stand where they are seen: how far down the pane is not scrolled away."""
        self._bottom = bottom
        self._place_message()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep messages at the bottom."""
        super().resizeEvent(event)
        self._place_message()

    def _place_message(self) -> None:
        """Put messages into their line; longer ones cover what is above, and move nothing."""
        bottom = self.height() if self._bottom is None else min(self._bottom, self.height())
        width = self.width() - 2 * SIDE
        height = self.message.heightForWidth(width)
        self.message.setGeometry(SIDE, bottom - height - 3, width, height)
        self.message.raise_()


def _has_cells(answer: object) -> bool:
    """Whether an answer that has axes has a place on each."""
    return all(len(axis) for axis in getattr(answer, "axes", ()))


def _is_mere_end(before: Reply | None, after: Reply | None) -> bool:
    """Whether nothing is new but that the answer, which is drawn already, is whole."""
    if before is None or after is None or before.answer is not after.answer:
        return False
    return (before.status, after.status) == ("partial", "whole")
