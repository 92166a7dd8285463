"""Short names of activations, such as ("pattern", 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

_ACTIVATION_ALIASES = {
    "in": "resid_pre",
    "out": "resid_post",
    "attn": "pattern",
    "attn_logits": "attn_scores",
    "key": "k",
    "query": "q",
    "value": "v",
    "mlp_pre": "pre",
    "mlp_mid": "mid",
    "mlp_post": "post",
}
_LAYER_TYPES = {"a": "attn", "m": "mlp", "b": "", "block": "", "blocks": "", "attention": "attn"}
_IN_ATTENTION = frozenset(
    {"k", "v", "q", "z", "rot_k", "rot_q", "result", "pattern", "attn_scores"}
    | {"q_latent", "kv_latent"}
)
_IN_MLP = frozenset({"pre", "post", "mid", "pre_linear", "expert_weights", "expert_indices"})
_IN_NORM = frozenset({"scale", "normalized"})


def get_act_name(name: str, layer: int | str | None = None, layer_type: str | None = None) -> str:
    """Return the full name of an activation.

    A name with a dot, or that starts with "hook_", is full already. "k6" is ("k", 6) and
    "scale4ln1" is ("scale", 4, "ln1").

    Args:
        name: The short name.
        layer: The layer, if the name does not say.
        layer_type: "attn" or "mlp", or for a norm which one, if the name does not say.

    Returns:
        The full name, such as "blocks.6.attn.hook_k".
    """
    if ("." in name or name.startswith("hook_")) and layer is None and layer_type is None:
        return name
    match = re.fullmatch(r"([a-z]+)(\d+)([a-z]?.*)", name)
    if match:
        name, layer, layer_type = match[1], match[2], match[3] or layer_type
    if layer_type in _LAYER_TYPES:
        layer_type = _LAYER_TYPES[layer_type]
    name = _ACTIVATION_ALIASES.get(name, name)
    if name in _IN_ATTENTION:
        layer_type = "attn"
    elif name in _IN_MLP:
        layer_type = "mlp"
    if layer is None:
        return f"ln_final.hook_{name}" if name in _IN_NORM else f"hook_{name}"
    inside = f"{layer_type}." if layer_type else ""
    return f"blocks.{layer}.{inside}hook_{name}"


def nearest_names(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return the known activation names that look most like one that is not known."""
    return get_close_matches(name, list(known), n=count, cutoff=0.4)
