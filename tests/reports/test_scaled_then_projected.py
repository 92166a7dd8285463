"""A decomposition that is scaled and projected is scaled first (TransformerLens issue 210)."""

from __future__ import annotations

import pytest
import torch

from tests.reports.small import TOKENS, random_model

KINDS = [
    {},
    {"normalization_type": "RMS"},
    {"normalization_type": "LNPre"},
    {"normalization_type": None},
    {"use_normalization_before_and_after": True, "normalization_type": "RMS"},
    {"attn_only": True},
]


@pytest.fixture(params=KINDS, ids=str)
def cache(request):
    """Return the activations of a model none of whose weights is what it starts as."""
    model = random_model(dtype=torch.float64, **request.param)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_()
        return model.run_with_cache(TOKENS)[1]


@pytest.mark.parametrize("directions", [(), (3,)], ids=["one", "three"])
@pytest.mark.parametrize("where", [{}, {"layer": 1}, {"layer": 1, "mlp_input": True}], ids=str)
@pytest.mark.parametrize("pos_slice", [None, -1])
@torch.no_grad()
def test_scale_then_project(cache, directions, where, pos_slice):
    if where.get("mlp_input") and cache.model.cfg.attn_only:
        pytest.skip("There is no MLP.")
    onto = torch.randn(16, *directions, dtype=torch.float64)
    asked = {**where, "pos_slice": pos_slice, "apply_ln": True, "return_labels": True}
    for expand in (True, False):
        asked["expand_neurons"] = expand
        scaled, labels = cache.get_full_resid_decomposition(**asked)
        both = cache.get_full_resid_decomposition(**asked, project_output_onto=onto)
        assert both[1] == labels
        torch.testing.assert_close(both[0], scaled @ onto)


@torch.no_grad()
def test_of_neurons_too(cache):
    if cache.model.cfg.attn_only:
        pytest.skip("There is no MLP.")
    onto = torch.randn(16, dtype=torch.float64)
    asked = {"apply_ln": True, "incl_remainder": True}
    scaled = cache.stack_neuron_results(**asked)
    torch.testing.assert_close(
        cache.stack_neuron_results(**asked, project_output_onto=onto), scaled @ onto
    )
