"""Mistral: LLaMA with a sliding window (Jiang et al. 2023)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family
from lensgui.checkpoints.families.hf_fields import window_by_layer, window_everywhere
from lensgui.checkpoints.families.llama import BUFFERS, LLAMA_WEIGHTS, llama_config


def mistral_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Mistral config."""
    return {**llama_config(config), **window_everywhere(config)}


def ministral_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Ministral config: some layers have the window."""
    return {**llama_config(config), **window_by_layer(config)}


MISTRAL = Family(
    model_types=("mistral",),
    config=mistral_config,
    prefix="model.",
    ignored=BUFFERS,
    weights=LLAMA_WEIGHTS,
)

MINISTRAL = Family(
    model_types=("ministral",),
    config=ministral_config,
    prefix="model.",
    ignored=BUFFERS,
    weights=LLAMA_WEIGHTS,
)
