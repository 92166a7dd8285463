"""StarCoder2 (Lozhkov et al. 2024)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, linear, norm
from lensgui.checkpoints.families.hf_fields import window_everywhere
from lensgui.checkpoints.families.llama import ATTENTION, BUFFERS, EMBEDDINGS, llama_config


def starcoder2_config(config: Any) -> dict[str, Any]:
    """Return our fields of a StarCoder2 config."""
    return {
        **llama_config(config),
        **window_everywhere(config),
        "normalization_type": "LN",
        "eps": config.norm_epsilon,
        "gated_mlp": False,
    }


STARCODER2 = Family(
    model_types=("starcoder2",),
    config=starcoder2_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={
        **EMBEDDINGS,
        **ATTENTION,
        **norm("blocks.{l}.ln1", "layers.{l}.input_layernorm", has_bias=True),
        **norm("blocks.{l}.ln2", "layers.{l}.post_attention_layernorm", has_bias=True),
        **linear("blocks.{l}.mlp", "in", "layers.{l}.mlp.c_fc", is_optional=True),
        **linear("blocks.{l}.mlp", "out", "layers.{l}.mlp.c_proj", is_optional=True),
        **norm("ln_final", "norm", has_bias=True),
    },
)
