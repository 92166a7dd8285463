"""A mean in stages ends where the plain mean does; its first word is the mean of the estimates."""

from __future__ import annotations

import pytest
import torch

from lensgui.analysis.pairs.averages import StagedAverage, sweep_by_strength
from lensgui.analysis.sweep.estimates.attribution import attribution_patch
from lensgui.terms.kinds import RESID_PRE, SweepKind
from tests.analysis.pairs.test_averages import HEADS, average, case
from tests.references import close, model_of

MODEL = model_of("llama")
BY_NUMBER = [case(6, seed) for seed in range(3)]
BY_ROLE = [case(6, 0, name=2, end=5), case(8, 1, name=4, end=7), case(7, 2, name=1, end=6)]


def steps(cases, kind, **options) -> list[StagedAverage]:
    found = sweep_by_strength(MODEL, cases, kind, stages=(3, 4), **options)
    return [step for step in found if step is not None]


@pytest.mark.parametrize(
    ("cases", "kind"),
    [(BY_NUMBER, HEADS), (BY_NUMBER, RESID_PRE), (BY_ROLE, RESID_PRE), (BY_ROLE, SweepKind("q"))],
)
def test_in_the_end_it_is_the_plain_mean(cases, kind):
    last, plain = steps(cases, kind)[-1], average(cases, kind)
    assert last.is_whole
    close(last.changes, plain.changes)
    close(last.values, plain.values)
    close(last.clean, plain.clean)
    assert last.wrong == plain.wrong
    assert last.work[0] == last.work[1]
    if not plain.refusal:
        for some, other in zip(last.spread(), plain.spread(), strict=True):
            close(some, other)


def test_estimates_of_all_pairs_come_first():
    found = steps(BY_NUMBER, HEADS)
    alone = [
        attribution_patch(MODEL, one.clean, one.corrupted, one.metric, [HEADS])[0]
        for one in BY_NUMBER
    ]
    for count in range(1, 4):
        assert found[count - 1].read == count
        assert not found[count - 1].known.any()
        close(found[count - 1].values, torch.stack(alone[:count]).mean(0))
    work = [step.work[0] for step in found]
    assert work == sorted(work)


def test_then_the_strongest_are_exact_for_every_pair_at_once():
    found = steps(BY_NUMBER, HEADS)
    estimates = found[2].estimates
    first = next(step for step in found if step.known.any())
    strongest = estimates.abs().flatten().topk(3).indices.tolist()
    assert sorted(first.known.flatten().nonzero().flatten().tolist()) == sorted(strongest)
    plain = average(BY_NUMBER, HEADS)
    close(first.values[first.known], plain.values[first.known])
    close(first.values[~first.known], estimates[~first.known])


@pytest.mark.parametrize("left_at", [1, 4, 6])
def test_it_goes_on_where_it_was_left(left_at):
    before = steps(BY_NUMBER, HEADS)
    again = steps(BY_NUMBER, HEADS, known=before[left_at])
    close(again[-1].changes, before[-1].changes)
    assert len(again) <= len(before)
    if left_at > 3:
        assert len(again) < len(before)
    assert steps(BY_NUMBER, HEADS, known=before[-1]) == []
