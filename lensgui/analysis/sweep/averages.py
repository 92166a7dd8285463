"""A sweep over many prompt pairs: the mean, how sure it is, and which pairs the model gets wrong.

Changes are averaged in the metric's own unit first and then divided by the mean difference: a mean
of shares would be ruined by one pair whose clean and corrupted metric hardly differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lensgui.analysis.pairs.roles import matching
from lensgui.analysis.sweep.sweep import SweepResult, sweep
from lensgui.terms.kinds import Direction, SweepKind
from lensgui.terms.metric import Metric, MetricName
from lensgui.terms.shares import Shares, gain
from lensgui.transformer.model import HookedTransformer

RESAMPLES = 1000  # of the pairs, for the spread


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One prompt pair of many.

    Attributes:
        clean: Token ids, [position].
        corrupted: As many token ids.
        metric: What is read from it.
        roles: Where named tokens stand, such as {"S1": 1, "IO": 3, "end": 13}; {} if that is not
            known.
    """

    clean: Tensor
    corrupted: Tensor
    metric: Metric
    roles: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Average(Shares):
    """A sweep averaged over pairs, as far as they have been swept.

    Attributes:
        kind: What a cell replaces.
        roles: The names of the columns, where positions were matched by role; () where by number.
        changes: Patched − base metric of each pair, [pair, layer, …]; a position axis counts roles
            if there are any.
        clean: The metric of each clean run, [pair].
        corrupted: The metric of each corrupted run, [pair].
        metric: What is read; None for a metric that is not lensgui's.
    """

    kind: SweepKind
    roles: tuple[str, ...]
    changes: Tensor
    clean: Tensor
    corrupted: Tensor
    metric: MetricName | None = None

    @property
    def wrong(self) -> list[int]:
        """The pairs whose clean run does no better than the corrupted run."""
        better: Tensor = gain(self.clean, self.corrupted, self.metric)
        return (better <= 0).nonzero().flatten().tolist()

    @property
    def values(self) -> Tensor:
        """The mean change, in the metric's unit, [layer, …]."""
        return self.changes.mean(0)

    @property
    def normalised(self) -> Tensor:
        """The mean change as a share of the mean clean − corrupted, [layer, …].

        Raises:
            ValueError: If a share has no meaning, as `refusal` says.
        """
        self.check_shares()
        return self.shown

    @property
    def shown(self) -> Tensor:
        """The mean changes as shares, or raw where `refusal` says why not, [layer, …]."""
        return self.values / self.scale

    @property
    def ends(self) -> tuple[float, float]:
        """The mean metric of the clean and of the corrupted runs."""
        return float(self.clean.mean()), float(self.corrupted.mean())

    def spread(self, share: float = 0.95, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Return where the normalised mean lies in most resamples of the pairs (Efron 1979).

        Args:
            share: How many of the resamples lie between.
            seed: Seed of the resampling.

        Returns:
            Lower and upper end, [layer, …].

        Raises:
            ValueError: As `normalised`.
        """
        self.check_shares()
        count = len(self.clean)
        generator = torch.Generator().manual_seed(seed)
        drawn = torch.randint(count, (RESAMPLES, count), generator=generator)
        weights = torch.zeros(RESAMPLES, count, dtype=torch.float64)
        weights.scatter_add_(1, drawn, torch.ones_like(weights))
        means = weights @ self.changes.flatten(1).double() / count
        difference = weights @ (self.clean - self.corrupted).double() / count
        ends = torch.tensor([(1 - share) / 2, (1 + share) / 2], dtype=torch.float64)
        low, high = (means / difference[:, None]).quantile(ends, dim=0)
        return low.view(self.changes.shape[1:]), high.view(self.changes.shape[1:])


def sweep_cases(
    model: HookedTransformer,
    cases: Sequence[Case],
    kind: SweepKind,
    direction: Direction = "denoising",
    known: Average | None = None,
) -> Iterator[Average | None]:
    """Sweep many pairs, and yield their average after each; None where only time has passed.

    Positions are matched by number where all prompts have one layout, else by role.

    Args:
        model: The model.
        cases: The pairs.
        kind: What a cell replaces.
        direction: As in `sweep`.
        known: The average over the first pairs, from an earlier start; None if there was none.

    Raises:
        ValueError: If there are no pairs, or positions can't be matched.
    """
    roles = matched_roles(cases, kind)
    rows = [] if known is None else list(known.changes)
    read: list[tuple[float, float]] = []
    if known is not None:
        read = list(zip(known.clean.tolist(), known.corrupted.tolist(), strict=True))
    for case in cases[len(rows) :]:
        result: SweepResult | None = None
        for so_far in sweep(model, case.clean, case.corrupted, case.metric, kind, direction):
            result = so_far
            yield None
        assert result is not None
        rows.append(_by_role(result, case, roles))
        read.append((result.clean, result.corrupted))
        clean, corrupted = torch.tensor(read, dtype=torch.float64).T
        yield Average(kind, roles, torch.stack(rows), clean, corrupted, case.metric.name)


def matched_roles(cases: Sequence[Case], kind: SweepKind) -> tuple[str, ...]:
    """Return the roles by which positions are matched; () where numbers will do.

    Raises:
        ValueError: If there are no pairs; and as `matching`.
    """
    if not cases:
        raise ValueError("There are no pairs to average: give at least one.")
    if "position" not in kind.axes:
        return ()
    lengths = [len(case.clean.flatten()) for case in cases]
    if kind.extent == "edge" and len(set(lengths)) > 1:
        raise ValueError("Edges can only be averaged over prompts of one length.")
    return matching(lengths, [case.roles for case in cases])


def _by_role(result: SweepResult, case: Case, roles: tuple[str, ...]) -> Tensor:
    """Return a pair's changes with roles instead of positions."""
    if not roles:
        return result.values
    places = torch.tensor([case.roles[role] for role in roles])
    return result.values.index_select(result.kind.axes.index("position"), places)
