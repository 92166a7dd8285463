"""Answers about attention: every head at a glance, one head exactly."""

from __future__ import annotations

from collections.abc import Iterator

from lensgui.jobs.answering import Answer
from lensgui.jobs.handlers import drawings, readings
from lensgui.jobs.handlers.desk import Desk
from lensgui.jobs.requests import AttentionGrid, AttentionHead
from lensgui.jobs.slices import Atlas


def answer(desk: Desk, request: AttentionGrid | AttentionHead) -> Iterator[Answer | None]:
    """Yield ever more of the answer to a question about attention."""
    match request:
        case AttentionGrid():
            return _grid(desk, request)
        case AttentionHead():
            return _head(desk, request)


def _grid(desk: Desk, request: AttentionGrid) -> Iterator[Answer | None]:
    model = desk.use(request.model)
    run = desk.run(model, request.prompt)
    drawing = drawings.AtlasDrawing(run, request.hide_first)
    for layer in range(model.cfg.n_layers):
        for _ in run.steps(layer + 1):
            yield None
        for group in range(model.cfg.kv_heads):
            drawing.add(layer, group)
            if len(run.tokens) > drawings.ATLAS_SIDE:
                yield None
        atlas: Atlas = drawing.picture()
        yield atlas


def _head(desk: Desk, request: AttentionHead) -> Iterator[Answer | None]:
    model = desk.use(request.model)
    run = desk.run(model, request.prompt)
    readings.check_head(model, request.layer, request.head)
    for _ in run.steps(request.layer + 1):
        yield None
    yield drawings.head_slice(run, request.layer, request.head, request.hide_first)
