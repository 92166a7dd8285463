"""Hooks read and replace activations, nest, and leave nothing behind."""

from __future__ import annotations

import pytest
import torch

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer
from tests.references import attached

TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]])


@pytest.fixture
def model() -> HookedTransformer:
    return HookedTransformer(
        HookedTransformerConfig(
            n_layers=2, d_model=16, n_ctx=16, d_head=4, d_vocab=11, act_fn="gelu", seed=0
        )
    )


def test_a_hook_that_returns_nothing_only_reads(model):
    seen = []
    before = model(TOKENS)
    after = model.run_with_hooks(
        TOKENS, fwd_hooks=[("blocks.1.hook_resid_mid", lambda x, hook: seen.append(hook.name))]
    )
    assert seen == ["blocks.1.hook_resid_mid"]
    assert torch.equal(before, after)
    assert attached(model) == 0


def test_a_hook_replaces_what_it_returns(model):
    zero = [("blocks.0.attn.hook_z", lambda z, hook: torch.zeros_like(z))]
    with model.hooks(zero):
        _, cache = model.run_with_cache(TOKENS)
    assert not cache["attn_out", 0].any()
    assert cache["attn_out", 1].any()


@pytest.mark.parametrize("name", ["blocks.0.attn.hook_pattern", "blocks.0.attn.hook_attn_scores"])
def test_patterns_and_scores_can_be_replaced(model, name):
    plain = model(TOKENS)
    read = model.run_with_hooks(TOKENS, fwd_hooks=[(name, lambda x, hook: None)])
    changed = model.run_with_hooks(TOKENS, fwd_hooks=[(name, lambda x, hook: x * 0.5)])
    torch.testing.assert_close(plain, read)
    assert (plain - changed).abs().max() > 1e-5


def test_contexts_nest_and_each_takes_its_own_hooks_away(model):
    model.add_perma_hook("hook_embed", lambda x, hook: None)
    with model.hooks([("hook_embed", lambda x, hook: x * 2)]):
        with model.hooks([(lambda name: name.endswith("hook_resid_pre"), lambda x, hook: None)]):
            assert attached(model) == 4
        assert attached(model) == 2
    assert attached(model) == 1
    model.reset_hooks(including_permanent=True)
    assert attached(model) == 0


def test_an_exception_leaves_no_hooks(model):
    def fail(x, hook):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        model.run_with_hooks(TOKENS, fwd_hooks=[("blocks.1.attn.hook_q", fail)])
    assert attached(model) == 0
    assert model.context_level == 0


def test_an_unknown_name_offers_the_nearest_and_attaches_nothing(model):
    good = ("hook_embed", lambda x, hook: None)
    with pytest.raises(KeyError, match=r"blocks\.0\.attn\.hook_pattern"):
        model.run_with_hooks(
            TOKENS, fwd_hooks=[good, ("blocks.0.attn.hook_patern", lambda x, hook: None)]
        )
    assert attached(model) == 0


def test_a_wrong_rank_names_the_hook_and_the_shapes(model):
    with pytest.raises(ValueError, match=r"blocks\.0\.hook_mlp_out.*\[16\].*\[1, 8, 16\]"):
        model.run_with_hooks(TOKENS, fwd_hooks=[("blocks.0.hook_mlp_out", lambda x, hook: x[0, 0])])


def test_backward_hooks_see_and_replace_gradients(model):
    gradients = {}
    with model.hooks(
        bwd_hooks=[("blocks.1.hook_resid_pre", lambda g, hook: gradients.update({hook.name: g}))]
    ):
        model(TOKENS, return_type="loss").backward()
    assert gradients["blocks.1.hook_resid_pre"].shape == (1, 8, 16)
    model.zero_grad()
    with model.hooks(bwd_hooks=[("blocks.0.hook_resid_post", lambda g, hook: g * 0)]):
        model(TOKENS, return_type="loss").backward()
    assert not model.blocks[0].mlp.W_in.grad.any()
    assert model.blocks[1].mlp.W_in.grad.any()


@pytest.mark.parametrize(
    ("names_filter", "count"),
    [
        ("hook_embed", 1),
        (["hook_embed", "blocks.1.attn.hook_pattern"], 2),
        (lambda name: name.endswith("hook_z"), 2),
    ],
)
def test_names_filter_takes_every_form(model, names_filter, count):
    _, cache = model.run_with_cache(TOKENS, names_filter=names_filter)
    assert len(cache) == count


def test_everything_is_cached_with_the_documented_shapes(model):
    _, cache = model.run_with_cache(TOKENS)
    shapes = {
        "hook_embed": (1, 8, 16),
        "hook_pos_embed": (1, 8, 16),
        "ln_final.hook_scale": (1, 8, 1),
        "ln_final.hook_normalized": (1, 8, 16),
        "unembed.hook_in": (1, 8, 16),
        "unembed.hook_out": (1, 8, 11),
    }
    block = {
        "hook_resid_pre": (1, 8, 16),
        "hook_resid_mid": (1, 8, 16),
        "hook_resid_post": (1, 8, 16),
        "hook_attn_out": (1, 8, 16),
        "hook_mlp_out": (1, 8, 16),
        "ln1.hook_scale": (1, 8, 1),
        "ln1.hook_normalized": (1, 8, 16),
        "ln2.hook_scale": (1, 8, 1),
        "ln2.hook_normalized": (1, 8, 16),
        "attn.hook_q": (1, 8, 4, 4),
        "attn.hook_k": (1, 8, 4, 4),
        "attn.hook_v": (1, 8, 4, 4),
        "attn.hook_z": (1, 8, 4, 4),
        "attn.hook_attn_scores": (1, 4, 8, 8),
        "attn.hook_pattern": (1, 4, 8, 8),
        "mlp.hook_pre": (1, 8, 64),
        "mlp.hook_post": (1, 8, 64),
    }
    shapes |= {
        f"blocks.{layer}.{name}": shape for layer in range(2) for name, shape in block.items()
    }
    assert {name: tuple(value.shape) for name, value in cache.items()} == shapes


def test_the_switches_add_their_hooks_and_change_nothing(model):
    plain = model(TOKENS)
    model.cfg.use_attn_result = model.cfg.use_split_qkv_input = model.cfg.use_hook_mlp_in = True
    logits, cache = model.run_with_cache(TOKENS)
    torch.testing.assert_close(logits, plain)
    assert cache["result", 0].shape == (1, 8, 4, 16)
    assert cache["blocks.1.hook_q_input"].shape == (1, 8, 4, 16)
    assert cache["blocks.1.ln1.hook_normalized"].shape == (1, 8, 4, 16)
    assert "blocks.0.hook_mlp_in" in cache
    torch.testing.assert_close(cache["result", 1].sum(2), cache["attn_out", 1])


def test_pos_slice_device_batch_and_gradients_of_the_cache(model):
    whole, cache = model.run_with_cache(TOKENS)
    _, sliced = model.run_with_cache(
        TOKENS, pos_slice=slice(-2, None), remove_batch_dim=True, device="cpu"
    )
    assert torch.equal(sliced["pattern", 0], cache["pattern", 0][0, :, -2:])
    assert torch.equal(sliced["resid_post", 1], cache["resid_post", 1][0, -2:])
    _, graded = model.run_with_cache(TOKENS, return_type="loss", incl_bwd=True)
    assert graded["blocks.0.attn.hook_pattern_grad"].shape == (1, 4, 8, 8)
    assert attached(model) == 0
    assert whole.shape == (1, 8, 11)
