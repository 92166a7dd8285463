"""Neurons: those of a layer, ranked, and the selected one."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QContextMenuEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from lensgui.jobs.answers.arrays import Slice
from lensgui.jobs.answers.neurons import (
    NeuronInWords,
    NeuronPlaces,
    NeuronProducts,
    NeuronRanking,
    NeuronWords,
)
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.questions.neuron_requests import (
    FindPlaces,
    NeuronOverPrompt,
    NeuronSlopes,
    RankNeurons,
    ReadNeurons,
    TextFile,
)
from lensgui.jobs.request import Request
from lensgui.jobs.requests import ReadPair
from lensgui.panes import menus, theme
from lensgui.panes.controls.controls import Lines, Shares
from lensgui.panes.figures.shown import Shown
from lensgui.panes.neurons import neuron_code, neuron_panels
from lensgui.panes.neurons.neuron_card import NO_PLACES, NO_TEXT, NeuronCard
from lensgui.panes.neurons.neuron_controls import NeuronControls
from lensgui.panes.neurons.neuron_rows import NeuronRows
from lensgui.panes.neurons.neuron_seen import (
    ATTENTION_ONLY,
    NAMES,
    NO_CORRUPTED,
    NOTHING,
    Row,
    Seen,
    ranked,
)
from lensgui.panes.neurons.text_choice import dropped_text, text_file
from lensgui.panes.pane import Pane
from lensgui.panes.token_text import plain_tip
from lensgui.prompts.pair import PairRow
from lensgui.prompts.sides import lacking, one_side, unchanged
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import AT_FIRST, NeuronsView
from lensgui.terms.model_key import ModelKey

WIDE = 1.3  # times as wide as tall: the card stands beside the ranking
LEAST_WIDE = 760  # pixels, likewise
CUT = ", the first 100,000 tokens; the file goes on"
ANSWERS = NeuronRanking, NeuronProducts
TEXT = "text"  # the pane's name for what went wrong with a file


class NeuronsPane(Pane):
    """A layer's neurons at a position, ranked, and the card of one of them.

    Attributes:
        reading: What is said of what is pointed at.
    """

    title: ClassVar[str] = "Neurons"
    guide: ClassVar[str] = "neurons.md"
    view_name: ClassVar[str] = "neurons"
    about: ClassVar[str] = (
        "What the neurons of a layer do at a position, and one of them everywhere."
    )

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seen, self._cursor = Seen(), Cursor()
        self._text: TextFile | None = None
        self._words: dict[int, NeuronInWords] = {}
        self._words_of: tuple[ModelKey, int] | None = None
        self._asked: tuple[object, ...] = ()
        self._made_of: tuple[object, ...] = ()
        self._listed: tuple[Row, ...] = ()
        self.controls = NeuronControls(self)
        self.legend = Lines(1, self)
        self.rows = NeuronRows(self)
        self.list = QScrollArea(self)
        self.card_view = NeuronCard(self)
        self.reading = Lines(2, self)
        self.reading.setAccessibleName("What is pointed at, in words")
        self._empty_states = {self.rows: NOTHING}
        self._lay_out()
        self._connect()
        self._draw()

    def _lay_out(self) -> None:
        self.setAcceptDrops(True)
        self.list.setWidget(self.rows)
        self.list.setWidgetResizable(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.shares = Shares(Qt.Orientation.Vertical, self)
        self.shares.add_part(self.list, 4)
        self.shares.add_part(self.card_view, 5)
        self.column.addWidget(self.controls)
        self.column.addWidget(self.legend)
        self.column.addWidget(self.shares, 1)
        self.column.addWidget(self.reading)

    def _connect(self) -> None:
        self.controls.chosen.connect(self.set_view)
        self.controls.layer_chosen.connect(self._choose_layer)
        self.controls.text_chosen.connect(self.read_text)
        for part in (self.rows, self.card_view):
            part.picked.connect(self.picked)
            part.hovered.connect(self.hovered)
            part.hovered.connect(self.reading.setText)
        self.rows.reached.connect(lambda at: self.list.ensureVisible(at.x(), at.y(), 0, 40))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the card beside the ranking where there is room."""
        super().resizeEvent(event)
        is_wide = self.width() > max(theme.zoomed(LEAST_WIDE), WIDE * self.height())
        turned = Qt.Orientation.Horizontal if is_wide else Qt.Orientation.Vertical
        if turned != self.shares.orientation():
            self.shares.setOrientation(turned)

    @property
    def _view(self) -> NeuronsView:
        views = self._document.views if self._document is not None else AT_FIRST
        return views.neurons

    def _layer(self, cursor: Cursor) -> int | None:
        """Return the layer that is read: the selected one, else the last."""
        if cursor.layer is not None or self.card is None:
            return cursor.layer
        return self.card.n_layers - 1

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return the ranking first, then what is known of the neurons that are listed."""
        view, pair, model = document.views.neurons, document.pair, document.model
        layer, side = self._layer(cursor), one_side(view.side)
        is_none = self.card is not None and self.card.key == model and not self.card.n_neurons
        lacks = unchanged(pair, view.side) or not getattr(pair, side)
        if layer is None or is_none or not pair.clean or lacks:
            return {}
        place = model, pair, side, layer, cursor.position
        asked: dict[str, Request] = {"pair": ReadPair(model, pair), "ranking": RankNeurons(*place)}
        if view.order == "gradient":
            asked["slopes"] = NeuronSlopes(*place)
        return asked | self._of_listed(document, layer, self._neuron(cursor, layer))

    def _of_listed(self, document: Document, layer: int, neuron: int | None) -> dict[str, Request]:
        """Return what is asked about the neurons that are listed, and about the card's."""
        view, pair, model = document.views.neurons, document.pair, document.model
        asked: dict[str, Request] = {}
        listed: tuple[int, ...] = ()
        if self._seen.layer == layer and self._seen.rows:
            listed = tuple(sorted(row.neuron for row in self._seen.rows))
            asked["words"] = ReadNeurons(model, layer, listed)
        if neuron is not None and not lacking(pair, view.side):
            asked["over"] = NeuronOverPrompt(model, pair, view.side, layer, neuron)
        if neuron is not None and neuron not in listed:
            asked["card"] = ReadNeurons(model, layer, (neuron,))
        if view.places == "text" and self._text is not None:
            asked["places"] = FindPlaces(model, layer, text=self._text)
        elif view.places == "pairs" and _rows(document):
            asked["places"] = FindPlaces(model, layer, _rows(document))
        return asked

    def _neuron(self, cursor: Cursor, layer: int | None) -> int | None:
        """Return the neuron that the card is about: the selected one, else the first listed."""
        if cursor.layer == layer and cursor.neuron is not None:
            return cursor.neuron
        if self._seen.layer == layer and self._seen.rows:
            return self._seen.rows[0].neuron
        return None

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to rank the neurons; what is of one of them, its pictures add."""
        return neuron_code.neurons(document, cursor.layer, cursor.position)

    def shown(self) -> list[Shown]:
        """Return the ranking, and what is known of one neuron."""
        document, lines, over = self._document, list[str](), list[str]()
        layer, neuron = self._seen.layer, self._seen.neuron
        if document is not None and neuron is not None:
            is_text = self._view.places == "text"
            rows, text = (() if is_text else _rows(document)), (self._text if is_text else None)
            over = neuron_code.over(document, layer, neuron)
            lines = neuron_code.places(rows, text, layer, neuron)
        source = self._source()
        return neuron_panels.shown(self._seen, self.rows, self.card_view, source, (over, lines))

    def show_document(self, document: Document) -> None:
        """Show how it is set."""
        self._document = document
        self.controls.show_view(document.views.neurons)
        self.rows.show_pins(document.marked)
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Turn to another layer, position or neuron."""
        self._cursor = cursor
        self.card_view.show_cursor(cursor)
        self._draw()

    def draw_reply(self, name: str) -> None:
        """Fill in what is known."""
        self._draw()

    def _now(self) -> Seen:
        """Return all that is known of what is asked."""
        view, layer = self._view, self._layer(self._cursor)
        reply = self.reply("ranking")
        answered = None if reply is None else (reply.of or reply.request)
        ranking = self.answer("ranking", NeuronRanking)
        of = (
            answered.layer if isinstance(answered, RankNeurons) else layer
        )  # of another for a while
        self._take_words(of)
        products = self.answer("slopes", NeuronProducts)
        rows = self._ranked(ranking, products)
        layer = of if ranking is not None else layer
        neuron = self._cursor.neuron if self._cursor.layer == layer else None
        is_selected = neuron is not None
        if neuron is None and rows:
            neuron = rows[0].neuron
        return Seen(
            view, layer, neuron, ranking, products, self._words, self.answer("over", Slice),
            self.answer("pair", PairReading), self.answer("places", NeuronPlaces), rows,
            0 if ranking is None else len(ranking.numbers), is_selected,
        )  # fmt: skip

    def _ranked(
        self, ranking: NeuronRanking | None, products: NeuronProducts | None
    ) -> tuple[Row, ...]:
        """Return the neurons that are listed; the same ones while nothing is new."""
        view = self._view
        made_of = ranking, products, self._words_of, len(self._words), view.order, view.count
        same = len(self._made_of) == len(made_of) and all(
            one is other or (not isinstance(one, ANSWERS) and one == other)
            for one, other in zip(made_of, self._made_of, strict=True)
        )
        if not same:
            self._made_of = made_of
            self._listed = ranked(view, ranking, products, self._words)
        return self._listed

    def _take_words(self, layer: int | None) -> None:
        """Know what neurons of a layer write and read as long as that layer is looked at."""
        for name in ("words", "card"):
            reply, found = self.reply(name), self.answer(name, NeuronWords)
            asked = None if reply is None else (reply.of or reply.request)
            if not isinstance(asked, ReadNeurons) or found is None or asked.layer != layer:
                continue
            if self._words_of != (asked.model, asked.layer):
                self._words, self._words_of = {}, (asked.model, asked.layer)
            self._words |= {one.neuron: one for one in found.neurons}
        if self._words_of is not None and self._words_of[1] != layer:
            self._words, self._words_of = {}, None

    def _draw(self) -> None:
        seen = self._seen = self._now()
        if self.card is not None:
            self.controls.show_layer(self._layer(self._cursor), self.card.n_layers)
        self.controls.show_total(seen.total)
        legend = self._legend()
        self.legend.setText(legend)
        self.legend.setToolTip(plain_tip(legend))
        is_stale = self.is_stale("ranking") or (
            self._view.order == "gradient" and self.is_stale("slopes")
        )
        self.rows.show_seen(seen, is_stale=is_stale)
        stale = frozenset(name for name in ("over", "places") if self.is_stale(name))
        self.card_view.show_seen(seen, self._source(), stale)
        has_none = self.card is not None and not self.card.n_neurons
        words = ATTENTION_ONLY if has_none else self._why_empty()
        self._say_if_empty({self.rows: words}, "ranking")
        asked = seen.layer, seen.neuron, tuple(sorted(row.neuron for row in seen.rows))
        if asked != self._asked:
            self._asked = asked
            self.altered.emit()

    def _why_empty(self) -> str:
        if self._seen.ranking is None:
            pair = None if self._document is None else self._document.pair
            if pair is None or not pair.clean:
                return NOTHING
            is_there = getattr(pair, self._seen.side)
            return (unchanged(pair, self._view.side) if is_there else NO_CORRUPTED) or NOTHING
        return "" if self._seen.rows else "Nothing is known of these neurons yet."

    def _legend(self) -> str:
        """Say what is listed."""
        seen = self._seen
        if seen.ranking is None:
            return ""
        counted = ", ".join(filter(None, (NAMES[seen.view.order], seen.unit)))
        said = [
            f"layer {seen.layer}, position {seen.ranking.position}, {seen.side}: {len(seen.rows)} "
            f"of {seen.total:,} neurons; columns: activation, {counted}"
        ]
        if seen.ranking.experts:
            used = [
                f"{'shared' if one.expert is None else one.expert} ({one.weight:.2f})"
                for one in seen.ranking.experts
            ]
            said.append(f"experts chosen, with their weights: {', '.join(used)}")
        return ". ".join(filter(None, (*said, seen.ranking.remark)))

    def _source(self) -> str:
        """Say where strongest places are sought, and how far that is."""
        found, is_text = self._seen.places, self._view.places == "text"
        if is_text and self._text is None:
            return NO_TEXT
        if not is_text and self._document is not None and not _rows(self._document):
            return NO_PLACES
        if found is None:
            return ""
        name = "the table's prompts"
        if is_text and self._text is not None:
            name = PurePath(self._text.path).name
        total = f" of {found.total:,}" if found.total else ""
        return (
            f"strongest places in {len(found.tokens):,}{total} tokens of {name}"
            + CUT * found.is_cut
        )

    @Slot(int)
    def _choose_layer(self, layer: int) -> None:
        self.picked.emit({"layer": layer})

    @Slot(str)
    def read_text(self, path: str) -> None:
        """Look for the strongest places in a text file."""
        try:
            self._text = text_file(path)
        except ValueError as error:
            self._say(TEXT, str(error))
            return
        self._say(TEXT, "")
        self.set_view({"places": "text"})
        self._draw()
        self.altered.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept a text."""
        if dropped_text(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Read it."""
        path = dropped_text(event.mimeData())
        if path:
            event.acceptProposedAction()
            self.read_text(path)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with a neuron; elsewhere with a picture."""
        where = self.rows.mapFrom(self, event.pos())
        row = self.rows.row_at(where.toPointF()) if self.rows.rect().contains(where) else None
        if row is None or self._document is None:
            super().contextMenuEvent(event)
            return
        self._show_verbs(row, event.globalPos())

    def _show_verbs(self, row: int, where: QPoint) -> None:
        assert self._document is not None
        place = Cursor(self._seen.layer, neuron=self.rows.rows[row].neuron)
        found = menus.of_place(self, place, self._document.pins)
        menus.show_menu(self, [*found, menus.copying(self.rows.words(row))], where)


def _rows(document: Document) -> tuple[PairRow, ...]:
    """Return the pairs of the table that are ticked, whether panes average over them or not."""
    return tuple(row for row in document.table if row.is_included)
