"""Circuits of weights are the products they are named for."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.weights.processing import fold
from tests.checkpoints.tiny_models import TINY, prompts, tiny


@pytest.fixture(scope="module")
def model() -> HookedTransformer:
    return HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny("llama"), device="cpu", dtype=torch.float64
    ).requires_grad_(False)


def test_circuits_use_the_heads_own_group(model):
    attn = model.blocks[1].attn
    torch.testing.assert_close(model.QK.AB[1, 3], attn.W_Q[3] @ attn.W_K[1].T)
    torch.testing.assert_close(model.OV.AB[1, 2], attn.W_V[1] @ attn.W_O[2])


@pytest.mark.parametrize("mode", ["Q", "K", "V"])
def test_composition_is_between_earlier_and_later_heads(model, mode):
    scores = model.all_composition_scores(mode)
    assert scores.shape == (3, 4, 3, 4)
    assert not scores[1, :, :2].any()
    assert (scores[0, :, 1:] > 0).all()
    right = {"Q": model.QK, "K": model.QK.T, "V": model.OV}[mode].AB[2, 1]
    left = model.OV.AB[0, 3]
    expected = (left @ right).norm() / left.norm() / right.norm()
    torch.testing.assert_close(scores[0, 3, 2, 1], expected)


def test_an_unknown_mode_is_said(model):
    with pytest.raises(ValueError, match="mode is 'O'"):
        model.all_composition_scores("O")


def test_accumulated_bias_is_what_is_left_when_nothing_else_writes(model):
    silent = [
        (
            lambda name: name.endswith("hook_z") or name.endswith("mlp.hook_post"),
            lambda x, hook: x * 0,
        ),
        ("hook_embed", lambda x, hook: x * 0),
    ]
    residual = model.run_with_hooks(prompts(1), stop_at_layer=2, fwd_hooks=silent)
    torch.testing.assert_close(residual[0, 5], model.accumulated_bias(2))
    with_attention = model.accumulated_bias(1, mlp_input=True)
    torch.testing.assert_close(with_attention, model.accumulated_bias(1) + model.blocks[1].attn.b_O)


def test_switches_turn_on_and_off(model):
    for on in (True, False):
        model.set_use_attn_result(on)
        model.set_use_hook_mlp_in(on)
        model.set_use_split_qkv_input(on)
        _, cache = model.run_with_cache(prompts())
        assert ("result", 0) in cache or not on
        assert ("blocks.0.hook_mlp_in" in cache) == on
        assert ("blocks.0.hook_k_input" in cache) == on


REFACTORED = {"gpt2", "gpt_neo", "opt", "bloom", "biogpt", "xglm"}
# Why other families are skipped, where it is not that they rotate queries and keys.
SKIPPED = {
    "mpt": "queries and keys are normalised or clipped",
    "gpt_bigcode": "heads share keys and values",
}


@torch.no_grad()
@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("name", TINY)
def test_refactored_heads_are_the_same_heads(name, folded):
    plain, model = (
        HookedTransformer.from_pretrained(
            hf_model=tiny(name),
            device="cpu",
            dtype=torch.float64,
            fold_ln=folded,
            center_writing_weights=folded,
            center_unembed=folded,
            fold_value_biases=folded,
            refactor_factored_attn_matrices=refactored,
        )
        for refactored in (False, True)
    )
    before, after = (m(prompts()).log_softmax(-1) for m in (plain, model))
    assert (after - before).abs().max() <= 1e-10 * max(1, float(before.abs().max()))
    said = model.cfg.processing[-1]
    if name.split(" (")[0] not in REFACTORED:
        assert "skipped: " + SKIPPED.get(name, "rotation") in said
        return
    assert said == "refactor_factored_attn_matrices"
    torch.testing.assert_close(model.OV.AB, plain.OV.AB, atol=1e-9, rtol=1e-9)
    gram = model.W_V.transpose(-2, -1) @ model.W_V
    torch.testing.assert_close(gram, torch.eye(gram.shape[-1]).to(gram).expand_as(gram))
    assert not model.b_V.any()
    assert (model.W_Q - plain.W_Q).abs().max() > 1e-3


@pytest.mark.parametrize("rows", [1, 2, 4, 5])
def test_a_few_rows_are_unembedded_as_many_are(model, rows):
    unembed = deepcopy(model.unembed)
    unembed.b_U.normal_()
    streams = torch.randn(rows, model.cfg.d_model, dtype=model.cfg.dtype)
    expected = streams @ unembed.W_U + unembed.b_U
    found = unembed.columns(streams)
    torch.testing.assert_close(found, expected)
    assert found.is_contiguous()
    some = torch.tensor([2, 0, 5])
    torch.testing.assert_close(unembed.columns(streams, some), expected[:, some])


@torch.no_grad()
def test_heads_with_sinks_keep_their_value_biases():
    """What a head's value bias adds depends on how much goes to the sink."""
    cfg = HookedTransformerConfig(
        n_layers=1, d_model=8, n_ctx=24, d_head=4, d_vocab=61, use_attn_sinks=True, seed=0
    )
    model = HookedTransformer(cfg)
    model.blocks[0].attn.b_V.fill_(1.0)
    before = model(prompts())
    fold(model, fold_ln=False, refactor_factored_attn_matrices=True)
    assert "sinks" in cfg.processing[-1]
    torch.testing.assert_close(model(prompts()).log_softmax(-1), before.log_softmax(-1))
