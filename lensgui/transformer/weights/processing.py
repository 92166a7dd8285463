"""Equivalent weights that are easier to read: norms folded, writers centred, heads rewritten.

Every step leaves the log-probabilities as they are. Work is done in float64, then rounded to the
model's dtype.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lensgui.transformer.layers.attention import Attention, Reader
from lensgui.transformer.layers.mlp import MLP, Experts, ExpertsAndShared
from lensgui.transformer.layers.norms import Norm
from lensgui.transformer.layers.parameters import matrix, parameter
from lensgui.transformer.parts import Transformer
from lensgui.transformer.weights.factored import FactoredMatrix

PIECE = 1 << 20  # numbers in float64 at a time: a large vocabulary's would be another copy


@torch.no_grad()
def rewrite_heads(model: Transformer) -> str:
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


def _refactor_qk(attn: Attention) -> None:
    """Share the singular values of W_Q W_Kᵀ, biases included, evenly between queries and keys."""
    queries, keys = _with_bias(attn.W_Q, attn.b_Q), _with_bias(attn.W_K, attn.b_K)
    even = FactoredMatrix(queries, keys.transpose(1, 2)).make_even()
    for weight, bias, value in (
        (attn.W_Q, attn.b_Q, even.A),
        (attn.W_K, attn.b_K, even.B.transpose(1, 2)),
    ):
        weight.data.copy_(value[:, :-1])
        bias.data.copy_(value[:, -1])


def _refactor_ov(attn: Attention) -> None:
    """Make W_V the left singular vectors of W_V W_O, and W_O the rest; value biases move along."""
    values = attn.b_V.double()
    written = torch.einsum("hd,hdm->m", values, attn.W_O.double())
    u, s, v = FactoredMatrix(attn.W_V.double(), attn.W_O.double()).svd()
    attn.W_V.data.copy_(u)
    attn.W_O.data.copy_(s[..., None] * v.transpose(1, 2))
    attn.b_V.data.zero_()
    attn.b_O.data.copy_(attn.b_O.double() + written)


def _centre(weight: nn.Parameter) -> None:
    """Take the mean of the last dimension off a weight."""
    count = max(PIECE // weight.shape[-1], 1)
    for rows in weight.data.split(count) if weight.ndim > 1 else [weight.data]:
        whole = rows.double()
        rows.copy_(whole - whole.mean(-1, keepdim=True))


@torch.no_grad()
def fold(
    model: Transformer,
    fold_ln: bool = True,
    center_writing_weights: bool = True,
    center_unembed: bool = True,
    fold_value_biases: bool = True,
    refactor_factored_attn_matrices: bool = False,
) -> None:
    """Rewrite a model's weights in place.

    `cfg.processing` then says what was done and what was skipped.

    Args:
        model: A `HookedTransformer` with weights as they came.
        fold_ln: Whether norms' weights move into what reads them.
        center_writing_weights: Whether everything that writes to the residual stream gets mean 0
            (LayerNorm only).
        center_unembed: Whether logits get mean 0, which softmax does not see.
        fold_value_biases: Whether value biases move into the output bias, since attention sums to
            1.
        refactor_factored_attn_matrices: Whether heads are rewritten by singular vectors; see
            `rewrite_heads`.
    """
    said = model.cfg.processing
    if fold_ln:
        said.append(_fold_norms(model))
    if center_writing_weights:
        said.append(_center_writers(model))
    if center_unembed:
        said.append(_center_unembed(model))
    if fold_value_biases:
        said.append(_fold_value_biases(model))
    if refactor_factored_attn_matrices:
        said.append(rewrite_heads(model))


def untie(model: Transformer) -> None:
    """Give the unembedding memory of its own, so that it can differ from the embedding."""
    if model.cfg.tied_embeddings:
        own = matrix(model.cfg.d_model, model.cfg.d_vocab_out, model.cfg.dtype)
        own.data = own.data.to(model.unembed.W_U.device)
        own.data.copy_(model.unembed.W_U.data)
        model.unembed.W_U = own
        model.cfg.tied_embeddings = False


def _scale_embedding(model: Transformer) -> None:
    """Multiply W_E by what embeddings are multiplied by, so that it is what enters the stream."""
    multiplier = torch.tensor(model.embed.multiplier, dtype=model.embed.W_E.dtype)
    model.embed.W_E.data.mul_(multiplier)
    model.embed.multiplier = model.cfg.embedding_multiplier = 1.0


def _fold_norms(model: Transformer) -> str:
    """Move every norm's weight and bias into the matrices that read it.

    Then centre what reads a LayerNorm. Norms of what is written, and of queries and keys, stay.

    Returns:
        What was done.
    """
    cfg = model.cfg
    if cfg.normalization_type not in ("LN", "RMS"):
        return "fold_ln skipped: the norms have no weights"
    if cfg.positional_embedding_type == "shortformer":
        return "fold_ln skipped: queries and keys also read positions, which are not normalised"
    untie(model)
    _scale_embedding(model)
    for block in model.blocks:
        _fold_norm(block.ln1, block.attn.readers())
        if not cfg.attn_only:
            _fold_norm(block.ln2, _mlp_readers(block.mlp))
            if isinstance(block.mlp, MLP) and block.mlp.has_norm:
                _fold_norm(block.mlp.ln, [(block.mlp.W_out, block.mlp.b_out)])
    _fold_norm(model.ln_final, [(model.unembed.W_U, model.unembed.b_U)])
    cfg.normalization_type = "RMSPre" if cfg.is_rms else "LNPre"
    return "fold_ln" if cfg.has_pre_norms else "fold_ln: the last norm, as blocks have none before"


def _mlp_readers(mlp: MLP | Experts) -> list[Reader]:
    """Return the weights that read ln2, each with its bias: of every expert, and the router's."""
    readers: list[Reader] = []
    for name in ("in", "gate", "router"):
        if hasattr(mlp, f"W_{name}"):
            readers.append((getattr(mlp, f"W_{name}"), getattr(mlp, f"b_{name}")))
    if isinstance(mlp, ExpertsAndShared):
        readers += _mlp_readers(mlp.shared)
        readers += [] if mlp.W_shared_gate is None else [(mlp.W_shared_gate, None)]
    return readers


