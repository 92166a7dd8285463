"""EXAONE 4 (LG AI Research 2025): norms only after; with windows, layers without do not rotate."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family
from lensgui.checkpoints.families.hf_fields import turning_where_sliding, window_by_layer
from lensgui.checkpoints.families.llama import llama_config
from lensgui.checkpoints.families.olmo import AFTER_NORMED


def exaone4_config(config: Any) -> dict[str, Any]:
    """Return our fields of an EXAONE 4 config."""
    return {
        **llama_config(config),
        **window_by_layer(config),
        **(turning_where_sliding(config) if config.sliding_window else {}),
        "use_normalization_after_only": True,
        "use_qk_norm": True,
    }


EXAONE4 = Family(
    model_types=("exaone4",),
    config=exaone4_config,
    prefix="model.",
    prepend_bos=None,
    weights=AFTER_NORMED,
)
