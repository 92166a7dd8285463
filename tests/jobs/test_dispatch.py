"""Every question there is has a handler, and says what is known of its kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lensgui.jobs import lens_requests, requests
from lensgui.jobs.handlers.dispatch import HANDLERS
from lensgui.jobs.request import Request, Urgency
from lensgui.jobs.requests import AttentionGrid, HeadRoles, Patching, ReadPair
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.model_key import ModelKey

KEY, PAIR = ModelKey(), PromptPair("a", "b", " c", " d")
NAMED = {**vars(requests), **vars(lens_requests)}
ALL = [of for of in NAMED.values() if isinstance(of, type) and issubclass(of, Request)]


def test_every_request_has_a_handler():
    assert set(HANDLERS) == set(ALL) - {Request}
    assert len(HANDLERS) == len(set(HANDLERS.values()))


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind is not Request])
def test_every_request_says_what_is_done(kind):
    assert kind.doing == kind.doing.strip() != ""
    assert isinstance(kind.of_its_kind, Urgency)


def test_a_mean_waits_longer_than_one_pair_and_needs_no_equal_lengths():
    grid = AttentionGrid(KEY, PAIR, "difference")
    mean = replace(grid, rows=(PairRow(PAIR),))
    assert (grid.urgency, mean.urgency) == (Urgency.VIEW, Urgency.SWEEP)
    assert (grid.is_slow, mean.is_slow) == (False, True)
    assert (grid.needs_equal_lengths, mean.needs_equal_lengths) == (True, False)
    assert not replace(grid, side="clean").needs_equal_lengths
    assert Patching(KEY, PAIR).needs_equal_lengths
    assert HeadRoles(KEY, PAIR).needs_equal_lengths
    assert not ReadPair(KEY, PAIR).needs_equal_lengths
