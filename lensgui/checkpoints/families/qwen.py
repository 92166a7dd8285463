"""Qwen 2 and 3: LLaMA with biases, or with normalised queries and keys (Qwen Team 2024, 2025)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family
from lensgui.checkpoints.families.hf_fields import window_by_layer
from lensgui.checkpoints.families.llama import BUFFERS, LLAMA_WEIGHTS, QK_NORMS, llama_config


def qwen2_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Qwen2 config."""
    return {**llama_config(config), **window_by_layer(config)}


def qwen3_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Qwen3 config."""
    return {**qwen2_config(config), "use_qk_norm": True}


QWEN2 = Family(
    model_types=("qwen2",),
    config=qwen2_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=LLAMA_WEIGHTS,
)

QWEN3 = Family(
    model_types=("qwen3",),
    config=qwen3_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={**LLAMA_WEIGHTS, **QK_NORMS},
)
