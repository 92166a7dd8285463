"""Answers about patching: sweeps, as far as they have come."""

from __future__ import annotations

from collections.abc import Iterator

from lensgui.circuits.sweeps import sweep
from lensgui.jobs.answering import Answer
from lensgui.jobs.handlers import drawings, readings
from lensgui.jobs.handlers.desk import Desk
from lensgui.jobs.requests import Patching
from lensgui.jobs.slices import Sweep


def answer(desk: Desk, request: Patching) -> Iterator[Answer | None]:
    """Yield ever more of the answer to a question about patching."""
    model, pair = desk.use(request.model), request.pair
    clean = desk.run(model, pair.clean_prompt)
    corrupted = desk.run(model, pair.corrupted_prompt)
    for _ in clean.steps():
        yield None
    metric = readings.required_metric(desk.answers(pair, clean))
    known = -1
    sweeping = sweep(model, clean, corrupted, metric, request.kind, request.direction)
    for result in sweeping:
        settled = int(result.values.isfinite().sum())
        slice_: Sweep | None = None
        if settled != known:
            slice_ = drawings.sweep_slice(corrupted, result, request.direction)
            known = settled
        yield slice_
