"""What each part of the model adds to the metric directly, and what these consist of."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.attribution.averages import AttributionAverage
from lensgui.analysis.attribution.components import Attribution, attribute
from lensgui.analysis.attribution.parts import (
    NeuronAttribution,
    attribute_neurons,
    attribute_sources,
)
from lensgui.analysis.pairs.cases import name_of
from lensgui.analysis.run.run import Run
from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.attributions import Parts, Terms
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import host, position_axis
from lensgui.jobs.questions.attribution_requests import (
    AttributeMetric,
    AttributeNeurons,
    AttributeSources,
)
from lensgui.prompts.pair import PromptPair
from lensgui.prompts.sides import lacking, summands
from lensgui.terms.kinds import Side
from lensgui.terms.metric import Metric, MetricName
from lensgui.transformer.model import HookedTransformer

PAUSE = 0.1  # seconds between two answers that grow
MOST_NEURONS = 24  # that are named; the others count together
BIAS, MLP = "b_O", "MLP"
ONE_RUN = "Experts are chosen anew in each run: choose clean or corrupted to see neurons."
Number = TypeVar("Number", float, Tensor)
Asked = AttributeMetric | AttributeSources | AttributeNeurons


def attribute_metric(loaded: Loaded, request: AttributeMetric) -> Iterator[Answer | None]:
    """Yield the parts of one prompt, layer by layer, or the mean over ever more pairs."""
    model = loaded.use(request.model)
    pairs = [row.pair for row in request.rows] or [request.pair]
    known: list[Attribution] = []
    faults: list[str] = []
    last = time.monotonic()
    for pair in pairs:
        try:
            known.append((yield from _attributed(loaded, request, pair)))
        except ValueError as error:
            if not request.rows:
                raise
            faults.append(f"Pair “{name_of(pair)}”: {error}")
        if known and time.monotonic() - last >= PAUSE:
            last = time.monotonic()
            yield _parts(model, known, len(pairs) - len(faults), pairs[0].metric)
    if not known:
        raise ValueError(faults[0])
    yield _parts(model, known, len(known), pairs[0].metric)


def _attributed(
    loaded: Loaded, request: AttributeMetric, pair: PromptPair
) -> Generator[Answer | None, None, Attribution]:
    """Return the parts of a pair's prompt, or of their difference; yields as they become known."""
    sides = yield from _sides(loaded, request.side, pair)
    found: list[tuple[int, Attribution]] = []
    for sign, run, metric in sides:
        part: Attribution | None = None
        for so_far in attribute(run, metric):
            part = so_far
            yield None
        assert part is not None
        found.append((sign, part))
    return found[0][1] if len(found) == 1 else _difference(*(of for _, of in found))


def _sides(
    loaded: Loaded, side: Side, pair: PromptPair
) -> Generator[None, None, list[tuple[int, Run, Metric]]]:
    """Return sign, run and metric of each prompt that is read, yielding while they run.

    Raises:
        ValueError: If a prompt or an intervention is missing, or the pair has no answer.
    """
    model = loaded.model
    assert model is not None
    if reason := lacking(pair, side):
        raise ValueError(reason)
    clean = loaded.run(model, pair.clean_prompt)
    yield from clean.steps()
    metric = loaded.answers(pair, clean).metric
    if metric is None:
        raise ValueError("There is no answer whose logit could be taken apart: type one.")
    found = []
    for sign, prompt in summands(pair, side):
        run = loaded.run(model, prompt)
        yield from run.steps()
        found.append((sign, run, metric))
    return found


def _difference(one: Attribution, other: Attribution) -> Attribution:
    """Return one run − another, part by part, each at its own scales."""
    return Attribution(
        one.embed - other.embed,
        _minus(one.pos_embed, other.pos_embed),
        one.heads - other.heads,
        one.attention_bias - other.attention_bias,
        _minus(one.mlp, other.mlp),
        one.norm_bias - other.norm_bias,
        one.unembed_bias - other.unembed_bias,
        one.logits - other.logits,
        one.capped - other.capped,
        one.metric - other.metric,
        one.between,
    )


def _minus(one: Number | None, other: Number | None) -> Number | None:
    """Return one − another of what models may lack."""
    return None if one is None or other is None else one - other


