"""Gemma 1 to 3, text only (Gemma Team 2024, 2025).

Their norms multiply by 1 + weight; ours hold that sum.
"""

from __future__ import annotations

from typing import Any

import torch

from lensgui.checkpoints.families.family import Family, Weight
from lensgui.checkpoints.families.hf_fields import rope_fields, window_by_layer
from lensgui.checkpoints.families.llama import ATTENTION, BUFFERS, EMBEDDINGS, MLP, llama_config


def gemma_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Gemma config.

    Raises:
        ValueError: If attention looks ahead.
    """
    if getattr(config, "use_bidirectional_attention", None):
        raise ValueError(f"{config.model_type} with bidirectional attention is not supported.")
    root = torch.tensor(config.hidden_size**0.5)  # in float32, as Hugging Face keeps it
    return {**llama_config(config), "embedding_multiplier": root.item()}


def gemma2_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Gemma 2 config."""
    return {
        **gemma_config(config),
        **window_by_layer(config),
        "use_normalization_before_and_after": True,
        "attn_scale": config.query_pre_attn_scalar**0.5,
        "attn_scores_soft_cap": config.attn_logit_softcapping or None,
        "output_logits_soft_cap": config.final_logit_softcapping or None,
    }


def vaultgemma_config(config: Any) -> dict[str, Any]:
    """Return our fields of a VaultGemma config: Gemma 2 without the norms after."""
    return {**gemma2_config(config), "use_normalization_before_and_after": False}


def gemma3_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Gemma 3 config.

    Raises:
        ValueError: If the rotation of layers with a window is scaled.
    """
    local = config.rope_parameters["sliding_attention"]
    if local["rope_type"] != "default":
        raise ValueError("Gemma 3 with scaled rotation in its sliding layers is not supported.")
    if config.attn_logit_softcapping:  # Hugging Face's attention leaves it out
        raise ValueError("Gemma 3 with soft-capped attention scores is not supported.")
    return {
        **gemma2_config(config),
        **rope_fields(config, "full_attention"),
        "rotary_base_local": float(local["rope_theta"]),
        "use_qk_norm": True,
    }


def _norms(names: dict[str, str]) -> dict[str, Weight]:
    return {f"{ours}.w": Weight(f"{theirs}.weight", plus=1.0) for ours, theirs in names.items()}


_SHARED = {**EMBEDDINGS, **ATTENTION, **MLP, **_norms({"ln_final": "norm"})}
_GEMMA2 = {
    **_SHARED,
    **_norms(
        {
            "blocks.{l}.ln1": "layers.{l}.input_layernorm",
            "blocks.{l}.ln1_post": "layers.{l}.post_attention_layernorm",
            "blocks.{l}.ln2": "layers.{l}.pre_feedforward_layernorm",
            "blocks.{l}.ln2_post": "layers.{l}.post_feedforward_layernorm",
        }
    ),
}

GEMMA = Family(
    model_types=("gemma",),
    config=gemma_config,
    prefix="model.",
    ignored=BUFFERS,
    weights={
        **_SHARED,
        **_norms(
            {
                "blocks.{l}.ln1": "layers.{l}.input_layernorm",
                "blocks.{l}.ln2": "layers.{l}.post_attention_layernorm",
            }
        ),
    },
)

GEMMA2 = Family(
    model_types=("gemma2",),
    config=gemma2_config,
    prefix="model.",
    ignored=BUFFERS,
    weights=_GEMMA2,
)

GEMMA3 = Family(
    model_types=("gemma3_text",),
    config=gemma3_config,
    prefix="model.",
    ignored=BUFFERS,
    weights={
        **_GEMMA2,
        **_norms(
            {
                "blocks.{l}.attn.q_norm": "layers.{l}.self_attn.q_norm",
                "blocks.{l}.attn.k_norm": "layers.{l}.self_attn.k_norm",
            }
        ),
    },
)

VAULTGEMMA = Family(
    model_types=("vaultgemma",),
    config=vaultgemma_config,
    prefix="model.",
    ignored=BUFFERS,
    weights={
        **_SHARED,
        **_norms(
            {
                "blocks.{l}.ln1": "layers.{l}.input_layernorm",
                "blocks.{l}.ln2": "layers.{l}.pre_feedforward_layernorm",
            }
        ),
    },
)
