"""Persimmon (Adept 2023)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, fused_attention, linear, norm
from lensgui.checkpoints.families.hf_fields import rope_fields
from lensgui.checkpoints.families.llama import BUFFERS, EMBEDDINGS


def persimmon_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Persimmon config."""
    return {
        "n_layers": config.num_hidden_layers,
        "d_model": config.hidden_size,
        "n_ctx": config.max_position_embeddings,
        "n_heads": config.num_attention_heads,
        "d_head": config.hidden_size // config.num_attention_heads,
        "d_mlp": config.intermediate_size,
        "d_vocab": config.vocab_size,
        "act_fn": config.hidden_act,
        "eps": config.layer_norm_eps,
        "use_qk_norm": config.qk_layernorm,
        "tied_embeddings": bool(config.tie_word_embeddings),
        **rope_fields(config),
    }


_ATTENTION = "layers.{l}.self_attn"

PERSIMMON = Family(
    model_types=("persimmon",),
    config=persimmon_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={
        **EMBEDDINGS,
        **norm("blocks.{l}.ln1", "layers.{l}.input_layernorm", has_bias=True),
        **norm("blocks.{l}.ln2", "layers.{l}.post_attention_layernorm", has_bias=True),
        **fused_attention(_ATTENTION, "query_key_value", "dense", "head three d_head"),
        **norm("blocks.{l}.attn.q_norm", f"{_ATTENTION}.q_layernorm", has_bias=True),
        **norm("blocks.{l}.attn.k_norm", f"{_ATTENTION}.k_layernorm", has_bias=True),
        **linear("blocks.{l}.mlp", "in", "layers.{l}.mlp.dense_h_to_4h"),
        **linear("blocks.{l}.mlp", "out", "layers.{l}.mlp.dense_4h_to_h"),
        **norm("ln_final", "final_layernorm", has_bias=True),
    },
)
