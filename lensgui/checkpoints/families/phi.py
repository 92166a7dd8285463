"""Phi 1 to 3.5 (Gunasekar et al. 2023; Abdin et al. 2024)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import (
    MATRIX,
    Family,
    Weight,
    attention,
    linear,
    norm,
    stacked_attention,
)
from lensgui.checkpoints.families.hf_fields import window_everywhere
from lensgui.checkpoints.families.llama import (
    ATTENTION,
    BUFFERS,
    EMBEDDINGS,
    PRE_NORMS,
    fused_gated_mlp,
    llama_config,
)
from lensgui.checkpoints.families.mixtral import experts


def phi_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Phi config: attention and MLP side by side behind one norm."""
    return {
        **llama_config(config),
        "eps": config.layer_norm_eps,
        "normalization_type": "LN",
        "gated_mlp": False,
        "parallel_attn_mlp": True,
        "use_qk_norm": config.qk_layernorm,
    }


def phi3_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Phi-3 config."""
    return {**window_everywhere(config), **llama_config(config)}


def phimoe_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Phi-3.5-MoE config: LayerNorms, and experts chosen in turn.

    Raises:
        ValueError: If a token uses other than two experts.
    """
    if config.num_experts_per_tok != 2:
        raise ValueError("Phi-MoE with num_experts_per_tok other than 2 is not supported.")
    fields = {
        **window_everywhere(config),
        **llama_config(config),
        "normalization_type": "LN",
        "num_experts": config.num_local_experts,
        "experts_per_token": config.num_experts_per_tok,
        "expert_weighting": "sparsemixer",
        "router_tolerance": 2 * config.router_jitter_noise,
    }
    if config.rope_parameters["rope_type"] != "default":
        fields["rotary_scale"] = float(config.rope_parameters["short_mscale"])
    return fields


_ATTENTION = "layers.{l}.self_attn"

PHI = Family(
    model_types=("phi",),
    config=phi_config,
    prefix="model.",
    ignored=BUFFERS,
    weights={
        **EMBEDDINGS,
        "unembed.b_U": Weight("lm_head.bias"),
        **norm("blocks.{l}.ln1", "layers.{l}.input_layernorm", has_bias=True),
        **norm("blocks.{l}.ln2", "layers.{l}.input_layernorm", has_bias=True),
        **attention(_ATTENTION, "q_proj", "k_proj", "v_proj", "dense"),
        **norm("blocks.{l}.attn.q_norm", f"{_ATTENTION}.q_layernorm", has_bias=True),
        **norm("blocks.{l}.attn.k_norm", f"{_ATTENTION}.k_layernorm", has_bias=True),
        **linear("blocks.{l}.mlp", "in", "layers.{l}.mlp.fc1"),
        **linear("blocks.{l}.mlp", "out", "layers.{l}.mlp.fc2"),
        **norm("ln_final", "final_layernorm", has_bias=True),
    },
)

_MOE = "layers.{l}.block_sparse_moe"

PHIMOE = Family(
    model_types=("phimoe",),
    config=phimoe_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={
        **EMBEDDINGS,
        "unembed.b_U": Weight("lm_head.bias", is_optional=True),
        **norm("blocks.{l}.ln1", "layers.{l}.input_layernorm", has_bias=True),
        **norm("blocks.{l}.ln2", "layers.{l}.post_attention_layernorm", has_bias=True),
        **ATTENTION,
        "blocks.{l}.mlp.W_router": Weight(
            f"{_MOE}.gate.weight", MATRIX, otherwise=Weight("layers.{l}.mlp.router.weight", MATRIX)
        ),
        **experts(f"{_MOE}.experts", "w1", "w3", "w2"),
        **norm("ln_final", "norm", has_bias=True),
    },
)

PHI3 = Family(
    model_types=("phi3",),
    config=phi3_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={
        **EMBEDDINGS,
        **PRE_NORMS,
        **stacked_attention(_ATTENTION, "qkv_proj", "o_proj"),
        **fused_gated_mlp("layers.{l}.mlp"),
        **norm("ln_final", "norm"),
    },
)
