"""What is read of runs under interventions is what they are; what can't be read is refused."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
import torch

from lensgui.analysis.activations.reading import read_activation
from lensgui.analysis.attribution.components import attribute
from lensgui.analysis.attribution.parts import attribute_neurons, attribute_sources
from lensgui.analysis.heads.attention import weighted_attention
from lensgui.analysis.heads.evidence import output_norms
from lensgui.analysis.heads.necessity import attribute_heads
from lensgui.analysis.heads.readout import read_edge, read_head, read_mlp, score_keys
from lensgui.analysis.interventions.edits import direct_path
from lensgui.analysis.interventions.listed import Interventions, keep_vector, kept_vector
from lensgui.analysis.interventions.under import intervened, intervened_runs
from lensgui.analysis.neurons.activations import neuron_activations
from lensgui.analysis.neurons.gradients import neuron_gradients
from lensgui.analysis.run.predictions import logit_lens, surprisals
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.estimates.attribution import attribution_patch
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import KLDivergence
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from tests.analysis.interventions.test_under import CLEAN, CORRUPTED, LENGTH, METRIC
from tests.answering import last
from tests.references import close, model_of

HEAD = Intervention(Site("z", 1, 1), "zero", (1, LENGTH - 1))


def under(model, *listed):
    """The clean prompt's complete run under interventions."""
    given = Interventions(listed)
    return intervened_runs(Run(model, CLEAN), given, Run(model, CORRUPTED))[0].complete()


@pytest.mark.parametrize("site", [Site("resid_pre", 0), Site("z", 1), Site("embed")])
def test_the_model_itself_stays_as_it_was(site):
    model = HookedTransformer(replace(model_of("gpt2").cfg)).requires_grad_(False)
    names = [name for name, _ in model.named_modules()]
    weights = list(model.state_dict())
    under(model, Intervention(site, "scale", strength=0.5))
    run = under(model, Intervention(site, "zero"))
    assert [name for name, _ in model.named_modules()] == names
    assert list(model.state_dict()) == list(run.model.state_dict()) == weights
    assert pickle.loads(pickle.dumps(model)).cfg == model.cfg
    assert not [name for name, _ in run.model.named_modules() if "origin" in name]


def test_runs_that_are_under_some_already_or_of_another_model_are_refused():
    model = model_of("gpt2")
    run = under(model, HEAD)
    with pytest.raises(ValueError, match="under interventions already"):
        intervened_runs(run, [HEAD])
    with pytest.raises(ValueError, match="under interventions already"):
        list(sweep(model, run, run, METRIC, interventions=[HEAD]))
    with pytest.raises(ValueError, match="several models"):
        intervened_runs(Run(model, CLEAN), HEAD, Run(model_of("llama"), CLEAN))
    *_, found = sweep(model, run, Run(model, CORRUPTED), METRIC)
    assert found.values.isfinite().all()


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
def test_a_head_that_is_off_writes_nothing_and_is_no_sum_over_sources(name):
    model = model_of(name)
    run, last_ = under(model, HEAD), LENGTH - 1
    found = last(attribute(run, METRIC))
    assert float(found.heads[1, 1]) == float(last(attribute_heads(run, METRIC))[1, 1]) == 0
    assert abs(found.rest) < 1e-9
    assert read_head(run, 1, 1, last_, METRIC).attribution == pytest.approx(0, abs=1e-12)
    norms = last(output_norms(run))[1, 1]
    assert norms[[1, last_]].tolist() == [0, 0]
    assert norms[2] > 0
    assert weighted_attention(run, 1, 1, "contribution", METRIC).isnan().all()
    assert weighted_attention(run, 1, 0, "contribution", METRIC).isfinite().all()
    for reading in (
        lambda: attribute_sources(run, METRIC, 1, 1),
        lambda: read_edge(run, 1, 1, last_, 2, METRIC),
    ):
        with pytest.raises(ValueError, match="L1H1 puts out is changed"):
            reading()
    total = attribute_sources(run, METRIC, 1, 0).sum()
    close(total, found.heads[1, 0])


@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
def test_an_mlp_that_is_set_adds_what_it_is_set_to(name):
    model = model_of(name)
    run = under(model, Intervention(Site("mlp_out", 1), "zero"))
    assert float(last(attribute(run, METRIC)).mlp[1]) == 0
    assert read_mlp(run, 1, LENGTH - 1, METRIC).attribution == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="is changed by an intervention, so it is no sum"):
        attribute_neurons(run, METRIC, 1)
    assert abs(last(attribute(run, METRIC)).rest) < 1e-9


def test_direct_effects_are_refused_where_the_stream_is_more_than_added_to():
    model = model_of("gpt2")
    for one in (
        Intervention(Site("resid_post", 1), "zero"),
        Intervention(Site("resid_pre", 0), "scale", strength=2.0),
        Intervention(Site("attn_out", 1), "zero"),
    ):
        run = under(model, one)
        with pytest.raises(ValueError, match=r"switch (it|that) off"):
            list(attribute(run, METRIC))
        with pytest.raises(ValueError, match=r"switch (it|that) off"):
            list(attribute_heads(run, METRIC))
    vector = keep_vector("v", torch.randn(model.cfg.d_model))
    added = Intervention(Site("resid_post", 1), "add", vector=vector)
    run = under(model, added)
    found = last(attribute(run, METRIC))
    directly = model.ln_final.at_scale(
        kept_vector(vector).double(), model.ln_final.scale(run.residuals[-1][-1])
    ) @ (model.unembed.W_U[:, 3] - model.unembed.W_U[:, 7])
    assert found.rest == pytest.approx(float(directly), abs=1e-9)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_neox"])
