"""Tiny random Hugging Face models of every family, all features on, no parameter at its default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers as hf

from tests.checkpoints.lifted import keep_frequencies, lift_angles

VOCABULARY = 61
LENGTH = 24  # longer than any sliding window and any unscaled rotary range below
_IDS: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": None}
_WINDOW = 7
_LAYERS = ["sliding_attention", "full_attention", "sliding_attention"]

_OLD: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "n_positions": 48,
    "n_embd": 32,
    "n_layer": 3,
    "n_head": 4,
    **_IDS,
}
_NEW: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 48,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    **_IDS,
}
_GROUPED = {**_NEW, "num_key_value_heads": 2}
_HEAD_DIM = {**_GROUPED, "head_dim": 10}
_EXPERTS = {"num_local_experts": 5, "num_experts_per_tok": 2, "experts_implementation": "eager"}
_QWEN_EXPERTS = {
    **_GROUPED,
    "num_experts": 5,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 14,
    "mlp_only_layers": [1],
    "use_sliding_window": True,
    "sliding_window": _WINDOW,
    "experts_implementation": "eager",
}
_DEEPSEEK: dict[str, Any] = {
    **_NEW,
    "num_key_value_heads": 4,
    "q_lora_rank": 14,
    "kv_lora_rank": 12,
    "qk_nope_head_dim": 8,
    "qk_rope_head_dim": 6,
    "v_head_dim": 10,
    "first_k_dense_replace": 1,
    "n_routed_experts": 8,
    "n_shared_experts": 2,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 14,
    "n_group": 4,
    "topk_group": 2,
    "routed_scaling_factor": 1.7,
    "rms_norm_eps": 0.1,  # the latents' norms have another
    "attention_bias": True,
    "experts_implementation": "eager",
}
_LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 1000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 12,
}
_YARN = {
    "rope_type": "yarn",
    "rope_theta": 1000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 12,
}
_MSCALED = {**_YARN, "mscale": 1.3, "mscale_all_dim": 0.7}
_LINEAR = {"rope_type": "linear", "rope_theta": 1000.0, "factor": 2.0}


def _part(fraction: float, **scaling: Any) -> dict[str, Any]:
    """Return rotary settings that turn a part of each head."""
    settings = {"rope_type": "default", "rope_theta": 1000.0, "partial_rotary_factor": fraction}
    return settings | scaling


def _gemma3_rope() -> dict[str, Any]:
    local = {"rope_type": "default", "rope_theta": 100.0}
    return {"full_attention": dict(_LINEAR), "sliding_attention": local}


def _olmo3_rope() -> dict[str, Any]:
    local = {"rope_type": "default", "rope_theta": 100.0}
    return {"full_attention": dict(_YARN), "sliding_attention": local}


def _longrope() -> dict[str, Any]:
    factors = {"short_factor": [1.0, 1.5, 2.0], "long_factor": [1.0, 4.0, 8.0]}
    return _part(0.8, rope_type="longrope", **factors)


def _like(kind: str, settings: dict[str, Any], **features: Any) -> Callable[[], Any]:
    """Return a function that builds a Hugging Face model, given the stem of its class's name."""

    def build() -> Any:
        config = getattr(hf, f"{kind.removesuffix('For')}Config")(**settings, **features)
        return getattr(hf, f"{kind.removesuffix('Text')}ForCausalLM")(config)

    return build


