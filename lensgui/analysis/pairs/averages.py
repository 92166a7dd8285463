"""A sweep over many prompt pairs: the mean, how sure it is, and which pairs the model gets wrong.

Changes are averaged in the metric's own unit first and then divided by the mean difference: a mean
of shares would be ruined by one pair whose clean and corrupted metric hardly differ.

A whole exact sweep of every pair takes minutes. The first-order estimate of all cells takes three
passes a pair, and says which cells are worth being exact about: these can be run for all pairs
first, so that their mean has an interval while the rest is still an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from lensgui.analysis.interventions.under import Given, pair_under
from lensgui.analysis.pairs.roles import matching
from lensgui.analysis.run.predictions import compared, read_metric
from lensgui.analysis.run.run import Run
from lensgui.analysis.shares import Shares, gain
from lensgui.analysis.sweep.estimates.attribution import attribution_steps
from lensgui.analysis.sweep.patches import map_shape
from lensgui.analysis.sweep.result import SweepResult
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import Direction, SweepKind
from lensgui.terms.metric import Metric, MetricName
from lensgui.transformer.model import HookedTransformer

RESAMPLES = 1000  # of the pairs, for the spread
STAGES = (24,)  # cells that are made exact first; more stages would run each pair more often
ESTIMATED = 24  # cells of a sweep that take about as long as estimating a pair

Runs = Callable[[Tensor], Run]
PairOf = Callable[["Case"], Generator[None, None, tuple[Run, Run]]]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One prompt pair of many.

    Attributes:
        clean: Token ids, [position].
        corrupted: As many token ids.
        metric: What is read from it.
        roles: Where named tokens stand, such as {"S1": 1, "IO": 3, "end": 13}; {} if that is not
            known.
        interventions: What its prompts are run under.
    """

    clean: Tensor
    corrupted: Tensor
    metric: Metric
    roles: Mapping[str, int] = field(default_factory=dict)
    interventions: Given = ()


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
        prompts = case.clean, case.corrupted
        under = case.interventions
        asked = sweep(model, *prompts, case.metric, kind, direction, interventions=under)
        for so_far in asked:
            result = so_far
            yield None
        assert result is not None
        rows.append(by_role(result.values, kind, case, roles))
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


def by_role(values: Tensor, kind: SweepKind, case: Case, roles: tuple[str, ...]) -> Tensor:
    """Return a pair's map [layer, …] with roles instead of positions, if there are any."""
    if not roles:
        return values
    places = torch.tensor([case.roles[role] for role in roles])
    return values.index_select(kind.axes.index("position"), places)


@dataclass(frozen=True, slots=True, eq=False)
class StagedAverage(Average):
    """A mean over pairs of which some cells are exact, and the others estimated.

    Attributes:
        changes: As of `Average`, NaN for cells of pairs that have not been run, [pair, layer, …].
        estimates: The mean of the first-order estimates of the pairs that are read, [layer, …].
        known: Which cells are exact for every pair, [layer, …].
        read: How many pairs have been estimated; `clean` and `corrupted` are of these.
    """

    estimates: Tensor | None = None
    known: Tensor | None = None
    read: int = 0

    @property
    def values(self) -> Tensor:
        """The mean change, exact where it is known and estimated elsewhere, [layer, …]."""
        assert self.known is not None
        assert self.estimates is not None
        return torch.where(self.known, self.changes.mean(0), self.estimates)

    @property
    def is_whole(self) -> bool:
        """Whether every cell is exact."""
        return self.known is not None and bool(self.known.all())

    @property
    def work(self) -> tuple[int, int]:
        """How much is done, of how much, in cells of single pairs."""
        count, cells = len(self.changes), self.changes[0].numel()
        done = int(self.changes.isfinite().sum()) + ESTIMATED * self.read
        return done, count * (cells + ESTIMATED)


