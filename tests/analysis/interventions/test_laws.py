"""What holds of interventions in every family: off is absent, opposites cancel, patches win."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lensgui.analysis.heads.attention import weighted_attention
from lensgui.analysis.interventions.edits import direct_path
from lensgui.analysis.interventions.listed import keep_vector, kept_vector
from lensgui.analysis.interventions.under import intervened, intervened_runs
from lensgui.analysis.run.recording import Recording
from lensgui.analysis.sweep.estimates.attribution import attribution_patch, attribution_steps
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import RESID_PRE, SweepKind
from lensgui.transformer.hooks.names import get_act_name
from tests.analysis.interventions.plain import drawn
from tests.analysis.interventions.test_under import (
    CLEAN,
    CORRUPTED,
    FAMILIES,
    LENGTH,
    METRIC,
    asked,
    plain,
    under_of,
)
from tests.answering import last
from tests.references import close, kinds_of, model_of, putting

every_family = pytest.mark.parametrize("name", FAMILIES)
OVER = object()
ZERO = Intervention(Site("z", 1, 1), "zero")


def final(name, listed):
    """The clean prompt's stream after the last layer, under interventions and without."""
    (run, _), _ = under_of(name, listed)
    return run.complete().residuals[-1], plain(name)[2][0].residuals[-1]


@every_family
def test_off_is_absent_to_the_bit(name):
    model = model_of(name)
    listed = [one.on(False) for one in drawn(model, LENGTH, 5)]
    runs = plain(name)[2][:2]
    assert list(intervened_runs(runs[0], listed, runs[1])) == runs
    *_, plainly = sweep(model, CLEAN, CORRUPTED, METRIC)
    *_, found = sweep(model, CLEAN, CORRUPTED, METRIC, interventions=listed)
    assert torch.equal(found.values, plainly.values)
    assert (found.clean, found.corrupted) == (plainly.clean, plainly.corrupted)


@every_family
def test_opposites_cancel(name):
    model = model_of(name)
    v, t = (keep_vector(f"{at}", torch.randn(model.cfg.d_model)) for at in range(2))
    site = Site("resid_pre", 1)
    added = [Intervention(site, "add", strength=s, vector=v) for s in (0.7, -0.7)]
    swapped = [Intervention(site, "exchange", vector=v, target=t)] * 2
    for listed in (added, swapped):
        close(*final(name, listed))
    one, other = (final(name, listed[:1]) for listed in (added, swapped))
    assert (one[0] - one[1]).abs().max() > 1e-3
    assert (other[0] - other[1]).abs().max() > 1e-3


@every_family
def test_interventions_at_one_place_follow_each_other(name):
    model = model_of(name)
    v = keep_vector("v", torch.randn(model.cfg.d_model))
    site = Site("resid_post", 0)
    doubled, added = (
        Intervention(site, "scale", strength=2.0),
        Intervention(site, "add", vector=v),
    )
    before = plain(name)[2][0].residuals[1]
    vector = kept_vector(v).double()
    for listed, expected in (
        ([doubled, added], 2 * before + vector),
        ([added, doubled], 2 * (before + vector)),
    ):
        (run, _), _ = under_of(name, listed)
        close(run.complete().residuals[1], expected)


@every_family
def test_what_comes_before_the_first_is_taken_over_and_not_run_again(name):
    (run, other), _ = under_of(name, [ZERO])
    before = plain(name)[2][0]
    assert run.known_layers == 1
    assert run.residuals[1].data_ptr() == before.residuals[1].data_ptr()
    assert run.model is other.model
    assert run.model.embed.W_E is before.model.embed.W_E


@every_family
def test_a_run_patched_into_itself_changes_nothing(name):
    model = model_of(name)
    drawn_ = drawn(model, LENGTH, 9, 6)
    listed = [replace(one, runs="both") for one in drawn_ if one.op != "resample"]
    given, _ = asked(name, listed)
    for kind in kinds_of(model):
        *_, found = sweep(model, CLEAN, CLEAN, METRIC, kind, interventions=given)
        assert not found.values.any()


