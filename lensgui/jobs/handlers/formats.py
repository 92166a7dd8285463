"""Number formats side by side: what each gives on a pair of prompts, and what it costs."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from time import perf_counter

import torch
from torch import Tensor

from lensgui.analysis.pairs.answers import Answers, answers, encode
from lensgui.analysis.run.predictions import read_out
from lensgui.analysis.run.recording import overflow
from lensgui.analysis.run.run import Run
from lensgui.checkpoints.devices import parameters_bytes
from lensgui.jobs.answers.models import FormatReading, FormatReadings
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.in_words import ending, known_metric, likeliest, metric_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.requests import CompareFormats
from lensgui.prompts.pair import PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import NUMBER_FORMATS
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer

MOST_LOGITS = 1 << 24  # of float32 that are kept to compare with: 64 MB
SOON_S = 1.0  # a forward pass that takes less is done twice: the first one warms up


class _Base:
    """What the format gives that the others are compared with.

    Attributes:
        found: The pair's answers, the same tokens in all formats.
        logits: Of the last positions, a tensor [position, d_vocab] for each prompt.
    """

    def __init__(self, pair: PromptPair, runs: list[Run], positions: int) -> None:
        self.found = answers(runs[0].model, pair, likeliest(runs[0], 2))
        self.logits = [_last(run, positions) for run in runs]


@torch.no_grad()
def compare_formats(loaded: Loaded, request: CompareFormats) -> Iterator[Answer | None]:
    """Yield what ever more formats give, float32 first.

    Raises:
        ModelError: If the model can't be opened in float32 to compare with.
        ValueError: If there is no clean prompt.
    """
    if not request.pair.clean:
        raise ValueError("Type a clean prompt: number formats are compared on it.")
    rows: list[FormatReading] = []
    base: _Base | None = None
    for dtype in NUMBER_FORMATS:
        yield None
        try:
            model = loaded.beside(replace(request.model, dtype=dtype))
        except ModelError as error:
            if base is None:
                raise
            rows.append(FormatReading(dtype, sentence=str(error)))
        else:
            runs, seconds = yield from _runs(model, request.pair)
            most = max(1, MOST_LOGITS // 2 // model.cfg.d_vocab_out)
            positions = min(most, max(len(run.ids) for run in runs))
            base = base or _Base(request.pair, runs, positions)
            rows.append((yield from _reading(dtype, base, runs, seconds)))
            del model, runs  # before the next one is opened
        yield FormatReadings(tuple(rows), len(NUMBER_FORMATS), positions)


def _runs(
    model: HookedTransformer, pair: PromptPair
) -> Generator[None, None, tuple[list[Run], float]]:
    """Run a pair's prompts; return their complete runs, and what the clean one took."""
    tokens = encode(model, pair.clean_prompt)
    clean = Run(model, tokens)
    seconds = yield from _timed(clean)
    if seconds < SOON_S:
        seconds = yield from _timed(Run(model, tokens))
    runs = [clean]
    if pair.is_complete:
        runs.append(Run(model, encode(model, pair.corrupted_prompt), leader=clean))
        yield from runs[1].steps()
    return runs, seconds


def _timed(run: Run) -> Generator[None, None, float]:
    """Complete a run; return how long it took, the pauses for others aside."""
    spent, begun = 0.0, perf_counter()
    for _ in run.steps():
        spent += perf_counter() - begun
        yield None
        begun = perf_counter()
    float(run.residuals[-1][-1, 0])  # an accelerator is done once something of it is here
    return spent + perf_counter() - begun


def _reading(
    dtype: str, base: _Base, runs: list[Run], seconds: float
) -> Generator[None, None, FormatReading]:
    """Return what a format gives, from its complete runs, the clean one first."""
    cfg = runs[0].model.cfg
    known = FormatReading(dtype, parameters_bytes(cfg), seconds)
    damage = next(filter(None, map(overflow, runs)), "")
    if damage:
        return replace(known, sentence=damage)
    logits: list[Tensor] = []
    for run, reference in zip(runs, base.logits, strict=True):
        logits.append(_last(run, len(reference)))
        yield None
    pairs = list(zip(logits, base.logits, strict=True))
    values = yield from _metrics(base.found, runs)
    ours, theirs = (exact(of[-1]).log_softmax(-1) for of in pairs[0])
    return replace(
        known,
        logits=max(float((ours - theirs).abs().max()) for ours, theirs in pairs),
        divergence=max(0.0, float((theirs.exp() * (theirs - ours)).sum())),
        clean=values[0],
        corrupted=values[1] if len(values) > 1 else None,
    )


def _metrics(found: Answers, runs: list[Run]) -> Generator[None, None, list[float | None]]:
    """Return the pair's metric of each prompt, as the window shows it in this format."""
    metric = known_metric(found, runs[0])
    if metric is None:
        return [None]
    ends = [ending(run, found) for run in runs]
    for end in ends:
        yield from end.steps()
    return [metric_of(end, metric) for end in ends]


def _last(run: Run, count: int) -> Tensor:
    """Return the logits of the last positions, [position, d_vocab]."""
    return read_out(run.model, run.residuals[-1][-count:])
