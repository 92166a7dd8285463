"""Everything known about the selection, in words and numbers."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from lensgui.jobs.answering import Answer
from lensgui.jobs.reports import HeadReading, LensReading, ModelCard, PairReading, Token
from lensgui.jobs.requests import LogitLens, ReadHead, ReadPair, Request
from lensgui.jobs.slices import Sweep
from lensgui.panes import snippets
from lensgui.panes.cells import cell_of, cell_words, group_size
from lensgui.panes.chips import Chip, ChipRow
from lensgui.panes.kinds import effect, phrase
from lensgui.panes.lensrows import LensRows
from lensgui.panes.pane import Pane
from lensgui.panes.parts import caption, headline, sentence
from lensgui.panes.ranking import Ranking
from lensgui.panes.spelling import shorten, signed, spell, token_at
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

NO_HEAD = "Click a head in the attention grid."
NO_POSITION = "Click a token of the prompt, or a cell of a picture."
NO_PATCHING = "Type a corrupted prompt to see what patching here restores."
MOST_TOKENS = 6


class InspectorPane(Pane):
    """The selected layer, head and position: what is read, written and decided there."""

    title: ClassVar[str] = "Inspector"
    about: ClassVar[str] = "What is known about the selected layer, head and position."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sweep: Sweep | None = None
        self.head: HeadReading | None = None
        self._pair: PairReading | None = None
        self._cursor = Cursor()
        self._document: Document | None = None
        self._group = 1
        self.place = headline("", self)
        self.attention = Ranking(self)
        self.patching = sentence(self)
        self.written = sentence(self)
        self.promoted = ChipRow(self)
        self.suppressed = ChipRow(self)
        self.lens = LensRows(self)
        self.captions: dict[str, QLabel] = {}
        self._lay_out()
        for part in (self.attention, self.lens):
            part.picked.connect(self.picked)
            part.hovered.connect(self.hovered)
        for row in (self.promoted, self.suppressed):
            row.hovered.connect(self.hovered)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return what the selection is complete enough to ask."""
        model, pair = document.model, document.pair
        if not pair.clean:
            return {}
        wanted: dict[str, Request] = {"pair": ReadPair(model, pair)}
        across = cursor.head if document.views[0].kind.is_of_heads else cursor.position
        if pair.is_complete and cursor.layer is not None and across is not None:
            wanted["sweep"] = document.patching(0)
        if cursor.position is None:
            return wanted
        wanted["lens"] = LogitLens(model, pair, cursor.position)
        if cursor.layer is not None and cursor.head is not None:
            wanted["head"] = ReadHead(model, pair, cursor.layer, cursor.head, cursor.position)
        return wanted

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to get the selected head's numbers."""
        return snippets.inspector(document, cursor)

    def show_card(self, card: ModelCard) -> None:
        """Take note of how many heads share their keys and values."""
        super().show_card(card)
        self._group = group_size(card)

    def show_document(self, document: Document) -> None:
        """Name what is patched; the value of another kind of patching is no answer to it."""
        before, self._document = self._document, document
        view = document.views[0]
        if before is not None and view != before.views[0]:
            self.sweep = None
        self.captions["patching"].setText(f"Patching {phrase(view.kind)} here")
        self.captions["patching"].setToolTip(effect(view.kind, view.direction))
        self._describe()

    def show_cursor(self, cursor: Cursor) -> None:
        """Name the selection."""
        self._cursor = cursor
        self.attention.show_chosen(cursor.source)
        self.lens.show_layer(cursor.layer)
        self._describe()

    def show_answer(self, name: str, answer: Answer) -> None:
        """Show what is now known."""
        super().show_answer(name, answer)
        match answer:
            case Sweep():
                self.sweep = answer
            case PairReading():
                self._pair = answer
            case HeadReading():
                self.head = answer
                self._show_head(answer)
            case LensReading():
                self.lens.show_reading(answer)
        self._describe()

    def show_pending(self, name: str) -> None:
        """Dim what answers an older question."""
        super().show_pending(name)
        if name == "lens":
            self.lens.show_stale()

    def clear(self, name: str) -> None:
        """Forget what is no longer asked."""
        super().clear(name)
        if name == "sweep":
            self.sweep = None
        elif name == "pair":
            self._pair = None
        elif name == "lens":
            self.lens.show_reading(None)
        elif name == "head":
            self.head = None
            self._show_head(None)
        self._describe()

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(3)
        parts: tuple[tuple[str, str, tuple[QWidget, ...]], ...] = (
            ("attention", "Attention from here", (self.attention,)),
            ("patching", "Patching here", (self.patching,)),
            ("written", "What the head writes here", (self.written,)),
            ("promoted", "raises most", (self.promoted,)),
            ("suppressed", "lowers most", (self.suppressed,)),
            ("lens", "Logit lens: the next token by layer", (self.lens,)),
        )
        for name, text, widgets in parts:
            self.captions[name] = caption(text, inside)
            self.captions[name].setContentsMargins(0, 5, 0, 0)
            self.captions[name].setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            column.addWidget(self.captions[name])
            for widget in widgets:
                column.addWidget(widget)
        self.captions["patching"].setWordWrap(True)
        self.captions["patching"].setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum
        )
        column.addStretch(1)
        scroll = QScrollArea(self, widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        self.column.addWidget(self.place)
        self.column.addWidget(scroll, 1)
        self.captions["written"].setToolTip(
            "Direct logit attribution: the head's output at this position, read through the final "
            "norm (its scale frozen) and the unembedding, for answer − distractor."
        )
        self.captions["lens"].setToolTip(
            "The residual stream after each layer, decoded as if it were the last "
            "(nostalgebraist 2020); dots: logit difference."
        )
        self.captions["attention"].setToolTip(
            "Where the head looks from this position, most first."
        )
        self.promoted.setAccessibleName("Tokens the head raises most")
        self.suppressed.setAccessibleName("Tokens the head lowers most")

    def _describe(self) -> None:
        cursor = self._cursor
        self.place.setText(self._place())
        self.patching.setText(self._patching())
        self.written.setText(self._written())
        has_head = self.head is not None
        for name in ("promoted", "suppressed"):
            self.captions[name].setVisible(has_head)
        self.promoted.setVisible(has_head)
        self.suppressed.setVisible(has_head)
        self.attention.setVisible(has_head)
        self.captions["attention"].setVisible(has_head)
        self.captions["lens"].setVisible(cursor.position is not None)

    def _place(self) -> str:
        cursor = self._cursor
        parts = []
        if cursor.layer is not None:
            head = f"H{cursor.head}" if cursor.head is not None else ""
            parts.append(f"L{cursor.layer}{head}")
        for words, position in (("position", cursor.position), ("source", cursor.source)):
            if position is not None:
                token = token_at(self._pair.clean if self._pair else None, position)
                parts.append(f"{words} {position}" + (f" {_spelled(token)}" if token else ""))
        return ", ".join(parts) or "Nothing is selected"

    def _patching(self) -> str:
        cursor, document = self._cursor, self._document
        if document is None or not document.pair.is_complete:
            return NO_PATCHING
        across = cursor.head if document.views[0].kind.is_of_heads else cursor.position
        if across is None or cursor.layer is None:
            return "Click a cell of the patching heatmap."
        cell = cell_of(self.sweep, cursor, self._group) if self.sweep else None
        if self.sweep is None or cell is None:
            return "not computed yet"
        return cell_words(self.sweep, *cell)

    def _written(self) -> str:
        if self._cursor.layer is None or self._cursor.head is None:
            return NO_HEAD
        if self._cursor.position is None:
            return NO_POSITION
        if self.head is None:
            return ""
        if self.head.attribution is None:
            return "No answer and distractor to attribute to."
        return f"{signed(self.head.attribution)} logits to answer − distractor, directly"

    def _show_head(self, reading: HeadReading | None) -> None:
        if reading is None:
            return
        names = [spell(token) for token in reading.tokens]
        self.attention.show_attention(names, reading.attention)
        self.promoted.show_chips(_chips(reading.promoted))
        self.suppressed.show_chips(_chips(reading.suppressed))


def _spelled(token: Token) -> str:
    return f"‘{spell(token)}’"


def _chips(tokens: tuple[tuple[Token, float], ...]) -> list[Chip]:
    return [
        Chip(
            text=shorten(spell(token), 12),
            note=signed(size, 1),
            hover=f"‘{spell(token)}’ {signed(size)} logits; id {token.id}",
        )
        for token, size in tokens[:MOST_TOKENS]
    ]
