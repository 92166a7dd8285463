"""GPT-NeoX and Pythia (Black et al. 2022; Biderman et al. 2023)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import (
    MATRIX,
    Family,
    Weight,
    fused_attention,
    linear,
    norm,
)
from lensgui.checkpoints.families.hf_fields import rope_fields


def gpt_neox_config(config: Any) -> dict[str, Any]:
    """Return our fields of a GPT-NeoX config."""
    heads = config.num_attention_heads
    return {
        "n_layers": config.num_hidden_layers,
        "d_model": config.hidden_size,
        "n_ctx": config.max_position_embeddings,
        "n_heads": heads,
        "d_head": config.hidden_size // heads,
        "d_mlp": config.intermediate_size,
        "d_vocab": config.vocab_size,
        "act_fn": config.hidden_act,
        "eps": config.layer_norm_eps,
        "parallel_attn_mlp": config.use_parallel_residual,
        "tied_embeddings": bool(config.tie_word_embeddings),
        **rope_fields(config),
    }


_LAYER = "layers.{l}"

GPT_NEOX = Family(
    model_types=("gpt_neox",),
    config=gpt_neox_config,
    prefix="gpt_neox.",
    ignored=(
        r"\.attention\.bias$",
        r"\.attention\.masked_bias$",
        r"rotary_emb\.inv_freq$",
    ),
    weights={
        "embed.W_E": Weight("embed_in.weight"),
        **norm("blocks.{l}.ln1", f"{_LAYER}.input_layernorm", has_bias=True),
        **fused_attention(f"{_LAYER}.attention", "query_key_value", "dense", "head three d_head"),
        **norm("blocks.{l}.ln2", f"{_LAYER}.post_attention_layernorm", has_bias=True),
        **linear("blocks.{l}.mlp", "in", f"{_LAYER}.mlp.dense_h_to_4h"),
        **linear("blocks.{l}.mlp", "out", f"{_LAYER}.mlp.dense_4h_to_h"),
        **norm("ln_final", "final_layer_norm", has_bias=True),
        "unembed.W_U": Weight(
            "embed_out.weight", MATRIX, otherwise=Weight("lm_head.weight", MATRIX)
        ),
    },
)
