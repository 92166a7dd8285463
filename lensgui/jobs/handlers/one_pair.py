"""A sweep of one pair: estimates, exact cells until it has settled or all are, and a check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import perf_counter

import torch
from torch import Tensor

from lensgui.analysis.checks import check_head
from lensgui.analysis.pairs.answers import required_metric
from lensgui.analysis.pairs.averages import Case
from lensgui.analysis.run.run import Run, equal_tokens
from lensgui.analysis.sweep.estimates.attribution import attribution_steps
from lensgui.analysis.sweep.estimates.settling import Settling
from lensgui.analysis.sweep.patches import map_shape
from lensgui.analysis.sweep.result import SweepResult, nothing_known
from lensgui.analysis.sweep.slowly import recompute_cells
from lensgui.analysis.sweep.sweep import sweep
from lensgui.jobs.answers.arrays import Check, Sweep
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers import sweep_arrays
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import Known
from lensgui.jobs.requests import Patching
from lensgui.models import speeds
from lensgui.terms.metric import Metric
from lensgui.transformer.edits.intervened import itself
from lensgui.transformer.model import HookedTransformer

Index = tuple[int, ...]
SLOW_S = 1.0  # sweeps that are predicted to take longer show an estimate first
LONG_S = 10.0  # and longer than that, go on by themselves only until they have settled
RATE = 5e10  # FLOP a second, for that prediction on a machine that has swept nothing yet


def patching(loaded: Loaded, request: Patching) -> Iterator[Answer | None]:
    """Yield a sweep of one pair: estimates, exact cells, then a check of a few of them."""
    clean, corrupted = runs = runs_of(loaded, request)
    for run in runs:
        for _ in run.steps():
            yield None
    metric = required_metric(loaded.answers(request.pair, clean))
    left = loaded.left(request)
    known = Known(left if isinstance(left, Tensor) else None)
    seconds = predicted_s(request, runs)
    if seconds > SLOW_S and request.is_estimated and metric.is_smooth:
        for estimates in _estimates(clean, corrupted, metric, request):
            known = replace(known, estimates=estimates)
            yield None
        nothing = nothing_known(request.kind, _shape(request, corrupted))
        yield sweep_arrays.picture(corrupted, request, nothing, known)
    settles = seconds > LONG_S and not request.is_whole and "position" in request.kind.axes
    steps = _Exact(loaded, request, runs, metric, known, settles=settles)
    yield from steps.steps()
    if steps.drawn is not None:
        case = asked_case(loaded, request, runs, metric)
        yield from _checked(steps.drawn, request, case, clean.model)


def runs_of(loaded: Loaded, request: Patching) -> tuple[Run, Run]:
    """Return the runs of a pair's prompts, perhaps not yet complete."""
    model = loaded.use(request.model)
    if request.layer is not None and request.head is not None:
        check_head(model, request.layer, request.head)
    pair = request.pair
    return loaded.run(model, pair.clean_prompt), loaded.run(model, pair.corrupted_prompt)


def _estimates(
    clean: Run, corrupted: Run, metric: Metric, request: Patching
) -> Iterator[Tensor | None]:
    """Yield the first-order estimate of every cell of the whole map at last; None before."""
    for found in attribution_steps(
        clean.model, clean, corrupted, metric, (request.kind,), request.direction
    ):
        yield None if found is None else found[0]


class _Exact:
    """Runs a sweep's cells until all are exact, or until those that matter are.

    Attributes:
        drawn: What was last yielded.
    """

    def __init__(
        self,
        loaded: Loaded,
        request: Patching,
        runs: tuple[Run, Run],
        metric: Metric,
        known: Known,
        *,
        settles: bool,
    ) -> None:
        self.drawn: Sweep | None = None
        self._loaded, self._request, self._runs, self._metric = loaded, request, runs, metric
        self._known = known
        self._settling: Settling | None = None
        if settles:
            among = _needed(request, runs[1], replace(known, values=None))
            seed = sweep_arrays.rng(request).randrange(1 << 31)
            self._settling = Settling(known.estimates, known.values, among, seed)

    def steps(self) -> Iterator[Sweep | None]:
        """Yield the sweep as exact cells become known; what is known is kept if it is left."""
        request, known = self._request, self._known
        only = _needed(request, self._runs[1], known)
        asked = self._runs[0].model, *self._runs, self._metric, request.kind, request.direction
        result: SweepResult | None = None
        is_left, count, before, spent = True, -1, 0, 0.0
        try:
            begun = perf_counter()
            for result in sweep(*asked, first=known.estimates, only=only, settling=self._settling):
                spent += perf_counter() - begun
                before, count = count, int(result.values.isfinite().sum())
                yield None if count == before else self._picture(result)
                begun = perf_counter()
            is_left = self._settling is not None and self._settling.found is not None
            if result is not None and is_left:
                yield self._settled(result, spent)
        finally:
            if result is not None and is_left:
                values = sweep_arrays.values_of(result, known).clone()
                self._loaded.keep(request, values)

    def _picture(self, result: SweepResult) -> Sweep:
        self.drawn = sweep_arrays.picture(self._runs[1], self._request, result, self._known)
        return self.drawn

    def _settled(self, result: SweepResult, spent: float) -> Sweep:
        """Return the sweep with what was run, and how long the rest would take."""
        assert self._settling is not None
        values, needed = sweep_arrays.values_of(result, self._known), ~result.unchanged
        rows = torch.ones(values.shape)
        if "position" in result.kind.axes:
            at, length = result.kind.axes.index("position"), len(self._runs[1].tokens)
            rows *= torch.arange(length, 0, -1.0).view(-1, *(1,) * (values.ndim - at - 1))
        ran = rows[needed & result.values.isfinite()].sum()
        rest = rows[needed & values.isnan()].sum()
        more = spent * float(rest) / max(1.0, float(ran))
        self.drawn = replace(self._picture(result), settled=self._settling.found, more_s=more)
        return self.drawn


