"""Analyses of prompt pairs as somebody typed them, in one call each, and a table to print.

They are what copied Python calls: plain loops over the functions that the window's panes use too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.continuation import run_behind
from lensgui.analysis.heads.attention import weighted_attention
from lensgui.analysis.heads.readout import hide_first_source, shrink, shrink_signed
from lensgui.analysis.interventions.sets import SetEffects, SetPair, set_effects
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.pairs.answers import answers, encode, required_metric
from lensgui.analysis.pairs.roles import at_places, matched_rows
from lensgui.analysis.pairs.under import interventions_of
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.patches import map_shape
from lensgui.analysis.sweep.result import SweepResult, of_prompt
from lensgui.analysis.sweep.sweep import sweep
from lensgui.prompts.pair import PairRow, Prompt, PromptPair
from lensgui.prompts.sides import is_difference, summands
from lensgui.terms.interventions import Intervention
from lensgui.terms.kinds import RESID_PRE, AttentionMeasure, Direction, Side, SweepKind
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer


def run_prompt(model: HookedTransformer, prompt: Prompt) -> Run:
    """Return a prompt's complete run.

    Args:
        model: The model.
        prompt: The prompt; of a pair with interventions it is run under them, and what stands
            behind its text as the model would write it.

    Raises:
        ValueError: If the prompt is empty, or longer than the model takes, or an intervention can't
            be done.
    """
    if prompt.under is None:
        return Run(model, encode(model, prompt)).complete()
    run = _runs_under(model, prompt.under.pair)[prompt.under.side == "corrupted"]
    assert run is not None
    return (run_behind(run, prompt.more) if prompt.more else run).complete()


def _runs_under(model: HookedTransformer, pair: PromptPair) -> tuple[Run, Run | None]:
    """Return the runs of a pair's prompts under its interventions, perhaps not yet complete."""
    plain = pair.plain.typed
    clean = run_prompt(model, plain.clean_prompt)
    corrupted = run_prompt(model, plain.corrupted_prompt) if plain.corrupted else None
    return intervened_runs(clean, interventions_of(model, pair), corrupted)


def ablate_set(
    model: HookedTransformer, pairs: Sequence[PromptPair], members: Sequence[Intervention]
) -> Iterator[SetEffects]:
    """Run the clean prompts of pairs under a set of interventions, and under parts of it.

    Args:
        model: The model.
        pairs: The pairs; what they are under already is done as well, before the set.
        members: The set, in order.

    Yields:
        As `set_effects`.

    Raises:
        ValueError: If a pair has no answer, or a member can't be done.
    """
    found = []
    for pair in pairs:
        whole = replace(pair, interventions=(*pair.interventions, *(one.on() for one in members)))
        given = interventions_of(model, whole)
        beside = replace(given, listed=given.listed[: len(given.listed) - len(members)])
        clean = run_prompt(model, pair.plain.clean_prompt)
        corrupted = run_prompt(model, pair.plain.corrupted_prompt) if pair.corrupted else None
        metric = required_metric(answers(model, pair.plain))
        found.append(SetPair(clean, corrupted, metric, beside))
    return set_effects(found, members)


@torch.no_grad()
def read_pair(model: HookedTransformer, pair: PromptPair) -> list[float]:
    """Read a pair's metric at the end of each of its prompts.

    Args:
        model: The model.
        pair: The pair; the likeliest tokens of its clean prompt stand in for answers not typed.

    Returns:
        The metric, in its own unit, of the clean and, if there is one, of the corrupted prompt; []
        where the pair has no answer to read.

    Raises:
        ValueError: If a prompt is empty, or longer than the model takes.
    """
    prompts = [pair.clean_prompt, *([pair.corrupted_prompt] if pair.corrupted else [])]
    tokens = [encode(model, prompt) for prompt in prompts]
    found = answers(model, pair)
    if found.metric is None:
        return []
    under = [model for _ in prompts]
    if any(prompt.under for prompt in prompts):
        under = [run.model for run in _runs_under(model, pair) if run is not None]
    metric = found.metric.against(exact(under[0](tokens[0])[0, -1]))
    read = zip(under, tokens, strict=True)
    return [float(metric(exact(one(found.ending(ids))))) for one, ids in read]


