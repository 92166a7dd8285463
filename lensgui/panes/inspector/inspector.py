"""Everything known about the selection, in words and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from lensgui.jobs.answers.readings import (
    EdgeReading,
    HeadReading,
    LensReading,
    MLPReading,
    PairReading,
)
from lensgui.jobs.answers.reply import Answer, Reply
from lensgui.jobs.request import Request
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.controls import Editor, button, caption, headline, menu_line
from lensgui.panes.figures.shown import Prompts, Shown
from lensgui.panes.inspector import panels
from lensgui.panes.inspector.lens_rows import LensRows
from lensgui.panes.inspector.more import More
from lensgui.panes.inspector.numbers import (
    Replies,
    are_alike,
    are_coming,
    head_scores,
    numbers,
    others,
)
from lensgui.panes.inspector.sections import (
    EdgeSection,
    HeadSection,
    MLPSection,
    NumbersSection,
    ScoresSection,
    Section,
)
from lensgui.panes.inspector.selection_requests import described, is_beyond, questions, resolved
from lensgui.panes.menus import pinnable, toggled
from lensgui.panes.pane import Channel, Pane
from lensgui.panes.python import script
from lensgui.panes.sweep_view.cells import group_size
from lensgui.panes.token_text import plain_tip
from lensgui.state.document import Document, Note
from lensgui.state.selection import Cursor, place_name
from lensgui.terms.roles import Part

KINDS: dict[str, type[HeadReading | EdgeReading | MLPReading | LensReading]] = {
    "head": HeadReading,
    "edge": EdgeReading,
    "mlp": MLPReading,
    "lens": LensReading,
}  # what is asked of a place, and which answer the part of that name shows


class NoteField(Editor):
    """The note about one place: a head or neuron if one is selected, else a position in a layer.

    Attributes:
        noted: (notes,) all notes of the document, this one changed.
    """

    noted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._notes: tuple[Note, ...] = ()
        self._place: Cursor | None = None
        self.setAccessibleName("Note about what is selected")
        self.setToolTip("Your own words about this place; they belong to the document.")
        self.typed.connect(self._note)
        self.show_cursor(Cursor())

    def show_document(self, document: Document) -> None:
        """Show the document's notes."""
        self._notes = document.notes
        self._show()

    def show_cursor(self, cursor: Cursor) -> None:
        """Show the note about another place."""
        self._place = place_of(cursor)
        self._show()

    def _show(self) -> None:
        self.setEnabled(self._place is not None)
        name = "" if self._place is None else f"Note about {place_name(self._place)}"
        self.setPlaceholderText(name)
        self.show_text(next((note.text for note in self._notes if note.place == self._place), ""))

    def _note(self, text: str) -> None:
        if self._place is None:
            return
        others = tuple(note for note in self._notes if note.place != self._place)
        self.noted.emit((*others, Note(self._place, text)) if text else others)


def place_of(cursor: Cursor) -> Cursor | None:
    """Return the place that a note at a cursor is about; None if nothing is selected."""
    if cursor.layer is None:
        return None if cursor.position is None else Cursor(position=cursor.position)
    if cursor.head is not None:
        return Cursor(cursor.layer, cursor.head)
    if cursor.neuron is not None:
        return Cursor(cursor.layer, neuron=cursor.neuron)
    return Cursor(cursor.layer, position=cursor.position)