@every_family
def test_every_part_of_the_other_prompt_makes_the_other_prompt(name):
    model = model_of(name)
    parts = [
        Intervention(Site(part, layer), "resample", runs="clean")
        for layer in range(model.cfg.n_layers)
        for part in ("attn_out", "mlp_out")
    ]
    found, clean = final(name, parts)
    corrupted = plain(name)[2][1]
    first = plain(name)[2][0].residuals[0] - corrupted.residuals[0]
    close(found, corrupted.residuals[-1] + first)
    embedding = Intervention(Site("resid_pre", 0), "resample", runs="clean")
    close(final(name, [*parts, embedding])[0], corrupted.residuals[-1])
    assert (found - clean).abs().max() > 1e-3


@every_family
def test_a_row_whose_other_edges_are_knocked_out_attends_to_the_one_left(name):
    model = model_of(name)
    others = tuple(at for at in range(LENGTH) if at != 2)
    only = Intervention(Site("attn_scores", 1, 0), "knock_out", (LENGTH - 1,), sources=others)
    other = Intervention(Site("attn_scores", 1, model.cfg.n_heads - 1), "knock_out", sources=(1,))
    (run, _), _ = under_of(name, [only, other])
    row = run.complete().head_pattern(1, 0)[-1]
    assert not run.head_pattern(1, model.cfg.n_heads - 1)[:, 1].any()
    heads = [weighted_attention(run, 1, head, "scores") for head in (0, model.cfg.n_heads - 1)]
    assert heads[0][-1, [*others]].isneginf().all()
    assert heads[1][:, 1].isneginf().all()
    seen = plain(name)[2][0].head_pattern(1, 0)[-1, 2] > 0  # not beyond a sliding window
    expected = torch.ones(()).double()
    if model.cfg.use_attn_sinks:
        cache = plain(name)[1][0]
        score, sink = cache["attn_scores", 1][0, 0, -1, 2].exp(), model.blocks[1].attn.sinks[0]
        expected = score / (score + sink.exp())
    close(row[2], expected * seen)
    assert not row[[*others]].any()
    nothing = Intervention(Site("attn_scores", 1), "knock_out", (3,))
    (run, _), _ = under_of(name, [nothing])
    assert not run.complete().patterns(1, range(model.cfg.kv_heads))[:, 3].any()
    assert run.residuals[-1].isfinite().all()


@every_family
def test_estimates_are_gradients_through_interventions(name):
    model = model_of(name)
    for seed in (30, 31):
        listed = drawn(model, LENGTH, seed, 3)
        given, (_, hooks) = asked(name, listed)
        kinds = (RESID_PRE, SweepKind("z", "all"), SweepKind("mlp_out"))
        found = attribution_patch(model, CLEAN, CORRUPTED, METRIC, kinds, interventions=given)
        runs = intervened_runs(*plain(name)[2][:1], given, plain(name)[2][1])
        source, base = (Recording(run.complete(), frozenset({"z", "mlp_out"})) for run in runs)
        for kind, estimate in zip(kinds, found, strict=True):
            for layer in range(model.cfg.n_layers):
                short = kind.activation
                if short == "resid_pre":
                    change = source.residual(layer) - base.residual(layer)
                else:
                    change = source(short, layer) - base(short, layer)
                gradient = slope(model, get_act_name(short, layer), hooks)
                axes = (0, 2) if short == "z" else 1
                close(estimate[layer], (change * gradient).sum(axes))


@every_family
def test_on_the_direct_path_only_logits_before_the_cap_are_affine(name):
    model = model_of(name)
    v = keep_vector("v", torch.randn(model.cfg.d_model))
    site = Site("resid_pre", 1)
    found, plainly = [], []
    for strength in (0.0, 1.0, 2.0):
        added = Intervention(site, "add", strength=strength, vector=v)
        for into, frozen in ((found, direct_path(model)), (plainly, ())):
            (run, _), _ = under_of(name, [added, *frozen])
            stream = run.complete().residuals[-1]
            with run.model.standing.at(run.span.where):
                into.append(model.unembed.uncapped(run.model.ln_final(stream)))
    close(found[2] - found[1], found[1] - found[0])
    close(found[0], plainly[0])
    assert (plainly[2] - 2 * plainly[1] + plainly[0]).abs().max() > 1e-4
    _, _, (clean, _corrupted, *_) = plain(name)
    expected = METRIC(clean.model(CORRUPTED[None]))
    *_, swept = sweep(model, CLEAN, CORRUPTED, METRIC, interventions=direct_path(model))
    close(torch.tensor(swept.corrupted, dtype=torch.float64), expected)
    *_, keys = sweep(
        model, CLEAN, CORRUPTED, METRIC, SweepKind("k"), interventions=direct_path(model)
    )
    assert keys.values.abs().max() <= 1e-12


