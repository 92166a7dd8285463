"""The parts of a logit difference add up to it, and are those of plain hooks and matrices."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.attribution.components import attribute
from lensgui.analysis.heads.necessity import attribute_heads
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import (
    ContinuationLogProbability,
    KLDivergence,
    LogitDifference,
    LogProbability,
    Probability,
    Rank,
)
from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.model import HookedTransformer
from tests.analysis.attribution.by_hand import METRIC, POSITION, added, head_parts, read_off
from tests.answering import last
from tests.checkpoints.tiny_models import TINY, prompts, tiny
from tests.references import close, model_of

SMALL = {"n_layers": 2, "d_model": 16, "n_ctx": 20, "d_head": 4, "d_vocab": 30, "seed": 1}
ODD = {
    "attention only": {"attn_only": True},
    "no norms": {"normalization_type": None},
    "norms behind that centre": {"use_normalization_before_and_after": True},
    "norms behind that do nothing": {
        "use_normalization_before_and_after": True,
        "normalization_type": None,
    },
    "shortformer": {"positional_embedding_type": "shortformer"},
    "a norm within the MLP": {"act_fn": "solu_ln"},
    "experts, a norm behind them": {
        "num_experts": 4,
        "experts_per_token": 2,
        "d_shared_expert": 8,
        "use_normalization_after_only": True,
    },
    "folded": {"normalization_type": "LNPre"},
}


def small(**settings) -> HookedTransformer:
    """A small model with settings, every parameter of which is random."""
    cfg = HookedTransformerConfig(**SMALL | settings, dtype=torch.float64)
    model = HookedTransformer(cfg).requires_grad_(False)
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def uncapped(model, tokens, position):
    """The logits before the soft cap, as the model's own forward shows them."""
    _, cache = model.run_with_cache(tokens, names_filter="unembed.hook_out")
    return cache["unembed.hook_out"][0, position]


def adds_up(model, tokens, metric):
    """Whether all parts add up to the logits, and these are those of a plain forward."""
    found = last(attribute(Run(model, tokens[0]), metric))
    logits = uncapped(model, tokens, metric.position)
    expected = logits[list(metric.answer)].mean()
    if getattr(metric, "distractor", ()):
        expected = expected - logits[list(metric.distractor)].mean()
    bar = 1e-10 * max(1.0, float(logits.abs().max()))
    assert abs(found.logits - float(expected)) <= bar
    assert abs(found.rest) <= bar
    assert found.total == pytest.approx(sum(part.value for part in found.components), abs=bar)
    return found


@pytest.mark.parametrize("name", TINY)
def test_the_parts_add_up_in_every_family(name):
    model = model_of(name)
    adds_up(model, prompts(1), METRIC)
    adds_up(model, prompts(1), LogProbability((4, 6)))


@pytest.mark.parametrize("odd", ODD)
def test_the_parts_add_up_whatever_a_model_lacks(odd):
    model = small(**ODD[odd])
    found = adds_up(model, torch.arange(7)[None], LogitDifference((3,), (7, 9), -2))
    assert (found.mlp is None) == model.cfg.attn_only
    assert (found.pos_embed is None) == (odd == "shortformer")


def test_the_parts_of_a_folded_model_are_those_of_the_model():
    for name in ("gpt2", "granite", "gemma2"):
        before = last(attribute(Run(model_of(name), prompts(1)), METRIC))
        folded = HookedTransformer.from_pretrained(
            hf_model=tiny(name), device="cpu", dtype=torch.float64
        ).requires_grad_(False)
        assert folded.cfg.is_folded
        after = adds_up(folded, prompts(1), METRIC)
        close(after.heads.sum(1) + after.attention_bias, before.attention)
        close(after.mlp, before.mlp)


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "granite", "gpt_neox", "mixtral", "bloom"])
def test_the_parts_add_up_in_single_precision(name):
    model = HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny(name), device="cpu", dtype=torch.float32
    ).requires_grad_(False)
    found = last(attribute(Run(model, prompts(1)), METRIC))
    largest = max(abs(part.value) for part in found.components)
    assert abs(found.rest) <= max(1e-4, 16 * torch.finfo(torch.float32).eps * largest)
    exact = last(attribute(Run(model_of(name), prompts(1)), METRIC))
    torch.testing.assert_close(found.heads, exact.heads, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "granite", "gpt_oss"])
def test_in_half_precision_they_lack_what_the_stream_rounds_away(name):
    model = HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny(name), device="cpu", dtype=torch.bfloat16
    ).requires_grad_(False)
    found = last(attribute(Run(model, prompts(1)), METRIC))
    largest = max(abs(part.value) for part in found.components)
    assert abs(found.rest) <= 8 * torch.finfo(torch.bfloat16).eps * largest
    assert found.rest == pytest.approx(found.logits - found.total)


