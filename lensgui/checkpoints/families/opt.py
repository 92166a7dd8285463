"""OPT (Zhang et al. 2022)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import MATRIX, Family, Weight, attention, linear, norm


def opt_config(config: Any) -> dict[str, Any]:
    """Return our fields of an OPT config.

    Raises:
        ValueError: If the residual stream itself is normalised or projected, as in OPT-350m, or if
            norms have no weights.
    """
    if not config.do_layer_norm_before or config._remove_final_layer_norm:
        raise ValueError("OPT that normalises the residual stream itself is not supported.")
    if config.word_embed_proj_dim != config.hidden_size:
        raise ValueError("OPT with word_embed_proj_dim unlike hidden_size is not supported.")
    if not config.layer_norm_elementwise_affine:
        raise ValueError("OPT with norms without weights is not supported.")
    return {
        "n_layers": config.num_hidden_layers,
        "d_model": config.hidden_size,
        "n_ctx": config.max_position_embeddings,
        "n_heads": config.num_attention_heads,
        "d_head": config.hidden_size // config.num_attention_heads,
        "d_mlp": config.ffn_dim,
        "d_vocab": config.vocab_size,
        "act_fn": config.activation_function,
        "tied_embeddings": bool(config.tie_word_embeddings),
    }


_LAYER = "decoder.layers.{l}"

OPT = Family(
    model_types=("opt",),
    config=opt_config,
    prefix="model.",
    weights={
        "embed.W_E": Weight("decoder.embed_tokens.weight"),
        "pos_embed.W_pos": Weight("decoder.embed_positions.weight", skip=2),
        **norm("blocks.{l}.ln1", f"{_LAYER}.self_attn_layer_norm", has_bias=True),
        **attention(f"{_LAYER}.self_attn", "q_proj", "k_proj", "v_proj", "out_proj"),
        **norm("blocks.{l}.ln2", f"{_LAYER}.final_layer_norm", has_bias=True),
        **linear("blocks.{l}.mlp", "in", f"{_LAYER}.fc1", is_optional=True),
        **linear("blocks.{l}.mlp", "out", f"{_LAYER}.fc2", is_optional=True),
        **norm("ln_final", "decoder.final_layer_norm", has_bias=True),
        "unembed.W_U": Weight("lm_head.weight", MATRIX),
    },
)
