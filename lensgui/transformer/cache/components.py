"""What heads and other parts of a layer wrote, stacked; methods of `ActivationCache` as well."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lensgui.transformer.cache.residual import (
    POSITION,
    PosSlice,
    layer_number,
    positions,
    resid_before,
    scaled,
)


def stack_head_results(
    cache: Any,
    layer: int = -1,
    return_labels: bool = False,
    incl_remainder: bool = False,
    pos_slice: PosSlice = None,
    apply_ln: bool = False,
) -> Any:
    """Return what each head of the layers below one wrote.

    Args:
        cache: The activations of a run.
        layer: The layer up to which, exclusive; -1 or None for the whole model.
        return_labels: Whether to return labels such as "L3H1" too.
        incl_remainder: Whether to add a last component, the rest of the residual stream.
        pos_slice: Which positions.
        apply_ln: As in `decompose_resid`.

    Returns:
        The stack, with labels if asked.
    """
    layer = layer_number(cache, layer)
    results = [_head_result(cache, index, pos_slice) for index in range(layer)]
    stack = torch.cat(results) if results else _nothing(cache, pos_slice)
    labels = [
        f"L{index}H{head}" for index in range(layer) for head in range(cache.model.cfg.n_heads)
    ]
    if incl_remainder:
        whole = positions(resid_before(cache, layer), pos_slice, POSITION)
        stack = torch.cat([stack, (whole - stack.sum(0))[None]])
        labels.append("remainder")
    if apply_ln:
        stack, labels = scaled(cache, stack, labels, layer, False, pos_slice)
    return (stack, labels) if return_labels else stack


def _nothing(cache: Any, pos_slice: PosSlice) -> Tensor:
    return positions(cache["hook_embed"], pos_slice, POSITION)[None][:0]


def _head_result(cache: Any, layer: int, pos_slice: PosSlice) -> Tensor:
    """Return what each head of a layer wrote, [head, batch, position, d_model].

    That is what reached the residual stream, a post-norm's scale being taken as it was.
    """
    z = positions(cache["z", layer], pos_slice, -3)
    result = torch.einsum("...hd,hdm->h...m", z, cache.model.blocks[layer].attn.W_O)
    return reaching(cache, result, layer, "ln1_post", pos_slice)


def reaching(
    cache: Any, written: Tensor, layer: int, post_norm: str, pos_slice: PosSlice
) -> Tensor:
    """Return parts of an attention or MLP output as they reach the residual stream.

    Args:
        cache: The activations of a run.
        written: [..., batch, position, d_model] before any post-norm or multiplier.
        layer: Whose output.
        post_norm: "ln1_post" for attention, "ln2_post" for the MLP; its scale is taken as it was.
        pos_slice: The positions that `written` has.

    Returns:
        The same shape.
    """
    block, cfg = cache.model.blocks[layer], cache.model.cfg
    if cfg.has_post_norms:
        scale = positions(cache[f"blocks.{layer}.{post_norm}.hook_scale"], pos_slice, POSITION)
        written = written / scale * getattr(block, post_norm).w
    return written * cfg.residual_multiplier if cfg.residual_multiplier != 1.0 else written


def compute_head_results(cache: Any) -> None:
    """Add every head's output, [batch, position, head, d_model], as "result" where missing."""
    for layer, block in enumerate(cache.model.blocks):
        name = f"blocks.{layer}.attn.hook_result"
        if name not in cache.cache_dict:
            z = cache["z", layer]
            cache.cache_dict[name] = torch.einsum("...hd,hdm->...hm", z, block.attn.W_O)


def stack_activation(
    cache: Any, activation_name: str, layer: int = -1, sublayer_type: str | None = None
) -> Tensor:
    """Return one kind of activation of the layers below one, stacked: [layer, …]."""
    layer = layer_number(cache, layer)
    return torch.stack([cache[activation_name, index, sublayer_type] for index in range(layer)])
