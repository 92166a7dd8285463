"""BioGPT (Luo et al. 2022)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import MATRIX, Family, Weight, attention, linear, norm


def biogpt_config(config: Any) -> dict[str, Any]:
    """Return our fields of a BioGPT config."""
    return {
        "n_layers": config.num_hidden_layers,
        "d_model": config.hidden_size,
        "n_ctx": config.max_position_embeddings,
        "n_heads": config.num_attention_heads,
        "d_head": config.hidden_size // config.num_attention_heads,
        "d_mlp": config.intermediate_size,
        "d_vocab": config.vocab_size,
        "act_fn": config.hidden_act,
        "embedding_multiplier": config.hidden_size**0.5 if config.scale_embedding else 1.0,
        "tied_embeddings": bool(config.tie_word_embeddings),
    }


BIOGPT = Family(
    model_types=("biogpt",),
    config=biogpt_config,
    prefix="biogpt.",
    weights={
        "embed.W_E": Weight("embed_tokens.weight"),
        "pos_embed.W_pos": Weight("embed_positions.weight", skip=2),
        **norm("blocks.{l}.ln1", "layers.{l}.self_attn_layer_norm", has_bias=True),
        **attention("layers.{l}.self_attn", "q_proj", "k_proj", "v_proj", "out_proj"),
        **norm("blocks.{l}.ln2", "layers.{l}.final_layer_norm", has_bias=True),
        **linear("blocks.{l}.mlp", "in", "layers.{l}.fc1"),
        **linear("blocks.{l}.mlp", "out", "layers.{l}.fc2"),
        **norm("ln_final", "layer_norm", has_bias=True),
        "unembed.W_U": Weight("output_projection.weight", MATRIX),
    },
)
