"""Means over prompts are those of plain runs, however many are run at once or kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lensgui.analysis.activations.reading import read_activation
from lensgui.analysis.interventions import reference
from lensgui.analysis.interventions.edits import unit_strength
from lensgui.analysis.interventions.listed import Interventions, keep_vector
from lensgui.analysis.interventions.reference import Reference
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import Intervention, Site
from lensgui.transformer.hooks.names import get_act_name
from tests.references import close, model_of

SITES = [Site("z", 1, 0), Site("resid_post", 0), Site("mlp_out", 1), Site("embed"), Site("k", 0)]
FAMILIES = ["gpt2", "llama", "gemma2"]


def prompts_of(lengths, seed=0):
    """Some prompts of some lengths, the first of which is asked about."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(1, 60, (length,), generator=generator) for length in lengths]


def set_plainly(model, prompt, others, site, *, by_position):
    """The logits with a site set to its mean over other prompts, by hooks written out."""
    name = get_act_name(site.name, site.layer)
    caches = [model.run_with_cache(of[None])[1][name][0] for of in others]
    if by_position:
        mean = torch.stack(caches).mean(0)
    else:
        mean = torch.stack([of[1:].mean(0) for of in caches if len(of) > 1]).mean(0)
        mean = mean.expand(len(prompt), *mean.shape)

    def put(activation, hook):
        if site.head is None:
            return mean[None].clone()
        changed = activation.clone()
        changed[0, :, site.head] = mean[:, site.head]
        return changed

    return model.run_with_hooks(prompt[None], fwd_hooks=[(name, put)])[0, -1]


def set_by_role(model, prompt, others, places, site):
    """The mean of a site by role, [position, ...], each position on its own."""
    name = get_act_name(site.name, site.layer)
    caches = [model.run_with_cache(of[None])[1][name][0] for of in others]
    rows = [torch.stack([of[1:].mean(0) for of in caches if len(of) > 1]).mean(0)] * len(prompt)
    rows[0] = torch.stack([of[0] for of in caches]).mean(0)
    for role, at in places.get(tuple(prompt.tolist()), {}).items():
        known = [places.get(tuple(of.tolist()), {}) for of in others]
        there = [of[named[role]] for of, named in zip(caches, known, strict=True) if role in named]
        if len(there) >= 8:
            rows[at] = torch.stack(there).mean(0)
    return torch.stack(rows)


