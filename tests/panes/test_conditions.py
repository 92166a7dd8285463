"""Conditions on heads: what may be typed, and the one sentence where it may not."""

from __future__ import annotations

import pytest

from lensgui.panes.heads.conditions import Condition, read_conditions
from lensgui.terms.scores import SCORES

KEYS = [score.key for score in SCORES]


def read(text):
    return read_conditions(text, KEYS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ", []),
        ("induction > .4", [("induction", ">", 0.4)]),
        ("induction > .4 and layer < 20", [("induction", ">", 0.4), ("layer", "<", 20.0)]),
        ("induction>.4,layer<20", [("induction", ">", 0.4), ("layer", "<", 20.0)]),
        ("induction > .4 AND layer < 20 & head = 3", [
            ("induction", ">", 0.4), ("layer", "<", 20.0), ("head", "=", 3.0)]),
        ("induction > .4,", [("induction", ">", 0.4)]),
        ("entropy ≤ 2", [("entropy here", "<=", 2.0)]),
        ("prev >= 40%", [("previous token", ">=", 0.4)]),
        ("Raw  Copying < −.5", [("raw copying", "<", -0.5)]),
        ("top == 1e-2", [("top 5", "=", 0.01)]),
        ("layer != 0", [("layer", "!=", 0.0)]),
        ("position 0 > .9", [("position 0 here", ">", 0.9)]),
        ("induction here > .1", [("induction here", ">", 0.1)]),
        ("role = Mover", [("role", "=", "mover")]),
        ("label ≠ ''", [("label", "!=", "")]),
    ],
)  # fmt: skip
def test_what_may_be_typed(text, expected):
    assert read(text) == tuple(Condition(*one) for one in expected)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("induction", "‘induction’ is no condition: write a column, a comparison and a number"),
        (", layer < 2", "A condition is missing"),
        ("charm > 2", "There is no column ‘charm’. There are layer, head, role, label, edge"),
        ("inductoin > 2", "Perhaps induction?"),
        ("d > 1", "‘d’ may be distance here or duplicate token or duplicate token here"),
        ("induction > big", "‘induction > big’ compares with ‘big’, which is no number"),
        ("induction > nan", "which is no number"),
        ("induction >", "compares with nothing"),
        ("induction > .4 or layer < 2", "compares twice"),
        ("induction > .4 or", "joins conditions by another word than “and”"),
        ("not induction > .4", "all of them must hold"),
        (".2 < induction < .4", "compares twice"),
        ("role > mover", "‘role’ holds words: compare it by = or !="),
        ("> 2", "There is no column ‘’"),
    ],
)
def test_what_may_not_be_typed_is_one_sentence(text, sentence):
    with pytest.raises(ValueError, match=r"^[^\n]+$") as error:
        read(text)
    assert sentence in str(error.value)
