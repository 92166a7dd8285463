"""The cache answers to short names, and its decompositions add up."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import prompts, tiny
from tests.references import close


@pytest.fixture(scope="module")
def model() -> HookedTransformer:
    return HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny("gpt2"), device="cpu", dtype=torch.float64
    )


@pytest.mark.parametrize(
    ("short", "full"),
    [
        (("pattern", 2), "blocks.2.attn.hook_pattern"),
        (("attn", 2), "blocks.2.attn.hook_pattern"),
        (("attn_logits", 0), "blocks.0.attn.hook_attn_scores"),
        (("resid_post", -1), "blocks.2.hook_resid_post"),
        (("scale", 1, "ln2"), "blocks.1.ln2.hook_scale"),
        (("post", 1), "blocks.1.mlp.hook_post"),
        (("pre", 1, "m"), "blocks.1.mlp.hook_pre"),
        (("query", 1), "blocks.1.attn.hook_q"),
        ("k1", "blocks.1.attn.hook_k"),
        ("scale2ln1", "blocks.2.ln1.hook_scale"),
        ("normalized", "ln_final.hook_normalized"),
        ("embed", "hook_embed"),
        ("pos_embed", "hook_pos_embed"),
        ("blocks.0.hook_resid_pre", "blocks.0.hook_resid_pre"),
    ],
)
def test_short_names(cache, short, full):
    assert cache[short] is cache.cache_dict[full]
    assert short in cache


@given(st.sampled_from(["q", "k", "v", "z", "pattern"]), st.integers(0, 99))
def test_a_name_with_a_number_is_the_pair(name, layer):
    assert get_act_name(f"{name}{layer}") == get_act_name(name, layer)
    assert get_act_name(name, layer) == f"blocks.{layer}.attn.hook_{name}"


def test_an_unknown_name_offers_the_nearest(cache):
    with pytest.raises(KeyError, match=r"blocks\.0\.hook_resid_pre"):
        cache["resid_prex", 0]


def test_the_accumulated_stream_ends_in_the_logits(model, cache):
    tokens = prompts()
    stack, labels = cache.accumulated_resid(apply_ln=True, incl_mid=True, return_labels=True)
    close(stack[-1] @ model.W_U + model.b_U, model(tokens))
    assert labels[:3] == ["0_pre", "0_mid", "1_pre"]
    assert labels[-1] == "final_post"
    assert len(stack) == len(labels) == 7


def test_the_logit_lens_normalises_each_row_by_itself(model, cache):
    stack = cache.accumulated_resid(apply_ln=True)
    close(stack[1], model.ln_final(cache["resid_pre", 1]))


@pytest.mark.parametrize("layer", [1, 2, None])
def test_components_add_up_to_the_stream(model, cache, layer):
    whole = cache["resid_post", -1] if layer is None else cache["resid_pre", layer]
    stack, labels = cache.decompose_resid(layer, return_labels=True)
    close(stack.sum(0), whole)
    assert labels[:3] == ["embed", "pos_embed", "0_attn_out"]
    normalised = cache.decompose_resid(layer, apply_ln=True).sum(0)
    norm = model.ln_final if layer is None else model.blocks[layer].ln1
    close(normalised, norm(whole))


def test_attention_and_mlp_modes_share_the_components_out(cache):
    attn = cache.decompose_resid(mode="attn", incl_embeds=False)
    mlp = cache.decompose_resid(mode="mlp", incl_embeds=True)
    close(attn.sum(0) + mlp.sum(0), cache["resid_post", -1])
    middle = cache.decompose_resid(1, mlp_input=True)
    close(middle.sum(0), cache["resid_mid", 1])


def test_heads_and_the_remainder_add_up(cache):
    stack, labels = cache.stack_head_results(
        layer=2, incl_remainder=True, return_labels=True, pos_slice=-1
    )
    close(stack.sum(0), cache["resid_pre", 2][:, -1])
    assert labels[0] == "L0H0"
    assert labels[-2:] == ["L1H3", "remainder"]


def test_attribution_with_answers_for_each_prompt(model, cache):
    stack = cache.decompose_resid(pos_slice=-1)
    answers, wrong = torch.tensor([3, 5]), torch.tensor([7, 2])
    attributed = cache.logit_attrs(stack, answers, wrong, pos_slice=-1)
    for row in range(2):
        one = cache.logit_attrs(stack, int(answers[row]), int(wrong[row]), pos_slice=-1)
        close(attributed[:, row], one[:, row])


def test_batch_dimension_goes_only_when_it_is_one(model, cache):
    with pytest.raises(ValueError, match="batch of 2"):
        cache.remove_batch_dim()
    _, single = model.run_with_cache(prompts(1))
    with_batch = single.decompose_resid(apply_ln=True)
    close(single.remove_batch_dim().decompose_resid(apply_ln=True), with_batch[:, 0])


def test_stacked_activations(cache):
    assert cache.stack_activation("pattern").shape == (3, 2, 4, 24, 24)
    close(cache.stack_activation("scale", 2, "ln2")[1], cache["scale", 1, "ln2"])
