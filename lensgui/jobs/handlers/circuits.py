"""Answers about heads among each other: what each is good for, and who feeds one of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.graph.nodes import Node
from lensgui.analysis.graph.path_patching import PathScores
from lensgui.analysis.graph.senders import path_patch_into
from lensgui.analysis.heads.necessity import ablate_heads, attribute_heads
from lensgui.analysis.pairs.answers import encode, required_metric
from lensgui.analysis.run.overflow import check_finite
from lensgui.analysis.run.run import Run
from lensgui.jobs.answering import Answer
from lensgui.jobs.arrays import Axis, CellState, Feeding, HeadEffects
from lensgui.jobs.handlers import in_words
from lensgui.jobs.handlers.drawings import group_axis, head_axis, host, layer_axis
from lensgui.jobs.handlers.loaded import Desk
from lensgui.jobs.requests import HeadRoles, WhoFeeds
from lensgui.prompts.pair import Prompt
from lensgui.terms.shares import UNITS, refusal
from lensgui.transformer.model import HookedTransformer


def answer(desk: Desk, request: HeadRoles | WhoFeeds) -> Iterator[Answer | None]:
    """Yield ever more of the answer to a question about heads among each other."""
    match request:
        case HeadRoles():
            return _roles(desk, request)
        case WhoFeeds():
            return _feeding(desk, request)


def _roles(desk: Desk, request: HeadRoles) -> Iterator[Answer | None]:
    """Yield direct attribution as soon as it is known, then ablation as it comes."""
    model, pair = desk.use(request.model), request.pair
    clean = desk.run(model, pair.clean_prompt)
    for _ in clean.steps():
        yield None
    check_finite(clean)
    found = desk.answers(pair, clean)
    metric, unit = required_metric(found), UNITS[pair.metric]
    written: Tensor | None = None
    if found.difference is not None:
        for layers in attribute_heads(clean, found.difference):
            written = layers
            yield None
    runs = [desk.run(model, prompt) for prompt in _reference(model, request, len(clean.tokens))]
    for run in runs:
        for _ in run.steps():
            yield None
    check_finite(*runs)
    known = -1
    for values in ablate_heads(clean, runs, metric):
        count = int(values.isfinite().sum())
        attribution = None if written is None else host(written)
        yield None if count == known else HeadEffects(attribution, host(values), len(runs), unit)
        known = count


def _reference(model: HookedTransformer, request: HeadRoles, length: int) -> list[Prompt]:
    """Return the distinct prompts that a mean is taken over: all have as many tokens."""
    pairs = [request.pair, *(row.pair for row in request.reference)]
    prompts = dict.fromkeys(
        prompt for pair in pairs for prompt in (pair.clean_prompt, pair.corrupted_prompt)
    )
    return [prompt for prompt in prompts if prompt.text and len(encode(model, prompt)) == length]


def _feeding(desk: Desk, request: WhoFeeds) -> Iterator[Answer | None]:
    """Yield who feeds a head, as it becomes known."""
    model, pair = desk.use(request.model), request.pair
    in_words.check_head(model, request.layer, request.head)
    clean, corrupted = (
        desk.run(model, prompt) for prompt in (pair.clean_prompt, pair.corrupted_prompt)
    )
    for run in (clean, corrupted):
        for _ in run.steps():
            yield None
    check_finite(clean, corrupted)
    metric = required_metric(desk.answers(pair, clean))
    group = model.cfg.n_heads // model.cfg.kv_heads
    head = request.head if request.input == "q" else request.head // group
    receiver = Node(request.input, request.layer, head)
    for scores in path_patch_into(clean, corrupted, metric, receiver):
        yield None if scores is None else _picture(corrupted, request, scores)


def _name(model: HookedTransformer, receiver: Node) -> str:
    """Return a head's input as the window names it: keys and values by all that share them."""
    axis = head_axis(model) if receiver.kind == "q" else group_axis(model)
    assert receiver.head is not None
    return f"L{receiver.layer}{axis.labels[receiver.head]}.{receiver.kind}"


def _picture(corrupted: Run, request: WhoFeeds, scores: PathScores) -> Feeding:
    """Return path patching as a map with a column more for MLPs."""
    model, metric = corrupted.model, request.pair.metric
    heads = head_axis(model)
    columns = Axis("head", (*heads.coordinates, None), (*heads.labels, "MLP"))
    values = torch.cat([scores.heads, scores.mlps[:, None]], 1)
    states = np.full(tuple(values.shape), CellState.EXACT, np.uint8)
    states[values.isnan().numpy()] = CellState.UNKNOWN
    states[values.isinf().numpy()] = CellState.NOT_FINITE
    states[request.layer :] = CellState.MASKED
    if model.cfg.attn_only:
        states[:, -1] = CellState.MASKED
    states.flags.writeable = False
    return Feeding(
        (layer_axis(model), columns),
        host(values),
        states,
        scores.clean,
        scores.corrupted,
        refusal(scores.clean, scores.corrupted, metric),
        metric=metric,
        unit=UNITS[metric],
        receiver=_name(model, scores.receiver),
        embedding=scores.embed,
    )