@every_family
def test_the_final_norms_scale_is_frozen_where_it_is_read(name):
    model = model_of(name)
    frozen = Intervention(Site("final_norm"), "freeze")
    runs = plain(name)[2][:2]
    scale = model.ln_final.scale(runs[1].residuals[-1][-1])
    *_, found = sweep(
        model, CLEAN, CORRUPTED, METRIC, SweepKind("resid_pre"), interventions=[ZERO, frozen]
    )
    *_, free = sweep(model, CLEAN, CORRUPTED, METRIC, SweepKind("resid_pre"), interventions=[ZERO])
    last_layer = model.cfg.n_layers - 1
    hooks = asked(name, [ZERO])[1]
    caches = []
    for ids, own in zip((CLEAN, CORRUPTED), hooks, strict=True):
        with model.hooks(own):
            caches.append(model.run_with_cache(ids[None])[1])
    put = putting(get_act_name("resid_pre", last_layer), (slice(None), LENGTH - 1), caches[0])
    stream = {}

    def take(x, hook):
        stream["final"] = x[0, -1]

    model.run_with_hooks(
        CORRUPTED[None],
        fwd_hooks=[*hooks[1], put, (get_act_name("resid_post", last_layer), take)],
    )
    read = model.ln_final.at_scale(stream["final"], scale)
    read = read if model.ln_final.b is None else read + model.ln_final.b
    cell = METRIC(model.unembed.columns(read)[None, None])
    base = torch.tensor(found.corrupted, dtype=torch.float64)
    close(found.values[last_layer, LENGTH - 1], cell - base)
    assert not torch.allclose(found.values, free.values)


def test_norms_are_not_frozen_while_an_mlp_runs():
    model = model_of("llama")
    some = [one for one in direct_path(model) if one.site != Site("mlp_out", 1)]
    with pytest.raises(ValueError, match="while MLPs run, as that of layer 1 does"):
        list(sweep(model, CLEAN, CORRUPTED, METRIC, interventions=some))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_causal_tracing_is_a_sweep_of_a_prompt_into_itself_with_noise(name):
    model = model_of(name)
    noise = Intervention(Site("embed"), "noise", (1, 2), 3.0, runs="corrupted", seed=4)
    *_, found = sweep(model, CLEAN, CLEAN, METRIC, interventions=[noise])
    added = torch.randn(LENGTH + 1, model.cfg.d_model, generator=torch.Generator().manual_seed(4))
    added = (added * (3 * float(model.embed.W_E.std()))).double()

    def noisy(x, hook):
        x = x.clone()
        x[0, [1, 2]] += added[[1, 2]]
        return x

    _, clean = model.run_with_cache(CLEAN[None])
    base = METRIC(model.run_with_hooks(CLEAN[None], fwd_hooks=[("hook_embed", noisy)]))
    close(torch.tensor(found.corrupted, dtype=torch.float64), base)
    for layer, position in ((0, 1), (1, 2), (2, 5)):
        put = putting(get_act_name("resid_pre", layer), (slice(None), position), clean)
        logits = model.run_with_hooks(CLEAN[None], fwd_hooks=[("hook_embed", noisy), put])
        close(found.values[layer, position], METRIC(logits) - base)
    other = replace(noise, seed=5)
    *_, again = sweep(model, CLEAN, CLEAN, METRIC, interventions=[other])
    assert again.corrupted != found.corrupted


