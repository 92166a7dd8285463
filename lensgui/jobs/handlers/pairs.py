"""Answers about prompt pairs: tokens, likeliest next tokens, metrics, surprisals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lensgui.analysis.run.overflow import overflow
from lensgui.analysis.run.run import Run
from lensgui.analysis.run.surprisal import surprisals
from lensgui.jobs.answering import Answer
from lensgui.jobs.handlers import in_words, tables, vocabulary
from lensgui.jobs.handlers.loaded import Desk
from lensgui.jobs.handlers.prompts import pair_warnings
from lensgui.jobs.requests import FindReplacements, FindTokens, ReadPair, ReadPairs
from lensgui.jobs.results import PairReading


def answer(
    desk: Desk, request: ReadPair | ReadPairs | FindTokens | FindReplacements
) -> Iterator[Answer | None]:
    """Yield ever more of the answer to a question about pairs or their words."""
    match request:
        case ReadPair():
            return _read_pair(desk, request)
        case ReadPairs():
            return tables.answer(desk, request)
        case FindTokens() | FindReplacements():
            return vocabulary.answer(desk, request)


def _read_pair(desk: Desk, request: ReadPair) -> Iterator[Answer | None]:
    """Yield tokens, then what comes next, then how surprising each token is."""
    model, pair = desk.use(request.model), request.pair
    if not pair.clean:
        yield PairReading(
            in_words.no_prompt(), warnings=("Type a clean prompt to begin.",), complete=True
        )
        return
    clean = desk.run(model, pair.clean_prompt)
    corrupted = desk.run(model, pair.corrupted_prompt) if pair.is_complete else None
    ids = [[] if run is None else run.tokens.tolist() for run in (clean, corrupted)]
    skip = in_words.has_bos(model, pair.clean_prompt, clean.tokens)
    warnings = pair_warnings(pair, ids[0], ids[1], skip)
    reading = in_words.pair_reading(model, pair, clean, corrupted, warnings)
    yield reading
    runs = [run for run in (clean, corrupted) if run is not None]
    yield from _steps(runs)
    sentences = tuple(dict.fromkeys(filter(None, map(overflow, runs))))
    reading = replace(reading, warnings=reading.warnings + sentences)
    found = desk.answers(pair, clean)
    ends = [in_words.ending(run, found) for run in runs]
    yield from _steps(ends)
    reading = in_words.finished_reading(reading, found, clean, corrupted, ends)
    yield reading
    for side, run in zip(("clean", "corrupted"), runs, strict=False):
        bits: list[float] = []
        for some in surprisals(run):
            bits += some
            yield None
        known = replace(getattr(reading, side), surprisals=(None, *bits))
        reading = replace(reading, **{side: known})
    yield reading


def _steps(runs: Iterable[Run]) -> Iterator[None]:
    """Run what is not yet known of some prompts, a piece at a time."""
    for run in runs:
        yield from run.steps()
