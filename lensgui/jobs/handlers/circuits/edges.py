"""Circuits on the prompts that are shown: scores of edges, exact effects, faithfulness."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.checks import check_one_length
from lensgui.analysis.circuits.curve import FaithfulnessCurve, faithfulness_curve
from lensgui.analysis.circuits.edges import EdgeScores, edge_attribution_steps
from lensgui.analysis.circuits.effects import ExactEffects, exact_effects
from lensgui.analysis.circuits.faithfulness import (
    CircuitScores,
    Part,
    circuit_scores,
    sampled_knockouts,
)
from lensgui.analysis.circuits.other_names import other_names
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.pairs.answers import required_metric
from lensgui.analysis.pairs.averages import Case
from lensgui.analysis.pairs.cases import name_of
from lensgui.analysis.steps import last
from lensgui.jobs.answers.circuits import CircuitReading, CurveReading, EdgeChecks, EdgeTable
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import position_axis
from lensgui.jobs.questions.circuit_requests import (
    STEPS,
    CheckEdges,
    MeasureCircuit,
    MeasureCurve,
    ScoreEdges,
    SuggestCircuit,
)
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.kept import graph_of as named_graph
from lensgui.terms.circuits.nodes import Node, Reference, Shape, node_of
from lensgui.transformer.model import HookedTransformer

MOST_KEPT = 4  # sets of prompts whose runs are kept
PAUSE = 0.1  # seconds between two answers that grow
Found = TypeVar("Found")


@dataclass(slots=True)
class Prompts:
    """Prompts on which edges are measured.

    Attributes:
        runs: Their runs.
        names: What each pair is called.
        faults: Why pairs are left out.
        labels: What positions are called; () of several pairs.
        rows: The rows of those that are not left out; () for the one pair.
        scored: The graph with its scores, once all pairs are done.
    """

    runs: CircuitRuns
    names: list[str]
    faults: list[str]
    labels: tuple[str, ...]
    rows: tuple[PairRow, ...] = ()
    scored: Graph | None = None


def score_edges(loaded: Loaded, request: ScoreEdges) -> Iterator[Answer | None]:
    """Yield ever more pairs' edge attribution."""
    prompts = yield from prompts_of(loaded, request)
    for found in edge_attribution_steps(prompts.runs, STEPS):
        if found is not None and len(found.places) == prompts.runs.count:
            prompts.scored = found.graph
        yield None if found is None else table_of(request, prompts, found)


def check_edges(loaded: Loaded, request: CheckEdges) -> Iterator[Answer | None]:
    """Yield ever more exact effects."""
    prompts = yield from prompts_of(loaded, request)
    edges = [(node_of(sender), node_of(receiver)) for sender, receiver in request.edges]
    shape = Shape.of(prompts.runs.model.cfg)
    circuit = named_graph(request.within, shape) if request.within else None
    effects = exact_effects(prompts.runs, edges, circuit)
    yield from growing(effects, lambda found: _checks(request, found))


def measure_circuit(loaded: Loaded, request: MeasureCircuit) -> Iterator[Answer | None]:
    """Yield ever more of how well a circuit stands for the model: pairs first, then each node."""
    prompts = yield from prompts_of(loaded, request)
    nodes = [Node("head", *head) for head in request.heads]
    circuit: Graph | list[Node] = nodes
    if request.edges:
        circuit = named_graph(request.edges, Shape.of(prompts.runs.model.cfg))
        nodes = list(circuit.members)
    there = frozenset(nodes)
    named: list[tuple[str, frozenset[Part]]] = [
        (name, there & frozenset(map(node_of, members))) for name, members in request.sets
    ]
    named += [("drawn at random", one) for one in sampled_knockouts(nodes, request.draws)]
    sets = [(name, parts) for name, parts in named if parts]
    outs = [parts for _, parts in sets]
    scores = circuit_scores(prompts.runs, circuit, outs, minimality=request.has_parts)
    nodes = nodes if request.has_parts else []
    yield from growing(scores, lambda found: _reading(request, prompts, found, nodes, sets))


def growing(
    steps: Iterator[Found | None], answer: Callable[[Found], Answer]
) -> Iterator[Answer | None]:
    """Yield an answer of what is found by now, at most one each PAUSE, and one of all of it."""
    said_at, found = 0.0, None
    for step in steps:
        found = step if step is not None else found
        if step is not None and time.monotonic() - said_at >= PAUSE:
            said_at = time.monotonic()
            yield answer(step)
        else:
            yield None
    assert found is not None
    yield answer(found)


def _reading(
    request: MeasureCircuit,
    prompts: Prompts,
    found: CircuitScores,
    nodes: list[Node],
    sets: list[tuple[str, frozenset[Part]]],
) -> CircuitReading:
    """Return what is known by now."""
    try:
        faithfulness = found.faithfulness
        ends = found.interval() or (np.nan, np.nan)
    except ValueError:
        faithfulness, ends = np.nan, (np.nan, np.nan)
    minimality = [found.minimality.get(node, np.nan) for node in nodes]
    pair = request.rows[0].pair if request.rows else request.pair
    return CircuitReading(
        found.caption,
        pair.metric,
        found.model,
        found.empty,
        found.circuit,
        faithfulness,
        ends,
        int(found.known.sum()),
        prompts.runs.count,
        tuple(map(str, nodes)),
        np.array(minimality, np.float32),
        tuple((name, tuple(str(node) for node in nodes if node in parts)) for name, parts in sets),
        _completeness(found, len(sets)),
    )


