"""From what the user looks at to requests, and from replies back to the panes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from lensgui.app.window import role_book
from lensgui.app.window.role_book import RoleBook
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.request import Request
from lensgui.jobs.requests import OpenModel, ReadPair
from lensgui.jobs.runner import STOPPED, Runner
from lensgui.panes.menus import toggled
from lensgui.panes.pane import MODEL as NAME
from lensgui.panes.pane import NO_NUMBERS, UNEQUAL, Channel, Pane
from lensgui.prompts.pair import PromptPair
from lensgui.state.changes import strengths
from lensgui.state.document import Document
from lensgui.state.followed import Followed
from lensgui.state.selection import Cursor, Selection
from lensgui.state.session import Session
from lensgui.terms.model_key import ModelKey

MODEL: Channel = ("", NAME)
NOT_OPENED = "Opening the model was stopped; the one before is open."
TYPED_PROMPTS = {"clean", "corrupted"}
PROMPTS = "Prompt"  # the title of the pane that says what concerns all of them


class Exchange(QObject):
    """Asks for every visible pane what it wants to know, once the model is open.

    Attributes:
        card: The model that is open; None while there is none.
        opened: (ModelCard,) when another model is open.
        status_message: (sentence,) for the status bar.
        failed: (sentence,) why there is no model, where no pane says so.
        beside: What is asked beside the panes' questions, by names of its own.
        replied: (name, Reply) how one of these stands.
    """

    opened = Signal(object)
    status_message = Signal(str)
    failed = Signal(str)
    replied = Signal(str, object)

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
        self._last = -1  # position of the clean prompt
        self._position = selection.cursor.position
        self._is_unequal = False  # whether the prompts are known to differ in length
        self._is_at_last = False  # whether the last position of the clean prompt is selected
        self._asking, self._is_news = 0, False  # how deep; whether others have to be told after it
        self._turn = 0  # of asking: a pane that is told something may ask anew
        self._read: tuple[ModelKey, PromptPair] | None = None
        self._named: ModelKey | None = None  # by the document
        self._asked: PromptPair | None = None
        self._roles = RoleBook()
        self._is_before, self._shown = False, session.document.shown
        self._followed: Followed | None = None
        self._writer: Pane | None = None  # the pane that it is selected in
        self.beside: dict[str, Mapping[str, Request]] = {}

    def show_before(self, is_before: bool) -> None:
        """Show every pane as it is without interventions, or again under them; no edit of any."""
        if is_before != self._is_before:
            self._is_before = is_before
            self.show_document(self._session.document)

    @Slot()
    def ask(self) -> None:
        """Submit what the visible panes want to know; what they asked before runs on.

        Whoever shows other panes' answers hears of all that this changes at once.
        """
        if self._writer is not None and not self._writer.is_in_sight:
            self.unfollow()
        self._asking += 1
        try:
            self._ask()
        finally:
            self._asking -= 1
        if self._is_news:
            self._tell_others()

    def _ask(self) -> None:
        self._turn += 1
        turn, document = self._turn, self._shown
        needed = self._needed(document)
        for channel, reply in list(self._runner.replies.items()):
            if turn == self._turn and channel not in needed and not self._stays(channel, reply):
                self._runner.cancel(channel)
        before, pair = self._asked, document.pair
        self._asked = pair
        is_typed = before is None or pair.plain != before.plain  # patterns come before the metric
        is_dragged = before is not None and strengths(before.interventions, pair.interventions)
        for channel in sorted(needed, key=lambda at: isinstance(needed[at], ReadPair) == is_typed):
            if turn == self._turn:  # else all was asked anew meanwhile
                request = needed[channel]
                waits = is_dragged and not isinstance(request, ReadPair)  # all but the metric
                self._runner.submit(channel, request, when_quiet=bool(waits) or request.is_slow)

    def of(self, pane: Pane) -> Document:
        """Return the document as a pane shows it."""
        if pane.shows_all_interventions:
            return self._session.document
        followed = self._followed_by(pane)
        return self._shown if followed is None else followed.document(self._shown)

    def at(self, pane: Pane) -> Cursor:
        """Return what is selected as a pane shows it."""
        cursor, followed = self._selection.cursor, self._followed_by(pane)
        return cursor if followed is None else followed.cursor(cursor)

    def _followed_by(self, pane: object) -> Followed | None:
        """Return the token that a pane follows now; means are of prompts alone."""
        follows = getattr(pane, "follows_written", False) and not self._shown.rows
        return self._followed if follows else None

    @Slot(object)
    def follow(self, followed: Followed | None) -> None:
        """Have some panes show the run up to a token that was written, or the prompt alone."""
        if followed == self._followed:
            return
        sender, self._followed = self.sender(), followed
        self._writer = sender if isinstance(sender, Pane) and followed is not None else None
        for pane in self._panes.values():
            if pane.follows_written:
                document = self.of(pane)
                pane.show_document(document)
                pane.show_mode(document)
                pane.show_cursor(self.at(pane))
        self.ask()

    @Slot()
    def unfollow(self) -> None:
        """Show the prompt alone: the token that was written is selected no longer."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.let_go()

    def forget_model(self) -> None:
        """Go on with no model that was open: what comes is about another one, or about none."""
        self.card, self._roles = None, RoleBook()

    @Slot(object)
    def show_document(self, document: Document) -> None:
        """Bring an edit to the panes; what was said of the document before is no longer true."""
        self.status_message.emit("")
        if self.card is not None and self.card.key == document.model != self._named:
            self.opened.emit(self.card)  # it is open still, or will be again
        before, self._named = self._named, document.model
        if document.model.is_absent and document.model != before:
            self.forget_model()
            for channel in list(self._runner.replies):
                self._runner.cancel(channel)  # nothing of another model is shown for it
        shown = document.shown
        is_dropped = self._followed is not None and not self._followed.is_of(shown)
        if is_dropped:
            self._followed = self._writer = None
        shown = self._shown = shown.before if self._is_before else shown
        if (shown.model, shown.pair.plain) != self._read:
            self._read = shown.model, shown.pair.plain
            self._positions, self._is_unequal = 0, False
        self._limit_positions()
        for pane in self._panes.values():
            own = self.of(pane)
            pane.show_document(own)
            pane.show_mode(own)
            if is_dropped:
                pane.show_cursor(self.at(pane))
        self._show_roles()
        self.ask()

    @Slot(object)
    def show_cursor(self, cursor: Cursor) -> None:
        """Bring a selection to the panes."""
        if self._positions:
            self._is_at_last = cursor.position == self._last
        elif cursor.position != self._position:
            self._is_at_last = False  # a place that was chosen before the prompt is read
        self._position = cursor.position
        for pane in self._panes.values():
            pane.show_cursor(self.at(pane))
        self.ask()

    @Slot()
    def draw_anew(self) -> None:
        """Have the panes put all they know into words and pictures again, as these are now."""
        for pane in self._panes.values():
            pane.show_document(self.of(pane))
            pane.draw_anew()
            pane.show_cursor(self.at(pane))
            pane.show_all(self._runner.replies)

    @Slot(object)
    def pick(self, places: dict[str, Any]) -> None:
        """Select what a pane says was clicked."""
        followed = self._followed_by(self.sender())
        self._selection.move(**(places if followed is None else followed.picked(places)))

    @Slot(object)
    def pin(self, place: Cursor) -> None:
        """Pin a place, or unpin it."""
        self._session.edit(pins=toggled(self._session.document.pins, place))

    @Slot(object)
    def edit(self, changes: dict[str, Any]) -> None:
        """Change what a pane says was edited; who types another prompt looks at that one."""
        if self._session.document.is_average and TYPED_PROMPTS & changes.keys():
            changes = {**changes, "is_average": False}
        followed = self._followed_by(self.sender())
        if followed is not None:
            changes, stays = followed.meant(self._shown, changes)
            if not stays:
                self.unfollow()
        self._session.edit(**changes)

    @Slot(str)
    def begin_anew(self, title: str) -> None:
        """Let a pane ask about what is selected, since another one offered that."""
        self._panes[title].begin_anew()

    @Slot(str, bool)
    def pause(self, name: str, is_paused: bool) -> None:
        """Let a question of the pane that says so rest, or go on."""
        channel = getattr(self.sender(), "title", ""), name
        if channel in self._runner.replies:
            act = self._runner.pause if is_paused else self._runner.resume
            act(channel)

    @Slot()
    def compute_anew(self) -> None:
        """Have worked out here what the pane that says so has from a file."""
        title = getattr(self.sender(), "title", "")
        found = self._runner.replies.items()
        stale = [reply.request for (of, _), reply in found if of == title and reply.is_from_file]
        if stale:
            self._runner.retry(*stale)

    @Slot()
    def retry(self) -> None:
        """Ask anew what failed or was stopped."""
        self._runner.retry()
        self.ask()

    @Slot(object, object)
    def receive(self, channel: Channel, reply: Reply | None) -> None:
        """Bring a reply to its pane, and to those that show other panes' answers."""
        if channel == MODEL:
            self._receive_model(reply)
            return
        title, name = channel
        if channel in role_book.CHANNELS:
            if self._roles.take(channel, reply):
                self._show_roles()
            return
        if title not in self._panes:
            self.replied.emit(name, reply)
            return
        reply = self._in_short(reply)
        self._panes[title].show_reply(name, reply)
        self._tell_others()
        document = self._shown
        is_of_these = reply is not None and reply.request == ReadPair(document.model, document.pair)
        if reply is not None and is_of_these and isinstance(reply.known, PairReading):
            prompts = [reply.known.clean, reply.known.corrupted or reply.known.clean]
            self._positions = max(len(prompt.tokens) for prompt in prompts)
            self._is_unequal = reply.known.is_unequal
            self._last = len(prompts[0].tokens) - 1
            self._follow_last()
            self._limit_positions()

    def _tell_others(self) -> None:
        """Bring all replies to the panes that show other panes' answers, once nothing is asked."""
        self._is_news = self._asking > 0
        if not self._is_news:
            for pane in self._panes.values():
                pane.show_all(self._runner.replies)

    def _in_short(self, reply: Reply | None) -> Reply | None:
        """Return a reply without what is said of all panes elsewhere."""
        if reply is None or reply.status != "failed" or reply.sentence == STOPPED:
            return reply
        if self._session.document.model.is_absent:
            return replace(reply, sentence=NO_NUMBERS)  # a line above the panes says which model
        if self._is_unequal and reply.request.needs_equal_lengths:
            return replace(reply, sentence=UNEQUAL)
        return reply

    def _receive_model(self, reply: Reply | None) -> None:
        """Tell every pane; why there is no model is said once, at the prompts.

        If another was open, that stays.
        """
        if reply is not None and reply.status == "failed" and self.card is not None:
            self._keep_model(self.card, reply)
            return
        card = reply.known if reply is not None else None
        new = card if isinstance(card, ModelCard) and card != self.card else None
        if new is not None:
            if self.card is not None and new.key.source != self.card.key.source:
                self._selection.move(token=None)  # whose id is another token's there
            self.card, self._roles = new, RoleBook()
            self._selection.limit(layer=new.n_layers, head=new.n_heads, neuron=new.n_neurons)
            self._show_roles()
        for title, pane in self._panes.items():
            is_quiet = title != PROMPTS or self._session.document.model.is_absent
            pane.show_reply(NAME, replace(reply, sentence="") if reply and is_quiet else reply)
        if reply is not None and reply.sentence and not self._panes[PROMPTS].isVisible():
            self.failed.emit(reply.sentence)
        if new is not None:
            self.opened.emit(new)
            if new.remark:
                self.status_message.emit(new.remark)
            self.ask()

    def _show_roles(self) -> None:
        """Tell every pane what part each head plays."""
        document = self._session.document
        roles = self._roles.roles(document)
        for pane in self._panes.values():
            if (roles, document.roles) != (pane.roles, pane.given):
                pane.show_roles(roles, document.roles)

    def _follow_last(self) -> None:
        """Keep the last position selected where it was, however long the prompt is now."""
        cursor = self._selection.cursor
        if self._is_at_last and cursor.position is not None and not self._session.document.rows:
            self._selection.forget("position", "source")
            self._selection.move(position=self._last)
        self._is_at_last = self._selection.cursor.position == self._last

    def _keep_model(self, card: ModelCard, reply: Reply) -> None:
        """Go on with the model that was open, and say why it is not another."""
        self._session.keep_model(self._session.document.model, card.key)
        self.failed.emit(NOT_OPENED if reply.sentence == STOPPED else reply.sentence)

    def _limit_positions(self) -> None:
        """Keep the selection within the longer prompt; prompts of a table have their own length."""
        if self._session.document.rows or not self._positions:
            self._selection.forget("position", "source")
        else:
            self._selection.limit(position=self._positions, source=self._positions)

    def _needed(self, document: Document) -> dict[Channel, Request]:
        """Return what is to be asked: what the visible panes want to know of an open model.

        Of one that is not here, a file may have the answers.
        """
        opening: dict[Channel, Request] = {MODEL: OpenModel(document.model)}
        is_open = self.card is not None and self.card.key == document.model
        if not (is_open or document.model.is_absent):
            return opening
        if not document.model.is_absent:
            found = chain.from_iterable(asked.items() for asked in self.beside.values())
            opening = {("", name): request for name, request in found}
        return (
            opening
            | role_book.questions(document)
            | {
                (title, name): request
                for title, pane in self._panes.items()
                if pane.is_in_sight
                for name, request in self._requests(pane).items()
            }
        )

    def _requests(self, pane: Pane) -> dict[str, Request]:
        return pane.requests(self.of(pane), self.at(pane))

    def _stays(self, channel: Channel, reply: Reply) -> bool:
        """Whether a question that nobody asks any more keeps its answer."""
        title, name = channel
        if channel in role_book.CHANNELS:
            return False
        if channel == MODEL:
            return reply.request == OpenModel(self._session.document.model)
        is_paused = reply.status == "paused"  # by the user, even in a pane that is hidden now
        return is_paused and self._requests(self._panes[title]).get(name) == reply.request
