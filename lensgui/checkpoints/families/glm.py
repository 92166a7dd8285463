"""GLM-4 (GLM Team 2024): half of each head rotates, in adjacent pairs; later ones norm twice."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, norm
from lensgui.checkpoints.families.llama import (
    ATTENTION,
    BUFFERS,
    EMBEDDINGS,
    PRE_NORMS,
    fused_gated_mlp,
    llama_config,
)


def glm_config(config: Any) -> dict[str, Any]:
    """Return our fields of a GLM config."""
    return {**llama_config(config), "rotary_adjacent_pairs": True}


def glm4_config(config: Any) -> dict[str, Any]:
    """Return our fields of a GLM-4-0414 config: outputs are normalised too."""
    return {**glm_config(config), "use_normalization_before_and_after": True}


_WEIGHTS = {
    **EMBEDDINGS,
    **ATTENTION,
    **PRE_NORMS,
    **fused_gated_mlp("layers.{l}.mlp"),
    **norm("ln_final", "norm"),
}

GLM = Family(
    model_types=("glm",),
    config=glm_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=_WEIGHTS,
)

GLM4 = Family(
    model_types=("glm4",),
    config=glm4_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={
        **_WEIGHTS,
        **norm("blocks.{l}.ln1_post", "layers.{l}.post_self_attn_layernorm"),
        **norm("blocks.{l}.ln2_post", "layers.{l}.post_mlp_layernorm"),
    },
)
