"""Answers about prompt pairs: tokens, likeliest next tokens, metrics."""

from __future__ import annotations

from collections.abc import Iterator

from lensgui.jobs.answering import Answer
from lensgui.jobs.handlers import readings
from lensgui.jobs.handlers.desk import Desk
from lensgui.jobs.handlers.prompts import pair_warnings
from lensgui.jobs.reports import PairReading
from lensgui.jobs.requests import ReadPair


def answer(desk: Desk, request: ReadPair) -> Iterator[Answer | None]:
    """Yield ever more of the answer to a question about pairs."""
    model, pair = desk.use(request.model), request.pair
    if not pair.clean:
        yield PairReading(
            readings.no_prompt(), warnings=("Type a clean prompt to begin.",), complete=True
        )
        return
    clean = desk.run(model, pair.clean_prompt)
    corrupted = desk.run(model, pair.corrupted_prompt) if pair.is_complete else None
    ids = [[] if run is None else run.tokens.tolist() for run in (clean, corrupted)]
    skip = readings.has_bos(model, pair.clean_prompt, clean.tokens)
    warnings = pair_warnings(pair, ids[0], ids[1], skip)
    reading = readings.pair_reading(model, pair, clean, corrupted, warnings)
    yield reading
    for run in (clean, corrupted):
        for _ in run.steps() if run is not None else ():
            yield None
    yield readings.finished_reading(reading, pair, clean, corrupted)
