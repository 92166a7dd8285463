"""Answers about circuits: what edges are worth or matter exactly, how well a circuit stands."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lensgui.models.attribution_graphs import AttributionGraph
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.kept import EdgeName, KeptCircuit
from lensgui.terms.circuits.nodes import Shape
from lensgui.terms.metric import MetricName

Numbers = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class EdgeTable:
    """What every edge is worth, to first order; nobody writes to it.

    Attributes:
        shape: The model's architecture, which says what rows and columns are.
        pairs: What each pair is called that is done.
        total: How many pairs there are.
        metric_name: What the metric is called.
        reference: What stood in for what was cut, as captions name it.
        scores: In the metric's unit, the mean over pairs, [sender, receiver]; 0 where there is no
            edge.
        sizes: The mean of the scores' sizes, likewise.
        places: How much of what leaves each sender does so at each position, [sender, position];
            without positions where prompts differ in length.
        labels: What positions are called; () of several pairs.
        whole: The mean metric of the whole model.
        empty: That of the reference, where all edges are cut.
        is_swap: Whether the reference flips the answer, so that what is cut counts twice.
        faults: Why pairs are left out, a sentence each.
    """

    shape: Shape
    pairs: tuple[str, ...]
    total: int
    metric_name: MetricName
    reference: str
    scores: Numbers
    sizes: Numbers
    places: Numbers
    labels: tuple[str, ...]
    whole: float
    empty: float
    is_swap: bool = False
    faults: tuple[str, ...] = ()

    @cached_property
    def graph(self) -> Graph:
        """The same as a graph, no edge of which is left out."""
        whole = Graph.whole(self.shape)
        scores = np.where(whole.exists, self.scores, np.nan).astype(np.float64)
        return Graph(self.shape, whole.kept, scores, self.sizes.astype(np.float64))

    @property
    def done(self) -> int:
        """How many pairs are done."""
        return len(self.pairs)


@dataclass(frozen=True, slots=True, eq=False)
class EdgeChecks:
    """What taking out one edge at a time changes, as far as it is known; nobody writes to it.

    Attributes:
        edges: Which.
        changes: The metric without − with, the mean over pairs, [edge]; NaN where not yet known.
        ends: Where the mean lies in 95 % of resamples of the pairs, [2, edge]; NaN for one pair.
        before: The mean metric of what they are taken out of.
        within: How many edges the circuit has that they are taken out of; 0 for the whole model.
    """

    edges: tuple[EdgeName, ...]
    changes: Numbers
    ends: Numbers
    before: float
    within: int = 0

    @property
    def done(self) -> int:
        """How many are known."""
        return int(np.isfinite(self.changes).sum())

    @property
    def total(self) -> int:
        """How many there are to be."""
        return len(self.edges)


@dataclass(frozen=True, slots=True, eq=False)
class CircuitReading:
    """A circuit beside the whole model, as far as it is known; nobody writes to it.

    Attributes:
        caption: What was cut and what stood in: shown with every number.
        metric_name: What the metric is called.
        model: The mean metric of the whole model.
        empty: That of the circuit of nothing.
        circuit: That of the circuit.
        faithfulness: (circuit − empty) / (model − empty), NaN where that is undefined.
        ends: Where it lies in 95 % of resamples of the pairs; NaN for one pair.
        pairs: Of how many pairs these are.
        total_pairs: How many there are.
        parts: The nodes of the circuit, by their labels.
        minimality: The largest change of the circuit's metric without each, over what else is
            taken out with it, [part]; NaN where not yet known.
        knockouts: The sets of nodes that are taken out of circuit and whole model: what each is
            called, and its labels.
        completeness: The metric of the circuit without each set, and of the whole model without
            it, [2, set]; NaN where not yet known.
    """

    caption: str
    metric_name: MetricName
    model: float
    empty: float
    circuit: float
    faithfulness: float
    ends: tuple[float, float]
    pairs: int
    total_pairs: int
    parts: tuple[str, ...]
    minimality: Numbers
    knockouts: tuple[tuple[str, tuple[str, ...]], ...]
    completeness: Numbers

    @property
    def total(self) -> int:
        """How many numbers there are to be."""
        return self.total_pairs + len(self.knockouts) + len(self.parts)

    @property
    def done(self) -> int:
        """How many numbers are known."""
        known = np.isfinite(self.completeness[0]), np.isfinite(self.minimality)
        return self.pairs + sum(int(each.sum()) for each in known)


@dataclass(frozen=True, slots=True, eq=False)
class CurveReading:
    """How faithful circuits are by size, as far as it is known; nobody writes to it.

    Attributes:
        caption: What was cut and what stood in.
        shares: How many of the model's edges each circuit has.
        counts: The same as numbers of edges.
        faithfulness: Of each, [size]; NaN where not yet known.
        ends: Where it lies in 95 % of resamples of the pairs, [2, size]; NaN for one pair.
        drawn: Of circuits drawn at random beside each, [size, draw]; NaN where not yet known.
    """

    caption: str
    shares: tuple[float, ...]
    counts: tuple[int, ...]
    faithfulness: Numbers
    ends: Numbers
    drawn: Numbers

    @property
    def mean_drawn(self) -> Numbers:
        """The mean of what is drawn beside each size, [size]; NaN where nothing is known."""
        known = np.isfinite(self.drawn)
        count = known.sum(1)
        total = np.where(known, self.drawn, 0).sum(1)
        return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)

    @property
    def done(self) -> int:
        """How many numbers are known."""
        return int(np.isfinite(self.faithfulness).sum() + np.isfinite(self.drawn).sum())

    @property
    def total(self) -> int:
        """How many there are to be."""
        return self.faithfulness.size + self.drawn.size


@dataclass(frozen=True, slots=True, eq=False)
class SuggestionReading:
    """A circuit that stands for the model, as far as it is found; nobody writes to it.

    Attributes:
        stage: What is being done, in a word or two: "scoring", "sizes", "pruning", "one by one",
            or "done".
        sizes: How many edges each circuit had that was tried by size, and its faithfulness.
        circuit: The circuit so far; None until one is found.
        faithfulness: On the pairs that it is found on; NaN until one is found.
        measured: On the others; NaN where there are none.
        ends: Where that lies in 95 % of resamples of these; NaN where there are none.
        pairs: How many pairs it is found on, and how many it is measured on.
        tried: How many circuits have been run.
        table: What every edge is worth on the pairs that it is found on; None until that is known.
        faults: Why pairs are left out, a sentence each.
    """

    stage: str
    sizes: tuple[tuple[int, float], ...]
    circuit: KeptCircuit | None
    faithfulness: float
    measured: float
    ends: tuple[float, float]
    pairs: tuple[int, int]
    tried: int
    table: EdgeTable | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenedCircuit:
    """A circuit that was read from a file.

    Attributes:
        circuit: The circuit.
        turned: The same with the signs of its scores the other way round.
        from_input: The sum of the scores of the edges that leave the embedding: of a loss, which
            the clean run lowers, it is negative.
        warnings: What is surprising about it, a sentence each.
    """

    circuit: KeptCircuit
    turned: KeptCircuit
    from_input: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class OpenedGraph:
    """An attribution graph that was read from a file.

    Attributes:
        graph: The graph.
    """

    graph: AttributionGraph


@dataclass(frozen=True, slots=True)
class SavedCircuit:
    """A circuit that was written.

    Attributes:
        path: The file.
    """

    path: str
