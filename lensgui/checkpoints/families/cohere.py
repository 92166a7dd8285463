"""Command R: attention and MLP side by side behind one norm, scaled logits (Cohere 2024)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, norm
from lensgui.checkpoints.families.hf_fields import turning_where_sliding, window_by_layer
from lensgui.checkpoints.families.llama import (
    ATTENTION,
    BUFFERS,
    EMBEDDINGS,
    MLP,
    QK_NORMS,
    llama_config,
)


def cohere_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Cohere config."""
    return {
        **llama_config(config),
        "eps": config.layer_norm_eps,
        "normalization_type": "LN",
        "rotary_adjacent_pairs": True,
        "parallel_attn_mlp": True,
        "logit_scale": config.logit_scale,
        "use_qk_norm": getattr(config, "use_qk_norm", False),
        "qk_norm_weights": "per_head",
    }


def cohere2_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Cohere 2 config: layers without a window do not rotate."""
    return {**cohere_config(config), **window_by_layer(config), **turning_where_sliding(config)}


_WEIGHTS = {
    **EMBEDDINGS,
    **ATTENTION,
    **MLP,
    **norm("blocks.{l}.ln1", "layers.{l}.input_layernorm"),
    **norm("blocks.{l}.ln2", "layers.{l}.input_layernorm"),
    **norm("ln_final", "norm"),
}

COHERE = Family(
    model_types=("cohere",),
    config=cohere_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={**_WEIGHTS, **QK_NORMS},
)

COHERE2 = Family(
    model_types=("cohere2",),
    config=cohere2_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=_WEIGHTS,
)
