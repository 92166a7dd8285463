"""How the neurons of a layer are numbered, those of experts one expert after the other.

A neuron is a row of W_out with what it reads: a key and a value of a memory (Geva et al. 2021). Of
a mixture of experts, the neurons of expert e begin at e · d_expert; those of the expert that every
token uses come last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from lensgui.analysis.checks import check_layer
from lensgui.transformer.layers.mlp import MLP, Experts, ExpertsAndShared
from lensgui.transformer.model import HookedTransformer


@dataclass(frozen=True, slots=True, eq=False)
class NeuronGroup:
    """Neurons that are on together: an MLP, or one expert.

    Attributes:
        expert: Which expert; None for an MLP, and for the expert that every token uses.
        start: The number of its first neuron in the layer.
        W_in: [d_model, neuron].
        W_gate: Likewise; None of an MLP without a gate.
        W_out: [neuron, d_model].
    """

    expert: int | None
    start: int
    W_in: Tensor
    W_gate: Tensor | None
    W_out: Tensor

    @property
    def width(self) -> int:
        """How many neurons there are."""
        return len(self.W_out)

    @property
    def end(self) -> int:
        """The number after that of its last neuron."""
        return self.start + self.width


def neuron_groups(model: HookedTransformer, layer: int) -> list[NeuronGroup]:
    """Return all neurons of a layer: its MLP, or its experts, the one that all tokens use last.

    Raises:
        ValueError: If there is no such layer, or the model has no MLPs.
    """
    check_layer(model, layer)
    if model.cfg.attn_only:
        raise ValueError("This model has attention only: it has no neurons.")
    return list(_groups(model.blocks[layer].mlp))


def _groups(mlp: MLP | Experts) -> Iterator[NeuronGroup]:
    if isinstance(mlp, MLP):
        yield _of_mlp(mlp, 0)
        return
    count, width = mlp.W_out.shape[:2]
    for expert in range(count):
        of = mlp.W_in[expert], mlp.W_gate[expert], mlp.W_out[expert]
        yield NeuronGroup(expert, expert * width, *of)
    if isinstance(mlp, ExpertsAndShared):
        yield _of_mlp(mlp.shared, count * width)


def _of_mlp(mlp: MLP, start: int) -> NeuronGroup:
    return NeuronGroup(None, start, mlp.W_in, getattr(mlp, "W_gate", None), mlp.W_out)


def neuron_count(model: HookedTransformer, layer: int) -> int:
    """Return how many neurons a layer has, those of all its experts together.

    Raises:
        ValueError: If there is no such layer, or the model has no MLPs.
    """
    return neuron_groups(model, layer)[-1].end


def most_neurons(model: HookedTransformer) -> int:
    """Return how many neurons the layer with most of them has; 0 of a model without MLPs."""
    cfg = model.cfg
    if cfg.attn_only:
        return 0
    return max(neuron_count(model, layer) for layer in range(cfg.n_layers))


def check_neurons(model: HookedTransformer, layer: int, neurons: Sequence[int]) -> None:
    """Refuse neurons that a layer does not have.

    Raises:
        ValueError: With a sentence that says how many there are.
    """
    count = neuron_count(model, layer)
    for neuron in neurons:
        if not 0 <= neuron < count:
            raise ValueError(
                f"There is no neuron L{layer}N{neuron}: layer {layer} has {count} neurons."
            )
