"""Nemotron (NVIDIA 2024) and others whose MLP is a squared ReLU without a gate: AFM, Jais 2."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, Weight, linear, norm
from lensgui.checkpoints.families.llama import (
    ATTENTION,
    BUFFERS,
    EMBEDDINGS,
    PRE_NORMS,
    llama_config,
)


def arcee_config(config: Any) -> dict[str, Any]:
    """Return our fields of an AFM config."""
    return {**llama_config(config), "gated_mlp": False}


def jais2_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Jais 2 config."""
    return {**arcee_config(config), "eps": config.layer_norm_eps, "normalization_type": "LN"}


def nemotron_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Nemotron config."""
    return {**arcee_config(config), "eps": config.norm_eps, "normalization_type": "LN"}


_NORMS = {
    "blocks.{l}.ln1": "layers.{l}.input_layernorm",
    "blocks.{l}.ln2": "layers.{l}.post_attention_layernorm",
    "ln_final": "norm",
}
_SHARED = {
    **EMBEDDINGS,
    **ATTENTION,
    **linear("blocks.{l}.mlp", "in", "layers.{l}.mlp.up_proj", is_optional=True),
    **linear("blocks.{l}.mlp", "out", "layers.{l}.mlp.down_proj", is_optional=True),
}
_BIASES = {f"{ours}.b": Weight(f"{theirs}.bias") for ours, theirs in _NORMS.items()}

ARCEE = Family(
    model_types=("arcee",),
    config=arcee_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={**_SHARED, **PRE_NORMS, **norm("ln_final", "norm")},
)

JAIS2 = Family(
    model_types=("jais2",),
    config=jais2_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={**_SHARED, **PRE_NORMS, **norm("ln_final", "norm"), **_BIASES},
)

NEMOTRON = Family(
    model_types=("nemotron",),
    config=nemotron_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={  # its norms multiply by 1 + weight
        **_SHARED,
        **{f"{ours}.w": Weight(f"{theirs}.weight", plus=1.0) for ours, theirs in _NORMS.items()},
        **_BIASES,
    },
)
