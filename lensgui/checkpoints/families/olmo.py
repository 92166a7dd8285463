"""OLMo 1 and 2 (Groeneveld et al. 2024; OLMo Team 2024)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, norm
from lensgui.checkpoints.families.hf_fields import rope_fields, window_by_layer
from lensgui.checkpoints.families.llama import (
    ATTENTION,
    BUFFERS,
    EMBEDDINGS,
    MLP,
    QK_NORMS,
    llama_config,
)


def olmo_config(config: Any) -> dict[str, Any]:
    """Return our fields of an OLMo config: LayerNorms without weights, that is, folded ones."""
    return {
        **llama_config(config),
        "normalization_type": "LNPre",
        "clip_qkv": config.clip_qkv or None,
    }


def olmo2_config(config: Any) -> dict[str, Any]:
    """Return our fields of an OLMo 2 config: norms after attention and MLP, none before."""
    return {
        **llama_config(config),
        "use_normalization_after_only": True,
        "use_qk_norm": True,
        "qk_norm_weights": "across_heads",
    }


def olmo3_config(config: Any) -> dict[str, Any]:
    """Return our fields of an OLMo 3 config: layers with a window rotate without scaling.

    Raises:
        ValueError: If their rotation is scaled too.
    """
    local = config.rope_parameters["sliding_attention"]
    if local["rope_type"] != "default":
        raise ValueError("OLMo 3 with scaled rotation in its sliding layers is not supported.")
    return {
        **olmo2_config(config),
        **window_by_layer(config),
        **rope_fields(config, "full_attention"),
        "rotary_base_local": float(local["rope_theta"]),
    }


OLMO = Family(
    model_types=("olmo",),
    config=olmo_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={**EMBEDDINGS, **ATTENTION, **MLP},
)

AFTER_NORMED = {
    **EMBEDDINGS,
    **ATTENTION,
    **MLP,
    **QK_NORMS,
    **norm("blocks.{l}.ln1_post", "layers.{l}.post_attention_layernorm"),
    **norm("blocks.{l}.ln2_post", "layers.{l}.post_feedforward_layernorm"),
    **norm("ln_final", "norm"),
}

OLMO2 = Family(
    model_types=("olmo2",),
    config=olmo2_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=AFTER_NORMED,
)

OLMO3 = Family(
    model_types=("olmo3",),
    config=olmo3_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=AFTER_NORMED,
)