TINY: dict[str, Callable[[], Any]] = {
    "gpt2": lambda: hf.GPT2LMHeadModel(hf.GPT2Config(**_OLD, n_inner=40)),
    "gpt2 (scaled by layer)": lambda: hf.GPT2LMHeadModel(
        hf.GPT2Config(**_OLD, scale_attn_by_inverse_layer_idx=True)
    ),
    "gpt2 (unscaled)": lambda: hf.GPT2LMHeadModel(hf.GPT2Config(**_OLD, scale_attn_weights=False)),
    "llama": _like("Llama", _HEAD_DIM, attention_bias=True, mlp_bias=True),
    "llama (scaled rotary, tied)": _like(
        "Llama",
        _GROUPED,
        attention_bias=True,
        mlp_bias=True,
        tie_word_embeddings=True,
        rope_parameters=dict(_LLAMA3),
    ),
    "gpt_neo": _like(
        "GPTNeo",
        {**_NEW, "num_layers": 3, "num_heads": 4},
        window_size=_WINDOW,
        attention_types=[[["global", "local", "local"], 1]],
    ),
    "gptj": _like("GPTJ", _OLD, rotary_dim=4, n_inner=40),
    "gpt_neox": _like("GPTNeoX", _NEW, rope_parameters=_part(0.5)),
    "gpt_neox (one after the other, yarn)": _like(
        "GPTNeoX", _NEW, use_parallel_residual=False, rope_parameters=_part(0.5, **_YARN)
    ),
    "opt": _like("OPT", _NEW, ffn_dim=40),
    "bloom": _like(
        "Bloom", {**_IDS, "vocab_size": VOCABULARY}, hidden_size=30, n_layer=3, n_head=5
    ),
    "mistral": _like("Mistral", _HEAD_DIM, sliding_window=_WINDOW),
    "mixtral": _like("Mixtral", _HEAD_DIM, sliding_window=_WINDOW, **_EXPERTS),
    "qwen2": _like(
        "Qwen2", _GROUPED, use_sliding_window=True, sliding_window=_WINDOW, max_window_layers=1
    ),
    "qwen3": _like(
        "Qwen3",
        _HEAD_DIM,
        attention_bias=True,
        use_sliding_window=True,
        sliding_window=_WINDOW,
        max_window_layers=1,
        rope_parameters=dict(_YARN),
    ),
    "qwen2_moe": _like("Qwen2Moe", _QWEN_EXPERTS, shared_expert_intermediate_size=18),
    "qwen3_moe": _like(
        "Qwen3Moe", _QWEN_EXPERTS, head_dim=10, attention_bias=True, norm_topk_prob=True
    ),
    "gemma": _like("Gemma", _HEAD_DIM, attention_bias=True),
    "gemma2": _like(
        "Gemma2",
        _HEAD_DIM,
        attention_bias=True,
        sliding_window=_WINDOW,
        query_pre_attn_scalar=7,
        attn_logit_softcapping=2.0,
        final_logit_softcapping=3.0,
    ),
    "gemma3_text": _like(
        "Gemma3Text",
        _HEAD_DIM,
        attention_bias=True,
        sliding_window=_WINDOW,
        layer_types=_LAYERS,
        query_pre_attn_scalar=7,
        final_logit_softcapping=3.0,
        rope_parameters=_gemma3_rope(),
    ),
    "phi": _like("Phi", _GROUPED, qk_layernorm=True, rope_parameters=_part(0.5)),
    "phi (plain queries)": _like("Phi", _NEW, rope_parameters=_part(0.5, **_LINEAR)),
    "phi3": _like(
        "Phi3",
        _GROUPED,
        sliding_window=_WINDOW,
        original_max_position_embeddings=30,
        rope_parameters=_longrope(),
    ),
    "phimoe": _like(
        "Phimoe",
        _GROUPED,
        attention_bias=True,
        lm_head_bias=True,
        sliding_window=_WINDOW,
        router_jitter_noise=0.4,
        rope_parameters={
            "rope_type": "longrope",
            "rope_theta": 1000.0,
            "original_max_position_embeddings": 30,
            "short_factor": [1.0, 1.5, 2.0, 2.5],
            "long_factor": [1.0, 4.0, 8.0, 9.0],
            "short_mscale": 1.3,
            "long_mscale": 1.6,
        },
        **_EXPERTS,
    ),
    "olmo": _like("Olmo", _GROUPED, attention_bias=True, clip_qkv=0.9),
    "olmo2": _like("Olmo2", _GROUPED, attention_bias=True),
    "falcon": _like("Falcon", _NEW, bias=True, ffn_hidden_size=40),
    "falcon (two norms, groups)": _like(
        "Falcon", _NEW, bias=True, new_decoder_architecture=True, num_kv_heads=2
    ),
    "falcon (a key for each query)": _like("Falcon", _NEW, multi_query=False),
    "stablelm": _like(
        "StableLm", _GROUPED, use_qkv_bias=True, qk_layernorm=True, rope_parameters=_part(0.5)
    ),
    "stablelm (parallel)": _like(
        "StableLm", _GROUPED, use_parallel_residual=True, rope_parameters=_part(0.5)
    ),
    "starcoder2": _like("Starcoder2", _GROUPED, sliding_window=_WINDOW),
    "gpt_bigcode": _like("GPTBigCode", _OLD, n_inner=40),
    "cohere": _like("Cohere", _GROUPED, attention_bias=True, use_qk_norm=True, logit_scale=0.3),
    "granite": _like(
        "Granite",
        _GROUPED,
        attention_bias=True,
        mlp_bias=True,
        embedding_multiplier=3.0,
        logits_scaling=2.0,
        residual_multiplier=0.4,
        attention_multiplier=0.2,
    ),
    "mpt": lambda: hf.MptForCausalLM(
        hf.MptConfig(
            vocab_size=VOCABULARY,
            max_seq_len=48,
            d_model=30,
            n_layers=3,
            n_heads=5,
            **_IDS,
            attn_config={"clip_qkv": 0.9, "softmax_scale": 0.3},
        )
    ),
    "gpt_oss": _like(
        "GptOss",
        _HEAD_DIM,
        sliding_window=_WINDOW,
        swiglu_limit=0.7,
        rope_parameters=dict(_YARN),
        **_EXPERTS,
    ),
    "seed_oss": _like(
        "SeedOss", _HEAD_DIM, attention_bias=True, attention_out_bias=True, mlp_bias=True
    ),
    "ernie4_5": _like("Ernie4_5", _GROUPED, head_dim=10, use_bias=True),
    "helium": _like("Helium", _GROUPED, head_dim=8, attention_bias=True, mlp_bias=True),
    "arcee": _like("Arcee", _HEAD_DIM, attention_bias=True, mlp_bias=True),
    "jais2": _like("Jais2", _HEAD_DIM),
    "nemotron": _like(
        "Nemotron", _HEAD_DIM, attention_bias=True, mlp_bias=True, rope_parameters=_part(0.4)
    ),
    "persimmon": _like("Persimmon", _NEW, qk_layernorm=True, rope_parameters=_part(0.5)),
    "biogpt": _like("BioGpt", _NEW, scale_embedding=True),
    "xglm": lambda: hf.XGLMForCausalLM(
        hf.XGLMConfig(
            vocab_size=VOCABULARY,
            max_position_embeddings=48,
            d_model=36,
            num_layers=3,
            attention_heads=4,
            ffn_dim=40,
            **_IDS,
        )
    ),
    "codegen": _like("CodeGen", _OLD, rotary_dim=4, n_inner=40),
    "glm": _like("Glm", _HEAD_DIM, attention_bias=True, rope_parameters=_part(0.6)),
    "glm4": _like("Glm4", _HEAD_DIM, attention_bias=True, rope_parameters=_part(0.6)),
    "cohere2": _like(
        "Cohere2",
        _HEAD_DIM,
        attention_bias=True,
        logit_scale=0.3,
        sliding_window=_WINDOW,
        layer_types=_LAYERS,
    ),
    "olmo3": _like(
        "Olmo3",
        _GROUPED,
        attention_bias=True,
        sliding_window=_WINDOW,
        layer_types=_LAYERS,
        rope_parameters=_olmo3_rope(),
    ),
    "deepseek_v2": _like(
        "DeepseekV2",
        _DEEPSEEK,
        topk_method="group_limited_greedy",
        rope_parameters=dict(_MSCALED),
    ),
    "deepseek_v2 (queries read directly, no groups)": _like(
        "DeepseekV2", {**_DEEPSEEK, "q_lora_rank": None, "attention_bias": False}
    ),
    "deepseek_v3": _like("DeepseekV3", _DEEPSEEK, rope_parameters=dict(_MSCALED)),
    "deepseek_v3 (halves turn, one group)": _like(
        "DeepseekV3", {**_DEEPSEEK, "n_group": 1, "topk_group": 1}, rope_interleave=False
    ),
    "exaone4": _like("Exaone4", _HEAD_DIM, sliding_window=_WINDOW, layer_types=_LAYERS),
    "exaone4 (no window)": _like(
        "Exaone4", _GROUPED, sliding_window=None, layer_types=["full_attention"] * 3
    ),
    "ministral": _like("Ministral", _HEAD_DIM, sliding_window=_WINDOW, layer_types=_LAYERS),
    "olmoe": _like(
        "Olmoe",
        _GROUPED,
        num_experts=5,
        num_experts_per_tok=2,
        norm_topk_prob=True,
        experts_implementation="eager",
    ),
    "granitemoe": _like(
        "GraniteMoe",
        _GROUPED,
        embedding_multiplier=3.0,
        logits_scaling=2.0,
        residual_multiplier=0.4,
        attention_multiplier=0.2,
        **_EXPERTS,
    ),
    "vaultgemma": _like(
        "VaultGemma",
        _HEAD_DIM,
        attention_bias=True,
        sliding_window=_WINDOW,
        layer_types=_LAYERS,
        query_pre_attn_scalar=7,
        attn_logit_softcapping=2.0,
        final_logit_softcapping=3.0,
    ),
    "smollm3": _like(
        "SmolLM3",
        _GROUPED,
        attention_bias=True,
        mlp_bias=True,
        use_sliding_window=True,
        sliding_window=_WINDOW,
        no_rope_layers=[1, 0, 1],
        layer_types=_LAYERS,
    ),
}


