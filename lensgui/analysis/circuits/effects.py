"""What single edges and nodes matter, exactly: the metric without each, in the model or a circuit.

One at a time, everything else as it is; nothing is estimated. What several matter together is not
the sum of what each does alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.circuits.faithfulness import Circuit, Level, Part
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.interventions.sets import mean_interval
from lensgui.terms.circuits.graph import Graph
from lensgui.terms.circuits.nodes import Node


@dataclass(frozen=True, slots=True, eq=False)
class ExactEffects:
    """What taking out one part at a time changes, as far as it is known.

    Attributes:
        parts: What is taken out, in order.
        before: The metric with all parts in place, [pair].
        without: The metric without each, [part, pair]; NaN where it is not yet known.
        is_within: Whether each is taken out of a circuit, rather than of the whole model.
    """

    parts: tuple[Part, ...]
    before: Tensor
    without: Tensor
    is_within: bool

    @property
    def by_pair(self) -> Tensor:
        """Without − before, [part, pair]: what is lost; negative where the part helps."""
        return self.without - self.before

    @property
    def values(self) -> Tensor:
        """The mean over prompts, [part]."""
        return self.by_pair.mean(1)

    def interval(self, share: float = 0.95, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Return where each mean lies in most resamples of the prompts; NaN for one prompt."""
        if not self.parts:
            return self.values, self.values
        return mean_interval(self.by_pair, share, seed)

    @property
    def words(self) -> str:
        """What the numbers are, for tooltips."""
        where = "within the circuit" if self.is_within else "in the whole model"
        return f"metric without it − with it, {where}: negative where it helps"


def exact_effects(
    runs: CircuitRuns, parts: Sequence[Part], circuit: Circuit | None = None, *, mlps: bool = True
) -> Iterator[ExactEffects | None]:
    """Take out one edge or node at a time.

    An edge that is out carries what stands in for its sender, to its receiver alone. What it would
    restore in the reference's run is what it does in `runs.swapped()`.

    Args:
        runs: The prompts, and what stands in.
        parts: Edges as (sender, receiver), nodes, or both where there is no circuit of nodes.
        circuit: Out of what; None for the whole model. Nodes are then taken out whole, and in a
            graph with all their edges.
        mlps: Whether MLPs can be cut in a circuit of nodes.

    Yields:
        What is known so far; None where only time has passed.

    Raises:
        ValueError: If a part is not in the model.
    """
    is_within = circuit is not None
    has_edges = any(not isinstance(part, Node) for part in parts)
    if circuit is None:
        whole = Graph.whole(runs.model.cfg)
        nodes = [node for node in whole.senders if node.kind != "embed"]
        circuit = whole if has_edges or Node("embed") in parts else nodes
    level = Level(runs, circuit, mlps=mlps)
    sets = [level.checked([part]) for part in parts]
    base = level.without(frozenset())
    for _ in runs.prepare():
        yield None
    before, _ = runs.ends()
    for found in runs.values([base]) if is_within else ():
        if found is not None:
            before = found[0].clone()
        yield None
    nothing = torch.full((len(parts), runs.count), torch.nan, dtype=torch.float64)
    yield ExactEffects(tuple(parts), before, nothing, is_within)
    for found in runs.values([level.without(out) for out in sets], near=base) if sets else ():
        if found is None:
            yield None
        else:
            yield ExactEffects(tuple(parts), before, found.clone(), is_within)
