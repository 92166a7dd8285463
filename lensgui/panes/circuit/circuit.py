"""Circuit: the model's graph as a board of nodes and edges, what each is worth, what it matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from PySide6.QtCore import QPoint, Qt, QTimer, Slot
from PySide6.QtWidgets import QFrame, QLineEdit, QScrollArea, QSizePolicy, QToolButton, QWidget

from lensgui.jobs.answers.circuits import CircuitReading, CurveReading, EdgeChecks, EdgeTable
from lensgui.jobs.request import Request
from lensgui.panes import menus
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.circuit import asked
from lensgui.panes.circuit import board_contents as made
from lensgui.panes.circuit import board_groups as groups
from lensgui.panes.circuit.asked import CIRCUIT, CURVE, EXACT, ONE, SCORES
from lensgui.panes.circuit.board import Board
from lensgui.panes.circuit.board_choices import COUNTS, MEASURED, NODES, RANKINGS, REFERENCES
from lensgui.panes.circuit.board_contents import BoardNode, Contents
from lensgui.panes.circuit.rail import Rail
from lensgui.panes.controls.chooser import Chooser
from lensgui.panes.controls.controls import Lines, Shares, button
from lensgui.panes.controls.flow import Flow
from lensgui.panes.figures.shown import Shown
from lensgui.panes.pane import MODEL, Pane
from lensgui.panes.python import circuits as code
from lensgui.panes.python.figures import NO_CODE, Code
from lensgui.panes.token_text import plain_tip
from lensgui.panes.verb import Verb
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import BoardNodes, BoardView, Measured
from lensgui.terms.circuits.graph import Ranking
from lensgui.terms.circuits.kept import EdgeName
from lensgui.terms.circuits.nodes import Reference
from lensgui.terms.kinds import Head
from lensgui.terms.roles import GivenRole, Part

ROUND = 60  # pixels that are seen around a node that is scrolled to
NO_PAIR = "A circuit is measured on a pair: type a corrupted prompt."
NO_PINS = "No head is pinned: pin some in any pane, or choose the strongest edges."
NOT_SELECTED = "Select a head or a layer to see who tells it what, and who reads it."
EMPTY = {"pinned": NO_PINS, "selected": NOT_SELECTED}


class CircuitPane(Pane):
    """Nodes by layer, edges by attribution, dotted; solid where they are worked out exactly."""

    title: ClassVar[str] = "Circuit"
    guide: ClassVar[str] = "circuit.md"
    averages: ClassVar[bool] = True
    about: ClassVar[str] = (
        "The model's graph: which heads and MLPs tell which others what, and how much it matters."
    )
    view_name: ClassVar[str] = "board"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor = Cursor()
        self._edge: EdgeName | None = None  # under the pointer
        self.reference: Chooser[Reference] = Chooser("What stands in", [("", REFERENCES)], self)
        self.nodes: Chooser[BoardNodes] = Chooser("Which nodes", [("", NODES)], self)
        self.by: Chooser[Ranking] = Chooser("How edges are ranked", [("", RANKINGS)], self)
        self.most: Chooser[int] = Chooser("How many edges", [("", COUNTS)], self)
        self.measured: Chooser[Measured] = Chooser("What is measured", [("", MEASURED)], self)
        self.exact = _toggle("check_edges", self)
        self.fades, self.free = _toggle("board_paths", self), _toggle("board_free", self)
        self.tidy = button(PANE_ACTIONS["board_tidy"], self)
        self.pin = button(PANE_ACTIONS["pin_board"], self)
        self.name = QLineEdit(self)
        self.name.setAccessibleName("Name of the group")
        self.name.setPlaceholderText("name of the group")
        self.name.setMaxLength(groups.LONGEST)
        self.name.setToolTip(
            plain_tip("What the selected heads are called as a group; Return renames one.")
        )
        self.group = button(PANE_ACTIONS["group_heads"], self)
        self.said = Lines(3, self)
        self.board, self.rail, self.room = Board(self), Rail(self), QScrollArea(self)
        self._is_to_reveal = False
        self._lay_out()
        self._connect()
        self._empty_states = {self.board: NO_PAIR}

    def _lay_out(self) -> None:
        switches = QWidget(self)
        row = Flow(switches, spacing=6)
        for part in (
            *(self.reference, self.nodes, self.by, self.most, self.measured),
            *(self.exact, self.fades, self.free, self.tidy, self.pin, self.group, self.name),
        ):
            part.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(part)
        self.room.setWidgetResizable(True)
        self.room.setFrameShape(QFrame.Shape.NoFrame)
        self.room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.room.setWidget(self.board)
        self.column.addWidget(switches)
        self.column.addWidget(self.said)
        shares = Shares(Qt.Orientation.Horizontal, self)
        shares.add_part(self.room, 2)
        shares.add_part(self.rail, 1)
        self.column.addWidget(shares, 1)

    def _connect(self) -> None:
        self.reference.chosen.connect(lambda to: self.set_view({"reference": to}))
        self.nodes.chosen.connect(lambda to: self.set_view({"nodes": to}))
        self.by.chosen.connect(lambda to: self.set_view({"by": to}))
        self.most.chosen.connect(lambda to: self.set_view({"most": to}))
        self.measured.chosen.connect(lambda to: self.set_view({"measured": to}))
        self.rail.beside.chosen.connect(lambda to: self.set_view({"beside": to}))
        self.rail.picked.connect(self.picked)
        self.rail.hovered.connect(self.hovered)
        self.exact.clicked.connect(lambda is_on: self.set_view({"is_exact": is_on}))
        self.fades.clicked.connect(lambda is_on: self.set_view({"fades": is_on}))
        self.free.clicked.connect(lambda is_on: self.set_view({"is_free": is_on, "places": ()}))
        self.tidy.clicked.connect(lambda: self.set_view({"places": ()}))
        self.pin.clicked.connect(self._pin_all)
        self.group.clicked.connect(self._group)
        self.name.editingFinished.connect(self._rename)
        self.board.picked.connect(self.picked)
        self.board.hovered.connect(self.hovered)
        self.board.moved.connect(self._move)
        self.board.asked.connect(self._show_menu)
        self.board.edge_pointed.connect(self._point_at)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Ask what every edge is worth, and what those matter that are to be exact."""
        scored = asked.scores(document)
        if scored is None:
            return {}
        found: dict[str, Request] = {SCORES: scored}
        table = self.known(SCORES, EdgeTable)
        if table is None or self.answered(SCORES) != scored:
            return found
        return found | asked.Board(document, cursor, table, self._edge).questions(scored)

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to compute what the edges are worth."""
        found = self._ungrouped()
        names = [edge.name for edge in reversed(found.edges)]
        return code.edges(document, names, [head for node in found.nodes for head in node.heads])

    def shown(self) -> list[Shown]:
        """Return the board, and what stands beside it."""
        found = self._contents()
        if not found.edges:
            return []
        is_plain = not any(edge.count for edge in found.edges)
        lines = Code(("[scores.of(*edge) for edge in edges]",)) if is_plain else NO_CODE
        panel = self.board.figure()
        says = f"{self.said.text()}. Edges have no position."
        board = Shown(self.board, "", (panel,), says, self.is_stale(SCORES), code=lines)
        curve, reading = self.answer(CURVE, CurveReading), self.answer(CIRCUIT, CircuitReading)
        is_stale = self.is_stale(CIRCUIT if curve is None else CURVE)
        return [board, *self.rail.pictures(reading, curve, self._view.beside, is_stale=is_stale)]

    def show_document(self, document: Document) -> None:
        """Show how the board is set."""
        self._document = document
        view = document.views.board
        self.reference.show_value(view.reference)
        self.nodes.show_value(view.nodes)
        self.by.show_value(view.by)
        self.most.show_value(view.most)
        self.measured.show_value(view.measured)
        for switch, is_on in (
            (self.exact, view.is_exact),
            (self.fades, view.fades),
            (self.free, view.is_free),
        ):
            switch.setChecked(is_on)
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Frame the selected node."""
        is_other = (cursor.layer, cursor.selected) != (self._cursor.layer, self._cursor.selected)
        self._cursor = cursor
        self.board.show_cursor(cursor)
        self._show_group()
        is_around = self._view.nodes == "selected"
        self._is_to_reveal |= is_other and (is_around or self.board.hasFocus())
        if is_other and is_around:
            self._draw()
        self._reveal()

    def begin_anew(self) -> None:
        """Show who tells the selected node what, and who reads it."""
        self._is_to_reveal = True
        self.set_view({"nodes": "selected"})
        self._reveal()

    def show_roles(self, roles: Mapping[Head, Part], given: tuple[GivenRole, ...]) -> None:
        """Draw the letters of roles."""
        super().show_roles(roles, given)
        self.board.show_roles(dict(roles))

    def draw_reply(self, name: str) -> None:
        """Draw what is known by now."""
        if name == SCORES and not self.is_stale(SCORES):
            self.altered.emit()
        if name != MODEL:
            self._draw()

    def _contents(self) -> Contents:
        """Return what is on the board."""
        return groups.grouped(self._ungrouped(), self._view.groups)

    def _ungrouped(self) -> Contents:
        """Return the same with every node for itself."""
        table = self.answer(SCORES, EdgeTable)
        if table is None or self._document is None:
            return Contents()
        checks = [self.known(name, EdgeChecks) for name in (EXACT, ONE)]
        known = [one for one in checks if one is not None]
        view, pins = self._view, self._document.pins
        return made.contents(table, view, pins, self._cursor, known)

    def _draw(self) -> None:
        table, found = self.answer(SCORES, EdgeTable), self._contents()
        view = self._view
        self.board.show_contents(
            found,
            table.shape.n_layers if table is not None else 0,
            dict(view.places),
            (found.labels, table.shape if table is not None else None),
            is_free=view.is_free,
            fades=view.fades,
        )
        self.board.show_stale(self.is_stale(SCORES))
        self.said.setText(made.said(table, found) if table is not None else "")
        self.said.setToolTip(plain_tip("\n".join((self.said.text(), *_faults(table)))))
        self.tidy.setEnabled(bool(view.places))
        self._show_group()
        self.pin.setEnabled(bool(self._unpinned()))
        self.rail.setVisible(bool(view.measured))
        if view.measured == "sizes":
            curve = self.answer(CURVE, CurveReading)
            self.rail.show_curve(curve, is_stale=self.is_stale(CURVE))
        else:
            reading = self.answer(CIRCUIT, CircuitReading)
            is_stale = self.is_stale(CIRCUIT)
            self.rail.show_reading(reading, self._cursor, view.beside, is_stale=is_stale)
        is_asked = self.reply(SCORES) is not None
        empty = NO_PAIR if not is_asked else EMPTY.get(view.nodes, "") if table else ""
        self._empty_states[self.board] = empty
        self._reveal()
        self._say_if_empty(self._empty_states, SCORES)

    def _reveal(self) -> None:
        """Scroll to the selected node once, as soon as it is there and its room is laid out."""
        if self._is_to_reveal and not self.is_stale(SCORES) and self.board.selected() is not None:
            self._is_to_reveal = False
            QTimer.singleShot(0, self, self._scroll)

    @Slot()
    def _scroll(self) -> None:
        if (node := self.board.selected()) is not None:
            at = self.board.places().chips[node.name].center().toPoint()
            self.room.ensureVisible(at.x(), at.y(), ROUND, ROUND)

    @property
    def _view(self) -> BoardView:
        return self.views.board

    def _show_group(self) -> None:
        """Show whether the selected heads are a group, and what it is called."""
        heads = self._cursor.selected
        name = groups.group_of(self._view.groups, heads)
        self.group.setText("Ungroup" if name else PANE_ACTIONS["group_heads"].text)
        self.group.setEnabled(len(heads) > 1)
        self.name.setEnabled(len(heads) > 1)
        if not self.name.hasFocus() or name:
            self.name.setText(name)

    @Slot()
    def _group(self) -> None:
        """Draw the selected heads as one node, or as themselves again."""
        heads, before = self._cursor.selected, self._view.groups
        name = groups.group_of(before, heads)
        after = (
            groups.without_group(before, name)
            if name
            else groups.with_group(before, self.name.text() or self._common_role(heads), heads)
        )
        self.set_view({"groups": after})

    def _common_role(self, heads: Sequence[Head]) -> str:
        """Return the role that all of some heads have; "" for none."""
        names = {self.roles[head].role.name if head in self.roles else "" for head in heads}
        return f"{names.pop()}s" if len(names) == 1 and "" not in names else ""

    @Slot()
    def _rename(self) -> None:
        before, wanted = self._view.groups, self.name.text()
        name = groups.group_of(before, self._cursor.selected)
        if name and wanted and wanted != name:
            self.set_view({"groups": groups.renamed(before, name, wanted)})

    def _unpinned(self) -> list[Cursor]:
        """Return the heads on the board that are not pinned."""
        nodes = [one for one in self.board.contents.nodes if not one.is_pinned]
        heads = [each for one in nodes for each in one.members or (one.node,)]
        return [Cursor(node.layer, node.head) for node in heads if node.kind == "head"]

    @Slot()
    def _pin_all(self) -> None:
        assert self._document is not None
        self.edited.emit({"pins": (*self._document.pins, *self._unpinned())})

    @Slot(str, float)
    def _move(self, name: str, middle: float) -> None:
        places = dict(self._view.places) | {name: round(middle, 4)}
        self.set_view({"places": tuple(sorted(places.items()))})

    @Slot(object)
    def _point_at(self, edge: EdgeName | None) -> None:
        """Ask what the edge under the pointer matters exactly."""
        if edge is not None and edge != self._edge:
            self._edge = edge
            self.altered.emit()

    @Slot(object, object)
    def _show_menu(self, node: BoardNode, where: QPoint) -> None:
        """Offer what can be done with a head or an MLP's layer."""
        if node.node.layer is None or self._document is None:
            return
        place = Cursor(node.node.layer, node.node.head)
        around = Verb(
            "Who reads it",
            "Show the strongest edges into and out of it.",
            partial(self._show_around, place),
        )
        menus.show_menu(self, [around, *menus.of_place(self, place, self._document.pins)], where)

    def _show_around(self, place: Cursor) -> None:
        menus.select(self, place)
        self.begin_anew()


def _toggle(name: str, parent: QWidget) -> QToolButton:
    """Return a button that stays pressed."""
    made_ = button(PANE_ACTIONS[name], parent)
    made_.setCheckable(True)
    return made_


def _faults(table: EdgeTable | None) -> tuple[str, ...]:
    return table.faults if table is not None else ()