def test_neurons_slopes_go_through_what_is_changed_behind_them(name):
    model = model_of(name)
    for one in (
        Intervention(Site("mlp_out", 1), "zero"),
        Intervention(Site("mlp_out", 1), "scale", (2, 5), 3.0),
        Intervention(Site("resid_post", 1), "scale", strength=3.0),
        Intervention(Site("post", 1, neuron=3), "scale", (3, 5), 30.0),
    ):
        run = under(model, one)
        kept = []

        def watch(x, hook, kept=kept):
            x = x.detach().requires_grad_()
            kept.append(x)
            return x

        with torch.enable_grad():
            hooks = [(get_act_name("post", 1), watch)]
            logits = run.model.run_with_hooks(CLEAN[None], fwd_hooks=hooks)
            (expected,) = torch.autograd.grad(METRIC(logits), kept)
        close(last(neuron_gradients(run, METRIC, 1)), expected[0])
        acts = read_activation(run, get_act_name("post", 1))
        close(last(neuron_activations(run, 1)), acts)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_estimates_of_keys_know_patterns_that_are_frozen(name):
    model = model_of(name)
    frozen = [Intervention(Site("pattern", at), "freeze") for at in range(model.cfg.n_layers)]
    kinds = [SweepKind("k"), SweepKind("k", "all"), SweepKind("q"), SweepKind("q", "all")]
    found = attribution_patch(
        model, CLEAN, CORRUPTED, METRIC, kinds, qk_fix=True, interventions=frozen
    )
    assert all(one.abs().max() < 1e-12 for one in found)


def test_a_metric_that_compares_is_read_behind_a_frozen_final_norm():
    model = model_of("gpt2")
    listed = [
        Intervention(Site("final_norm"), "freeze"),
        Intervention(Site("mlp_out", 1), "scale", strength=3.0),
    ]
    *_, found = sweep(model, CLEAN, CORRUPTED, KLDivergence(), interventions=listed)
    assert found.clean == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="A metric of your own"):
        list(sweep(model, CLEAN, CORRUPTED, lambda logits: logits.mean(), interventions=listed))


@pytest.mark.parametrize("name", ["gpt2", "llama", "deepseek_v3"])
def test_everything_that_can_be_read_on_the_direct_path_is(name):
    model = model_of(name)
    run = under(model, *direct_path(model), HEAD)
    plain = Run(model, CLEAN).complete()
    groups = range(model.cfg.kv_heads)
    close(run.patterns(1, groups, 2), plain.patterns(1, groups, 2))
    close(run.attention_from(1, 4), plain.attention_from(1, 4))
    for steps in (score_keys(run, 1, 0, 3), output_norms(run), surprisals(run)):
        assert last(steps) is not None
    assert logit_lens(run, 3).isfinite().all()


def test_norms_are_not_frozen_where_each_head_has_an_input_of_its_own():
    model = HookedTransformer(replace(model_of("llama").cfg)).requires_grad_(False).double()
    model.set_use_split_qkv_input(True)
    with pytest.raises(ValueError, match="each head has an input of its own"):
        under(model, *direct_path(model))


def test_a_model_in_a_context_makes_no_runs_and_can_be_entered_at_a_layer():
    model = model_of("gpt2")
    vector = keep_vector("v", torch.randn(model.cfg.d_model))
    added = Intervention(Site("resid_pre", 1), "add", vector=vector, skips_special=False)
    stream = Run(model, CLEAN).complete().residuals[1][None]
    plain = model(stream, start_at_layer=1)
    with intervened(model, Interventions((added,))):
        with pytest.raises(ValueError, match="leave that context"):
            Run(model, CLEAN)
        assert (model(stream, start_at_layer=1) - plain).abs().max() > 1e-3
    close(model(stream, start_at_layer=1), plain)
    Run(model, CLEAN)


def test_means_are_exact_in_half_precision():
    model = (
        HookedTransformer(replace(model_of("llama").cfg)).requires_grad_(False).to(torch.bfloat16)
    )
    prompts = [torch.randint(0, 60, (LENGTH,)) for _ in range(40)]
    reference = [Run(model, ids).complete() for ids in prompts]
    given = Interventions((Intervention(Site("resid_post", 0), "mean"),), reference=reference)
    (run, _) = intervened_runs(Run(model, CLEAN), given)
    rows = torch.stack([of.residuals[1].double() for of in reference if of.ids != run.ids])
    exact = rows.mean(0)
    apart = (run.complete().residuals[1].double() - exact).norm() / exact.norm()
    assert apart < 4e-3
    short = [Run(model, torch.tensor([at])).complete() for at in range(9)]
    with pytest.raises(ValueError, match="the other prompts have none"):
        intervened_runs(Run(model, CLEAN), Interventions(given.listed, reference=short))
