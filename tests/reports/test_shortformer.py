"""Positions that are added to what queries and keys read (Press et al. 2021), as TransformerLens
defines them; the first version made a model without positions."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import lensgui
from lensgui import LogitDifference
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.weights.processing import fold

METRIC = LogitDifference((5,), (6,))
CLOSE = {"atol": 1e-9, "rtol": 1e-9}


def keep_in(seen):
    return lambda x, hook: seen.append(x)


@pytest.fixture(params=["attention only", "with MLPs"])
def model(request) -> HookedTransformer:
    cfg = HookedTransformerConfig(
        n_layers=3,
        d_model=16,
        n_ctx=20,
        d_head=4,
        d_vocab=30,
        attn_only=request.param == "attention only",
        positional_embedding_type="shortformer",
        dtype=torch.float64,
        init_range=0.4,
        seed=3,
    )
    return HookedTransformer(cfg)


def tokens(seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 30, (1, 9), generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def test_queries_and_keys_read_positions_and_values_do_not(model):
    model.cfg.attn_only = True  # what MLPs add is another question
    ids = tokens()
    stream, rows = model.W_E[ids], model.W_pos[: ids.shape[1]]
    above = torch.ones(ids.shape[1], ids.shape[1]).triu(1).bool()
    for block in model.blocks:
        attn, read = block.attn, F.layer_norm(stream, (16,), block.ln1.w, block.ln1.b, 1e-5)
        q, k = (torch.einsum("bpm,hmd->bhpd", read + rows, W) for W in (attn.W_Q, attn.W_K))
        v = torch.einsum("bpm,hmd->bhpd", read, attn.W_V)
        pattern = (q @ k.mT / 2).masked_fill(above, -torch.inf).softmax(-1)
        stream = stream + torch.einsum("bhpd,hdm->bpm", pattern @ v, attn.W_O)
    torch.testing.assert_close(model(ids), model.to_logits(stream), **CLOSE)


@torch.no_grad()
def test_every_way_through_gives_the_same(model):
    ids = tokens()
    logits, cache = model.run_with_cache(ids)
    assert torch.equal(model(ids), logits)
    started = model(cache["resid_pre", 1], start_at_layer=1)
    torch.testing.assert_close(started, logits, **CLOSE)
    torch.testing.assert_close(model.blocks[1](cache["resid_pre", 1]), cache["resid_post", 1])
    padded = torch.cat([torch.zeros(1, 4, dtype=torch.long), ids], 1)
    mask = torch.cat([torch.zeros(1, 4), torch.ones(1, 9)], 1)
    torch.testing.assert_close(model(padded, attention_mask=mask)[:, 4:], logits, **CLOSE)
    parts = cache.decompose_resid(mode="all" if not model.cfg.attn_only else "attn")
    torch.testing.assert_close(parts.sum(0), cache["resid_post", -1], **CLOSE)
    settings = {"do_sample": False, "stop_at_eos": False}
    written = [model.generate(ids, 5, use_past_kv_cache=on, **settings) for on in (True, False)]
    assert torch.equal(*written)
    for on in ("use_attn_in", "use_split_qkv_input"):
        setattr(model.cfg, on, True)
        torch.testing.assert_close(model(ids), logits, **CLOSE)
        setattr(model.cfg, on, False)


@torch.no_grad()
def test_hooks_on_positions_count(model):
    ids = tokens()
    silent = model.run_with_hooks(ids, fwd_hooks=[("hook_pos_embed", lambda x, hook: x * 0)])
    model.pos_embed.W_pos.zero_()
    torch.testing.assert_close(model(ids), silent, **CLOSE)


@torch.no_grad()
def test_folding_leaves_log_probabilities(model):
    before = model(tokens()).log_softmax(-1)
    fold(model)
    assert model.cfg.processing[0].startswith("fold_ln skipped")
    torch.testing.assert_close(model(tokens()).log_softmax(-1), before, **CLOSE)


@torch.no_grad()
def test_patterns_and_estimates(model):
    ids = tokens()
    _, cache = model.run_with_cache(ids)
    run = lensgui.Run(model, ids[0]).complete()
    for layer in range(3):
        torch.testing.assert_close(run.patterns(layer, range(4)), cache["pattern", layer][0])
    other, kind = lensgui.Run(model, tokens(2)[0]).complete(), lensgui.SweepKind("resid_pre")
    (estimate,) = lensgui.attribution_patch(model, run, other, METRIC, [kind])
    seen = []
    with torch.enable_grad(), model.hooks([("blocks.1.hook_resid_pre", keep_in(seen))]):
        (gradient,) = torch.autograd.grad(METRIC(model(tokens(2))), seen)
    expected = ((cache["resid_pre", 1] - seen[0]) * gradient).sum(-1)[0]
    torch.testing.assert_close(estimate[1], expected.to(estimate), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["resid_pre", "z", "q", "k", "v"])
def test_sweeps_are_patched_runs(model, name):
    clean, corrupted = tokens(1), tokens(2)
    kind = lensgui.SweepKind(name)
    *_, result = lensgui.sweep(model, clean[0], corrupted[0], METRIC, kind)
    point = lensgui.get_act_name(name, 1)
    at = (0, 3) if name == "resid_pre" else (0, 3, 2)

    def patch(x, hook):
        x[at] = cache[point][at]
        return x

    with torch.no_grad():
        _, cache = model.run_with_cache(clean)
        logits = model.run_with_hooks(corrupted, fwd_hooks=[(point, patch)])
    found = result.values[(1, *at[1:])] + result.corrupted
    torch.testing.assert_close(float(found), float(METRIC(logits)), **CLOSE)


def test_post_norms_are_refused():
    with pytest.raises(ValueError, match="do not go together"):
        HookedTransformerConfig(
            n_layers=1,
            d_model=8,
            n_ctx=8,
            d_head=4,
            d_vocab=9,
            positional_embedding_type="shortformer",
            use_normalization_after_only=True,
        )