def _parts(
    model: HookedTransformer, known: Sequence[Attribution], total: int, name: MetricName
) -> Parts:
    """Return the mean of attributions, with what each part varies by."""
    average = AttributionAverage(tuple(known))
    mean = average.mean
    outside = {"embedding": mean.embed, "positions": mean.pos_embed}
    outside |= {"final norm's bias": mean.norm_bias, "b_U": mean.unembed_bias}
    return Parts(
        (_layers(model), _in_layer(model)),
        host(mean.by_head),
        host(average.spread(lambda of: of.by_head)),
        host(mean.by_component),
        host(average.spread(lambda of: of.by_component)),
        {of: value for of, value in outside.items() if value is not None},
        host(mean.cumulative(includes_mid=True)),
        host(average.spread(lambda of: of.cumulative(includes_mid=True))),
        mean.logits,
        mean.capped,
        mean.metric,
        name,
        mean.between,
        len(known),
        total,
    )


def _layers(model: HookedTransformer) -> Axis:
    layers = range(model.cfg.n_layers)
    return Axis("layer", tuple(layers), tuple(f"L{layer}" for layer in layers))


def _in_layer(model: HookedTransformer) -> Axis:
    """Return the axis of what a layer has: heads can be selected, the rest can't."""
    heads = range(model.cfg.n_heads)
    rest = (BIAS,) if model.cfg.attn_only else (BIAS, MLP)
    labels = (*(f"H{head}" for head in heads), *rest)
    return Axis("head", (*heads, *(None for _ in rest)), labels)


def attribute_head(loaded: Loaded, request: AttributeSources) -> Iterator[Answer | None]:
    """Yield what a head adds from each source."""
    loaded.use(request.model)
    sides = yield from _sides(loaded, request.side, request.pair)
    lengths = {len(run.tokens) for _, run, _ in sides}
    if len(lengths) > 1:
        raise ValueError(
            "The prompts differ in length, so their sources can't be compared: choose clean or "
            "corrupted."
        )
    found = [
        sign * attribute_sources(run, metric, request.layer, request.head)
        for sign, run, metric in sides
    ]
    values = torch.stack(found).sum(0)
    whole = 0.0
    for sign, run, metric in sides:
        *_, parts = attribute(run, metric)
        whole += sign * float(parts.heads[request.layer, request.head])
        yield None
    axis = position_axis(sides[0][1])
    count = len(values)
    shown = Axis("source", axis.coordinates[:count], axis.labels[:count])
    yield Terms(shown, host(values), ("",) * count, whole)


def attribute_mlp(loaded: Loaded, request: AttributeNeurons) -> Iterator[Answer | None]:
    """Yield what an MLP adds by neuron."""
    loaded.use(request.model)
    sides = yield from _sides(loaded, request.side, request.pair)
    found: list[tuple[int, NeuronAttribution]] = []
    for sign, run, metric in sides:
        found.append((sign, attribute_neurons(run, metric, request.layer)))
        yield None
    if len(found) > 1 and found[0][1].used:
        raise ValueError(ONE_RUN)
    yield _neurons(found)


def _neurons(found: Sequence[tuple[int, NeuronAttribution]]) -> Terms:
    """Return the strongest neurons, the others together, and the bias."""
    first = found[0][1]
    values = torch.stack([sign * of.values for sign, of in found]).sum(0)
    order = values.abs().argsort(descending=True)[:MOST_NEURONS]
    rest = float(values.sum() - values[order].sum())
    bias = sum(sign * of.bias for sign, of in found)
    others = len(values) - len(order)
    names, notes = [], []
    for at in order.tolist():
        expert = None if first.experts is None else first.used[int(first.experts[at])]
        of = "" if expert is None else _expert(expert.expert)
        names.append(f"{of}N{int(first.neurons[at])}")
        shares = "" if expert is None else f", expert's weight {expert.weight:.3f}"
        activations = " and ".join(f"{float(one.activations[at]):.3f}" for _, one in found)
        notes.append(f"activation {activations}{shares}")
    names += [f"{others:,} others", "b_out"]
    notes += ["all other neurons together", "the bias behind the neurons"]
    numbered = first.neurons[order].tolist() if first.experts is None else [None] * len(order)
    axis = Axis("neuron", (*numbered, None, None), tuple(names))
    numbers = np.array([*values[order].tolist(), rest, bias], np.float32)
    numbers.flags.writeable = False
    experts = ", ".join(
        f"{_expert(one.expert).strip()} {one.weight:.2f} ({one.value:+.3f})" for one in first.used
    )
    remark = f"Experts with their weights, and what each adds: {experts}." if experts else ""
    whole = sum(sign * of.mlp for sign, of in found)
    return Terms(axis, numbers, tuple(notes), whole, remark)


def _expert(number: int | None) -> str:
    return "shared " if number is None else f"E{number} "
