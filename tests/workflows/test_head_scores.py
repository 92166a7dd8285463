"""Which heads repeat, and which copy? The scores of all heads of the demo model at once.

The numbers are the demo model's, measured: induction on random repeated tokens (Olsson et al.
2022), copying from the effective embedding and from W_E (Elhage et al. 2021), and the share of
tokens that a head puts among its own five largest logits, or smallest (Wang et al. 2022).
"""

from __future__ import annotations

import pytest

from lensgui import PairRow, PromptPair, score_heads

pytestmark = pytest.mark.demo
NAMES = ("induction", "previous token", "copying", "raw copying", "top 5", "bottom 5")
PAIR = PromptPair("When John and Mary went to the store, John gave a drink to")
MOVERS, NEGATIVE = ((23, 1), (23, 2), (23, 7)), (24, 4)


def leading(values, count):
    return {divmod(int(at), values.shape[1]) for at in values.flatten().topk(count).indices}


def test_induction_heads_lead_and_name_movers_copy(model):
    """One test for all, as the scores take seconds."""
    scores = score_heads(model, [PairRow(PAIR)], NAMES)
    assert leading(scores["induction"], 3) == {(18, 6), (17, 3), (17, 4)}
    assert float(scores["induction"][18, 6]) == pytest.approx(0.91, abs=0.02)
    assert leading(scores["previous token"], 1) == {(16, 0)}
    for layer, head in MOVERS:
        assert float(scores["copying"][layer, head]) > 0.85
        assert abs(float(scores["raw copying"][layer, head])) < 0.25
        assert float(scores["top 5"][layer, head]) > 0.2
    assert float(scores["copying"][NEGATIVE]) < -0.9
    assert leading(scores["bottom 5"], 2) == {NEGATIVE, (23, 3)}
    assert float(scores["bottom 5"].quantile(0.98)) < 0.1
