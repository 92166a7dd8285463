"""From what panes want done to the model to the document, and what is so without for a while."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, Slot

from lensgui.app.window.exchange import Exchange
from lensgui.jobs.answers.interventions import MadeVectors
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.questions.intervention_requests import MakeVector
from lensgui.jobs.request import Request
from lensgui.panes.interventions.tray import InterventionsPane
from lensgui.panes.pane import Pane
from lensgui.state.session import Session
from lensgui.terms.interventions import Intervention, words
from lensgui.terms.recipes import Addition, OfPairs, Unmade

BESIDE = "vectors"
ADDED = "{what}. “Interventions” lists what is done; hold B to see all without."
HELD = "All panes show what is so without interventions, while B is held."
NOTHING = "No intervention is on, so that all panes show what is so without."


class Intervening(QObject):
    """Adds what panes want done, once the vectors that it takes are made.

    Attributes:
        is_held: Whether panes show what is so without interventions.
    """

    def __init__(self, session: Session, exchange: Exchange, panes: Iterable[Pane]) -> None:
        super().__init__(exchange)
        self.is_held = False
        self._session, self._exchange = session, exchange
        self._waiting: dict[str, Unmade] = {}
        self._count = 0
        for pane in panes:
            pane.intervened.connect(self.add)
            if isinstance(pane, InterventionsPane):
                pane.held.connect(self.hold)
        exchange.replied.connect(self._take)

    @Slot(object)
    def add(self, additions: tuple[Addition, ...]) -> None:
        """Add interventions behind those that are there; of vectors, once these are made."""
        self._keep([one for one in additions if isinstance(one, Intervention)])
        for one in additions:
            if isinstance(one, Unmade):
                self._count += 1
                self._waiting[f"vector {self._count}"] = one
        self._ask()

    def _ask(self) -> None:
        """Ask for the vectors that are not made yet: of the pairs of the table, if it has any."""
        document, asked = self._session.document, dict[str, Request]()
        rows = tuple(row for row in document.table if row.is_included)
        for name, one in self._waiting.items():
            of = document.model, document.pair.plain, one.recipe
            asked[name] = MakeVector(*of, rows=rows if isinstance(one.recipe, OfPairs) else ())
        if asked or BESIDE in self._exchange.beside:
            self._exchange.beside[BESIDE] = asked
            self._exchange.ask()

    @Slot(str, object)
    def _take(self, name: str, reply: Reply | None) -> None:
        """Go on with vectors that are made, or say why they can't be."""
        if reply is None or name not in self._waiting:
            return
        if reply.status not in ("whole", "failed"):
            return
        unmade = self._waiting.pop(name)
        if isinstance(reply.known, MadeVectors):
            self._keep(unmade.made(reply.known.vectors))
        else:
            self._exchange.failed.emit(reply.sentence)
        self._ask()

    def _keep(self, found: Sequence[Intervention]) -> None:
        if not found:
            return
        listed = (*self._session.document.pair.interventions, *found)
        self._session.edit(interventions=listed)
        what = words(found[0]) if len(found) == 1 else f"{len(found)} interventions added"
        self._exchange.status_message.emit(ADDED.format(what=what))

    @Slot(bool)
    def hold(self, is_held: bool) -> None:
        """Show what is so without interventions, or again under them."""
        if is_held == self.is_held:
            return
        self.is_held = is_held
        self._exchange.show_before(is_held)
        acts = any(one.is_on for one in self._session.document.pair.interventions)
        self._exchange.status_message.emit((HELD if acts else NOTHING) if is_held else "")

    @Slot()
    def toggle(self) -> None:
        """Show what is so without interventions until it is asked for again."""
        self.hold(not self.is_held)
