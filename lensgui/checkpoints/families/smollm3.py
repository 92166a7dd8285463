"""SmolLM3: LLaMA of which every fourth layer has no positions (Bakouch et al. 2025)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family
from lensgui.checkpoints.families.hf_fields import window_by_layer
from lensgui.checkpoints.families.llama import BUFFERS, LLAMA_WEIGHTS, llama_config


def smollm3_config(config: Any) -> dict[str, Any]:
    """Return our fields of a SmolLM3 config."""
    rotates = tuple(bool(turns) for turns in config.no_rope_layers)
    windows = window_by_layer(config) if config.use_sliding_window else {}
    return {**llama_config(config), **windows, "rotary_layers": rotates}


SMOLLM3 = Family(
    model_types=("smollm3",),
    config=smollm3_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=LLAMA_WEIGHTS,
)
