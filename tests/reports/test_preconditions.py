"""What a docstring requires holds at every door (seen in this project's own first version)."""

from __future__ import annotations

import pytest
import torch

import lensgui
from lensgui import LogitDifference, Node, Run, SweepKind
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer

METRIC = LogitDifference((5,), (6,))
CFG = HookedTransformerConfig(n_layers=2, d_model=16, n_ctx=20, d_head=4, d_vocab=30, seed=1)
CLEAN, CORRUPTED = torch.randint(0, 30, (2, 7), generator=torch.Generator().manual_seed(0))
OF_ONE_RUN = {
    "read_head": lambda run: lensgui.read_head(run, 0, 0, 2, METRIC).attribution,
    "read_edge": lambda run: lensgui.read_edge(run, 0, 0, 3, 2, METRIC).contribution,
    "read_mlp": lambda run: lensgui.read_mlp(run, 0, 2, METRIC).effect,
    "score_keys": lambda run: list(lensgui.score_keys(run, 1, 0, 2))[-1],
    "attribute_heads": lambda run: list(lensgui.attribute_heads(run, METRIC))[-1],
    "attribute": lambda run: list(lensgui.attribute(run, METRIC))[-1].heads,
    "attribute_sources": lambda run: lensgui.attribute_sources(run, METRIC, 1, 0),
    "attribute_neurons": lambda run: lensgui.attribute_neurons(run, METRIC, 1).values,
    "logit_lens": lambda run: lensgui.logit_lens(run, 2),
    "surprisals": lambda run: list(lensgui.surprisals(run)),
    "weighted_attention": lambda run: lensgui.weighted_attention(run, 1, 0, "writes"),
    "contribution": lambda run: lensgui.weighted_attention(run, 1, 0, "contribution", METRIC),
}
RESID_PRE = SweepKind("resid_pre")
OF_TWO = {
    "sweep": lambda one, two: list(lensgui.sweep(one.model, one, two, METRIC)),
    "attribution_patch": lambda one, two: lensgui.attribution_patch(
        one.model, one, two, METRIC, [RESID_PRE]
    ),
    "path_patch_into": lambda one, two: list(
        lensgui.path_patch_into(two, one, METRIC, Node("q", 1, 0))
    ),
    "ablate_heads": lambda one, two: list(lensgui.ablate_heads(one, [two], METRIC)),
}
SLOWLY = {
    "recompute_cells": lambda one, two: list(
        lensgui.recompute_cells(
            one.model, one.tokens, two.tokens, METRIC, RESID_PRE, "denoising", [(0, 0)]
        )
    )
}


@pytest.fixture
def model() -> HookedTransformer:
    return HookedTransformer(CFG)


@pytest.mark.parametrize("door", OF_ONE_RUN)
def test_a_run_is_completed_first(model, door):
    found = OF_ONE_RUN[door](Run(model, CLEAN))
    torch.testing.assert_close(found, OF_ONE_RUN[door](Run(model, CLEAN).complete()))


@pytest.mark.parametrize("door", OF_TWO)
def test_two_runs_are(model, door):
    OF_TWO[door](Run(model, CLEAN), Run(model, CORRUPTED))


@pytest.mark.parametrize("door", OF_TWO)
def test_runs_of_another_model_are_refused(model, door):
    with pytest.raises(ValueError, match="several models"):
        OF_TWO[door](Run(model, CLEAN), Run(HookedTransformer(CFG), CORRUPTED))


@pytest.mark.parametrize("door", [*OF_TWO, *SLOWLY])
def test_hooks_of_others_are_refused(model, door):
    runs = [Run(model, prompt).complete() for prompt in (CLEAN, CORRUPTED)]
    hook = ("blocks.0.hook_resid_post", lambda x, hook: x * 0)
    with model.hooks([hook]), pytest.raises(ValueError, match="Hooks are attached"):
        {**OF_TWO, **SLOWLY}[door](*runs)


@pytest.mark.parametrize("door", [*OF_TWO, *SLOWLY])
def test_other_lengths_are_refused(model, door):
    runs = [Run(model, prompt).complete() for prompt in (CLEAN, CORRUPTED[:5])]
    with pytest.raises(ValueError, match=r"as many in both|one length"):
        {**OF_TWO, **SLOWLY}[door](*runs)
