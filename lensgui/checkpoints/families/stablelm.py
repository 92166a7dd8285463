"""StableLM 2 and 3B (Bellagente et al. 2024)."""

from __future__ import annotations

from typing import Any

from lensgui.checkpoints.families.family import Family, Weight, norm
from lensgui.checkpoints.families.llama import ATTENTION, BUFFERS, EMBEDDINGS, MLP, llama_config


def stablelm_config(config: Any) -> dict[str, Any]:
    """Return our fields of a StableLM config."""
    return {
        **llama_config(config),
        "eps": config.layer_norm_eps,
        "normalization_type": "LN",
        "parallel_attn_mlp": config.use_parallel_residual,
        "use_qk_norm": config.qk_layernorm,
        "qk_norm_weights": "per_head",
    }


_LN1 = "layers.{l}.input_layernorm"
_LN2 = "layers.{l}.post_attention_layernorm"
_NORMS = "layers.{l}.self_attn"

STABLELM = Family(
    model_types=("stablelm",),
    config=stablelm_config,
    prefix="model.",
    ignored=BUFFERS,
    prepend_bos=None,
    weights={
        **EMBEDDINGS,
        **ATTENTION,
        **MLP,
        **norm("blocks.{l}.ln1", _LN1, has_bias=True),
        # In parallel blocks one norm serves both.
        "blocks.{l}.ln2.w": Weight(f"{_LN2}.weight", otherwise=Weight(f"{_LN1}.weight")),
        "blocks.{l}.ln2.b": Weight(f"{_LN2}.bias", otherwise=Weight(f"{_LN1}.bias")),
        "blocks.{l}.attn.q_norm.w": Weight(f"{_NORMS}.q_layernorm.norms.{{i}}.weight"),
        "blocks.{l}.attn.k_norm.w": Weight(f"{_NORMS}.k_layernorm.norms.{{i}}.weight"),
        **norm("ln_final", "norm", has_bias=True),
    },
)
