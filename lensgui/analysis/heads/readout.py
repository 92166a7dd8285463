"""What single heads do."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from lensgui.analysis.heads.direct import attributed, direct_effect
from lensgui.analysis.heads.headwrites import head_output
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import LogitDifference


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
        side: How many rows and columns are wanted at most.

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
        run: A complete run.
        layer: The head's layer.
        head: The head.
        position: Where it is read, as a query.
        metric: What attribution is to; its sets of tokens count by their mean.
    """
    model = run.model
    group_size = model.cfg.n_heads // model.cfg.kv_heads
    attention = run.pattern(layer, head // group_size)[head % group_size, position]
    written = head_output(run, layer, head, position)
    effect = direct_effect(run, written, position)
    attribution = None if metric is None else float(attributed(effect, metric))
    return HeadReadout(attention, attribution, effect)
