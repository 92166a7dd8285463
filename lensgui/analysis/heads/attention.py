"""What a head takes from each source: attention, its scores, and attention weighed by content.

Attention alone overstates sources whose values are small; weighing it by the size of what is moved
is due to Kobayashi et al. 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lensgui.analysis.checks import changed_heads
from lensgui.analysis.heads.direct import answer_direction, attention_scales, final_scales
from lensgui.analysis.run.run import Run
from lensgui.terms.kinds import AttentionMeasure
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.layers.parameters import exact


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
    group, within = divmod(head, run.model.cfg.heads_per_group)
    return weighted_heads(run, layer, range(group, group + 1), measure, metric)[within]


@torch.no_grad()
def weighted_heads(
    run: Run,
    layer: int,
    groups: range,
    measure: AttentionMeasure = "pattern",
    metric: LogitDifference | None = None,
    start: int = 0,
) -> Tensor:
    """Return the same of all heads that share some key/value heads.

    Args:
        run: As in `weighted_attention`, and so are `measure` and `metric`.
        layer: The heads' layer.
        groups: Neighbouring key/value heads.
        measure: What is counted.
        metric: What contributions are to.
        start: The first position that is looked from.

    Returns:
        [head of these groups, position from `start` on, source]; contributions of a head whose
        output an intervention changes are NaN.

    Raises:
        ValueError: If a contribution to nothing is requested.
    """
    run.complete(None if measure == "contribution" else layer + 1)
    if measure == "scores":
        return _scores(run, layer, groups, start)
    patterns = run.patterns(layer, groups, start)
    if measure == "pattern":
        return patterns
    size = run.model.cfg.heads_per_group
    values = run.values[layer][0, :, groups.start : groups.stop].transpose(0, 1)
    values = values.repeat_interleave(size, 0)  # [head, source, d_value]
    if measure == "values":
        return patterns * _sizes(values)
    heads = slice(groups.start * size, groups.stop * size)
    W_O = run.model.blocks[layer].attn.W_O[heads]
    if measure == "writes":
        return patterns * _sizes(values @ W_O * run.model.cfg.residual_multiplier)
    if metric is None:
        raise ValueError("A contribution is to a logit difference: name two answers.")
    direction = answer_direction(run.model, metric)
    along, _ = run.model.blocks[layer].pulled_back(direction, "ln1_post")
    scale = final_scales(run)[start:]
    if run.model.cfg.has_post_norms:
        scale = scale * attention_scales(run, layer, slice(start, None))
    found = exact(patterns) * value_effects(values, W_O, along)[:, None] / scale
    return _without_changed(found, run, layer, heads)


def _without_changed(found: Tensor, run: Run, layer: int, heads: slice) -> Tensor:
    """Return contributions [head, …] without those of heads that are no sum over sources."""
    for head in changed_heads(run, layer):
        if heads.start <= head < heads.stop:
            found[head - heads.start] = torch.nan
    return found


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
    places = sorted(set(sources))
    layers = range(run.complete().model.cfg.n_layers)
    rows = (run.attention_from(layer, position)[:, places] for layer in layers)
    return torch.stack([exact(row).sum(-1) for row in rows]).cpu()


def _scores(run: Run, layer: int, groups: range, start: int) -> Tensor:
    """Return scores before the softmax, [head of these groups, position, source]."""
    block, size = run.model.blocks[layer], run.model.cfg.heads_per_group
    heads = slice(groups.start * size, groups.stop * size)
    if block.attn.hook_attn_scores.is_watched:  # edits know heads by their numbers among all
        keys = run.keys[layer]
        every = block.attn.scores(run.queries(layer, start), [keys], run.span)
        with run.model.standing.at(run.span.where):
            return block.attn.hook_attn_scores(every)[0, heads]
    queries = run.queries(layer, start)[:, :, heads]
    keys = run.keys[layer][:, :, groups.start : groups.stop]
    return block.attn.scores(queries, [keys], run.span, heads)[0]


def _sizes(rows: Tensor) -> Tensor:
    """Return the length of each row [head, source, size], [head, 1, source]."""
    return rows.square().sum(-1).sqrt()[:, None]


def value_effects(values: Tensor, W_O: Tensor, along: Tensor) -> Tensor:
    """Return what heads would add along a direction by attending to one source alone.

    Args:
        values: [head, source, d_value].
        W_O: [head, d_value, d_model].
        along: The direction as their outputs meet it, before any norm behind attention, [d_model].

    Returns:
        [head, source], as `exact`.
    """
    return (exact(values) @ (exact(W_O) @ along)[..., None])[..., 0]
