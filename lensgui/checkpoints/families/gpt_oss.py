"""gpt-oss: experts with clamped gates, attention sinks, a window in every other layer (2025)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, Weight, linear, norm
from lensgui.checkpoints.families.hf_fields import window_by_layer
from lensgui.checkpoints.families.llama import (
    ATTENTION,
    BUFFERS,
    EMBEDDINGS,
    PRE_NORMS,
    llama_config,
)


def gpt_oss_config(config: Any) -> dict[str, Any]:
    """Return our fields of a gpt-oss config.

    Raises:
        ValueError: If the gate's slope is not GELU's.
    """
    if config.swiglu_alpha != 1.702:
        raise ValueError("gpt-oss with swiglu_alpha other than 1.702 is not supported.")
    return {
        **llama_config(config),
        **window_by_layer(config),
        "act_fn": "quick_gelu",
        "gate_limit": config.swiglu_limit,
        "use_attn_sinks": True,
        "num_experts": config.num_local_experts,
        "experts_per_token": config.num_experts_per_tok,
        "norm_topk_prob": True,
    }


_EXPERTS = "layers.{l}.mlp.experts"
_BRANCHES = "expert d_model (d_expert two) -> two expert d_model d_expert"
_BIASES = "expert (d_expert two) -> two expert d_expert"

GPT_OSS = Family(
    model_types=("gpt_oss",),
    config=gpt_oss_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={
        **EMBEDDINGS,
        **ATTENTION,
        "blocks.{l}.attn.sinks": Weight("layers.{l}.self_attn.sinks"),
        **PRE_NORMS,
        **linear("blocks.{l}.mlp", "router", "layers.{l}.mlp.router"),
        "blocks.{l}.mlp.W_gate": Weight(f"{_EXPERTS}.gate_up_proj", _BRANCHES, pick=0),
        "blocks.{l}.mlp.b_gate": Weight(f"{_EXPERTS}.gate_up_proj_bias", _BIASES, pick=0),
        "blocks.{l}.mlp.W_in": Weight(f"{_EXPERTS}.gate_up_proj", _BRANCHES, pick=1),
        "blocks.{l}.mlp.b_in": Weight(f"{_EXPERTS}.gate_up_proj_bias", _BIASES, pick=1),
        "blocks.{l}.mlp.W_out": Weight(f"{_EXPERTS}.down_proj"),
        "blocks.{l}.mlp.b_out": Weight(f"{_EXPERTS}.down_proj_bias"),
        **norm("ln_final", "norm"),
    },
)
