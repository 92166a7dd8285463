"""What the circuit board asks: what edges are worth first, and then about those that it shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lensgui.jobs.answers.circuits import EdgeTable
from lensgui.jobs.questions.circuit_requests import (
    DRAWS,
    CheckEdges,
    MeasureCircuit,
    MeasureCurve,
    ScoreEdges,
)
from lensgui.jobs.request import Request
from lensgui.panes.circuit import board_contents as made
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.circuits.kept import EdgeName
from lensgui.terms.kinds import Head

SCORES, EXACT, ONE = "edges", "exact", "one edge"
CIRCUIT, CURVE = "circuit", "by size"


def scores(document: Document) -> ScoreEdges | None:
    """Return the question what every edge is worth; None where there is no pair."""
    pair = document.asked.plain
    if not document.rows and not (pair.clean and pair.corrupted):
        return None
    rows = tuple(replace(row, pair=row.pair.plain) for row in document.rows)
    return ScoreEdges(document.model, pair, document.views.board.reference, rows)


@dataclass(frozen=True, slots=True)
class Board:
    """What is shown, by which questions are asked.

    Attributes:
        document: What is worked on.
        cursor: What is selected.
        table: What every edge is worth.
        edge: The edge under the pointer; None for none.
    """

    document: Document
    cursor: Cursor
    table: EdgeTable
    edge: EdgeName | None = None

    def questions(self, scored: ScoreEdges) -> dict[str, Request]:
        """Return what is asked once it is known what edges are worth."""
        view, found = self.document.views.board, dict[str, Request]()
        edges = made.chosen_edges(self.table, view, self.document.pins, self.cursor)
        about = scored.model, scored.pair, view.reference
        if view.is_exact and edges:
            found[EXACT] = CheckEdges(*about, edges, rows=scored.rows)
        elif self.edge in edges and self.edge is not None:
            found[ONE] = CheckEdges(*about, (self.edge,), rows=scored.rows)
        if view.measured == "sizes":
            found[CURVE] = MeasureCurve(*about, view.by, scored.rows)
        elif view.measured and edges:
            found[CIRCUIT] = self.circuit(scored, edges)
        return found

    def circuit(self, scored: ScoreEdges, edges: tuple[EdgeName, ...]) -> MeasureCircuit:
        """Return the question how well what is on the board stands for the model."""
        view = self.document.views.board
        about = scored.model, scored.pair, view.reference
        is_wide = view.beside == "completeness"
        return MeasureCircuit(
            *about,
            heads=self.heads() if view.measured == "heads" else (),
            edges=edges if view.measured == "edges" else (),
            sets=view.groups if is_wide else (),
            draws=DRAWS if is_wide else 0,
            rows=scored.rows,
        )

    def heads(self) -> tuple[Head, ...]:
        """Return the heads on the board."""
        document = self.document
        found = made.contents(self.table, document.views.board, document.pins, self.cursor)
        return tuple(head for node in found.nodes for head in node.heads)