def _needed(request: Patching, run: Run, known: Known) -> Tensor | None:
    """Return which cells are still to be run; None for all."""
    if known.values is None and request.layer is None:
        return None
    shape = _shape(request, run)
    needed = torch.ones(shape, dtype=torch.bool) if known.values is None else known.values.isnan()
    if request.layer is not None:
        chosen = torch.zeros(shape, dtype=torch.bool)
        chosen[request.layer, request.head] = True
        needed &= chosen
    return needed


def _shape(request: Patching, run: Run) -> tuple[int, ...]:
    return map_shape(request.kind, run.model, len(run.tokens))


def work_of(request: Patching, runs: tuple[Run, Run]) -> float:
    """Return how many FLOP all cells of a sweep take, about; 0 if the prompts can't be swept.

    It counts the rows that run, from the first differing token on, through half of the layers.
    """
    clean, corrupted = runs
    if len(clean.tokens) != len(corrupted.tokens):
        return 0.0
    live = len(clean.tokens) - equal_tokens(clean, corrupted)
    axes = request.kind.axes if request.layer is None else request.kind.axes[2:]
    sizes = dict(zip(request.kind.axes, _shape(request, clean), strict=True))
    cells = torch.Size(size for name, size in sizes.items() if name in axes).numel()
    rows = cells * live
    if "position" in axes:
        rows = cells // len(clean.tokens) * live * (live + 1) // 2
    block = sum(weight.numel() for weight in clean.model.blocks[0].parameters())
    return rows * (clean.model.cfg.n_layers / 2) * 2 * block


def predicted_s(request: Patching, runs: tuple[Run, Run]) -> float:
    """Return how long all cells of a sweep are likely to take, as earlier ones did here."""
    model = runs[0].model
    device, dtype = str(model.embed.W_E.device.type), request.model.dtype
    rate = speeds.rate(device, dtype, torch.get_num_threads())
    if rate is None and device != "cpu":
        return 0.0
    return work_of(request, runs) / (rate or RATE)


def asked_case(loaded: Loaded, request: Patching, runs: tuple[Run, Run], metric: Metric) -> Case:
    """Return a sweep's pair as plain forward passes take it, under what can be done to it."""
    done = loaded.given(loaded.use(request.model), request.pair)
    return Case(runs[0].tokens, runs[1].tokens, metric, interventions=done)


def _checked(
    drawn: Sweep, request: Patching, case: Case, model: HookedTransformer
) -> Iterator[Sweep | None]:
    """Yield the sweep once more when a few of its cells have been worked out the slow way."""
    chosen = sweep_arrays.drawn_cells(drawn, request)
    if not chosen:
        return
    found: list[float] = []
    for value in slowly(request, case, chosen, model):
        found += [] if value is None else [value]
        yield None
    differences = [
        abs(value - float(drawn.values[at])) for value, at in zip(found, chosen, strict=True)
    ]
    yield replace(drawn, check=Check(len(chosen), max(differences)))


def slowly(
    request: Patching,
    case: Case,
    indices: Sequence[Index],
    model: HookedTransformer,
) -> Iterator[float | None]:
    """Yield cells of a sweep by plain forward passes, None between.

    Args:
        request: The sweep.
        case: The prompts, what is read, and what they are run under.
        indices: The cells, on the axes of the sweep's answer.
        model: The model.
    """
    head = () if request.layer is None else (request.layer, request.head or 0)
    whole = [(*head, *index) for index in indices]
    asked = case.metric, request.kind, request.direction, whole, case.interventions
    return recompute_cells(itself(model), case.clean, case.corrupted, *asked)
