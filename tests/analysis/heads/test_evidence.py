"""Evidence of a run, against the cache; and attention and outputs of one position at a time."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.heads.evidence import attention_from, head_evidence
from lensgui.analysis.heads.necessity import attribute_heads
from lensgui.analysis.heads.readout import head_output, read_head, written_for
from lensgui.analysis.run.layer_row import LayerRow
from lensgui.terms.metrics import LogitDifference
from lensgui.transformer.model import HookedTransformer
from tests.answering import last
from tests.references import close, model_of


@pytest.fixture(scope="module", params=["gpt2", "llama", "gemma2", "gpt_oss", "bloom"])
def model(request) -> HookedTransformer:
    return model_of(request.param)


def metric_of(run):
    """The answer stands in the prompt, the distractor twice or more."""
    tokens = run.tokens.tolist()
    return LogitDifference((tokens[1],), (tokens[2], tokens[4]))


def test_attention_from_a_position_is_that_row_of_the_patterns(model, run, cache):
    for position in (0, 3, -1):
        found = last(attention_from(run, position))
        at = range(len(run.tokens))[position]
        for layer in range(model.cfg.n_layers):
            close(found[layer], cache["pattern", layer][0, :, at, : at + 1].double())


def test_outputs_of_all_heads_are_those_of_each(model, run):
    for layer in range(model.cfg.n_layers):
        for position in (0, 4):
            found = LayerRow(run, layer, position).z
            for head in range(model.cfg.n_heads):
                written = written_for(run, layer, head, position, found[head])
                close(written, head_output(run, layer, head, position))


def test_attribution_of_all_heads_is_that_of_each(model, run):
    metric, end = metric_of(run), len(run.tokens) - 1
    found = last(attribute_heads(run, metric))
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            expected = read_head(run, layer, head, end, metric).attribution
            assert float(found[layer, head]) == pytest.approx(expected, abs=1e-10)


def test_evidence_is_attention_to_the_places_of_the_answers(model, run, cache):
    metric = metric_of(run)
    found = last(head_evidence(run, metric))
    tokens = run.tokens.tolist()
    answer = [at for at, token in enumerate(tokens) if token in metric.answer]
    distractor = [at for at, token in enumerate(tokens) if token in metric.distractor]
    for layer in range(model.cfg.n_layers):
        row = cache["pattern", layer][0, :, -1].double()
        close(found.to_answer[layer], row[:, answer].sum(-1))
        close(found.to_distractor[layer], row[:, distractor].sum(-1))
        close(found.to_repeat[layer], row[:, distractor[-1]])
    logits = model(run.tokens[None])[0, -1].double()
    assert found.difference == pytest.approx(float(metric(logits[None])), abs=1e-9)


def test_a_distractor_that_occurs_once_is_no_repeat(model, run):
    tokens = run.tokens.tolist()
    once = next(token for token in tokens if tokens.count(token) == 1)
    other = next(token for token in range(50) if token not in tokens)
    found = last(head_evidence(run, LogitDifference((other,), (once,))))
    assert not found.to_answer.any()
    assert not found.to_repeat.any()
    assert found.to_distractor.any()
    torch.testing.assert_close(found.attribution.isfinite().all(), torch.tensor(True))
