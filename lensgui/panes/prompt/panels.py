"""Prompts as panels of figures: the likeliest next tokens, and how surprising each token is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.readings import PairReading, PromptReading
from lensgui.panes.figures.figure import Bars, Data, Panel, Prose, Scale
from lensgui.panes.figures.shown import Shown
from lensgui.panes.prompt.token_rows import MOST_BITS, TokenRows
from lensgui.panes.python.figures import Code
from lensgui.panes.token_text import numbered, percent, signed, spell, spelled

NEXT = "The likeliest next tokens and their probabilities."
SURPRISAL = "How surprising each token is after those before it: −log2 of its probability, in bits."


def shown(reading: PairReading, next_: QWidget, rows: TokenRows, *, is_stale: bool) -> list[Shown]:
    """Return the pictures of a pair that has been read.

    Args:
        reading: What the model makes of it.
        next_: What shows the next tokens.
        rows: What shows the tokens.
        is_stale: Whether they are of other prompts.
    """
    sides = [("Clean", reading.clean), ("Corrupted", reading.corrupted)]
    known = [(title, prompt) for title, prompt in sides if prompt is not None and prompt.top]
    bars: list[Panel] = [_bars(title, prompt) for title, prompt in known]
    texts: list[Panel] = [_text(title, prompt) for title, prompt in known if prompt.surprisals]
    metrics = [
        f"The metric is {signed(prompt.metric)} on the {title.lower()} prompt{_was(prompt)}."
        for title, prompt in known
        if prompt.metric is not None
    ]
    says = " ".join([NEXT, *metrics])
    names = [title.lower() for title, _ in known]
    found = []
    if bars:
        code = Code(tuple(f"nexts[{at}]" for at in range(len(names))), _nexts(names, known))
        found.append(Shown(next_, "", tuple(bars), says, is_stale, "Next tokens", code))
    if texts:
        area = rows.areas["clean"]
        code = Code(tuple(f"bits[{at}]" for at in range(len(texts))), _bits(names[: len(texts)]))
        found.append(Shown(area, "surprisal", tuple(texts), SURPRISAL, is_stale, "Surprisal", code))
    return found


def _was(prompt: PromptReading) -> str:
    """Return what the metric is without interventions, within a sentence; "" without any."""
    before = prompt.metric_before
    return "" if before is None else f", and {signed(before)} without interventions"


def _nexts(sides: Sequence[str], known: Sequence[tuple[str, PromptReading]]) -> tuple[str, ...]:
    """Return the lines that compute the probabilities of the likeliest next tokens."""
    count = max(len(prompt.top) for _, prompt in known)
    softmax = "run.model.to_logits(run.residuals[-1][None])[0, -1].softmax(-1)"
    return _runs(sides), f"nexts = [{softmax}.topk({count}).values.detach() for run in runs]"


def _runs(sides: Sequence[str]) -> str:
    """Return the line that runs prompts, under interventions if there are any."""
    prompts = ", ".join(f"pair.{side}_prompt" for side in sides)
    return f"runs = [run_prompt(model, prompt) for prompt in ({prompts},)]"


def _bits(sides: Sequence[str]) -> tuple[str, ...]:
    """Return the lines that compute how surprising tokens are; NaN for the first."""
    return _runs(sides), "bits = [[np.nan, *sum(surprisals(run), [])] for run in runs]"


def _bars(title: str, prompt: PromptReading) -> Bars:
    names = [spell(likely.token) for likely in prompt.top]
    values = np.array([likely.probability for likely in prompt.top], np.float64)
    axis = _axis("token", names, [likely.token.id for likely in prompt.top])
    words = [percent(value) for value in values]
    return Bars(title, names, values, words, "probability", Data((axis,), {"probability": values}))


def _text(title: str, prompt: PromptReading) -> Prose:
    bits = np.array([np.nan if at is None else at for at in prompt.surprisals], np.float64)
    shades = np.where(np.isfinite(bits), (bits / MOST_BITS).clip(0, 1) * 255, -1).astype(np.int16)
    names = spelled(prompt.tokens)
    axis = _axis("position", numbered(names), range(len(names)))
    scale = Scale(0.0, MOST_BITS, "surprisal, bits", is_signed=False)
    return Prose(title, names, shades, scale, Data((axis,), {"surprisal": bits}))


def _axis(name: str, labels: Sequence[str], places: Sequence[int]) -> Axis:
    return Axis(name, tuple(places), tuple(labels))
