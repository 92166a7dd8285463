"""Answers about one head, and about one position of the residual stream."""

from __future__ import annotations

from collections.abc import Iterator

from lensgui.circuits.heads import read_head
from lensgui.circuits.lens import logit_lens
from lensgui.jobs.answering import Answer
from lensgui.jobs.handlers import readings
from lensgui.jobs.handlers.desk import Desk
from lensgui.jobs.requests import LogitLens, ReadHead


def answer(desk: Desk, request: ReadHead | LogitLens) -> Iterator[Answer | None]:
    """Yield ever more of the answer to a question about a head or a position."""
    match request:
        case ReadHead():
            return _read_head(desk, request)
        case LogitLens():
            return _logit_lens(desk, request)


def _read_head(desk: Desk, request: ReadHead) -> Iterator[Answer | None]:
    model = desk.use(request.model)
    run = desk.run(model, request.pair.clean_prompt)
    readings.check_head(model, request.layer, request.head)
    readings.check_position(run, request.position)
    for _ in run.steps():
        yield None
    metric = desk.answers(request.pair, run).metric
    readout = read_head(run, request.layer, request.head, request.position, metric)
    yield readings.head_reading(run, readout)


def _logit_lens(desk: Desk, request: LogitLens) -> Iterator[Answer | None]:
    model = desk.use(request.model)
    run = desk.run(model, request.pair.clean_prompt)
    readings.check_position(run, request.position)
    for _ in run.steps():
        yield None
    logits = logit_lens(run, request.position)
    yield readings.lens_reading(model, logits, desk.answers(request.pair, run).metric)
