"""What Hugging Face configs say of sliding windows and rotary scaling, in our fields."""

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
    layer_types = getattr(config, "layer_types", None) or ()
    for layer_type in layer_types:
        if layer_type not in types:
            raise ValueError(
                f"{config.model_type} with layers of type {layer_type!r} is not supported."
            )
    if "sliding_attention" not in layer_types:
        return {}
    if not config.sliding_window:
        raise ValueError(f"{config.model_type} with sliding layers but no window is not supported.")
    kinds = tuple(types[layer_type] for layer_type in layer_types)
    return {"window_size": config.sliding_window, "attn_types": kinds}


def turning_where_sliding(config: Any) -> dict[str, Any]:
    """Return our fields for a rotation that only the layers with a window have."""
    return {"rotary_layers": tuple(kind == "sliding_attention" for kind in config.layer_types)}


def rope_fields(config: Any, layer_type: str | None = None) -> dict[str, Any]:
    """Return our rotary fields from a Hugging Face config.

    Long-context scaling is worked out by transformers. LongRoPE has other frequencies for prompts
    longer than the model was first trained on: `n_ctx` is that length then, so that one prompt's
    keys never turn otherwise than another's.

    Args:
        config: The Hugging Face config.
        layer_type: Whose settings, where layers of several types have their own.

    Raises:
        ValueError: If the kind of scaling is not known.
    """
    parameters: dict[str, Any] = dict(getattr(config, "rope_parameters", None) or {})
    if layer_type is not None:
        parameters = dict(parameters[layer_type])
    kind = parameters.get("rope_type", "default")
    theta: Any = parameters.get("rope_theta") or getattr(config, "rope_theta", 10000.0)
    heads = config.num_attention_heads
    d_head = getattr(config, "head_dim", None) or config.hidden_size // heads
    fields: dict[str, Any] = {
        "positional_embedding_type": "rotary",
        "rotary_base": float(theta),
        "rotary_dim": int(d_head * (parameters.get("partial_rotary_factor") or 1.0)),
    }
    if kind == "default":
        return fields
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    if kind not in ROPE_INIT_FUNCTIONS:
        raise ValueError(f"Rotary scaling {kind!r} is not known to lensgui.")
    types = {} if layer_type is None else {"layer_type": layer_type}
    frequencies, factor = ROPE_INIT_FUNCTIONS[kind](config, "cpu", **types)
    fields["rotary_frequencies"] = tuple(frequencies.tolist())
    fields["rotary_dim"] = 2 * len(frequencies)
    fields["rotary_scale"] = float(factor)
    if kind == "longrope":
        fields["n_ctx"] = int(parameters["original_max_position_embeddings"])
    return fields
