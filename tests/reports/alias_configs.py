"""What the config.json of every model that has an alias says: its architecture and its flags."""

from __future__ import annotations

from typing import Any

_NEW = {
    "vocab_size": 31,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 16,
}
_GROUPED = {**_NEW, "num_key_value_heads": 2}
_FULL = {**_NEW, "num_key_value_heads": 4}
_OLD = {"vocab_size": 31, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 16, "n_ctx": 16}
_MOE = {
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 8,
    "decoder_sparse_step": 1,
}
_LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8,
}
_YARN = {
    "type": "yarn",
    "factor": 40,
    "beta_fast": 32,
    "beta_slow": 1,
    "original_max_position_embeddings": 8,
}
_DEEPSEEK = {
    **_FULL,
    "kv_lora_rank": 8,
    "qk_nope_head_dim": 4,
    "qk_rope_head_dim": 4,
    "v_head_dim": 4,
    "first_k_dense_replace": 1,
    "moe_layer_freq": 1,
    "n_routed_experts": 8,
    "n_shared_experts": 2,
    "num_experts_per_tok": 3,
    "moe_intermediate_size": 8,
    "auto_map": {"AutoConfig": "x.Y"},
}
_LONG = {"type": "longrope", "short_factor": [1.0, 1.1], "long_factor": [1.0, 4.0]}
_MSCALES = {
    "short_mscale": 1.243163121016122,
    "long_mscale": 1.243163121016122,
    "original_max_position_embeddings": 8,
}
_STANFORD = {"scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True}
_PARALLEL = {"use_parallel_residual": True}
_FALCON = {"alibi": False, "bias": False, "parallel_attn": True, "auto_map": {"AutoConfig": "x.Y"}}
_GEMMA = {**_GROUPED, "head_dim": 8, "tie_word_embeddings": True}
_GEMMA2 = {
    "query_pre_attn_scalar": 224,
    "attn_logit_softcapping": 50.0,
    "final_logit_softcapping": 30.0,
    "sliding_window": 8,
    "hidden_activation": "gelu_pytorch_tanh",
    "hidden_act": "gelu_pytorch_tanh",
}
_GEMMA3 = {
    "query_pre_attn_scalar": 256,
    "attn_logit_softcapping": None,
    "final_logit_softcapping": None,
    "sliding_window": 8,
    "rope_local_base_freq": 10000.0,
    "rope_theta": 1000000.0,
    "hidden_activation": "gelu_pytorch_tanh",
}
_MPT = {
    "alibi": True,
    "alibi_bias_max": 8,
    "attn_impl": "torch",
    "attn_pdrop": 0,
    "attn_type": "multihead_attention",
    "attn_uses_sequence_id": False,
    "clip_qkv": None,
    "prefix_lm": False,
    "qk_ln": False,
    "softmax_scale": None,
}
_NEO = {"vocab_size": 31, "hidden_size": 16, "num_heads": 4, "max_position_embeddings": 16}
_ONE_BY_ONE = {"use_parallel_residual": False, "hidden_act": "gelu", "rotary_pct": 1.0}

# Teaching models: which hub names, as a regular expression, have which fields and which layout.
_C4 = {"n_ctx": 1024, "d_head": 64, "d_vocab": 48262, "normalization": "LN"}
_PILE = {**_C4, "d_vocab": 50278, "normalization": "LNPre", "act_fn": "solu_ln"}
_DEMO = {**_C4, "d_vocab": 50277, "normalization": None, "shortformer_pos": True}
_REDWOOD = {**_C4, "d_vocab": 50259, "n_ctx": 2048, "d_head": 32, "d_mlp": -1}
_OTHELLO = {"n_layers": 8, "d_model": 512, "n_ctx": 59, "d_vocab": 61, "architecture": "mingpt"}
_OLD_LEFT, _OLD_8L, _OLD_10L = (f"neel-solu-old{depth}" for depth in ("", "-8l", "-10l"))
TEACHING_CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    r"NeelNanda/Attn_Only_\dL512W_C4_Code": ("hooked", {**_C4, "attn_only": True}),
    r"NeelNanda/GELU_\dL512W_C4_Code": ("hooked", {**_C4, "act_fn": "gelu"}),
    r"NeelNanda/SoLU_\d+L\d+W_(C4_Code|Wiki_Finetune)": ("hooked", {**_C4, "act_fn": "solu_ln"}),
    r"NeelNanda/Attn-Only-2L512W-.*": ("hooked", {**_DEMO, "attn_only": True}),
    r"ArthurConmy/redwood_attn_2l": (
        "hooked",
        {**_REDWOOD, "n_layers": 2, "d_model": 256, "attn_only": True, "shortformer_pos": True},
    ),
    r"NeelNanda/SoLU_1L_v9_old": (
        _OLD_LEFT,
        {**_PILE, "normalization": "LN", "final_rms": True, "d_model": 1024},
    ),
    r"NeelNanda/SoLU_2L_v10_old": (_OLD_LEFT, {**_PILE, "final_rms": True, "d_model": 736}),
    r"NeelNanda/SoLU_4L_v11_old": (_OLD_LEFT, {**_PILE, "final_rms": True, "d_model": 512}),
    r"NeelNanda/SoLU_6L_v13_old": (_OLD_LEFT, {**_PILE, "final_rms": True, "d_model": 768}),
    r"NeelNanda/SoLU_8L_v21_old": (_OLD_8L, {**_PILE, "d_model": 1024}),
    r"NeelNanda/SoLU_10L_v22_old": (_OLD_10L, {**_PILE, "d_model": 1280}),
    r"NeelNanda/SoLU_12L_v23_old": (_OLD_10L, {**_PILE, "normalization": "LN", "d_model": 1536}),
    r"Baidicoot/Othello-GPT-Transformer-Lens": (
        "mingpt",
        {**_OTHELLO, "d_head": 64, "act_fn": "gelu", "normalization": "LN"},
    ),
}

