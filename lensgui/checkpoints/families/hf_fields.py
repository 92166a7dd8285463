"""Sliding windows of Hugging Face configs."""

from __future__ import annotations

from typing import Any


def window_everywhere(config: Any) -> dict[str, Any]:
    """Return our fields for a window that every layer has, if the config sets one."""
    if not config.sliding_window:
        return {}
    kinds = ("local",) * config.num_hidden_layers
    return {"window_size": config.sliding_window, "attn_types": kinds}


def window_by_layer(config: Any) -> dict[str, Any]:
    """Return our fields for a window that the layers of type "sliding_attention" have.

    Raises:
        ValueError: If a layer's attention is of a type that is not supported, or a window has no
            size.
    """
    types = {"full_attention": "global", "sliding_attention": "local"}
    for layer_type in config.layer_types:
        if layer_type not in types:
            raise ValueError(
                f"{config.model_type} with layers of type {layer_type!r} is not supported."
            )
    if "sliding_attention" not in config.layer_types:
        return {}
    if not config.sliding_window:
        raise ValueError(f"{config.model_type} with sliding layers but no window is not supported.")
    kinds = tuple(types[layer_type] for layer_type in config.layer_types)
    return {"window_size": config.sliding_window, "attn_types": kinds}
