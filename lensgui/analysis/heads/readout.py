"""What one head, one edge or one MLP does at one place, by what it writes and what it looks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lensgui.analysis.checks import check_output
from lensgui.analysis.heads.direct import (
    attributed,
    direct_effect,
    product,
    reading_direction,
)
from lensgui.analysis.run.layer_row import LayerRow
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.edits.intervened import itself
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.layers.span import Span

TOKENS_AT_ONCE = 8192  # of the vocabulary, in a step of about 30 ms


@torch.no_grad()
def head_output(run: Run, layer: int, head: int, position: int) -> Tensor:
    """Return what a head adds to the residual stream at a position, [d_model].

    Where a norm stands between, its scale is taken as it was.
    """
    return written_for(run, layer, head, position, LayerRow(run, layer, position).z[head])


@torch.no_grad()
def written_for(run: Run, layer: int, head: int, position: int, z: Tensor) -> Tensor:
    """Return what a head that puts out z [..., d_head] adds at a position, [..., d_model].

    Where a norm stands between, its scale is taken as it was.
    """
    row = LayerRow(run, layer, position)
    return _added(row, z @ row.block.attn.W_O[head])


def _added(row: LayerRow, written: Tensor) -> Tensor:
    """Return what heads wrote [..., d_model] as the stream at a position gets it."""
    if row.block.cfg.has_post_norms:
        written = row.block.post_norm("ln1_post").at_scale(written, row.attention_scale)
    return written * row.block.cfg.residual_multiplier


def hide_first_source(pattern: Tensor) -> Tensor:
    """Return a pattern without position 0, each row rescaled to sum to 1 again.

    Position 0 is an attention sink in most models (Xiao et al. 2023): it takes what heads have no
    other use for.

    Args:
        pattern: [..., query, source].

    Returns:
        The same shape, its first column 0; rows that saw only position 0 are 0 all along.
    """
    rest = pattern.clone()
    rest[..., 0] = 0
    return rest / rest.sum(-1, keepdim=True).clamp(min=torch.finfo(rest.dtype).tiny)


def first_share(pattern: Tensor) -> Tensor:
    """Return how much of the attention of queries after position 0 goes to position 0, on average.

    Patterns [..., query, source] give [...].
    """
    return pattern[..., 1:, 0].mean(-1)


def shrink(pattern: Tensor, side: int) -> Tensor:
    """Return a pattern small enough to draw: the largest attention of each cell of a coarser grid.

    Args:
        pattern: [head, query, source].
        side: How many rows and columns are needed at most.

    Returns:
        [head, row, column].
    """
    length = pattern.shape[-1]
    if length <= side:
        return pattern
    step = -(-length // side)
    return F.max_pool2d(pattern[None], step, ceil_mode=True)[0]


def shrink_signed(difference: Tensor, side: int) -> Tensor:
    """Return a difference of patterns as `shrink` does: of each cell what is farthest from 0."""
    most, least = shrink(difference, side), -shrink(-difference, side)
    return torch.where(most >= -least, most, least)


@dataclass(frozen=True, slots=True)
class HeadReadout:
    """What one head does at one position.

    Attributes:
        attention: Attention to each source, [source].
        attribution: Direct logit attribution to the metric, in logits, the final norm's scale
            frozen; None without one.
        effect: What its output adds to each logit directly, [d_vocab], centred: logits' mean is
            invisible.
    """

    attention: Tensor
    attribution: float | None
    effect: Tensor


@torch.no_grad()
def read_head(
    run: Run, layer: int, head: int, position: int, metric: LogitDifference | None
) -> HeadReadout:
    """Read what a head attends to and what it writes.

    Args:
        run: A run, which is completed.
        layer: The head's layer.
        head: The head.
        position: Where it is read, as a query.
        metric: What attribution is to; its sets of tokens count by their mean.
    """
    attention = run.complete().head_pattern(layer, head)[position]
    written = head_output(run, layer, head, position)
    effect = direct_effect(run, written, position)
    attribution = None if metric is None else float(attributed(effect, metric))
    return HeadReadout(attention, attribution, effect)


@dataclass(frozen=True, slots=True)
class EdgeReadout:
    """What one head does from one destination to one source.

    Attributes:
        attention: How much the destination attends to the source.
        contribution: attention · what the source's value does to the metric, directly, in logits;
            over all sources these add up to the head's direct logit attribution. None without a
            metric.
        effect: What the head would add to each logit if all its attention were on the source,
            [d_vocab], centred: its OV circuit for this source (Elhage et al. 2021).
    """

    attention: float
    contribution: float | None
    effect: Tensor


@torch.no_grad()
def read_edge(
    run: Run, layer: int, head: int, position: int, source: int, metric: LogitDifference | None
) -> EdgeReadout:
    """Read one edge of a head's pattern.

    Args:
        run: A run, which is completed.
        layer: The head's layer.
        head: The head.
        position: The destination.
        source: Where it looks.
        metric: What the contribution is to.
    """
    check_output(run, layer, head)
    attention = float(run.complete().head_pattern(layer, head)[position, source])
    value = run.head_values(layer, head)[source]
    effect = direct_effect(run, written_for(run, layer, head, position, value), position)
    contribution = None if metric is None else attention * float(attributed(effect, metric))
    return EdgeReadout(attention, contribution, effect)


@torch.no_grad()
def score_keys(run: Run, layer: int, head: int, position: int) -> Iterator[Tensor | None]:
    """Score every token of the vocabulary as a key for one query: a head's QK circuit.

    The query is the run's own; the keys are the tokens' embeddings as the layer would read them,
    standing at the query's own position.

    Args:
        run: A run, which runs at least until the layer is known.
        layer: The head's layer.
        head: The head.
        position: Where the query stands.

    Yields:
        None between pieces, and at last the scores before softmax and any soft cap, [d_vocab],
        centred.
    """
    model = run.complete(layer + 1).model
    block, group = model.blocks[layer], model.cfg.heads_per_group
    row = run.residuals[layer][None, position : position + 1]
    span = Span(model.cfg, 1, position, device=row.device)
    with model.standing.at(span.where):
        query = block.attn.queries(block.ln1(row), span)[0, 0, head] * block.attn.score_scale
    own = itself(model)  # what other tokens are as keys, whatever is done to this prompt
    block = own.blocks[layer]

    def exactly(read: Tensor) -> Tensor:
        return block.attn.keys(read, span)[:, 0, head // group] @ query

    is_affine = not (model.cfg.use_qk_norm or model.cfg.clip_qkv is not None)
    score = _as_product(exactly, torch.zeros_like(row)) if is_affine else exactly
    scores: list[Tensor] = []
    for ids in torch.arange(model.cfg.d_vocab, device=row.device).split(TOKENS_AT_ONCE):
        scores.append(exact(score(block.ln1(own.to_embedding(ids[:, None], span)))))
        yield None
    found = torch.cat(scores)
    yield found - found.mean()


def _as_product(score: Callable[[Tensor], Tensor], nothing: Tensor) -> Callable[[Tensor], Tensor]:
    """Return an affine function of rows [token, 1, d_model] as one product and a constant.

    Its gradient is the same everywhere, so it is worked out at `nothing`, [1, 1, d_model].
    """
    with torch.enable_grad():
        at = nothing.clone().requires_grad_()
        constant = score(at)
        (slope,) = torch.autograd.grad(constant.sum(), at)
    offset, direction = constant.detach(), slope.flatten()
    return lambda read: read[:, 0] @ direction + offset


@dataclass(frozen=True, slots=True)
class MLPReadout:
    """What one layer's MLP does at one position.

    Attributes:
        attribution: Its direct logit attribution to the metric, in logits; None without one.
        effect: What it adds to each logit directly, [d_vocab], centred.
        activations: What its neurons put out, [neuron]; None where that is not one list of numbers
            (mixtures of experts).
        shares: Each neuron's part of the attribution, [neuron], the scale of a norm behind the MLP
            taken as it was; None without a metric, or where there are no activations.
    """

    attribution: float | None
    effect: Tensor
    activations: Tensor | None
    shares: Tensor | None


@torch.no_grad()
def read_mlp(run: Run, layer: int, position: int, metric: LogitDifference | None) -> MLPReadout:
    """Read what a layer's MLP writes at a position.

    Args:
        run: A run, which is completed.
        layer: The layer.
        position: Of the prompt.
        metric: What is attributed to.

    Raises:
        ValueError: If the model has no MLPs.
    """
    model = run.model
    if model.cfg.attn_only:
        raise ValueError("This model has attention only: there is no MLP to read.")
    row = LayerRow(run.complete(), layer, position)
    effect = direct_effect(run, row.mlp_added, position)
    activations = row.neurons
    if metric is None:
        return MLPReadout(None, effect, activations, None)
    total = float(attributed(effect, metric))
    shares = None
    if activations is not None and not row.block.hook_mlp_out.is_watched:
        along, _ = row.mlp_direction(reading_direction(run, metric, position))
        shares = exact(activations) * product(row.block.mlp.W_out, along)
    return MLPReadout(total, effect, activations, shares)
