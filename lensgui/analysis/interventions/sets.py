"""What several interventions do together, and which of them matter most among these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.under import Given, intervened_runs
from lensgui.analysis.run.predictions import compared, read_metric
from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import Intervention
from lensgui.terms.metric import Metric

RESAMPLES = 1000  # of the pairs


@dataclass(frozen=True, slots=True, eq=False)
class SetPair:
    """A prompt, its counterpart, and what is read of it.

    Attributes:
        clean: The run of the prompt that is read, without interventions.
        corrupted: The other prompt's, where a member takes values from it; None without one.
        metric: What is read.
        others: What is done beside the set, with the prompts that means are over.
    """

    clean: Run
    corrupted: Run | None
    metric: Metric
    others: Given = ()


@dataclass(frozen=True, slots=True, eq=False)
class SetEffects:
    """The metric of some prompts under parts of a set, as far as it is known; NaN elsewhere.

    Attributes:
        before: Under none of the set, [pair], in the metric's unit.
        after: Under all of it, [pair].
        but_one: Under all but one, [member, pair].
        alone: Under one alone, [member, pair].
    """

    before: Tensor
    after: Tensor
    but_one: Tensor
    alone: Tensor

    @property
    def change(self) -> Tensor:
        """What the set changes, after − before, [pair]."""
        return self.after - self.before

    @property
    def last(self) -> Tensor:
        """What each member changes where the rest of the set is done already, [member, pair]."""
        return self.after - self.but_one

    @property
    def first(self) -> Tensor:
        """What each member changes alone, [member, pair]."""
        return self.alone - self.before


def mean_interval(changes: Tensor, share: float = 0.95, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return where the mean over pairs lies in most resamples of the pairs (Efron 1979).

    Args:
        changes: [..., pair]; pairs that are NaN anywhere are left out.
        share: How many of the resamples lie between.
        seed: Of the resampling.

    Returns:
        The lower and the upper end, [...]; NaN for fewer than two pairs.
    """
    flat = changes.double().reshape(-1, changes.shape[-1])
    known = flat[:, flat.isfinite().all(0)]
    count = known.shape[1]
    if count < 2:
        nothing = torch.full(changes.shape[:-1], torch.nan, dtype=torch.float64)
        return nothing, nothing.clone()
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(count, (RESAMPLES, count), generator=generator)
    means = known[:, drawn].mean(-1)  # [row, resample]
    ends = torch.tensor([(1 - share) / 2, (1 + share) / 2], dtype=torch.float64)
    low, high = means.quantile(ends, dim=1)
    return low.view(changes.shape[:-1]), high.view(changes.shape[:-1])


@torch.no_grad()
def set_effects(
    pairs: Sequence[SetPair], members: Sequence[Intervention], *, one_by_one: bool = True
) -> Iterator[SetEffects]:
    """Run prompts under a set of interventions, under all but each of it, and under each alone.

    What a member changes as the last of the set is what leaving it out undoes; alone it may do
    nothing, where others do the same (backup heads: Wang et al. 2022), or more than it does last.

    Args:
        pairs: The prompts.
        members: The set, in order; it comes behind what else is done.
        one_by_one: Whether to run all but each, and each alone.

    Yields:
        What is known, often; the arrays are the same each time. The whole set comes first, for all
        pairs.

    Raises:
        ValueError: If there are no pairs or members, or one can't be done.
    """
    if not pairs or not members:
        raise ValueError("There are no pairs." if not pairs else "The set is empty.")
    found = tuple(one.on() for one in members)
    rows = torch.full((len(pairs),), torch.nan, dtype=torch.float64)
    table = torch.full((len(found), len(pairs)), torch.nan, dtype=torch.float64)
    effects = SetEffects(rows, rows.clone(), table, table.clone())
    for at, part, whole in _plan(effects, found, one_by_one=one_by_one):
        pair = pairs[at]
        run = _under(pair, part)
        for _ in run.steps():
            yield effects
        plain = pair.clean.complete().residuals[-1]
        whole[at] = read_metric(run, compared(pair.clean.model, pair.metric, plain))
        yield effects


def _plan(
    effects: SetEffects, members: tuple[Intervention, ...], *, one_by_one: bool
) -> Iterator[tuple[int, tuple[Intervention, ...], Tensor]]:
    """Yield the number of a pair, the part of the set that it is run under, and where that goes."""
    count = len(effects.before)
    for at in range(count):
        yield at, (), effects.before
        yield at, members, effects.after
    for at in range(count if one_by_one else 0):
        for number, member in enumerate(members):
            yield at, (*members[:number], *members[number + 1 :]), effects.but_one[number]
            yield at, (member,), effects.alone[number]


def _under(pair: SetPair, part: tuple[Intervention, ...]) -> Run:
    """Return the run of a pair's prompt under what else is done, and part of the set."""
    others = Interventions.of(pair.others)
    given = replace(others, listed=(*others.listed, *part))
    return intervened_runs(pair.clean, given, pair.corrupted)[0]
