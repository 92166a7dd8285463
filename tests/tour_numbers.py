"""What the numbers that tours quote are, worked out with the library."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import torch

from lensgui import (
    CircuitRuns,
    Graph,
    HookedTransformer,
    Run,
    attribute_heads,
    case_of,
    circuit_scores,
    edge_attribution,
    read_pair,
    run_prompt,
    sweep_pair,
)
from lensgui.analysis.pairs.answers import answers
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.state.tours import Quantity
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import HEADS, RESID_PRE


class Numbers:
    """The numbers of an example's pair, each worked out when it is first asked for."""

    def __init__(self, model: HookedTransformer, pair: PromptPair) -> None:
        self.model, self.pair = model, pair

    def text(self, quantity: Quantity) -> str:
        """Return a number as a tour writes it."""
        name, *places = quantity
        return getattr(self, f"_{name}")(*places)

    @cached_property
    def metrics(self) -> list[float]:
        return read_pair(self.model, self.pair)

    @cached_property
    def stream(self) -> torch.Tensor:
        *_, found = sweep_pair(self.model, self.pair, RESID_PRE)
        return found.shown

    @cached_property
    def heads(self) -> torch.Tensor:
        *_, found = sweep_pair(self.model, self.pair, HEADS)
        return found.shown

    @cached_property
    def run(self) -> Run:
        return run_prompt(self.model, self.pair.clean_prompt)

    @cached_property
    def attribution(self) -> torch.Tensor:
        metric = answers(self.model, self.pair).metric
        assert metric is not None
        *_, found = attribute_heads(self.run, metric)
        return found

    def _clean(self) -> str:
        return signed(self.metrics[0])

    def _corrupted(self) -> str:
        return signed(self.metrics[1])

    def _stream(self, layer: int, position: int) -> str:
        return percent(float(self.stream[layer, position]))

    def _head(self, layer: int, head: int) -> str:
        return percent(float(self.heads[layer, head]))

    def _looks(self, layer: int, head: int, position: int, source: int) -> str:
        cfg = self.model.cfg
        group, within = divmod(head, cfg.n_heads // cfg.kv_heads)
        return percent(float(self.run.pattern(layer, group)[within, position, source]))

    def _adds(self, layer: int, head: int) -> str:
        return signed(float(self.attribution[layer, head]))

    @cached_property
    def circuits(self) -> tuple[CircuitRuns, Graph]:
        runs = CircuitRuns.of_cases(self.model, [case_of(self.model, PairRow(self.pair))])
        return runs, edge_attribution(runs).graph

    def _edges(self, count: int) -> str:
        runs, scored = self.circuits
        circuit = scored.largest(count).pruned()
        *_, found = circuit_scores(runs, circuit, minimality=False)
        assert found is not None
        return percent(found.faithfulness)

    def _without(self, layer: int, head: int) -> str:
        off = Intervention(Site("z", layer, head), "zero")
        return signed(read_pair(self.model, replace(self.pair, interventions=(off,)))[0])


def signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def percent(share: float) -> str:
    return f"{round(100 * share)} %".replace("-", "−")
