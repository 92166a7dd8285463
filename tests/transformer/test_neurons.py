"""Heads, neurons, embeddings and biases add up to the residual stream, in every family."""

from __future__ import annotations

import pytest
import torch

from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import TINY
from tests.references import model_of


@pytest.fixture(scope="module", params=TINY)
def model(request) -> HookedTransformer:
    return model_of(request.param)


def near(a, b):
    assert (a - b).abs().max() <= 1e-10 * max(1.0, float(b.abs().max()))


def expert_layers(model) -> list[int]:
    return [layer for layer in range(model.cfg.n_layers) if model.cfg.has_experts(layer)]


def has_neurons(model) -> bool:
    return not expert_layers(model)


def test_everything_adds_up(model, cache):
    for expand in (False, True) if has_neurons(model) else (False,):
        stack, labels = cache.get_full_resid_decomposition(
            expand_neurons=expand, pos_slice=-1, return_labels=True
        )
        near(stack.sum(0), cache["resid_post", -1][:, -1])
        assert len(stack) == len(labels)
        assert labels[0] == "L0H0"
        assert labels[-1] == "bias"
        part = cache.get_full_resid_decomposition(2, expand_neurons=expand)
        near(part.sum(0), cache["resid_pre", 2])
        if not model.cfg.parallel_attn_mlp:
            part = cache.get_full_resid_decomposition(1, mlp_input=True, expand_neurons=expand)
            near(part.sum(0), cache["resid_mid", 1])


def test_projecting_first_is_projecting_last(model, cache):
    directions = torch.randn(model.cfg.d_model, 3, dtype=torch.float64)
    expand = has_neurons(model)
    stack = cache.get_full_resid_decomposition(expand_neurons=expand, pos_slice=-1)
    for onto in (directions, directions[:, 0]):
        projected = cache.get_full_resid_decomposition(
            expand_neurons=expand, pos_slice=-1, project_output_onto=onto
        )
        near(projected, stack @ onto)


def test_neurons_add_up_to_the_mlp(model, cache):
    if not has_neurons(model):
        with pytest.raises(ValueError, match="mixture of experts"):
            cache.get_neuron_results(expert_layers(model)[0])
        return
    whole, labels = cache.stack_neuron_results(
        2, pos_slice=-1, incl_remainder=True, return_labels=True
    )
    near(whole.sum(0), cache["resid_pre", 2][:, -1])
    assert labels[0] == "L0N0"
    some = cache.get_neuron_results(1, neuron_slice=slice(3, 5), pos_slice=-1)
    near(some, whole[model.cfg.d_mlp + 3 : model.cfg.d_mlp + 5].movedim(0, -2))
    one = cache.get_neuron_results(1, neuron_slice=4, pos_slice=-1)
    near(one[:, 0], some[:, 1])
    scaled = cache.stack_neuron_results(incl_remainder=True, apply_ln=True)
    near(scaled.sum(0), cache.model.ln_final(cache["resid_post", -1]))


def test_head_results_are_added_once(model, cache):
    cache.compute_head_results()
    for layer in range(model.cfg.n_layers):
        written = cache["result", layer].sum(-2) + model.blocks[layer].attn.b_O
        if not (model.cfg.has_post_norms or model.cfg.residual_multiplier != 1.0):
            near(written, cache["attn_out", layer])
