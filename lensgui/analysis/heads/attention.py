"""What a head takes from each source: attention, its scores, and attention weighed by content.

Attention alone overstates sources whose values are small; weighing it by the size of what is moved
is due to Kobayashi et al. 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lensgui.analysis.heads.direct import answer_direction, attention_scales, final_scales
from lensgui.analysis.run.run import Run
from lensgui.terms.kinds import AttentionMeasure
from lensgui.terms.metrics import LogitDifference


@torch.no_grad()
def weighted_attention(
    run: Run,
    layer: int,
    head: int,
    measure: AttentionMeasure = "pattern",
    metric: LogitDifference | None = None,
) -> Tensor:
    """Return what a head takes from each source, in one of five measures.

    Args:
        run: A run that knows the layer; of contributions, a complete one.
        layer: The head's layer.
        head: The head.
        measure: "pattern": attention α. "scores": what the softmax is taken of, any soft cap and
            bias included. "values": α‖v‖, v being the source's value with its bias. "writes":
            α‖v W_O‖, before any norm that stands behind attention. "contribution": what α v W_O
            does to the metric directly at each query, in logits, every norm's scale frozen; a row
            sums to the head's direct attribution at that query.
        metric: What contributions are to; its sets of tokens count by their mean.

    Returns:
        [position, source]; scores of sources that are not seen are −∞, all else there is 0.

    Raises:
        ValueError: If a contribution to nothing is requested.
    """
    run.complete(None if measure == "contribution" else layer + 1)
    if measure == "scores":
        group, within = divmod(head, run.model.cfg.heads_per_group)
        return _scores(run, layer, group)[within]
    pattern = run.head_pattern(layer, head)
    if measure == "pattern":
        return pattern
    value = run.head_values(layer, head)
    if measure == "values":
        return pattern * _sizes(value)
    W_O = run.model.blocks[layer].attn.W_O[head]
    written = value @ W_O * run.model.cfg.residual_multiplier
    if measure == "writes":
        return pattern * _sizes(written)
    if metric is None:
        raise ValueError("A contribution is to a logit difference: name two answers.")
    return _contribution(run, layer, pattern, written, metric)


@torch.no_grad()
def attention_to(run: Run, position: int, sources: Sequence[int]) -> Tensor:
    """Return how much of each head's attention at a position goes to some sources together.

    Args:
        run: A run, which is completed.
        position: The query's.
        sources: Positions up to it, each counted once.

    Returns:
        Shares of 1, [layer, head], in float64.
    """
    places, end = sorted(set(sources)), position + 1
    span = run.model.span(end)
    shares = []
    for layer, block in enumerate(run.complete().model.blocks):
        query = block.attn.queries(block.ln1(run.residuals[layer][None, position:end]), span)
        pattern = block.attn.pattern(query, [run.keys[layer][:, :end]], span)
        shares.append(pattern[0, :, 0][:, places].double().sum(-1))
    return torch.stack(shares).cpu()


def _scores(run: Run, layer: int, group: int) -> Tensor:
    """Return the scores of the heads that share a key/value head, [head, position, source]."""
    block, size = run.model.blocks[layer], run.model.cfg.heads_per_group
    heads = slice(group * size, (group + 1) * size)
    queries = block.attn.queries(block.ln1(run.residuals[layer][None]), run.span)[:, :, heads]
    keys = run.keys[layer][:, :, group : group + 1]
    return block.attn.scores(queries, [keys], run.span, heads)[0]


def _sizes(rows: Tensor) -> Tensor:
    """Return the length of each row, [...]."""
    return rows.square().sum(-1).sqrt()


def _contribution(
    run: Run, layer: int, pattern: Tensor, written: Tensor, metric: LogitDifference
) -> Tensor:
    """Return what each source adds to the metric at each query, [position, source].

    Args:
        run: A complete run.
        layer: The layer.
        pattern: [position, source].
        written: What the head writes for each source, [source, d_model].
        metric: The metric.
    """
    scale = final_scales(run)
    if run.model.cfg.has_post_norms:
        written = run.model.blocks[layer].ln1_post.weighted(written)
        scale = scale * attention_scales(run, layer).double()
    effect = written.double() @ answer_direction(run.model, metric)
    return pattern.double() * effect / scale