# Which hub names, as a regular expression, have which architecture and which fields.
CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    r"openai-community/gpt2.*|distilbert/distilgpt2": ("gpt2", _OLD),
    r"stanford-crfm/.*": ("gpt2", {**_OLD, **_STANFORD}),
    r"cerebras/.*": ("gpt2", {**_OLD, "activation_function": "gelu", "n_inner": 64}),
    r"EleutherAI/gpt-neo-.*": (
        "gpt_neo",
        {**_NEO, "num_layers": 2, "attention_types": [[["global", "local"], 1]]},
    ),
    r"roneneldan/TinyStories-(?!1Layer).*": (
        "gpt_neo",
        {**_NEO, "num_layers": 4, "window_size": 8, "attention_types": [[["global", "local"], 2]]},
    ),
    r"roneneldan/TinyStories-1Layer.*": (
        "gpt_neo",
        {**_NEO, "num_layers": 1, "attention_types": [[["global"], 1]]},
    ),
    r"EleutherAI/gpt-j-6b": ("gptj", {**_OLD, "rotary_dim": 4, "scale_attn_weights": True}),
    r"EleutherAI/(gpt-neox|pythia).*": (
        "gpt_neox",
        {**_NEW, **_PARALLEL, "rotary_pct": 0.5, "rotary_emb_base": 10000, "hidden_act": "gelu"},
    ),
    r"stabilityai/stablelm-(base|tuned)-alpha-.*": (
        "gpt_neox",
        {**_NEW, **_PARALLEL, "rotary_pct": 0.5},
    ),
    r"togethercomputer/.*": ("gpt_neox", {**_NEW, **_ONE_BY_ONE}),
    r"facebook/opt-.*": (
        "opt",
        {**_NEW, "ffn_dim": 24, "word_embed_proj_dim": 16, "do_layer_norm_before": True},
    ),
    r"bigscience/bloom-.*": (
        "bloom",
        {
            **{"vocab_size": 31, "n_embed": 16, "n_layer": 2, "num_attention_heads": 4},
            **{"apply_residual_connection_post_layernorm": False, "seq_length": 16},
            **{"attention_softmax_in_fp32": True, "pretraining_tp": 2},
        },
    ),
    r"facebook/xglm-.*": (
        "xglm",
        {
            **{"vocab_size": 31, "d_model": 16, "num_layers": 2, "attention_heads": 4},
            **{"ffn_dim": 24, "max_position_embeddings": 16, "activation_function": "gelu"},
            **{"scale_embedding": True, "pad_token_id": 1, "decoder_start_token_id": 2},
        },
    ),
    r"meta-llama/(Llama-2|Meta-Llama-3-).*|TinyLlama/.*|01-ai/.*|HuggingFaceTB/SmolLM2.*": (
        "llama",
        {**_GROUPED, "pretraining_tp": 1, "rope_scaling": None, "rope_theta": 500000.0},
    ),
    r"codellama/.*": ("llama", {**_NEW, "rope_theta": 1000000, "rope_scaling": None}),
    r"meta-llama/Llama-3\..*|deepseek-ai/DeepSeek-R1-Distill-Llama-8B": (
        "llama",
        {**_GROUPED, "rope_scaling": _LLAMA3, "tie_word_embeddings": True},
    ),
    r"HuggingFaceTB/SmolLM3-3B": (
        "smollm3",
        {
            **_GROUPED,
            **{"no_rope_layers": [1, 0], "no_rope_layer_interval": 4, "use_sliding_window": False},
            **{"sliding_window": None, "layer_types": ["full_attention"] * 2, "pad_token_id": 0},
        },
    ),
    r"deepseek-ai/DeepSeek-V2(-Chat|.5)?": (
        "deepseek_v2",
        {
            **{**_DEEPSEEK, "q_lora_rank": 8, "topk_method": "group_limited_greedy"},
            **{"n_group": 4, "topk_group": 2, "routed_scaling_factor": 16.0},
            **{"norm_topk_prob": False, "scoring_func": "softmax"},
            **{"rope_scaling": {**_YARN, "mscale": 0.707, "mscale_all_dim": 0.707}},
        },
    ),
    r"deepseek-ai/DeepSeek-(V2|Coder-V2)-Lite.*": (
        "deepseek_v2",
        {
            **{**_DEEPSEEK, "q_lora_rank": None, "topk_method": "greedy"},
            **{"n_group": 1, "topk_group": 1, "routed_scaling_factor": 1.0},
            **{"norm_topk_prob": False, "scoring_func": "softmax"},
            **{"rope_scaling": {**_YARN, "mscale": 0.707, "mscale_all_dim": 0.707}},
        },
    ),
    r"unsloth/DeepSeek-(V3-bf16|R1-BF16)": (
        "deepseek_v3",
        {
            **{**_DEEPSEEK, "q_lora_rank": 8, "topk_method": "noaux_tc", "n_group": 4},
            **{"topk_group": 2, "routed_scaling_factor": 2.5, "norm_topk_prob": True},
            **{"scoring_func": "sigmoid", "num_nextn_predict_layers": 1},
            **{"rope_scaling": {**_YARN, "mscale": 1.0, "mscale_all_dim": 1.0}},
        },
    ),
    r"mistralai/Mistral-7B-v0.1|mistralai/Mistral-7B-Instruct-v0.1": (
        "mistral",
        {**_GROUPED, "sliding_window": 8},
    ),
    r"mistralai/Mistral-Nemo.*": ("mistral", {**_GROUPED, "sliding_window": None, "head_dim": 8}),
    r"mistralai/Mixtral.*": (
        "mixtral",
        {**_GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None},
    ),
    r"Qwen/(Qwen1.5-[\d.]+B|Qwen2-(?!57)[\d.]+B|Qwen2\.5|QwQ).*|deepseek-ai/.*-Qwen-.*": (
        "qwen2",
        {**_GROUPED, "use_sliding_window": False, "sliding_window": 8, "use_mrope": False},
    ),
    r"Qwen/Qwen3-[\d.]+B(-Base)?": (
        "qwen3",
        {**_GROUPED, "head_dim": 8, "use_sliding_window": False, "attention_bias": False},
    ),
    r"Qwen/Qwen3-30B-A3B(-Base)?": (
        "qwen3_moe",
        {**_GROUPED, **_MOE, "head_dim": 8, "norm_topk_prob": True, "mlp_only_layers": []},
    ),
    r"Qwen/(Qwen1.5-MoE-A2.7B|Qwen2-57B-A14B)": (
        "qwen2_moe",
        {**_GROUPED, **_MOE, "shared_expert_intermediate_size": 8, "norm_topk_prob": False},
    ),
    r"google/gemma-\d+b.*": (
        "gemma",
        {**_GEMMA, "hidden_act": "gelu_pytorch_tanh", "hidden_activation": None},
    ),
    r"google/gemma-2-.*": ("gemma2", {**_GEMMA, **_GEMMA2}),
    r"google/gemma-3-.*": (
        "gemma3_text",
        {**_GEMMA, **_GEMMA3, "sliding_window_pattern": 6, "use_bidirectional_attention": False},
    ),
    r"microsoft/phi-(1|1_5|2)": (
        "phi",
        {**_NEW, "partial_rotary_factor": 0.5, "qk_layernorm": False, "hidden_act": "gelu_new"},
    ),
    r"microsoft/Phi-3-mini-4k-instruct|microsoft/phi-4": (
        "phi3",
        {**_GROUPED, "sliding_window": 8, "rope_scaling": None, "pad_token_id": 0},
    ),
    r"microsoft/Phi-3-mini-128k-instruct|microsoft/Phi-3.5-mini-instruct": (
        "phi3",
        {
            **_NEW,
            **{"rope_scaling": _LONG, "original_max_position_embeddings": 8, "pad_token_id": 0},
            **{"sliding_window": 262144, "auto_map": {"AutoConfig": "x.Y"}},
        },
    ),
    r"microsoft/Phi-3.5-MoE-instruct": (
        "phimoe",
        {
            **{**_GROUPED, "num_local_experts": 4, "num_experts_per_tok": 2},
            **{"attention_bias": True, "lm_head_bias": True, "sliding_window": 131072},
            **{"router_jitter_noise": 0.01, "input_jitter_noise": 0.01},
            **{"rope_scaling": _LONG | _MSCALES, "original_max_position_embeddings": 8},
        },
    ),
    r"allenai/OLMo-\d+B-hf": ("olmo", {**_NEW, "clip_qkv": None, "attention_bias": False}),
    r"allenai/OLMo-2-.*": ("olmo2", {**_NEW, "attention_bias": False}),
    r"stabilityai/stablelm-3b-4e1t": ("stablelm", {**_FULL, "partial_rotary_factor": 0.5}),
    r"stabilityai/stablelm-2-1_6b": (
        "stablelm",
        {**_FULL, "partial_rotary_factor": 0.5, "use_qkv_bias": True},
    ),
    r"stabilityai/stablelm-2-12b": (
        "stablelm",
        {**_GROUPED, **_PARALLEL, "partial_rotary_factor": 0.5, "qk_layernorm": True},
    ),
    r"tiiuae/falcon-7b.*": (
        "falcon",
        {**_NEW, **_FALCON, "multi_query": True, "new_decoder_architecture": False},
    ),
    r"tiiuae/falcon-40b": (
        "falcon",
        {**_NEW, **_FALCON, "num_kv_heads": 2, "new_decoder_architecture": True},
    ),
    r"tiiuae/falcon-11B": (
        "falcon",
        {
            **_NEW,
            **_FALCON,
            **{"num_kv_heads": 2, "new_decoder_architecture": True, "ff_factor": 4},
            **{"num_ln_in_parallel_attn": 1},
        },
    ),
    r"mosaicml/mpt-.*": (
        "mpt",
        {
            **{"vocab_size": 31, "d_model": 16, "n_layers": 2, "n_heads": 4, "max_seq_len": 16},
            **{"attn_config": _MPT, "logit_scale": None, "no_bias": True, "expansion_ratio": 4},
            **{"norm_type": "low_precision_layernorm", "auto_map": {"AutoConfig": "x.Y"}},
        },
    ),
    r"bigcode/starcoder(base-.*)?": (
        "gpt_bigcode",
        {
            **_OLD,
            **{"activation_function": "gelu_pytorch_tanh", "multi_query": True},
            **{"attention_softmax_in_fp32": True, "scale_attention_softmax_in_fp32": True},
        },
    ),
    r"bigcode/starcoder2-.*": ("starcoder2", {**_GROUPED, "sliding_window": 8, "use_bias": True}),
    r"CohereLabs/c4ai-command-r-v01": ("cohere", {**_NEW, "logit_scale": 0.0625}),
    r"CohereLabs/c4ai-command-r-plus": (
        "cohere",
        {**_GROUPED, "logit_scale": 0.8, "use_qk_norm": True},
    ),
    r"ibm-granite/.*": (
        "granite",
        {
            **_GROUPED,
            **{"attention_multiplier": 0.015625, "embedding_multiplier": 12.0},
            **{"logits_scaling": 8.0, "residual_multiplier": 0.22, "tie_word_embeddings": True},
        },
    ),
    r"unsloth/gpt-oss-.*-BF16": (
        "gpt_oss",
        {
            **_GROUPED,
            **{"num_local_experts": 4, "num_experts_per_tok": 2, "swiglu_limit": 7.0},
            **{"sliding_window": 8, "layer_types": ["sliding_attention", "full_attention"]},
            **{"head_dim": 8, "attention_bias": True},
        },
    ),
}
