"""Granite: LLaMA with multipliers at embeddings, outputs, attention and logits (IBM 2024)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family
from lensgui.checkpoints.families.llama import BUFFERS, LLAMA_WEIGHTS, llama_config


def granite_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Granite config."""
    return {
        **llama_config(config),
        "embedding_multiplier": float(config.embedding_multiplier),
        "residual_multiplier": float(config.residual_multiplier),
        "attn_scale": 1.0 / config.attention_multiplier,
        "logit_scale": 1.0 / config.logits_scaling,
    }


GRANITE = Family(
    model_types=("granite",),
    config=granite_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=LLAMA_WEIGHTS,
)
