"""GPT-2 (Radford et al. 2019)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, Weight, norm


def gpt2_config(config: Any) -> dict[str, Any]:
    """Return our fields of a GPT-2 config.

    Its `reorder_and_upcast_attn` is about half precision; our softmax is always in float32.

    Raises:
        ValueError: If it attends elsewhere too.
    """
    if config.add_cross_attention:
        raise ValueError("GPT-2 with cross-attention is not supported.")
    d_head = config.n_embd // config.n_head
    return {
        "n_layers": config.n_layer,
        "d_model": config.n_embd,
        "n_ctx": config.n_positions,
        "n_heads": config.n_head,
        "d_head": d_head,
        "attn_scale": d_head**0.5 if config.scale_attn_weights else 1.0,
        "scale_attn_by_inverse_layer_idx": config.scale_attn_by_inverse_layer_idx,
        "d_mlp": config.n_inner or 4 * config.n_embd,
        "d_vocab": config.vocab_size,
        "act_fn": config.activation_function,
        "eps": config.layer_norm_epsilon,
        "normalization_type": "LN",
        "positional_embedding_type": "standard",
        "tied_embeddings": bool(config.tie_word_embeddings),
    }


_QKV = "d_model (three head d_head) -> three head d_model d_head"
_QKV_BIAS = "(three head d_head) -> three head d_head"
_ATTENTION = "h.{l}.attn"

GPT2 = Family(
    model_types=("gpt2",),
    config=gpt2_config,
    prefix="transformer.",
    ignored=(r"\.attn\.bias$", r"\.attn\.masked_bias$"),
    weights={
        "embed.W_E": Weight("wte.weight"),
        "pos_embed.W_pos": Weight("wpe.weight"),
        **norm("blocks.{l}.ln1", "h.{l}.ln_1", has_bias=True),
        "blocks.{l}.attn.W_Q": Weight(f"{_ATTENTION}.c_attn.weight", _QKV, pick=0),
        "blocks.{l}.attn.W_K": Weight(f"{_ATTENTION}.c_attn.weight", _QKV, pick=1),
        "blocks.{l}.attn.W_V": Weight(f"{_ATTENTION}.c_attn.weight", _QKV, pick=2),
        "blocks.{l}.attn.b_Q": Weight(f"{_ATTENTION}.c_attn.bias", _QKV_BIAS, pick=0),
        "blocks.{l}.attn.b_K": Weight(f"{_ATTENTION}.c_attn.bias", _QKV_BIAS, pick=1),
        "blocks.{l}.attn.b_V": Weight(f"{_ATTENTION}.c_attn.bias", _QKV_BIAS, pick=2),
        "blocks.{l}.attn.W_O": Weight(
            f"{_ATTENTION}.c_proj.weight", "(head d_head) d_model -> head d_head d_model"
        ),
        "blocks.{l}.attn.b_O": Weight(f"{_ATTENTION}.c_proj.bias"),
        **norm("blocks.{l}.ln2", "h.{l}.ln_2", has_bias=True),
        "blocks.{l}.mlp.W_in": Weight("h.{l}.mlp.c_fc.weight"),
        "blocks.{l}.mlp.b_in": Weight("h.{l}.mlp.c_fc.bias"),
        "blocks.{l}.mlp.W_out": Weight("h.{l}.mlp.c_proj.weight"),
        "blocks.{l}.mlp.b_out": Weight("h.{l}.mlp.c_proj.bias"),
        **norm("ln_final", "ln_f", has_bias=True),
        "unembed.W_U": Weight("lm_head.weight", "d_vocab d_model -> d_model d_vocab"),
    },
)
