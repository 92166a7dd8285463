"""The parts of a window that a session is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from lensgui.app.sessions import placement
from lensgui.app.window import role_book
from lensgui.app.window.docks import Dock
from lensgui.app.window.exchange import Exchange
from lensgui.app.window.layout import Solo, arrange
from lensgui.app.window.window import MainWindow
from lensgui.jobs.requests import Request
from lensgui.jobs.results import Answer, ModelCard
from lensgui.jobs.runner import Runner
from lensgui.models import recognised
from lensgui.panes.pane import Pane
from lensgui.state.selection import Selection
from lensgui.state.session import Session
from lensgui.state.sessions.saved import Layout, ModelReference
from lensgui.terms.model_key import ABSENT, ModelKey

Answered = tuple[Request, Answer]


@dataclass(frozen=True, slots=True)
class Host:
    """What a session is read off, and shown in."""

    window: MainWindow
    session: Session
    selection: Selection
    exchange: Exchange
    runner: Runner
    panes: Mapping[str, Pane]
    docks: Mapping[str, Dock]
    alone: Solo

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
        alone = self.alone
        if alone.title and alone.layout is not None:
            return replace(alone.layout, solo=alone.title)
        return placement.placed(self.window, self.docks)

    def show_layout(self, layout: Layout | None) -> None:
        """Put the panes where a layout says; without one, where they were at first.

        A window that is not shown yet does so as soon as it is.
        """
        if not self.window.isVisible():
            self.window.lay_out = partial(self.show_layout, layout)
            return
        self.alone.forget(self.docks)
        if layout is None:
            arrange(self.window, self.docks)
            return
        placement.place(self.window, self.docks, layout)
        if layout.solo in self.docks:
            self.alone.toggle(self.window, self.docks, layout.solo)

    def answers(self) -> tuple[Answered, ...]:
        """Return what is known of what the panes ask, hidden ones too."""
        document, cursor = self.session.document, self.selection.cursor
        asked: dict[Request, None] = dict.fromkeys(role_book.questions(document).values())
        for pane in self.panes.values():
            asked |= dict.fromkeys(pane.requests(document, cursor).values())
        known = ((request, self.runner.board.known(request)) for request in asked)
        return tuple((request, answer) for request, answer in known if answer is not None)

    def take_answers(self, answers: Iterable[Answered]) -> None:
        """Know what a file knows."""
        for request, answer in answers:
            self.runner.board.take(request, answer)

    def forget_answers(self, answers: Iterable[Answered]) -> None:
        """Know no more what a file knows."""
        for request, _ in answers:
            self.runner.board.forget(request)


def key_here(model: ModelReference) -> ModelKey:
    """Return how to open a model on this machine; of one that is not here, that it is absent."""
    source = recognised.find(model.content_id, model.name)
    return ModelKey(source or ABSENT + model.name, model.folded, dtype=model.dtype)
