"""Averages over pairs: spread, roles, and the pairs that are wrong."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.pairs.averages import Average, Case, matched_roles, sweep_cases
from lensgui.analysis.sweep.sweep import sweep
from lensgui.terms.kinds import RESID_PRE, SweepKind
from lensgui.terms.metrics import LogitDifference
from tests.references import model_of

METRIC = LogitDifference((11,), (7,))
HEADS = SweepKind("z", "all")


def case(length: int, seed: int, **roles: int) -> Case:
    generator = torch.Generator().manual_seed(seed)
    clean, corrupted = torch.randint(0, 61, (2, length), generator=generator)
    return Case(clean, corrupted, METRIC, roles)


def average(cases, kind) -> Average:
    *_, result = (a for a in sweep_cases(model_of("llama"), cases, kind) if a is not None)
    return result


def test_changes_are_those_of_each_pair():
    cases = [case(6, seed) for seed in range(4)]
    result = average(cases, HEADS)
    alone = []
    for one in cases:
        *_, swept = sweep(model_of("llama"), one.clean, one.corrupted, METRIC, HEADS)
        alone.append(swept)
    torch.testing.assert_close(result.changes, torch.stack([one.values for one in alone]))
    assert result.wrong == [at for at, one in enumerate(alone) if one.clean <= one.corrupted]


def test_heads_need_no_positions_and_positions_of_different_lengths_need_roles():
    cases = [case(6, 0, name=2, end=5), case(8, 1, name=4, end=7, other=1)]
    assert average(cases, HEADS).changes.shape == (2, 3, 4)
    by_role = average(cases, RESID_PRE)
    assert by_role.roles == ("name", "end")
    assert by_role.changes.shape == (2, 3, 2)
    *_, second = sweep(model_of("llama"), cases[1].clean, cases[1].corrupted, METRIC)
    torch.testing.assert_close(by_role.changes[1], second.values[:, [4, 7]])
    per_head = average(cases, SweepKind("pattern"))
    assert per_head.changes.shape == (2, 3, 4, 2)


def test_what_cannot_be_averaged_is_said():
    with pytest.raises(ValueError, match="no pairs"):
        matched_roles([], HEADS)
    with pytest.raises(ValueError, match="6 to 8 tokens and share no named role"):
        matched_roles([case(6, 0, a=1), case(8, 1, b=1)], RESID_PRE)
    with pytest.raises(ValueError, match="Edges"):
        matched_roles([case(6, 0, a=1), case(8, 1, a=1)], SweepKind("pattern", "edge"))


def test_the_spread_holds_the_mean_and_shrinks_with_more_pairs():
    torch.manual_seed(0)

    def drawn(count: int) -> Average:
        changes = 1 + 0.3 * torch.randn(count, 2, 3).double()
        return Average(HEADS, (), changes, torch.full((count,), 2.0), torch.zeros(count))

    few, many = drawn(8), drawn(128)
    for one in (few, many):
        low, high = one.spread()
        assert ((low <= one.normalised) & (one.normalised <= high)).all()
    width = [float((high - low).mean()) for low, high in (few.spread(), many.spread())]
    assert width[1] < width[0] / 2
    assert few.spread()[0].equal(few.spread()[0])


def test_prompts_of_one_length_whose_words_change_places_are_matched_by_role():
    cases = [case(6, 0, IO=1, S=3, end=5), case(6, 1, IO=3, S=1, end=5)]
    by_role = average(cases, RESID_PRE)
    assert by_role.roles == ("IO", "S", "end")
    *_, second = sweep(model_of("llama"), cases[1].clean, cases[1].corrupted, METRIC)
    torch.testing.assert_close(by_role.changes[1], second.values[:, [3, 1, 5]])
    same = [case(6, 0, IO=1, end=5), case(6, 1, IO=1, end=5)]
    assert average(same, RESID_PRE).roles == ()
    assert average([case(6, 0), cases[1]], RESID_PRE).roles == ()  # nobody said where words stand


def test_an_average_goes_on_from_the_pairs_that_are_known():
    cases = [case(6, seed) for seed in range(4)]
    whole = average(cases, HEADS)
    half = average(cases[:2], HEADS)
    found = [a for a in sweep_cases(model_of("llama"), cases, HEADS, known=half) if a is not None]
    assert [len(one.clean) for one in found] == [3, 4]
    torch.testing.assert_close(found[-1].changes, whole.changes)
    torch.testing.assert_close(found[-1].clean, whole.clean)
