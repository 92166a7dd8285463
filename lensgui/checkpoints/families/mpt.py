"""MPT: attention biased against distance, and no biases (MosaicML 2023)."""

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


def mpt_config(config: Any) -> dict[str, Any]:
    """Return our fields of an MPT config.

    Raises:
        ValueError: If it asks for what Hugging Face's MPT leaves out, too.
    """
    attention = config.attn_config
    if not attention.alibi or attention.alibi_bias_max != 8:
        raise ValueError(
            "MPT without ALiBi, or with alibi_bias_max other than 8, is not supported."
        )
    if attention.prefix_lm or attention.qk_ln or config.logit_scale is not None:
        raise ValueError("MPT with prefix_lm, qk_ln or logit_scale is not supported.")
    d_head = config.d_model // config.n_heads
    return {
        "n_layers": config.n_layers,
        "d_model": config.d_model,
        "n_ctx": config.max_seq_len,
        "n_heads": config.n_heads,
        "d_head": d_head,
        "d_vocab": config.vocab_size,
        "act_fn": "gelu",
        "eps": config.layer_norm_epsilon,
        "positional_embedding_type": "alibi",
        "attn_scale": 1.0 / attention.softmax_scale if attention.softmax_scale else d_head**0.5,
        "clip_qkv": attention.clip_qkv or None,
        "tied_embeddings": bool(config.tie_word_embeddings),
    }


MPT = Family(
    model_types=("mpt",),
    config=mpt_config,
    prefix="transformer.",
    prepend_bos=None,
    weights={
        "embed.W_E": Weight("wte.weight"),
        **norm("blocks.{l}.ln1", "blocks.{l}.norm_1"),
        **fused_attention("blocks.{l}.attn", "Wqkv", "out_proj", "three head d_head"),
        **norm("blocks.{l}.ln2", "blocks.{l}.norm_2"),
        **linear("blocks.{l}.mlp", "in", "blocks.{l}.ffn.up_proj", is_optional=True),
        **linear("blocks.{l}.mlp", "out", "blocks.{l}.ffn.down_proj", is_optional=True),
        **norm("ln_final", "norm_f"),
        "unembed.W_U": Weight("lm_head.weight", MATRIX),
    },
)
