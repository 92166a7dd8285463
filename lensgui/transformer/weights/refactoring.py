"""The same QK and OV circuits, written with orthogonal factors of evenly shared size.

Queries and keys only matter through their products, and values only through what is written, so
each head may have its own basis of d_head dimensions. Here it is that of the singular vectors.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lensgui.transformer.weights.factored import FactoredMatrix


@torch.no_grad()
def refactor_factored_attn_matrices(model: Any) -> str:
    """Rewrite W_Q, W_K, W_V and W_O by singular vectors, in place, in float64.

    Args:
        model: A `HookedTransformer`.

    Returns:
        What was done, or why it was skipped.
    """
    cfg = model.cfg
    name = "refactor_factored_attn_matrices"
    if cfg.positional_embedding_type == "rotary":
        return f"{name} skipped: rotation ties queries and keys to their dimensions"
    if cfg.use_qk_norm or cfg.clip_qkv is not None:
        return f"{name} skipped: queries and keys are normalised or clipped by dimension"
    if cfg.use_attn_sinks:
        return f"{name} skipped: with attention sinks, attention does not sum to 1"
    if cfg.kv_heads != cfg.n_heads:
        return f"{name} skipped: heads share keys and values"
    for block in model.blocks:
        _refactor_qk(block.attn)
        _refactor_ov(block.attn)
    return name


def _with_bias(weight: Tensor, bias: Tensor) -> Tensor:
    """Return [head, d_model + 1, d_head]: the bias is the weight of a constant."""
    return torch.cat([weight, bias[:, None]], dim=1).double()


def _refactor_qk(attn: Any) -> None:
    """Share the singular values of W_Q W_Kᵀ, biases included, evenly between queries and keys."""
    queries, keys = _with_bias(attn.W_Q, attn.b_Q), _with_bias(attn.W_K, attn.b_K)
    even = FactoredMatrix(queries, keys.transpose(1, 2)).make_even()
    for weight, bias, value in (
        (attn.W_Q, attn.b_Q, even.A),
        (attn.W_K, attn.b_K, even.B.transpose(1, 2)),
    ):
        weight.data.copy_(value[:, :-1])
        bias.data.copy_(value[:, -1])


def _refactor_ov(attn: Any) -> None:
    """Make W_V the left singular vectors of W_V W_O, and W_O the rest; value biases move along."""
    values = attn.b_V.double()
    written = torch.einsum("hd,hdm->m", values, attn.W_O.double())
    u, s, v = FactoredMatrix(attn.W_V.double(), attn.W_O.double()).svd()
    attn.W_V.data.copy_(u)
    attn.W_O.data.copy_(s[..., None] * v.transpose(1, 2))
    attn.b_V.data.zero_()
    attn.b_O.data.copy_(attn.b_O.double() + written)
