"""GPT-BigCode, that is, StarCoder: GPT-2 with one key/value head (Li et al. 2023)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import (
    MATRIX,
    Family,
    Weight,
    linear,
    norm,
    stacked_attention,
)


def gpt_bigcode_config(config: Any) -> dict[str, Any]:
    """Return our fields of a GPT-BigCode config.

    Raises:
        ValueError: If it has more key/value heads, or attends elsewhere too.
    """
    if not config.multi_query or config.add_cross_attention:
        raise ValueError(
            "GPT-BigCode without multi_query, or with cross-attention, is not supported."
        )
    d_head = config.n_embd // config.n_head
    return {
        "n_layers": config.n_layer,
        "d_model": config.n_embd,
        "n_ctx": config.n_positions,
        "n_heads": config.n_head,
        "n_key_value_heads": 1,
        "d_head": d_head,
        "d_mlp": config.n_inner or 4 * config.n_embd,
        "d_vocab": config.vocab_size,
        "act_fn": config.activation_function,
        "eps": config.layer_norm_epsilon,
        "attn_scale": d_head**0.5 if config.scale_attn_weights else 1.0,
        "tied_embeddings": bool(config.tie_word_embeddings),
    }


GPT_BIGCODE = Family(
    model_types=("gpt_bigcode",),
    config=gpt_bigcode_config,
    prefix="transformer.",
    ignored=(r"\.attn\.bias$", r"\.attn\.masked_bias$"),
    weights={
        "embed.W_E": Weight("wte.weight"),
        "pos_embed.W_pos": Weight("wpe.weight"),
        **norm("blocks.{l}.ln1", "h.{l}.ln_1", has_bias=True),
        **stacked_attention("h.{l}.attn", "c_attn", "c_proj"),
        **norm("blocks.{l}.ln2", "h.{l}.ln_2", has_bias=True),
        **linear("blocks.{l}.mlp", "in", "h.{l}.mlp.c_fc"),
        **linear("blocks.{l}.mlp", "out", "h.{l}.mlp.c_proj"),
        **norm("ln_final", "ln_f", has_bias=True),
        "unembed.W_U": Weight("lm_head.weight", MATRIX),
    },
)
