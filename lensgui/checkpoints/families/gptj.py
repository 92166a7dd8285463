"""GPT-J: attention and MLP side by side behind one norm (Wang & Komatsuzaki 2021)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import MATRIX, Family, Weight, attention, linear, norm


def gptj_config(config: Any) -> dict[str, Any]:
    """Return our fields of a GPT-J config.

    Raises:
        ValueError: If all of a head's dimensions rotate.
    """
    if config.rotary_dim is None:  # Hugging Face then turns by angles made for d_model dimensions
        raise ValueError("GPT-J without rotary_dim is not supported.")
    return {
        "n_layers": config.n_layer,
        "d_model": config.n_embd,
        "n_ctx": config.n_positions,
        "n_heads": config.n_head,
        "d_head": config.n_embd // config.n_head,
        "d_mlp": config.n_inner or 4 * config.n_embd,
        "d_vocab": config.vocab_size,
        "act_fn": config.activation_function,
        "eps": config.layer_norm_epsilon,
        "positional_embedding_type": "rotary",
        "rotary_dim": config.rotary_dim,
        "rotary_adjacent_pairs": True,
        "parallel_attn_mlp": True,
        "tied_embeddings": bool(config.tie_word_embeddings),
    }


GPTJ = Family(
    model_types=("gptj",),
    config=gptj_config,
    prefix="transformer.",
    ignored=(r"\.attn\.bias$", r"\.attn\.masked_bias$", r"\.embed_positions$"),
    weights={
        "embed.W_E": Weight("wte.weight"),
        **norm("blocks.{l}.ln1", "h.{l}.ln_1", has_bias=True),
        **norm("blocks.{l}.ln2", "h.{l}.ln_1", has_bias=True),
        **attention("h.{l}.attn", "q_proj", "k_proj", "v_proj", "out_proj"),
        **linear("blocks.{l}.mlp", "in", "h.{l}.mlp.fc_in"),
        **linear("blocks.{l}.mlp", "out", "h.{l}.mlp.fc_out"),
        **norm("ln_final", "ln_f", has_bias=True),
        "unembed.W_U": Weight("lm_head.weight", MATRIX),
        "unembed.b_U": Weight("lm_head.bias"),
    },
)
