"""From what the user looks at to requests, and from answers back to the panes."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from lensgui.jobs.requests import (
    OpenModel,
    ReadPair,
    Request,
)
from lensgui.jobs.results import Answer, ModelCard, PairReading
from lensgui.jobs.runner import STOPPED, Runner
from lensgui.panes.pane import UNEQUAL, Pane
from lensgui.prompts.pair import PromptPair
from lensgui.state.document import Document, Session
from lensgui.state.selection import Cursor, Selection
from lensgui.terms.model_key import ModelKey

Channel = tuple[str, str]  # a pane's title, and its name for the question
MODEL: Channel = ("", "model")
PROMPTS = "Prompt"  # the title of the pane that says what concerns all of them
LATE_MS = 250  # an answer that takes longer leaves its old picture dimmed; a forward does not


class Asker(QObject):
    """Asks for every visible pane what it wants to know, once the model is open.

    Attributes:
        card: The model that is open; None while there is none.
        opened: (ModelCard,) when another model is open.
        told: (sentence,) for the status bar.
        failed: (sentence,) why there is no model, where no pane says so.
    """

    opened = Signal(object)
    told = Signal(str)
    failed = Signal(str)

    def __init__(
        self,
        session: Session,
        selection: Selection,
        runner: Runner,
        panes: Mapping[str, Pane],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.card: ModelCard | None = None
        self._session = session
        self._selection = selection
        self._runner = runner
        self._panes = panes
        self._positions = 0  # of the longer prompt; 0 while that is not known
        self._is_unequal = False  # whether the prompts are known to differ in length
        self._read: tuple[ModelKey, PromptPair] | None = None
        self._asked: set[Channel] = set()
        self._resting: dict[Channel, Request] = {}
        self._unanswered: set[Channel] = set()
        self._late = QTimer(self, singleShot=True, interval=LATE_MS)
        self._late.timeout.connect(self._show_late)

    @Slot()
    def ask(self) -> None:
        """Submit what the visible panes want to know; what they asked before runs on."""
        document = self._session.document
        wanted = self._wanted(document) if self._is_open(document) else {}
        self._let_go(wanted.keys())
        if not self._is_open(document):
            if self._runner.wanted(MODEL) != OpenModel(document.model):
                for pane in self._panes.values():
                    pane.clear("model")
                    pane.show_opening()
            self._runner.submit(MODEL, OpenModel(document.model))
            return
        if self._runner.wanted(MODEL) != OpenModel(document.model):
            self._runner.cancel(MODEL)
            for pane in self._panes.values():
                pane.clear("model")
        for channel in sorted(wanted, key=lambda channel: isinstance(wanted[channel], ReadPair)):
            self._submit(channel, wanted[channel])

    @Slot(object)
    def show_document(self, document: Document) -> None:
        """Bring an edit to the panes; what was said of the document before is no longer true."""
        self.told.emit("")
        if (document.model, document.pair) != self._read:
            self._read = document.model, document.pair
            self._positions, self._is_unequal = 0, False
        self._limit_positions()
        for pane in self._panes.values():
            pane.show_document(document)
        self.ask()

    @Slot(object)
    def show_cursor(self, cursor: Cursor) -> None:
        """Bring a selection to the panes."""
        for pane in self._panes.values():
            pane.show_cursor(cursor)
        self.ask()

    @Slot(object)
    def pick(self, places: dict[str, int | None]) -> None:
        """Select what a pane says was clicked."""
        self._selection.move(**places)

    @Slot(object)
    def edit(self, changes: dict[str, Any]) -> None:
        """Change what a pane says was edited."""
        self._session.edit(**changes)

    @Slot()
    def retry(self) -> None:
        """Ask anew what failed or was stopped."""
        self._runner.retry()
        self.ask()

    @Slot(object, object)
    def arrive(self, channel: Channel, answer: Answer) -> None:
        """Bring an answer to its pane."""
        self._unanswered.discard(channel)
        if channel == MODEL:
            if isinstance(answer, ModelCard):
                self._open(answer)
            return
        self._panes[channel[0]].show_answer(channel[1], answer)
        self._spread(channel, answer)
        if isinstance(answer, PairReading):
            prompts = [answer.clean, answer.corrupted or answer.clean]
            self._positions = max(len(prompt.tokens) for prompt in prompts)
            self._is_unequal = len({len(prompt.tokens) for prompt in prompts}) > 1
            self._limit_positions()

    @Slot(object, str)
    def fail(self, channel: Channel, sentence: str) -> None:
        """Bring a failure to its pane; why there is no model is said once, at the prompts."""
        self._unanswered.discard(channel)
        if channel != MODEL:
            asked = self._runner.wanted(channel)
            is_known = self._is_unequal and asked is not None and asked.needs_equal_lengths
            words = UNEQUAL if is_known and sentence != STOPPED else sentence
            self._panes[channel[0]].show_failure(channel[1], words)
            return
        for title, pane in self._panes.items():
            pane.show_failure("model", sentence if title == PROMPTS else "")
        if not self._panes[PROMPTS].isVisible():
            self.failed.emit(sentence)

    def _let_go(self, wanted: Set[Channel]) -> None:
        """Cancel what no pane wants to know any more; of what rests, keep what is known."""
        for channel in self._asked - wanted:
            request = self._runner.wanted(channel)
            self._runner.cancel(channel)
            self._unanswered.discard(channel)
            self._panes[channel[0]].clear(channel[1])
            if request is not None and self._panes[channel[0]].rests(request):
                self._resting[channel] = request
                for pane in self._panes.values():
                    pane.hear_pause(*channel)
            else:
                self._spread(channel, None)
        for channel, request in [*self._resting.items()]:
            if channel in wanted or not self._panes[channel[0]].rests(request):
                del self._resting[channel]
                if channel not in wanted:
                    self._spread(channel, None)
        self._asked = set(wanted)

    def _limit_positions(self) -> None:
        """Keep the selection within the longer prompt; prompts of a table have their own length."""
        if self._session.document.rows or not self._positions:
            self._selection.forget("position", "source")
        else:
            self._selection.limit(position=self._positions, source=self._positions)

    def _spread(self, channel: Channel, answer: Answer | None) -> None:
        """Let the other panes hear what one was told, or that it is no longer true."""
        title, name = channel
        request = self._runner.wanted(channel)
        for pane in self._panes.values():
            if pane.title != title:
                pane.hear(title, name, request, answer)

    def _is_open(self, document: Document) -> bool:
        return self.card is not None and self.card.key == document.model

    def _wanted(self, document: Document) -> dict[Channel, Request]:
        cursor = self._selection.cursor
        return {
            (title, name): request
            for title, pane in self._panes.items()
            if pane.isVisible() and pane.is_in_front
            for name, request in pane.requests(document, cursor).items()
        }

    def _submit(self, channel: Channel, request: Request) -> None:
        if self._runner.wanted(channel) == request:
            return
        title, name = channel
        self._panes[title].expect(name)
        self._spread(channel, None)
        self._unanswered.add(channel)
        self._runner.submit(channel, request, when_quiet=request.is_slow)
        if self._unanswered:
            self._late.start()

    def _open(self, card: ModelCard) -> None:
        self.card = card
        self._selection.limit(layer=card.n_layers, head=card.n_heads)
        for pane in self._panes.values():
            pane.clear("model")
            pane.show_card(card)
        self.opened.emit(card)
        if card.note:
            self.told.emit(card.note)
        self.ask()

    @Slot()
    def _show_late(self) -> None:
        for title, name in self._unanswered:
            self._panes[title].show_pending(name)
