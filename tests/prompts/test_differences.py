"""The differences turn one sequence into the other, and long ones are found at once."""

from __future__ import annotations

import random
import time

import pytest

from lensgui.prompts.diff import changed_spans


def applied(one, other):
    result, at = [], 0
    for start, end, other_start, other_end in changed_spans(one, other):
        result += one[at:start] + other[other_start:other_end]
        at = end
    return result + one[at:]


@pytest.mark.parametrize("seed", range(40))
def test_replacing_what_differs_gives_the_other(seed):
    dice = random.Random(seed)
    one, other = (dice.choices("abc", k=dice.randint(0, 60)) for _ in range(2))
    assert applied(one, other) == other
    assert applied(one, one) == one
    assert changed_spans(one, one) == []


def test_differences_are_small_where_they_can_be():
    one, other = list("abcdef"), list("axcdyzf")
    assert changed_spans(one, other) == [(1, 2, 1, 2), (4, 5, 4, 6)]
    assert changed_spans(["a", "a"], ["a"]) == [(1, 2, 1, 1)]


def test_long_repetitive_texts_do_not_wait():
    start = time.perf_counter()
    for one, other in (
        ("ab" * 5000, "ba" * 5000),
        ("x" * 9000, "yx" * 4000),
        ("ab" * 20, "ba" * 20),
    ):
        assert applied(list(one), list(other)) == list(other)
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("seed", range(20))
def test_long_texts_too(seed):
    dice = random.Random(seed)
    one = dice.choices(range(50), k=400)
    other = list(one)
    for _ in range(dice.randint(1, 12)):
        at = dice.randrange(len(other))
        other[at : at + dice.randint(0, 3)] = dice.choices(range(60), k=dice.randint(0, 3))
    assert applied(one, other) == other


def test_two_changes_far_apart_are_two():
    one = list(range(1000))
    other = [*one[:10], "x", *one[11:700], "y", "z", *one[700:]]
    assert changed_spans(one, other) == [(10, 11, 10, 11), (700, 700, 700, 702)]
