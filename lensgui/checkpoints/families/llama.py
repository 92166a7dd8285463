"""LLaMA and what is built exactly like it (Touvron et al. 2023)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import MATRIX, Family, Weight, attention, linear, norm
from lensgui.checkpoints.families.hf_fields import rope_fields


def llama_config(config: Any) -> dict[str, Any]:
    """Return our fields of a LLaMA config."""
    heads = config.num_attention_heads
    return {
        "n_layers": config.num_hidden_layers,
        "d_model": config.hidden_size,
        "n_ctx": config.max_position_embeddings,
        "n_heads": heads,
        "n_key_value_heads": config.num_key_value_heads,
        "d_head": getattr(config, "head_dim", None) or config.hidden_size // heads,
        "d_mlp": config.intermediate_size,
        "d_vocab": config.vocab_size,
        "act_fn": getattr(config, "hidden_act", None) or config.hidden_activation,
        "eps": getattr(config, "rms_norm_eps", 1e-5),
        "normalization_type": "RMS",
        "gated_mlp": True,
        "tied_embeddings": bool(config.tie_word_embeddings),
        **rope_fields(config),
    }


EMBEDDINGS = {
    "embed.W_E": Weight("embed_tokens.weight"),
    "unembed.W_U": Weight("lm_head.weight", MATRIX),
}
ATTENTION = attention("layers.{l}.self_attn", "q_proj", "k_proj", "v_proj", "o_proj")
PRE_NORMS = {
    **norm("blocks.{l}.ln1", "layers.{l}.input_layernorm"),
    **norm("blocks.{l}.ln2", "layers.{l}.post_attention_layernorm"),
}
QK_NORMS = {
    **norm("blocks.{l}.attn.q_norm", "layers.{l}.self_attn.q_norm"),
    **norm("blocks.{l}.attn.k_norm", "layers.{l}.self_attn.k_norm"),
}


def gated_mlp(ours: str, theirs: str) -> dict[str, Weight]:
    """Return the map of a gated MLP; biases may be missing."""
    return {
        **linear(ours, "gate", f"{theirs}.gate_proj", is_optional=True),
        **linear(ours, "in", f"{theirs}.up_proj", is_optional=True),
        **linear(ours, "out", f"{theirs}.down_proj", is_optional=True),
    }


def fused_gated_mlp(theirs: str) -> dict[str, Weight]:
    """Return the map of a gated MLP without biases whose gate lies above its linear branch."""
    branches = "(two d_out) d_in -> two d_in d_out"
    return {
        "blocks.{l}.mlp.W_gate": Weight(f"{theirs}.gate_up_proj.weight", branches, pick=0),
        "blocks.{l}.mlp.W_in": Weight(f"{theirs}.gate_up_proj.weight", branches, pick=1),
        "blocks.{l}.mlp.W_out": Weight(f"{theirs}.down_proj.weight", MATRIX),
    }


MLP = gated_mlp("blocks.{l}.mlp", "layers.{l}.mlp")
LLAMA_WEIGHTS = {**EMBEDDINGS, **ATTENTION, **PRE_NORMS, **MLP, **norm("ln_final", "norm")}
BUFFERS = (r"rotary_emb\.inv_freq$",)


def adjacent_config(config: Any) -> dict[str, Any]:
    """Return our fields of a LLaMA whose rotation turns adjacent dimensions: Helium, ERNIE 4.5."""
    return {**llama_config(config), "rotary_adjacent_pairs": True}


LLAMA = Family(
    model_types=("llama", "seed_oss"),
    config=llama_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=LLAMA_WEIGHTS,
)

ADJACENT = Family(
    model_types=("ernie4_5", "helium"),
    config=adjacent_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=LLAMA_WEIGHTS,
)
