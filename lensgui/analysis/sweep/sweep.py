"""Activation patching of every place at once, exactly, without running anything twice.

One cell of a sweep is the base run with one activation of the source run put in its place: clean
into corrupted (denoising), or corrupted into clean (noising). A cell at layer l that changes
nothing before position p leaves everything before l and before p as it was, so only the rows from
p on run, from layer l on, against the base run's own keys and values. Cells with the same p run
the layers together: each joins the batch where it enters. See Vig et al. (2020), Meng et al.
(2022), and Heimersheim & Nanda (2024) for the method itself.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from lensgui.analysis.checks import check_model, check_one_length, check_unhooked
from lensgui.analysis.run.predictions import compared, metric_logits
from lensgui.analysis.run.recording import Recording, check_finite
from lensgui.analysis.run.run import Run, are_alike, batches_of, equal_tokens, run_together
from lensgui.analysis.sweep.batches import Cell, PatchedPass, group, measured
from lensgui.analysis.sweep.kinds import needed
from lensgui.analysis.sweep.patches import Patch, map_shape
from lensgui.terms.errors import is_out_of_memory
from lensgui.terms.kinds import RESID_PRE, Direction, SweepKind
from lensgui.terms.metric import Metric, MetricName, check_tokens, read_positions
from lensgui.terms.shares import Shares
from lensgui.transformer.model import HookedTransformer


class Map(Protocol):
    """Values of cells, [layer, …], and which of them are unchanged."""

    @property
    def values(self) -> Tensor:
        """Return patched − base."""
        ...

    @property
    def unchanged(self) -> Tensor:
        """Return which cells are 0 because nothing that is read changes."""
        ...


class TrivialCells:
    """Enters the cells whose patch changes nothing, or nothing that is read: they are 0."""

    def __init__(self, patches: Sequence[Patch], maps: Sequence[Map], equal: int, end: int) -> None:
        """Enter nothing yet.

        Args:
            patches: What cells put in.
            maps: A map for each patch, of which nothing is known.
            equal: How many positions at the start are unchanged by causality, though runs that were
                made in different batches may round differently there.
            end: The position after the last one that is read.
        """
        self._patches, self._maps = patches, maps
        self._equal, self._end = equal, end
        self._known: set[tuple[int, int]] = set()

    def idle(self, number: int) -> Tensor:
        """Return which cells of a patch change nothing that is read, whatever they put in.

        Returns:
            [layer, …], the layers sharing their memory.
        """
        patch = self._patches[number]
        found = torch.zeros(patch.shape, dtype=torch.bool)
        for at, axis in enumerate(patch.kind.axes[1:]):
            if axis in ("position", "source"):
                places = torch.arange(patch.shape[at])
                idle = places >= self._end
                if axis == "position":
                    idle |= places < self._equal
                found |= idle.view(-1, *(1,) * (found.ndim - at - 1))
        return found.expand(self._maps[number].values.shape)

    def layer(self, layer: int) -> None:
        """Enter what is unchanged in a layer that both runs know."""
        for number in range(len(self._patches)):
            self._settle(number, layer)

    def live(self, number: int, layer: int, cells: list[Cell]) -> list[Cell]:
        """Return the cells of a patch and a layer that must be run, entering the others as 0."""
        self._settle(number, layer)
        unchanged = self._maps[number].unchanged[layer].tolist()
        return [cell for cell in cells if not _at(unchanged, cell.index)]

    def _settle(self, number: int, layer: int) -> None:
        if (number, layer) in self._known:
            return
        self._known.add((number, layer))
        known = self._maps[number]
        unchanged = self._patches[number].unchanged(layer).cpu() | self.idle(number)[layer]
        known.unchanged[layer] = unchanged
        known.values[layer][unchanged] = 0.0


def _at(nested: object, index: tuple[int, ...]) -> bool:
    """Return what stands at an index of nested lists."""
    for place in index:
        assert isinstance(nested, list)
        nested = nested[place]
    return bool(nested)


@dataclass(frozen=True, slots=True)
class SweepResult(Shares):
    """A sweep, as far as it is known.

    Attributes:
        kind: What a cell replaces; its axes are those of the arrays.
        values: Patched metric − base metric; NaN where not yet known.
        unchanged: Cells that are 0 because what is patched in is what stood there already, or
            because nothing that is read can see it.
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        metric: What is read; None for a metric that is not lensgui's.
    """

    kind: SweepKind
    values: Tensor
    unchanged: Tensor
    clean: float
    corrupted: float
    metric: MetricName | None = None

    @property
    def normalised(self) -> Tensor:
        """The change as a share of clean − corrupted.

        Raises:
            ValueError: If a share has no meaning, as `refusal` says.
        """
        self.check_shares()
        return self.shown

    @property
    def shown(self) -> Tensor:
        """The changes as shares of clean − corrupted, or raw where `refusal` says why not."""
        return self.values / self.scale


def sweep(
    model: HookedTransformer,
    clean: Tensor | Run,
    corrupted: Tensor | Run,
    metric: Metric,
    kind: SweepKind = RESID_PRE,
    direction: Direction = "denoising",
    budget: int | None = None,
    first: Tensor | None = None,
    only: Tensor | None = None,
) -> Iterator[SweepResult]:
    """Patch every place of one kind, one at a time, and read the metric.

    Args:
        model: The model; hooks attached to it must not be.
        clean: Token ids of the clean prompt, [position] or [1, position]; or its run, if there is
            one already.
        corrupted: The corrupted prompt, with as many tokens.
        metric: What is read.
        kind: What a cell replaces.
        direction: "denoising" patches clean into corrupted, "noising" corrupted into clean.
        budget: Bytes that the rows under way may take; None for a quarter of the free memory.
        first: How important each cell is, in the map's shape: the most important run first. None
            to begin with what is cheapest.
        only: Which cells to run, in the map's shape; the others stay unknown. None for all.

    Yields:
        The result so far, often: every yield is a place to stop. The arrays are the same each time.

    Raises:
        ValueError: If the prompts have different lengths, the model has hooks attached, the budget
            is too small for one cell, or an activation is not finite.
    """
    importance, chosen = ((part,) if part is not None else None for part in (first, only))
    kinds = (kind,)
    for (result,) in sweep_many(
        model, clean, corrupted, metric, kinds, direction, budget, importance, chosen
    ):
        yield result


@torch.no_grad()
def sweep_many(
    model: HookedTransformer,
    clean: Tensor | Run,
    corrupted: Tensor | Run,
    metric: Metric,
    kinds: Sequence[SweepKind],
    direction: Direction = "denoising",
    budget: int | None = None,
    first: Sequence[Tensor] | None = None,
    only: Sequence[Tensor] | None = None,
) -> Iterator[tuple[SweepResult, ...]]:
    """Sweep several kinds in one pass through the layers; arguments as in `sweep`.

    Yields:
        A result for each kind.
    """
    names = frozenset().union(*(needed(kind) for kind in kinds))
    check_tokens(metric, model.cfg.d_vocab_out)
    runs = _runs(model, clean, corrupted, names)
    is_new = not (isinstance(clean, Run) or isinstance(corrupted, Run) or first or only)
    if is_new and are_alike(runs):
        results = yield from _on_the_way(runs, metric, kinds, direction, budget)
        if results is not None:
            yield results
            return
        runs = _runs(model, clean, corrupted, names)
    total, layers = len(runs[1].tokens), model.cfg.n_layers
    for run in runs:
        for _ in run.steps():
            yield tuple(nothing_known(kind, map_shape(kind, model, total)) for kind in kinds)
        check_finite(run)
    end = read_positions(metric, total).stop
    metric = compared(model, metric, runs[0].residuals[-1])
    read = [read_metric(run, metric) for run in runs]
    patches, base = _patches(runs, kinds, direction)
    results = tuple(
        nothing_known(patch.kind, (layers, *patch.shape), read[0], read[1], metric.name)
        for patch in patches
    )
    start = read[direction == "denoising"]
    equal = equal_tokens(*runs)
    for _ in run_cells(patches, results, base, metric, end, start, budget, first, only, equal):
        yield results


def _patches(
    runs: Sequence[Run], kinds: Sequence[SweepKind], direction: Direction
) -> tuple[list[Patch], Run]:
    """Return what cells put in, and the run that is patched into."""
    source, base = runs if direction == "denoising" else reversed(runs)
    recordings = {kind: [Recording(run, needed(kind)) for run in (source, base)] for kind in kinds}
    return [Patch(kind, base, *recordings[kind]) for kind in kinds], base


def _on_the_way(
    runs: Sequence[Run],
    metric: Metric,
    kinds: Sequence[SweepKind],
    direction: Direction,
    budget: int | None,
) -> Generator[tuple[SweepResult, ...], None, tuple[SweepResult, ...] | None]:
    """Sweep two prompts while they run for the first time: a layer's weights are read just once.

    Yields:
        Results of which nothing is known, wherever one may stop.

    Returns:
        The whole results; None if the cells are too many for that, or memory too short.
    """
    patches, base = _patches(runs, kinds, direction)
    shapes = [(base.model.cfg.n_layers, *patch.shape) for patch in patches]
    results = tuple(map(nothing_known, kinds, shapes))
    end = read_positions(metric, len(base.tokens)).stop
    trivial = TrivialCells(patches, results, equal_tokens(*runs), end)
    needed = [~trivial.idle(number) for number in range(len(patches))]
    groups = list(group(patches, needed, base, end, budget))
    if len(groups) != 1:
        return None
    patched = PatchedPass(
        patches, base, groups[0], end, metric.reads, batches_of(runs), trivial.live
    )
    try:
        for _ in patched.through():
            yield results
        check_finite(*runs)
        metric = compared(base.model, metric, runs[0].residuals[-1])
        read = [read_metric(run, metric) for run in runs]
        for layer in range(base.model.cfg.n_layers):
            trivial.layer(layer)
        _enter(results, (patched.cells, patched.metric(metric)), read[direction == "denoising"])
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return None
    clean, corrupted = read
    return tuple(
        replace(result, clean=clean, corrupted=corrupted, metric=metric.name) for result in results
    )


def run_cells(
    patches: Sequence[Patch],
    results: Sequence[SweepResult],
    base: Run,
    metric: Metric,
    end: int,
    start: float,
    budget: int | None = None,
    first: Sequence[Tensor] | None = None,
    only: Sequence[Tensor] | None = None,
    equal: int = 0,
) -> Iterator[None]:
    """Fill results in, yielding where one may stop.

    Args:
        patches: What cells put in.
        results: A result for each patch, of which nothing is known.
        base: The complete run that is patched into.
        metric: What is read.
        end: The position after the last one that is read.
        start: The metric of `base`.
        budget: As in `sweep`.
        first: As in `sweep`, for each patch.
        only: Likewise.
        equal: How many positions at the start are unchanged by causality, though runs that were
            made in different batches may round differently there.
    """
    trivial = TrivialCells(patches, results, equal, end)
    for layer in range(base.model.cfg.n_layers):
        trivial.layer(layer)
        yield
    chosen = only or [torch.ones_like(result.unchanged) for result in results]
    needed = [some & ~result.unchanged for some, result in zip(chosen, results, strict=True)]
    for cells in group(patches, needed, base, end, budget, first):
        for found in measured(patches, base, cells, end, metric):
            _enter(results, found, start)
            yield


def _runs(
    model: HookedTransformer, clean: Tensor | Run, corrupted: Tensor | Run, names: frozenset[str]
) -> list[Run]:
    """Return the runs of two prompts, perhaps not yet complete, if they can be swept."""
    check_unhooked(model)
    runs = [run if isinstance(run, Run) else Run(model, run, names) for run in (clean, corrupted)]
    check_one_length(*(len(run.tokens) for run in runs))
    check_model(model, *runs)
    run_together(runs)
    return runs


def nothing_known(
    kind: SweepKind,
    shape: tuple[int, ...],
    clean: float = torch.nan,
    corrupted: float = torch.nan,
    metric: MetricName | None = None,
) -> SweepResult:
    """Return a result of which no cell is known."""
    values = torch.full(shape, torch.nan, dtype=torch.float64)
    return SweepResult(kind, values, values == 0, clean, corrupted, metric)


def _enter(
    results: Sequence[SweepResult], found: tuple[list[Cell], Tensor] | None, base: float
) -> None:
    """Enter the metric of cells as a change, if there is any yet."""
    cells, values = found or ([], torch.empty(0))
    for cell, value in zip(cells, values.tolist(), strict=True):
        results[cell.patch].values[(cell.layer, *cell.index)] = value - base


def of_prompt(result: SweepResult, length: int) -> SweepResult:
    """Return the part of a sweep that patches the prompt, not the continuation behind it.

    Args:
        result: A sweep of continued prompts.
        length: How many tokens the prompts had before.

    Returns:
        The same maps, their axes of positions ending with the prompt; views of the same arrays, so
        that they fill in as the sweep goes on.
    """
    cut = tuple(
        slice(length) if axis in ("position", "source") else slice(None)
        for axis in result.kind.axes
    )
    return replace(result, values=result.values[cut], unchanged=result.unchanged[cut])


def read_metric(run: Run, metric: Metric) -> float:
    """Return the metric of a complete run."""
    rows = run.residuals[-1][read_positions(metric, len(run.tokens))]
    return float(metric.of_columns(metric_logits(run.model, rows, metric).double()))
