"""Notebook-style patching: every map has its shape, and its cells obey the laws of patching."""

from __future__ import annotations

import pytest
import torch

from lensgui import patching
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.references import model_of

CLEAN = torch.tensor([[3, 1, 4, 1, 5, 9]])
CORRUPTED = torch.tensor([[3, 1, 2, 1, 5, 9]])
METRIC = LogitDifference((11,), (7,))
LAYERS, POSITIONS, HEADS, GROUPS = 3, 6, 4, 2


@pytest.fixture(scope="module", params=["gpt2", "llama"])
def model(request) -> HookedTransformer:
    return model_of(request.param)


@pytest.fixture(scope="module")
def given(model):
    return model, CORRUPTED, model.run_with_cache(CLEAN)[1], METRIC


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("resid_pre", (LAYERS, POSITIONS)),
        ("resid_mid", (LAYERS, POSITIONS)),
        ("attn_out", (LAYERS, POSITIONS)),
        ("mlp_out", (LAYERS, POSITIONS)),
        ("attn_head_out_by_pos", (LAYERS, POSITIONS, HEADS)),
        ("attn_head_k_by_pos", (LAYERS, POSITIONS, "groups")),
        ("attn_head_pattern_by_pos", (LAYERS, HEADS, POSITIONS)),
        ("attn_head_pattern_dest_src_pos", (LAYERS, HEADS, POSITIONS, POSITIONS)),
        ("attn_head_q_all_pos", (LAYERS, HEADS)),
        ("attn_head_v_all_pos", (LAYERS, "groups")),
        ("attn_head_pattern_all_pos", (LAYERS, HEADS)),
        ("attn_head_all_pos_every", (5, LAYERS, HEADS)),
        ("attn_head_by_pos_every", (5, LAYERS, POSITIONS, HEADS)),
        ("block_every", (3, LAYERS, POSITIONS)),
    ],
)
def test_shapes_and_causality(given, name, shape):
    model = given[0]
    result = getattr(patching, f"get_act_patch_{name}")(*given)
    assert tuple(result.shape) == tuple(
        model.cfg.kv_heads if size == "groups" else size for size in shape
    )
    base = float(METRIC(model(CORRUPTED)))
    axis = {"resid_pre": 1, "attn_head_out_by_pos": 1, "attn_head_pattern_by_pos": 2}.get(name)
    if axis is not None:
        before = result.narrow(axis, 0, 2)
        torch.testing.assert_close(before, torch.full_like(before, base))
        assert (result - base).abs().max() > 1e-2


def test_the_residual_map_is_the_sweep(given):
    slow = patching.get_act_patch_resid_pre(*given)
    *_, result = sweep(given[0], CLEAN, CORRUPTED, METRIC)
    torch.testing.assert_close(
        slow.double(), result.values + result.corrupted, atol=1e-5, rtol=1e-5
    )


@pytest.mark.parametrize("kind", ["resid_mid", "attn_head_out_by_pos", "attn_head_k_all_pos"])
def test_any_function_of_logits_gives_what_a_declared_metric_gives(given, kind):
    model, corrupted, cache, _ = given
    corrupted = torch.cat([corrupted, CLEAN.flip(1)])
    cache = model.run_with_cache(torch.cat([CLEAN, CORRUPTED]))[1]
    patch = getattr(patching, f"get_act_patch_{kind}")
    declared = patch(model, corrupted, cache, METRIC)
    plain = patch(model, corrupted, cache, lambda logits: METRIC(logits))
    torch.testing.assert_close(declared, plain, atol=1e-5, rtol=1e-5)
    part = model.run_with_cache(corrupted, names_filter=lambda name: "hook_z" not in name)[1]
    if "out" not in kind:
        torch.testing.assert_close(
            patch(model, corrupted, part, METRIC),
            patch(model, corrupted, part, lambda logits: METRIC(logits)),
            atol=1e-5,
            rtol=1e-5,
        )


def test_every_is_the_single_maps(given):
    model = given[0]
    every = patching.get_act_patch_attn_head_all_pos_every(*given)
    torch.testing.assert_close(every[0], patching.get_act_patch_attn_head_out_all_pos(*given))
    keys = patching.get_act_patch_attn_head_k_all_pos(*given)
    group = model.cfg.n_heads // model.cfg.kv_heads
    torch.testing.assert_close(every[2], keys.repeat_interleave(group, 1))


def test_patching_leaves_the_clean_cache_alone(given):
    before = {name: value.clone() for name, value in given[2].items()}
    patching.get_act_patch_attn_head_out_all_pos(*given)
    assert all(torch.equal(value, given[2][name]) for name, value in before.items())


def test_any_metric_setter_and_chosen_indices(given):
    model, corrupted, cache, _ = given

    def double(activation, index, clean):
        activation[:, index[1]] = 2 * clean[:, index[1]]
        return activation

    result = patching.generic_activation_patch(
        model,
        corrupted,
        cache,
        lambda logits: logits[0, -1].logsumexp(-1),
        double,
        "mlp_out",
        index_df=[(0, 5), (2, 5)],
    )
    name = "blocks.2.hook_mlp_out"

    def hook(x, hook):
        x = x.clone()
        x[:, 5] = 2 * cache[name][:, 5]
        return x

    expected = model.run_with_hooks(corrupted, fwd_hooks=[(name, hook)])[0, -1].logsumexp(-1)
    torch.testing.assert_close(result[1].double(), expected, atol=1e-5, rtol=1e-6)
    with pytest.raises(ValueError, match="either"):
        patching.generic_activation_patch(*given, double, "mlp_out")
