"""Answers about heads, edges, MLPs and positions: one of them, or all heads measured."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.checks import check_head, check_layer
from lensgui.analysis.graph.path_patching import PathScores
from lensgui.analysis.graph.senders import PathTotals, path_patch_into, path_totals
from lensgui.analysis.heads.attention import attention_to
from lensgui.analysis.heads.evidence import HeadEvidence, head_evidence
from lensgui.analysis.heads.necessity import ablate_heads, attribute_heads
from lensgui.analysis.heads.readout import MLPReadout, read_edge, read_head, read_mlp, score_keys
from lensgui.analysis.pairs.answers import encode, required_metric
from lensgui.analysis.pairs.head_roles import measures
from lensgui.analysis.run.predictions import logit_lens
from lensgui.analysis.run.recording import check_finite
from lensgui.analysis.run.run import Run
from lensgui.analysis.steps import last
from lensgui.jobs.answers.arrays import (
    Axis,
    CellState,
    Evidence,
    Feeding,
    HeadEffects,
    Sweep,
)
from lensgui.jobs.answers.readings import EdgeReading, MLPReading, Neuron
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers import in_words
from lensgui.jobs.handlers.in_words import extremes
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import group_axis, head_axis, host, layer_axis
from lensgui.jobs.requests import (
    HeadRoles,
    LogitLens,
    PathsInto,
    ReadEdge,
    ReadEvidence,
    ReadHead,
    ReadMLP,
    WhoFeeds,
)
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.terms.circuits.nodes import inputs_of
from lensgui.terms.metric import MetricName, read_positions
from lensgui.terms.metrics import METRICS, LogitDifference
from lensgui.terms.roles import PairMeasures
from lensgui.transformer.model import HookedTransformer

MOST_NEURONS = 6


def read_head_at(loaded: Loaded, request: ReadHead) -> Iterator[Answer | None]:
    """Yield what a head reads and writes at a position, then what its query looks for."""
    model = loaded.use(request.model)
    check_head(model, request.layer, request.head)
    run = yield from _complete(loaded, request)
    place = request.layer, request.head, request.position
    readout = read_head(run, *place, _difference(loaded, request.pair, run))
    reading = in_words.head_reading(run, readout)
    yield reading
    for scores in score_keys(run, *place):
        yield None if scores is None else replace(reading, sought=extremes(run.model, scores))


def read_edge_at(loaded: Loaded, request: ReadEdge) -> Iterator[Answer | None]:
    """Yield what a head takes from one source."""
    check_head(loaded.use(request.model), request.layer, request.head)
    run = yield from _complete(loaded, request)
    in_words.check_position(run, request.source)
    place = request.layer, request.head, request.position, request.source
    readout = read_edge(run, *place, _difference(loaded, request.pair, run))
    yield EdgeReading(
        readout.attention,
        readout.contribution,
        extremes(run.model, readout.effect),
        extremes(run.model, readout.effect, largest=False),
    )


def read_mlp_at(loaded: Loaded, request: ReadMLP) -> Iterator[Answer | None]:
    """Yield what a layer's MLP does at a position."""
    run = yield from _complete(loaded, request)
    check_layer(run.model, request.layer)
    metric = _difference(loaded, request.pair, run)
    yield _mlp_reading(run, read_mlp(run, request.layer, request.position, metric))


def read_lens(loaded: Loaded, request: LogitLens) -> Iterator[Answer | None]:
    """Yield what a position would predict after each layer; the first may be finite alone."""
    run = yield from _complete(loaded, request, is_finite=False)
    logits = logit_lens(run, request.position)
    yield in_words.lens_reading(run.model, logits, _difference(loaded, request.pair, run))


def _complete(
    loaded: Loaded, request: ReadHead | ReadEdge | ReadMLP | LogitLens, *, is_finite: bool = True
) -> Generator[None, None, Run]:
    """Run the clean prompt to the end, yielding on the way; return the run.

    Raises:
        ValueError: If the prompt has no such position; or, where the run must be finite, is not.
    """
    run = loaded.run(loaded.use(request.model), request.pair.clean_prompt)
    in_words.check_position(run, request.position)
    for _ in run.steps():
        yield None
    if is_finite:
        check_finite(run)
    return run


