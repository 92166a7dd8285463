"""The frozen linear map from the stream to a difference of logits, written out from the cache."""

from __future__ import annotations

import torch
from torch import Tensor

from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.cache.cache import ActivationCache
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.model import HookedTransformer

POSITION = 9
METRIC = LogitDifference((3, 5), (7,), POSITION)


def frozen(norm: Norm, x: Tensor, scale: Tensor) -> Tensor:
    """What a norm makes of a part of what it normalises, its bias left aside."""
    if not norm.normalizes:
        return x
    x = x - x.mean(-1, keepdim=True) if norm.centres else x
    return x / scale if norm.w is None else x / scale * norm.w


def scale_of(cache: ActivationCache, norm: str) -> Tensor:
    """What a norm divided by at the position, [1]."""
    return cache[f"{norm}.hook_scale"][0, POSITION]


def read_off(model: HookedTransformer, cache: ActivationCache, written: Tensor) -> Tensor:
    """What a part of the stream [..., d_model] adds to METRIC's mean logits, [...]."""
    scale = scale_of(cache, "ln_final") if model.ln_final.normalizes else torch.ones(1)
    logits = frozen(model.ln_final, written, scale) @ model.W_U * model.cfg.logit_scale
    return logits[..., list(METRIC.answer)].mean(-1) - logits[..., list(METRIC.distractor)].mean(-1)


def added(
    model: HookedTransformer, cache: ActivationCache, layer: int, part: Tensor, post_norm: str
) -> Tensor:
    """A part of a layer's attention or MLP output as it reaches the stream, [..., d_model]."""
    if model.cfg.has_post_norms:
        scale = scale_of(cache, f"blocks.{layer}.{post_norm}")
        part = frozen(getattr(model.blocks[layer], post_norm), part, scale)
    return part * model.cfg.residual_multiplier


def head_parts(model: HookedTransformer, cache: ActivationCache, layer: int) -> Tensor:
    """α · v · W_O · u of every head and source, [head, source]; sources end at the position."""
    pattern = cache["pattern", layer][0, :, POSITION, : POSITION + 1]
    values = cache["v", layer][0, : POSITION + 1]
    values = values.repeat_interleave(model.cfg.heads_per_group, 1)
    written = torch.einsum("hs,shd,hdm->hsm", pattern, values, model.blocks[layer].attn.W_O)
    return read_off(model, cache, added(model, cache, layer, written, "ln1_post"))
