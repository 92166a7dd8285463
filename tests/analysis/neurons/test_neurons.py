"""Neurons as plain hooks, finite differences and written-out products have them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lensgui.analysis.attribution.parts import attribute_neurons
from lensgui.analysis.neurons.activations import neuron_activations
from lensgui.analysis.neurons.directions import neuron_directions, neuron_tokens
from lensgui.analysis.neurons.gradients import neuron_effects, neuron_gradients
from lensgui.analysis.neurons.numbering import most_neurons, neuron_count, neuron_groups
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import KLDivergence, LogitDifference, Rank
from lensgui.transformer.layers.mlp import MLP
from tests.analysis.attribution.test_components import ODD, small
from tests.answering import last
from tests.checkpoints.tiny_models import prompts
from tests.references import attached, close, model_of

FAMILIES = ["gpt2", "llama", "gemma2", "gpt_neox", "mixtral", "qwen2_moe"]
METRIC = LogitDifference((3, 5), (7,), 9)
STEP = 1e-4


@pytest.fixture(scope="module", params=FAMILIES)
def model(request):
    """Plain, gated, with norms behind, parallel, experts, experts and one that all tokens use."""
    return model_of(request.param)


@pytest.fixture(scope="module")
def run(model):
    return Run(model, prompts(1)).complete()


@pytest.fixture(scope="module")
def cache(model):
    return model.run_with_cache(prompts(1))[1]


def test_activations_are_those_of_the_hooks(model, run, cache):
    for layer in range(model.cfg.n_layers):
        found, mlp = last(neuron_activations(run, layer)), model.blocks[layer].mlp
        assert found.shape == (len(run.tokens), neuron_count(model, layer))
        if isinstance(mlp, MLP):
            close(found, cache["post", layer][0])
            continue
        chosen = cache[f"blocks.{layer}.mlp.hook_expert_indices"][0]
        *experts, rest = neuron_groups(model, layer)
        experts = experts if rest.expert is None else [*experts, rest]
        read = model.blocks[layer].ln2(cache["resid_mid", layer])[0]
        for group in experts:
            is_used = (chosen == group.expert).any(1)
            of_it = found[:, group.start : group.end]
            assert of_it[~is_used].isnan().all()
            close(of_it[is_used], mlp.neurons(group.expert, read[is_used]))
        if rest.expert is None:
            close(found[:, rest.start :], cache[f"blocks.{layer}.mlp.shared.hook_post"][0])


def test_some_neurons_are_those_of_all(model, run):
    some = [neuron_count(model, 0) - 1, 0, 3]
    every = last(neuron_activations(run, 0))[:, some]
    torch.testing.assert_close(last(neuron_activations(run, 0, some)), every, equal_nan=True)


def nudged(run, layer, position, row, by):
    """The metric where what an MLP puts out is nudged along a direction at one position."""

    def nudge(out, hook):
        out = out.clone()
        out[0, position] += by * row
        return out

    def whole(module, given, out):
        return nudge(out, None) if out.ndim == 3 else out

    handle = run.model.blocks[layer].mlp.register_forward_hook(whole)
    try:
        return float(METRIC(run.model(run.tokens[None])))
    finally:
        handle.remove()


def test_gradients_are_finite_differences(model, run):
    """A neuron that puts out a little more adds a little of its row of W_out, times its share."""
    layer = 1
    found = last(neuron_gradients(run, METRIC, layer))
    acts = last(neuron_activations(run, layer))
    mlp = model.blocks[layer].mlp
    for position in (2, METRIC.position):
        used = acts[position].isfinite().nonzero()[:, 0].tolist()
        for neuron in (used[0], used[len(used) // 2], used[-1]):
            group = next(of for of in neuron_groups(model, layer) if neuron < of.end)
            row = group.W_out[neuron - group.start] * share(model, run, mlp, group, position, layer)
            up, down = (nudged(run, layer, position, row, by) for by in (STEP, -STEP))
            expected = (up - down) / (2 * STEP)
            assert float(found[position, neuron]) == pytest.approx(expected, abs=1e-6, rel=1e-6)
    assert (found[METRIC.position + 1 :] == 0).all()
    assert (found[acts.isnan()] == 0).all()


def share(model, run, mlp, group, position, layer):
    if isinstance(mlp, MLP):
        return 1.0
    read = model.blocks[layer].ln2(_middle(run, layer))[position]
    if group.expert is None:
        return mlp.shared_weight(read)
    chosen, shares = mlp.routed(read)
    return shares[chosen.tolist().index(group.expert)]


def _middle(run, layer):
    return run.model.blocks[layer].attention_half(run.residuals[layer][None], run.span)[0]


def test_direct_effects_are_outputs_along_the_answer_s_direction(model, run):
    layer, where = model.cfg.n_layers - 1, 4
    found = neuron_effects(run, METRIC, layer, where)
    acts = last(neuron_activations(run, layer))[where]
    assert found.shape == acts.shape
    assert torch.equal(found.isnan(), acts.isnan()), "of experts that were not used"
    parts = attribute_neurons(run, replace(METRIC, position=where), layer)
    close(found.nansum(), parts.values.sum())
    if not parts.used:
        close(found, parts.values)
        close(parts.activations, acts.double())
    both = neuron_effects(run, METRIC, layer), neuron_effects(run, METRIC, layer, METRIC.position)
    close(*(of.nan_to_num() for of in both))


def test_directions_are_rows_and_columns_and_their_products_with_the_vocabulary(model):
    layer, block = 1, model.blocks[1]
    some = [neuron_count(model, layer) - 1, 0, 2]
    found = neuron_directions(model, layer, some)
    tokens = last(neuron_tokens(model, layer, some, top=4))
    embedded = block.ln2(model.embed(torch.arange(model.cfg.d_vocab)[None])[0])
    for at, neuron in enumerate(some):
        group = next(of for of in neuron_groups(model, layer) if neuron < of.end)
        row = group.W_out[neuron - group.start]
        if model.cfg.has_post_norms:
            row = row * block.ln2_post.w
        row = row * model.cfg.residual_multiplier
        close(found.writes[at], row)
        close(found.reads[at], group.W_in[:, neuron - group.start])
        row = row - row.mean() if model.ln_final.centres else row
        logits = (row * model.ln_final.w) @ model.W_U * model.cfg.logit_scale
        ends(tokens.writes, at, logits)
        ends(tokens.reads, at, embedded @ found.reads[at])
        assert (tokens.gates is None) == (not hasattr(block.mlp, "W_gate"))
        if tokens.gates is not None:
            ends(tokens.gates, at, embedded @ found.gates[at])


def ends(found, at, numbers):
    centred = numbers - numbers.mean()
    close(found.highest[at], centred.sort(descending=True).values[:4])
    close(found.lowest[at], centred.sort().values[:4])
    close(centred[found.most[at]], found.highest[at])
    close(centred[found.least[at]], found.lowest[at])


def test_what_is_written_in_pieces_is_what_is_written_at_once(model, monkeypatch):
    whole = last(neuron_tokens(model, 0, [1, 2], top=5))
    monkeypatch.setattr("lensgui.analysis.neurons.directions.NUMBERS_AT_ONCE", 1)
    parts = last(neuron_tokens(model, 0, [1, 2], top=5))
    close(whole.writes.highest, parts.writes.highest)
    assert torch.equal(whole.reads.least, parts.reads.least)


@pytest.mark.parametrize(
    "ask", [neuron_activations, lambda run, n: neuron_gradients(run, METRIC, n)]
)
def test_stopping_anywhere_leaves_no_hooks(ask):
    run = Run(model_of("qwen2_moe"), prompts(1)).complete()
    steps = sum(1 for _ in ask(run, 0))
    for stop in range(1, steps + 1):
        job = ask(run, 0)
        for _ in range(stop):
            next(job)
        job.close()
        assert not attached(run.model)


def test_what_is_not_there_is_refused_in_a_sentence():
    run = Run(model_of("gpt2"), prompts(1))
    with pytest.raises(ValueError, match="no layer 3"):
        last(neuron_activations(run, 3))
    with pytest.raises(ValueError, match="no neuron L0N40: layer 0 has 40 neurons"):
        last(neuron_activations(run, 0, [40]))
    with pytest.raises(ValueError, match="no neuron L0N-1"):
        neuron_directions(run.model, 0, [-1])
    for metric in (Rank((3,)), KLDivergence()):
        with pytest.raises(ValueError, match="no gradient here"):
            last(neuron_gradients(run, metric, 0))
    odd = next(small(**of) for of in ODD.values() if of.get("attn_only"))
    assert most_neurons(odd) == 0
    with pytest.raises(ValueError, match="attention only"):
        neuron_count(odd, 0)
