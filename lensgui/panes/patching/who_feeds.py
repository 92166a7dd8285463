"""Who feeds it: path patching from every earlier head and MLP into the selected head."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QWidget

from lensgui.jobs.arrays import CellState, Feeding
from lensgui.jobs.requests import Request, WhoFeeds
from lensgui.panes import menus
from lensgui.panes.controls.chooser import Chooser, Groups, Option
from lensgui.panes.pane import Pane
from lensgui.panes.python import sweeps
from lensgui.panes.sweep_view import cells
from lensgui.panes.sweep_view.faces import Setting
from lensgui.panes.sweep_view.sweep_picture import SweepPicture
from lensgui.panes.token_text import signed
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import HeadInput

NO_HEAD = "Select a head in any pane to see who feeds it."
NO_PAIR = "Type a corrupted prompt with as many tokens as the clean one."
TIP = (
    "Click a sender, or move with the arrow keys, to select it; right-click to see who feeds it in "
    "turn."
)
LEGEND_TIP = (
    "The path from each sender straight into the head is taken from the clean run, all else from "
    "the corrupted run (path patching)."
)
LATER = "it does not come before the receiving head"
INPUTS: Groups[HeadInput] = (
    (
        "",
        (
            Option("q", "its queries", "What is fed into what the head looks for."),
            Option("k", "its keys", "What is fed into what the head's sources can be found by."),
            Option("v", "its values", "What is fed into what the head hands on."),
        ),
    ),
)


class FeedersPane(Pane):
    """How much of the answer each path into one head carries."""

    title: ClassVar[str] = "Who feeds it"
    about: ClassVar[str] = "Path patching of every earlier head and MLP into the selected head."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: Document | None = None
        self._cursor = Cursor()
        self._turned_to: object = None
        self._held: tuple[int, int] | None = None
        self._picks = False
        self.input = Chooser("Input of the selected head", INPUTS, self)
        self.picture = SweepPicture("Senders by layer and head", TIP, self._words, self)
        self.heatmap, self.levels = self.picture.heatmap, self.picture.levels
        self.table = self.picture.table
        self.legend = self.picture.legend
        self._empty_states = {self.heatmap: NO_HEAD}
        self.column.addWidget(self.input)
        self.column.addWidget(self.picture, 1)
        self.input.chosen.connect(self._choose_input)
        self.picture.picked.connect(self._pick)
        self.picture.hovered.connect(self.hovered)
        self.picture.menu_requested.connect(self._show_verbs)
        self.picture.verb_requested.connect(self._act)
        self._draw()

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return path patching into the selected head."""
        place = self._receiver(cursor)
        if not document.pair.is_complete or place is None:
            return {}
        return {"feeding": WhoFeeds(document.model, document.pair, *place, self._input())}

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to patch the paths into the selected head."""
        return sweeps.who_feeds(document, self._receiver(cursor) or (0, 0), self._input())

    def show_document(self, document: Document) -> None:
        """Ask for the input that a patching pane has just turned to."""
        self._document = document
        turned = document.kind.activation
        if turned != self._turned_to and turned in ("q", "k", "v"):
            self.input.show_value(turned)
        self._turned_to = turned
        self._empty_states = {self.heatmap: NO_HEAD if document.pair.is_complete else NO_PAIR}
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Keep the receiving head: the selected one, unless it was selected here."""
        self._cursor = cursor
        if not self._picks:
            self._held = None
        self.heatmap.show_cursor(cursor)

    def draw_roles(self) -> None:
        """Write the letters of roles."""
        self.picture.show_roles(self.roles)

    def draw_reply(self, name: str) -> None:
        """Fill in what is known, or say why nothing is and nothing else."""
        if name == "feeding":
            is_silent = self.has_failed(name)
            self._say_if_empty({self.heatmap: ""} if is_silent else self._empty_states)
            self._draw()

    @property
    def feeding(self) -> Feeding | None:
        """What is drawn."""
        return self.answer("feeding", Feeding)

    def _receiver(self, cursor: Cursor) -> tuple[int, int] | None:
        """Return the receiving head: senders that are clicked here do not take its place."""
        if self._held is not None:
            return self._held
        if cursor.layer is None or cursor.head is None:
            return None
        return cursor.layer, cursor.head

    def _input(self) -> HeadInput:
        return self.input.value or "q"

    def _draw(self) -> None:
        found = self.feeding
        self.table.setVisible(found is not None)
        if found is None:
            self.picture.say("")
            self.picture.show_face(None, Setting())
            return
        self.table.show_sweep(found, 1)
        alone = "of this pair alone, " if self._document and self._document.rows else ""
        counted = f"{alone}{cells.legend(found)}{self._embedding(found)}"
        self.picture.say(f"into {found.receiver}: {counted}", LEGEND_TIP, found.refusal)
        pins = self._document.pins if self._document else ()
        setting = Setting(end=cells.largest(found), pins=pins)
        self.picture.show_face(found, setting, is_stale=self.is_stale("feeding"))

    @staticmethod
    def _embedding(found: Feeding) -> str:
        if found.embedding != found.embedding:  # not known yet
            return ""
        unit = f" {found.unit}" if found.refusal else ""
        return f"; embedding {signed(found.embedding / found.scale)}{unit}"

    def _words(self, row: int, column: int) -> str:
        found = self.feeding
        if found is None:
            return ""
        name = cells.cell_name(found, row, column)
        if found.states[row, column] == CellState.MASKED:
            return f"{name}: {LATER}"
        return f"{name} → {found.receiver}: {cells.cell_words(found, row, column)}"

    @Slot(object)
    def _pick(self, fields: dict[str, int]) -> None:
        """Select a sender, and keep asking about the head that it feeds."""
        self._held = self._receiver(self._cursor)
        self._picks = True
        self.picked.emit(fields)
        self._picks = False

    def _turn_to(self, place: Cursor) -> None:
        """Ask who feeds a sender."""
        self._held = None
        menus.select(self, place)
        self.altered.emit()

    @Slot(object)
    def _choose_input(self) -> None:
        self.altered.emit()

    @Slot(str, int, int)
    def _act(self, verb: str, row: int, column: int) -> None:
        if self.feeding is not None:
            menus.act(self, verb, Cursor(**cells.cursor_at(self.feeding, (row, column), 1)))

    @Slot(int, int, object)
    def _show_verbs(self, row: int, column: int, where: QPoint) -> None:
        """Show what can be done with a sender."""
        if self.feeding is None or self._document is None:
            return
        place = Cursor(**cells.cursor_at(self.feeding, (row, column), 1))
        found = menus.of_place(self, place, self._document.pins)
        if place.head is not None:
            turn = "Show who feeds this sender in turn."
            found.insert(0, menus.Verb("Who feeds it?", turn, lambda: self._turn_to(place)))
        menus.show_menu(self, [*found, menus.copying(self._words(row, column))], where)
