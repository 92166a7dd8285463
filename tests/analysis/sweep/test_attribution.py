"""Estimates are gradients: checked against finite differences, and the QK fix against softmax."""

from __future__ import annotations

import math

import pytest
import torch

from lensgui.analysis.sweep.estimates.attribution import agreement, attribution_patch
from lensgui.analysis.sweep.kinds import one_key_at_a_time
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import KLDivergence, LogitDifference, LogProbability, Probability, Rank
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from tests.analysis.sweep.test_sweep_kinds import CLEAN, CORRUPTED, METRIC
from tests.checkpoints.tiny_models import tiny
from tests.references import KINDS, changes, kinds_of, model_of, putting, where

BASE = CORRUPTED["several"]
STEP = 1e-5


@torch.no_grad()
def finite_difference(model: HookedTransformer, kind: SweepKind, cell: list[int]) -> float:
    """How the metric moves along the way to the clean activation, per unit of that way."""
    layer, *index = cell
    name, part = get_act_name(kind.activation, layer), where(kind, tuple(index))
    clean = model.run_with_cache(CLEAN)[1][name]

    def moved(step: float) -> torch.Tensor:
        def move(x, hook):
            x = x.clone()
            x[part] += step * (clean[part] - x[part])
            return x

        return METRIC(model.run_with_hooks(BASE, fwd_hooks=[(name, move)]))

    return float(moved(STEP) - moved(-STEP)) / (2 * STEP)


@pytest.mark.parametrize("name", ["gpt2", "gptj", "llama", "gemma2"])
def test_estimates_are_gradients(name):
    model = model_of(name)
    maps = attribution_patch(model, CLEAN, BASE, METRIC, kinds_of(model))
    for kind, estimate in zip(kinds_of(model), maps, strict=True):
        strongest = estimate.abs().flatten().argsort(descending=True)[:2]
        for at in strongest:
            cell = [int(number) for number in torch.unravel_index(at, estimate.shape)]
            slope = finite_difference(model, kind, cell)
            scale = max(1e-3, abs(slope))
            assert abs(float(estimate[tuple(cell)]) - slope) <= 1e-5 * scale, (kind, cell)


def test_estimates_have_the_maps_shape_and_know_what_cannot_matter():
    model = model_of("llama")
    for kind, estimate in zip(
        KINDS, attribution_patch(model, CLEAN, BASE, METRIC, KINDS), strict=True
    ):
        *_, exact = sweep(model, CLEAN, BASE, METRIC, kind)
        assert estimate.shape == exact.values.shape
        assert estimate[exact.unchanged].abs().max() <= 1e-12 if exact.unchanged.any() else True


def test_noising_is_denoising_of_the_other():
    model, kinds = model_of("llama"), [SweepKind("z", "all")]
    (forth,) = attribution_patch(model, CLEAN, BASE, METRIC, kinds, "noising")
    (back,) = attribution_patch(model, BASE, CLEAN, METRIC, kinds, "denoising")
    torch.testing.assert_close(forth, back)


def test_the_fix_for_keys_is_softmax_worked_out_one_key_at_a_time():
    torch.manual_seed(0)
    hidden = torch.ones(5, 5).triu(1).bool()
    scores, patched = (torch.randn(2, 5, 5).double().masked_fill(hidden, -torch.inf) for _ in "ab")
    gradient = torch.randn(2, 5, 5).double()
    pattern = scores.softmax(-1)
    ours = one_key_at_a_time(patched, scores, pattern, gradient)
    for source in range(5):
        changed = scores.clone()
        changed[..., source] = patched[..., source]
        expected = ((changed.softmax(-1) - pattern) * gradient).sum((-1, -2))
        torch.testing.assert_close(ours[source], expected)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gpt_oss"])
