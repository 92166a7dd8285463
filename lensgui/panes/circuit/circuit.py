"""Circuit: the model's graph as a board of nodes and edges, what each is worth, what it matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import ClassVar

from PySide6.QtCore import QPoint, Qt, QTimer, Slot
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from lensgui.jobs.answers.circuits import (
    CircuitReading,
    CurveReading,
    EdgeChecks,
    EdgeTable,
)
from lensgui.jobs.request import Request
from lensgui.models.attribution_graphs import AttributionGraph
from lensgui.panes import menus
from lensgui.panes.circuit import asked, board_menu, foreign
from lensgui.panes.circuit import board_contents as made
from lensgui.panes.circuit import board_groups as groups
from lensgui.panes.circuit.board import Board
from lensgui.panes.circuit.board_contents import BoardNode, Contents
from lensgui.panes.circuit.controls import BoardControls
from lensgui.panes.circuit.filing import Filing
from lensgui.panes.circuit.measured import rail
from lensgui.panes.circuit.measured.explained import explained
from lensgui.panes.circuit.measured.suggesting import Suggesting
from lensgui.panes.controls.controls import Lines, Shares
from lensgui.panes.figures.shown import Shown
from lensgui.panes.pane import MODEL, Pane
from lensgui.panes.python import circuits as code
from lensgui.panes.python.figures import NO_CODE, Code
from lensgui.panes.token_text import plain_tip
from lensgui.panes.verb import Verb
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import BoardView, Measured
from lensgui.terms.circuits.kept import EdgeName, KeptCircuit
from lensgui.terms.kinds import Head
from lensgui.terms.roles import GivenRole, Part

ROUND = 60  # pixels that are seen around a node that is scrolled to


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
        self.controls, self.search = BoardControls(self), Suggesting(self)
        self.files, self.said = Filing(self), Lines(3, self)
        self.board, self.rail, self.room = Board(self), rail.Rail(self), QScrollArea(self)
        self._is_to_reveal = False
        self._lay_out()
        self._connect()
        self._empty_states = {self.board: asked.NO_PAIR}

    def _lay_out(self) -> None:
        self.room.setWidgetResizable(True)
        self.room.setFrameShape(QFrame.Shape.NoFrame)
        self.room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.room.setWidget(self.board)
        self.column.addWidget(self.controls)
        self.column.addWidget(self.said)
        shares = Shares(Qt.Orientation.Horizontal, self)
        shares.add_part(self.room, 3)
        shares.add_part(self.rail, 2)
        self.column.addWidget(shares, 1)

    def _connect(self) -> None:
        controls = self.controls
        controls.chosen.connect(self.set_view)
        controls.menu.clicked.connect(self._show_circuit_menu)
        self.files.found.connect(self._keep)
        self.files.doubted.connect(lambda of: self._offer(board_menu.of_signs(self, of)))
        self.files.said.connect(self.hovered)
        self.files.altered.connect(self._show_file)
        controls.suggest.clicked.connect(self._suggest)
        controls.pin.clicked.connect(self._pin_all)
        controls.group.clicked.connect(self._group)
        controls.name.editingFinished.connect(self._rename)
        self.search.found.connect(self._keep)
        self.search.altered.connect(self._show_search)
        self.rail.parts.evidence.connect(self._show_evidence)
        self.rail.beside.chosen.connect(lambda to: self.set_view({"beside": to}))
        self.rail.picked.connect(self.picked)
        self.rail.hovered.connect(self.hovered)
        self.board.picked.connect(self._pick)
        self.board.hovered.connect(self.hovered)
        self.board.moved.connect(self._move)
        self.board.asked.connect(self._show_menu)
        self.board.edge_pointed.connect(self._point_at)

    def requests(self, document: Document, cursor: Cursor) -> dict[str, Request]:
        """Ask what every edge is worth, and what those matter that are to be exact."""
        is_answered = self.answered(asked.SCORES) == asked.scores(document)
        table = self.known(asked.SCORES, EdgeTable) if is_answered else None
        pending = {asked.FILE: self.files.question, asked.SUGGESTED: self.search.question}
        is_quiet = self.search.is_on or self.files.graph is not None
        return asked.questions(document, cursor, table, self._edge, pending, is_quiet=is_quiet)

    def python(self, document: Document, cursor: Cursor) -> str:
        """Return how to compute what the edges are worth, or how a circuit is looked for."""
        if self.files.graph is not None:
            return code.foreign(document, self.files.graph.file)
        if self.search.is_on:
            return code.suggested(document)
        found = self._ungrouped()
        names = [edge.name for edge in reversed(found.edges)]
        shown = document.circuit if document.views.board.nodes == "circuit" else None
        heads = [head for node in found.nodes for head in node.heads]
        return code.edges(document, names, shown.heads if shown else heads, shown)

    def shown(self) -> list[Shown]:
        """Return the board, and what stands beside it."""
        found, is_foreign = self.board.contents, self.files.graph is not None
        if not found.edges:
            return []
        is_plain = not (is_foreign or any(edge.count for edge in found.edges))
        lines = Code(("[scores.of(*edge) for edge in edges]",)) if is_plain else NO_CODE
        panel = self.board.figure()
        says = f"{self.said.text()}. Edges have no position."
        board = Shown(self.board, "", (panel,), says, self.is_stale(asked.SCORES), code=lines)
        if is_foreign:
            return [board]
        curve, reading = (
            self.answer(asked.CURVE, CurveReading),
            self.answer(asked.CIRCUIT, CircuitReading),
        )
        is_stale = self.is_stale(asked.CIRCUIT if curve is None else asked.CURVE)
        return [board, *self.rail.pictures(reading, curve, self._view.beside, is_stale=is_stale)]

    def show_document(self, document: Document) -> None:
        """Show how the board is set."""
        self._document = document
        self.controls.show_view(document.views.board)
        self.search.follow(document.model, document.circuit, asked.scores(document))
        self.files.follow(document.model, has_failed=self.has_failed(asked.FILE))
        self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Frame the selected node."""
        is_other = (cursor.layer, cursor.selected) != (self._cursor.layer, self._cursor.selected)
        self._cursor = cursor
        self.board.show_cursor(cursor if self.files.graph is None else Cursor())
        self._show_group()
        is_around = self._view.nodes == "selected"
        self._is_to_reveal |= is_other and (is_around or self.board.hasFocus())
        if is_other and is_around:
            self._draw()
        self._reveal()

    def begin_anew(self) -> None:
        """Show who tells the selected node what, and who reads it."""
        self._is_to_reveal = True
        self.files.close_graph()
        self.set_view({"nodes": "selected"})
        self._reveal()

    def show_roles(self, roles: Mapping[Head, Part], given: tuple[GivenRole, ...]) -> None:
        """Draw the letters of roles."""
        super().show_roles(roles, given)
        self.board.show_roles(dict(roles))

    def draw_reply(self, name: str) -> None:
        """Draw what is known by now."""
        if name == asked.SCORES and not self.is_stale(asked.SCORES):
            self.altered.emit()
        if name == asked.SUGGESTED:
            self.search.take(self.reply(asked.SUGGESTED))
        if name == asked.FILE:
            self.files.take(self.reply(asked.FILE))
        if name != MODEL:
            self._draw()

    def _contents(self) -> Contents:
        """Return what is on the board."""
        return groups.grouped(self._ungrouped(), self._view.groups)

    def _ungrouped(self) -> Contents:
        """Return the same with every node for itself."""
        table = self._table
        if table is None or self._document is None:
            return Contents()
        checks = [self.known(name, EdgeChecks) for name in (asked.EXACT, asked.ONE)]
        known = tuple(one for one in checks if one is not None)
        view, pins = self._view, self._document.pins
        try:
            return made.contents(table, view, pins, self._cursor, known, self._circuit)
        except ValueError:  # the circuit is another model's
            return Contents()

    @property
    def _table(self) -> EdgeTable | None:
        """What every edge is worth, if need be where a circuit is being found."""
        table, reading = self.answer(asked.SCORES, EdgeTable), self.search.reading
        return reading.table if table is None and reading is not None else table

    @property
    def _circuit(self) -> KeptCircuit | None:
        """The circuit that is being found, or else the one that is kept."""
        reading = self.search.reading
        if reading is not None and reading.circuit is not None:
            return reading.circuit
        return self._document.circuit if self._document is not None else None

    def _draw(self) -> None:
        if self.files.graph is not None:
            self._draw_foreign(self.files.graph)
            return
        table, found, view = self._table, self._contents(), self._view
        self.board.show_contents(
            found,
            table.shape.n_layers if table is not None else 0,
            dict(view.places),
            (found.labels, table.shape if table is not None else None),
            is_free=view.is_free,
            fades=view.fades,
        )
        self.board.show_stale(self.is_stale(asked.SCORES))
        circuit = self._circuit if view.nodes == "circuit" else None
        faults = table.faults if table is not None else ()
        self._caption(made.said(table, found, circuit) if table is not None else "", *faults)
        self._show_group()
        self.controls.pin.setEnabled(bool(groups.unpinned(self.board.contents)))
        self._draw_rail(table)
        lacks = asked.NO_PAIR if self.reply(asked.SCORES) is None else ""
        lacks = asked.LOOKING if self.search.is_on else lacks
        self._empty_states[self.board] = lacks or asked.lacking(view, table, self._circuit)
        self._reveal()
        self._say_if_empty(self._empty_states, asked.SCORES)

    def _draw_foreign(self, graph: AttributionGraph) -> None:
        """Draw an attribution graph of a file instead."""
        self._caption(foreign.draw(self.board, graph, self._view))
        self.rail.setVisible(False)
        self._empty_states[self.board] = foreign.NO_LINKS
        self._say_if_empty(self._empty_states)

    def _caption(self, words: str, *more: str) -> None:
        self.said.setText(words)
        self.said.setToolTip(plain_tip("\n".join((words, *more))))

    def _draw_rail(self, table: EdgeTable | None) -> None:
        view = self._view
        self.rail.setVisible(bool(view.measured) or self.search.is_on)
        if self.search.is_on:
            self.rail.show_search(self.search)
            return
        if view.measured == "sizes":
            curve = self.answer(asked.CURVE, CurveReading)
            self.rail.show_curve(curve, is_stale=self.is_stale(asked.CURVE))
            return
        circuit, where = self._circuit if view.nodes == "circuit" else None, ""
        if table is not None and view.beside == "parts":
            drawn = tuple(edge.name for edge in self._ungrouped().edges)
            edges = circuit.edges if circuit is not None and drawn else drawn
            self.rail.parts.show_nodes(explained(table, edges, tuple(self.roles.items())))
        if circuit is not None and self._document is not None:
            where = asked.measured_on(self._document.rows, self._document.pair, circuit)
        reading = self.answer(asked.CIRCUIT, CircuitReading)
        other = self.known(asked.SECOND, CircuitReading)
        again = rail.again(other, asked.SECOND_REFERENCE[view.reference][1])
        shown = reading, self._cursor, view.beside, where, again
        self.rail.show_reading(*shown, is_stale=self.is_stale(asked.CIRCUIT))

    def _reveal(self) -> None:
        """Scroll to the selected node once, as soon as it is there and its room is laid out."""
        is_known = not self.is_stale(asked.SCORES)
        if self._is_to_reveal and is_known and self.board.selected() is not None:
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
        self.controls.show_group(groups.group_of(self._view.groups, heads), len(heads))

    @Slot()
    def _group(self) -> None:
        """Draw the selected heads as one node, or as themselves again."""
        wanted = self.controls.name.text() or groups.common_role(self.roles, self._cursor.selected)
        after = groups.toggled(self._view.groups, self._cursor.selected, wanted)
        self.set_view({"groups": after})

    @Slot()
    def _rename(self) -> None:
        before, wanted = self._view.groups, self.controls.name.text()
        name = groups.group_of(before, self._cursor.selected)
        if name and wanted not in ("", name):
            self.set_view({"groups": groups.renamed(before, name, wanted)})

    @Slot()
    def _pin_all(self) -> None:
        assert self._document is not None
        unpinned = groups.unpinned(self.board.contents)
        self.edited.emit({"pins": (*self._document.pins, *unpinned)})

    @Slot(object)
    def _pick(self, fields: dict[str, object]) -> None:
        """Select a node of the model; those of a file are of no model that is open."""
        if self.files.graph is None:
            self.picked.emit(fields)

    @Slot(str, float)
    def _move(self, name: str, middle: float) -> None:
        places = dict(self._view.places) | {name: round(middle, 4)}
        if self.files.graph is None:
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
        place, is_own = Cursor(node.node.layer, node.node.head), self.files.graph is None
        if place.layer is not None and self._document is not None and is_own:
            around = partial(self._show_around, place)
            verbs = board_menu.of_node(self, place, self._document.pins, around)
            menus.show_menu(self, verbs, where)

    @Slot()
    def _suggest(self) -> None:
        """Begin to look for a circuit, or stop and keep what there is."""
        question = asked.suggestion(self._document) if self._document is not None else None
        self.files.close_graph()
        if self.search.is_on or question is None:
            self.search.stop()
            self._show_search()
        else:
            self.set_view({"nodes": "circuit"})
            self.search.begin(question)

    @Slot()
    def _show_file(self) -> None:
        self.altered.emit()
        self._draw()

    @Slot()
    def _show_search(self) -> None:
        self.controls.show_search(is_on=self.search.is_on)
        self.altered.emit()
        self._draw()

    @Slot(object)
    def _keep(self, circuit: KeptCircuit) -> None:
        """Keep a circuit that was found, and measure it, each edge exactly."""
        measured: Measured = "heads" if self._view.measured == "heads" else "edges"
        shown = replace(self._view, nodes="circuit", is_exact=True, measured=measured)
        self.edited.emit({"circuit": circuit, "board": shown})

    @Slot()
    def _show_circuit_menu(self) -> None:
        """Offer what is done with the circuit that is kept."""
        table = self.known(asked.SCORES, EdgeTable)
        shape = table.shape if table is not None else None
        if self._document is not None:
            self._offer(board_menu.of_circuit(self, self._document, shape, self.files))

    def _offer(self, verbs: list[Verb]) -> None:
        of = self.controls.menu
        menus.show_menu(self, verbs, of.mapToGlobal(of.rect().bottomLeft()))

    @Slot(object)
    def _show_evidence(self, fields: dict[str, object]) -> None:
        self.picked.emit(fields)
        self.pane_requested.emit(menus.ATTENTION)

    def _show_around(self, place: Cursor) -> None:
        menus.select(self, place)
        self.begin_anew()