def tiny(name: str, dtype: torch.dtype = torch.float64, seed: int = 0) -> Any:
    """Return a tiny model: weights and biases from N(0, 0.3²), norms from 1 + N(0, 0.3²)."""
    torch.manual_seed(seed)
    model = TINY[name]().to(dtype)
    randomise(model, name)
    with torch.no_grad():
        for key, buffer in model.named_buffers():
            if key.endswith("e_score_correction_bias"):
                buffer.normal_(0.0, 0.3)
    lift_angles(model)
    keep_frequencies(model)
    return model


@torch.no_grad()
def randomise(model: Any, name: str) -> None:
    """Draw every parameter of a Hugging Face model, which then attends eagerly."""
    model.eval().set_attn_implementation("eager")
    for key, parameter in model.named_parameters():
        parameter.normal_(1.0 if _is_norm(name, key, parameter) else 0.0, 0.3)


def _is_norm(name: str, key: str, parameter: torch.Tensor) -> bool:
    """Whether a parameter multiplies what a norm returns, rather than adding to 1."""
    is_weight = key.endswith("weight") and (parameter.ndim == 1 or "_norm." in key)
    return is_weight and not name.startswith("gemma")


def prompts(batch: int = 2, length: int = LENGTH, seed: int = 1) -> torch.Tensor:
    """Return random token ids, [batch, position]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, VOCABULARY, (batch, length), generator=generator)
