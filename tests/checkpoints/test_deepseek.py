"""What is DeepSeek's own: latents, experts in groups, a bias that only chooses."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file

from lensgui.checkpoints.loading import NO_PROCESSING, from_pretrained
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.layers.routing import chosen_by
from tests.checkpoints.tiny_models import LENGTH, prompts, tiny

NAMES = ("deepseek_v2", "deepseek_v2 (queries read directly, no groups)", "deepseek_v3")


def opened(name, **settings):
    given = {"hf_model": tiny(name), "device": "cpu", "dtype": torch.float64}
    return from_pretrained(**given, **NO_PROCESSING, **settings)


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    return opened(request.param)


@torch.no_grad()
def test_heads_have_queries_keys_and_values_of_their_own(model):
    _, cache = model.run_with_cache(prompts())
    heads = (2, LENGTH, 4)
    assert {cache[name, 1].shape for name in ("q", "k", "rot_q", "rot_k")} == {(*heads, 14)}
    assert cache["v", 1].shape == cache["z", 1].shape == (*heads, 10)
    assert cache["kv_latent", 1].shape == (2, LENGTH, 12)
    assert ("q_latent", 1) in cache or model.cfg.q_rank is None
    torch.testing.assert_close(cache["q", 1][..., :8], cache["rot_q", 1][..., :8])
    turning = cache["k", 1][..., 8:]
    torch.testing.assert_close(turning, turning[:, :, :1].expand_as(turning))


@torch.no_grad()
def test_a_latent_is_what_keys_and_values_are_made_of(model):
    _, cache = model.run_with_cache(prompts())
    other = model.run_with_cache(prompts(seed=2))[1]["kv_latent", 0]
    put = [("blocks.0.attn.hook_kv_latent", lambda x, hook: other)]
    with model.hooks(put):
        _, patched = model.run_with_cache(prompts())
    attn = model.blocks[0].attn
    made = torch.einsum("bpr,hrd->bphd", other, attn.W_K_up)
    torch.testing.assert_close(patched["k", 0][..., :8], made)
    torch.testing.assert_close(patched["k", 0][..., 8:], cache["k", 0][..., 8:])
    made = torch.einsum("bpr,hrd->bphd", other, attn.W_V_up)
    torch.testing.assert_close(patched["v", 0], made)


def test_what_is_no_one_matrix_is_refused_in_one_sentence(model):
    for name in ("W_K", "W_V", "QK", "OV", "W_Q"):
        if name == "W_Q" and model.cfg.q_rank is None:
            assert model.W_Q.shape == (3, 4, 32, 14)
            continue
        with pytest.raises(AttributeError, match="a norm stands between") as caught:
            getattr(model, name)
        assert str(caught.value).count(". ") == 0
        if name.startswith("W"):
            with pytest.raises(AttributeError, match=f"has no {name}, as a norm stands between"):
                getattr(model.blocks[0].attn, name)
    assert not hasattr(model, "W_anything")
    assert model.W_O.shape == (3, 4, 10, 32)
    assert model.b_K.shape == (3, 4, 14)


@torch.no_grad()
def test_biases_of_queries_keys_and_values_are_added():
    model = opened("deepseek_v3")
    _, before = model.run_with_cache(prompts())
    for letter in "QKV":
        getattr(model.blocks[0].attn, f"b_{letter}").add_(1.0)
    _, after = model.run_with_cache(prompts())
    for letter in "qkv":
        torch.testing.assert_close(after[letter, 0], before[letter, 0] + 1.0)
    folded = from_pretrained(hf_model=tiny("deepseek_v3"), device="cpu", dtype=torch.float64)
    assert "fold_value_biases" in folded.cfg.processing


@torch.no_grad()
def test_a_bias_of_experts_chooses_and_does_not_weigh():
    model, tokens = opened("deepseek_v3"), prompts()
    _, before = model.run_with_cache(tokens)
    model.blocks[1].mlp.b_choice[:] = torch.tensor([0.0, 9, 0, 9, 0, 9, 0, 0])
    _, after = model.run_with_cache(tokens)
    torch.testing.assert_close(after["expert_weights", 1], before["expert_weights", 1])
    assert not torch.equal(after["expert_indices", 1], before["expert_indices", 1])
    groups = after["expert_indices", 1] // 2  # of which a token chooses two
    assert all(len(set(row)) <= 2 for row in groups.flatten(0, 1).tolist())


def test_a_group_is_as_strong_as_its_best():
    sizes = {"n_layers": 1, "d_model": 8, "n_ctx": 4, "d_head": 4, "d_vocab": 5, "num_experts": 6}
    grouped = {"expert_groups": 3, "experts_per_token": 2}
    ranks = torch.tensor([9.0, 0.0, 8.0, 7.0, 5.0, 6.0])
    one = HookedTransformerConfig(**sizes, **grouped)
    both = HookedTransformerConfig(**sizes, **grouped, group_best=2)
    two = HookedTransformerConfig(**sizes, **grouped, groups_per_token=2)
    assert [chosen_by(ranks, cfg).tolist() for cfg in (one, both, two)] == [[0, 1], [2, 3], [0, 2]]
    for wrong in ({"expert_groups": 4}, {"group_best": 3}, {"groups_per_token": 4}):
        with pytest.raises(ValueError, match=r"6 experts are not in . groups that can be chosen"):
            HookedTransformerConfig(**sizes, **{**grouped, **wrong})
    with pytest.raises(ValueError, match="uses 3 experts, and the groups that it chooses have 2"):
        HookedTransformerConfig(**sizes, **{**grouped, "experts_per_token": 3})


@pytest.mark.parametrize(
    "wrong", [{"n_key_value_heads": 1}, {"clip_qkv": 1.0}, {"positional_embedding_type": "alibi"}]
)
def test_latents_with_what_does_not_go_with_them_are_refused(wrong):
    sizes = {"n_layers": 1, "d_model": 8, "n_ctx": 4, "d_head": 4, "d_vocab": 5, "kv_rank": 3}
    rotary = {"positional_embedding_type": "rotary", "rotary_dim": 2}
    with pytest.raises(ValueError, match="Latent attention, with kv_rank, needs"):
        HookedTransformerConfig(**sizes, **{**rotary, **wrong})


@torch.no_grad()
def test_the_layer_that_looks_another_token_ahead_is_left_out(tmp_path):
    tiny("deepseek_v3").save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    ahead = {f"model.layers.61.{name}": torch.ones(3) for name in ("eh_proj.weight", "norm.weight")}
    save_file({**load_file(path), **ahead}, path)
    model = from_pretrained(str(tmp_path), device="cpu", dtype=torch.float64, **NO_PROCESSING)
    assert torch.equal(model(prompts()), opened("deepseek_v3")(prompts()))
