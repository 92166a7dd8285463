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
from dataclasses import replace
from math import isfinite

import torch
from torch import Tensor

from lensgui.analysis.checks import (
    check_final_norm,
    check_model,
    check_one_length,
    check_unhooked,
)
from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.under import Given, pair_under
from lensgui.analysis.run.predictions import compared, read_metric
from lensgui.analysis.run.recording import Recording, check_finite
from lensgui.analysis.run.run import Run, equal_tokens
from lensgui.analysis.run.together import are_alike, batches_of, run_together
from lensgui.analysis.sweep.batches import PatchedPass, measured
from lensgui.analysis.sweep.estimates.settling import Settling
from lensgui.analysis.sweep.grouping import group, in_host_memory, reserve
from lensgui.analysis.sweep.in_order import (
    BaseLogits,
    Prompt,
    call,
    measured_in_order,
    warn_of_nan,
)
from lensgui.analysis.sweep.kinds import needed
from lensgui.analysis.sweep.patches import Cell, Patch, TrivialCells, map_shape
from lensgui.analysis.sweep.result import SweepResult, nothing_known
from lensgui.terms.errors import is_out_of_memory
from lensgui.terms.kinds import RESID_PRE, Direction, SweepKind
from lensgui.terms.metric import (
    AnyMetric,
    Metric,
    check_tokens,
    is_declared,
    read_positions,
)
from lensgui.transformer.model import HookedTransformer


def sweep(
    model: HookedTransformer,
    clean: Tensor | Run,
    corrupted: Tensor | Run,
    metric: Metric | AnyMetric,
    kind: SweepKind = RESID_PRE,
    direction: Direction = "denoising",
    budget: int | None = None,
    first: Tensor | None = None,
    only: Tensor | None = None,
    settling: Settling | None = None,
    interventions: Given = (),
) -> Iterator[SweepResult]:
    """Patch every place of one kind, one at a time, and read the metric.

    Args:
        model: The model; hooks attached to it must not be.
        clean: Token ids of the clean prompt, [position] or [1, position]; or its run, if there is
            one already.
        corrupted: The corrupted prompt, with as many tokens.
        metric: What is read: a metric of lensgui's, or any function from logits
            [1, position, d_vocab] to one number. Such a function is called for the clean run, for
            the corrupted one, and once a cell, in order; its logits are worked out when it looks at
            them. Where it gives NaN a cell stays NaN, and a warning says so.
        kind: What a cell replaces.
        direction: "denoising" patches clean into corrupted, "noising" corrupted into clean.
        budget: Bytes that the rows under way may take; None for a quarter of the free memory.
        first: How important each cell is, in the map's shape: the most important run first. None
            to begin with what is cheapest.
        only: Which cells to run, in the map's shape; the others stay unknown. None for all.
        settling: Chooses cells until those that matter are exact; for metrics of lensgui's.
        interventions: What both prompts are run under, sources and cells alike; shares are of their
            clean − corrupted. What a cell puts in is written last where it is written.

    Yields:
        The result so far, often: every yield is a place to stop. The arrays are the same each time.

    Raises:
        ValueError: If the prompts have different lengths, the model has hooks attached, the budget
            is too small for one cell, an activation is not finite, or the metric of a run is none.
    """
    importance, chosen = ((part,) if part is not None else None for part in (first, only))
    kinds, settles = (kind,), (settling,) if settling is not None else None
    for (result,) in sweep_many(
        model, clean, corrupted, metric, kinds, direction, budget, importance, chosen, settles,
        interventions,
    ):  # fmt: skip
        yield result


@torch.no_grad()
def sweep_many(
    model: HookedTransformer,
    clean: Tensor | Run,
    corrupted: Tensor | Run,
    metric: Metric | AnyMetric,
    kinds: Sequence[SweepKind],
    direction: Direction = "denoising",
    budget: int | None = None,
    first: Sequence[Tensor] | None = None,
    only: Sequence[Tensor] | None = None,
    settling: Sequence[Settling] | None = None,
    interventions: Given = (),
) -> Iterator[tuple[SweepResult, ...]]:
    """Sweep several kinds in one pass through the layers; arguments as in `sweep`.

    Yields:
        A result for each kind.
    """
    names = frozenset().union(*(needed(kind) for kind in kinds))
    if is_declared(metric):
        check_tokens(metric, model.cfg.d_vocab_out)
    runs = _runs(model, clean, corrupted, names)
    given = Interventions.of(interventions)
    is_new = not (isinstance(clean, Run) or isinstance(corrupted, Run) or given.acting)
    is_new = is_new and not (first or only or settling)
    if is_new and is_declared(metric) and are_alike(runs):
        results = yield from _on_the_way(runs, metric, kinds, direction, budget)
        if results is not None:
            yield results
            return
        runs = _runs(model, clean, corrupted, names)
    total, layers = len(runs[1].tokens), model.cfg.n_layers
    nothing = tuple(nothing_known(kind, map_shape(kind, model, total)) for kind in kinds)
    runs = yield from _saying(nothing, pair_under(*runs, given))
    patches, base = _patches(runs, kinds, direction)
    if not is_declared(metric):
        check_final_norm(*runs)
        yield from _in_order(runs, metric, patches, direction, budget, first, only)
        return
    end = read_positions(metric, total).stop
    metric = compared(runs[0].model, metric, runs[0].residuals[-1])
    read = [read_metric(run, metric) for run in runs]
    results = tuple(
        nothing_known(patch.kind, (layers, *patch.shape), read[0], read[1], metric.name)
        for patch in patches
    )
    start = read[direction == "denoising"]
    equal = equal_tokens(*runs)
    asked = budget, first, only, equal, settling
    for _ in run_cells(patches, results, base, metric, end, start, *asked):
        yield results


