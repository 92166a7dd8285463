"""Sweeps averaged over many pairs, and cells of a sweep the slow way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from lensgui.analysis.pairs.cases import case_of
from lensgui.analysis.sweep.averages import Average, Case, matched_roles, sweep_cases
from lensgui.analysis.sweep.slowly import recompute_cells
from lensgui.jobs.arrays import Check, Sweep, Verification
from lensgui.jobs.handlers import checking, sweep_arrays
from lensgui.jobs.handlers.loaded import Desk, keep
from lensgui.jobs.requests import Patching
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import Metric
from lensgui.transformer.model import HookedTransformer

Index = tuple[int, ...]


def answer(desk: Desk, request: Patching) -> Iterator[Sweep | None]:
    """Yield the mean of a sweep over pairs, after each pair.

    Raises:
        ValueError: If a pair can't be swept, or positions can't be matched.
    """
    if request.kind.extent == "edge":
        raise ValueError(
            "Single edges are swept for one pair only: switch the average off, or choose another "
            "kind of sweep."
        )
    model, cases = desk.use(request.model), list[Case]()
    for case in _cases(model, request):
        cases.append(case)
        yield None
    roles = matched_roles(cases, request.kind)
    positions = sweep_arrays.mean_positions(model, [case.corrupted for case in cases], roles)
    average = found = _left(desk, request)
    try:
        if average is not None:
            yield sweep_arrays.mean_picture(model, request, average, positions)
        for found in sweep_cases(model, cases, request.kind, request.direction, average):
            if found is not None:
                average = found
                yield sweep_arrays.mean_picture(model, request, average, positions)
            else:
                yield None
    finally:
        if average is not None and len(average.clean) < len(cases):
            keep(desk, request, average)
    if average is not None:
        drawn = sweep_arrays.mean_picture(model, request, average, positions)
        yield from _checked(drawn, request, average, cases, model)


def _left(desk: Desk, request: Patching) -> Average | None:
    """Return the mean over the pairs that an earlier start of the same question came to."""
    left = desk.unfinished.pop(request, None)
    return left if isinstance(left, Average) else None


def _checked(
    drawn: Sweep,
    request: Patching,
    average: Average,
    cases: Sequence[Case],
    model: HookedTransformer,
) -> Iterator[Sweep | None]:
    """Yield the mean once more when a few cells of single pairs have been worked out slowly."""
    chosen = checking.drawn_cells(drawn, request)
    dice = checking.dice(request)
    differences: list[float] = []
    for index in chosen:
        at = dice.randrange(len(cases))
        case = cases[at]
        place = _place(request.kind, index, case, average.roles)
        for value in slowly(request, case.clean, case.corrupted, case.metric, [place], model):
            if value is not None:
                differences.append(abs(value - float(average.changes[(at, *index)])))
            yield None
    if differences:
        yield replace(drawn, check=Check(len(differences), max(differences)))


def verify(desk: Desk, request: Patching, index: Index) -> Iterator[Verification | None]:
    """Yield the mean over pairs of one cell, each worked out by plain forward passes."""
    model = desk.use(request.model)
    cases = list(_cases(model, request))
    roles = matched_roles(cases, request.kind)
    found: list[float] = []
    for case in cases:
        prompts = case.clean, case.corrupted
        place = _place(request.kind, index, case, roles)
        for value in slowly(request, *prompts, case.metric, [place], model):
            found += [] if value is None else [value]
            yield None
    yield Verification(index, sum(found) / len(found))


def slowly(
    request: Patching,
    clean: Tensor,
    corrupted: Tensor,
    metric: Metric,
    indices: Sequence[Index],
    model: HookedTransformer,
) -> Iterator[float | None]:
    """Yield cells of a sweep by plain forward passes, None between.

    Args:
        request: The sweep.
        clean: Token ids, [position].
        corrupted: As many.
        metric: What is read.
        indices: The cells, on the axes of the sweep's answer.
        model: The model.
    """
    head = () if request.layer is None else (request.layer, request.head or 0)
    whole = [(*head, *index) for index in indices]
    return recompute_cells(model, clean, corrupted, metric, request.kind, request.direction, whole)


def _cases(model: HookedTransformer, request: Patching) -> Iterator[Case]:
    """Yield the pairs, each read with the metric of the pair that is shown."""
    for row in request.rows:
        yield case_of(model, replace(row, pair=replace(row.pair, metric=request.pair.metric)))


def _place(kind: SweepKind, index: Index, case: Case, roles: tuple[str, ...]) -> Index:
    """Return where a cell of the mean stands in one pair."""
    if not roles:
        return index
    at = kind.axes.index("position")
    return (*index[:at], case.roles[roles[index[at]]], *index[at + 1 :])
