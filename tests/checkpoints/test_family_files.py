"""Families as files and as words: saved checkpoints open, and what is not supported is refused."""

from __future__ import annotations

import pytest
import torch
import transformers as hf
from safetensors.torch import load_file, save_file

from lensgui.checkpoints.families.registry import FAMILIES, supported_types
from lensgui.checkpoints.folder import convert_config
from lensgui.checkpoints.loading import from_pretrained
from lensgui.terms.errors import ModelError
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import TINY, prompts, tiny


def test_every_supported_type_has_a_tiny_model():
    compared = {tiny(name).config.model_type for name in TINY}
    assert compared == set(supported_types()) - {"hooked"}  # which is ours: test_hooked.py
    assert len(supported_types()) >= 40
    assert len(supported_types()) == sum(len(family.model_types) for family in FAMILIES)


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_a_saved_model_has_the_same_parameters(name, tmp_path):
    hf_model = tiny(name, torch.float32)
    hf_model.save_pretrained(tmp_path)
    opened = HookedTransformer.from_pretrained_no_processing(str(tmp_path), device="cpu")
    converted = HookedTransformer.from_pretrained_no_processing(hf_model=hf_model, device="cpu")
    assert opened.state_dict().keys() == converted.state_dict().keys()
    for key, value in converted.state_dict().items():
        assert torch.equal(opened.state_dict()[key], value), key
    for key in ("attn_types", "expert_layers", "rotary_frequencies", "n_ctx", "act_fn"):
        assert getattr(opened.cfg, key) == getattr(converted.cfg, key)


@pytest.mark.parametrize("name", TINY)
@torch.no_grad()
def test_the_first_layers_alone_can_be_opened(name):
    hf_model, tokens = tiny(name), prompts()
    settings = {"hf_model": hf_model, "device": "cpu", "dtype": torch.float64}
    whole = HookedTransformer.from_pretrained_no_processing(**settings)
    part = HookedTransformer.from_pretrained_no_processing(**settings, first_n_layers=2)
    assert torch.equal(part(tokens, stop_at_layer=2), whole(tokens, stop_at_layer=2))


NOT_SUPPORTED = {
    "gpt2's cross-attention": hf.GPT2Config(add_cross_attention=True),
    "xglm's cross-attention": hf.XGLMConfig(add_cross_attention=True),
    "xglm's padding among its positions": hf.XGLMConfig(pad_token_id=3),
    "opt-350m's norms": hf.OPTConfig(do_layer_norm_before=False),
    "opt-350m's projection": hf.OPTConfig(word_embed_proj_dim=512),
    "opt norms without weights": hf.OPTConfig(layer_norm_elementwise_affine=False),
    "bloom's residual": hf.BloomConfig(apply_residual_connection_post_layernorm=True),
    "mpt without alibi": hf.MptConfig(attn_config={"alibi": False}),
    "mpt's query norms": hf.MptConfig(attn_config={"qk_ln": True}),
    "mpt's logit scale": hf.MptConfig(logit_scale=0.5),
    "falcon-rw": hf.FalconConfig(alibi=True),
    "falcon one after the other": hf.FalconConfig(parallel_attn=False),
    "bigcode with many keys": hf.GPTBigCodeConfig(multi_query=False),
    "gemma that looks ahead": hf.GemmaConfig(use_bidirectional_attention=True),
    "gemma 3's capped scores": hf.Gemma3TextConfig(attn_logit_softcapping=2.0),
    "a window without size": hf.Gemma2Config(sliding_window=None),
    "chunked attention": hf.Qwen2Config(num_hidden_layers=1, layer_types=["chunked_attention"]),
    "three experts in turn": hf.PhimoeConfig(num_experts_per_tok=3),
    "deepseek's biases": hf.DeepseekV2Config(mlp_bias=True),
    "deepseek's normalised weights": hf.DeepseekV2Config(norm_topk_prob=True),
    "deepseek's other choice": hf.DeepseekV2Config(topk_method="noaux_tc"),
    "another swiglu": hf.GptOssConfig(swiglu_alpha=1.0),
}


@pytest.mark.parametrize("what", NOT_SUPPORTED)
def test_an_unsupported_feature_is_one_sentence(what):
    config = NOT_SUPPORTED[what]
    (family,) = (one for one in FAMILIES if config.model_type in one.model_types)
    with pytest.raises(ModelError, match="not supported") as caught:
        convert_config(family, config, what, torch.float32)
    assert str(caught.value).count(". ") == 0


def test_longrope_takes_prompts_as_long_as_the_first_training():
    model = from_pretrained(hf_model=tiny("phi3"), device="cpu", dtype=torch.float64)
    assert model.cfg.n_ctx == 30
    with pytest.raises(ValueError, match="30"):
        model(prompts(1, 31))


SKIPPED = {
    "gemma2": "center_unembed skipped",
    "gpt_oss": "fold_value_biases skipped",
    "olmo": "fold_value_biases skipped",
    "olmo2": "fold_ln: the last norm",
    "llama": "center_writing_weights skipped",
    "bloom": "center_writing_weights: all but the embedding",
}


@pytest.mark.parametrize("name", SKIPPED)
def test_what_folding_leaves_out_is_said(name):
    model = from_pretrained(hf_model=tiny(name), device="cpu", dtype=torch.float64)
    assert any(step.startswith(SKIPPED[name]) for step in model.cfg.processing)


@torch.no_grad()
def test_routing_can_be_read_and_changed():
    hf_model, tokens = tiny("mixtral"), prompts()
    model = HookedTransformer.from_pretrained_no_processing(
        hf_model=hf_model, device="cpu", dtype=torch.float64
    )
    logits, cache = model.run_with_cache(tokens)
    weights = cache["blocks.0.mlp.hook_expert_weights"]
    assert weights.shape == (*tokens.shape, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(tokens.shape, dtype=torch.float64))
    assert cache["expert_indices", 0].shape == (*tokens.shape, 2)
    assert torch.equal(cache["expert_indices", 0], weights.topk(2).indices)
    first = model.run_with_hooks(
        tokens,
        fwd_hooks=[("blocks.0.mlp.hook_expert_indices", lambda x, hook: torch.zeros_like(x))],
    )
    assert not torch.equal(first, logits)


def test_weights_that_differ_between_layers_are_not_stacked():
    model = HookedTransformer.from_pretrained_no_processing(hf_model=tiny("qwen3_moe"))
    assert model.W_Q.shape == (3, 4, 32, 10)
    assert not hasattr(model, "W_in")


@pytest.mark.parametrize("name", TINY)
def test_a_file_that_lacks_any_one_tensor_of_a_layer_is_refused(name, tmp_path):
    tiny(name).save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    tensors = load_file(path)
    for key in tensors:
        if ".1." in key:
            save_file({other: tensors[other] for other in tensors if other != key}, path)
            with pytest.raises(ModelError, match="has no tensor"):
                from_pretrained(str(tmp_path), device="cpu", dtype=torch.float64)


def test_one_norm_serves_both_only_in_parallel_blocks(tmp_path):
    tiny("stablelm").save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    kept = {key: value for key, value in load_file(path).items() if "post_attention" not in key}
    save_file(kept, path)
    with pytest.raises(ModelError, match=r"has no tensor layers\.0\.post_attention_layernorm"):
        from_pretrained(str(tmp_path), device="cpu")
