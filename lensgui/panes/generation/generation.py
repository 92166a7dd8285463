"""Generation: what the model writes behind a prompt, before and after interventions."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.generation import Continuations, Continued
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.questions.generation_requests import Generate, asked_of
from lensgui.jobs.request import Request
from lensgui.panes import menus, theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.coloured_tokens import ScrolledTokens
from lensgui.panes.controls.controls import Lines, Shares
from lensgui.panes.figures.shown import Shown
from lensgui.panes.generation import generation_words as words
from lensgui.panes.generation.generation_actions import MORE
from lensgui.panes.generation.generation_controls import MOST, GenerationControls
from lensgui.panes.generation.written_text import WrittenText
from lensgui.panes.pane import Pane
from lensgui.panes.token_text import plain_tip
from lensgui.panes.verb import Verb
from lensgui.state.document import Document
from lensgui.state.followed import Followed, written_behind
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, GenerationView

WRITTEN = "written"  # the pane's name for its question
FEW = 4  # likeliest tokens that are named where there is one of each text
SIDE_BY_SIDE = 520  # pixels: in a narrower pane one text stands above the other


class GenerationPane(Pane):
    """Two texts side by side, one where nothing is done to the model, and what takes a token.

    Attributes:
        texts: The text without interventions, and the one under them.
        reading: What is said of the token that is pointed at, or selected.
    """

    title: ClassVar[str] = "Generation"
    guide: ClassVar[str] = "generation.md"
    view_name: ClassVar[str] = "generation"
    about: ClassVar[str] = (
        "How the model goes on behind the prompt, token by token, before and after interventions."
    )
    shows_all_interventions: ClassVar[bool] = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._at: int | None = None
        self._of = 0  # the text that was clicked
        self._is_of: tuple[object, ...] = ()  # what the selected token was written behind
        self._followed: Followed | None = None  # as it was said last
        self.controls = GenerationControls(self)
        self.legend = Lines(3, self)
        self.texts = WrittenText(words.ALONE, self), WrittenText(words.UNDER, self)
        self.rooms = tuple(ScrolledTokens(text, self) for text in self.texts)
        self.shares = Shares(Qt.Orientation.Vertical, self)
        self.reading = Lines(4, self)
        self.reading.setAccessibleName("What is pointed at or selected, in words")
        self._empty_states = {self.texts[0]: words.NOTHING}
        for room in self.rooms:
            self.shares.add_part(room, 1)
        for part, share in (
            (self.controls, 0), (self.legend, 0), (self.shares, 1), (self.reading, 0),
        ):  # fmt: skip
            self.column.addWidget(part, share)
        self._connect()
        self._draw()

    def _connect(self) -> None:
        self.controls.chosen.connect(self.set_view)
        self.controls.stop.clicked.connect(lambda: self.paused.emit(WRITTEN, True))
        self.controls.more.clicked.connect(self._go_on)
        self.controls.take.clicked.connect(self.take)
        for number, text in enumerate(self.texts):
            text.picked.connect(lambda fields, of=number: self._select(of, fields["token"]))
            text.taken.connect(self.take)
            text.hovered.connect(self.hovered)
            text.hovered.connect(self._read)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the texts beside each other where there is room."""
        super().resizeEvent(event)
        is_wide = self.width() >= theme.zoomed(SIDE_BY_SIDE)
        turned = Qt.Orientation.Horizontal if is_wide else Qt.Orientation.Vertical
        if turned != self.shares.orientation():
            self.shares.setOrientation(turned)

    @property
    def _view(self) -> GenerationView:
        views = self._document.views if self._document is not None else AT_FIRST
        return views.generation

    @property
    def _found(self) -> Continuations | None:
        return self.answer(WRITTEN, Continuations)

    @property
    def _answered(self) -> Generate | None:
        """The question that what is drawn answers."""
        reply = self.reply(WRITTEN)
        request = None if reply is None else (reply.of or reply.request)
        return request if isinstance(request, Generate) else None

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Ask for the text behind the prompt, as far as there is one."""
        if words.why_empty(document):
            return {}
        return {WRITTEN: asked_of(written_behind(document.shown))}

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to write the same."""
        return words.python(document.shown)

    def shown(self) -> list[Shown]:
        """Return what is written, with the probability of each token."""
        found, asked = self._found, self._answered
        if found is None or asked is None or not found.without.tokens:
            return []
        return [words.shown(self.shares, self.texts, found, asked)]

    def show_document(self, document: Document) -> None:
        """Show how it is set, and a text for each side that there is."""
        self._document = document
        self.controls.show_view(document.views.generation)
        self._draw()

    def show_reply(self, name: str, reply: Reply | None) -> None:
        """Show how the question stands, its end too, which brings no other text."""
        super().show_reply(name, reply)
        self._show_state()
        self._say_followed()

    def draw_reply(self, name: str) -> None:
        """Add the tokens that have come."""
        self._draw()

    def _draw(self) -> None:
        found, asked = self._found, self._answered
        written_behind = () if asked is None else (asked.model, asked.side, asked.text)
        if written_behind != self._is_of:
            self._at, self._is_of = None, written_behind
        self._draw_texts(found)
        said = "" if found is None or asked is None else words.caption(found, asked)
        self.legend.setText(said)
        self.legend.setToolTip(plain_tip(said))
        self._read("")
        self._show_state()
        self._say_followed()

    def _draw_texts(self, found: Continuations | None) -> None:
        is_under = self._document is not None and words.acts(self._document.shown)
        self.texts[0].show_name(words.WITHOUT if is_under else words.ALONE)
        self.rooms[1].setVisible(is_under)
        sides = (None, None) if found is None else (found.without, found.under)
        for text, side in zip(self.texts, sides, strict=True):
            text.show_written(side, None if found is None else found.differs_at, self._at)
            text.show_stale(self.is_stale(WRITTEN))
        lacks = words.NOT_DONE if found is not None and found.under is None else ""
        why = words.why_empty(self._document)
        self._say_if_empty({self.texts[0]: why, self.texts[1]: why or lacks}, WRITTEN)

    def _show_state(self) -> None:
        reply, found = self.reply(WRITTEN), self._found
        is_running = reply is not None and reply.is_running
        is_resting = reply is not None and (
            reply.status == "paused" or (reply.status == "failed" and found is not None)
        )
        has_more = found is not None and found.can_go_on and self._view.count < MOST
        self.controls.show_state(
            is_running=is_running,
            can_go_on=is_resting or (not is_running and has_more),
            can_take=self._taken() is not None,
        )

    @Slot()
    def _go_on(self) -> None:
        """Go on where it rests, or ask for more."""
        reply = self.reply(WRITTEN)
        if reply is not None and reply.status == "paused":
            self.paused.emit(WRITTEN, False)
        elif reply is not None and reply.status == "failed":
            self.again.emit()
        else:
            self.set_view({"count": min(MOST, self._view.count + MORE)})

    def _select(self, of: int, token: int) -> None:
        """Select a token of a text, and the one at the same place in the other."""
        self._of, self._at = of, token
        self._draw()
        self.rooms[of].reveal()

    @Slot()
    def let_go(self) -> None:
        """Select no token."""
        self._at = None
        self._draw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let the selected token go with Esc."""
        if event.key() == Qt.Key.Key_Escape and self._at is not None:
            self.let_go()
        else:
            super().keyPressEvent(event)

    def _say_followed(self) -> None:
        """Say which token other panes may follow, if that is another one now."""
        followed = self._to_follow()
        if followed != self._followed:
            self._followed = followed
            self.followed.emit(followed)

    def _to_follow(self) -> Followed | None:
        """Return the selected token, if it stands in a text that answers what is asked now."""
        found, asked, side, at = self._found, self._answered, self._side(self._of), self._at
        if found is None or asked is None or side is None or at is None:
            return None
        tokens = tuple(one.token.id for one in side.tokens[: at + 1])
        if len(tokens) <= at or self._document is None:
            return None
        followed = Followed(asked.beginning, self._of == 1, tokens, found.prompt)
        return followed if followed.is_of(self._document.shown) else None

    @Slot(str)
    def _read(self, pointed: str) -> None:
        """Say what is pointed at; else what is selected, in both texts."""
        said = [pointed]
        if not pointed:
            chosen = [(text, text.chosen) for text in self.texts if not text.isHidden()]
            there = [(text, at) for text, at in chosen if at is not None]
            said = [text.words(at, FEW if len(there) > 1 else None) for text, at in there]
        self.reading.setText("\n".join(said))

    def _side(self, of: int) -> Continued | None:
        found = self._found
        return None if found is None else (found.without, found.under)[of]

    def _taken(self) -> tuple[str, int] | None:
        """Return the prompt up to the selected token, and its last position; None for none."""
        reply, asked, side = self.reply(WRITTEN), self._answered, self._side(self._of)
        is_old = reply is None or reply.is_old
        at, found = self._at, self._found
        if is_old or asked is None or side is None or found is None or at is None:
            return None
        if at >= len(side.tokens):
            return None
        return asked.text + side.text(at + 1), found.prompt + at

    @Slot()
    def take(self) -> None:
        """Make the prompt end with the selected token, and select that in every pane."""
        taken, asked = self._taken(), self._answered
        if taken is None or asked is None:
            return
        text, position = taken
        self.edited.emit({asked.side: text})
        if asked.side == "clean":
            self.picked.emit({"position": position})

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with a token; elsewhere with the picture."""
        for number, text in enumerate(self.texts):
            where = text.mapFrom(self, event.pos())
            is_by_key = event.reason() == QContextMenuEvent.Reason.Keyboard and text.hasFocus()
            at = text.chosen if is_by_key else text.token_at(where.toPointF())
            if at is not None and (is_by_key or self.rooms[number].isVisible()):
                self._select(number, at)
                self._show_verbs(number, at, event.globalPos())
                return
        super().contextMenuEvent(event)

    def _show_verbs(self, number: int, at: int, where: QPoint) -> None:
        side = self._side(number)
        if side is None:
            return
        action = PANE_ACTIONS["take_as_prompt"]
        reason = "" if self._taken() is not None else "It was written behind an older prompt."
        found = [
            Verb(action.text, action.tip, self.take, reason=reason),
            menus.copying(side.text(at + 1), "Copy the text up to here"),
            menus.copying(side.text(), "Copy all of the text"),
            menus.copying(self.texts[number].words(at)),
        ]
        menus.show_menu(self, found, where)