def _completeness(found: CircuitScores, count: int) -> NDArray[np.float32]:
    """Return what is left without each set, of the circuit and of the whole model, [2, set]."""
    values = np.full((2, count), np.nan, np.float32)
    for at, one in enumerate(found.completeness):
        values[:, at] = one.circuit, one.model
    return values


def measure_curve(loaded: Loaded, request: MeasureCurve) -> Iterator[Answer | None]:
    """Yield ever more of a curve: the smallest circuits first, and then what is drawn."""
    prompts = yield from prompts_of(loaded, request)
    if prompts.scored is None:
        prompts.scored = (yield from last(edge_attribution_steps(prompts.runs, STEPS))).graph
    curve = faithfulness_curve(prompts.runs, prompts.scored, by=request.by)
    yield from growing(curve, _curve)


def _curve(found: FaithfulnessCurve) -> CurveReading:
    """Return what is known by now."""
    ends = [found.interval(at) or (np.nan, np.nan) for at in range(len(found.shares))]
    return CurveReading(
        found.caption,
        found.shares,
        found.counts,
        _array(found.faithfulness),
        np.array(ends, np.float32).T,
        _array(found.drawn_faithfulness),
    )


def prompts_of(
    loaded: Loaded,
    request: ScoreEdges | CheckEdges | MeasureCircuit | MeasureCurve | SuggestCircuit,
) -> Generator[None, None, Prompts]:
    """Return the prompts of a question, those of an earlier one if they are the same.

    Raises:
        ValueError: If none can be measured; the sentence says why.
    """
    model = loaded.use(request.model)
    pairs = [row.pair.plain for row in request.rows] or [request.pair.plain]
    key = (request.stand_in, bool(request.rows), *pairs)
    kept = loaded.circuits
    if key in kept:
        kept.move_to_end(key)
        found: Prompts = kept[key]
        return found
    cases, names, faults, rows = list[Case](), list[str](), list[str](), list[PairRow]()
    for row in request.rows or [PairRow(request.pair.plain)]:
        pair = row.pair.plain
        try:
            cases.append((yield from _case(loaded, model, pair, request.stand_in)))
            names.append(name_of(pair))
            rows.append(row)
        except ValueError as error:
            if not request.rows:
                raise
            faults.append(f"Pair “{name_of(pair)}”: {error}")
    if not cases:
        raise ValueError(faults[0])
    runs = CircuitRuns.of_cases(model, cases, request.stand_in)
    labels = () if request.rows else position_axis(loaded.run(model, pairs[0].clean_prompt)).labels
    found = Prompts(runs, names, faults, labels, tuple(rows) if request.rows else ())
    kept[key] = found
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)
    return found


def _case(
    loaded: Loaded, model: HookedTransformer, pair: PromptPair, stand_in: Reference
) -> Generator[None, None, Case]:
    """Return a pair as circuits are measured on it, yielding while its prompt runs."""
    if not pair.corrupted:
        raise ValueError("A circuit is measured beside a corrupted prompt: type one.")
    clean = loaded.run(model, pair.clean_prompt)
    yield from clean.steps()
    corrupted = loaded.run(model, pair.corrupted_prompt)
    check_one_length(len(clean.tokens), len(corrupted.tokens))
    if stand_in == "names":
        other_names(model, clean.tokens)  # else one pair without names would stop all others
    metric = required_metric(loaded.answers(pair, clean))
    return Case(clean.tokens, corrupted.tokens, metric)


def table_of(
    request: ScoreEdges | SuggestCircuit, prompts: Prompts, found: EdgeScores
) -> EdgeTable:
    """Return what is known by now."""
    names = prompts.names if request.rows else prompts.names[:1]
    pair = request.rows[0].pair if request.rows else request.pair
    places = found.by_position
    if places is None:
        places = torch.zeros(len(found.senders), 0)
    sizes = found.graph.sizes
    assert sizes is not None
    return EdgeTable(
        Shape.of(prompts.runs.model.cfg),
        tuple(names[at] for at in found.places),
        len(prompts.names),
        pair.metric,
        prompts.runs.reference,
        _array(found.values),
        sizes.astype(np.float32),
        _array(places),
        prompts.labels if places.shape[1] else (),
        found.clean,
        found.corrupted,
        prompts.runs.is_swap,
        tuple(prompts.faults),
    )


def _checks(request: CheckEdges, found: ExactEffects) -> EdgeChecks:
    """Return what is known by now; intervals once all pairs are."""
    low, high = found.interval()
    ends = torch.stack([low, high])
    before, within = float(found.before.mean()), len(request.within)
    return EdgeChecks(request.edges, _array(found.values), _array(ends), before, within)


def _array(numbers: Tensor) -> NDArray[np.float32]:
    array = numbers.detach().cpu().numpy().astype(np.float32)
    array.flags.writeable = False
    return array
