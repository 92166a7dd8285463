"""Answers about attention: every head at a glance, one head exactly."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from time import monotonic

from lensgui.jobs.answering import Answer
from lensgui.jobs.arrays import ATLAS_SIDE
from lensgui.jobs.handlers import in_words
from lensgui.jobs.handlers.atlases import (
    AtlasDrawing,
    HeadSum,
    head_slice,
    scaled,
    summand,
)
from lensgui.jobs.handlers.loaded import Desk
from lensgui.jobs.handlers.mixtures import differences, mixture
from lensgui.jobs.requests import AttentionGrid, AttentionHead
from lensgui.terms.metrics import LogitDifference

FEW = 2  # short prompts: their layers are drawn in one step
SOON_S = 0.12  # a grid that is whole by then is not shown in parts: painting them takes its time


def answer(desk: Desk, request: AttentionGrid | AttentionHead) -> Iterator[Answer | None]:
    """Yield ever more of the answer to a question about attention."""
    match request:
        case AttentionGrid():
            return _grid(desk, request)
        case AttentionHead():
            return _head(desk, request)


def _grid(desk: Desk, request: AttentionGrid) -> Iterator[Answer | None]:
    model = desk.use(request.model)
    found = yield from mixture(desk, model, request)
    drawing = AtlasDrawing(found, request.hide_first)
    groups = model.cfg.kv_heads
    is_long = found.length > ATLAS_SIDE or len(found.terms) > FEW
    at_once = 1 if is_long else groups
    begun = monotonic()
    for layer in range(model.cfg.n_layers):
        for _ in found.steps(layer + 1):
            yield None
        for first in range(0, groups, at_once):
            pieces = drawing.add(layer, range(first, first + at_once))
            if is_long:
                yield from pieces
            else:
                deque(pieces, maxlen=0)
        is_whole = layer == model.cfg.n_layers - 1
        yield drawing.picture() if is_whole or monotonic() - begun > SOON_S else None


def _head(desk: Desk, request: AttentionHead) -> Iterator[Answer | None]:
    model = desk.use(request.model)
    found = yield from mixture(desk, model, request)
    for layer, head in request.heads:
        in_words.check_head(model, layer, head)
    metrics: Sequence[LogitDifference | None] = [None] * len(found.terms)
    if request.measure == "contribution":
        metrics = yield from differences(desk, found)
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
