"""One law says whether a change may be a share of clean − corrupted, and which pairs are wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
import torch

from lensgui.analysis.pairs.averages import Average
from lensgui.analysis.shares import refusal
from lensgui.analysis.sweep.result import SweepResult
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import RESID_PRE
from lensgui.terms.metric import Declared, MetricName
from lensgui.terms.metrics import METRICS, ContinuationLogProbability
from tests.references import model_of

ENDS = [  # of which clean does better, by enough to divide by
    ("logit difference", 2.0, 1.0),
    ("probability difference", 0.3, 0.1),
    ("probability", 0.06, 0.01),
    ("log-probability", -0.2, -0.5),
    ("rank", 0.0, 3.0),
    ("KL divergence", 0.0, 0.05),
]
CHANGES = torch.tensor([[0.5, -0.25]], dtype=torch.float64)


def results(metric, clean, corrupted):
    """Return a sweep and a mean over two pairs, whose mean change and mean ends are the same."""
    part = (clean - corrupted) / 10
    ends = torch.tensor([[clean + part, clean - part], [corrupted] * 2], dtype=torch.float64)
    changes = torch.stack([3 * CHANGES, -CHANGES])
    yield SweepResult(RESID_PRE, CHANGES, CHANGES == 0, clean, corrupted, metric)
    yield Average(RESID_PRE, (), changes, *ends, metric)


@pytest.mark.parametrize(("metric", "clean", "corrupted"), ENDS)
def test_a_share_is_given_where_the_clean_run_does_better_by_enough(metric, clean, corrupted):
    for result in results(metric, clean, corrupted):
        expected = CHANGES / (clean - corrupted)
        torch.testing.assert_close(result.normalised, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("metric", "clean", "corrupted"), ENDS)
def test_a_share_is_refused_elsewhere_in_the_same_words(metric, clean, corrupted):
    close = corrupted + (clean - corrupted) / 100
    for ends, words in (
        ((corrupted, clean), "wrong sign"),
        ((close, corrupted), "noise"),
        ((clean, clean), "the same in both"),
    ):
        for result in results(metric, *ends):
            with pytest.raises(ValueError, match=words) as refused:
                result.normalised.sum()
            assert str(refused.value) == refusal(*ends, metric)
        with pytest.raises(ValueError, match=words):
            result.spread()


@pytest.mark.parametrize(("metric", "clean", "corrupted"), ENDS)
def test_a_pair_is_wrong_whose_clean_run_does_no_better(metric, clean, corrupted):
    ends = torch.tensor([[clean, corrupted, clean], [corrupted, clean, clean]])
    assert Average(RESID_PRE, (), CHANGES.expand(3, 1, 2), *ends, metric).wrong == [1, 2]


def test_metrics_say_which_they_are_and_so_do_their_sweeps():
    assert set(METRICS) == set(get_args(MetricName)) == {name for name, *_ in ENDS}
    tokens = torch.tensor([[3, 1, 4, 1], [3, 5, 4, 1]])
    for name, kind in METRICS.items():
        metric = kind.make(*((11,), (7,))[: len(kind.needs)])
        assert metric.name == name
        *_, result = sweep(model_of("llama"), *tokens, metric)
        assert result.metric == name
    assert ContinuationLogProbability((3, 4)).name == "log-probability"


def test_of_a_metric_of_ones_own_only_no_difference_is_refused():
    assert Declared().name is None
    for result in results(None, 1.0, 1.001):
        torch.testing.assert_close(result.normalised, CHANGES / -0.001, atol=1e-6, rtol=1e-6)
    for result in results(None, 1.0, 1.0):
        with pytest.raises(ValueError, match="the same in both"):
            result.normalised.sum()


def test_what_is_shown_of_a_result_is_a_share_or_the_raw_change():
    right = SweepResult(RESID_PRE, CHANGES, CHANGES == 0, 2.0, -2.0, "logit difference")
    torch.testing.assert_close(right.shown, CHANGES / 4)
    assert (right.refusal, right.scale) == ("", 4.0)
    noise = replace(right, corrupted=1.9)
    torch.testing.assert_close(noise.shown, CHANGES)
    assert "noise" in noise.refusal
    assert noise.scale == 1.0
