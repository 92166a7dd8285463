"""Where every head looks, and where one head looks exactly."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from PySide6.QtCore import QPoint, Qt, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QWidget

from lensgui.jobs.answers.arrays import Atlas, Axis, HeadSlice
from lensgui.jobs.answers.readings import PairReading, PromptReading
from lensgui.jobs.request import Request
from lensgui.jobs.requests import AttentionGrid, AttentionHead, ReadPair
from lensgui.panes import menus
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.attention.focus import HeadFocus
from lensgui.panes.attention.head_numbers import NAMES
from lensgui.panes.attention.panels import WITHOUT_FIRST
from lensgui.panes.controls.controls import Shares, dress
from lensgui.panes.controls.flow import Flow
from lensgui.panes.controls.side_box import SideBox
from lensgui.panes.figures.shown import Shown
from lensgui.panes.head_grid import panels as head_grids
from lensgui.panes.head_grid.all_heads import AllHeads
from lensgui.panes.head_grid.cards import share_words
from lensgui.panes.head_grid.ranking import NAMED, question
from lensgui.panes.menus import edges_of, heads_of
from lensgui.panes.pane import EmptyState, Pane
from lensgui.panes.python import script
from lensgui.panes.python.figures import NO_CODE, Code
from lensgui.panes.token_text import is_of, names
from lensgui.panes.verb import Verb
from lensgui.prompts.sides import CAPTIONS, is_difference, lacking, one_side, unchanged
from lensgui.state.document import Document
from lensgui.state.selection import Cursor, extended
from lensgui.state.views import AT_FIRST, AttentionView
from lensgui.terms.kinds import Head
from lensgui.terms.scores import HeadScore

HIDE_FIRST = PANE_ACTIONS["hide_first"]
NO_PROMPT = "Type a prompt, and for a difference two, to see every head's attention."
NO_HEAD = "Click a head in the grid to see where it looks."


def of_head(
    pane: Pane, place: Cursor, pins: tuple[Cursor, ...], words: str, average: Callable[[], None]
) -> list[Verb]:
    """Return the verbs of a head in the grid.

    Args:
        pane: Where the menu is shown.
        place: The head.
        pins: What is pinned at present.
        words: What is known of the head.
        average: Averages over it too, or no longer.
    """
    averaging = Verb(
        "Average over it, or no longer",
        "Show the mean of this head and the selected ones; shift-click does the same.",
        average,
    )
    return [averaging, *_pin_and_copy(pane, place, pins, words)]


def of_edge(pane: Pane, place: Cursor, pins: tuple[Cursor, ...], words: str) -> list[Verb]:
    """Return the verbs of one edge of a head; arguments as in `of_head`."""
    return _pin_and_copy(pane, place, pins, words)


def _pin_and_copy(pane: Pane, place: Cursor, pins: tuple[Cursor, ...], words: str) -> list[Verb]:
    _, *verbs = menus.of_place(pane, place, pins)  # its attention is here
    return [*verbs, menus.copying(words)]


class AttentionPane(Pane):
    """A grid of all heads beside the selected head's attention, token by token."""

    title: ClassVar[str] = "Attention"
    guide: ClassVar[str] = "attention.md"
    averages: ClassVar[bool] = True
    follows_written: ClassVar[bool] = True
    about: ClassVar[str] = "Where each head looks: rows are destinations, columns are sources."
    says_itself: ClassVar[frozenset[str]] = frozenset({"rank"})
    view_name: ClassVar[str] = "attention"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._head_shown: tuple[HeadSlice, list[str], frozenset[int]] | None = None
        which = "Which prompt's attention is shown, or clean minus corrupted."
        self.side = SideBox("Prompt whose attention is shown", which, self)
        self.hide_first = dress(QCheckBox(HIDE_FIRST.text, self), HIDE_FIRST)
        self.hide_first.setChecked(self._view.hides_first)
        self.all_heads = AllHeads(self)
        self.grid, self.bar = self.all_heads.grid, self.all_heads.bar
        self.focus = HeadFocus(self)
        self.name, self.head = self.focus.name, self.focus.map
        views = (self.focus.map, self.focus.lines, self.focus.text)
        self._usual: dict[EmptyState, str] = {self.grid: NO_PROMPT}
        self._usual |= dict.fromkeys(views, NO_HEAD)
        self._empty_states = {**self._usual}
        self._lay_out()
        self._connect()

    @property
    def slice(self) -> HeadSlice | None:
        """The selected head's numbers."""
        return self.focus.slice

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Return every head's thumbnail, and the selected head exactly."""
        pair, rows, view = document.pair, document.rows, document.views.attention
        if unchanged(pair, view.side) or (not rows and lacking(pair, view.side)):
            return {}
        model, asked, side = document.model, document.asked, view.side
        found: dict[str, Request] = {
            "pair": ReadPair(model, pair),
            "grid": AttentionGrid(model, asked, side, view.hides_first, rows, view.measure),
        }
        ranks = question(NAMED[view.score], document, cursor, side)
        if ranks is not None:
            found["rank"] = ranks
        looked_at = cursor.selected
        if looked_at:
            found["head"] = AttentionHead(
                model, asked, looked_at, side, view.measure, view.head_hides_first, rows
            )
        return found

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to get what is shown of the selected head, and of all heads."""
        view = document.views.attention
        return script.attention(
            document,
            cursor.selected or ((cursor.layer or 0, cursor.head or 0),),
            view.side,
            view.measure,
            hides_first=view.head_hides_first,
            grid_hides_first=view.hides_first,
            ranked=script.ranked(document, NAMED[view.score], cursor, view.side),
        )

    def shown(self) -> list[Shown]:
        """Return the selected head as it is drawn, all heads, and what ranks them."""
        view, pair = self._view, self._pair
        whose = CAPTIONS[view.side] if is_difference(view.side) else f"the {view.side} prompt"
        differing = pair.differing if pair is not None and self.slice is not None else ()
        left_out = f"; {WITHOUT_FIRST[view.measure == 'pattern']}"
        says = f"{NAMES[view.measure]} of {{heads}}, {whose}" + left_out * view.head_hides_first
        compared = CAPTIONS[view.side] if is_difference(view.side) else ""
        found = self.focus.shown(says, compared, frozenset(differing))
        grid = self.grid
        if grid.atlas is not None:
            every = f"{NAMES[view.measure]} of all heads, {whose}" + left_out * view.hides_first
            every += "; in each square rows are destinations, columns are sources"
            counted = ", ".join(filter(None, (NAMES[grid.atlas.measure], compared)))
            panel = head_grids.thumbs(grid.atlas, counted)
            title = "Attention of all heads"
            code = Code(("grid",))
            found.append(Shown(grid, "all heads", (panel,), every, grid.is_stale, title, code))
        ranks = head_grids.ranks(grid.ranking) if grid.ranking is not None else None
        if ranks is not None and grid.ranking is not None:
            score = grid.ranking.score
            means = f"{score.title}: {score.meaning}"
            code, drawn = self._ranked_code(score), self.all_heads.ranked
            title = f"All heads: {score.title}"
            found.append(Shown(drawn, "head scores", (ranks,), means, grid.is_stale, title, code))
        return found

    def _ranked_code(self, score: HeadScore) -> Code:
        """Return how a script gets at what ranks the heads, where its lines compute that."""
        if self._document is None:
            return NO_CODE
        document, side = self._document, self._view.side
        swept = script.ranked_slowly(score, has_rows=bool(document.rows))
        if swept or script.ranked(document, score, self._cursor, side):
            return Code(("ranks",), swept)
        return NO_CODE

    def show_document(self, document: Document) -> None:
        """Show how attention is looked at, and outline the pinned heads."""
        was_ranked = self.grid.view.is_ranked
        self._document = document
        view = document.views.attention
        self.side.show_side(view.side)
        self._say_what_lacks(document)
        self.hide_first.setChecked(view.hides_first)
        self.focus.show_view(view)
        self.all_heads.show_view(view)
        if self.grid.view.is_ranked != was_ranked:
            self._share_out()
        self.all_heads.show_bounds(document.bounds)
        self._mark()
        self._rank()

    def draw_roles(self) -> None:
        """Write the letters of roles."""
        self.all_heads.show_roles(self.roles)
        self.focus.show_roles(self.roles)

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected head, and its cell."""
        is_elsewhere = (cursor.layer, cursor.head) != (self._cursor.layer, self._cursor.head)
        self._cursor = cursor
        self._mark()
        if is_elsewhere:
            self.grid.reveal()
        self._rank()
        self.focus.expect(cursor.selected)
        self.focus.show_cursor(cursor)

    def draw_reply(self, name: str) -> None:
        """Fill in the layers known so far, or the head."""
        match name:
            case "rank":
                self._rank()
            case "grid":
                self._draw_grid()
                self._rank()
            case "head":
                self._draw_head()
            case "pair" if self._pair is not None:
                if self.grid.atlas is not None and not self.is_stale("grid"):
                    self.grid.tokens = self._names(self.grid.atlas.axes[2])
                if self.slice is not None and not self.is_stale("head"):
                    self._show_head(self.slice)

    def _say_what_lacks(self, document: Document) -> None:
        """Say in empty pictures what is missing for what is chosen."""
        pair, side = document.pair, document.views.attention.side
        is_typed = bool(pair.clean) and not document.rows
        why = lacking(pair, side) if is_typed else unchanged(pair, side)
        self._empty_states = dict.fromkeys(self._usual, why) if why else {**self._usual}
        self._say_if_empty(self._empty_states)

    @property
    def _pair(self) -> PairReading | None:
        return self.answer("pair", PairReading)

    def _draw_grid(self) -> None:
        atlas = self.answer("grid", Atlas)
        if atlas is None:
            self.grid.show_atlas(None)
            self.hide_first.setText(HIDE_FIRST.text)
        elif atlas is not self.grid.atlas:
            is_first = self.grid.atlas is None
            self.grid.tokens = self._names(atlas.axes[2])
            self.grid.show_atlas(atlas)
            self._share_out()
            self.hide_first.setText(HIDE_FIRST.text + share_words(atlas))
            if is_first:
                self.grid.reveal()
        self.grid.show_stale(self.is_stale("grid"))
        self.all_heads.magnify_anew()

    def _draw_head(self) -> None:
        found = self.answer("head", HeadSlice)
        if found is None:
            self._head_shown = None
            self.focus.show_slice(None, (), frozenset())
        elif found is not self.slice:
            self.focus.show_names()
            self._show_head(found)
            self._mark()
        self.focus.show_stale(self.is_stale("head"))

    @property
    def _view(self) -> AttentionView:
        views = self._document.views if self._document is not None else AT_FIRST
        return views.attention

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width anew."""
        super().resizeEvent(event)
        self._share_out()

    @Slot()
    def _share_out(self) -> None:
        """Give the grid the width it can use, but about half at most; the head takes the rest."""
        if not self._splitter.is_by_hand:
            whole = self._splitter.width()
            most = whole * 11 // 20
            needed = self.grid.width_for(self.grid.height())
            share = most if self.grid.view.is_ranked else min(needed, most)
            self._splitter.setSizes([share, whole - share])

    def _lay_out(self) -> None:
        switches = Flow(spacing=6)
        for part in (self.side, self.hide_first, self.focus.bar):
            switches.addWidget(part)
        self._splitter = Shares(Qt.Orientation.Horizontal, self)
        self._splitter.add_part(self.all_heads, 0)
        self._splitter.add_part(self.focus, 1)
        self._splitter.was_reset.connect(self._share_out)
        self.column.addLayout(switches)
        self.column.addWidget(self.bar)
        self.column.addWidget(self._splitter, 1)

    def _connect(self) -> None:
        for part in (self.grid, self.focus):
            part.picked.connect(self.picked)
            part.hovered.connect(self.hovered)
        self.all_heads.chosen.connect(self.set_view)
        self.all_heads.bounds_changed.connect(self._edit_bounds)
        self.grid.extended.connect(self._extend)
        self.grid.pinned.connect(self._pin)
        self.grid.menu_requested.connect(self._offer_head)
        self.head.menu_requested.connect(self._offer_edge)
        self.head.verb_requested.connect(self._act_on_edge)
        self.focus.bar.chosen.connect(self.set_view)
        self.side.chosen.connect(self.set_view)
        self.hide_first.clicked.connect(self._hide_first)

    @Slot(bool)
    def _hide_first(self, hides_first: bool) -> None:
        self.set_view({"hides_first": hides_first})

    @Slot(object)
    def _edit_bounds(self, bounds: object) -> None:
        self.edited.emit({"bounds": bounds})

    def _rank(self) -> None:
        self.all_heads.rank(self.reply("rank"), self.answer("grid", Atlas), self._cursor)

    @Slot(object)
    def _extend(self, head: Head) -> None:
        """Average over a head too, or no longer."""
        fields = extended(self._cursor.selected, head)
        if fields["head"] is not None:  # the last one stays
            self.picked.emit(fields)

    @Slot(object)
    def _pin(self, head: Head) -> None:
        self.pinned.emit(Cursor(*head))

    @Slot(str, int, int)
    def _act_on_edge(self, verb: str, row: int, column: int) -> None:
        """Pin an edge of the head that is drawn; its attention is here."""
        if verb == "pin" and self.focus.heads:
            edge = self.head.edge_at(row, column)
            self.pinned.emit(Cursor(*self.focus.heads[0], *edge))

    @Slot(int, int, object)
    def _offer_head(self, layer: int, head: int, where: QPoint) -> None:
        """Show what can be done with a head of the grid."""
        place, words = Cursor(layer, head), self.grid.words(layer, head)
        average = partial(self._extend, (layer, head))
        found = of_head(self, place, self._pins, words, average)
        if (layer, head) in self._cursor.heads:
            found[1:1] = menus.of_heads(self, self._cursor.heads, self._pins)
        menus.show_menu(self, found, where)

    @Slot(int, int, object)
    def _offer_edge(self, row: int, column: int, where: QPoint) -> None:
        """Show what can be done with an edge of the selected head."""
        words = self.head.describe(row, column)
        menus.show_menu(self, of_edge(self, self._cursor, self._pins, words), where)

    @property
    def _pins(self) -> tuple[Cursor, ...]:
        return self._document.pins if self._document else ()

    def _mark(self) -> None:
        pins = self._document.marked if self._document else ()
        self.grid.show_marks(self._cursor, heads_of(pins), self._cursor.heads)
        self.head.show_pins(edges_of(pins, self.focus.heads))

    def _reading(self, axis: Axis) -> PromptReading | None:
        """Return what is known of the prompt whose tokens an axis counts."""
        reading: PromptReading | None = getattr(self._pair, one_side(self._view.side), None)
        return reading if is_of(axis, reading) else None

    def _names(self, axis: Axis) -> list[str]:
        return names(axis, self._reading(axis), self._pair)

    def _show_head(self, slice_: HeadSlice) -> None:
        axis = slice_.axes[0]
        marked = frozenset(self._pair.differing if self._pair and self._reading(axis) else ())
        shown = slice_, self._names(axis), marked
        if shown != self._head_shown:
            self._head_shown = shown
            self.focus.show_slice(*shown)
        self.focus.show_cursor(self._cursor)
