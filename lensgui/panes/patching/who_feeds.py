"""Who feeds it: path patching from every earlier head and MLP into a set of heads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QWidget

from lensgui.jobs.answers.arrays import CellState, Feeding, Sweep
from lensgui.jobs.request import Request
from lensgui.jobs.requests import PathsInto, WhoFeeds
from lensgui.panes import menus
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import dress
from lensgui.panes.figures.shown import Shown
from lensgui.panes.pane import Pane
from lensgui.panes.patching.chain import Chain
from lensgui.panes.patching.inputs import INPUTS, NOT_ADDITIVE, InputTotals
from lensgui.panes.python import sweeps
from lensgui.panes.python.figures import Code
from lensgui.panes.sweep_view import cells
from lensgui.panes.sweep_view.faces import Setting
from lensgui.panes.sweep_view.sweep_picture import SweepPicture
from lensgui.panes.token_text import signed
from lensgui.panes.verb import Verb
from lensgui.state.document import Document
from lensgui.state.selection import Cursor, gathered
from lensgui.state.views import FeedersView, Link
from lensgui.terms.kinds import Head

NO_HEAD = "Select a head in any pane, or several, to see who feeds them."
NO_PAIR = "Type a corrupted prompt with as many tokens as the clean one."
TIP = (
    "Click a sender, or move with the arrow keys, to select it; press Enter to see who feeds it "
    "in turn."
)
LEGEND_TIP = (
    "The path from each sender straight into the receiving heads is taken from the clean run, all "
    "else from the corrupted run (path patching, Wang et al. 2022)"
)
LATER = "it comes before none of the receiving heads"
ACROSS = "senders between these layers reach the later heads only"
SENDER = "layer", "head", "heads"  # fields of the cursor that say which sender is selected
NAMED = 4  # receiving heads that the legend names


class FeedersPane(Pane):
    """How much of the answer each path into a set of heads carries."""

    title: ClassVar[str] = "Who feeds it"
    guide: ClassVar[str] = "feeders.md"
    view_name: ClassVar[str] = "feeders"
    about: ClassVar[str] = "Path patching of every earlier head and MLP into the selected heads."

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._picks = False  # whether what is about to be selected is the sender that the view has
        self._drawn: tuple[object, ...] = ()
        self.input = InputTotals(self)
        hearing = PANE_ACTIONS["hear_each_other"]
        self.hearing = dress(QCheckBox(hearing.text, self), hearing)
        self.chain = Chain(self)
        self.picture = SweepPicture("Senders by layer and head", TIP, self._words, self)
        self.heatmap, self.levels = self.picture.heatmap, self.picture.levels
        self.table = self.picture.table
        self.legend = self.picture.legend
        self._empty_states = {self.heatmap: NO_HEAD}
        row = QHBoxLayout()
        row.addWidget(self.chain, 1)
        row.addWidget(self.hearing)
        self.column.addWidget(self.input)
        self.column.addLayout(row)
        self.column.addWidget(self.picture, 1)
        self._connect()
        self._draw()

    def _connect(self) -> None:
        picture = self.picture
        self.input.chosen.connect(self.set_view)
        self.hearing.clicked.connect(self._hear)
        picture.chosen.connect(self.set_view)
        self.chain.chosen.connect(self._return_to)
        picture.picked.connect(self._pick)
        picture.hovered.connect(self.hovered)
        picture.menu_requested.connect(self._show_verbs)
        picture.activated.connect(self._go_on)
        picture.verb_requested.connect(self._act)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return path patching into the selected heads: all senders at once, and each."""
        view, heads = document.views.feeders, self._receivers(document, cursor)
        if not document.pair.is_complete or not heads:
            return {}
        asked = document.model, document.pair, heads
        feeding = WhoFeeds(*asked, view.input, _hear_each_other(view, heads))
        return {"totals": PathsInto(*asked), "feeding": feeding}

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to patch the paths into the selected heads."""
        view, heads = document.views.feeders, self._receivers(document, cursor) or ((0, 0),)
        hears = _hear_each_other(view, heads)
        return sweeps.who_feeds(document, heads, view.input, hear_each_other=hears)

    def shown(self) -> list[Shown]:
        """Return the senders, and what all paths carry together."""
        found = self.feeding
        if found is None:
            return []
        into = menus.heads_name(found.heads, NAMED)
        input_ = next(
            (each for name, (each, _) in INPUTS.items() if found.receiver.endswith(f".{name}")),
            "inputs",
        )
        says = f"Path patching into the {input_} of {into}. {LEGEND_TIP}: {cells.legend(found)}."
        bars = self.input.shown_bars()
        totals = []
        if bars is not None:
            words = f"What all paths into {into} carry together; {NOT_ADDITIVE}."
            code = Code((f"[totals.shown[name] for name in {tuple(INPUTS)}]",))
            is_stale = self.input.is_stale
            totals = [Shown(self.input, "all paths", (bars,), words, is_stale, code=code)]
        return [*self.picture.shown(says, f"Who feeds {into}"), *totals]

    def show_document(self, document: Document) -> None:
        """Show what is asked about the receiving heads."""
        self._document = document
        self.input.show_value(document.views.feeders.input)
        self.hearing.setChecked(document.views.feeders.hear_each_other)
        self._show_links()
        self._empty_states = {self.heatmap: NO_HEAD if document.pair.is_complete else NO_PAIR}
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Show the receiving heads: the selected ones, unless a sender of theirs is selected."""
        self._cursor = cursor
        self._show_links()
        self.heatmap.show_cursor(cursor)

    def begin_anew(self) -> None:
        """Hold no receivers: who feeds the selected heads is asked."""
        self.set_view({"held": (), "sender": None, "before": ()})

    def draw_roles(self) -> None:
        """Write the letters of roles."""
        self.picture.show_roles(self.roles)

    def draw_reply(self, name: str) -> None:
        """Fill in what is known, or say why nothing is and nothing else."""
        if name == "totals":
            self.input.show_totals(self.answer(name, Sweep), is_stale=self.is_stale(name))
        if name == "feeding":
            self._say_if_empty(self._empty_states, name)
            self._draw()

    def draw_anew(self) -> None:
        """Draw all that is known again."""
        self._drawn = ()
        super().draw_anew()

    @property
    def feeding(self) -> Feeding | None:
        """What is drawn."""
        return self.answer("feeding", Feeding)

    def _receivers(self, document: Document, cursor: Cursor) -> tuple[Head, ...]:
        """Return the receiving heads: senders that are clicked here do not take their place."""
        view = document.views.feeders
        held = self._existing(view.held) if self._picks or _is_held(view, cursor) else ()
        return held or tuple(sorted(cursor.selected))

    def _existing(self, heads: tuple[Head, ...]) -> tuple[Head, ...]:
        """Return the heads that the model has, as far as is known."""
        card = self.card
        if card is None:
            return heads
        return tuple(
            (layer, head) for layer, head in heads if layer < card.n_layers and head < card.n_heads
        )

    def _links(self) -> tuple[Link, ...]:
        """Return the chain up to the present question."""
        heads = self._receivers(self._document, self._cursor) if self._document else ()
        if self._document is None or not heads:
            return ()
        view = self._document.views.feeders
        is_held = self._picks or _is_held(view, self._cursor)
        before = [replace(link, heads=self._existing(link.heads)) for link in view.before]
        known = [link for link in before if link.heads and is_held]
        return (*known, Link(heads, view.input))

    def _show_links(self) -> None:
        links = self._links()
        self.chain.show_links(links)
        layers = {layer for layer, _ in links[-1].heads} if links else ()
        self.hearing.setEnabled(len(layers) > 1)

    def _draw(self) -> None:
        found, document = self.feeding, self._document
        pins = document.marked if document is not None else ()
        range_ = document.views.feeders.range if document is not None else None
        is_alone, is_stale = document is not None and bool(document.rows), self.is_stale("feeding")
        drawn = found, pins, range_, is_alone, is_stale
        if drawn == self._drawn:
            return
        self._drawn = drawn
        self.table.setVisible(found is not None)
        if found is None:
            self.picture.say("")
            self.picture.show_face(None, Setting())
            return
        self.table.show_sweep(found, 1)
        alone = "of this pair alone, " * is_alone
        counted = f"{alone}{cells.legend(found)}{self._embedding(found)}"
        into = found.receiver
        if len(found.heads) > 1:
            into = f"{menus.heads_name(found.heads, NAMED)} ({found.receiver.split('.')[-1]})"
        is_across = len({layer for layer, _ in found.heads}) > 1
        across = f"; {ACROSS}" * is_across
        self.picture.say(f"into {into}: {counted}{across}", LEGEND_TIP + across, found.refusal)
        setting = Setting(end=cells.largest(found), pins=pins)
        self.picture.show_face(found, setting, range_, is_stale=is_stale)

    @staticmethod
    def _embedding(found: Feeding) -> str:
        if found.embedding != found.embedding:  # not known yet
            return ""
        if found.refusal:
            return f"; the embedding changes it by {signed(found.embedding)} {found.unit}"
        return f"; the embedding {cells.effect(found, found.embedding)}"

    def _words(self, row: int, column: int) -> str:
        found = self.feeding
        if found is None:
            return ""
        name = cells.cell_name(found, row, column)
        if found.states[row, column] == CellState.MASKED:
            return f"{name}: {LATER}"
        words = f"{name} → {found.receiver}: {cells.cell_words(found, row, column)}"
        reached = [head for head in found.heads if head[0] > row]
        if len(reached) == len(found.heads):
            return words
        return f"{words}; it comes before {menus.heads_name(reached, NAMED)} only"

    @Slot(object)
    def _pick(self, fields: dict[str, Any]) -> None:
        """Select a sender, and keep asking about the heads that it feeds."""
        links = self._links()
        if links and "layer" in fields:
            self._select(fields, {"held": links[-1].heads, "before": links[:-1]})
        else:
            self.picked.emit(fields)

    def _select(self, fields: dict[str, Any], changes: dict[str, Any]) -> None:
        """Select something, and ask about receivers that need not be it.

        Args:
            fields: Of the cursor.
            changes: Of the view.
        """
        sender = Cursor(**{name: fields[name] for name in SENDER if name in fields})
        self._picks = True
        self.set_view({**changes, "sender": sender})
        self.picked.emit(fields)
        self._picks = False

    @Slot(int, int)
    def _go_on(self, row: int, column: int) -> None:
        """Ask who feeds a sender in turn; MLPs and the embedding have no inputs to ask about."""
        found = self.feeding
        place = Cursor(**cells.cursor_at(found, (row, column), 1)) if found is not None else None
        if place is None or place.layer is None or place.head is None:
            return
        heads = ((place.layer, place.head),)
        self._select(gathered(heads), {"held": heads, "before": self._links()})

    @Slot(int)
    def _return_to(self, number: int) -> None:
        """Ask again about an earlier link of the chain."""
        links = self._links()
        link, before = links[number], links[:number]
        changes = {"held": link.heads, "before": before, "input": link.input}
        self._select(gathered(link.heads), changes)

    @Slot(bool)
    def _hear(self, hear_each_other: bool) -> None:
        self.set_view({"hear_each_other": hear_each_other})

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
            found.insert(0, Verb("Who feeds it?", turn, lambda: self._go_on(row, column)))
        menus.show_menu(self, [*found, menus.copying(self._words(row, column))], where)


def _is_held(view: FeedersView, cursor: Cursor) -> bool:
    """Whether the sender is still selected that the receivers were held for."""
    sender = view.sender
    if sender is None or (sender.layer, sender.head) != (cursor.layer, cursor.head):
        return False
    return not sender.heads or sender.heads == cursor.heads


def _hear_each_other(view: FeedersView, heads: tuple[Head, ...]) -> bool:
    """Whether receivers hear each other; those of one layer can't."""
    return view.hear_each_other and len({layer for layer, _ in heads}) > 1
