"""How well a circuit stands for the whole model: faithfulness, completeness, minimality.

All three compare runs in which everything outside some set is ablated (Wang et al. 2022). M is the
whole model, C the circuit, ∅ the circuit of nothing; m is the metric. Every number depends on the
ablation, so each result carries a caption that names it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from lensgui.analysis.graph.ablation import Ablated, Ablation, Part
from lensgui.analysis.graph.measured_pair import Measure, against, measure
from lensgui.analysis.graph.nodes import Node, edge_mask, receivers, senders
from lensgui.terms.metric import Declared
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer

Level = Literal["node", "edge"]
_FLIPPED = 0.5  # how much of the metric, the other way round, makes a reference prompt a swap
_EQUAL = 1e-6  # relative: what is closer leaves nothing to divide by


@dataclass(frozen=True, slots=True)
class Knockout:
    """What is left without some parts, of the circuit and of the whole model.

    Attributes:
        parts: What was taken out, K.
        circuit: m(C without K).
        model: m(M without K). A complete circuit has both nearly equal.
    """

    parts: frozenset[Part]
    circuit: float
    model: float

    @property
    def incompleteness(self) -> float:
        """|m(C without K) − m(M without K)|, in the unit of the metric."""
        return abs(self.circuit - self.model)


@dataclass(frozen=True, slots=True)
class CircuitScores:
    """A circuit beside the whole model, as far as it is known.

    Attributes:
        caption: What was ablated, how, and with what in its place; to be shown with every number.
        model: m(M), nothing ablated.
        empty: m(∅), everything ablated.
        circuit: m(C), everything else ablated.
        completeness: One for each knockout, in the order in which they were given.
        minimality: For each part of the circuit the largest change of m(C without K) when the part
            goes too, over K empty and the knockouts; a part with 0 could go.
    """

    caption: str
    model: float
    empty: float
    circuit: float
    completeness: tuple[Knockout, ...] = ()
    minimality: dict[Part, float] = field(default_factory=dict)

    @property
    def faithfulness(self) -> float:
        """(m(C) − m(∅)) / (m(M) − m(∅)): 0 is nothing, 1 the whole model; both can be passed.

        Raises:
            ValueError: If the model and the empty circuit score the same.
        """
        whole = self.model - self.empty
        if not (
            math.isfinite(whole) and abs(whole) > _EQUAL * max(abs(self.model), abs(self.empty))
        ):
            raise ValueError(
                f"Faithfulness is undefined: the whole model scores {self.model:.3g} and the empty "
                f"circuit {self.empty:.3g}."
            )
        return (self.circuit - self.empty) / whole


@torch.no_grad()
def circuit_scores(
    model: HookedTransformer,
    tokens: Tensor,
    metric: Measure,
    circuit: Iterable[Part],
    ablation: Ablation,
    knockouts: Sequence[Iterable[Part]] = (),
    level: Level = "node",
    mlps: bool = False,
    minimality: bool = True,
) -> Iterator[CircuitScores]:
    """Score a circuit, run by run.

    Args:
        model: The model; hooks attached to it must not be.
        tokens: The prompts, [position] or [batch, position].
        metric: A metric, or any function from logits [batch, position, d_vocab] to one number.
        circuit: What is kept: heads, and MLPs with `mlps`; or edges. The embedding stays as it is
            at node level.
        ablation: What stands in for everything else.
        knockouts: The sets K of parts that completeness and minimality take out; see
            `sampled_knockouts`.
        level: Whether nodes are ablated, or edges one by one.
        mlps: Whether MLPs can be ablated. Otherwise they all stay, and belong to no circuit.
        minimality: Whether to score it, at a run for each part and knockout.

    Yields:
        The scores so far: first with faithfulness, then with one knockout more, then with the
        minimality of one part more.

    Raises:
        ValueError: If the circuit or a knockout holds what can't be ablated; and as `run_ablated`.
    """
    every = parts(model.cfg, level, mlps)
    kept = _among(every, circuit, level, mlps)
    sets = [_among(every, knockout, level, mlps) for knockout in knockouts]
    runs = Ablated(model, tokens, ablation)
    metric = against(model, metric, runs.final(()))
    known: dict[frozenset[Part], float] = {}

    def left(remaining: frozenset[Part]) -> float:
        if remaining not in known:
            known[remaining] = float(measure(model, runs.final(every - remaining), metric))
        return known[remaining]

    whole, empty = left(every), left(frozenset())
    swap = _is_swap(runs, metric, ablation, whole)
    caption = _caption(len(kept), len(every), ablation, level, mlps, swap)
    scores = CircuitScores(caption, whole, empty, left(kept))
    yield scores
    for out in sets:
        knockout = Knockout(out, left(kept - out), left(every - out))
        scores = replace(scores, completeness=(*scores.completeness, knockout))
        yield scores
    for part in sorted(kept, key=str) if minimality else ():
        changes = [
            abs(left(kept - out) - left(kept - out - {part})) for out in [frozenset(), *sets]
        ]
        scores = replace(scores, minimality=scores.minimality | {part: max(changes)})
        yield scores


def parts(cfg: HookedTransformerConfig, level: Level, mlps: bool) -> frozenset[Part]:
    """Return all that can be ablated: heads, and MLPs if asked; or all edges between such nodes.

    Edges also leave the embedding and enter the logits.
    """
    if level == "node":
        kinds = ("head", "mlp") if mlps else ("head",)
        return frozenset(node for node in senders(cfg) if node.kind in kinds)
    rows, columns = senders(cfg), receivers(cfg)
    pairs = [(rows[row], columns[column]) for row, column in edge_mask(cfg).nonzero().tolist()]
    return frozenset(pair for pair in pairs if mlps or "mlp" not in (pair[0].kind, pair[1].kind))


def sampled_knockouts(
    circuit: Iterable[Part], count: int, share: float = 0.5, seed: int = 0
) -> list[frozenset[Part]]:
    """Draw sets of a circuit's parts to take out, each part with the same probability.

    Args:
        circuit: The circuit.
        count: How many sets.
        share: The probability of each part.
        seed: Seed of the draw.
    """
    draw, ordered = random.Random(seed), sorted(frozenset(circuit), key=str)
    return [frozenset(part for part in ordered if draw.random() < share) for _ in range(count)]


def _among(
    every: frozenset[Part], chosen: Iterable[Part], level: Level, mlps: bool
) -> frozenset[Part]:
    """Return a set of parts, all of which can be ablated."""
    needed = frozenset(chosen)
    for part in needed - every:
        name = str(part) if isinstance(part, Node) else " → ".join(map(str, part))
        without = "" if mlps else " while MLPs stay"
        raise ValueError(f"{name} can't be ablated at {level} level{without}.")
    return needed


def _is_swap(runs: Ablated, metric: Measure, ablation: Ablation, whole: float) -> bool:
    """Return whether what is put in says the opposite, rather than nothing."""
    if ablation.method != "resample" or not isinstance(metric, Declared):
        return False
    reference = float(measure(runs.model, runs.stand_ins.final, metric))
    return reference * whole < 0 and abs(reference) >= _FLIPPED * abs(whole)


def _caption(
    kept: int, every: int, ablation: Ablation, level: Level, mlps: bool, swap: bool
) -> str:
    """Return what every number of a circuit must be shown with."""
    what = {
        ("node", False): "heads kept, MLPs not in the circuit (all stay)",
        ("node", True): "heads and MLPs kept",
        ("edge", False): "edges kept, those of MLPs not in the circuit (all stay)",
        ("edge", True): "edges kept, those of MLPs in the circuit",
    }[level, mlps]
    named = f"{level} level, {kept} of {every} {what}; {ablation}"
    if swap:
        named += "; swap: its prompts flip the answer, so what is taken out counts twice"
    return named