def _difference(loaded: Loaded, pair: PromptPair, run: Run) -> LogitDifference | None:
    """Return the logit difference of a pair; None without answers."""
    return loaded.answers(pair, run).difference


def _mlp_reading(run: Run, readout: MLPReadout) -> MLPReading:
    neurons: tuple[Neuron, ...] = ()
    if readout.activations is not None:
        sizes = readout.activations if readout.shares is None else readout.shares
        largest = sizes.abs().topk(min(MOST_NEURONS, len(sizes))).indices.tolist()
        neurons = tuple(
            Neuron(
                index,
                float(readout.activations[index]),
                None if readout.shares is None else float(readout.shares[index]),
            )
            for index in largest
        )
    return MLPReading(
        readout.attribution,
        extremes(run.model, readout.effect),
        extremes(run.model, readout.effect, largest=False),
        neurons,
    )


def head_roles(loaded: Loaded, request: HeadRoles) -> Iterator[Answer | None]:
    """Yield direct attribution as soon as it is known, then ablation as it comes."""
    model, pair = loaded.use(request.model), request.pair
    clean = loaded.run(model, pair.clean_prompt)
    for _ in clean.steps():
        yield None
    check_finite(clean)
    found = loaded.answers(pair, clean)
    metric, unit = required_metric(found), METRICS[pair.metric].unit
    looked = _attention_to_answer(clean, found.answer, read_positions(metric, len(clean.tokens)))
    written: Tensor | None = None
    if found.difference is not None:
        for layers in attribute_heads(clean, found.difference):
            written = layers
            yield None
    runs = [loaded.run(model, prompt) for prompt in _reference(model, request, len(clean.tokens))]
    for run in runs:
        for _ in run.steps():
            yield None
    check_finite(*runs)
    known = -1
    for values in ablate_heads(clean, runs, metric):
        count = int(values.isfinite().sum())
        direct, attention = (None if of is None else host(of) for of in (written, looked))
        effects = HeadEffects(direct, host(values), len(runs), unit, attention)
        yield None if count == known else effects
        known = count


def _attention_to_answer(run: Run, answer: tuple[int, ...], read: slice) -> Tensor | None:
    """Return how much heads attend from where the metric is read to the answer, [layer, head].

    None where it does not occur before.
    """
    position = read.stop - 1
    sources = [at for at, token in enumerate(run.ids[: position + 1]) if token in answer]
    return attention_to(run, position, sources) if sources else None


def _reference(model: HookedTransformer, request: HeadRoles, length: int) -> list[Prompt]:
    """Return the distinct prompts that a mean is taken over: all have as many tokens."""
    pairs = [request.pair, *(row.pair for row in request.reference)]
    prompts = dict.fromkeys(
        prompt for pair in pairs for prompt in (pair.clean_prompt, pair.corrupted_prompt)
    )
    return [prompt for prompt in prompts if prompt.text and len(encode(model, prompt)) == length]


def who_feeds(loaded: Loaded, request: WhoFeeds) -> Iterator[Answer | None]:
    """Yield who feeds a set of heads, as it becomes known."""
    runs = yield from _both(loaded, request)
    metric = required_metric(loaded.answers(request.pair, runs[0]))
    receivers = inputs_of(runs[0].model.cfg, request.heads, request.input)
    for scores in path_patch_into(*runs, metric, receivers, request.hear_each_other):
        yield None if scores is None else _picture(runs[1], request, scores)


def paths_into(loaded: Loaded, request: PathsInto) -> Iterator[Answer | None]:
    """Yield what all paths into a set of heads carry together, through each input."""
    runs = yield from _both(loaded, request)
    metric = required_metric(loaded.answers(request.pair, runs[0]))
    for totals in path_totals(*runs, metric, request.heads):
        yield None if totals is None else _totals(request.pair.metric, totals)


