"""What each neuron does to a metric: directly, and through all that comes after it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from lensgui.analysis.attribution.parts import NeuronAttribution, attribute_neurons
from lensgui.analysis.checks import check_runs
from lensgui.analysis.neurons.activations import mlp_inputs, used_neurons
from lensgui.analysis.neurons.numbering import neuron_count, neuron_groups
from lensgui.analysis.run.recording import middle_stream
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.estimates.gradients import LayerGraph, gradient_at_the_end
from lensgui.terms.metric import Metric, read_positions
from lensgui.terms.metrics import LogitDifference, LogProbability, Probability
from lensgui.transformer.model import HookedTransformer

NOTHING = frozenset[str]()
MOVABLE = LogitDifference, LogProbability, Probability  # metrics of single logits at a position


def stream_gradient(run: Run, metric: Metric, layer: int) -> Generator[None, None, Tensor]:
    """Take a metric's gradient back to the stream after a layer, yielding between pieces.

    It is exact: one backward pass, a layer at a time.

    Args:
        run: A complete run.
        metric: What is read.
        layer: The layer.

    Returns:
        The gradient of the metric in its unit, [position, d_model].
    """
    gradient = gradient_at_the_end(run, metric)
    for later in reversed(range(layer + 1, run.model.cfg.n_layers)):
        graph = LayerGraph(run, later, NOTHING)
        for _ in graph.forward():
            yield
        gradient = (yield from graph.backward(gradient))["resid_pre"]
    return gradient


def neuron_gradients(
    run: Run, metric: Metric, layer: int, after: Tensor | None = None
) -> Iterator[Tensor | None]:
    """Differentiate a metric by what each neuron of a layer puts out.

    Times the activation, this is the first-order estimate of what the metric loses as the neuron is
    switched off; all that comes after the neuron is in it, unlike in a direct effect. Which experts
    are used, and with which weights, is taken as it was.

    Args:
        run: A run, which is completed.
        metric: What is read.
        layer: The layer.
        after: The metric's gradient in the stream after the layer, where that is known already,
            [position, d_model].

    Yields:
        None between pieces, and at last the gradient in the metric's unit, [position, neuron]; 0
        where the neuron's expert was not used.

    Raises:
        ValueError: If there is no such layer, the model has no MLPs, or the metric has no gradient.
    """
    count = neuron_count(run.model, layer)
    if not metric.is_smooth or metric.compares:
        raise ValueError(
            f"A {metric.name} has no gradient here: choose a logit difference, a probability or a "
            "log-probability."
        )
    check_runs(run.model, run)
    read_positions(metric, len(run.tokens))
    if after is None:
        after = yield from stream_gradient(run, metric, layer)
    yield _at_neurons(run, layer, after, count)


def _at_neurons(run: Run, layer: int, after: Tensor, count: int) -> Tensor:
    read, block = mlp_inputs(run, layer), run.model.blocks[layer]
    with run.model.standing.at(run.span.where):
        with torch.no_grad():
            output: Tensor = block.mlp(read[None])[0]
        with torch.enable_grad():
            output = output.detach().requires_grad_()
            left = block.hook_mlp_out(block.added(output, "ln2_post")[None])
            if block.hook_resid_post.is_watched:
                left = block.hook_resid_post(middle_stream(run, layer, slice(None)) + left)
            (slope,) = torch.autograd.grad(left[0], output, after)
    found = read.new_zeros(len(read), count)
    with run.model.standing.at(run.span.where):
        every = list(used_neurons(run.model, layer, read))
    for used in every:
        rows = slope if used.rows is None else slope.index_select(0, used.rows)
        slopes = rows @ used.group.W_out.T * used.weights[:, None]
        used.put(slopes.detach(), found)
    return found


def neuron_effects(run: Run, metric: Metric, layer: int, position: int | None = None) -> Tensor:
    """Return what each neuron of a layer adds to a metric's logits directly, as one list.

    Args:
        run: A run, which is completed.
        metric: What is read, as in `attribute_neurons`.
        layer: The layer.
        position: Where it is read as if that were its position; None for its own.

    Returns:
        In logits, [neuron], numbered as `neuron_activations` numbers them; NaN of experts that were
        not used. In host memory, in float64.

    Raises:
        ValueError: As `attribute_neurons`.
    """
    if position is not None and isinstance(metric, MOVABLE):
        metric = replace(metric, position=position)
    return in_one_list(run.model, layer, attribute_neurons(run, metric, layer))


def in_one_list(model: HookedTransformer, layer: int, found: NeuronAttribution) -> Tensor:
    """Return the values of an attribution of neurons by their numbers in the layer, [neuron]."""
    values = torch.full((neuron_count(model, layer),), torch.nan, dtype=torch.float64)
    at = found.neurons
    if found.experts is not None:
        starts = {group.expert: group.start for group in neuron_groups(model, layer)}
        at = at + torch.tensor([starts[one.expert] for one in found.used])[found.experts]
    values[at] = found.values
    return values
