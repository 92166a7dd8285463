"""Made-up attention of every head and of one, for the fake answerer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lensgui.jobs.answers.arrays import ATLAS_SIDE, Atlas, Axis, CellState, HeadRows, HeadSlice
from lensgui.jobs.requests import AttentionFrom, AttentionGrid, AttentionHead
from lensgui.prompts.pair import Prompt
from lensgui.prompts.sides import is_difference, summands
from lensgui.terms.scores import PROMPT_SCORES
from tests import fakes


def prompt_of(request: AttentionFrom | AttentionGrid | AttentionHead) -> Prompt:
    pair = request.rows[0].pair if request.rows else request.pair
    return summands(pair, request.side)[0][1]


def axes(request: AttentionFrom | AttentionGrid | AttentionHead) -> tuple[Axis, Axis]:
    labels = [token.text for token in fakes.tokens_of(prompt_of(request))]
    return fakes.axis("position", labels), fakes.axis("source", labels)


def attention(request: AttentionGrid) -> Iterator[Atlas]:
    layers, heads = fakes.LAYERS, fakes.HEADS
    whole, is_signed = axes(request), is_difference(request.side)
    size, step = len(whole[0]), max(1, -(-len(whole[0]) // ATLAS_SIDE))
    positions, sources = (Axis(a.name, a.coordinates[::step], a.labels[::step]) for a in whole)
    pooled = len(positions)
    values = np.tril(fakes.noise(f"atlas{request}", layers, heads, pooled, pooled) * 255)
    values = np.maximum(values, 1) if is_signed else values
    made_up = fakes.noise(f"scores{request}", len(PROMPT_SCORES), layers, heads)
    made_up[0] = 0.62
    scores = np.full(made_up.shape, np.nan, np.float32)
    strongest = np.full((layers, heads, 2), -1, np.int32)
    for layer in range(layers):
        scores, strongest = scores.copy(), strongest.copy()
        scores[:, layer], strongest[layer] = made_up[:, layer], (size - 1, size // 2)
        yield Atlas(
            (
                fakes.axis("layer", [f"L{at}" for at in range(layers)]),
                fakes.axis("head", [f"H{at}" for at in range(heads)]),
                positions,
                sources,
            ),
            values.astype(np.uint8),
            layer + 1,
            scores,
            strongest,
            request.hide_first,
            is_signed,
            max(1, len(request.rows)),
        )


def head(request: AttentionHead) -> HeadSlice:
    rows, columns = axes(request)
    size, is_signed = len(rows), is_difference(request.side)
    values = np.tril(fakes.noise(f"head{request}", size, size))
    values /= np.maximum(values.sum(-1, keepdims=True), 1e-6)
    values = values - 0.5 if is_signed or request.measure == "contribution" else values
    states = np.full((size, size), CellState.EXACT, np.uint8)
    states[np.triu_indices(size, 1)] = CellState.MASKED
    prompts = max(1, len(request.rows))
    return HeadSlice((rows, columns), values, states, request.measure, is_signed, 0.62, prompts)


def rows(request: AttentionFrom) -> HeadRows:
    _, sources = axes(request)
    if request.position >= len(sources):
        raise ValueError(f"There is no position {request.position}.")
    values = fakes.noise(f"rows{request}", fakes.LAYERS, fakes.HEADS, len(sources))
    values[..., request.position + 1 :] = 0
    names = fakes.axis("layer", [f"L{at}" for at in range(fakes.LAYERS)])
    heads = fakes.axis("head", [f"H{at}" for at in range(fakes.HEADS)])
    return HeadRows((names, heads, sources), values, is_difference(request.side))