def _both(loaded: Loaded, request: WhoFeeds | PathsInto) -> Generator[None, None, tuple[Run, Run]]:
    """Run both prompts to the end, yielding on the way; return the runs.

    Raises:
        ValueError: If the model has no such head, or a run is not finite.
    """
    model, pair = loaded.use(request.model), request.pair
    for layer, head in request.heads:
        check_head(model, layer, head)
    clean, corrupted = (
        loaded.run(model, prompt) for prompt in (pair.clean_prompt, pair.corrupted_prompt)
    )
    for run in (clean, corrupted):
        for _ in run.steps():
            yield None
    check_finite(clean, corrupted)
    return clean, corrupted


def _totals(metric: MetricName, totals: PathTotals) -> Sweep:
    """Return totals as a sweep over inputs, which nothing selects."""
    values = torch.tensor(list(totals.values.values()))
    states = np.where(values.isfinite().numpy(), CellState.EXACT, CellState.NOT_FINITE)
    states = states.astype(np.uint8)
    states.flags.writeable = False
    return Sweep(
        (Axis("input", (None,) * len(values), tuple(totals.values)),),
        host(values),
        states,
        clean=totals.clean,
        corrupted=totals.corrupted,
        refusal=totals.refusal,
        metric=metric,
        unit=METRICS[metric].unit,
    )


def _name(model: HookedTransformer, request: WhoFeeds) -> str:
    """Return what receives as the window names it: keys and values by all heads that share them."""
    if len(request.heads) > 1:
        return f"{len(request.heads)} heads.{request.input}"
    ((layer, head),) = request.heads
    is_shared = request.input in ("k", "v")
    axis = group_axis(model) if is_shared else head_axis(model)
    label = axis.labels[head // model.cfg.heads_per_group if is_shared else head]
    return f"L{layer}{label}.{request.input}"


def _picture(corrupted: Run, request: WhoFeeds, scores: PathScores) -> Feeding:
    """Return path patching as a map with a column more for MLPs."""
    model, metric = corrupted.model, request.pair.metric
    heads = head_axis(model)
    columns = Axis("head", (*heads.coordinates, None), (*heads.labels, "MLP"))
    values = torch.cat([scores.heads, scores.mlps[:, None]], 1)
    states = np.full(tuple(values.shape), CellState.EXACT, np.uint8)
    states[values.isnan().numpy()] = CellState.UNKNOWN
    states[values.isinf().numpy()] = CellState.NOT_FINITE
    states[max(layer for layer, _ in request.heads) :] = CellState.MASKED
    if model.cfg.attn_only:
        states[:, -1] = CellState.MASKED
    states.flags.writeable = False
    return Feeding(
        (layer_axis(model), columns),
        host(values),
        states,
        clean=scores.clean,
        corrupted=scores.corrupted,
        refusal=scores.refusal,
        metric=metric,
        unit=METRICS[metric].unit,
        heads=request.heads,
        receiver=_name(model, request),
        embedding=scores.embed,
    )


def read_evidence(loaded: Loaded, request: ReadEvidence) -> Iterator[Answer | None]:
    """Yield what heads do about the answers, of ever more pairs.

    A pair of many that can't be read is passed over.
    """
    model = loaded.use(request.model)
    known, total = list[PairMeasures](), torch.zeros(model.cfg.n_layers, model.cfg.n_heads)
    for at, pair in enumerate(request.pairs):
        try:
            found = yield from _evidence(loaded, model, pair)
        except ValueError:
            if len(request.pairs) == 1:
                raise
            found = None
        if found is not None:
            known.append(measures(found))
            total = total + found.attribution
        mean = host(total / max(1, len(known)))
        yield Evidence(tuple(known), mean, at + 1, len(request.pairs))


def _evidence(
    loaded: Loaded, model: HookedTransformer, pair: PromptPair
) -> Generator[None, None, HeadEvidence]:
    """Return what heads do about a pair's answers, yielding on the way.

    Raises:
        ValueError: If it can't be read; the sentence says why.
    """
    run = loaded.run(model, pair.clean_prompt)
    for _ in run.steps():
        yield None
    check_finite(run)
    difference = _difference(loaded, pair, run)
    if difference is None:
        raise ValueError("Direct attribution is to answer − distractor: choose two answers.")
    return (yield from last(head_evidence(run, difference)))
