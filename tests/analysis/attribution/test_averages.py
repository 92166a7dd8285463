"""Over pairs: numpy's mean and standard deviation of what each prompt gives alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensgui.analysis.attribution.averages import attribute_cases
from lensgui.analysis.attribution.components import Attribution, attribute
from lensgui.analysis.pairs.averages import Case
from lensgui.analysis.run.run import Run
from lensgui.terms.metrics import LogitDifference, LogProbability, Rank
from tests.analysis.attribution.test_components import small
from tests.answering import last
from tests.checkpoints.tiny_models import prompts
from tests.references import model_of

METRICS = (LogitDifference((3,), (7,)), LogitDifference((5, 6), (2,), 4), LogProbability((9,)))


def cases():
    """Three pairs of different lengths, each with a metric of its own."""
    clean, corrupted = prompts(2)
    lengths = zip((8, 11, 20), METRICS, strict=True)
    return [Case(clean[:length], corrupted[:length], metric) for length, metric in lengths]


@pytest.mark.parametrize("side", ["clean", "corrupted"])
@pytest.mark.parametrize("name", ["gpt2", "gemma2"])
def test_means_and_deviations_are_numpys(name, side):
    model = model_of(name)
    alone = [last(attribute(Run(model, getattr(case, side)), case.metric)) for case in cases()]
    seen = [step for step in attribute_cases(model, cases(), side) if step is not None]
    assert [step.count for step in seen] == [1, 2, 3]
    for count, step in enumerate(seen, 1):
        some = alone[:count]
        for read in (
            lambda of: of.heads,
            lambda of: of.attention,
            lambda of: of.mlp,
            lambda of: of.total,
            lambda of: of.metric,
            Attribution.cumulative,
        ):
            numbers = np.array([np.asarray(read(one)) for one in some])
            np.testing.assert_allclose(read(step.mean), numbers.mean(0), atol=1e-12)
            if count > 1:
                np.testing.assert_allclose(step.spread(read), numbers.std(0, ddof=1), atol=1e-12)
            else:
                assert step.spread(read).isnan().all()
        parts = np.array([[part.value for part in one.components] for one in some])
        found = [part.value for part in step.mean.components]
        np.testing.assert_allclose(found, parts.mean(0), atol=1e-12)
    spreads = seen[-1].component_spreads
    deviations = [part.value for part in spreads]
    np.testing.assert_allclose(deviations, parts.std(0, ddof=1), atol=1e-12)
    assert [part.kind for part in spreads] == [part.kind for part in alone[0].components]
    assert seen[-1].mean.logits == pytest.approx(seen[-1].mean.total, abs=1e-10)


def test_runs_that_there_are_already_are_taken():
    model, asked = model_of("gpt2"), []

    def run_of(tokens):
        asked.append(tokens)
        return Run(model, tokens).complete()

    found = last(attribute_cases(model, cases(), runs=run_of))
    assert [len(tokens) for tokens in asked] == [8, 11, 20]
    assert found.mean.between == ("log-sum-exp", "log-probability")


def test_of_what_a_model_lacks_there_is_no_spread():
    model, metric = small(attn_only=True), LogProbability((3,))
    tokens = torch.arange(6)
    found = last(attribute_cases(model, [Case(tokens, tokens, metric)] * 2))
    assert found.mean.mlp is None
    assert not found.spread(lambda case: case.heads).any()
    with pytest.raises(ValueError, match="no such part"):
        found.spread(lambda case: case.mlp)


def test_nothing_runs_where_one_metric_can_not_be_taken_apart():
    model = model_of("gpt2")
    one = cases()[0]
    with pytest.raises(ValueError, match="A rank is not"):
        next(attribute_cases(model, [one, Case(one.clean, one.corrupted, Rank((3,)))]))
    with pytest.raises(ValueError, match="give at least one"):
        next(attribute_cases(model, []))
