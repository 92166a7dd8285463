"""Attributions of many pairs: the mean of each part, and how far pairs differ in it.

Only the position that the metric reads counts, so prompts need no common length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from lensgui.analysis.attribution.components import Attribution, Component, attribute
from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.under import pair_under
from lensgui.analysis.pairs.averages import Case, Runs
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import answer_sets
from lensgui.transformer.model import HookedTransformer


@dataclass(frozen=True, slots=True, eq=False)
class AttributionAverage:
    """Attributions of the cases that have been read so far.

    Attributes:
        cases: Each one's, whole, in order.
    """

    cases: tuple[Attribution, ...]

    @property
    def count(self) -> int:
        """How many cases are in."""
        return len(self.cases)

    @property
    def mean(self) -> Attribution:
        """The mean of every part; those of sums are the sums of means."""
        first = self.cases[0]
        return Attribution(
            embed=self._mean(lambda case: case.embed),
            pos_embed=None if first.pos_embed is None else self._mean(lambda case: case.pos_embed),
            heads=self._stacked(lambda case: case.heads).mean(0),
            attention_bias=self._stacked(lambda case: case.attention_bias).mean(0),
            mlp=None if first.mlp is None else self._stacked(lambda case: case.mlp).mean(0),
            norm_bias=self._mean(lambda case: case.norm_bias),
            unembed_bias=self._mean(lambda case: case.unembed_bias),
            logits=self._mean(lambda case: case.logits),
            capped=self._mean(lambda case: case.capped),
            metric=self._mean(lambda case: case.metric),
            between=tuple(dict.fromkeys(name for case in self.cases for name in case.between)),
        )

    def spread(self, read: Callable[[Attribution], Tensor | float | None]) -> Tensor:
        """Return how far cases lie from their mean: the standard deviation, with n − 1.

        Args:
            read: What of an attribution, such as `lambda case: case.heads` or
                `Attribution.cumulative`; a sum's is not the sum of its parts'.

        Returns:
            In its unit and shape; NaN of one case.

        Raises:
            ValueError: If the model lacks what is read.
        """
        stacked = self._stacked(read)
        return torch.full_like(stacked[0], torch.nan) if self.count < 2 else stacked.std(0)

    @property
    def component_spreads(self) -> tuple[Component, ...]:
        """The standard deviation of each of `mean.components`, in their order."""
        spreads = self.spread(_values).tolist()
        parts = zip(self.cases[0].components, spreads, strict=True)
        return tuple(Component(part.kind, part.layer, value) for part, value in parts)

    def _stacked(self, read: Callable[[Attribution], Tensor | float | None]) -> Tensor:
        """Return something of every case, [case, ...]."""
        found = [read(case) for case in self.cases]
        if any(value is None for value in found):
            raise ValueError("This model has no such part, and so no spread of it.")
        return torch.stack([torch.as_tensor(value, dtype=torch.float64) for value in found])

    def _mean(self, read: Callable[[Attribution], float | None]) -> float:
        return float(self._stacked(read).mean())


def _values(attribution: Attribution) -> Tensor:
    """Return the numbers of all components, [component]."""
    numbers = [component.value for component in attribution.components]
    return torch.tensor(numbers, dtype=torch.float64)


def attribute_cases(
    model: HookedTransformer,
    cases: Sequence[Case],
    side: Literal["clean", "corrupted"] = "clean",
    runs: Runs | None = None,
) -> Iterator[AttributionAverage | None]:
    """Take the logits that a metric reads apart in many prompts; see `attribute`.

    Args:
        model: The model.
        cases: The prompts, of any lengths, each with its metric.
        side: Which prompt of each.
        runs: Gives the run of a prompt, perhaps one that there is already; None to make them.

    Yields:
        All cases so far, after each; None where only time has passed.

    Raises:
        ValueError: If there are no cases; and as `attribute`.
    """
    if not cases:
        raise ValueError("There are no prompts to average over: give at least one.")
    for case in cases:
        answer_sets(case.metric)
    run_of = runs or (lambda tokens: Run(model, tokens))
    known: tuple[Attribution, ...] = ()
    for case in cases:
        run = run_of(case.clean if side == "clean" else case.corrupted)
        if Interventions.of(case.interventions).acting:
            pair = run_of(case.clean), run_of(case.corrupted)
            run = (yield from pair_under(*pair, case.interventions))[side == "corrupted"]
        yield from run.steps()
        found: Attribution | None = None
        for so_far in attribute(run, case.metric):
            found = so_far
            yield None
        assert found is not None
        known = (*known, found)
        yield AttributionAverage(known)