def _saying(
    said: tuple[SweepResult, ...], steps: Generator[None, None, tuple[Run, Run]]
) -> Generator[tuple[SweepResult, ...], None, tuple[Run, Run]]:
    """Say the same at each of some steps, and return what they come to."""
    while True:
        try:
            next(steps)
        except StopIteration as over:
            found: tuple[Run, Run] = over.value
            return found
        yield said


def _patches(
    runs: Sequence[Run], kinds: Sequence[SweepKind], direction: Direction
) -> tuple[list[Patch], Run]:
    """Return what cells put in, and the run that is patched into."""
    source, base = runs if direction == "denoising" else reversed(runs)
    recordings = {kind: [Recording(run, needed(kind)) for run in (source, base)] for kind in kinds}
    return [Patch(kind, base, *recordings[kind]) for kind in kinds], base


def _in_order(
    runs: Sequence[Run],
    metric: AnyMetric,
    patches: Sequence[Patch],
    direction: Direction,
    budget: int | None,
    first: Sequence[Tensor] | None,
    only: Sequence[Tensor] | None,
) -> Iterator[tuple[SweepResult, ...]]:
    """Sweep kinds one after the other for a metric that does not say what it reads."""
    logits = [BaseLogits([run]) for run in runs]
    ends = [
        float(call(metric, of.logits(), f"the {name} run"))
        for of, name in zip(logits, ("clean", "corrupted"), strict=True)
    ]
    for end, name in zip(ends, ("clean", "corrupted"), strict=True):
        if not isfinite(end):
            raise ValueError(
                f"The metric of the {name} run is {end}, so no change can be told: let it return a "
                "finite number."
            )
    base, layers = patches[0].run, runs[0].model.cfg.n_layers
    start, of_base = ends[base is runs[1]], logits[base is runs[1]]
    results = tuple(nothing_known(of.kind, (layers, *of.shape), ends[0], ends[1]) for of in patches)
    trivial = TrivialCells(patches, results, equal_tokens(*runs), len(base.tokens))
    for number, (patch, result) in enumerate(zip(patches, results, strict=True)):
        trivial.whole(number)
        result.values[result.unchanged] = torch.nan  # the metric itself says what these are
        places = _ordered(only[number] if only else None, first[number] if first else None, result)
        prompts = [Prompt(patch, in_host_memory(result.unchanged))]
        for found in measured_in_order(prompts, of_base, places, metric, budget):
            if found is not None:
                at, values = found
                for place, value in zip(places[at:], values.tolist(), strict=False):
                    result.values[place] = value - start
            yield results
        known = in_host_memory(result.values)
        warn_of_nan(patch.kind.axes, places, [float(known[place]) for place in places])


def _ordered(
    only: Tensor | None, first: Tensor | None, result: SweepResult
) -> list[tuple[int, ...]]:
    """Return the cells to be run, the most important first if somebody said."""
    chosen = torch.ones_like(result.unchanged) if only is None else only
    places = [tuple(place) for place in chosen.nonzero().tolist()]
    if first is None:
        return places
    sizes = in_host_memory(first.abs())
    return sorted(places, key=lambda place: -float(sizes[place]))


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
    try:
        reserve(patches, base, groups[0], end)
        patched = PatchedPass(patches, base, groups[0], end, metric.reads, batches_of(runs))
        for _ in patched.through():
            yield results
        check_finite(*runs)
        metric = compared(base.model, metric, runs[0].residuals[-1])
        read = [read_metric(run, metric) for run in runs]
        _enter(results, (patched.cells, patched.metric(metric)), read[direction == "denoising"])
        trivial.whole()
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
    settling: Sequence[Settling] | None = None,
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
        settling: As in `sweep`, for each patch.
    """
    trivial = TrivialCells(patches, results, equal, end)
    yield from trivial.steps()
    chosen = only or [torch.ones_like(result.unchanged) for result in results]
    if settling:
        chosen = _next(settling, results)
    while any(some.any() for some in chosen):
        needed = [some & ~result.unchanged for some, result in zip(chosen, results, strict=True)]
        for cells in group(patches, needed, base, end, budget, first):
            for found in measured(patches, base, cells, end, metric):
                _enter(results, found, start)
                yield
        chosen = _next(settling, results) if settling else []


def _next(settling: Sequence[Settling], results: Sequence[SweepResult]) -> list[Tensor]:
    """Return which cells to run next of each sweep, none of those that have settled."""
    chosen = []
    for one, of in zip(settling, results, strict=True):
        some = one.next(of.kind, of.values, of.unchanged, of.clean - of.corrupted)
        chosen.append(torch.zeros_like(of.unchanged) if some is None else some)
    return chosen


def _runs(
    model: HookedTransformer, clean: Tensor | Run, corrupted: Tensor | Run, names: frozenset[str]
) -> tuple[Run, Run]:
    """Return the runs of two prompts, perhaps not yet complete, if they can be swept."""
    check_unhooked(model)
    some, other = (
        run if isinstance(run, Run) else Run(model, run, names) for run in (clean, corrupted)
    )
    check_one_length(len(some.tokens), len(other.tokens))
    check_model(model, some, other)
    run_together([some, other])
    return some, other


def _enter(
    results: Sequence[SweepResult], found: tuple[list[Cell], Tensor] | None, base: float
) -> None:
    """Enter the metric of cells as a change, if there is any yet."""
    cells, values = found or ([], torch.empty(0))
    for cell, value in zip(cells, values.tolist(), strict=True):
        results[cell.patch].values[(cell.layer, *cell.index)] = value - base
