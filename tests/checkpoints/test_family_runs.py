"""In every family, switches, a cache of keys and half precision give what they should."""

from __future__ import annotations

import pytest
import torch

from lensgui.transformer.model import HookedTransformer
from lensgui.transformer.text.generation import empty_cache
from tests.checkpoints.tiny_models import LENGTH, TINY, prompts, tiny

every_family = pytest.mark.parametrize("name", TINY)


def opened(name: str, dtype: torch.dtype = torch.float64) -> HookedTransformer:
    return HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny(name), device="cpu", dtype=dtype
    )


@every_family
@torch.no_grad()
def test_switches_change_no_logits(name):
    model, tokens = opened(name), prompts()
    before = model(tokens)
    bar = 1e-10 * float(before.abs().max())
    for switch in ("use_attn_result", "use_split_qkv_input", "use_attn_in", "use_hook_mlp_in"):
        for on in (True, False):
            getattr(model, f"set_{switch}")(on)
            if on:
                assert (model(tokens) - before).abs().max() <= bar, switch
    model.set_use_split_qkv_input(True)
    model.set_use_attn_in(True)
    assert (model(tokens) - before).abs().max() <= bar


@every_family
@torch.no_grad()
def test_positions_run_in_turn_are_positions_run_together(name):
    model, tokens = opened(name), prompts()
    whole = model(tokens)
    past = empty_cache(model, len(tokens))
    pieces, start = [], 0
    for end in (9, 10, LENGTH):
        span = model.span(end - start, past=start)
        residual = model.to_embedding(tokens[:, start:end], span)
        *_, residual = model.run_blocks(residual, range(model.cfg.n_layers), span, past)
        pieces.append(model.to_logits(residual))
        start = end
    assert (torch.cat(pieces, 1) - whole).abs().max() <= 1e-10 * whole.abs().max()


@every_family
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@torch.no_grad()
def test_half_precision_runs(name, dtype):
    model, tokens = opened(name, dtype), prompts()
    logits, cache = model.run_with_cache(tokens)
    assert logits.isfinite().all()
    assert model(tokens).dtype == logits.dtype == dtype
    assert {cache[part, 1].dtype for part in ("resid_pre", "pattern", "attn_out")} == {dtype}
