"""The demo model's numbers are Hugging Face's and TransformerLens 4.3's (tests/fixtures)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lensgui.analysis.heads.readout import read_head
from lensgui.analysis.run.predictions import logit_lens
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.sweep import sweep
from lensgui.checkpoints.loading import open_model
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer

FIXTURES = Path(__file__).parents[1] / "fixtures"
pytestmark = pytest.mark.demo


@pytest.fixture(scope="module")
def model(demo_folder) -> HookedTransformer:
    return open_model(str(demo_folder), device="cpu")


@pytest.fixture(scope="module", params=["ioi", "fact"])
def numbers(request):
    with np.load(FIXTURES / f"{request.param}.npz") as stored:
        return {name: stored[name] for name in stored.files}


@pytest.fixture(scope="module")
def runs(model, numbers):
    names = ("clean_ids", "corrupted_ids")
    return [Run(model, torch.from_numpy(numbers[name]).long()).complete() for name in names]


@pytest.fixture(scope="module")
def metric(numbers):
    return LogitDifference((int(numbers["answer"]),), (int(numbers["distractor"]),))


def near(ours, theirs, bar=1e-3):
    assert np.abs(np.asarray(ours) - theirs).max() <= bar


def test_the_sweep_and_both_metrics(model, runs, metric, numbers):
    *_, result = sweep(model, *runs, metric)
    near(result.clean, numbers["clean_metric"])
    near(result.clean, numbers["hf_clean_metric"])
    near(result.corrupted, numbers["corrupted_metric"])
    near(result.values.numpy() + result.corrupted, numbers["resid_pre"])


def test_the_likeliest_tokens(model, runs, numbers):
    probabilities = logit_lens(runs[0], -1)[-1].softmax(-1).topk(10)
    assert probabilities.indices.tolist() == numbers["hf_clean_top"].tolist()
    near(probabilities.values.numpy(), numbers["hf_clean_top_prob"])


def test_the_logit_lens(runs, metric, numbers):
    logits = logit_lens(runs[0], -1)
    near(metric.of_columns(logits[:, list(metric.columns)]).numpy(), numbers["lens_metric"])


def test_direct_attribution_of_every_head(model, runs, metric, numbers):
    last = len(runs[0].tokens) - 1
    ours = [
        [read_head(runs[0], layer, head, last, metric).attribution for head in range(9)]
        for layer in range(30)
    ]
    near(ours, numbers["dla_heads"])


def test_a_layers_patterns(runs, numbers):
    near(
        torch.cat([runs[0].pattern(5, group) for group in range(3)]).numpy(), numbers["pattern_L5"]
    )


@torch.no_grad()
def test_folded_attribution_and_lens_are_the_same(demo_folder, runs, metric, numbers):
    folded = HookedTransformer.from_pretrained(str(demo_folder), device="cpu")
    _, cache = folded.run_with_cache(runs[0].tokens[None])
    stack = cache.stack_head_results(pos_slice=-1)
    attributed = cache.logit_attrs(stack, metric.answer[0], metric.distractor[0], pos_slice=-1)
    near(attributed[:, 0].view(30, 9).numpy(), numbers["dla_heads"])
    accumulated = cache.accumulated_resid(apply_ln=True, pos_slice=-1)[:, 0]
    directions = folded.W_U[:, metric.answer[0]] - folded.W_U[:, metric.distractor[0]]
    bias = folded.b_U[metric.answer[0]] - folded.b_U[metric.distractor[0]]
    near((accumulated @ directions + bias).numpy()[-1], numbers["clean_metric"])


@torch.no_grad()
def test_logits_are_hugging_faces(demo_folder):
    from lensgui.checkpoints.verify import verify

    assert 0 < verify(demo_folder).logits <= 1e-3