class InspectorPane(Pane):
    """The selected layer, head, position and source: what is read, written and decided there."""

    title: ClassVar[str] = "Inspector"
    guide: ClassVar[str] = "inspector.md"
    about: ClassVar[str] = "What is known about the selected layer, head and position."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._read: Request | None = None  # the pair whose last position is known
        self._others: Replies = {}
        self._drawn: dict[str, Answer | None] = {}
        self.place = headline("", self)
        self.place.setWordWrap(True)
        self.pin = button(PANE_ACTIONS["pin_selected"], self)
        self.pin.setPopupMode(self.pin.ToolButtonPopupMode.InstantPopup)
        self.pin.setMenu(QMenu(self.pin))
        self.pin.menu().aboutToShow.connect(self._offer_pins)
        self.more = More(self)
        self.pins = ChipRow(self)
        self.more_pins = caption("", self)
        self.note_field = NoteField(self)
        self.numbers = NumbersSection(self)
        self.scores = ScoresSection(self)
        self.alone = caption("What follows is of this pair’s clean prompt alone.", self)
        self.head = HeadSection(self)
        self.edge = EdgeSection(self)
        self.mlp = MLPSection(self)
        self.lens = LensRows(self)
        self.lens_caption = caption("Logit lens: the next token by layer", self)
        self._lay_out()
        self._connect()

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return what the selection is complete enough to ask; without a position, at the last."""
        last = self._last(document)
        return questions(document, resolved(cursor, last), last)

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to get the selected head's numbers."""
        return script.inspector(document, cursor)

    def shown(self) -> list[Shown]:
        """Return the numbers of the selected place, and what each part says of it."""
        document, found = self._document, list[Shown]()
        known = self.numbers.shown
        if known and document is not None:
            prompts = Prompts(document.pair, len(document.rows))  # as of the panes that say them
            here = panels.numbers_here(known, self.numbers, self.place.text())
            found.append(replace(here, prompts=prompts))
        for name, kind in KINDS.items():
            part, reading = getattr(self, name), self.answer(name, kind)
            if reading is not None:
                make, place = getattr(panels, name), self._place_of(name)
                found.append(make(reading, part, place, is_stale=self.is_stale(name)))
        return [one for one in found if one.panels]

    def _place_of(self, name: str) -> str:
        """Return where a reading is made: an MLP's of a layer, the lens's of a position alone."""
        last = self._last(self._document) if self._document else None
        read = resolved(self._cursor, last)
        kept = {"head": ("layer", "head"), "edge": ("layer", "head", "source"), "mlp": ("layer",)}
        fields = {field: getattr(read, field) for field in kept.get(name, ())}
        place = Cursor(position=read.position, **fields)
        return described(self._cursor, place, self._pair, last, self._part(place))

    def show_document(self, document: Document) -> None:
        """Show pins and notes."""
        self._document = document
        self.note_field.show_document(document)
        self.pins.show_chips(
            [Chip(place_name(pin), hover="pinned: click to select it") for pin in document.marked]
        )
        self.pins.setVisible(bool(document.pins))
        more = len(document.pins) - len(document.marked)
        self.more_pins.setText(f"… and {more:,} more, which no pane frames")
        self.more_pins.setVisible(more > 0)
        self._describe()

    def show_cursor(self, cursor: Cursor) -> None:
        """Name the selection."""
        self._cursor = cursor
        self.more.show_cursor(cursor)
        self.head.attention.show_chosen(cursor.source)
        self.lens.show_layer(cursor.layer)
        self.note_field.show_cursor(cursor)
        self._describe()

    def draw_roles(self) -> None:
        """Name the role of the selected head."""
        self._describe()

    def _part(self, place: Cursor) -> Part | None:
        if place.layer is None or place.head is None:
            return None
        return self.roles.get((place.layer, place.head))

    def show_all(self, replies: Mapping[Channel, Reply]) -> None:
        """Show the numbers that other panes have."""
        found = others(replies, self.title)
        if not are_alike(found, self._others):
            self._others = found
            self._describe()

    def draw_reply(self, name: str) -> None:
        """Show what is now known, or dim what answers an older question."""
        if name in KINDS:
            self._draw_reading(name)
        elif name == "pair":
            self._draw_pair()

    def draw_anew(self) -> None:
        """Write all that is known again."""
        self._drawn.clear()
        super().draw_anew()

    def _draw_reading(self, name: str) -> None:
        part, found = getattr(self, name), self.answer(name, KINDS[name])
        if found is not self._drawn.get(name):
            self._drawn[name] = found
            part.show_reading(found)
        part.show_stale(self.is_stale(name))
        if name == "lens":
            self.lens_caption.setVisible(found is not None)

    @property
    def _sections(self) -> tuple[Section, ...]:
        return self.numbers, self.scores, self.head, self.edge, self.mlp

    @property
    def _pair(self) -> PairReading | None:
        return self.answer("pair", PairReading)

    def _last(self, document: Document) -> int | None:
        """Return the last position of the clean prompt; None while it is not known."""
        pair = self.reading_of(document)
        return len(pair.clean.tokens) - 1 if pair is not None and pair.clean.tokens else None

    def _draw_pair(self) -> None:
        """Show the tokens; the last position is known from now on."""
        self._describe()
        reply = self.reply("pair")
        asked = reply.request if reply is not None and reply.known is not None else None
        is_new, self._read = asked != self._read, asked
        is_open = self._cursor.layer is not None and self._cursor.position is None
        last = self._last(self._document) if self._document else None
        if asked is not None and is_new and (is_open or is_beyond(self._cursor, last)):
            self.altered.emit()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.place, 1)
        top.addWidget(self.pin, 0, Qt.AlignmentFlag.AlignTop)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(3)
        self.more.wanted.connect(self.pane_requested)
        above = (
            self.more,
            self.pins,
            self.more_pins,
            self.note_field,
            self.numbers,
            self.scores,
            self.alone,
        )
        for part in (*above, self.head, self.edge, self.mlp, self.lens_caption, self.lens):
            column.addWidget(part)
        column.addStretch(1)
        scroll = self._scroll = QScrollArea(self, widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.StyledPanel)  # drawn while it has the keyboard
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        scroll.setAccessibleName("What is known about the selection")
        self.column.addLayout(top)
        self.column.addWidget(scroll, 1)

    def _connect(self) -> None:
        parts: tuple[Section | LensRows, ...] = (*self._sections, self.lens)
        for part in parts:
            part.picked.connect(self.picked)
            part.hovered.connect(self.hovered)
        for rows in (self.head.attention, self.lens):
            rows.reached.connect(self._reveal)
        self.pins.clicked.connect(self._pick_pin)
        self.pins.setAccessibleName("Pinned places")
        self.pins.setToolTip("Pinned places: click one to select it.")
        self.note_field.noted.connect(self._keep_notes)
        self.lens_caption.setToolTip(
            "The residual stream after each layer, decoded as if it were the last "
            "(nostalgebraist 2020); dots: logit difference."
        )
        self.lens_caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.lens_caption.setContentsMargins(0, 5, 0, 0)
        self.lens_caption.hide()
        _tell_height(self.place)

    @Slot(QPoint)
    def _reveal(self, middle: QPoint) -> None:
        """Scroll to the row that a key reached."""
        rows = self.sender()
        shown = self._scroll.widget()
        if isinstance(rows, QWidget) and shown is not None:
            QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)  # its height, now
            inside = rows.mapTo(shown, middle)
            self._scroll.ensureVisible(inside.x(), inside.y(), 0, 24)

    @Slot()
    def _offer_pins(self) -> None:
        menu = self.pin.menu()
        menu.clear()
        pins = self._document.pins if self._document else ()
        for place in pinnable(self._cursor):
            action = menu_line(menu, PANE_ACTIONS["pin_place"], place_name(place))
            action.setCheckable(True)
            action.setChecked(place in pins)
            action.setData(place)
            action.triggered.connect(self._pin)

    @Slot()
    def _pin(self) -> None:
        action = self.sender()
        place = getattr(action, "data", lambda: None)()
        if self._document is not None and isinstance(place, Cursor):
            self.edited.emit({"pins": toggled(self._document.pins, place)})

    @Slot(int)
    def _pick_pin(self, index: int) -> None:
        if self._document is not None:
            pin = self._document.marked[index]
            places = {"layer": pin.layer, "head": pin.head}
            places |= {"position": pin.position, "source": pin.source}
            self.picked.emit({name: at for name, at in places.items() if at is not None})

    @Slot(object)
    def _keep_notes(self, notes: object) -> None:
        self.edited.emit({"notes": notes})

    def _describe(self) -> None:
        """Say what is selected, and what the panes know of it."""
        last = self._last(self._document) if self._document else None
        place, replies = resolved(self._cursor, last), self._others
        part = self._part(place)
        self.place.setText(described(self._cursor, place, self._pair, last, part))
        self.place.setToolTip(plain_tip(f"{part.words}\n{part.rule}" if part else ""))
        self.pin.setEnabled(bool(pinnable(self._cursor)))
        found = numbers(replies, place, group_size(self.card), self._document)
        of = self._cursor, self._document.model if self._document is not None else None
        self.numbers.show_numbers(found, of, is_coming=are_coming(replies))
        scores = head_scores(replies, place, self._document)
        if scores is None:
            self.scores.show_stale(True)  # in their place: all below would move twice
        else:
            self.scores.show_scores(*scores)
        is_average = self._document is not None and bool(self._document.rows)
        self.alone.setVisible(is_average and place.position is not None)


def _tell_height(label: QLabel) -> None:
    """Let a label that wraps be as tall as its words."""
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
