"""The parts of a window that a session is of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from lensgui.app.sessions import placement
from lensgui.app.window import role_book
from lensgui.app.window.layout import arrange
from lensgui.app.window.window import MainWindow
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.request import Request
from lensgui.models import recognised
from lensgui.state.document import Document, Scene
from lensgui.state.layout import Layout
from lensgui.state.sessions.late import Answered, read
from lensgui.state.sessions.saved import ModelReference, Saved
from lensgui.terms.errors import SessionError
from lensgui.terms.model_key import ABSENT, BEST_DEVICE, ModelKey


class Host:
    """What a session is read off, and shown in.

    Attributes:
        window: The window.
        session: Its document.
        selection: Its selection.
        exchange: What its panes ask by.
    """

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.session, self.selection = window.session, window.selection
        self.exchange, self._board = window.exchange, window.runner.board

    @property
    def card(self) -> ModelCard | None:
        """The model that is open."""
        return self.exchange.card

    @property
    def device(self) -> str:
        """Where models run that are opened now."""
        return self.window.appearance.preferences.settings.device

    def layout(self) -> Layout:
        """Return where the panes stand; of one alone, where all stood before."""
        alone = self.window.alone
        if alone.title and alone.layout is not None:
            return replace(alone.layout, solo=alone.title)
        return placement.placed(self.window, self.window.docks)

    def show_layout(self, layout: Layout | None) -> None:
        """Put the panes where a layout says; without one, where they were at first.

        A window that is not shown yet does so as soon as it is.
        """
        if not self.window.isVisible():
            self.window.lay_out = partial(self.show_layout, layout)
            return
        window, docks = self.window, self.window.docks
        window.alone.forget(docks)
        if layout is None:
            arrange(window, docks)
            return
        placement.place(window, docks, layout)
        if layout.solo in docks and not docks[layout.solo].isHidden():
            window.alone.toggle(window, docks, layout.solo)

    def answers(self) -> tuple[Answered, ...]:
        """Return what is known of what the panes ask, hidden ones too."""
        document, cursor = self.session.document, self.selection.cursor
        asked: dict[Request, None] = dict.fromkeys(role_book.questions(document.shown).values())
        for pane in self.window.panes.values():
            asked |= dict.fromkeys(pane.requests(pane.seen(document), cursor).values())
        for scene in document.scenes:
            asked |= dict.fromkeys(self._asked_in(scene))
        known = ((request, self._board.known(request)) for request in asked)
        return tuple((request, answer) for request, answer in known if answer is not None)

    def unknown(self, scenes: Iterable[Scene]) -> list[Request]:
        """Return what scenes ask and is not known, in their order."""
        asked = dict.fromkeys(chain.from_iterable(map(self._asked_in, scenes)))
        return [request for request in asked if self._board.known(request) is None]

    def _asked_in(self, scene: Scene) -> Iterator[Request]:
        """Yield what the panes ask that are seen in a scene."""
        document, layout = scene.after(self.session.document), scene.layout
        yield from role_book.questions(document.shown).values()
        seen = [area.front for area in layout.areas if area.front not in layout.hidden]
        for title in [layout.solo] if layout.solo else seen:
            if pane := self.window.panes.get(title):
                yield from pane.requests(pane.seen(document), scene.cursor).values()

    def take_answers(self, answers: Iterable[Answered]) -> None:
        """Know what a file knows."""
        for request, answer in answers:
            self._board.take(request, answer)

    def forget_answers(self, answers: Iterable[Answered]) -> None:
        """Know no more what a file knows."""
        for request, _ in answers:
            self._board.forget(request)


def key_here(model: ModelReference) -> ModelKey:
    """Return how to open a model on this machine; of one that is not here, that it is absent."""
    source = recognised.find(model.content_id, model.name)
    return ModelKey(source or ABSENT + model.name, model.folded, dtype=model.dtype)


def as_saved(document: Document | None) -> Document | None:
    """Return a document without what no file has: where its model runs."""
    return document and document.on(BEST_DEVICE)


def read_or_say(path: Path) -> Saved | str:
    """Return what a file holds, or the sentence why it can't be read."""
    try:
        return read(path)
    except SessionError as error:
        return str(error)
