"""The differences turn one sequence into the other, and long ones are found at once."""

from __future__ import annotations

import random

import pytest

from lensgui.prompts.diff import changed_spans
from tests.counting import calls


def applied(one, other):
    result, at = [], 0
    for start, end, other_start, other_end in changed_spans(one, other):
        result += one[at:start] + other[other_start:other_end]
        at = end
    return result + one[at:]


@pytest.mark.parametrize("seed", range(40))
def test_replacing_what_differs_gives_the_other(seed):
    rng = random.Random(seed)
    one, other = (rng.choices("abc", k=rng.randint(0, 60)) for _ in range(2))
    assert applied(one, other) == other
    assert applied(one, one) == one
    assert changed_spans(one, one) == []


def test_differences_are_small_where_they_can_be():
    one, other = list("abcdef"), list("axcdyzf")
    assert changed_spans(one, other) == [(1, 2, 1, 2), (4, 5, 4, 6)]
    assert changed_spans(["a", "a"], ["a"]) == [(1, 2, 1, 1)]


@pytest.mark.parametrize(("one", "other"), [("ab" * 500, "ba" * 500), ("x" * 900, "yx" * 400)])
def test_the_work_grows_no_faster_than_repetitive_texts(one, other):
    assert applied(list(one), list(other)) == list(other)
    work, tenfold = (calls(lambda n=n: changed_spans(one * n, other * n)) for n in (1, 10))
    assert tenfold <= 10 * work


def test_short_repetitive_texts_are_compared_item_by_item():
    one, other = list("ab" * 20), list("ba" * 20)
    assert applied(one, other) == other


@pytest.mark.parametrize("seed", range(20))
def test_long_texts_too(seed):
    rng = random.Random(seed)
    one = rng.choices(range(50), k=400)
    other = list(one)
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(other))
        other[at : at + rng.randint(0, 3)] = rng.choices(range(60), k=rng.randint(0, 3))
    assert applied(one, other) == other


def test_two_changes_far_apart_are_two():
    one = list(range(1000))
    other = [*one[:10], "x", *one[11:700], "y", "z", *one[700:]]
    assert changed_spans(one, other) == [(10, 11, 10, 11), (700, 700, 700, 702)]
