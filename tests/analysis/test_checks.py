"""What can't be compared is refused in the same words by every analysis."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.checks import check_unhooked, unequal
from lensgui.analysis.circuits.ablation import run_ablated
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.analysis.circuits.stand_ins import Ablation
from lensgui.analysis.graph.path_patching import path_patch
from lensgui.analysis.graph.senders import path_patch_into
from lensgui.analysis.pairs.averages import Case
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.estimates.attribution import attribution_patch
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.circuits.nodes import Node
from lensgui.terms.kinds import RESID_PRE
from lensgui.terms.metric import read_positions
from lensgui.terms.metrics import ContinuationLogProbability, LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import prompts
from tests.references import model_of

METRIC = LogitDifference((11,), (7,))
SENDERS, RECEIVERS = [Node("head", 0, 1)], [Node("logits")]


def feed(model, clean, corrupted):
    clean, corrupted = (Run(model, tokens).complete() for tokens in (clean, corrupted))
    return list(path_patch_into(clean, corrupted, METRIC, Node("q", 1, 1)))


COMPARE = {
    "sweep": lambda m, a, b: list(sweep(m, a, b, METRIC)),
    "attribute": lambda m, a, b: attribution_patch(m, a, b, METRIC, [RESID_PRE]),
    "circuits": lambda m, a, b: CircuitRuns.of_cases(m, [Case(a, b, METRIC)]),
    "paths": lambda m, a, b: path_patch(m, a[None], b[None], METRIC, SENDERS, RECEIVERS),
    "feed": feed,
}
RUNNING = [name for name in COMPARE if name != "feed"]  # which takes runs that are there already


@pytest.fixture
def model() -> HookedTransformer:
    return model_of("llama")


@pytest.mark.parametrize("name", COMPARE)
def test_prompts_of_different_lengths_are_refused_in_one_sentence(model, name):
    tokens = prompts(2)
    with pytest.raises(ValueError, match="patching needs as many in both") as refused:
        COMPARE[name](model, tokens[0, :9], tokens[1, :7])
    assert str(refused.value) == unequal(9, 7)


@pytest.mark.parametrize("name", [*RUNNING, "ablation"])
def test_hooks_are_refused_and_named_in_one_sentence(model, name):
    tokens = prompts(2)[:, :7]
    functions = COMPARE | {"ablation": lambda m, a, b: run_ablated(m, a, SENDERS, Ablation("zero"))}
    with model.hooks([("blocks.1.attn.hook_z", lambda z, hook: None)]):
        with pytest.raises(ValueError, match=r"attached to the model, at blocks\.1") as refused:
            functions[name](model, *tokens)
        with pytest.raises(ValueError, match="remove them first") as said:
            check_unhooked(model)
    assert str(refused.value) == str(said.value)


@pytest.mark.parametrize("position", range(-6, 6))
@pytest.mark.parametrize("reads", [1, 3])
def test_a_metric_reads_positions_that_are_there_or_says_so(position, reads):
    metric = ContinuationLogProbability(tuple(range(reads)), position)
    logits = torch.randn(1, 5, 8, dtype=torch.float64)
    last = position % 5
    is_there = -5 <= position < 5
    if not is_there or last + 1 < reads:
        match = f"reads 3 positions, and only {last + 1}" if is_there else f"position {position} of"
        for read in (lambda: read_positions(metric, 5), lambda: metric(logits)):
            with pytest.raises(ValueError, match=match):
                read()
        return
    assert list(range(5))[read_positions(metric, 5)] == list(range(last + 1 - reads, last + 1))
    log_probs = logits[0].log_softmax(-1)
    expected = sum(log_probs[last + 1 - reads + token, token] for token in range(reads))
    torch.testing.assert_close(metric(logits), expected)
