"""The slow way agrees with the sweep, who feeds a head with path patching, roles with ablation."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.circuits.ablation import run_ablated
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.graph.senders import path_patch_into, path_patch_into_slowly
from lensgui.analysis.heads.necessity import ablate_heads, attribute_heads
from lensgui.analysis.heads.readout import read_head
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.slowly import recompute_cells
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.circuits.nodes import Node
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import KLDivergence, LogitDifference, Probability
from tests.answering import last
from tests.references import KINDS, model_of

CLEAN = torch.tensor([3, 1, 4, 1, 5, 9, 2])
CORRUPTED = torch.tensor([3, 1, 2, 1, 7, 9, 2])
METRIC = LogitDifference((11, 13), (7,))


def largest(result) -> tuple[int, ...]:
    return tuple(
        int(at) for at in torch.unravel_index(result.values.abs().argmax(), result.values.shape)
    )


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2"])
@pytest.mark.parametrize("direction", ["denoising", "noising"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_slow_way_is_the_sweep(name, direction, kind):
    model = model_of(name)
    result = last(sweep(model, CLEAN, CORRUPTED, METRIC, kind, direction))
    cell = largest(result)
    slow = last(recompute_cells(model, CLEAN, CORRUPTED, METRIC, kind, direction, [cell]))
    assert float(result.values[cell]) == pytest.approx(slow, abs=1e-9)
    assert slow != 0


def test_the_slow_way_compares_with_the_clean_run():
    model, kind = model_of("gpt2"), SweepKind("mlp_out")
    result = last(sweep(model, CLEAN, CORRUPTED, KLDivergence(), kind))
    cell = largest(result)
    slow = last(recompute_cells(model, CLEAN, CORRUPTED, KLDivergence(), kind, "denoising", [cell]))
    assert float(result.values[cell]) == pytest.approx(slow, abs=1e-9)


def test_only_chosen_cells_are_run():
    model, kind = model_of("llama"), SweepKind("z", "all")
    whole = last(sweep(model, CLEAN, CORRUPTED, METRIC, kind))
    only = torch.zeros_like(whole.unchanged)
    only[1, 2] = True
    some = last(sweep(model, CLEAN, CORRUPTED, METRIC, kind, only=only))
    assert some.values[1, 2] == pytest.approx(float(whole.values[1, 2]), abs=1e-12)
    assert int(some.values.isfinite().sum()) == 1 + int((some.unchanged & ~only).sum())


@pytest.mark.parametrize("name", ["gpt2", "gptj", "llama", "gemma2", "olmo2", "mixtral"])
@pytest.mark.parametrize("input_", ["q", "k", "v"])
@pytest.mark.parametrize("metric", [METRIC, Probability((11,)), KLDivergence()], ids=str)
def test_who_feeds_a_head_is_path_patching_of_each_sender(name, input_, metric):
    model = model_of(name)
    receiver = Node(input_, model.cfg.n_layers - 1, 0)
    runs = [Run(model, tokens).complete() for tokens in (CLEAN, CORRUPTED)]
    fast = last(path_patch_into(*runs, metric, receiver))
    slow = path_patch_into_slowly(model, CLEAN, CORRUPTED, metric, receiver)
    close = {"atol": 1e-9, "rtol": 1e-9, "equal_nan": True}
    torch.testing.assert_close(fast.heads, slow.heads, **close)
    torch.testing.assert_close(fast.mlps, slow.mlps, **close)
    assert fast.embed == pytest.approx(slow.embed, abs=1e-9)
    assert (fast.clean, fast.corrupted) == pytest.approx((slow.clean, slow.corrupted), abs=1e-9)


def test_who_feeds_what_is_not_there_is_refused():
    model = model_of("gpt2")
    runs = [Run(model, tokens).complete() for tokens in (CLEAN, CORRUPTED)]
    with pytest.raises(ValueError, match="no receiver"):
        list(path_patch_into(*runs, METRIC, Node("q", 77, 0)))
    with pytest.raises(ValueError, match="no head's q, k or v"):
        list(path_patch_into(*runs, METRIC, Node("mlp", 1)))


@pytest.mark.parametrize("name", ["gpt2", "gptj", "llama", "gemma2"])
def test_a_head_taken_out_is_mean_ablation_of_its_node(name):
    model = model_of(name)
    prompts = torch.stack([CLEAN, CORRUPTED, CORRUPTED.flip(0)])
    runs = [Run(model, tokens).complete() for tokens in prompts]
    found = last(ablate_heads(runs[0], runs, METRIC))
    start = METRIC(model(CLEAN[None]))
    for head in range(model.cfg.n_heads):
        logits = run_ablated(model, CLEAN, [Node("head", 1, head)], Ablation("mean", prompts))
        assert float(found[1, head]) == pytest.approx(float(METRIC(logits) - start), abs=1e-9)
    with pytest.raises(ValueError, match="one length"):
        list(ablate_heads(runs[0], [Run(model, CLEAN[:4]).complete()], METRIC))


def test_a_heads_attribution_is_what_the_inspector_reads():
    model = model_of("llama")
    run = Run(model, CLEAN).complete()
    found = last(attribute_heads(run, METRIC))
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            one = read_head(run, layer, head, len(CLEAN) - 1, METRIC).attribution
            assert float(found[layer, head]) == pytest.approx(one, abs=1e-9)
