"""Mixtures of experts built like LLaMA: Mixtral (Jiang et al. 2024), Qwen-MoE, OLMoE, Granite.

In memory transformers keeps all experts in one tensor, gate above linear branch; files keep a
tensor for each.
"""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import MATRIX, Family, Weight
from lensgui.checkpoints.families.granite import granite_config
from lensgui.checkpoints.families.hf_fields import window_by_layer, window_everywhere
from lensgui.checkpoints.families.llama import (
    BUFFERS,
    LLAMA_WEIGHTS,
    QK_NORMS,
    gated_mlp,
    llama_config,
)


def mixtral_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Mixtral config."""
    return {
        **llama_config(config),
        **window_everywhere(config),
        "num_experts": config.num_local_experts,
        "experts_per_token": config.num_experts_per_tok,
        "norm_topk_prob": True,
    }


def _qwen_config(config: Any) -> dict[str, Any]:
    """Return what Qwen's mixtures share."""
    sparse = (
        layer not in config.mlp_only_layers and (layer + 1) % config.decoder_sparse_step == 0
        for layer in range(config.num_hidden_layers)
    )
    return {
        **llama_config(config),
        "num_experts": config.num_experts,
        "experts_per_token": config.num_experts_per_tok,
        "d_expert": config.moe_intermediate_size,
        "expert_layers": tuple(sparse),
        "norm_topk_prob": config.norm_topk_prob,
    }


def qwen2_moe_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Qwen2-MoE config."""
    return {
        **_qwen_config(config),
        **window_by_layer(config),
        "d_shared_expert": config.shared_expert_intermediate_size,
    }


def qwen3_moe_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Qwen3-MoE config."""
    return {**_qwen_config(config), **window_everywhere(config), "use_qk_norm": True}


def olmoe_config(config: Any) -> dict[str, Any]:
    """Return our fields of an OLMoE config (Muennighoff et al. 2024).

    Raises:
        ValueError: If queries are clamped, which it does after their norm.
    """
    if config.clip_qkv is not None:
        raise ValueError("OLMoE with clip_qkv is not supported.")
    return {
        **llama_config(config),
        "num_experts": config.num_experts,
        "experts_per_token": config.num_experts_per_tok,
        "norm_topk_prob": config.norm_topk_prob,
        "use_qk_norm": True,
        "qk_norm_weights": "across_heads",
    }


def granitemoe_config(config: Any) -> dict[str, Any]:
    """Return our fields of a Granite MoE config."""
    return {
        **granite_config(config),
        "num_experts": config.num_local_experts,
        "experts_per_token": config.num_experts_per_tok,
        "norm_topk_prob": True,
    }


def experts(theirs: str, gate: str, linear: str, out: str, dense: str = "") -> dict[str, Weight]:
    """Return the map of experts.

    Args:
        theirs: What holds the experts in a file.
        gate: An expert's gate layer in a file; linear and out likewise.
        linear: Its linear branch.
        out: Its output layer.
        dense: What holds the plain MLP of a layer without experts, layers named likewise.
    """
    weights = {}
    branches = "expert (two d_expert) d_model -> two expert d_model d_expert"
    fused = "layers.{l}.mlp.experts"
    for name, layer in (("gate", gate), ("in", linear), ("out", out)):
        plain = Weight(f"{dense}.{layer}.weight", MATRIX) if dense else None
        single = Weight(f"{theirs}.{{i}}.{layer}.weight", MATRIX, otherwise=plain)
        weights[f"blocks.{{l}}.mlp.W_{name}"] = (
            Weight(
                f"{fused}.down_proj",
                "expert d_model d_expert -> expert d_expert d_model",
                otherwise=single,
            )
            if name == "out"
            else Weight(f"{fused}.gate_up_proj", branches, pick=int(name == "in"), otherwise=single)
        )
    return weights


_REST = {
    name: weight for name, weight in LLAMA_WEIGHTS.items() if not name.startswith("blocks.{l}.mlp")
}
_ROUTER = Weight("layers.{l}.mlp.gate.weight", MATRIX)
_QWEN = experts(
    "layers.{l}.mlp.experts", "gate_proj", "up_proj", "down_proj", dense="layers.{l}.mlp"
)

MIXTRAL = Family(
    model_types=("mixtral",),
    config=mixtral_config,
    prefix="model.",
    ignored=BUFFERS,
    weights={
        **_REST,
        "blocks.{l}.mlp.W_router": Weight(
            "layers.{l}.block_sparse_moe.gate.weight", MATRIX, otherwise=_ROUTER
        ),
        **experts("layers.{l}.block_sparse_moe.experts", "w1", "w3", "w2"),
    },
)

QWEN2_MOE = Family(
    model_types=("qwen2_moe",),
    config=qwen2_moe_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={
        **_REST,
        "blocks.{l}.mlp.W_router": _ROUTER,
        **_QWEN,
        **gated_mlp("blocks.{l}.mlp.shared", "layers.{l}.mlp.shared_expert"),
        "blocks.{l}.mlp.W_shared_gate": Weight("layers.{l}.mlp.shared_expert_gate.weight", MATRIX),
    },
)

QWEN3_MOE = Family(
    model_types=("qwen3_moe",),
    config=qwen3_moe_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={**_REST, **QK_NORMS, "blocks.{l}.mlp.W_router": _ROUTER, **_QWEN},
)

OLMOE = Family(
    model_types=("olmoe",),
    config=olmoe_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={**_REST, **QK_NORMS, "blocks.{l}.mlp.W_router": _ROUTER, **_QWEN},
)

_MOE = "layers.{l}.block_sparse_moe"
_GATED = "expert (two d_expert) d_model -> two expert d_model d_expert"
_OUT = "expert d_model d_expert -> expert d_expert d_model"

GRANITEMOE = Family(
    model_types=("granitemoe",),
    config=granitemoe_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={
        **_REST,
        "blocks.{l}.mlp.W_router": Weight(
            f"{_MOE}.router.layer.weight", MATRIX, otherwise=Weight(f"{_MOE}.router.weight", MATRIX)
        ),
        **{
            f"blocks.{{l}}.mlp.W_{name}": Weight(
                f"{_MOE}.input_linear.weight",
                _GATED,
                pick=pick,
                otherwise=Weight(f"{_MOE}.experts.gate_up_proj", _GATED, pick=pick),
            )
            for pick, name in enumerate(("gate", "in"))
        },
        "blocks.{l}.mlp.W_out": Weight(
            f"{_MOE}.output_linear.weight",
            _OUT,
            otherwise=Weight(f"{_MOE}.experts.down_proj", _OUT),
        ),
    },
)
