"""Answers about attention: every head at a glance, one head exactly."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.checks import check_head
from lensgui.analysis.heads.attention import weighted_attention
from lensgui.analysis.heads.readout import first_share, hide_first_source
from lensgui.analysis.pairs.roles import at_places
from lensgui.analysis.run.leaving import leave
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.arrays import CellState, HeadRows, HeadSlice
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.attention.drawing import AtlasDrawing
from lensgui.jobs.handlers.attention.mixtures import Mixture, differences, mixture
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import head_axis, host, layer_axis
from lensgui.jobs.requests import AttentionFrom, AttentionGrid, AttentionHead
from lensgui.terms.metrics import LogitDifference

SOON_S = 0.4  # a grid that will be whole by then is not shown in parts: painting takes its time
PACE_S = 0.1  # between two parts


@dataclass(frozen=True, slots=True)
class HeadSum:
    """What was added up over the heads and runs of a question.

    Attributes:
        values: [position, source]; 0 where nothing is seen.
        unseen: Where some head sees nothing, later tokens apart, such as beyond its window.
        share: Mean attention to position 0, for queries after it.
    """

    values: Tensor
    unseen: Tensor
    share: float

    def at(self, places: tuple[int, ...]) -> HeadSum:
        """Return what is read at some places, unseen where the source comes later; () for all."""
        if not places:
            return self
        order = torch.tensor(places, device=self.values.device)
        unseen = at_places(self.unseen, places) | (order[:, None] < order)
        values = at_places(self.values, places).masked_fill(unseen, 0.0)
        return HeadSum(values, unseen, self.share)

    def plus(self, other: HeadSum) -> HeadSum:
        """Return both together."""
        return HeadSum(
            self.values + other.values, self.unseen | other.unseen, self.share + other.share
        )


@torch.no_grad()
def summand(
    run: Run, place: tuple[int, int], request: AttentionHead, metric: LogitDifference | None
) -> Generator[None, None, HeadSum]:
    """Return what a question wants of one head (layer, head) in one run, yielding between pieces.

    Args:
        run: The run.
        place: Layer and head.
        request: The question.
        metric: What contributions are to.
    """
    pattern = weighted_attention(run, *place)
    yield
    if request.measure == "pattern":
        values = hide_first_source(pattern) if request.hide_first else pattern
    else:
        values = weighted_attention(run, *place, request.measure, metric)
    unseen = values.isneginf()
    share = float(first_share(pattern)) if len(pattern) > 1 else float("nan")
    return HeadSum(values.masked_fill(unseen, 0.0), unseen, share)


def scaled(part: HeadSum, weight: float) -> HeadSum:
    """Return a sum times a number."""
    return HeadSum(part.values * weight, part.unseen, part.share * weight)


def head_slice(mixture: Mixture, found: HeadSum, request: AttentionHead) -> HeadSlice:
    """Return numbers of one head, or of several; what a causal model can't see is masked."""
    shown = host(found.values)
    states = np.full(shown.shape, CellState.EXACT, np.uint8)
    states[~np.isfinite(shown)] = CellState.NOT_FINITE
    (unseen,) = leave(found.unseen).arrived()
    states[unseen.numpy()] = CellState.MASKED
    if not mixture.roles:
        states[np.triu_indices(len(shown), 1)] = CellState.MASKED
    if request.hide_first and not mixture.roles:
        states[:, 0] = CellState.MASKED
    states.flags.writeable = False
    axes = (mixture.positions("position"), mixture.positions("source"))
    return HeadSlice(
        axes,
        shown,
        states,
        request.measure,
        mixture.is_difference,
        found.share,
        mixture.prompts,
    )


def attention_grid(loaded: Loaded, request: AttentionGrid) -> Iterator[Answer | None]:
    """Yield every head's attention, ever more layers of it."""
    model = loaded.use(request.model)
    found = yield from mixture(loaded, model, request)
    metrics: Sequence[LogitDifference | None] = ()
    if request.measure == "contribution":
        metrics = yield from differences(loaded, found)
        yield from found.steps()
    drawing = AtlasDrawing(found, request.hide_first, request.measure, metrics, loaded.drawn)
    begun = shown = monotonic()
    for known in range(1, model.cfg.n_layers + 1):
        for _ in found.steps(known):
            yield None
        is_due = monotonic() - shown > PACE_S
        if not (is_due or drawing.is_full(known) or known == model.cfg.n_layers):
            continue
        while layers := drawing.next_layers(known):
            pieces = drawing.add(layers)
            yield from pieces if drawing.takes_long else at_once(pieces)
        will_take = (monotonic() - begun) * model.cfg.n_layers / known
        if known == model.cfg.n_layers or (is_due and will_take > SOON_S):
            shown = monotonic()
            yield from drawing.arriving()
            yield drawing.picture()


def at_once(pieces: Iterator[None]) -> Iterator[None]:
    """Run some pieces as one."""
    deque(pieces, maxlen=0)
    yield


def attention_head(loaded: Loaded, request: AttentionHead) -> Iterator[Answer | None]:
    """Yield what one head takes from where, or the mean of several."""
    model = loaded.use(request.model)
    found = yield from mixture(loaded, model, request)
    for layer, head in request.heads:
        check_head(model, layer, head)
    metrics: Sequence[LogitDifference | None] = [None] * len(found.terms)
    if request.measure == "contribution":
        metrics = yield from differences(loaded, found)
        yield from found.steps()
    yield from found.steps(max(layer for layer, _ in request.heads) + 1)
    total: HeadSum | None = None
    for place in request.heads:
        for term, metric in zip(found.terms, metrics, strict=True):
            part = yield from summand(term.run, place, request, metric)
            part = scaled(part.at(term.places), term.weight / len(request.heads))
            total = part if total is None else total.plus(part)
            yield None
    if total is not None:
        yield head_slice(found, total, request)


@torch.no_grad()
def attention_rows(loaded: Loaded, request: AttentionFrom) -> Iterator[Answer | None]:
    """Yield what every head attends to from one position, once it is known."""
    model = loaded.use(request.model)
    found = yield from mixture(loaded, model, request)
    if request.position >= found.length:
        raise ValueError(
            f"There is no position {request.position}: there are {found.length} to look from."
        )
    total: Tensor | None = None
    for term in found.terms:
        places = term.places or tuple(range(found.length))
        shape = model.cfg.n_layers, model.cfg.n_heads, len(term.run.ids)
        rows = term.run.residuals[0].new_zeros(shape, dtype=torch.float32)
        for layer in range(model.cfg.n_layers):
            for _ in term.run.steps(layer + 1):
                yield None
            seen = term.run.attention_from(layer, places[request.position])
            rows[layer, :, : seen.shape[-1]] = seen
        part = term.weight * rows[..., list(places)]
        total = part if total is None else total + part
        yield None
    assert total is not None
    axes = layer_axis(model), head_axis(model), found.positions("source")
    yield HeadRows(axes, host(total), found.is_difference, found.prompts)
