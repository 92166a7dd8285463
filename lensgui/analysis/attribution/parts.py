"""A head's part by source token, an MLP's by neuron and expert.

Both are sums themselves: a head writes attention · value of each source through W_O, an MLP its
neurons through W_out. So what `attribute` gives for one of them comes apart exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.attribution.components import answers_at
from lensgui.analysis.checks import check_head, check_layer, check_output
from lensgui.analysis.heads.attention import value_effects
from lensgui.analysis.heads.direct import product
from lensgui.analysis.run.layer_row import LayerRow
from lensgui.analysis.run.run import Run
from lensgui.terms.metric import Metric
from lensgui.transformer.layers.mlp import MLP, Experts, ExpertsAndShared
from lensgui.transformer.layers.parameters import exact


@torch.no_grad()
def attribute_sources(run: Run, metric: Metric, layer: int, head: int) -> Tensor:
    """Take what a head adds to a metric's logits apart by source: attention · value · W_O · u.

    u is the direction of the answer as the head's output meets it, the scales of the norms between
    taken as they were. A value has its bias in it. What a head gives to an attention sink that is
    no token goes nowhere, and so adds nothing.

    Args:
        run: A run, which is completed.
        metric: What is read, as in `attribute`.
        layer: The head's layer.
        head: The head.

    Returns:
        In logits, [source], up to the position that the metric reads; the sum is what `attribute`
        has for the head. In host memory, in float64.

    Raises:
        ValueError: If there is no such head; and as `attribute`.
    """
    check_head(run.model, layer, head)
    check_output(run, layer, head)
    position, direction = answers_at(run, metric)
    row = LayerRow(run, layer, position)
    along, _ = row.attention_direction(direction)
    values = run.head_values(layer, head)[: position + 1]
    effects = value_effects(values[None], row.block.attn.W_O[head : head + 1], along)[0]
    return (exact(row.attention[head]) * effects).cpu().double()


@dataclass(frozen=True, slots=True)
class ExpertAttribution:
    """What an expert that was used adds.

    Attributes:
        expert: Which one; None for the expert that every token uses.
        weight: What its output was multiplied by.
        value: What it adds, in logits: its neurons and its b_out.
    """

    expert: int | None
    weight: float
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class NeuronAttribution:
    """What an MLP adds to a metric's logits, by neuron. Tensors are in host memory, in float64.

    Attributes:
        values: What each neuron adds, in logits, [neuron]: of a mixture of experts, the neurons of
            each expert that was used, one expert after the other, with its weight.
        activations: What each puts out, before any expert's weight, [neuron].
        neurons: Its number in the MLP, or in its expert, [neuron].
        experts: Its place in `used`, [neuron]; None where there are no experts.
        used: The experts that were used, the strongest first, and at last the one that every token
            uses; () where there are no experts.
        bias: What b_out adds, of experts with their weights, and the bias of a norm behind the MLP.
        mlp: What all of it is a part of, as `attribute` has it for the layer.
    """

    values: Tensor
    activations: Tensor
    neurons: Tensor
    experts: Tensor | None
    used: tuple[ExpertAttribution, ...]
    bias: float
    mlp: float

    @property
    def total(self) -> float:
        """The sum of all parts."""
        return float(self.values.sum()) + self.bias


@dataclass(frozen=True, slots=True, eq=False)
class _Used:
    """An MLP as it was used, perhaps one of several.

    Attributes:
        expert: Which one; None for one that all tokens use.
        weight: What its output was multiplied by, [].
        neurons: What they put out, [neuron].
        W_out: [neuron, d_model].
        b_out: [d_model].
    """

    expert: int | None
    weight: Tensor
    neurons: Tensor
    W_out: Tensor
    b_out: Tensor


@torch.no_grad()
def attribute_neurons(run: Run, metric: Metric, layer: int) -> NeuronAttribution:
    """Take what an MLP adds to a metric's logits apart by neuron, and by expert if it has some.

    The scales of the norms between are taken as they were.

    Args:
        run: A run, which is completed.
        metric: What is read, as in `attribute`.
        layer: The MLP's layer.

    Raises:
        ValueError: If there is no such layer, or the model has no MLPs; and as `attribute`.
    """
    check_layer(run.model, layer)
    if run.model.cfg.attn_only:
        raise ValueError("This model has attention only: there is no MLP to take apart.")
    position, direction = answers_at(run, metric)
    row = LayerRow(run, layer, position)
    along, norm_bias = row.mlp_direction(direction)
    used = list(_used(row))
    weights = exact(torch.stack([one.weight for one in used]))
    terms = [
        weight * exact(one.neurons) * product(one.W_out, along)
        for weight, one in zip(weights, used, strict=True)
    ]
    biases = weights * product(torch.stack([one.b_out for one in used]), along)
    sums = torch.stack([of.sum() for of in terms]) + biases
    rest = torch.stack([biases.sum() + norm_bias, exact(row.mlp_output) @ along + norm_bias])
    shares, sums_here = weights.tolist(), sums.tolist()
    bias, whole = rest.tolist()
    sizes = torch.tensor([len(of) for of in terms])
    has_experts = isinstance(row.block.mlp, Experts)
    return NeuronAttribution(
        torch.cat(terms).cpu().double(),
        torch.cat([one.neurons for one in used]).cpu().double(),
        torch.cat([torch.arange(len(of)) for of in terms]),
        torch.arange(len(used)).repeat_interleave(sizes) if has_experts else None,
        tuple(
            ExpertAttribution(one.expert, share, value)
            for one, share, value in zip(used, shares, sums_here, strict=True)
        )
        if has_experts
        else (),
        bias,
        whole,
    )


def _used(row: LayerRow) -> Iterator[_Used]:
    """Yield what a layer's MLP is the weighted sum of: itself, or experts."""
    mlp, read = row.block.mlp, row.mlp_input
    if isinstance(mlp, MLP):
        assert row.neurons is not None
        yield _Used(None, read.new_ones(()), row.neurons, mlp.W_out, mlp.b_out)
        return
    chosen, shares = mlp.routed(read)
    for expert, share in zip(chosen.tolist(), shares, strict=True):
        neurons = mlp.neurons(expert, read)
        yield _Used(expert, share, neurons, mlp.W_out[expert], mlp.b_out[expert])
    if isinstance(mlp, ExpertsAndShared):
        shared = mlp.shared
        weight, neurons = mlp.shared_weight(read), shared.neurons(read)
        yield _Used(None, weight, neurons, shared.W_out, shared.b_out)
