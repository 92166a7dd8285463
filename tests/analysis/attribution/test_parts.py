"""A head comes apart by source, an MLP by neuron and expert, as plain hooks have them."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.attribution.components import attribute
from lensgui.analysis.attribution.parts import attribute_neurons, attribute_sources
from lensgui.analysis.heads.attention import weighted_attention
from lensgui.analysis.heads.readout import read_edge, read_head, read_mlp
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import KLDivergence, LogitDifference, LogProbability
from tests.analysis.attribution.by_hand import METRIC, POSITION, added, head_parts, read_off
from tests.analysis.attribution.test_components import ODD, small
from tests.answering import last
from tests.checkpoints.tiny_models import prompts
from tests.references import close, model_of

SHARED = ("qwen2_moe", "deepseek_v3", "mixtral", "granitemoe", "gpt_oss", "phimoe")


def test_the_sources_of_a_head_are_attention_times_value_and_add_up(model, run, cache):
    whole = last(attribute(run, METRIC))
    for layer in range(model.cfg.n_layers):
        expected = head_parts(model, cache, layer)
        for head in range(model.cfg.n_heads):
            found = attribute_sources(run, METRIC, layer, head)
            close(found, expected[head])
            close(found.sum(), whole.heads[layer, head])


def test_a_source_is_the_contribution_of_its_edge(run):
    found = attribute_sources(run, METRIC, 1, 2)
    close(found, weighted_attention(run, 1, 2, "contribution", METRIC)[POSITION, : POSITION + 1])
    edge = read_edge(run, 1, 2, POSITION, 3, METRIC)
    assert float(found[3]) == pytest.approx(edge.contribution, abs=1e-10)


def test_what_a_sink_takes_is_no_source():
    """The rows of its pattern sum to less than 1, and the sources to the head all the same."""
    run = Run(model_of("gpt_oss"), prompts(1)).complete()
    assert float(run.attention_from(0, POSITION)[1].sum()) < 0.95
    whole = last(attribute(run, METRIC))
    close(attribute_sources(run, METRIC, 0, 1).sum(), whole.heads[0, 1])


def test_the_neurons_of_an_mlp_add_up(model, run, cache):
    whole = last(attribute(run, METRIC))
    for layer in range(model.cfg.n_layers):
        found = attribute_neurons(run, METRIC, layer)
        assert found.mlp == pytest.approx(float(whole.mlp[layer]), abs=1e-10)
        assert found.total == pytest.approx(found.mlp, abs=1e-10)
        if found.experts is not None:
            continue
        mlp, post = model.blocks[layer].mlp, cache["post", layer][0, POSITION]
        close(found.activations, post)
        written = added(model, cache, layer, post[:, None] * mlp.W_out, "ln2_post")
        close(found.values, read_off(model, cache, written))
        bias = read_off(model, cache, added(model, cache, layer, mlp.b_out, "ln2_post"))
        assert found.bias == pytest.approx(float(bias), abs=1e-10)
        assert torch.equal(found.neurons, torch.arange(len(post)))
        assert found.used == ()
        close(found.values, read_mlp(run, layer, POSITION, METRIC).shares)


@pytest.mark.parametrize("name", SHARED)
def test_the_experts_that_were_used_add_up_each_with_its_neurons(name):
    """Weights are those of the router's hooks; outputs those of each expert run alone."""
    model, tokens = model_of(name), prompts(1)
    run, (_, cache) = Run(model, tokens), model.run_with_cache(tokens)
    for layer in filter(model.cfg.has_experts, range(model.cfg.n_layers)):
        found, mlp = attribute_neurons(run, METRIC, layer), model.blocks[layer].mlp
        chosen = cache[f"blocks.{layer}.mlp.hook_expert_indices"][0, POSITION].tolist()
        assert [one.expert for one in found.used if one.expert is not None] == chosen
        assert found.total == pytest.approx(found.mlp, abs=1e-10)
        assert sum(one.value for one in found.used) == pytest.approx(found.mlp, abs=1e-10)
        outputs = torch.zeros(model.cfg.d_model, dtype=torch.float64)
        read = _read_by_mlp(model, cache, layer)
        for place, one in enumerate(found.used):
            output = mlp.shared(read) if one.expert is None else mlp._expert(one.expert, read[None])
            outputs += one.weight * output.flatten()
            value = float(read_off(model, cache, _added(model, one.weight * output.flatten())))
            assert one.value == pytest.approx(value, abs=1e-10)
            of_it = found.experts == place
            b_out = mlp.shared.b_out if one.expert is None else mlp.b_out[one.expert]
            bias = float(read_off(model, cache, _added(model, one.weight * b_out)))
            assert float(found.values[of_it].sum()) + bias == pytest.approx(value, abs=1e-10)
            assert torch.equal(found.neurons[of_it], torch.arange(int(of_it.sum())))
        close(_added(model, outputs), cache["mlp_out", layer][0, POSITION])
        assert (found.used[-1].expert is None) == (model.cfg.d_shared_expert is not None)


def _added(model, output):
    assert not model.cfg.has_post_norms
    return output * model.cfg.residual_multiplier


def _read_by_mlp(model, cache, layer):
    return model.blocks[layer].ln2(cache["resid_mid", layer])[0, POSITION]


@pytest.mark.parametrize("odd", ODD)
def test_every_way_to_a_head_gives_one_number(odd):
    run, metric = Run(small(**ODD[odd]), torch.arange(7)), LogitDifference((3,), (8,), 4)
    whole = last(attribute(run, metric)).heads[1, 2]
    assert read_head(run, 1, 2, 4, metric).attribution == pytest.approx(float(whole), abs=1e-10)
    close(weighted_attention(run, 1, 2, "contribution", metric)[4].sum(), whole)


@pytest.mark.parametrize("odd", ODD)
def test_they_add_up_whatever_a_model_lacks(odd):
    run, metric = Run(small(**ODD[odd]), torch.arange(7)), LogProbability((3,), 4)
    whole = last(attribute(run, metric))
    close(attribute_sources(run, metric, 1, 2).sum(), whole.heads[1, 2])
    if whole.mlp is None:
        with pytest.raises(ValueError, match="attention only"):
            attribute_neurons(run, metric, 0)
        return
    found = attribute_neurons(run, metric, 1)
    assert found.total == pytest.approx(float(whole.mlp[1]), abs=1e-10)


def test_what_is_not_there_is_refused_in_a_sentence():
    run = Run(model_of("gpt2"), prompts(1))
    with pytest.raises(ValueError, match="no head L3H0"):
        attribute_sources(run, METRIC, 3, 0)
    with pytest.raises(ValueError, match="no layer -1"):
        attribute_neurons(run, METRIC, -1)
    with pytest.raises(ValueError, match="choose a logit difference"):
        attribute_sources(run, KLDivergence(), 0, 0)
    with pytest.raises(ValueError, match="choose a logit difference"):
        attribute_neurons(run, KLDivergence(), 0)
