"""Edge attribution: how much each edge of a model matters, to first order.

The score of an edge estimates how the metric of the corrupted run changes when the receiver gets,
of this one sender, what it wrote in the clean run: (clean − corrupted) of what the sender wrote
times the gradient of the metric with respect to what the receiver reads. Positive means that the
clean sender moves the metric up. With one step the gradient is that of the corrupted run (EAP, Syed
et al. 2023); with more it is the mean along the straight path from the corrupted to the clean
embedding (EAP-IG, Hanna et al. 2024), in the middle of equal steps.

Gradients are those of a whole batch in one graph: every receiver has an input of its own, which the
layer-by-layer gradients of `sweep.estimates.gradients` do not part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from lensgui.analysis.graph.measured_pair import (
    Measure,
    Written,
    against,
    check_pair,
    copied_inputs,
    measure,
    through_layers,
    written,
)
from lensgui.analysis.graph.nodes import Node, edge_mask, receivers, senders
from lensgui.transformer.hooks.hook_point import NamedHook
from lensgui.transformer.layers.block import Block
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer


@dataclass(frozen=True, slots=True, eq=False)
class EdgeScores:
    """Scores of all edges of a model, on one pair of prompts or on a batch of pairs.

    Attributes:
        senders: What writes, in the order of the rows.
        receivers: What reads, in the order of the columns.
        values: In the unit of the metric, [sender, receiver]; 0 where there is no edge.
        exists: Where there is an edge, [sender, receiver].
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        steps: At how many places along the path the gradient has been taken.
    """

    senders: tuple[Node, ...]
    receivers: tuple[Node, ...]
    values: Tensor
    exists: Tensor
    clean: float
    corrupted: float
    steps: int

    def of(self, sender: Node, receiver: Node) -> float:
        """Return the score of one edge."""
        return float(self.values[self.senders.index(sender), self.receivers.index(receiver)])

    def of_sender(self, sender: Node) -> Tensor:
        """Return the scores of the edges that leave a node, [receiver].

        With one step they add up to the attribution of the node itself; those that leave the
        embedding add up to clean − corrupted as steps grow.
        """
        return self.values[self.senders.index(sender)]

    def largest(self, count: int) -> list[tuple[Node, Node, float]]:
        """Return the edges with the largest scores by size, each with its score, in order."""
        count = min(count, int(self.exists.sum()))
        order = self.values.abs().masked_fill(~self.exists, -1).flatten().topk(count).indices
        found = []
        for at in order.tolist():
            row, column = divmod(at, len(self.receivers))
            found.append(
                (self.senders[row], self.receivers[column], float(self.values[row, column]))
            )
        return found


def edge_attribution(
    model: HookedTransformer, clean: Tensor, corrupted: Tensor, metric: Measure, steps: int = 1
) -> EdgeScores:
    """Score all edges; see `edge_attribution_steps`, whose last result this is."""
    *_, scores = edge_attribution_steps(model, clean, corrupted, metric, steps)
    return scores


def edge_attribution_steps(
    model: HookedTransformer, clean: Tensor, corrupted: Tensor, metric: Measure, steps: int = 1
) -> Iterator[EdgeScores]:
    """Score all edges, one place along the path after another.

    What a head wrote is taken as it reaches the residual stream; where a norm stands between, that
    norm is linear about the corrupted run.

    Args:
        model: The model; hooks attached to it must not be.
        clean: Token ids, [position] or [batch, position].
        corrupted: As many.
        metric: A metric with a gradient, or any differentiable function from logits [batch,
            position, d_vocab] to one number; the mean over the batch is scored.
        steps: At how many places along the path the gradient is taken; 1 for EAP.

    Yields:
        The mean over the places done so far.

    Raises:
        ValueError: If there are no steps, the metric has no gradient, the prompts are not of one
            length, or hooks are attached.
    """
    if steps < 1:
        raise ValueError(f"Edge attribution takes 1 step or more, not {steps}.")
    if not getattr(metric, "is_smooth", True):
        raise ValueError(f"{type(metric).__name__} has no gradient, so edges have no score.")
    clean, corrupted = check_pair(clean, corrupted)
    both = written(model, torch.cat([corrupted, clean]))
    base, source = both.rows(slice(len(clean))), both.rows(slice(len(clean), None))
    metric = against(model, metric, source.final)
    with torch.no_grad():
        of_clean, of_corrupted = (
            float(measure(model, run.final, metric)) for run in (source, base)
        )
    differences = _differences(model, source, base)
    exists = edge_mask(model.cfg).to(differences.device)
    rows, columns = senders(model.cfg), receivers(model.cfg)
    total = torch.zeros(exists.shape, dtype=differences.dtype, device=differences.device)
    for step in range(steps):
        share = 0.0 if steps == 1 else (step + 0.5) / steps
        point = torch.lerp(base.embedding, source.embedding, share)
        total += _scores(model, _gradients(model, point, metric), differences) * exists
        mean = total / (step + 1)
        yield EdgeScores(rows, columns, mean, exists, of_clean, of_corrupted, step + 1)


@torch.no_grad()
def _differences(model: HookedTransformer, source: Written, base: Written) -> Tensor:
    """Return how what each sender wrote differs, [sender, batch × position × d_model]."""
    found = [(source.embedding - base.embedding)[None]]
    for layer, block in enumerate(model.blocks):
        found.append(_of_heads(block, source.z[layer], base.z[layer]))
        if not model.cfg.attn_only:
            found.append((source.mlp_out[layer] - base.mlp_out[layer])[None])
    return precise(torch.cat(found).flatten(1))


def _of_heads(block: Block, source: Tensor, base: Tensor) -> Tensor:
    """Return how what each head of a layer wrote differs, [head, batch, position, d_model]."""
    difference = torch.einsum("bphd,hdm->hbpm", source - base, block.attn.W_O)
    if block.cfg.has_post_norms:
        whole = block.attn.write(base).expand_as(difference)
        difference = torch.autograd.functional.jvp(block.ln1_post, whole, difference)[1]
    return difference * block.cfg.residual_multiplier


@torch.enable_grad()
def _gradients(model: HookedTransformer, embedding: Tensor, metric: Measure) -> list[Tensor]:
    """Return the metric's gradient with respect to what every receiver reads.

    Returns:
        For each layer, and at last for the logits, [receiver, batch × position × d_model].
    """
    read: dict[str, Tensor] = {}

    def keep(activation: Tensor, hook: Any) -> None:
        read[hook.name] = activation

    inputs = ("hook_q_input", "hook_k_input", "hook_v_input", "hook_mlp_in")
    hooks: list[NamedHook] = [(lambda name: name.endswith(inputs), keep)]
    with copied_inputs(model), model.hooks(hooks):
        final = through_layers(model, embedding.detach().requires_grad_())
    value = measure(model, final, metric)
    *found, of_logits = torch.autograd.grad(value, [*read.values(), final])
    by_layer: list[list[Tensor]] = [[] for _ in model.blocks]
    for name, gradient in zip(read, found, strict=True):
        by_node = gradient if gradient.ndim == 4 else gradient[:, :, None]
        by_layer[int(name.split(".")[1])].append(by_node)
    stacked = [torch.cat(gradients, dim=2) for gradients in by_layer]
    return [rearrange(each, "b p node m -> node (b p m)") for each in stacked] + [
        of_logits.reshape(1, -1)
    ]


@torch.no_grad()
def _scores(model: HookedTransformer, gradients: list[Tensor], differences: Tensor) -> Tensor:
    """Return each difference times each gradient, [sender, receiver].

    Senders after a receiver's layer are left out: 0.
    """
    in_layer = model.cfg.n_heads + (not model.cfg.attn_only)
    columns = []
    for layer, gradient in enumerate(gradients):
        count = min(1 + in_layer * (layer + 1), len(differences))
        scores = differences.new_zeros(len(differences), len(gradient))
        scores[:count] = differences[:count] @ precise(gradient).T
        columns.append(scores)
    return torch.cat(columns, dim=1)