@torch.no_grad()
@every_family
def test_the_softmax_of_estimates_is_that_under_interventions(name):
    model = model_of(name)
    knocked = Intervention(Site("attn_scores", 1), "knock_out", (3, LENGTH - 1), sources=(1, 2))
    zeroed = Intervention(Site("pattern", 1, 0), "zero", sources=(0,))
    for one in (knocked, zeroed):
        given, hooks = asked(name, [one])
        for patched in "qk":
            kind = SweepKind(patched, "all")
            (found,) = attribution_patch(
                model, CLEAN, CORRUPTED, METRIC, [kind], qk_fix=True, interventions=given
            )
            with model.hooks(hooks[0]):
                _, source = model.run_with_cache(CLEAN[None])
            at = get_act_name(patched, 1)
            put = (at, lambda x, hook, source=source: source[hook.name])
            patterns = []
            for extra in ((put,), ()):
                with model.hooks([*hooks[1], *extra]):
                    cached = model.run_with_cache(CORRUPTED[None])[1]
                patterns.append(cached["pattern", 1][0])
            gradient = slope(model, get_act_name("pattern", 1), hooks[1])
            effect = ((patterns[0] - patterns[1]) * gradient).sum((-2, -1))
            if patched == "k":
                effect = effect.unflatten(0, (model.cfg.kv_heads, -1)).sum(-1)
            close(found[1], effect)


def slope(model, name, hooks):
    """The gradient of the corrupted prompt's metric with respect to what a hook point hands on."""
    kept = []

    def watch(x, hook):
        x = x.detach().requires_grad_()
        kept.append(x)
        return x

    with torch.enable_grad():
        logits = model.run_with_hooks(CORRUPTED[None], fwd_hooks=[*hooks, (name, watch)])
        (gradient,) = torch.autograd.grad(METRIC(logits), kept)
    return gradient[0]


def test_two_analyses_under_different_interventions_run_in_turn():
    model = model_of("llama")
    lists = [drawn(model, LENGTH, seed, 3) for seed in (40, 41)]
    givens = [asked("llama", listed)[0] for listed in lists]
    alone = [last(sweep(model, CLEAN, CORRUPTED, METRIC, interventions=of)) for of in givens]
    kinds = (RESID_PRE, SweepKind("q", "all"))
    estimates = attribution_patch(model, CLEAN, CORRUPTED, METRIC, kinds, interventions=givens[0])
    jobs = [sweep(model, CLEAN, CORRUPTED, METRIC, interventions=of) for of in givens]
    jobs.append(attribution_steps(model, CLEAN, CORRUPTED, METRIC, kinds, interventions=givens[0]))
    found, left = [None] * len(jobs), dict(enumerate(jobs))
    while left:
        for at, job in [*left.items()]:
            answer = next(job, OVER)
            if answer is OVER:
                del left[at]
            elif answer is not None:
                found[at] = answer
    for one, other in zip(alone, found, strict=False):
        assert torch.equal(one.values, other.values)
    for one, other in zip(estimates, found[-1], strict=True):
        assert torch.equal(one, other)


@every_family
def test_a_model_in_a_context_generates_as_whole_forwards_with_hooks(name):
    model = model_of(name)
    v = keep_vector("v", torch.randn(model.cfg.d_model))
    listed = [
        ZERO,
        Intervention(Site("resid_pre", 1), "add", (1, 3), 0.5, vector=v),
        Intervention(Site("mlp_out", 0), "scale", "generated", 0.3),
    ]
    given, _ = asked(name, listed)

    def zero(z, hook):
        z = z.clone()
        z[:, :, 1] = 0
        return z

    def add(x, hook):
        x = x.clone()
        x[:, [1, 3]] += 0.5 * kept_vector(v)
        return x

    def scale(x, hook):
        x = x.clone()
        x[:, LENGTH:] *= 0.3
        return x

    hooks = [
        (get_act_name("z", 1), zero),
        (get_act_name("resid_pre", 1), add),
        (get_act_name("mlp_out", 0), scale),
    ]
    expected = CLEAN[None]
    with torch.no_grad():
        for _ in range(4):
            logits = model.run_with_hooks(expected, fwd_hooks=hooks)
            expected = torch.cat([expected, logits[:, -1].argmax(-1, keepdim=True)], 1)
    with intervened(model, given, CLEAN):
        found = model.generate(CLEAN[None], max_new_tokens=4, do_sample=False, stop_at_eos=False)
    assert found.tolist() == expected.tolist()
    assert not [point for point in model.hook_points() if point.has_hooks()]