def test_every_part_is_that_of_plain_hooks_and_matrices(model, run, cache):
    found = last(attribute(run, METRIC))
    stream = [cache["hook_embed"][0, POSITION]]
    assert found.embed == pytest.approx(float(read_off(model, cache, stream[0])), abs=1e-10)
    if model.cfg.positional_embedding_type == "standard":
        stream.append(cache["hook_pos_embed"][0, POSITION])
        at_position = float(read_off(model, cache, stream[1]))
        assert found.pos_embed == pytest.approx(at_position, abs=1e-10)
    else:
        assert found.pos_embed is None
    for layer in range(model.cfg.n_layers):
        close(found.heads[layer], head_parts(model, cache, layer).sum(-1))
        b_O = model.blocks[layer].attn.b_O
        bias = read_off(model, cache, added(model, cache, layer, b_O, "ln1_post"))
        close(found.attention_bias[layer], bias)
        for name, part in (("attn_out", found.attention), ("mlp_out", found.mlp)):
            close(part[layer], read_off(model, cache, cache[name, layer][0, POSITION]))


def test_a_head_is_worth_what_the_logits_lose_without_it(model, run, cache):
    """A head's output is taken out of the final stream, whose scale stays the run's."""
    found = last(attribute(run, METRIC))
    final = cache["resid_post", -1][0, POSITION]
    whole = read_off(model, cache, final)
    for layer, head in ((0, 1), (2, 3)):
        z, W_O = cache["z", layer][0, POSITION, head], model.blocks[layer].attn.W_O[head]
        without = final - added(model, cache, layer, z @ W_O, "ln1_post")
        close(whole - read_off(model, cache, without), found.heads[layer, head])


def test_heads_alone_are_the_same_numbers(run):
    assert torch.equal(last(attribute_heads(run, METRIC)), last(attribute(run, METRIC)).heads)


def test_the_cumulative_sum_reads_the_stream_of_each_layer_at_the_final_scale(model, run, cache):
    found = last(attribute(run, METRIC))
    rows = [cache["resid_pre", layer][0, POSITION] for layer in range(model.cfg.n_layers)]
    rows.append(cache["resid_post", -1][0, POSITION])
    close(found.cumulative(), read_off(model, cache, torch.stack(rows)))
    both = found.cumulative(includes_mid=True)
    assert len(both) == 2 * model.cfg.n_layers + 1
    close(both[::2], found.cumulative())
    close(both[1::2] - both[:-1:2], found.attention)
    assert found.total == pytest.approx(float(both[-1]) + found.constant, abs=1e-10)


def test_it_comes_a_layer_at_a_time_and_nothing_changes_afterwards(model, run):
    steps = list(attribute(run, METRIC))
    assert len(steps) == model.cfg.n_layers
    whole = steps[-1]
    for layer, step in enumerate(steps):
        for part, all_of_it in ((step.heads, whole.heads), (step.mlp, whole.mlp)):
            assert torch.equal(part[: layer + 1], all_of_it[: layer + 1])
            assert part[layer + 1 :].isnan().all()
        assert step.cumulative().isnan().sum() == model.cfg.n_layers - layer - 1
        assert (step.embed, step.logits, step.metric) == (whole.embed, whole.logits, whole.metric)
        assert (step.total == step.total) == (step is whole)
    kinds = [(part.kind, part.layer) for part in whole.components]
    assert kinds[-4:] == [("attn_out", 2), ("mlp_out", 2), ("ln_final.b", None), ("b_U", None)]


def test_both_numbers_and_what_lies_between_are_told():
    tokens = prompts(1)
    logits = model_of("gemma2")(tokens)[0, -1]
    asked = {
        LogitDifference((3,), (7,)): ("soft cap",),
        LogitDifference((3, 4), (7,)): ("soft cap", "log-sum-exp"),
        Probability((3,), (7,)): ("soft cap", "probability"),
        LogProbability((3,)): ("soft cap", "log-probability"),
        ContinuationLogProbability((3,)): ("soft cap", "log-probability"),
    }
    for metric, between in asked.items():
        found = last(attribute(Run(model_of("gemma2"), tokens), metric))
        assert found.between == between
        assert found.metric == pytest.approx(float(metric(logits[None, None])), abs=1e-10)
    single = last(attribute(Run(model_of("gemma2"), tokens), LogitDifference((3,), (7,))))
    assert single.capped == pytest.approx(single.metric, abs=1e-10)
    assert abs(single.logits - single.metric) > 1e-3
    plain = last(attribute(Run(model_of("gpt2"), tokens), LogitDifference((3,), (7,))))
    assert plain.between == ()
    assert plain.logits == plain.capped == pytest.approx(plain.metric, abs=1e-10)


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        (KLDivergence(), "A KL divergence is not read off single logits"),
        (Rank((3,)), "A rank is not read off single logits"),
        (ContinuationLogProbability((3, 4)), "reads 2 positions"),
        (LogitDifference((), (7,)), "without an answer"),
        (lambda logits: logits.sum(), "without an answer"),
        (LogitDifference((3,), (7,), 99), "position that is there"),
        (LogitDifference((3,), (4711,)), "no token 4711"),
    ],
)
def test_what_can_not_be_taken_apart_is_refused_in_a_sentence(metric, sentence):
    run = Run(model_of("gpt2"), prompts(1))
    with pytest.raises(ValueError, match=sentence):
        next(attribute(run, metric))


def test_hooks_of_others_are_refused():
    model = model_of("gpt2")
    run = Run(model, prompts(1)).complete()
    hook = ("blocks.0.hook_resid_post", lambda x, hook: x * 0)
    with model.hooks([hook]), pytest.raises(ValueError, match="Hooks are attached"):
        next(attribute(run, METRIC))
