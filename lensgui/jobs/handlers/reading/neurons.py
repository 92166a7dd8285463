"""What the neurons of a layer do at a position, over a prompt, and in the vocabulary."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lensgui.analysis.attribution.parts import attribute_neurons
from lensgui.analysis.checks import check_one_length
from lensgui.analysis.neurons.activations import neuron_activations, used_neurons
from lensgui.analysis.neurons.directions import TokenEnds, neuron_tokens
from lensgui.analysis.neurons.gradients import in_one_list, neuron_gradients
from lensgui.analysis.neurons.numbering import check_neurons, neuron_count
from lensgui.analysis.pairs.answers import Answers, required_metric
from lensgui.analysis.run.layer_row import LayerRow
from lensgui.analysis.run.recording import check_finite
from lensgui.analysis.run.run import Run
from lensgui.analysis.steps import last
from lensgui.jobs.answers.arrays import CellState, Slice
from lensgui.jobs.answers.neurons import (
    NeuronInWords,
    NeuronProducts,
    NeuronRanking,
    NeuronWords,
    Sized,
    UsedExpert,
)
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.handlers.in_words import check_position, token_of
from lensgui.jobs.handlers.loaded import Loaded
from lensgui.jobs.handlers.sweep_arrays import host, host_ints, position_axis
from lensgui.jobs.questions.neuron_requests import (
    NeuronOverPrompt,
    NeuronSlopes,
    RankNeurons,
    ReadNeurons,
)
from lensgui.prompts.sides import lacking, summands
from lensgui.terms.metrics import METRICS, LogitDifference, LogProbability
from lensgui.transformer.model import HookedTransformer

TOP = 8  # tokens of either end
SINK = (
    "Position 0 is an attention sink in most models: what neurons do there, they do nowhere else."
)
NO_ANSWER = "There is no answer of one token, and so no direct effect: choose one."


def rank_neurons(loaded: Loaded, request: RankNeurons) -> Iterator[Answer | None]:
    """Yield activations and direct effects of a layer's neurons at a position."""
    run, clean, position = yield from _at(loaded, request)
    model, layer = run.model, request.layer
    acts, experts = _used(run, layer, position)
    yield None
    numbers = acts.isfinite().nonzero()[:, 0]
    remarks = [SINK] if position == 0 else []
    metric = _direct(loaded.answers(request.pair, clean))
    effects = torch.full_like(acts, torch.nan, dtype=torch.float64)
    if metric is None:
        remarks.append(NO_ANSWER)
    else:
        found = attribute_neurons(run, replace(metric, position=position), layer)
        effects = in_one_list(model, layer, found)
        if found.used:
            values = {one.expert: one.value for one in found.used}
            experts = [replace(one, effect=values[one.expert]) for one in experts]
    yield NeuronRanking(
        position,
        host_ints(numbers),
        host(acts[numbers]),
        host(effects[numbers]),
        tuple(sorted(experts, key=lambda one: (one.expert is None, -one.weight)))
        if model.cfg.has_experts(layer)
        else (),
        " ".join(remarks),
    )


def _used(run: Run, layer: int, position: int) -> tuple[Tensor, list[UsedExpert]]:
    """Return what a layer's neurons put out at a position, NaN if not used, and their groups."""
    read = LayerRow(run, layer, position).mlp_input[None]
    acts = torch.full((neuron_count(run.model, layer),), torch.nan)
    found: list[UsedExpert] = []
    for used in used_neurons(run.model, layer, read):
        group = used.group
        acts[group.start : group.end] = used.activations[0].float().cpu()
        weight = float(used.weights[0])
        found.append(UsedExpert(group.expert, weight, group.start, group.width, None))
    return acts, found


def _direct(found: Answers) -> LogitDifference | LogProbability | None:
    """Return what direct effects are of: answer − distractor, else the answer's logit alone."""
    if found.difference is not None:
        return found.difference
    return LogProbability(found.answer) if found.answer else None


def read_slopes(loaded: Loaded, request: NeuronSlopes) -> Iterator[Answer | None]:
    """Yield activation × gradient of a layer's neurons at a position."""
    run, clean, position = yield from _at(loaded, request)
    metric = required_metric(loaded.answers(request.pair, clean))
    slopes = yield from last(neuron_gradients(run, metric, request.layer))
    acts, _ = _used(run, request.layer, position)
    numbers = acts.isfinite().nonzero()[:, 0]
    products = acts.double() * slopes[position].detach().cpu().double()
    unit = METRICS[request.pair.metric].unit
    yield NeuronProducts(host_ints(numbers), host(products[numbers]), unit)


def _at(
    loaded: Loaded, request: RankNeurons | NeuronSlopes
) -> Generator[None, None, tuple[Run, Run, int]]:
    """Run the prompts to the end; return the run that is read, the clean one, and where.

    Raises:
        ValueError: If there are no neurons, or no such position.
    """
    model = loaded.use(request.model)
    check_neurons(model, request.layer, ())
    clean = loaded.run(model, request.pair.clean_prompt)
    run = clean if request.side == "clean" else loaded.run(model, request.pair.corrupted_prompt)
    position = len(run.tokens) - 1 if request.position is None else request.position
    check_position(run, position)
    for one in (clean, run):
        yield from one.steps()
    check_finite(run)
    return run, clean, position


def read_neurons(loaded: Loaded, request: ReadNeurons) -> Iterator[Answer | None]:
    """Yield what neurons write and read in the vocabulary."""
    model = loaded.use(request.model)
    for found in neuron_tokens(model, request.layer, request.neurons, TOP):
        if found is None:
            yield None
            continue
        parts = found.writes, found.reads, found.gates
        yield NeuronWords(
            tuple(
                NeuronInWords(
                    neuron, *(sized for part in parts for sized in _ends(model, part, at))
                )
                for at, neuron in enumerate(request.neurons)
            )
        )


def _ends(model: HookedTransformer, found: TokenEnds | None, at: int) -> tuple[Sized, Sized]:
    if found is None:
        return (), ()

    def sized(tokens: Tensor, numbers: Tensor) -> Sized:
        pairs = zip(tokens[at].tolist(), numbers[at].tolist(), strict=True)
        return tuple((token_of(model, token), number) for token, number in pairs)

    return sized(found.most, found.highest), sized(found.least, found.lowest)


def read_over_prompt(loaded: Loaded, request: NeuronOverPrompt) -> Iterator[Answer | None]:
    """Yield how far a neuron is on at each position."""
    model, pair = loaded.use(request.model), request.pair
    check_neurons(model, request.layer, (request.neuron,))
    total: Tensor | None = None
    if reason := lacking(pair, request.side):
        raise ValueError(reason)
    signed = summands(pair, request.side)
    runs = [loaded.run(model, prompt) for _, prompt in signed]
    check_one_length(len(runs[0].tokens), len(runs[-1].tokens))
    for (sign, _), run in zip(signed, runs, strict=True):
        yield from run.steps()
        values = yield from last(neuron_activations(run, request.layer, [request.neuron]))
        part = sign * values[:, 0].cpu().double()
        total = part if total is None else total + part
    assert total is not None
    states = np.where(total.isfinite().numpy(), CellState.EXACT, CellState.MASKED)
    yield Slice((position_axis(runs[0]),), host(total), states.astype(np.uint8))
