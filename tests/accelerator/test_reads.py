"""A few numbers are read into Python for each batch of cells: an accelerator is waited for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

import lensgui
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.grouping import budgeted
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import RESID_PRE, SweepKind
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.accelerator.reads import reads
from tests.references import kinds_of, model_of

METRIC = LogitDifference(answer=(3, 5), distractor=(7,))
FAMILIES = ("llama", "gemma2")
MOST = 16  # in a sweep of one batch


def prompts(length):
    clean = torch.randint(0, 60, (length,), generator=torch.Generator().manual_seed(1))
    corrupted = clean.clone()
    corrupted[3] = (clean[3] + 1) % 60
    return clean, corrupted


def counted(model, length, kind, **given):
    with reads() as noted:
        *_, result = sweep(model, *prompts(length), METRIC, kind, **given)
    assert result.values.isfinite().all()
    return len(noted)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_sweep_reads_as_often_whatever_it_sweeps(name):
    model = model_of(name)
    for kind in kinds_of(model):
        if kind != SweepKind("pattern", "edge"):  # which has too many cells for one batch
            assert counted(model, 8, kind) == counted(model, 12, kind) <= MOST, kind


def test_a_sweep_reads_as_often_however_deep_the_model_is():
    cfg = replace(model_of("gpt2").cfg, n_layers=2)
    shallow = HookedTransformer(cfg).requires_grad_(False)
    deep = HookedTransformer(replace(cfg, n_layers=7)).requires_grad_(False)
    for kind in kinds_of(shallow):
        if kind != SweepKind("pattern", "edge"):
            assert counted(shallow, 9, kind) == counted(deep, 9, kind)


def test_each_batch_more_reads_the_same_more():
    """A budget that fits ever fewer cells makes more batches, which are counted by their values."""
    model, found = model_of("llama"), {}
    for budget in (10**9, 500_000, 100_000):
        with budgeted(budget), reads() as noted:
            *_, result = sweep(model, *prompts(12), METRIC, RESID_PRE)
        batches = noted.count("tolist")
        found[budget] = len(noted) - batches
        assert result.values.isfinite().all()
        assert budget == 10**9 or batches > 8
    assert max(found.values()) - min(found.values()) <= 4


def test_a_forward_pass_a_cache_and_a_run_read_only_token_ids():
    model = model_of("llama")
    tokens = prompts(12)[0]
    with reads() as noted, torch.no_grad():
        model(tokens[None])
        model.run_with_cache(tokens[None])
        lensgui.logit_lens(Run(model, tokens).complete(), 5)
    assert len(noted) <= 8
    assert set(noted) <= {"tolist"}


def test_estimates_are_read_once():
    model = model_of("gpt2")
    kinds = kinds_of(model)
    with reads() as noted:
        *_, found = lensgui.attribution_patch(model, *prompts(10), METRIC, kinds)
    assert found is not None
    assert len(noted) <= MOST


def test_path_patching_reads_as_often_whatever_feeds_a_head():
    model = model_of("gpt2")
    found = set()
    for length in (8, 12):
        runs = [Run(model, of).complete() for of in prompts(length)]
        for layer in (1, 2):
            with reads() as noted:
                list(lensgui.path_patch_into(*runs, METRIC, lensgui.Node("q", layer, 1)))
            found.add(len(noted))
    assert len(found) == 1
    assert found.pop() <= MOST


def test_every_way_to_read_is_noticed():
    x = torch.arange(4.0)
    ways = (
        lambda: float(x[0]),
        lambda: x.tolist(),
        lambda: x.numpy(),
        lambda: bool((x > 1).any()),
        lambda: x[x > 1],
        lambda: x.nonzero(),
        lambda: x.unique(),
        lambda: torch.equal(x, x),
        lambda: x.masked_select(x > 1),
        lambda: x.__setitem__(x > 1, 0.0),
    )
    for number, way in enumerate(ways):
        with reads() as noted:
            way()
        assert noted, number
