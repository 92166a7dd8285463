"""DeepSeek V2 and V3: latent attention, and many experts in groups (DeepSeek-AI 2024)."""

from __future__ import annotations

import math
from typing import Any

from lensgui.checkpoints.families.family import MATRIX, READER, Family, Weight, norm
from lensgui.checkpoints.families.llama import BUFFERS, LLAMA_WEIGHTS, gated_mlp, llama_config
from lensgui.checkpoints.families.mixtral import experts


def _deepseek_config(config: Any) -> dict[str, Any]:
    """Return what both share."""
    d_head = config.qk_nope_head_dim + config.qk_rope_head_dim
    dense = config.first_k_dense_replace
    return {
        **llama_config(config),
        "n_key_value_heads": None,
        "d_head": d_head,
        "d_value": config.v_head_dim,
        "kv_rank": config.kv_lora_rank,
        "q_rank": config.q_lora_rank,
        "attn_scale": d_head**0.5 / _scores_factor(config.rope_parameters),
        "num_experts": config.n_routed_experts,
        "experts_per_token": config.num_experts_per_tok,
        "d_expert": config.moe_intermediate_size,
        "expert_layers": tuple(layer >= dense for layer in range(config.num_hidden_layers)),
        "d_shared_expert": config.moe_intermediate_size * config.n_shared_experts,
        "shared_expert_gate": False,
        "expert_scale": config.routed_scaling_factor,
    }


def _scores_factor(rope: dict[str, Any]) -> float:
    """Return what scores are multiplied by where rotation is scaled."""
    share = rope.get("mscale_all_dim") or 0.0
    if rope["rope_type"] == "default" or not share or rope["factor"] <= 1:
        return 1.0
    return float(0.1 * share * math.log(rope["factor"]) + 1.0) ** 2


def deepseek_v2_config(config: Any) -> dict[str, Any]:
    """Return our fields of a DeepSeek V2 config.

    Raises:
        ValueError: If MLPs have biases, or experts are chosen or weighed in another way.
    """
    if config.mlp_bias:
        raise ValueError("DeepSeek V2 with mlp_bias is not supported.")
    if config.norm_topk_prob:
        raise ValueError("DeepSeek V2 with norm_topk_prob is not supported.")
    fields = {**_deepseek_config(config), "rotary_adjacent_pairs": True}
    if config.topk_method == "group_limited_greedy":
        return {**fields, "expert_groups": config.n_group, "groups_per_token": config.topk_group}
    if config.topk_method != "greedy":
        raise ValueError(f"DeepSeek V2 with topk_method {config.topk_method!r} is not supported.")
    return fields


def deepseek_v3_config(config: Any) -> dict[str, Any]:
    """Return our fields of a DeepSeek V3 config."""
    return {
        **_deepseek_config(config),
        "rotary_adjacent_pairs": bool(config.rope_interleave),
        "expert_groups": config.n_group,
        "groups_per_token": config.topk_group,
        "group_best": 2,
        "expert_weighting": "sigmoid",
        "use_expert_bias": True,
        "norm_topk_prob": config.norm_topk_prob,
    }


_ATTENTION = "layers.{l}.self_attn"
_OURS = "blocks.{l}.attn"
_HEADS = "(head every) rank -> every head rank"
_MLA = {
    f"{_OURS}.W_Q": Weight(f"{_ATTENTION}.q_proj.weight", READER),
    f"{_OURS}.W_Q_down": Weight(f"{_ATTENTION}.q_a_proj.weight", MATRIX),
    f"{_OURS}.b_Q_down": Weight(f"{_ATTENTION}.q_a_proj.bias", is_optional=True),
    **norm(f"{_OURS}.q_latent_norm", f"{_ATTENTION}.q_a_layernorm"),
    f"{_OURS}.W_Q_up": Weight(
        f"{_ATTENTION}.q_b_proj.weight", "(head d_head) rank -> head rank d_head"
    ),
    **norm(f"{_OURS}.kv_latent_norm", f"{_ATTENTION}.kv_a_layernorm"),
    f"{_OURS}.W_O": Weight(
        f"{_ATTENTION}.o_proj.weight", "d_model (head d_value) -> head d_value d_model"
    ),
    f"{_OURS}.b_O": Weight(f"{_ATTENTION}.o_proj.bias", is_optional=True),
}
for _pick, _name in enumerate(("KV_down", "K_rot")):
    _parts: dict[str, Any] = {"split": ("kv_rank", "rotary"), "pick": _pick}
    _source = f"{_ATTENTION}.kv_a_proj_with_mqa"
    _MLA[f"{_OURS}.W_{_name}"] = Weight(f"{_source}.weight", then=MATRIX, **_parts)
    _MLA[f"{_OURS}.b_{_name}"] = Weight(f"{_source}.bias", is_optional=True, **_parts)
for _pick, _name in enumerate(("K_up", "V_up")):
    _MLA[f"{_OURS}.W_{_name}"] = Weight(
        f"{_ATTENTION}.kv_b_proj.weight",
        _HEADS,
        split=("still", "d_value"),
        pick=_pick,
        then="width head rank -> head rank width",
    )

_WEIGHTS = {
    **{name: weight for name, weight in LLAMA_WEIGHTS.items() if ".attn." not in name},
    **_MLA,
    **experts(
        "layers.{l}.mlp.experts", "gate_proj", "up_proj", "down_proj", dense="layers.{l}.mlp"
    ),
    "blocks.{l}.mlp.W_router": Weight("layers.{l}.mlp.gate.weight", MATRIX),
    "blocks.{l}.mlp.b_choice": Weight("layers.{l}.mlp.gate.e_score_correction_bias"),
    **gated_mlp("blocks.{l}.mlp.shared", "layers.{l}.mlp.shared_experts"),
}

DEEPSEEK_V2 = Family(
    model_types=("deepseek_v2",),
    config=deepseek_v2_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights=_WEIGHTS,
)

# Behind the last layer its files hold a 62nd, which was trained to look another token ahead.
DEEPSEEK_V3 = Family(
    model_types=("deepseek_v3",),
    config=deepseek_v3_config,
    prefix="model.",
    ignored=(*BUFFERS, r"^(model\.)?layers\.61\."),
    prepend_bos=None,
    weights=_WEIGHTS,
)
