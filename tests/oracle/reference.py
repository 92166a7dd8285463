"""The peer's side, run in its own environment: answers every question about the subjects.

    python reference.py ANSWERS NAME=FOLDER …

It imports nothing of lensgui's; `questions` lies beside it.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import answers
import circuits
import decompositions
import questions
import torch
import transformer_lens
from transformer_lens.pretrained import weight_conversions as convert
from transformers import AutoModelForCausalLM, AutoTokenizer

ASKED = questions.QUESTIONS + decompositions.QUESTIONS + circuits.QUESTIONS
PLAIN = {
    "fold_ln": False,
    "center_writing_weights": False,
    "center_unembed": False,
    "fold_value_biases": False,
}


def shared_fields(config):
    return {
        "n_layers": config.num_hidden_layers,
        "d_model": config.hidden_size,
        "n_ctx": config.max_position_embeddings,
        "n_heads": config.num_attention_heads,
        "d_head": getattr(config, "head_dim", config.hidden_size // config.num_attention_heads),
        "d_vocab": config.vocab_size,
        "model_name": config.model_type,
        "original_architecture": config.architectures[0],
        "device": "cpu",
    }


def llama_fields(config):
    return shared_fields(config) | {
        "d_mlp": config.intermediate_size,
        "n_key_value_heads": config.num_key_value_heads,
        "act_fn": getattr(config, "hidden_act", None) or config.hidden_activation,
        "eps": config.rms_norm_eps,
        "normalization_type": "RMS",
        "final_rms": True,
        "gated_mlp": True,
        "positional_embedding_type": "rotary",
        "rotary_dim": config.head_dim,
        "rotary_base": config.rope_parameters["rope_theta"],
        "rotary_adjacent_pairs": False,
    }


def gpt2_fields(config):
    return shared_fields(config) | {
        "d_mlp": config.n_inner,
        "act_fn": config.activation_function,
        "eps": config.layer_norm_epsilon,
        "normalization_type": "LN",
        "positional_embedding_type": "standard",
    }


def gpt_neox_fields(config):
    fields = shared_fields(config)
    return fields | {
        "d_mlp": config.intermediate_size,
        "act_fn": config.hidden_act,
        "eps": config.layer_norm_eps,
        "normalization_type": "LN",
        "parallel_attn_mlp": config.use_parallel_residual,
        "positional_embedding_type": "rotary",
        "rotary_dim": int(fields["d_head"] * config.rope_parameters["partial_rotary_factor"]),
        "rotary_base": config.rope_parameters["rope_theta"],
        "rotary_adjacent_pairs": False,
    }


def gemma2_fields(config):
    kinds = {"sliding_attention": "local", "full_attention": "global"}
    return llama_fields(config) | {
        "attn_scale": config.query_pre_attn_scalar**0.5,
        "use_local_attn": True,
        "window_size": config.sliding_window,
        "attn_types": [kinds[kind] for kind in config.layer_types],
        "attn_scores_soft_cap": config.attn_logit_softcapping,
        "output_logits_soft_cap": config.final_logit_softcapping,
        "use_normalization_before_and_after": True,
    }


def mixtral_fields(config):
    return llama_fields(config) | {
        "num_experts": config.num_local_experts,
        "experts_per_token": config.num_experts_per_tok,
        "norm_topk_prob": True,
        "use_local_attn": True,
        "window_size": config.sliding_window,
        "attn_types": ["local"] * config.num_hidden_layers,
    }


FAMILIES = {
    "gpt2": (gpt2_fields, convert.convert_gpt2_weights),
    "gpt_neox": (gpt_neox_fields, convert.convert_neox_weights),
    "llama": (llama_fields, convert.convert_llama_weights),
    "gemma2": (gemma2_fields, convert.convert_gemma_weights),
    "mixtral": (mixtral_fields, convert.convert_mixtral_weights),
}


def add_biases(state, hf_model, cfg):
    """Put in the attention and MLP biases that the converters leave at zero."""
    for layer, block in enumerate(getattr(hf_model.model, "layers", ())):
        attention, mlp = block.self_attn, block.mlp
        for name, part in (("b_Q", "q_proj"), ("_b_K", "k_proj"), ("_b_V", "v_proj")):
            bias = getattr(attention, part).bias
            if bias is not None:
                state[f"blocks.{layer}.attn.{name}"] = bias.view(-1, cfg.d_head)
        if attention.o_proj.bias is not None:
            state[f"blocks.{layer}.attn.b_O"] = attention.o_proj.bias
        if getattr(getattr(mlp, "down_proj", None), "bias", None) is not None:
            state[f"blocks.{layer}.mlp.b_out"] = mlp.down_proj.bias


def open_model(folder, processing):
    hf_model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    )
    fields, converter = FAMILIES[hf_model.config.model_type]
    cfg = transformer_lens.HookedTransformerConfig(
        **fields(hf_model.config), default_prepend_bos=questions.PREPEND_BOS
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = transformer_lens.HookedTransformer(cfg, tokenizer=tokenizer, move_to_device=False)
    state = converter(hf_model, cfg)
    if hasattr(hf_model, "model"):
        add_biases(state, hf_model, cfg)
    state = {key: value.detach().clone() for key, value in state.items()}
    # Its from_pretrained, which does not know these models, would leave capped logits alone too.
    folding = {"center_unembed": cfg.output_logits_soft_cap <= 0}
    model.load_and_process_state_dict(state, **(folding if processing == "folded" else PLAIN))
    return model.eval()


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    parent = Path(sys.argv[1])
    for name, folder in (argument.split("=", 1) for argument in sys.argv[2:]):
        found = {}
        for processing in questions.PROCESSINGS:
            model = open_model(folder, processing)
            for key, value in questions.asked(transformer_lens, model, name, ASKED):
                found[f"{processing}/{key}"] = value
        answers.save(parent / f"{name}.npz", found)


if __name__ == "__main__":
    main()
