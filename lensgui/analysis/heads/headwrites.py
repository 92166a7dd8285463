"""What single heads of a run write into the residual stream."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.transformer.layers.span import Span


@torch.no_grad()
def head_output(run: Run, layer: int, head: int, position: int) -> Tensor:
    """Return what a head adds to the residual stream at a position, [d_model].

    Where a norm stands between, its scale is taken as it was.
    """
    group, within = divmod(head, run.model.cfg.n_heads // run.model.cfg.kv_heads)
    attention = run.pattern(layer, group)[within, position]
    return written_for(run, layer, head, position, attention @ run.values[layer][0, :, group])


@torch.no_grad()
def written_for(run: Run, layer: int, head: int, position: int, z: Tensor) -> Tensor:
    """Return what a head that puts out z [..., d_head] adds at a position, [..., d_model].

    Where a norm stands between, its scale is taken as it was.
    """
    block: Any = run.model.blocks[layer]
    written: Tensor = z @ block.attn.W_O[head]
    if run.model.cfg.has_post_norms:
        written = written / _attention_scale(run, layer, position) * block.ln1_post.w
    return written * run.model.cfg.residual_multiplier


def _attention_scale(run: Run, layer: int, position: int) -> Tensor:
    """Return what the norm after a layer's attention divided by at a position, [1]."""
    block, row = run.model.blocks[layer], run.residuals[layer][None, position : position + 1]
    span = Span(run.model.cfg, 1, position, device=row.device)
    read = block.ln1(row)
    output = block.attn(read, read, read, span, run.before(layer, position))[0, 0]
    scale: Tensor = block.ln1_post.scale(output)
    return scale
