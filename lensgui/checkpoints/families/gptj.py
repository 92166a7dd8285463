"""GPT-J: attention and MLP side by side behind one norm (Wang & Komatsuzaki 2021); CodeGen.

CodeGen (Nijkamp et al. 2022) keeps queries, values and keys in one tensor, a quarter of the heads
at a time.
"""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import (
    MATRIX,
    WRITER,
    Family,
    Weight,
    attention,
    linear,
    norm,
)


def gptj_config(config: Any) -> dict[str, Any]:
    """Return our fields of a GPT-J config.

    Raises:
        ValueError: If all of a head's dimensions rotate.
    """
    if config.rotary_dim is None:  # Hugging Face then turns by angles made for d_model dimensions
        raise ValueError(f"{config.model_type} without rotary_dim is not supported.")
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


def codegen_config(config: Any) -> dict[str, Any]:
    """Return our fields of a CodeGen config.

    Raises:
        ValueError: As for GPT-J, or if heads can't be quartered.
    """
    if config.n_head % 4:
        raise ValueError("CodeGen whose heads are no multiple of 4 is not supported.")
    return gptj_config(config)


_BUFFERS = (r"\.attn\.(bias|masked_bias|causal_mask)$", r"\.embed_positions$")
_QUARTERS = "(four three local d_head) d_model -> three (four local) d_model d_head"
_SHARED = {
    "embed.W_E": Weight("wte.weight"),
    **norm("blocks.{l}.ln1", "h.{l}.ln_1", has_bias=True),
    **norm("blocks.{l}.ln2", "h.{l}.ln_1", has_bias=True),
    **linear("blocks.{l}.mlp", "in", "h.{l}.mlp.fc_in"),
    **linear("blocks.{l}.mlp", "out", "h.{l}.mlp.fc_out"),
    **norm("ln_final", "ln_f", has_bias=True),
    "unembed.W_U": Weight("lm_head.weight", MATRIX),
    "unembed.b_U": Weight("lm_head.bias"),
}

GPTJ = Family(
    model_types=("gptj",),
    config=gptj_config,
    prefix="transformer.",
    ignored=_BUFFERS,
    weights={**_SHARED, **attention("h.{l}.attn", "q_proj", "k_proj", "v_proj", "out_proj")},
)

CODEGEN = Family(
    model_types=("codegen",),
    config=codegen_config,
    prefix="transformer.",
    ignored=_BUFFERS,
    weights={
        **_SHARED,
        "blocks.{l}.attn.W_Q": Weight("h.{l}.attn.qkv_proj.weight", _QUARTERS, pick=0),
        "blocks.{l}.attn.W_V": Weight("h.{l}.attn.qkv_proj.weight", _QUARTERS, pick=1),
        "blocks.{l}.attn.W_K": Weight("h.{l}.attn.qkv_proj.weight", _QUARTERS, pick=2),
        "blocks.{l}.attn.W_O": Weight("h.{l}.attn.out_proj.weight", WRITER),
    },
)