def sweep_by_strength(
    model: HookedTransformer,
    cases: Sequence[Case],
    kind: SweepKind,
    direction: Direction = "denoising",
    known: StagedAverage | None = None,
    stages: Sequence[int] = STAGES,
    runs: Runs | None = None,
) -> Iterator[StagedAverage | None]:
    """Sweep many pairs, and yield their average ever more exactly; None where only time has passed.

    Args:
        model: The model.
        cases: The pairs; their metric must have a gradient.
        kind: What a cell replaces.
        direction: As in `sweep`.
        known: What an earlier start of the same question came to; None if there was none.
        stages: How many cells are made exact first, how many then, and so on; the rest is last.
        runs: Gives the run of a prompt, perhaps one that there is already; None to make them.

    Raises:
        ValueError: If there are no pairs, or positions can't be matched; and as `sweep` and
            `attribution_patch`.
    """
    roles = matched_roles(cases, kind)
    run_of = runs or (lambda tokens: Run(model, tokens))

    def pair_of(case: Case) -> Generator[None, None, tuple[Run, Run]]:
        return pair_under(run_of(case.clean), run_of(case.corrupted), case.interventions)

    average = known
    if average is None or average.read < len(cases):
        average = yield from _estimate(model, cases, (kind, direction), roles, pair_of)
    average = replace(average, changes=average.changes.clone())  # what was yielded stays as it was
    known_cells, estimates = average.known, average.estimates
    assert known_cells is not None
    assert estimates is not None
    for cells in _stages(estimates, known_cells, stages):
        for at, case in enumerate(cases):
            todo = cells & average.changes[at].isnan()
            if not todo.any():
                continue
            found = yield from _run_cells(model, case, (kind, direction), todo, roles, pair_of)
            average.changes[at][todo] = found[todo]
            yield replace(average, changes=average.changes.clone())
        known_cells = known_cells | cells
        average = replace(average, known=known_cells)
        yield replace(average, changes=average.changes.clone())


def _estimate(
    model: HookedTransformer,
    cases: Sequence[Case],
    asked: tuple[SweepKind, Direction],
    roles: tuple[str, ...],
    pair_of: PairOf,
) -> Generator[StagedAverage | None, None, StagedAverage]:
    """Yield the mean estimate of ever more pairs; return it."""
    kind, direction = asked
    total: Tensor | None = None
    ends: list[tuple[float, float]] = []
    average: StagedAverage | None = None
    for case in cases:
        pair = yield from pair_of(case)
        found: Tensor | None = None
        for steps in attribution_steps(model, *pair, case.metric, (kind,), direction):
            found = None if steps is None else steps[0]
            yield None
        assert found is not None
        found = by_role(found, kind, case, roles)
        total = found if total is None else total + found
        metric = compared(model, case.metric, pair[0].residuals[-1])
        ends.append((read_metric(pair[0], metric), read_metric(pair[1], metric)))
        clean, corrupted = torch.tensor(ends, dtype=torch.float64).T
        average = StagedAverage(
            kind,
            roles,
            torch.full((len(cases), *total.shape), torch.nan, dtype=torch.float64),
            clean,
            corrupted,
            case.metric.name,
            estimates=total / len(ends),
            known=torch.zeros(total.shape, dtype=torch.bool),
            read=len(ends),
        )
        yield average
    assert average is not None
    return average


def _stages(estimates: Tensor, known: Tensor, sizes: Sequence[int]) -> Iterator[Tensor]:
    """Yield the cells of each stage that are not yet known, the strongest first, [layer, …]."""
    order = estimates.abs().flatten().argsort(descending=True, stable=True)
    start = 0
    for size in (*sizes, len(order)):
        chosen = torch.zeros(len(order), dtype=torch.bool)
        chosen[order[start : start + size]] = True
        start += size
        cells = chosen.view(estimates.shape) & ~known
        if cells.any():
            yield cells


def _run_cells(
    model: HookedTransformer,
    case: Case,
    asked: tuple[SweepKind, Direction],
    cells: Tensor,
    roles: tuple[str, ...],
    pair_of: PairOf,
) -> Generator[None, None, Tensor]:
    """Run some cells of a pair, [layer, …] by role if there are any; return all by role."""
    kind, direction = asked
    pair = yield from pair_of(case)
    only = cells
    if roles:
        only = torch.zeros(map_shape(kind, model, len(case.clean.flatten())), dtype=torch.bool)
        places = torch.tensor([case.roles[role] for role in roles])
        axis = kind.axes.index("position")
        only.movedim(axis, 0)[places] = cells.movedim(axis, 0)
    found: SweepResult | None = None
    for result in sweep(model, *pair, case.metric, kind, direction, only=only):
        found = result
        yield None
    assert found is not None
    return by_role(found.values, kind, case, roles)
