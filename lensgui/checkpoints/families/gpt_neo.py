"""GPT-Neo: GPT-2 with windows in every other layer and unscaled scores (Black et al. 2021)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import MATRIX, Family, Weight, attention, linear, norm


def gpt_neo_config(config: Any) -> dict[str, Any]:
    """Return our fields of a GPT-Neo config."""
    return {
        "n_layers": config.num_layers,
        "d_model": config.hidden_size,
        "n_ctx": config.max_position_embeddings,
        "n_heads": config.num_heads,
        "d_head": config.hidden_size // config.num_heads,
        "d_mlp": config.intermediate_size or 4 * config.hidden_size,
        "d_vocab": config.vocab_size,
        "act_fn": config.activation_function,
        "eps": config.layer_norm_epsilon,
        "attn_scale": 1.0,
        "window_size": config.window_size,
        "attn_types": tuple(config.attention_layers),
        "tied_embeddings": bool(config.tie_word_embeddings),
    }


GPT_NEO = Family(
    model_types=("gpt_neo",),
    config=gpt_neo_config,
    prefix="transformer.",
    ignored=(r"\.attention\.bias$", r"\.attention\.masked_bias$"),
    weights={
        "embed.W_E": Weight("wte.weight"),
        "pos_embed.W_pos": Weight("wpe.weight"),
        **norm("blocks.{l}.ln1", "h.{l}.ln_1", has_bias=True),
        **attention("h.{l}.attn.attention", "q_proj", "k_proj", "v_proj", "out_proj"),
        **norm("blocks.{l}.ln2", "h.{l}.ln_2", has_bias=True),
        **linear("blocks.{l}.mlp", "in", "h.{l}.mlp.c_fc"),
        **linear("blocks.{l}.mlp", "out", "h.{l}.mlp.c_proj"),
        **norm("ln_final", "ln_f", has_bias=True),
        "unembed.W_U": Weight("lm_head.weight", MATRIX),
    },
)
