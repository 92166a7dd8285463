"""Path patching under interventions: what plain hooks say, and the sweep as one path at a time."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.graph.path_patching import path_patch
from lensgui.analysis.graph.senders import path_patch_into, path_patch_into_slowly, path_totals
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.terms.circuits import nodes
from lensgui.terms.circuits.nodes import Node, inputs_of
from lensgui.terms.interventions import Intervention, Site
from tests.analysis.interventions.plain import drawn
from tests.analysis.interventions.test_under import (
    CLEAN,
    CORRUPTED,
    LENGTH,
    METRIC,
    asked,
    plain,
)
from tests.references import model_of, putting

FAMILIES = ["gpt2", "llama", "gemma2", "gpt_neox", "gpt_oss"]
ON_BOTH = [Intervention(Site("z", 1, 1), "zero"), Intervention(Site("mlp_out", 0), "scale")]
RECEIVERS = [Node("q", 1, 1), Node("k", 2, 0), Node("v", 2, 0)]


def same(a, b):
    """Whether numbers agree, NaN with NaN."""
    a, b = (torch.as_tensor(each, dtype=torch.float64) for each in (a, b))
    torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-10, equal_nan=True)


def held(model, now, sender, clean):
    """The hooks that hold all heads and MLPs at one run, and put in what a sender wrote."""
    for layer in range(model.cfg.n_layers):
        for name in (f"blocks.{layer}.attn.hook_z", f"blocks.{layer}.hook_mlp_out"):
            yield name, lambda x, hook: now[hook.name].clone()
    if sender.kind == "embed":
        yield putting("blocks.0.hook_resid_pre", (...,), clean)
        return
    name = f"blocks.{sender.layer}."
    name += "attn.hook_z" if sender.kind == "head" else "hook_mlp_out"
    part = (...,) if sender.head is None else (slice(None), slice(None), sender.head)
    yield putting(name, part, clean)


def by_hand(model, hooks, sender, receivers, hears):
    """Record what receivers hear while all other heads and MLPs are held; then put it in.

    The hooks of interventions come first, so that what is held or put is written last.
    """
    caches = []
    for ids, own in zip((CLEAN, CORRUPTED), hooks, strict=True):
        with model.hooks(own):
            caches.append(model.run_with_cache(ids[None])[1])
    clean, corrupted = caches

    def cached(puts):
        with model.hooks([*hooks[1], *puts]):
            return model.run_with_cache(CORRUPTED[None])

    puts = []
    for layer in sorted({node.layer for node in receivers}):
        now = cached(puts)[1] if hears else corrupted
        heard = cached(held(model, now, sender, clean))[1]
        for node in (node for node in receivers if node.layer == layer):
            place = (slice(None), slice(None), node.head)
            puts.append(putting(f"blocks.{layer}.attn.hook_{node.kind}", place, heard))
    return float(METRIC(cached(puts)[0]) - METRIC(cached([])[0]))


@pytest.mark.parametrize("seed", [84, 85])
@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_paths_under_interventions_are_those_of_plain_hooks(name, seed):
    model = model_of(name)
    given, hooks = asked(name, drawn(model, LENGTH, seed, 3))
    receivers = [node for node in RECEIVERS if node.kind == "q" or seed % 2]
    last = max(nodes.read_at(node, model.cfg) for node in receivers)
    for sender in (Node("embed"), Node("head", 0, 1), Node("mlp", 0), Node("head", 1, 2)):
        if nodes.written_at(sender) >= last:
            continue
        for hears in (True, False):
            paths = METRIC, [sender], receivers
            asking = {"hear_each_other": hears, "interventions": given}
            ours = path_patch(model, CLEAN, CORRUPTED, *paths, **asking)
            same(ours, by_hand(model, hooks, sender, receivers, hears))


@pytest.mark.parametrize("seed", [100, 101])
@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_the_sweep_under_interventions_is_one_path_at_a_time(name, seed):
    model, (_, _, (clean, corrupted, *_)) = model_of(name), plain(name)
    given, _ = asked(name, drawn(model, LENGTH, seed, 4))
    runs = intervened_runs(clean, given, corrupted)
    *_, found = path_patch_into(*runs, METRIC, RECEIVERS)
    slow = path_patch_into_slowly(model, CLEAN, CORRUPTED, METRIC, RECEIVERS, interventions=given)
    same(found.heads, slow.heads)
    same(found.mlps, slow.mlps)
    same([found.embed, found.clean, found.corrupted], [slow.embed, slow.clean, slow.corrupted])


@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
@torch.no_grad()
def test_totals_under_interventions_are_all_paths_at_once(name):
    model, (_, _, (clean, corrupted, *_)) = model_of(name), plain(name)
    given, _ = asked(name, [Intervention(Site("resid_mid", 0), "scale", strength=0.5), *ON_BOTH])
    runs = intervened_runs(clean, given, corrupted)
    *_, totals = path_totals(*runs, METRIC, [(1, 0), (2, 1)])
    for input_, value in totals.values.items():
        receivers = inputs_of(model.cfg, [(1, 0), (2, 1)], input_)
        every = nodes.senders(model.cfg)
        same(
            value,
            path_patch(model, CLEAN, CORRUPTED, METRIC, every, receivers, interventions=given),
        )


@torch.no_grad()
def test_receivers_hear_each_other_past_what_is_added_and_past_nothing_else():
    _, _, (clean, corrupted, *_) = plain("llama")
    receivers = [Node("q", 1, 1), Node("v", 2, 0)]
    for op, strength in (("noise", 1.0), ("zero", 1.0)):
        site = Site("embed") if op == "noise" else Site("z", 1, 0)
        given, _ = asked("llama", [Intervention(site, op, (1, 2), strength)])
        runs = intervened_runs(clean, given, corrupted)
        *_, found = path_patch_into(*runs, METRIC, receivers, hear_each_other=True)
        slow = path_patch_into_slowly(
            model_of("llama"),
            CLEAN,
            CORRUPTED,
            METRIC,
            receivers,
            hear_each_other=True,
            interventions=given,
        )
        same(found.heads, slow.heads)
    given, _ = asked("llama", [Intervention(Site("resid_post", 1), "scale", strength=0.5)])
    runs = intervened_runs(clean, given, corrupted)
    with pytest.raises(ValueError, match=r"in layer 1 by more than it adds.*switch either off"):
        list(path_patch_into(*runs, METRIC, receivers, hear_each_other=True))


def test_under_interventions_paths_are_patched_a_pair_at_a_time():
    pairs = torch.stack([CLEAN, CLEAN]), torch.stack([CORRUPTED, CORRUPTED])
    edge = [Node("head", 0, 1)], [Node("q", 1, 1)]
    with pytest.raises(ValueError, match="one at a time"):
        path_patch(model_of("gpt2"), *pairs, METRIC, *edge, interventions=ON_BOTH)