def _fold_norm(norm: Norm | nn.Identity, readers: list[Reader]) -> None:
    """Fold a norm into all that reads it."""
    if isinstance(norm, Norm) and norm.w is not None:
        for weight, bias in readers:
            _fold_into(norm, norm.w, weight, bias)
        norm.fold()


def _fold_into(norm: Norm, w: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    """Fold a norm's w and b into a reader [..., d_model, out] and its bias [..., out]."""
    if norm.b is None and not norm.centres and w.dtype == weight.dtype:
        weight.data.mul_(w.data[:, None])  # a single product is rounded the same in float64
        return
    width = max(PIECE * weight.shape[-1] // weight.numel(), 1)
    biases = [None] * weight.shape[-1] if bias is None else bias.data.split(width, -1)
    for piece, its_bias in zip(weight.data.split(width, -1), biases, strict=False):
        reader = piece.double()
        if norm.b is not None and its_bias is not None:
            its_bias.copy_(its_bias.double() + (norm.b.double()[:, None] * reader).sum(-2))
        reader = reader * w.double()[:, None]
        if norm.centres:
            reader = reader - reader.mean(-2, keepdim=True)
        piece.copy_(reader)


def _center_writers(model: Transformer) -> str:
    """Take the mean off everything that is written to the residual stream.

    LayerNorm never sees it.

    Returns:
        What was done.
    """
    cfg = model.cfg
    if cfg.is_rms or cfg.normalization_type is None:
        return "center_writing_weights skipped: RMSNorm does not centre"
    if cfg.final_rms:
        return "center_writing_weights skipped: the last norm does not centre"
    untie(model)
    writers = [] if cfg.post_embedding_ln else [model.embed.W_E]
    if cfg.positional_embedding_type == "standard":
        writers.append(model.pos_embed.W_pos)
    for block in model.blocks:
        writers += [block.attn.W_O, block.attn.b_O]
        if not cfg.attn_only:
            writers += [block.mlp.W_out, block.mlp.b_out]
    for weight in writers:
        _centre(weight)
    if cfg.post_embedding_ln:
        return "center_writing_weights: all but the embedding, which ends in a norm of its own"
    return "center_writing_weights"


def _center_unembed(model: Transformer) -> str:
    """Take the mean off the logits, which softmax does not see, and return what was done."""
    if model.cfg.output_logits_soft_cap is not None:
        return "center_unembed skipped: the logits are soft-capped"
    untie(model)
    for weight in (model.unembed.W_U, model.unembed.b_U):
        _centre(weight)
    return "center_unembed"


def _fold_value_biases(model: Transformer) -> str:
    """Move value biases into output biases, since pattern rows sum to 1; return what was done."""
    if model.cfg.use_attn_sinks:
        return "fold_value_biases skipped: with attention sinks, attention does not sum to 1"
    if model.cfg.clip_qkv is not None:
        return "fold_value_biases skipped: values are clipped after their bias is added"
    for block in model.blocks:
        _fold_values(block.attn)
    return "fold_value_biases"


def _fold_values(attn: Attention) -> None:
    """Move value biases [key_value_head, d_head] into the output bias."""
    group = attn.W_O.shape[0] // attn.b_V.shape[0]
    values = attn.b_V.double().repeat_interleave(group, dim=0)
    written = (values[:, :, None] * attn.W_O.double()).sum((0, 1))
    attn.b_O.data.copy_(attn.b_O.double() + written)
    attn.b_V = parameter(torch.zeros_like(attn.b_V))