def sweep_pair(
    model: HookedTransformer,
    pair: PromptPair,
    kind: SweepKind = RESID_PRE,
    direction: Direction = "denoising",
    heads: Sequence[tuple[int, int]] = (),
) -> Iterator[SweepResult]:
    """Patch every place of a pair's prompts, one at a time, and read its metric; see `sweep`.

    Args:
        model: The model.
        pair: The pair; the likeliest tokens of its clean prompt stand in for answers not typed.
            What stands behind its texts is left out.
        kind: What a cell replaces.
        direction: "denoising" patches clean into corrupted, "noising" corrupted into clean.
        heads: Layer and head of those whose cells are run; () for all.

    Yields:
        The result so far; of an answer of several tokens, the cells of the prompt alone.

    Raises:
        ValueError: If the prompts differ in length, or the pair has no answer to read.
    """
    pair = pair.typed
    found = answers(model, pair)
    if found.metric is None:
        raise ValueError(
            found.warnings[0] if found.warnings else "The pair has no answer: name one."
        )
    prompts = [encode(model, prompt) for prompt in (pair.clean_prompt, pair.corrupted_prompt)]
    clean, corrupted = (found.ending(tokens) for tokens in prompts)
    only: Tensor | None = None
    if heads:
        only = torch.zeros(map_shape(kind, model, len(clean)), dtype=torch.bool)
        layers, places = (list(part) for part in zip(*heads, strict=True))
        only[layers, places] = True
    asked = clean, corrupted, found.metric, kind, direction
    for result in sweep(model, *asked, only=only, interventions=interventions_of(model, pair)):
        yield of_prompt(result, len(prompts[0]))


@torch.no_grad()
def mean_attention(
    model: HookedTransformer,
    rows: Sequence[PairRow],
    heads: Sequence[tuple[int, int]],
    side: Side = "clean",
    measure: AttentionMeasure = "pattern",
    hides_first: bool = False,
    at_most: int = 0,
) -> Tensor:
    """Return heads' attention, averaged over pairs.

    Args:
        model: The model.
        rows: The pairs; prompts laid out differently are matched by their roles.
        heads: Layer and head of each.
        side: Of which prompts: "clean", "corrupted", or "difference" for clean − corrupted; "clean
            change" and "corrupted change" for with − without the pairs' interventions.
        measure: What is counted, as in `weighted_attention`.
        hides_first: Whether position 0 is left out; rows of a pattern are then rescaled to 1.
        at_most: Rows and columns to pool to, keeping of each cell what is farthest from 0; 0 for
            all.

    Returns:
        [head, destination, source]; by role, these are roles.

    Raises:
        ValueError: If positions can't be matched, or contributions are requested and a pair has no
            two answers.
    """
    is_by_role = any(row.roles for row in rows)
    roles, places = matched_rows(model, rows) if is_by_role else ((), [()] * len(rows))
    total: list[Any] = [0.0] * len(heads)
    for row, at in zip(rows, places, strict=True):
        metric = answers(model, row.pair).difference if measure == "contribution" else None
        for sign, prompt in summands(row.pair, side):
            run = run_prompt(model, prompt)
            for index, (layer, head) in enumerate(heads):
                found = weighted_attention(run, layer, head, measure, metric)
                if hides_first and measure == "pattern":
                    found = hide_first_source(found)
                total[index] = total[index] + sign * at_places(found, at)
    mean = torch.stack(total) / len(rows)
    if hides_first and measure != "pattern" and not roles:
        mean[..., 0] = 0
    is_signed = is_difference(side) or measure == "contribution"
    pooled = shrink_signed if is_signed else shrink
    return pooled(mean, at_most) if at_most else mean


def table(values: Any, columns: Sequence[str] = ()) -> str:
    """Return numbers as a table to print, rows and columns counted from 0.

    Args:
        values: [row] or [row, column]; of more axes, a table for each of the first.
        columns: What stands above the columns; () for their numbers.
    """
    numbers = np.asarray(values, dtype=float)
    if numbers.ndim > 2:
        parts = (f"[{at}]\n{table(part, columns)}" for at, part in enumerate(numbers))
        return "\n\n".join(parts)
    numbers = numbers if numbers.ndim == 2 else numbers.reshape(-1, 1)
    names = [repr(name)[1:-1] for name in columns] or [str(at) for at in range(numbers.shape[1])]
    widths = [max(8, len(name) + 1) for name in names]
    front = len(str(len(numbers)))
    lines = [" " * front + "".join(map(str.rjust, names, widths))]
    for at, row in enumerate(numbers):
        cells = [f"{cell:.3f}".rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append(str(at).rjust(front) + "".join(cells))
    return "\n".join(lines)
