"""Any hook point's activation is that of the whole model's cache, and what is said of it is so."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.activations.hook_points import hooked_places, within_layer
from lensgui.analysis.activations.reading import read_activation, read_activations
from lensgui.analysis.run.run import Run
from tests.checkpoints.tiny_models import prompts
from tests.references import close, model_of

FAMILIES = ("gpt2", "gemma2", "gpt_neox", "mixtral", "olmo2")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_hook_point_that_a_run_meets_is_read_as_the_cache_has_it(family):
    model = model_of(family)
    run = Run(model, prompts(1))
    _, cache = model.run_with_cache(run.tokens[None])
    places = hooked_places(model)
    assert {place.name for place in places} == set(cache.keys())
    for place in places:
        found = read_activation(run, place.name)
        expected = cache[place.name][0]
        assert found.shape == expected.shape
        close(found.double(), expected.double())
        lengths = {"position": len(run.tokens), "source": len(run.tokens)}
        named = zip(place.axes, place.sizes, strict=True)
        sizes = [lengths.get(axis, size) for axis, size in named]
        assert list(found.shape) == sizes, place.name


@pytest.mark.parametrize("family", FAMILIES)
def test_hook_points_come_in_the_order_in_which_they_are_met(family):
    model = model_of(family)
    met = []
    names = list(model.hook_dict)
    hooks = [(name, lambda activation, hook: met.append(hook.name)) for name in names]
    model.run_with_hooks(prompts(1), fwd_hooks=hooks)
    assert [place.name for place in hooked_places(model)] == list(dict.fromkeys(met))


def test_most_hook_points_say_what_they_hold():
    for family in FAMILIES:
        places = hooked_places(model_of(family))
        lacking = {place.short for place in places if not place.formula}
        assert len(lacking) <= 4, (family, lacking)


def test_several_of_one_layer_are_read_at_once():
    model = model_of("gpt2")
    run = Run(model, prompts(1))
    names = ["blocks.1.attn.hook_q", "blocks.1.mlp.hook_post"]
    found = read_activations(run, names)
    assert list(found) == names
    assert run.known_layers >= 1


def test_a_name_that_is_none_is_refused_with_those_that_are_near():
    model = model_of("gpt2")
    run = Run(model, prompts(1))
    with pytest.raises(ValueError, match=r"no hook point blocks\.0\.hook_resid_prr: near"):
        read_activation(run, "blocks.0.hook_resid_prr")
    with pytest.raises(ValueError, match="settings leave out"):
        read_activation(run, "blocks.0.attn.hook_result")


def test_reading_leaves_no_hooks():
    model = model_of("gpt2")
    read_activation(Run(model, prompts(1)), "blocks.0.attn.hook_pattern")
    hooked_places(model)
    assert not any(point.fwd_hooks for point in model.hook_dict.values())


def test_a_name_is_taken_apart():
    assert within_layer("blocks.12.attn.hook_q") == (12, "attn.hook_q")
    assert within_layer("hook_embed") == (None, "hook_embed")
    assert within_layer("ln_final.hook_scale") == (None, "ln_final.hook_scale")
    assert torch.is_tensor(read_activation(Run(model_of("gpt2"), prompts(1)), "hook_embed"))
