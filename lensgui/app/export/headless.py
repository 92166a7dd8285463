"""The figures of a session without a window: every pane's questions, answered in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget

from lensgui.app.window.layout import PANES
from lensgui.app.window.role_book import RoleBook, questions
from lensgui.jobs.answerer import Answerer
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.request import Request
from lensgui.jobs.requests import OpenModel
from lensgui.panes.figures.figure import Figure
from lensgui.panes.figures.shown import Context, Shown, figure
from lensgui.panes.pane import MODEL, Channel, Pane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.panes.python import notebook
from lensgui.state.selection import Cursor
from lensgui.state.sessions.saved import Saved
from lensgui.terms.errors import ExportError, ModelError
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

MOST_ROUNDS = 8  # until a pane asks nothing more: each may follow from the answers before


class Headless:
    """A session's panes without a window.

    Attributes:
        saved: The session, about a model of this machine.
        answerer: Answers the panes.
        card: The model.
        cursor: What is selected, as far as the model and the prompts have it.
        failures: Why a pane could not have an answer, by its title.
    """

    def __init__(
        self,
        saved: Saved,
        answerer: Answerer,
        note: Callable[[str], None] = lambda words: None,
    ) -> None:
        """Open the model.

        Args:
            saved: The session, about a model of this machine.
            answerer: Answers the panes.
            note: Receives what is being computed, in a few words.

        Raises:
            ExportError: If the model can't be opened, or is not one of the session.
        """
        self.saved, self.answerer, self._note = saved, answerer, note
        self._replies: dict[Request, Reply] = {}
        self._owner = QWidget()  # of the panes; never shown
        self._panes: dict[str, Pane] = {}
        self.failures: dict[str, str] = {}
        opened = self._reply(OpenModel(saved.document.model))
        if not isinstance(opened.known, ModelCard):
            raise ExportError(opened.sentence)
        self.card: ModelCard = opened.known
        self.cursor = _within(saved.cursor, self.card)
        self._opened = opened

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """Yield every picture of every pane, with the pane's title."""
        for title, pane in self._filled().items():
            context = self._context(pane)
            for shown in pane.shown():
                yield title, figure(title, shown, context)

    def shown(self, title: str) -> list[Shown]:
        """Return the pictures of a pane; [] of one that there is not."""
        pane = self._alone(title)
        return pane.shown() if pane is not None else []

    def figure(self, title: str, shown: Shown) -> Figure:
        """Return the figure of a pane's picture."""
        return figure(title, shown, self._context(self._panes[title]))

    def summary(self) -> str:
        """Return the prompts in short, with their metric."""
        said: list[str] = []
        pane = PromptPane(self._owner)
        pane.summarised.connect(said.append)
        self._fill(pane)
        return said[-1] if said else ""

    def _alone(self, title: str) -> Pane | None:
        """Return a pane with its answers, without those of others."""
        kinds = {kind.title: kind for kind in PANES}
        if title not in self._panes and title in kinds:
            pane = kinds[title](self._owner)
            self._note(title)
            replies = {(title, name): reply for name, reply in self._fill(pane).items()}
            pane.show_roles(self._roles(), self.saved.document.roles)
            pane.show_all(replies)
            self._panes[title] = pane
        return self._panes.get(title)

    def parts(self) -> list[notebook.Part]:
        """Return what every pane computes, for a notebook."""
        found = []
        for title, pane in self._filled().items():
            context = self._context(pane)
            made = next((figure(title, shown, context) for shown in pane.shown()), None)
            has_code = made is not None and bool(made.code)
            code = made.code if made is not None and has_code else context.code
            caption = made.caption if made is not None and has_code else pane.about
            found.append(notebook.Part(title, caption, code))
        return found

    def close(self) -> None:
        """Let go of the panes."""
        self._panes = {}
        self._owner.deleteLater()
        QCoreApplication.sendPostedEvents(self._owner, QEvent.Type.DeferredDelete.value)

    def _context(self, pane: Pane) -> Context:
        document = pane.seen(self.saved.document)
        asked = pane.requests(document, self.cursor)
        code = pane.python(document, self.cursor)
        return Context(document, self.card, asked, self.saved.changed, code, pane.averages)

    def _filled(self) -> dict[str, Pane]:
        """Return the panes with all their answers, and with the roles of heads."""
        if len(self._panes) == len(PANES):
            return self._panes
        panes = {kind.title: kind(self._owner) for kind in PANES}
        replies: dict[Channel, Reply] = {}
        for title, pane in panes.items():
            self._note(title)
            replies |= {(title, name): reply for name, reply in self._fill(pane).items()}
        roles, document = self._roles(), self.saved.document
        for pane in panes.values():
            pane.show_roles(roles, document.roles)
            pane.show_all(replies)
        self._panes = panes
        return panes

    def _fill(self, pane: Pane) -> dict[str, Reply]:
        """Answer a pane until it asks nothing more; return its last replies."""
        document = pane.seen(self.saved.document)
        pane.show_reply(MODEL, self._opened)
        told: dict[str, Reply] = {}
        for _ in range(MOST_ROUNDS):
            pane.show_document(document)
            pane.show_cursor(self.cursor)
            asked = pane.requests(document, self.cursor)
            if asked == {name: reply.request for name, reply in told.items()}:
                break
            for name in told.keys() - asked.keys():
                pane.show_reply(name, None)
            told = {name: self._reply(request) for name, request in asked.items()}
            for name, reply in told.items():
                pane.show_reply(name, reply)
                if reply.sentence:
                    self.failures[pane.title] = reply.sentence
        return told

    def _roles(self) -> Mapping[Head, Part]:
        book = RoleBook()
        for channel, request in questions(self.saved.document.shown).items():
            book.take(channel, self._reply(request))
        return book.roles(self.saved.document)

    def _reply(self, request: Request) -> Reply:
        """Return how a question stands at its end; the same question is answered once."""
        if request not in self._replies:
            answer = None
            try:
                for part in self.answerer.answer(request):
                    answer = part if part is not None else answer
                self._replies[request] = Reply(request, answer, "whole")
            except (ModelError, ValueError) as error:
                self._replies[request] = Reply(request, answer, "failed", str(error))
        return self._replies[request]


def _within(cursor: Cursor, card: ModelCard) -> Cursor:
    """Return a selection without what the model does not have."""
    if cursor.layer is not None and cursor.layer >= card.n_layers:
        cursor = replace(cursor, layer=None, head=None, heads=(), neuron=None)
    if cursor.head is not None and cursor.head >= card.n_heads:
        cursor = replace(cursor, head=None, heads=())
    if cursor.neuron is not None and cursor.neuron >= card.n_neurons:
        cursor = replace(cursor, neuron=None)
    return cursor
