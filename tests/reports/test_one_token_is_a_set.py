"""Where a metric takes tokens, one is as good as several."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensgui.analysis.heads.direct import logit_directions
from lensgui.analysis.pairs.answers import continued
from lensgui.terms.metrics import (
    ContinuationLogProbability,
    LogitDifference,
    LogProbability,
    Probability,
    Rank,
)
from tests.reports.small import TOKENS, is_one_sentence, random_model

ONE = {
    "int": 3,
    "list": [3],
    "tensor": torch.tensor(3),
    "tensors": [torch.tensor(3)],
    "several": torch.tensor([3]),
    "numpy": np.int64(3),
    "array": np.array([3]),
}
KINDS = (LogProbability, Rank, Probability, ContinuationLogProbability)


@pytest.mark.parametrize("given", ONE)
def test_every_metric_takes_one(given):
    logits = random_model()(TOKENS)
    for kind in KINDS:
        assert kind(ONE[given]) == kind((3,))
        assert hash(kind(ONE[given])) == hash(kind((3,)))
        assert torch.equal(kind(ONE[given])(logits), kind((3,))(logits))
    assert LogitDifference(ONE[given], 5) == LogitDifference((3,), (5,))
    value = LogitDifference(3, ONE[given])(logits)
    assert value == 0
    torch.testing.assert_close(LogitDifference(3, 5)(logits), logits[0, -1, 3] - logits[0, -1, 5])


@pytest.mark.parametrize("bad", ["Mary", ("Mary",), 1.5, None, [[1, 2]], (-1,)])
def test_what_is_no_token_is_one_sentence(bad):
    for kind in KINDS:
        with pytest.raises(ValueError, match="by their ids") as caught:
            kind(bad)
        assert is_one_sentence(str(caught.value))


def test_continuations_and_directions_take_one():
    assert torch.equal(continued(TOKENS, 3), TOKENS)
    model = random_model()
    assert torch.equal(logit_directions(model, 3), logit_directions(model, (3,)))
