"""On an accelerator all experts read all rows, so that nobody asks which were chosen."""

from __future__ import annotations

import pytest
import torch

from lensgui.transformer.layers import mlp, routing
from tests.references import close, model_of

FAMILIES = ("mixtral", "gpt_oss", "deepseek_v3", "qwen3_moe", "phimoe")


@torch.no_grad()
@pytest.mark.parametrize("name", FAMILIES)
def test_both_ways_agree(name):
    model = model_of(name)
    experts = next(of.mlp for of in model.blocks if isinstance(of.mlp, mlp.Experts))
    rows = torch.randn(9, model.cfg.d_model, dtype=torch.float64)
    scores = rows @ experts.W_router + experts.b_router
    weights = routing.weights_of(scores, model.cfg)
    chosen = routing.chosen_by(weights, model.cfg)
    shares = routing.shares_of(chosen, weights, model.cfg)
    close(experts._mix_all(rows, shares, chosen), experts._mix(rows, shares, chosen))
    twice = chosen[:, :1].expand_as(chosen)  # as a hook may choose
    close(experts._mix_all(rows, shares, twice), experts._mix(rows, shares, twice))
