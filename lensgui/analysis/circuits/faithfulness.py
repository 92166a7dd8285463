"""How well a circuit stands for the whole model: faithfulness, completeness, minimality.

All three compare runs in which everything outside some set is cut (Wang et al. 2022). M is the
whole model, C the circuit, ∅ the circuit of nothing; m is the metric. Every number depends on what
stands in for what is cut, so each result carries a caption that names it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.circuits.groups import Cut
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.terms.circuits.graph import Graph, Mask
from lensgui.terms.circuits.nodes import Edge, Node, check_edges, check_nodes

Circuit = Graph | Iterable[Node]
Part = Node | Edge
RESAMPLES = 1000  # of the pairs, for intervals
_EQUAL = 1e-6  # relative: what is closer leaves nothing to divide by


@dataclass(frozen=True, slots=True)
class Knockout:
    """What is left without some parts, of the circuit and of the whole model.

    Attributes:
        parts: What was taken out, K.
        circuit: m(C without K), the mean over the prompts.
        model: m(M without K). A complete circuit has both nearly equal.
    """

    parts: frozenset[Part]
    circuit: float
    model: float

    @property
    def incompleteness(self) -> float:
        """|m(C without K) − m(M without K)|, in the unit of the metric."""
        return abs(self.circuit - self.model)


@dataclass(frozen=True, slots=True, eq=False)
class CircuitScores:
    """A circuit beside the whole model, as far as it is known.

    Attributes:
        caption: What was cut, how, and with what in its place; to be shown with every number.
        models: m(M) of each prompt, nothing cut, [pair]; NaN where not yet known.
        empties: m(∅) of each, everything cut, [pair].
        circuits: m(C) of each, everything else cut, [pair].
        completeness: One for each knockout, in the order in which they were given.
        minimality: For each part of the circuit the largest change of m(C without K) when the part
            goes too, over K empty and the knockouts; a part with 0 could go.
    """

    caption: str
    models: Tensor
    empties: Tensor
    circuits: Tensor
    completeness: tuple[Knockout, ...] = ()
    minimality: dict[Part, float] = field(default_factory=dict)

    @property
    def known(self) -> Tensor:
        """Which prompts are measured, [pair]."""
        return (self.models + self.empties + self.circuits).isfinite()

    @property
    def model(self) -> float:
        """The mean of m(M) over the prompts that are measured."""
        return float(self.models[self.known].mean())

    @property
    def empty(self) -> float:
        """The mean of m(∅), likewise."""
        return float(self.empties[self.known].mean())

    @property
    def circuit(self) -> float:
        """The mean of m(C), likewise."""
        return float(self.circuits[self.known].mean())

    @property
    def faithfulness(self) -> float:
        """(m(C) − m(∅)) / (m(M) − m(∅)): 0 is nothing, 1 the whole model; both can be passed.

        Means over prompts first, then the ratio.

        Raises:
            ValueError: If the model and the empty circuit score the same.
        """
        return share_of(self.circuit, self.empty, self.model)

    def interval(self, share: float = 0.95, seed: int = 0) -> tuple[float, float] | None:
        """Return where the faithfulness lies in most resamples of the prompts (Efron 1979).

        Args:
            share: How many of the resamples lie between.
            seed: Of the resampling.

        Returns:
            The lower and the upper end; None for fewer than two prompts.
        """
        known = self.known
        return ratio_interval(
            (self.circuits - self.empties)[known], (self.models - self.empties)[known], share, seed
        )


def share_of(circuit: float, empty: float, model: float) -> float:
    """Return (circuit − empty) / (model − empty).

    Raises:
        ValueError: If the model and the empty circuit score the same.
    """
    whole = model - empty
    if not (math.isfinite(whole) and abs(whole) > _EQUAL * max(abs(model), abs(empty))):
        raise ValueError(
            f"Faithfulness is undefined: the whole model scores {model:.3g} and the empty "
            f"circuit {empty:.3g}."
        )
    return (circuit - empty) / whole


def ratio_interval(
    parts: Tensor, wholes: Tensor, share: float = 0.95, seed: int = 0
) -> tuple[float, float] | None:
    """Return where a ratio of means lies in most resamples; arguments as in `interval`.

    Args:
        parts: What is divided, [pair].
        wholes: By what, [pair].
        share: How many of the resamples lie between.
        seed: Of the resampling.
    """
    if len(parts) < 2:
        return None
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(parts), (RESAMPLES, len(parts)), generator=generator)
    ratios = parts[drawn].mean(1) / wholes[drawn].mean(1)
    ends = torch.tensor([(1 - share) / 2, (1 + share) / 2], dtype=ratios.dtype)
    low, high = ratios.quantile(ends).tolist()
    return low, high


def circuit_scores(
    runs: CircuitRuns,
    circuit: Circuit,
    knockouts: Sequence[Iterable[Part]] = (),
    *,
    mlps: bool = False,
    minimality: bool = True,
) -> Iterator[CircuitScores | None]:
    """Score a circuit, run by run.

    Args:
        runs: The prompts, and what stands in for what is cut.
        circuit: What is kept: a `Graph`, whose edges are kept one by one; or nodes, which are
            heads, and MLPs with `mlps`. At node level the embedding stays, and MLPs without `mlps`;
            at edge level every edge that is not kept is cut.
        knockouts: The sets K of parts that completeness and minimality take out: nodes, or edges at
            edge level; see `sampled_knockouts`.
        mlps: Whether MLPs can be cut at node level. Otherwise they all stay.
        minimality: Whether to score it, at a run for each node of the circuit and knockout.

    Yields:
        The scores so far: first prompt by prompt, then with one knockout more, then with the
        minimality of some nodes more; None where only time has passed.

    Raises:
        ValueError: If the circuit or a knockout holds what can't be cut.
    """
    level = Level(runs, circuit, mlps=mlps)
    sets = [level.checked(knockout) for knockout in knockouts]
    runs_of = level.cuts([frozenset()])
    ends = yield from _values(runs, [level.whole, level.empty])
    scores = None
    for found in runs.values(runs_of):
        if found is None:
            yield None
            continue
        caption = level.caption(runs)
        scores = CircuitScores(caption, ends[0], ends[1], found[0].clone())
        yield scores
    assert scores is not None
    for out in sets:
        pair = level.without(out), level.whole_without(out)
        circuit_, model = yield from _values(runs, pair)
        knockout = Knockout(out, float(circuit_.mean()), float(model.mean()))
        scores = replace(scores, completeness=(*scores.completeness, knockout))
        yield scores
    if minimality:
        yield from _minimality(runs, level, sets, scores)


def _minimality(
    runs: CircuitRuns, level: Level, sets: list[frozenset[Part]], scores: CircuitScores
) -> Iterator[CircuitScores | None]:
    """Yield scores with the minimality of the nodes, the sets K one by one."""
    nodes = level.nodes
    largest: dict[Part, float] = dict.fromkeys(nodes, 0.0)
    for out in [frozenset[Part](), *sets]:
        base = level.without(out)
        (before,) = yield from _values(runs, [base])
        cuts = [level.without(out | {node}) for node in nodes]
        for found in runs.values(cuts, near=base) if cuts else ():
            if found is not None:
                changes = (found.mean(1) - before.mean()).abs().tolist()
                for node, change in zip(nodes, changes, strict=True):
                    if change == change:  # is known
                        largest[node] = max(largest[node], change)
            yield replace(scores, minimality=dict(largest)) if found is not None else None


def _values(runs: CircuitRuns, cuts: Sequence[Cut]) -> Generator[None, None, tuple[Tensor, ...]]:
    """Return the metric of runs, each [pair]; yield None meanwhile."""
    kinds = [[cut for cut in cuts if (cut.kept is None) is is_nodes] for is_nodes in (True, False)]
    found: dict[bytes, Tensor] = {}
    for some in kinds:
        if some:
            steps = runs.values(some)
            values = torch.empty(0)
            for step in steps:
                yield None
                values = values if step is None else step
            found |= {cut.key: value.clone() for cut, value in zip(some, values, strict=True)}
    return tuple(found[cut.key] for cut in cuts)


class Level:
    """What is cut where parts of a circuit are, at the level of edges or of nodes.

    Attributes:
        nodes: The heads and MLPs of the circuit that can be taken out, in order.
        whole: Nothing cut.
        empty: All cut that can be.
    """

    def __init__(self, runs: CircuitRuns, circuit: Circuit, *, mlps: bool) -> None:
        cfg = runs.model.cfg
        self._cfg, self._mlps, self._all = cfg, mlps, Graph.whole(cfg)
        self.is_edges = isinstance(circuit, Graph)
        if isinstance(circuit, Graph):
            circuit.check(cfg)
            self._graph = circuit
            self.nodes = circuit.members
            self.whole = Cut(self._all.kept)
            self.empty = Cut(np.zeros_like(self._all.kept))
            return
        kinds = ("head", "mlp") if mlps else ("head",)
        self._every = frozenset(node for node in self._all.senders if node.kind in kinds)
        kept = self.checked(circuit)
        self.nodes = tuple(node for node in self._all.senders if node in kept)
        self.whole, self.empty = Cut(out=self._out(())), Cut(out=self._out(self._every))

    def checked(self, parts: Iterable[Part]) -> frozenset[Part]:
        """Return a set of parts, all of which can be cut.

        Raises:
            ValueError: If one can't.
        """
        chosen = frozenset(parts)
        if self.is_edges:
            check_edges((part for part in chosen if not isinstance(part, Node)), self._cfg)
            check_nodes((part for part in chosen if isinstance(part, Node)), self._cfg, "sender")
            return chosen
        for part in chosen - self._every:
            name = str(part) if isinstance(part, Node) else " → ".join(map(str, part))
            stay = "" if self._mlps else " while MLPs stay"
            raise ValueError(f"{name} can't be ablated at node level{stay}.")
        return chosen

    def cuts(self, sets: Sequence[frozenset[Part]]) -> list[Cut]:
        """Return what is cut where the circuit goes without some parts, for each set."""
        return [self.without(out) for out in sets]

    def without(self, out: frozenset[Part]) -> Cut:
        """Return what is cut where the circuit goes without some parts."""
        if self.is_edges:
            return Cut(self._less(self._graph, out))
        return Cut(out=self._out(self._every - (frozenset(self.nodes) - out)))

    def whole_without(self, out: frozenset[Part]) -> Cut:
        """Return what is cut where the whole model goes without some parts."""
        return Cut(self._less(self._all, out)) if self.is_edges else Cut(out=self._out(out))

    def _less(self, graph: Graph, out: frozenset[Part]) -> Mask:
        """Return the edges of a circuit less some, and less those that leave some nodes."""
        edges = graph.without(part for part in out if not isinstance(part, Node))
        kept = edges.kept.copy()
        kept[[self._all.rows[part] for part in out if isinstance(part, Node)]] = False
        return kept

    def _out(self, nodes: Iterable[Part]) -> Mask:
        chosen = frozenset(nodes)
        return np.array([node in chosen for node in self._all.senders])

    def caption(self, runs: CircuitRuns) -> str:
        """Return what every number of the circuit must be shown with."""
        if self.is_edges:
            what = f"edge level, {self._graph.count:,} of {self._all.total:,} edges kept"
        else:
            kinds = (
                "heads and MLPs kept"
                if self._mlps
                else "heads kept, MLPs not in the circuit (all stay)"
            )
            what = f"node level, {len(self.nodes)} of {len(self._every)} {kinds}"
            what += "; the embedding stays, so the empty circuit is not the reference's run"
        return f"{what}; {runs.caption}"


def sampled_knockouts(
    circuit: Iterable[Part], count: int, share: float = 0.5, seed: int = 0
) -> list[frozenset[Part]]:
    """Draw sets of a circuit's parts to take out, each part with the same probability.

    Args:
        circuit: The circuit's parts.
        count: How many sets.
        share: The probability of each part.
        seed: Seed of the draw.
    """
    draw, ordered = random.Random(seed), sorted(frozenset(circuit), key=str)
    return [frozenset(part for part in ordered if draw.random() < share) for _ in range(count)]