def test_the_fix_for_queries_is_the_patterns_own_change(name):
    model = model_of(name)
    (fixed,) = attribution_patch(model, CLEAN, BASE, METRIC, [SweepKind("q")], qk_fix=True)
    patterns = {}
    for head in range(model.cfg.n_heads):
        clean = model.run_with_cache(CLEAN)[1]
        put = putting(get_act_name("q", 1), where(SweepKind("q", "all"), [head]), clean)
        with model.hooks([put]):
            patterns[head] = model.run_with_cache(BASE)[1]["pattern", 1][0, head]
    base = model.run_with_cache(BASE)[1]["pattern", 1][0]
    for head, pattern in patterns.items():
        moved = (pattern - base[head]).abs().sum(-1)
        assert ((fixed[1, :, head].abs() > 1e-12) <= (moved > 1e-12)).all()
    torch.testing.assert_close(
        fixed.sum(1),
        attribution_patch(model, CLEAN, BASE, METRIC, [SweepKind("q", "all")], qk_fix=True)[0],
    )


@pytest.mark.parametrize(
    "metric",
    [
        LogProbability((11,)),
        Probability((11, 13)),
        Probability((11,), (7,)),
        KLDivergence(),
        LogitDifference((11,), (7,), position=-2),
    ],
)
def test_other_metrics_sweep_and_attribute(metric):
    model, kind = model_of("llama"), SweepKind("z", "all")
    *_, result = sweep(model, CLEAN, BASE, metric, kind)
    compared = metric.against(model(CLEAN)[0, metric.position])
    assert result.clean == pytest.approx(float(compared(model(CLEAN))), abs=1e-10)
    (change,) = changes(model, CLEAN, BASE, compared, kind, [(1, 2)])
    assert float(result.values[1, 2]) == pytest.approx(float(change), abs=1e-9)
    (estimate,) = attribution_patch(model, CLEAN, BASE, metric, [kind])
    assert agreement(estimate, result.values, result.unchanged).cells == 12


def test_a_rank_is_swept_but_not_estimated():
    model = model_of("llama")
    *_, result = sweep(model, CLEAN, BASE, Rank((11,)))
    order = model(CLEAN)[0, -1].argsort(descending=True).tolist()
    assert result.clean == order.index(11)
    with pytest.raises(ValueError, match="Rank has no gradient"):
        attribution_patch(model, CLEAN, BASE, Rank((11,)), [SweepKind("resid_pre")])


def test_divergence_alone_has_nothing_to_compare_with():
    with pytest.raises(ValueError, match="use against"):
        KLDivergence()(torch.zeros(1, 2, 3))


def test_agreement():
    exact = torch.tensor([1.0, 2.0, 3.0, torch.nan, 0.0])
    unchanged = torch.tensor([False, False, False, False, True])
    same = agreement(2 * exact, exact, unchanged)
    assert (same.pearson, same.rank, same.cells) == (pytest.approx(1), pytest.approx(1), 3)
    assert agreement(-exact, exact, unchanged).pearson == pytest.approx(-1)
    estimate = torch.tensor([0.5, -2.0, 2.0, -3.0, 5.0, 0.5, 0.0])
    exact = torch.tensor([2.0, -1.0, 4.0, -4.0, 7.0, 0.0, 0.0])
    some = agreement(estimate, exact, exact.isnan())
    assert some.pearson == pytest.approx(0.9696149796781564)  # scipy.stats.pearsonr
    assert some.rank == pytest.approx(0.8703703703703706)  # spearmanr of sizes, four of them tied
    constant = agreement(torch.ones(7), exact, exact.isnan())
    assert math.isnan(constant.pearson)
    assert math.isnan(constant.rank)


def test_weights_and_gradients_of_the_model_are_left_alone():
    model = HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny("gpt2"), device="cpu", dtype=torch.float64
    )
    attribution_patch(model, CLEAN, BASE, METRIC, [SweepKind("mlp_out")])
    assert all(weight.grad is None for weight in model.parameters())
    assert not any(point.is_watched for point in model.hook_points())


def test_metric_tokens_outside_the_vocabulary():
    with pytest.raises(ValueError, match="the vocabulary has 61"):
        list(sweep(model_of("llama"), CLEAN, BASE, LogitDifference((999,), (7,))))
