"""Analyses of typed pairs, and the table they print."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lensgui import LogitDifference, PromptPair, SweepKind, read_pair, sweep, sweep_pair, table

PAIR = PromptPair("stone apple book stone", "paper apple book paper", " apple", " book")


def test_a_pair_is_swept_as_its_tokens_are(toy):
    sides = [toy.to_tokens(text, prepend_bos=False) for text in (PAIR.clean, PAIR.corrupted)]
    apple, book = toy.to_single_token(" apple"), toy.to_single_token(" book")
    kind = SweepKind("z", "all")
    *_, expected = sweep(toy, *sides, LogitDifference((apple,), (book,)), kind, "noising")
    *_, found = sweep_pair(toy, PAIR, kind, "noising")
    torch.testing.assert_close(found.values, expected.values)
    assert read_pair(toy, PAIR) == pytest.approx([expected.clean, expected.corrupted], abs=1e-4)
    *_, some = sweep_pair(toy, PAIR, kind, "noising", heads=[(1, 2)])
    assert some.values[1, 2] == pytest.approx(float(expected.values[1, 2]), abs=1e-5)
    assert some.values.isnan().sum() == expected.values.numel() - 1


def test_a_pair_without_an_answer_reads_nothing_and_is_not_swept(toy):
    pair = PromptPair(PAIR.clean, PAIR.corrupted, " apple", " apple")
    assert read_pair(toy, pair) == []
    with pytest.raises(ValueError, match="same token"):
        next(sweep_pair(toy, pair))


def test_a_table_has_a_line_a_row_and_names_its_columns():
    lines = table([[1, -2.5], [float("nan"), 10]], columns=(" to", "\n")).splitlines()
    assert lines[0].split() == ["to", "\\n"]
    assert [line.split() for line in lines[1:]] == [
        ["0", "1.000", "-2.500"],
        ["1", "nan", "10.000"],
    ]
    assert len({len(line) for line in lines}) == 1
    assert table(np.zeros((2, 1, 1))).count("0.000") == 2
    assert table([3.0]).split() == ["0", "0", "3.000"]
