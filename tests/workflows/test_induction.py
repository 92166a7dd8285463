"""Which heads complete what they have seen before? Random tokens, repeated.

On a sequence of random tokens said twice only induction helps: attend to what followed the same
token the first time (Olsson et al. 2022). A head's score is the mean of its attention stripe
A[i, i − n + 1] over the second half.

The numbers are the demo model's, measured: L18H6 scores .90, and L16H0 attends to the token
before.
"""

from __future__ import annotations

import pytest
import torch

from lensgui import head_detector

pytestmark = pytest.mark.demo
LENGTH = 25


@pytest.fixture(scope="module")
def repeated():
    generator = torch.Generator().manual_seed(0)
    once = torch.randint(1000, 40000, (4, LENGTH), generator=generator)
    return torch.cat([once, once], dim=1)


def test_the_second_time_is_easy(model, repeated):
    losses = model(repeated, return_type="loss", loss_per_token=True)
    assert losses.shape == (4, 2 * LENGTH - 1)
    assert float(losses[:, : LENGTH - 1].mean()) > 12
    assert float(losses[:, LENGTH + 10 :].mean()) < 2


def test_stripes_of_attention_find_the_heads(model, repeated):
    def stripe(offset, first):
        rows = []

        def score(pattern, hook):
            diagonal = pattern.diagonal(-offset, dim1=-2, dim2=-1)
            rows.append(diagonal[..., first:].mean((0, -1)))

        hook = (lambda name: name.endswith("pattern"), score)
        model.run_with_hooks(repeated, return_type=None, fwd_hooks=[hook])
        return torch.stack(rows)

    induction = stripe(LENGTH - 1, 1)
    assert induction.shape == (30, 9)
    assert divmod(int(induction.argmax()), 9) == (18, 6)
    assert float(induction[18, 6]) == pytest.approx(0.90, abs=0.02)
    assert int((induction > 0.5).sum()) == 7
    previous = stripe(1, 0)
    assert divmod(int(previous.argmax()), 9) == (16, 0)
    assert float(previous[16, 0]) == pytest.approx(0.91, abs=0.02)


def test_detect_head_agrees(model):
    text = " table green seven music apple house river table green seven music apple house"
    scores = head_detector.detect_head(model, text, "induction_head", exclude_bos=True)
    strongest = {divmod(place, 9) for place in scores.flatten().topk(4).indices.tolist()}
    assert strongest == {(17, 3), (17, 4), (18, 6), (18, 7)}
    assert float(scores[18, 6]) == pytest.approx(0.943, abs=0.005)
