"""Made-up edges: what each is worth, and what taking it out changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lensgui.jobs.answers.circuits import (
    CircuitReading,
    CurveReading,
    EdgeChecks,
    EdgeTable,
    OpenedCircuit,
    SavedCircuit,
    SuggestionReading,
)
from lensgui.jobs.questions.circuit_requests import (
    CheckEdges,
    MeasureCircuit,
    MeasureCurve,
    OpenCircuit,
    SaveCircuit,
    ScoreEdges,
    SuggestCircuit,
)
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.kept import KeptCircuit
from lensgui.terms.circuits.nodes import Shape
from tests import fakes


def shape() -> Shape:
    """The architecture of the made-up model."""
    return Shape(fakes.LAYERS, fakes.HEADS, fakes.GROUPS, model_name="a made-up model")


def table(request: ScoreEdges) -> Iterator[EdgeTable]:
    """Scores of either sign, of as many pairs as there are; the largest to the logits."""
    graph = Graph.whole(shape())
    pairs = [row.pair for row in request.rows] or [request.pair]
    seed = f"edges{request.stand_in}{pairs[0].clean}"
    noise = fakes.noise(seed, *graph.exists.shape)
    scores = np.where(graph.exists, (noise - np.float32(0.5)) ** 3, 0).astype(np.float32)
    scores[:, -1] *= 4
    labels = tuple(token.text for token in fakes.tokens(pairs[0].clean))
    count = 0 if request.rows else len(labels)
    places = fakes.noise(f"places{seed}", len(graph.senders), count).astype(np.float32)
    names = tuple(pair.clean[-20:] for pair in pairs)
    swap = request.stand_in == "corrupted"
    for done in range(1, len(pairs) + 1):
        yield EdgeTable(
            graph.shape,
            names[:done],
            len(pairs),
            request.pair.metric,
            f"the {request.stand_in} reference",
            scores,
            np.abs(scores),
            places,
            labels[:count],
            4.5,
            -6.5 if swap else 0.5,
            swap,
        )


def checks(request: CheckEdges) -> Iterator[EdgeChecks]:
    """Half of the effects, then all; of several pairs with intervals."""
    changes = (fakes.noise(f"checks{request.edges}", len(request.edges)) - 0.7).astype(np.float32)
    ends = np.full((2, len(changes)), np.nan, np.float32)
    if len(request.rows) > 1:
        ends = changes + np.array([[-0.1], [0.1]], np.float32)
    known = np.arange(len(changes)) < len(changes) / 2
    half = np.where(known, changes, np.nan).astype(np.float32)
    about = 4.5, len(request.within)
    yield EdgeChecks(request.edges, half, np.full_like(ends, np.nan), *about)
    yield EdgeChecks(request.edges, changes, ends.astype(np.float32), *about)


def circuit(request: MeasureCircuit) -> Iterator[CircuitReading]:
    """Pair by pair, and then what each node matters."""
    parts = tuple(f"L{layer}H{head}" for layer, head in request.heads)
    if request.edges and request.has_parts:
        named = dict.fromkeys(name.partition(".")[0] for edge in request.edges for name in edge)
        parts = tuple(name for name in named if name not in ("embed", "logits"))
    parts = parts if request.has_parts else ()
    total = len(request.rows) or 1
    sets = (*request.sets, *[("drawn at random", parts[: 1 + at]) for at in range(request.draws)])
    unknown = np.full(len(parts), np.nan, np.float32)
    ends = (0.55, 0.7) if total > 1 else (np.nan, np.nan)
    reading = CircuitReading(
        f"{len(parts)} nodes kept; the {request.stand_in} reference",
        request.pair.metric,
        4.5,
        -6.5,
        0.5,
        7 / 11,
        ends,
        1,
        total,
        parts,
        unknown,
        sets,
        np.full((2, len(sets)), np.nan, np.float32),
    )
    yield reading
    minimality = fakes.noise(f"minimal{parts}", len(parts)).astype(np.float32)
    left = np.linspace(-1, 4, 2 * len(sets), dtype=np.float32).reshape(2, len(sets))
    yield replace(reading, pairs=total, minimality=minimality, completeness=left)


def curve(request: MeasureCurve) -> Iterator[CurveReading]:
    """Four sizes, the smaller two first, and then three draws beside each."""
    faithfulness = np.array([0.2, 0.6, 0.9, 1.0], np.float32)
    ends = np.full((2, 4), np.nan, np.float32)
    if len(request.rows) > 1:
        ends = faithfulness + np.array([[-0.1], [0.1]], np.float32)
    drawn = np.array([[0.0, 0.1, -0.1], [0, 0.1, 0.2], [0.1, 0.2, 0.3], [1, 1, 1]], np.float32)
    whole = CurveReading(
        f"best edges by {request.by}; the {request.stand_in} reference",
        (0.001, 0.01, 0.1, 1.0),
        (1, 4, 41, 409),
        faithfulness,
        ends.astype(np.float32),
        drawn,
    )
    known = np.array([True, True, False, False])
    part = np.where(known, faithfulness, np.nan).astype(np.float32)
    yield replace(whole, faithfulness=part, drawn=np.full_like(drawn, np.nan))
    yield whole


def suggestion(request: SuggestCircuit) -> Iterator[SuggestionReading]:
    """Nothing, then a circuit of the twelve best edges, then of six, found on every other pair."""
    about = request.model, request.pair, request.stand_in
    *_, edges = table(ScoreEdges(*about, request.rows))
    graph = Graph.whole(shape())
    scores = np.where(graph.exists, fakes.noise("suggested", *graph.exists.shape) - 0.5, np.nan)
    scores[:, -1] *= 4
    scored = replace(graph, scores=scores.astype(np.float64))
    pairs = [row.pair for row in request.rows] or [request.pair]
    found_on, others = tuple(pair.clean for pair in pairs[::2]), len(pairs[1::2])
    counts = len(found_on), others
    yield SuggestionReading("scoring", (), None, np.nan, np.nan, (np.nan, np.nan), counts, 0)
    for stage, count in (("pruning", 12), ("done", 6)):
        circuit = KeptCircuit.of(scored.largest(count), f"suggested: {count} edges", found_on)
        measured = (0.93, (0.85, 1.02)) if others else (np.nan, (np.nan, np.nan))
        yield SuggestionReading(
            stage, ((4, 0.5), (12, 0.96)), circuit, 0.97, *measured, counts, 9, edges
        )


def opened(request: OpenCircuit) -> Iterator[OpenedCircuit]:
    """A circuit of three edges; of a loss, if the file is called so."""
    edges = (("L5H1", "logits"), ("L4H0", "L5H1.q"), ("embed", "L4H0.v"))
    circuit = KeptCircuit(edges, "of a file", scores=(3.0, 2.0, 1.0))
    turned = replace(circuit, scores=(-3.0, -2.0, -1.0))
    yield OpenedCircuit(circuit, turned, -1.0 if "loss" in request.path else 1.0)


def saved(request: SaveCircuit) -> Iterator[SavedCircuit]:
    """It is there."""
    yield SavedCircuit(request.path)
