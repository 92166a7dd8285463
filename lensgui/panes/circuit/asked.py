"""What the circuit board asks: what edges are worth first, and then about those that it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lensgui.jobs.answers.circuits import EdgeTable
from lensgui.jobs.questions.circuit_requests import (
    DRAWS,
    CheckEdges,
    MeasureCircuit,
    MeasureCurve,
    ScoreEdges,
    SuggestCircuit,
)
from lensgui.jobs.request import Request
from lensgui.panes.circuit import board_contents as made
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.state.views import BoardView
from lensgui.terms.circuits.kept import EdgeName, KeptCircuit
from lensgui.terms.circuits.nodes import Reference
from lensgui.terms.kinds import Head

SCORES, EXACT, ONE = "edges", "exact", "one edge"
CIRCUIT, CURVE, SECOND = "circuit", "by size", "circuit again"
SECOND_REFERENCE: dict[Reference, tuple[Reference, str]] = {
    "corrupted": ("mean", "a mean"),
    "names": ("corrupted", "the corrupted prompt"),
    "mean": ("corrupted", "the corrupted prompt"),
    "zero": ("mean", "a mean"),
}
"""What stands in a second time, as a number without its reference says nothing."""
SUGGESTED, FILE = "suggestion", "file"
NO_PAIR = "A circuit is measured on a pair: type a corrupted prompt."
NO_PINS = "No head is pinned: pin some in any pane, or choose the strongest edges."
NOT_SELECTED = "Select a head or a layer to see who tells it what, and who reads it."
NO_CIRCUIT = "No circuit is kept: Suggest looks for one, and Circuit ▸ Open reads one from a file."
LOOKING = (
    "The first circuit comes once edges are scored and the smallest sizes measured; what is known "
    "of it stands beside the board."
)
EMPTY = {"pinned": NO_PINS, "selected": NOT_SELECTED}


def scores(document: Document) -> ScoreEdges | None:
    """Return the question what every edge is worth; None where there is no pair."""
    pair = document.asked.plain
    if not document.rows and not (pair.clean and pair.corrupted):
        return None
    rows = tuple(replace(row, pair=row.pair.plain) for row in document.rows)
    return ScoreEdges(document.model, pair, document.views.board.reference, rows)


def lacking(view: BoardView, table: EdgeTable | None, circuit: KeptCircuit | None) -> str:
    """Return why nothing is on the board; "" where something is, or will be."""
    if table is None or view.nodes != "circuit":
        return EMPTY.get(view.nodes, "") if table is not None else ""
    if circuit is None:
        return NO_CIRCUIT
    try:
        circuit.graph(table.shape)
    except ValueError as error:
        return f"The circuit that is kept is another model’s. {error}"
    return ""


def suggestion(document: Document) -> SuggestCircuit | None:
    """Return the question for a small circuit; None where there is no pair."""
    view, scored = document.views.board, scores(document)
    if scored is None:
        return None
    about = scored.model, scored.pair, scored.stand_in
    return SuggestCircuit(*about, view.by, view.band, scored.rows)


def others(rows: tuple[PairRow, ...], circuit: KeptCircuit) -> tuple[PairRow, ...]:
    """Return the pairs that a circuit was not found on; all where there are no others."""
    found_on = frozenset(circuit.found_on)
    return tuple(row for row in rows if row.pair.clean not in found_on) or rows


def measured_on(rows: tuple[PairRow, ...], pair: PromptPair, circuit: KeptCircuit) -> str:
    """Return on which prompts a circuit is measured, in words; "" where nothing is known of it."""
    found_on = frozenset(circuit.found_on)
    texts = [row.pair.clean for row in others(rows, circuit)] or [pair.clean]
    own = sum(text in found_on for text in texts)
    if not found_on:
        return ""
    if not own:
        return f"measured on {'prompts' if len(texts) > 1 else 'a prompt'} it was not found on"
    if len(texts) > 1:
        return "measured on the prompts it was found on"
    is_its_own = len(found_on) == 1
    return "this prompt’s circuit" if is_its_own else "measured on a prompt it was found on"


def questions(
    document: Document,
    cursor: Cursor,
    table: EdgeTable | None,
    edge: EdgeName | None,
    pending: Mapping[str, Request | None],
    *,
    is_quiet: bool,
) -> dict[str, Request]:
    """Return all that the board asks.

    Args:
        document: What is worked on.
        cursor: What is selected.
        table: What every edge is worth; None while that is not known.
        edge: The edge under the pointer.
        pending: What else was begun: a file, and a circuit that is looked for.
        is_quiet: Whether no more is asked of the board than what is known by now: a circuit that is
            looked for does not wait for it.
    """
    found = {name: one for name, one in pending.items() if one is not None}
    scored = scores(document)
    is_whole = table is not None and table.done == table.total
    if scored is None or (is_quiet and not is_whole):
        return found
    found[SCORES] = scored
    if table is None or is_quiet:
        return found
    board = Board(document, cursor, table, edge, document.circuit)
    try:
        return found | board.questions(scored)
    except ValueError:  # the circuit is another model's, which the board says
        return found


@dataclass(frozen=True, slots=True)
class Board:
    """What is shown, by which questions are asked.

    Attributes:
        document: What is worked on.
        cursor: What is selected.
        table: What every edge is worth.
        edge: The edge under the pointer; None for none.
        circuit: The circuit that is kept; None for none.
    """

    document: Document
    cursor: Cursor
    table: EdgeTable
    edge: EdgeName | None = None
    circuit: KeptCircuit | None = None

    @property
    def shown(self) -> KeptCircuit | None:
        """The circuit that the board shows; None for none."""
        return self.circuit if self.document.views.board.nodes == "circuit" else None

    def questions(self, scored: ScoreEdges) -> dict[str, Request]:
        """Return what is asked once it is known what edges are worth.

        Raises:
            ValueError: If the circuit that is shown is another model's.
        """
        view, found = self.document.views.board, dict[str, Request]()
        edges = made.chosen_edges(self.table, view, self.document.pins, self.cursor, self.circuit)
        about = scored.model, scored.pair, view.reference
        within = self.shown.edges if self.shown is not None else ()
        if view.is_exact and edges:
            found[EXACT] = CheckEdges(*about, edges, scored.rows, within)
        elif self.edge in edges and self.edge is not None:
            found[ONE] = CheckEdges(*about, (self.edge,), scored.rows, within)
        if view.measured == "sizes":
            found[CURVE] = MeasureCurve(*about, view.by, scored.rows)
        elif view.measured and edges:
            found[CIRCUIT] = measured = self.measured(scored, edges)
            second, _ = SECOND_REFERENCE[view.reference]
            found[SECOND] = replace(measured, stand_in=second, sets=(), draws=0, has_parts=False)
        return found

    def measured(self, scored: ScoreEdges, edges: tuple[EdgeName, ...]) -> MeasureCircuit:
        """Return the question how well what is on the board stands for the model.

        A circuit that is shown is measured whole, on the pairs that it was not found on.
        """
        view = self.document.views.board
        about = scored.model, scored.pair, view.reference
        is_wide = view.beside == "completeness"
        rows = scored.rows
        if self.shown is not None:
            edges, rows = self.shown.edges, others(scored.rows, self.shown)
        return MeasureCircuit(
            *about,
            heads=self.heads() if view.measured == "heads" else (),
            edges=edges if view.measured == "edges" else (),
            sets=view.groups if is_wide else (),
            draws=DRAWS if is_wide else 0,
            rows=rows,
        )

    def heads(self) -> tuple[Head, ...]:
        """Return the heads of the circuit that is shown, or of all that is on the board."""
        if self.shown is not None:
            return self.shown.heads
        document = self.document
        found = made.contents(self.table, document.views.board, document.pins, self.cursor)
        return tuple(head for node in found.nodes for head in node.heads)
