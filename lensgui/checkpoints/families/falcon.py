"""Falcon: attention and MLP side by side, behind one norm or two (Almazrouei et al. 2023)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import MATRIX, WRITER, Family, Weight, linear, norm
from lensgui.checkpoints.families.hf_fields import rope_fields


def falcon_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Falcon config.

    Raises:
        ValueError: If attention is biased against distance, or comes before the MLP.
    """
    if config.alibi:  # rounded to bfloat16 in Hugging Face, at any precision
        raise ValueError("Falcon with ALiBi, as falcon-rw, is not supported.")
    if not config.parallel_attn:
        raise ValueError("Falcon without parallel_attn is not supported.")
    groups = config.num_kv_heads if config.new_decoder_architecture else 1
    if not config.multi_query and not config.new_decoder_architecture:
        groups = config.num_attention_heads
    return {
        "n_layers": config.num_hidden_layers,
        "d_model": config.hidden_size,
        "n_ctx": config.max_position_embeddings,
        "n_heads": config.num_attention_heads,
        "n_key_value_heads": groups,
        "d_head": config.head_dim,
        "d_mlp": config.ffn_hidden_size,
        "d_vocab": config.vocab_size,
        "act_fn": config.activation,
        "eps": config.layer_norm_epsilon,
        "parallel_attn_mlp": True,
        "tied_embeddings": bool(config.tie_word_embeddings),
        **rope_fields(config),
    }


_ATTENTION = "h.{l}.self_attention"


def _reader(pick: int, dims: str, is_bias: bool) -> Weight:
    """Return where queries, keys or values come from: each group's queries, its key, its value."""
    name, inner = ("bias", "") if is_bias else ("weight", "d_model ")
    outer = "d_head" if is_bias else "d_model d_head"
    return Weight(
        f"{_ATTENTION}.query_key_value.{name}",
        f"(kv part d_head) {inner}-> part kv {outer}",
        split=("group", "one", "one"),
        pick=pick,
        then=f"{dims} kv {outer} -> (kv {dims}) {outer}",
        is_optional=is_bias,
    )


def _norm(ours: str, theirs: str) -> dict[str, Weight]:
    """Return the map of one of two norms, or of the one that serves both."""
    return {
        f"{ours}.{letter}": Weight(
            f"h.{{l}}.{theirs}.{kind}", otherwise=Weight(f"h.{{l}}.input_layernorm.{kind}")
        )
        for letter, kind in (("w", "weight"), ("b", "bias"))
    }


FALCON = Family(
    model_types=("falcon",),
    config=falcon_config,
    prefix="transformer.",
    prepend_bos=None,
    weights={
        "embed.W_E": Weight("word_embeddings.weight"),
        **_norm("blocks.{l}.ln1", "ln_attn"),
        **_norm("blocks.{l}.ln2", "ln_mlp"),
        "blocks.{l}.attn.W_Q": _reader(0, "group", is_bias=False),
        "blocks.{l}.attn.W_K": _reader(1, "one", is_bias=False),
        "blocks.{l}.attn.W_V": _reader(2, "one", is_bias=False),
        "blocks.{l}.attn.W_O": Weight(f"{_ATTENTION}.dense.weight", WRITER),
        "blocks.{l}.attn.b_Q": _reader(0, "group", is_bias=True),
        "blocks.{l}.attn.b_K": _reader(1, "one", is_bias=True),
        "blocks.{l}.attn.b_V": _reader(2, "one", is_bias=True),
        "blocks.{l}.attn.b_O": Weight(f"{_ATTENTION}.dense.bias", is_optional=True),
        **linear("blocks.{l}.mlp", "in", "h.{l}.mlp.dense_h_to_4h", is_optional=True),
        **linear("blocks.{l}.mlp", "out", "h.{l}.mlp.dense_4h_to_h", is_optional=True),
        **norm("ln_final", "ln_f", has_bias=True),
        "unembed.W_U": Weight("lm_head.weight", MATRIX),
    },
)
