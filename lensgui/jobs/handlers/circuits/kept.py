"""Circuits that are kept: found on some prompts and measured on others, or read from files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lensgui.analysis.circuits.edges import edge_attribution_steps
from lensgui.analysis.circuits.suggest import Fit, Suggestion, halves, suggest_circuit
from lensgui.analysis.steps import last
from lensgui.jobs.answers.circuits import (
    EdgeTable,
    OpenedCircuit,
    OpenedGraph,
    SavedCircuit,
    SuggestionReading,
)
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.circuits.edges import growing, prompts_of, table_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.questions.circuit_requests import (
    STEPS,
    OpenCircuit,
    SaveCircuit,
    SuggestCircuit,
)
from lensgui.models.attribution_graphs import graph_of, is_attribution_graph
from lensgui.models.circuit_files import circuit_of, read_json, write_circuit
from lensgui.prompts.pair import PairRow
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.kept import MOST_KEPT, KeptCircuit
from lensgui.terms.circuits.nodes import node_of


def suggest(loaded: Loaded, request: SuggestCircuit) -> Iterator[Answer | None]:
    """Yield ever smaller circuits."""
    whole = yield from prompts_of(loaded, request)
    find_rows, measure_rows = halves(whole.rows, key=lambda row: row.pair.clean)
    here = replace(request, rows=tuple(find_rows))
    find = (yield from prompts_of(loaded, here)) if find_rows else whole
    measure, faults = None, whole.faults
    if measure_rows:
        there = replace(request, rows=tuple(measure_rows))
        measure = (yield from prompts_of(loaded, there)).runs
    texts = _clean(find_rows) or (request.pair.clean,)
    pairs = find.runs.count, measure.count if measure is not None else 0
    about = _About(texts, pairs, tuple(faults))
    yield about.reading(Suggestion("scoring"))
    scores = yield from last(edge_attribution_steps(find.runs, STEPS))
    about.table = table_of(here, find, scores)
    steps = suggest_circuit(find.runs, measure, request.band, request.by, scored=scores.graph)
    yield from growing(steps, about.reading)


def _clean(rows: list[PairRow]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.pair.clean for row in rows))


@dataclass(slots=True)
class _About:
    """What every answer says of the prompts, and the circuit that was written out last."""

    texts: tuple[str, ...]
    pairs: tuple[int, int]
    faults: tuple[str, ...]
    table: EdgeTable | None = None
    of: Graph | None = None
    circuit: KeptCircuit | None = None

    def reading(self, found: Suggestion) -> SuggestionReading:
        """Return what is known by now."""
        measured, ends = _numbers(found.measured)
        is_last = found.stage == "done" and self.circuit is None
        if found.circuit is not None and (found.circuit is not self.of or is_last):
            self.of = found.circuit
            if found.circuit.count <= MOST_KEPT or is_last:  # which says that it is too large
                said = _said(found, measured, ends)
                self.circuit = KeptCircuit.of(found.circuit, said, self.texts)
        return SuggestionReading(
            found.stage,
            found.sizes,
            self.circuit,
            _numbers(found.found)[0],
            measured,
            ends,
            self.pairs,
            found.tried,
            self.table,
            self.faults,
        )


def _numbers(fit: Fit | None) -> tuple[float, tuple[float, float]]:
    """Return the faithfulness and its interval; NaN where there is none."""
    if fit is None:
        return np.nan, (np.nan, np.nan)
    return fit.faithfulness, fit.interval or (np.nan, np.nan)


def _said(found: Suggestion, measured: float, ends: tuple[float, float]) -> str:
    """Return where the circuit is from, with what it is worth."""
    assert found.found is not None
    worth = f"{found.found.faithfulness:.2f}" if found.measured is None else f"{measured:.2f}"
    if np.isfinite(ends[0]):
        worth += f" (95 %: {ends[0]:.2f} to {ends[1]:.2f})"
    return f"suggested: {found.caption}; faithfulness there {worth}"


def open_circuit(loaded: Loaded, request: OpenCircuit) -> Iterator[Answer | None]:
    """Read a circuit of the model that is open."""
    model = loaded.use(request.model)
    yield None
    name, content = Path(request.path).name, read_json(request.path)
    if is_attribution_graph(content):
        yield OpenedGraph(graph_of(content, name))
        return
    found = circuit_of(content, name, model.cfg)
    if not found.graph.kept.any():
        raise ValueError(
            f"{name}: no edge is in the graph. Choose some there first (apply_topn or "
            "apply_threshold of EAP-IG), or let edges be ranked here."
        )
    graph = found.graph.pruned()
    if not graph.kept.any():
        raise ValueError(f"{name}: no path of this circuit leads from the input to the logits.")
    turned = replace(graph, scores=found.turned().scores)
    made = [KeptCircuit.of(each, f"of {name}") for each in (graph, turned)]
    cut = found.graph.count - graph.count
    off = (f"{cut:,} edges of {name} are on no path to the logits, and left out.",) * bool(cut)
    yield OpenedCircuit(made[0], made[1], found.from_input, (*found.warnings, *off))


def save_circuit(loaded: Loaded, request: SaveCircuit) -> Iterator[Answer | None]:
    """Write a circuit with its scores."""
    cfg = loaded.use(request.model).cfg
    yield None
    graph = request.circuit.graph(cfg)
    if request.circuit.scores:
        scores = np.where(graph.exists, 0.0, np.nan)
        for (sender, receiver), score in zip(
            request.circuit.edges, request.circuit.scores, strict=True
        ):
            scores[graph.at((node_of(sender), node_of(receiver)))] = score
        graph = replace(graph, scores=scores)
    try:
        write_circuit(graph, request.path, cfg.d_model)
    except OSError as error:
        name = Path(request.path).name
        raise ValueError(f"{name} can’t be written: {error.strerror}.") from error
    yield SavedCircuit(request.path)
