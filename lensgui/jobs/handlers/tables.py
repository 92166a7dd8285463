"""Answers about a table of prompt pairs: a row at a time, and each row only once."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from weakref import WeakKeyDictionary

from lensgui.analysis.checks import unequal
from lensgui.analysis.pairs.answers import Answers, answers, encode
from lensgui.analysis.run.run import Run
from lensgui.jobs.answering import Answer
from lensgui.jobs.handlers.in_words import ending, known_metric, likeliest, metric_of
from lensgui.jobs.handlers.loaded import Desk
from lensgui.jobs.pairreports import PairsReading, RowReading
from lensgui.jobs.requests import ReadPairs
from lensgui.prompts.pair import PromptPair
from lensgui.transformer.model import HookedTransformer

PACE_S = 0.25  # between two answers: each holds all rows so far
STEP_S = 0.02  # of work before the next chance to stop

_KNOWN: WeakKeyDictionary[HookedTransformer, dict[PromptPair, RowReading]] = WeakKeyDictionary()


def answer(desk: Desk, request: ReadPairs) -> Iterator[Answer | None]:
    """Yield ever more rows of a table."""
    model, total = desk.use(request.model), len(request.pairs)
    known = _KNOWN.setdefault(model, {})
    rows: list[RowReading] = []
    told = monotonic()
    for pair in request.pairs:
        if pair not in known:
            for reading in _read(model, pair):
                if reading is not None:
                    known[pair] = reading
                yield None
        rows.append(known[pair])
        if monotonic() - told > PACE_S:
            yield PairsReading(tuple(rows), total)
            told = monotonic()
    yield PairsReading(tuple(rows), total)


def _read(model: HookedTransformer, pair: PromptPair) -> Iterator[RowReading | None]:
    """Yield None while a pair's prompts run, and at last what they give."""
    try:
        prompts = [pair.clean_prompt, *([pair.corrupted_prompt] if pair.corrupted else [])]
        runs = [Run(model, encode(model, prompt)) for prompt in prompts]
    except ValueError as error:
        yield RowReading(warning=str(error))
        return
    for run in runs:
        yield from _paced(run.steps())
    found = answers(model, pair, likeliest(runs[0], 2))
    try:
        ends = [ending(run, found) for run in runs]
    except ValueError as error:
        yield RowReading(warning=str(error))
        return
    for end in ends:
        yield from _paced(end.steps())
    yield _reading(runs, ends, found)


def _paced(pieces: Iterator[None]) -> Iterator[None]:
    """Yield after several short pieces: a job that yields too often waits for others too often."""
    began = monotonic()
    for _ in pieces:
        if monotonic() - began > STEP_S:
            yield
            began = monotonic()


def _reading(runs: list[Run], ends: list[Run], found: Answers) -> RowReading:
    """Return a row's numbers from its complete runs, the clean one first."""
    lengths = (len(runs[0].tokens), len(runs[1].tokens) if len(runs) > 1 else 0)
    metric = known_metric(found, runs[0])
    if metric is None:
        words = found.warnings[0] if found.warnings else "The row has no answer: type one."
        return RowReading(lengths=lengths, warning=words)
    values = [metric_of(end, metric) for end in ends]
    difference = found.difference
    is_right: bool | None = None
    if difference is not None:
        preference = [metric_of(run, difference) for run in runs]
        is_right = preference[0] > 0 and all(other < preference[0] for other in preference[1:])
    return RowReading(
        values[0],
        values[1] if len(values) > 1 else None,
        lengths,
        is_right,
        _lengths_warning(lengths),
    )


def _lengths_warning(lengths: tuple[int, int]) -> str:
    """Return why a row can't be swept, though both its prompts can be read."""
    if lengths[0] and not lengths[1]:
        return "There is no corrupted prompt, so there is nothing to patch from: type one."
    return unequal(*lengths)


def forget(model: HookedTransformer) -> None:
    """Keep no metric of a model whose weights have changed."""
    _KNOWN.pop(model, None)
