"""Runs and sweeps under interventions are whole forwards with plain hooks, and off is absent."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
import torch

from lensgui.analysis.activations.reading import read_activation
from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.hooks.names import get_act_name
from tests.analysis.interventions.plain import Known, caches, drawn, hooks_of
from tests.references import close, kinds_of, model_of, putting

FAMILIES = ["gpt2", "llama", "gemma2", "gpt_neox", "gpt_oss"]
LENGTH = 6
METRIC = LogitDifference((3,), (7,))
CLEAN = torch.tensor([5, 9, 2, 11, 4, 8])
CORRUPTED = torch.tensor([5, 9, 3, 11, 4, 8])
OTHERS = [torch.tensor([at, 9, at + 1, 2, 4, 8 + at]) for at in range(8)]


@cache
def plain(name):
    """A model, its plain caches of both prompts and of those of a mean, and its plain runs."""
    model = model_of(name)
    runs = [Run(model, ids).complete() for ids in (CLEAN, CORRUPTED, *OTHERS)]
    return model, caches(model, [CLEAN, CORRUPTED, *OTHERS]), runs


def asked(name, listed):
    """Interventions as the library takes them, and as plain hooks of either prompt."""
    model, (clean, corrupted, *others), (_, _, *reference) = plain(name)
    found = []
    for side, own, other in (("clean", clean, corrupted), ("corrupted", corrupted, clean)):
        acting = [one for one in listed if one.acts_on(side)]
        found.append(hooks_of(model, acting, Known(own, other, clean, others)))
    return Interventions(tuple(listed), reference), found


def under_of(name, listed):
    _, _, (clean, corrupted, *_) = plain(name)
    given, hooks = asked(name, listed)
    return intervened_runs(clean, given, corrupted), hooks


@torch.no_grad()
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", FAMILIES)
def test_runs_are_forwards_with_plain_hooks(name, seed):
    model = model_of(name)
    listed = drawn(model, LENGTH, seed)
    runs, hooks = under_of(name, listed)
    for run, ids, own in zip(runs, (CLEAN, CORRUPTED), hooks, strict=True):
        with model.hooks(own):
            logits, cached = model.run_with_cache(ids[None])
        run.complete()
        for layer in range(model.cfg.n_layers):
            close(run.residuals[layer], cached["resid_pre", layer][0])
            close(run.patterns(layer, range(model.cfg.kv_heads)), cached["pattern", layer][0])
            for short in ("q", "z", "mlp_out"):
                name_ = get_act_name(short, layer)
                close(read_activation(run, name_), cached[name_][0])
        close(run.model.to_logits(run.residuals[-1][None]), logits)


@torch.no_grad()
@pytest.mark.parametrize("direction", ["denoising", "noising"])
@pytest.mark.parametrize("name", FAMILIES)
def test_sweeps_are_one_forward_a_cell_with_plain_hooks(name, direction):
    model = model_of(name)
    for seed in (20, 21, 22):
        listed = drawn(model, LENGTH, seed, 3)
        given, hooks = asked(name, listed)
        for kind in kinds_of(model)[seed - 20 :: 3]:
            *_, found = sweep(model, CLEAN, CORRUPTED, METRIC, kind, direction, interventions=given)
            cells = list(np.ndindex(*found.values.shape))
            cells = random.Random(seed).sample(cells, min(12, len(cells)))
            expected, ends = by_hand(model, kind, direction, hooks, cells)
            close(torch.tensor([found.clean, found.corrupted], dtype=torch.float64), ends)
            close(torch.stack([found.values[cell] for cell in cells]), expected)


def by_hand(model, kind, direction, hooks, cells):
    """Some cells by a forward each, and the metric of both prompts."""
    prompts = {"clean": (CLEAN, hooks[0]), "corrupted": (CORRUPTED, hooks[1])}
    source, base = ("clean", "corrupted") if direction == "denoising" else ("corrupted", "clean")
    values, ends = {}, {}
    for side, (ids, own) in prompts.items():
        with model.hooks(own):
            logits, values[side] = model.run_with_cache(ids[None])
        ends[side] = METRIC(logits)
    found = []
    for layer, *index in cells:
        put = putting(
            written(model, kind, layer), (slice(None), *kind.place(tuple(index))), values[source]
        )
        logits = model.run_with_hooks(prompts[base][0][None], fwd_hooks=[*prompts[base][1], put])
        found.append(METRIC(logits) - ends[base])
    return torch.stack(found), torch.stack([ends["clean"], ends["corrupted"]])


def written(model, kind, layer):
    """Where a cell writes: the stream between two layers is one place, the next layer's."""
    if kind.activation == "resid_post" and layer + 1 < model.cfg.n_layers:
        return get_act_name("resid_pre", layer + 1)
    return get_act_name(kind.activation, layer)


def test_a_model_under_interventions_names_its_own_modules():
    model = model_of("llama")
    listed = [Intervention(Site("z", 1, 0), "zero"), Intervention(Site("embed"), "scale")]
    made = intervened_runs(Run(model, CLEAN), listed)[0].model
    assert made.mod_dict == {name: module for name, module in made.named_modules() if name}
    assert made.mod_dict.keys() == model.mod_dict.keys()
    assert made.mod_dict["blocks.0"] is model.mod_dict["blocks.0"]
    assert made.mod_dict["blocks.1.attn"] is not model.mod_dict["blocks.1.attn"]
