"""Answers about patching: sweeps as far as they have come, and single cells the slow way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from lensgui.analysis.pairs.answers import required_metric
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.estimates import attribution_steps
from lensgui.analysis.sweep.patches import map_shape
from lensgui.analysis.sweep.sweep import SweepResult, nothing_known, sweep
from lensgui.jobs.answering import Answer
from lensgui.jobs.arrays import Check, Sweep, Verification
from lensgui.jobs.handlers import averaging, checking, in_words, sweep_arrays
from lensgui.jobs.handlers.averaging import slowly
from lensgui.jobs.handlers.loaded import Desk, keep
from lensgui.jobs.handlers.sweep_arrays import Known
from lensgui.jobs.requests import Patching, VerifyCell
from lensgui.terms.metrics import Metric

SLOW_S = 1.0  # sweeps that are predicted to take longer show an estimate first
RATE = 5e10  # FLOP a second of a processor, for that prediction


def answer(desk: Desk, request: Patching | VerifyCell) -> Iterator[Answer | None]:
    """Yield ever more of the answer to a question about patching."""
    if isinstance(request, VerifyCell):
        return _verify(desk, request)
    return averaging.answer(desk, request) if request.rows else _sweep(desk, request)


def _sweep(desk: Desk, request: Patching) -> Iterator[Answer | None]:
    """Yield a sweep of one pair: estimates, exact cells, then a check of a few of them."""
    clean, corrupted = _runs(desk, request)
    for run in (clean, corrupted):
        for _ in run.steps():
            yield None
    metric = required_metric(desk.answers(request.pair, clean))
    left = desk.unfinished.pop(request, None)
    known = Known(left if isinstance(left, Tensor) else None)
    if len(clean.tokens) == len(corrupted.tokens) and is_slow(request, (clean, corrupted), metric):
        for estimates in _estimates(clean, corrupted, metric, request):
            known = replace(known, estimates=estimates)
            yield None
        nothing = nothing_known(request.kind, _shape(request, corrupted))
        yield sweep_arrays.picture(corrupted, request, nothing, known)
    drawn: Sweep | None = None
    for step in _exact(desk, request, (clean, corrupted), metric, known):
        drawn = step or drawn
        yield step
    if drawn is not None:
        yield from _checked(drawn, request, (clean, corrupted), metric)


def _runs(desk: Desk, request: Patching) -> tuple[Run, Run]:
    model = desk.use(request.model)
    if request.layer is not None and request.head is not None:
        in_words.check_head(model, request.layer, request.head)
    pair = request.pair
    return desk.run(model, pair.clean_prompt), desk.run(model, pair.corrupted_prompt)


def _tokens(runs: tuple[Run, Run]) -> tuple[Tensor, Tensor]:
    return runs[0].tokens, runs[1].tokens


def _estimates(
    clean: Run, corrupted: Run, metric: Metric, request: Patching
) -> Iterator[Tensor | None]:
    """Yield the first-order estimate of every cell of the whole map at last; None before."""
    for found in attribution_steps(
        clean.model, clean, corrupted, metric, (request.kind,), request.direction
    ):
        yield None if found is None else found[0]


def _exact(
    desk: Desk, request: Patching, runs: tuple[Run, Run], metric: Metric, known: Known
) -> Iterator[Sweep | None]:
    """Yield the sweep as exact cells become known; what is known is kept if it is left."""
    result: SweepResult | None = None
    only = _wanted(request, runs[1], known)
    settled, kind = -1, request.kind
    try:
        for result in sweep(
            runs[0].model,
            *runs,
            metric,
            kind,
            request.direction,
            first=known.estimates,
            only=only,
        ):
            count = int(result.values.isfinite().sum())
            yield (
                None if count == settled else sweep_arrays.picture(runs[1], request, result, known)
            )
            settled = count
        result = None
    finally:
        if result is not None:
            keep(desk, request, sweep_arrays.values_of(result, known).clone())


def _wanted(request: Patching, run: Run, known: Known) -> Tensor | None:
    """Return which cells are still to be run; None for all."""
    if known.values is None and request.layer is None:
        return None
    shape = _shape(request, run)
    wanted = torch.ones(shape, dtype=torch.bool) if known.values is None else known.values.isnan()
    if request.layer is not None:
        chosen = torch.zeros(shape, dtype=torch.bool)
        chosen[request.layer, request.head] = True
        wanted &= chosen
    return wanted


def _shape(request: Patching, run: Run) -> tuple[int, ...]:
    return map_shape(request.kind, run.model, len(run.tokens))


def is_slow(request: Patching, runs: tuple[Run, Run], metric: Metric) -> bool:
    """Whether a sweep is predicted to take long enough for an estimate to be worth while.

    It counts the rows that run, from the first differing token on, through half of the layers.
    """
    clean, corrupted = runs
    differing = (clean.tokens != corrupted.tokens).nonzero()
    if (
        not (request.is_estimated and metric.is_smooth)
        or clean.tokens.device.type != "cpu"
        or not len(differing)
    ):
        return False
    live = len(clean.tokens) - int(differing[0])
    axes = request.kind.axes if request.layer is None else request.kind.axes[2:]
    sizes = dict(zip(request.kind.axes, _shape(request, clean), strict=True))
    cells = torch.Size(size for name, size in sizes.items() if name in axes).numel()
    rows = cells * live
    if "position" in axes:
        rows = cells // len(clean.tokens) * live * (live + 1) // 2
    block = sum(weight.numel() for weight in clean.model.blocks[0].parameters())
    return rows * (clean.model.cfg.n_layers / 2) * 2 * block / RATE > SLOW_S


def _checked(
    drawn: Sweep, request: Patching, runs: tuple[Run, Run], metric: Metric
) -> Iterator[Sweep | None]:
    """Yield the sweep once more when a few of its cells have been worked out the slow way."""
    chosen = checking.drawn_cells(drawn, request)
    if not chosen:
        return
    found: list[float] = []
    for value in slowly(request, *_tokens(runs), metric, chosen, runs[0].model):
        found += [] if value is None else [value]
        yield None
    differences = [
        abs(value - float(drawn.values[at])) for value, at in zip(found, chosen, strict=True)
    ]
    yield replace(drawn, check=Check(len(chosen), max(differences)))


def _verify(desk: Desk, request: VerifyCell) -> Iterator[Answer | None]:
    """Yield one cell of a sweep by plain forward passes; of a mean, each pair's cell."""
    patching, index = request.patching, request.index
    if patching.rows:
        yield from averaging.verify(desk, patching, index)
        return
    clean, _ = runs = _runs(desk, patching)
    for _ in clean.steps():
        yield None
    metric = required_metric(desk.answers(patching.pair, clean))
    for value in slowly(patching, *_tokens(runs), metric, [index], clean.model):
        yield None if value is None else Verification(index, value)
