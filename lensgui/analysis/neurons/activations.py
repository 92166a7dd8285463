"""How far a layer's neurons are on at each position of a run, and which experts were used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.neurons.numbering import NeuronGroup, check_neurons, neuron_groups
from lensgui.analysis.run.run import Run
from lensgui.transformer.layers.mlp import MLP, ExpertsAndShared
from lensgui.transformer.model import HookedTransformer

NUMBERS_AT_ONCE = 1 << 18  # activations that are worked out in a step


@dataclass(frozen=True, slots=True, eq=False)
class UsedNeurons:
    """What some neurons put out at the positions that use them.

    Attributes:
        group: Which neurons.
        rows: The rows that use them, [row], where not all do; None where all do.
        activations: What each puts out, before any expert's weight, [row, neuron of the group].
        weights: What their expert's output was multiplied by, [row]; 1 of an MLP.
    """

    group: NeuronGroup
    rows: Tensor | None
    activations: Tensor
    weights: Tensor

    def put(self, numbers: Tensor, whole: Tensor) -> None:
        """Write numbers of these neurons into those of all of the layer.

        Args:
            numbers: [row, neuron of the group].
            whole: [row of all, neuron of the layer].
        """
        own = whole[:, self.group.start : self.group.end]
        if self.rows is None:
            own.copy_(numbers)
        else:
            own.index_copy_(0, self.rows, numbers)


@torch.no_grad()
def mlp_inputs(run: Run, layer: int) -> Tensor:
    """Return what a layer's MLP reads at all positions, normalised, [position, d_model].

    Args:
        run: A run, which runs until the stream that enters the layer is known.
        layer: The layer.
    """
    before = run.complete(layer).residuals[layer]
    block = run.model.blocks[layer]
    read = before
    if not run.model.cfg.parallel_attn_mlp:
        with run.model.standing.at(run.span.where):
            read = block.attention_half(before[None], run.span)[0]
    normalized: Tensor = block.ln2(read)
    return normalized


@torch.no_grad()
def used_neurons(model: HookedTransformer, layer: int, read: Tensor) -> Iterator[UsedNeurons]:
    """Yield what the neurons of a layer put out for some rows, a group that is used at a time.

    Args:
        model: The model.
        layer: The layer.
        read: What its MLP reads, normalised, [row, d_model].
    """
    mlp, groups = model.blocks[layer].mlp, neuron_groups(model, layer)
    if isinstance(mlp, MLP):
        yield UsedNeurons(groups[0], None, mlp.neurons(read), read.new_ones(len(read)))
        return
    chosen, shares = mlp.routed(read)
    for expert in chosen.unique().tolist():
        rows, places = (chosen == expert).nonzero(as_tuple=True)
        acts = mlp.neurons(expert, read[rows])
        yield UsedNeurons(groups[expert], rows, acts, shares[rows, places])
    if isinstance(mlp, ExpertsAndShared):
        yield UsedNeurons(groups[-1], None, mlp.shared.neurons(read), mlp.shared_weight(read))


def _of_all(model: HookedTransformer, layer: int, read: Tensor) -> Tensor:
    """Return what all neurons of a layer put out for rows, [row, neuron]; NaN where not used."""
    groups, used = neuron_groups(model, layer), used_neurons(model, layer, read)
    if len(groups) == 1:
        return next(used).activations
    every = read.new_full((len(read), groups[-1].end), torch.nan)
    for some in used:
        some.put(some.activations, every)
    return every


def rows_in_a_step(model: HookedTransformer, layer: int) -> int:
    """Return how many rows are worked out in a step of less than about 50 ms."""
    widths = [group.width for group in neuron_groups(model, layer)]
    return max(1, NUMBERS_AT_ONCE // max(widths))


def neuron_activations(
    run: Run, layer: int, neurons: Sequence[int] | None = None
) -> Iterator[Tensor | None]:
    """Read what a layer's neurons put out at every position: `mlp.hook_post`, also of experts.

    Of a gated MLP that is act(gate) · linear, which has either sign. Of an expert it is before the
    expert's weight.

    Args:
        run: A run, which runs as far as it has to.
        layer: The layer.
        neurons: Which of its neurons, as `neuron_groups` numbers them; None for all.

    Yields:
        None between pieces, and at last the activations, [position, neuron]; NaN where the neuron's
        expert was not used.

    Raises:
        ValueError: If there is no such layer or neuron, or the model has no MLPs.
    """
    model = run.model
    check_neurons(model, layer, neurons or ())
    yield from run.steps(layer)
    read = mlp_inputs(run, layer)
    yield None
    chosen = None if neurons is None else torch.tensor(list(neurons), device=read.device)
    found: list[Tensor] = []
    first = 0
    for rows in read.split(rows_in_a_step(model, layer)):
        with model.standing.at(range(first, first + len(rows))):
            every = _of_all(model, layer, rows)
        first += len(rows)
        found.append(every if chosen is None else every.index_select(1, chosen))
        yield None
    yield torch.cat(found)
