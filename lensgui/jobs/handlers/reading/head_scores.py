"""All heads scored whatever the answers are: on repeats, by their weights, by what they write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lensgui.analysis.heads.copied import copied_shares, drawn_tokens
from lensgui.analysis.heads.copying import copying_scores
from lensgui.analysis.heads.evidence import output_norms
from lensgui.analysis.heads.repeated import repeated_tokens, score_on_repeats
from lensgui.analysis.run.recording import check_finite
from lensgui.analysis.steps import last
from lensgui.jobs.answers.arrays import CellState, ModelScores, Slice
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.attention.mixtures import mixture
from lensgui.jobs.handlers.loaded import Loaded, read_scores, write_scores
from lensgui.jobs.handlers.sweep_arrays import head_axis, host, layer_axis
from lensgui.jobs.requests import OutputNorms, ScoreHeads
from lensgui.terms.roles import ModelMeasures
from lensgui.terms.scores import COPIED_SCORES, MODEL_SCORES, REPEATED_SCORES

VOCABULARY_SAMPLE = 3072  # tokens that stand for the vocabulary in a first estimate of copying


def score_heads(loaded: Loaded, request: ScoreHeads) -> Iterator[Answer | None]:
    """Yield each head's scores on random repeated tokens, then ever more of how far it copies.

    They are worked out once for weights that are stored, as that takes seconds.
    """
    model = loaded.use(request.model)
    stored = read_scores(request.model, model)
    if stored is not None:
        yield stored
        return
    unknown = host(torch.full((model.cfg.n_layers, model.cfg.n_heads), torch.nan))
    measures = ModelMeasures(unknown, unknown, unknown, unknown)
    scores = ModelScores(measures, (0,) * len(REPEATED_SCORES), 0, unsettled=MODEL_SCORES)
    is_estimate = request.from_a_part

    def known(*names: str, **values: Any) -> ModelScores:
        left = [name for name in scores.unsettled if is_estimate or name not in names]
        return replace(scores, unsettled=tuple(left), **values)

    prompts, drawn = repeated_tokens(model), drawn_tokens(model)
    if is_estimate:
        prompts, drawn = prompts[:1], drawn[: max(1, len(drawn) // 5)]
    vocabulary = drawn_tokens(model, VOCABULARY_SAMPLE) if is_estimate else None
    found = yield from last(score_on_repeats(model, prompts))
    previous, duplicate, induction = map(host, found.scores)
    measures = ModelMeasures(previous, duplicate, induction, unknown)
    read = {"measures": measures, "queries": found.queries, "prompts": found.prompts}
    yield (scores := known(*REPEATED_SCORES, **read))
    copied = yield from last(copied_shares(model, drawn))
    yield (scores := known(*COPIED_SCORES, copied=host(copied), tokens=len(drawn)))
    count = len(vocabulary) if vocabulary is not None else 0
    raw = yield from last(copying_scores(model, vocabulary, raw=True))
    yield (scores := known("raw copying", raw_copying=host(raw), vocabulary=count))
    copying = host((yield from last(copying_scores(model, vocabulary))))
    yield (scores := known("copying", measures=replace(measures, copying=copying)))
    if not is_estimate:
        write_scores(request.model, model, scores)


def read_norms(loaded: Loaded, request: OutputNorms) -> Iterator[Answer | None]:
    """Yield how large what each head writes is, the mean over prompts of positions after 0."""
    model = loaded.use(request.model)
    found = yield from mixture(loaded, model, request)
    total = torch.zeros(model.cfg.n_layers, model.cfg.n_heads, dtype=torch.float64)
    for term in found.terms:
        yield from term.run.steps()
        check_finite(term.run)
        norms = yield from last(output_norms(term.run))
        total += term.weight * norms[..., 1:].mean(-1)
    states = np.where(total.isfinite().numpy(), CellState.EXACT, CellState.NOT_FINITE)
    states = states.astype(np.uint8)
    states.flags.writeable = False
    yield Slice((layer_axis(model), head_axis(model)), host(total), states)
