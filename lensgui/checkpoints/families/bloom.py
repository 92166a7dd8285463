"""BLOOM: attention biased against distance, and a norm after the embedding (BigScience 2022)."""

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


def bloom_config(config: Any) -> dict[str, Any]:
    """Return our fields of a BLOOM config.

    Raises:
        ValueError: If the residual stream is taken after the norms.
    """
    if config.apply_residual_connection_post_layernorm:
        raise ValueError("BLOOM with apply_residual_connection_post_layernorm is not supported.")
    return {
        "n_layers": config.n_layer,
        "d_model": config.hidden_size,
        "n_ctx": getattr(config, "seq_length", 2048),
        "n_heads": config.n_head,
        "d_head": config.hidden_size // config.n_head,
        "d_vocab": config.vocab_size,
        "act_fn": "gelu_bloom",
        "eps": config.layer_norm_epsilon,
        "positional_embedding_type": "alibi",
        "post_embedding_ln": True,
        "tied_embeddings": bool(config.tie_word_embeddings),
    }


_LAYER = "h.{l}"

BLOOM = Family(
    model_types=("bloom",),
    config=bloom_config,
    prefix="transformer.",
    weights={
        "embed.W_E": Weight("word_embeddings.weight"),
        **norm("embed.ln", "word_embeddings_layernorm", has_bias=True),
        **norm("blocks.{l}.ln1", f"{_LAYER}.input_layernorm", has_bias=True),
        **fused_attention(
            f"{_LAYER}.self_attention", "query_key_value", "dense", "head three d_head"
        ),
        **norm("blocks.{l}.ln2", f"{_LAYER}.post_attention_layernorm", has_bias=True),
        **linear("blocks.{l}.mlp", "in", f"{_LAYER}.mlp.dense_h_to_4h"),
        **linear("blocks.{l}.mlp", "out", f"{_LAYER}.mlp.dense_4h_to_h"),
        **norm("ln_final", "ln_f", has_bias=True),
        "unembed.W_U": Weight("lm_head.weight", MATRIX),
    },
)
