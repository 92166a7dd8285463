"""BioGPT (Luo et al. 2022) and XGLM (Lin et al. 2022), as fairseq laid them out."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from lensgui.checkpoints.families.family import MATRIX, Family, Weight, attention, linear, norm
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.layers.positions import sinusoids


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


def xglm_config(config: Any) -> dict[str, Any]:
    """Return our fields of an XGLM config.

    Raises:
        ValueError: If it attends elsewhere too, or the padding's row is among the positions'.
    """
    if config.add_cross_attention:
        raise ValueError("XGLM with cross-attention is not supported.")
    if (config.pad_token_id or 0) >= _FIRST:
        raise ValueError("XGLM with a pad_token_id above 1 is not supported.")
    return {
        "n_layers": config.num_layers,
        "d_model": config.d_model,
        "n_ctx": config.max_position_embeddings,
        "n_heads": config.attention_heads,
        "d_head": config.d_model // config.attention_heads,
        "d_mlp": config.ffn_dim,
        "d_vocab": config.vocab_size,
        "act_fn": config.activation_function,
        "embedding_multiplier": config.d_model**0.5 if config.scale_embedding else 1.0,
        "tied_embeddings": bool(config.tie_word_embeddings),
    }


def _sinusoids(cfg: HookedTransformerConfig) -> Tensor:
    """Return XGLM's position embedding, [n_ctx, d_model]."""
    return sinusoids(cfg.n_ctx, cfg.d_model, _FIRST)


_FIRST = 2  # what fairseq counts the first position as, behind the padding's
_LAYERS = {
    "embed.W_E": Weight("embed_tokens.weight"),
    **norm("blocks.{l}.ln1", "layers.{l}.self_attn_layer_norm", has_bias=True),
    **attention("layers.{l}.self_attn", "q_proj", "k_proj", "v_proj", "out_proj"),
    **norm("blocks.{l}.ln2", "layers.{l}.final_layer_norm", has_bias=True),
    **linear("blocks.{l}.mlp", "in", "layers.{l}.fc1"),
    **linear("blocks.{l}.mlp", "out", "layers.{l}.fc2"),
    **norm("ln_final", "layer_norm", has_bias=True),
}

BIOGPT = Family(
    model_types=("biogpt",),
    config=biogpt_config,
    prefix="biogpt.",
    weights={
        **_LAYERS,
        "pos_embed.W_pos": Weight("embed_positions.weight", skip=_FIRST),
        "unembed.W_U": Weight("output_projection.weight", MATRIX),
    },
)

XGLM = Family(
    model_types=("xglm",),
    config=xglm_config,
    prefix="model.",
    ignored=(r"embed_positions\.weights$",),
    worked_out={"pos_embed.W_pos": _sinusoids},
    weights={**_LAYERS, "unembed.W_U": Weight("lm_head.weight", MATRIX)},
)
