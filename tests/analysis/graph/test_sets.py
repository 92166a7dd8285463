"""Path patching into a set of heads: each sender, and all at once, against the slow way."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.graph.path_patching import path_patch
from lensgui.analysis.graph.senders import path_patch_into, path_patch_into_slowly, path_totals
from lensgui.analysis.run.run import Run
from lensgui.terms.circuits.nodes import Node, inputs_of, senders
from lensgui.terms.metrics import KLDivergence, LogitDifference, Probability
from tests.answering import last
from tests.references import EVERY, model_of, putting

CLEAN = torch.tensor([3, 1, 4, 1, 5, 9, 2])
CORRUPTED = torch.tensor([3, 1, 2, 1, 7, 9, 2])
METRIC = LogitDifference((11, 13), (7,))
FAMILIES = ["gpt2", "gptj", "gpt_neox", "llama", "gemma2", "olmo2", "mixtral"]
INPUTS = ["q", "k", "v", "pattern"]
ONE_LAYER = [(2, 0), (2, 3)]
ACROSS = [(1, 3), (2, 1), (1, 0)]
CLOSE = {"atol": 1e-10, "rtol": 1e-10, "equal_nan": True}


def runs_of(model):
    return [Run(model, tokens).complete() for tokens in (CLEAN, CORRUPTED)]


def every(scores):
    return torch.cat([scores.heads.flatten(), scores.mlps, torch.tensor([scores.embed])])


def both_ways(model, heads, input_, hears, metric=METRIC):
    receivers = inputs_of(model.cfg, heads, input_)
    fast = every(last(path_patch_into(*runs_of(model), metric, receivers, hears)))
    slow = every(path_patch_into_slowly(model, CLEAN, CORRUPTED, metric, receivers, hears))
    torch.testing.assert_close(fast, slow, **CLOSE)
    assert fast.nan_to_num().abs().max() > 1e-6
    return fast


@pytest.mark.parametrize("input_", INPUTS)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_sender_into_a_set_is_path_patching_of_it(name, input_):
    """Across layers it matters whether receivers hear each other; within one it can't."""
    model = model_of(name)
    frozen, hearing = (both_ways(model, ACROSS, input_, hears) for hears in (False, True))
    assert (frozen - hearing).nan_to_num().abs().max() > 1e-9
    frozen, hearing = (both_ways(model, ONE_LAYER, input_, hears) for hears in (False, True))
    torch.testing.assert_close(frozen, hearing, **CLOSE)


@pytest.mark.parametrize("metric", [Probability((11,)), KLDivergence()], ids=str)
@pytest.mark.parametrize("hears", [False, True])
def test_other_metrics(metric, hears):
    both_ways(model_of("llama"), ACROSS, "pattern", hears, metric)


def test_a_sender_between_two_receivers_reaches_the_later_one_only():
    model = model_of("llama")
    both = last(path_patch_into(*runs_of(model), METRIC, inputs_of(model.cfg, ACROSS, "v")))
    later = last(path_patch_into(*runs_of(model), METRIC, Node("v", 2, 0)))
    torch.testing.assert_close(both.heads[1], later.heads[1], **CLOSE)
    torch.testing.assert_close(both.mlps[1], later.mlps[1], **CLOSE)
    assert (both.heads[0] - later.heads[0]).abs().max() > 1e-6
    assert both.heads[2].isnan().all()


@pytest.mark.parametrize("heads", [[(2, 1)], ONE_LAYER, ACROSS, [(0, 1), (2, 2)]], ids=str)
@pytest.mark.parametrize("name", FAMILIES)
def test_totals_are_all_senders_at_once_and_patching_what_receivers_read(name, heads):
    model = model_of(name)
    totals = last(path_totals(*runs_of(model), METRIC, heads))
    _, clean = model.run_with_cache(CLEAN[None])
    base = METRIC(model(CORRUPTED[None]))
    for input_, value in totals.values.items():
        receivers = inputs_of(model.cfg, heads, input_)
        for hears in (False, True):
            whole = path_patch(
                model,
                CLEAN,
                CORRUPTED,
                METRIC,
                senders(model.cfg),
                receivers,
                hear_each_other=hears,
            )
            assert value == pytest.approx(whole, abs=1e-10)
        hooks = [
            putting(f"blocks.{at.layer}.attn.hook_{at.kind}", (EVERY, EVERY, at.head), clean)
            for at in receivers
        ]
        patched = METRIC(model.run_with_hooks(CORRUPTED[None], fwd_hooks=hooks))
        assert value == pytest.approx(float(patched - base), abs=1e-10)
        assert totals.shown[input_] == pytest.approx(value / totals.scale)
    assert list(totals.values) == INPUTS
    assert abs(totals.values["q"]) > 1e-7
    assert totals.values["q"] + totals.values["k"] != pytest.approx(totals.values["pattern"])


def test_shared_keys_and_values_are_named_once():
    cfg = model_of("llama").cfg
    assert cfg.heads_per_group == 2
    assert inputs_of(cfg, [(1, 1), (1, 0)], "k") == (Node("k", 1, 0),)
    assert inputs_of(cfg, [(1, 1), (1, 0)], "q") == (Node("q", 1, 0), Node("q", 1, 1))
    assert inputs_of(cfg, [(1, 2)], "pattern") == (Node("q", 1, 2), Node("k", 1, 1))


def test_what_is_no_set_of_heads_is_a_sentence():
    model = model_of("llama")
    runs = runs_of(model)
    for heads, sentence in (([], "at least one head"), ([(1, 0), (7, 0)], "no head L7H0")):
        with pytest.raises(ValueError, match=sentence):
            inputs_of(model.cfg, heads, "q")
        with pytest.raises(ValueError, match=sentence):
            list(path_totals(*runs, METRIC, heads))
    with pytest.raises(ValueError, match="at least one receiver"):
        list(path_patch_into(*runs, METRIC, []))
    with pytest.raises(ValueError, match="as many in both"):
        list(path_totals(runs[0], Run(model, CORRUPTED[:4]), METRIC, [(1, 0)]))
