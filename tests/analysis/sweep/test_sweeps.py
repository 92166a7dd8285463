"""A sweep gives what one whole forward pass for each cell gives, and runs only what it must."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metrics import LogitDifference
from tests.checkpoints.tiny_models import VOCABULARY
from tests.references import changes, model_of

LENGTH = 9
METRIC = LogitDifference(answer=(3, 5), distractor=(7,))
models = {name: model_of(name) for name in ("gpt2", "llama")}
token = st.integers(0, VOCABULARY - 1)


@st.composite
def pairs(draw):
    clean = draw(st.lists(token, min_size=LENGTH, max_size=LENGTH))
    differing = draw(st.sets(st.integers(0, LENGTH - 1), min_size=1, max_size=LENGTH))
    corrupted = [
        (old + draw(st.integers(1, VOCABULARY - 1))) % VOCABULARY if place in differing else old
        for place, old in enumerate(clean)
    ]
    return torch.tensor([clean]), torch.tensor([corrupted])


@pytest.mark.parametrize("name", models)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(pair=pairs(), position=st.sampled_from([-1, -3, 4]))
def test_every_cell_is_one_patched_forward(name, pair, position):
    metric = LogitDifference(METRIC.answer, METRIC.distractor, position)
    *_, result = sweep(models[name], *pair, metric)
    cells = torch.ones_like(result.values).nonzero().tolist()
    slow = changes(models[name], *pair, metric, SweepKind("resid_pre"), cells)
    slow = slow.view_as(result.values)
    scale = max(1.0, abs(result.clean - result.corrupted))
    assert (result.values - slow).abs().max() <= 1e-9 * scale
    assert slow[result.unchanged].abs().sum() <= 1e-12 * scale * slow.numel()


def test_patching_the_one_differing_token_at_the_input_restores_the_clean_run():
    clean, corrupted = torch.arange(9)[None], torch.arange(9)[None].clone()
    corrupted[0, 4] = 20
    *_, result = sweep(models["llama"], clean, corrupted, METRIC)
    assert abs(float(result.values[0, 4]) - (result.clean - result.corrupted)) <= 1e-9
    assert result.unchanged[:, :4].all()
    assert result.unchanged[0, 5:].all()
    assert not result.unchanged[:, 4].any()


def test_identical_prompts_cost_nothing_and_change_nothing():
    tokens = torch.arange(9)[None]
    *_, result = sweep(models["gpt2"], tokens, tokens, METRIC)
    assert result.unchanged.all()
    assert not result.values.any()
    assert result.clean == result.corrupted


def test_prompts_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="9 tokens and the corrupted one 8"):
        next(sweep(models["gpt2"], torch.arange(9), torch.arange(8), METRIC))


def test_runs_are_used_again_and_known_cells_only_grow():
    clean, corrupted = torch.arange(9), torch.arange(9) + 1
    runs = [Run(models["llama"], tokens).complete() for tokens in (clean, corrupted)]
    known = [0]
    for result in sweep(models["llama"], *runs, METRIC):
        known.append(int(result.values.isfinite().sum()))
        assert result.values[result.unchanged].abs().sum() == 0
    assert known == sorted(known)
    assert known[-1] == result.values.numel()


def test_an_abandoned_sweep_leaves_no_hooks():
    model = models["llama"]
    running = sweep(model, torch.arange(9), torch.arange(9) + 1, METRIC)
    for _ in range(4):
        next(running)
    running.close()
    assert not any(point.is_watched for point in model.hook_points())
    assert torch.is_grad_enabled()


def test_the_metric_is_a_value_and_a_function():
    logits = torch.randn(2, 4, VOCABULARY, dtype=torch.float64)
    expected = logits[:, -1, [3, 5]].logsumexp(-1) - logits[:, -1, 7]
    torch.testing.assert_close(METRIC(logits), expected.mean())
    assert LogitDifference((3, 5), (7,)) == METRIC