def named_in(prompts, seed=0):
    """Roles at places that differ: one that all have, one that many have, one that few have."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for number, of in enumerate(prompts):
        first, second = sorted(torch.randperm(len(of), generator=generator)[:2].tolist())
        roles = {"end": len(of) - 1, "S": first, "IO": second, "rare": second}
        left_out = [role for role, every in (("IO", 6), ("rare", 2)) if number % every == 1]
        found[tuple(of.tolist())] = {of: at for of, at in roles.items() if of not in left_out}
    return found


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("lengths", [[7] * 13, [7, 7, 5, 9, 4, 7, 2, 6, 7, 8, 3, 5, 7]])
def test_a_mean_by_role_is_that_of_plain_hooks(name, lengths):
    model, prompts = model_of(name), prompts_of(lengths)
    stranger = prompts_of([8], 5)[0]
    places = named_in([*prompts, stranger])
    shared = Reference(model, prompts, places)
    own_runs = [Run(model, of) for of in prompts]
    for site in SITES:
        given = Interventions((Intervention(site, "mean"),), shared, places)
        listed = Interventions(given.listed, own_runs, places)
        for own in (prompts[0], prompts[1], stranger):
            others = [of for of in prompts if of is not own]
            expected = set_by_role(model, own, others, places, site)
            for each in (given, listed):
                run = intervened_runs(Run(model, own), each)[0]
                name = get_act_name(site.name, site.layer)
                found = read_activation(run, name)
                if site.head is not None:
                    found, expected = found[:, :1], expected[:, :1]
                close(found, expected)
        assert set(shared.roles(Run(model, prompts[0]))) == {"end", "S", "IO"}


def test_numbers_do_where_named_words_stand_at_the_same_places():
    model, prompts = model_of("gpt2"), prompts_of([7] * 12)
    places = {tuple(of.tolist()): {"S": 2, "end": 6} for of in prompts[:9]}
    found = Reference(model, prompts, places)
    run, name = Run(model, prompts[0]), get_act_name("z", 1)
    assert found.roles(run) is None
    assert found.roles(run, {}) is None
    assert torch.equal(found.mean(run, name), Reference(model, prompts).mean(run, name))
    assert found.roles(run, {"S": 3, "end": 6}) == {"S": 3, "end": 6}
    assert found.roles(run, {"unheard": 3}) is None
    longer = Run(model, prompts_of([9], 4)[0])
    assert found.roles(longer) == {}
    close(found.mean(longer, name)[0], found.mean(longer, name)[8])


def test_names_beyond_their_prompts_are_refused():
    model, prompts = model_of("gpt2"), prompts_of([7] * 12)
    ids = tuple(prompts[0].tolist())
    with pytest.raises(ValueError, match=r"“S” stands at 7, beyond its prompt, which has 7 tokens"):
        Reference(model, prompts, {ids: {"S": 7}})
    mean = (Intervention(SITES[0], "mean"),)
    runs = [Run(model, of) for of in prompts[1:]]
    with pytest.raises(ValueError, match=r"L1H0\.z set to its mean.*“S” stands at -1"):
        intervened_runs(Run(model, prompts[0]), Interventions(mean, runs, {ids: {"S": -1}}))


def test_a_pair_that_reads_its_words_elsewhere_has_means_of_its_own():
    """Each of two prompts of one length that are not among the others has its own places."""
    model, prompts = model_of("gpt2"), prompts_of([7, 5] * 6)
    pair = prompts_of([6, 6], 3)
    places = named_in([*prompts, *pair])
    places[tuple(pair[1].tolist())] = dict(places[tuple(pair[0].tolist())])
    mean, site = (Intervention(Site("resid_post", 0), "mean"),), Site("resid_post", 0)
    for moved in (False, True):
        if moved:
            places[tuple(pair[1].tolist())] |= {"end": 2}
        given = Interventions(mean, Reference(model, prompts, places), places)
        runs = intervened_runs(Run(model, pair[0]), given, Run(model, pair[1]))
        assert (runs[0].model is runs[1].model) is not moved
        for own, run in zip(pair, runs, strict=True):
            expected = set_by_role(model, own, prompts, places, site)
            close(read_activation(run, get_act_name("resid_post", 0)), expected)


def logits_of(run):
    return run.model.to_logits(run.complete().residuals[-1][None])[0, -1]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("lengths", [[7] * 12, [7, 7, 5, 9, 4, 7, 1, 6, 7, 8, 3, 5]])
def test_a_mean_is_that_of_plain_hooks_without_the_prompt_itself(name, lengths):
    model, prompts = model_of(name), prompts_of(lengths)
    shared = Reference(model, prompts)
    for site in SITES:
        given = Interventions((Intervention(site, "mean"),), shared)
        for own, others in ((prompts[0], prompts[1:]), (prompts_of([7], 1)[0], prompts)):
            run = intervened_runs(Run(model, own), given)[0]
            equal = {len(of) for of in others} == {len(own)}
            expected = set_plainly(model, own, others, site, by_position=equal)
            close(logits_of(run), expected)
            runs = Interventions(given.listed, [Run(model, of) for of in prompts])
            close(logits_of(intervened_runs(Run(model, own), runs)[0]), expected)


def test_what_is_not_kept_is_run_again_and_gives_the_same(monkeypatch):
    model, prompts = model_of("gpt2"), prompts_of([7] * 30)
    monkeypatch.setattr(reference, "rows_at_once", lambda model, layer: 30)
    kept = Reference(model, prompts)
    lost = Reference(model, prompts)
    lost.most_runs = 0
    monkeypatch.setattr(reference, "MOST_SUMS", 0)
    run = Run(model, prompts[3])
    for site in (*SITES, *SITES[:2]):
        name = get_act_name(site.name, site.layer)
        assert torch.equal(kept.mean(run, name), lost.mean(run, name))
    assert not lost._runs
    assert len(lost._sums) <= 1


def test_those_who_read_in_turn_run_each_batch_once(monkeypatch):
    model, prompts = model_of("gpt2"), prompts_of([7] * 30)
    monkeypatch.setattr(reference, "rows_at_once", lambda model, layer: 30)
    made = []
    monkeypatch.setattr(reference, "Run", lambda *args: made.append(args) or Run(*args))
    monkeypatch.setattr(reference, "isinstance", lambda of, kind: False, raising=False)
    found = Reference(model, prompts)
    names = ["blocks.1.attn.hook_z", "blocks.0.hook_resid_post"]
    jobs = [found.steps(names), found.steps(names[:1]), found.steps(names)]
    while jobs:
        jobs = [job for job in jobs if next(job, job) is None]
    assert len(made) == len(prompts)
    run = Run(model, prompts[0])
    for name in names:
        assert torch.equal(found.mean(run, name), Reference(model, prompts).mean(run, name))


def test_too_few_are_refused_before_anything_runs():
    model, prompts = model_of("gpt2"), prompts_of([7] * 8)
    few = Reference(model, prompts)
    mean = (Intervention(SITES[0], "mean"),)
    for of in (few, few.counted):
        with pytest.raises(ValueError, match=r"8 other prompts at least.*there are 7: include"):
            intervened_runs(Run(model, prompts[0]), Interventions(mean, of))
    assert not few._runs
    other = Run(model, prompts_of([7], 9)[0])
    intervened_runs(other, Interventions(mean, few.counted))
    assert not few._runs
    assert (few.count_for(other), few.count_for(Run(model, prompts[0]))) == (8, 7)
    with pytest.raises(ValueError, match="run by another model"):
        intervened_runs(Run(model_of("llama"), prompts_of([7], 9)[0]), Interventions(mean, few))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_unit_is_one_median_norm_of_the_stream(name):
    model = model_of(name)
    run = Run(model, prompts_of([9])[0]).complete()
    vector = keep_vector("v", 3 * torch.randn(model.cfg.d_model))
    for site, layer in ((Site("resid_pre", 1), 1), (Site("resid_post", 1), 2)):
        added = Intervention(site, "add", vector=vector, skips_special=False)
        unit = unit_strength(run, added)
        under = intervened_runs(run, [replace(added, strength=unit)])[0].complete()
        apart = (under.residuals[layer] - run.residuals[layer]).norm(dim=-1)
        expected = run.residuals[layer][1:].norm(dim=-1).median()
        close(apart, expected.expand_as(apart))
        assert unit_strength(run, replace(added, op="set")) == pytest.approx(float(expected))
        share = replace(
            added, op="add_median", strength=unit_strength(run, replace(added, op="add_median"))
        )
        assert share.strength == 1.0
        same = intervened_runs(run, [share])[0].complete()
        close(same.residuals[layer], under.residuals[layer])
    assert unit_strength(run, replace(added, op="add_norm")) == 1.0
    assert unit_strength(run, Intervention(Site("z", 0), "scale")) is None
    assert unit_strength(run, replace(added, site=Site("resid_post", 99))) is None
    lost = replace(added, vector=replace(vector, content="0"))
    assert unit_strength(run, lost) is None
