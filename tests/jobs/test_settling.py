"""A long sweep stops when it has settled, says so, and goes on when asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.analysis.sweep.estimates import settling
from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.handlers import one_pair
from lensgui.jobs.requests import Patching
from lensgui.models import speeds
from lensgui.models.speeds import Swept
from lensgui.prompts.pair import PairRow
from lensgui.state.sessions.fitting import check_fit
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey
from tests.answering import CLEAN, PAIR, last

TOY = ModelKey("toy", device="cpu", dtype="float64")
BEHIND = " green river glass" * 8
LONG = replace(
    PAIR, clean=CLEAN + BEHIND, corrupted=PAIR.corrupted + BEHIND, metric="KL divergence"
)
Z = SweepKind("z")


@pytest.fixture
def long(monkeypatch):
    """As if the toy were large: its sweeps are long, and a small sample will do."""
    monkeypatch.setattr(one_pair, "LONG_S", 0.0)
    monkeypatch.setattr(one_pair, "SLOW_S", 0.0)
    monkeypatch.setattr(settling, "SAMPLE", 6)
    monkeypatch.setattr(settling, "SEEN", 0.9)


@pytest.mark.parametrize("is_estimated", [True, False])
def test_it_stops_says_what_it_ran_and_goes_on(dispatcher, long, is_estimated):
    request = Patching(TOY, LONG, Z, is_estimated=is_estimated)
    found = last(dispatcher.answer(request))
    of = found.settled
    assert of.drawn == 6
    assert of.drawn <= of.exact == found.done < of.total == found.total
    assert found.more_s > 0
    assert found.check is not None
    check_fit(request, found)
    rest = CellState.ESTIMATE if is_estimated else CellState.UNKNOWN
    assert (found.states == rest).any()
    whole, *_, end = (
        of for of in dispatcher.answer(replace(request, is_whole=True)) if of is not None
    )
    assert whole.done >= found.done or is_estimated, "what is known is not run again"
    assert end.settled is None
    assert end.done == end.total
    fresh = last(dispatcher.answer(replace(request, is_whole=True)))
    np.testing.assert_allclose(end.values, fresh.values, atol=1e-9)
    exact = found.states == CellState.EXACT
    np.testing.assert_allclose(found.values[exact], fresh.values[exact], atol=1e-9)


def test_the_same_cells_are_drawn_each_time(dispatcher, long):
    request = Patching(TOY, LONG, Z)
    one = last(dispatcher.answer(request))
    dispatcher.loaded.unfinished.clear()
    np.testing.assert_array_equal(one.states, last(dispatcher.answer(request)).states)


def test_short_ones_heads_and_means_are_whole(dispatcher, long, monkeypatch):
    for request in (
        Patching(TOY, LONG, SweepKind("z", "all")),
        Patching(TOY, LONG, Z, rows=(PairRow(LONG),)),
        Patching(TOY, LONG, Z, is_whole=True),
    ):
        found = last(dispatcher.answer(request))
        assert (found.settled, found.done) == (None, found.total)
    monkeypatch.setattr(one_pair, "LONG_S", 1.0)
    assert last(dispatcher.answer(Patching(TOY, LONG, Z))).settled is None


def test_a_machine_that_has_swept_knows_its_own_rate(dispatcher, home):
    request = Patching(TOY, LONG, Z)
    runs = one_pair.runs_of(dispatcher.loaded, request)
    work = one_pair.work_of(request, runs)
    assert one_pair.predicted_s(request, runs) == pytest.approx(work / one_pair.RATE)
    swept = Swept("other", 1, 1, 9, "cpu", "float64", 1, 2.0)
    speeds.note(swept)
    assert one_pair.predicted_s(request, runs) == pytest.approx(work / one_pair.RATE)
    for seconds in (1.0, 2.0, 4.0):
        speeds.note(replace(swept, seconds=seconds, work=1e6))
    speeds.note(replace(swept, threads=64, work=1e12))
    assert one_pair.predicted_s(request, runs) == pytest.approx(work / 0.5e6)
    (home / speeds.FILE).write_text(
        '[{"source": "old", "parameters": 1, "layers": 1, "tokens": 9, "device": "cpu", '
        '"dtype": "float32", "threads": 1, "seconds": 2.0}]'
    )
    assert speeds.read() == (replace(swept, source="old", dtype="float32"),)


def test_prompts_that_can_not_be_swept_have_no_work(dispatcher):
    unequal = replace(PAIR, corrupted=PAIR.corrupted + " green")
    alike = replace(PAIR, corrupted=PAIR.clean)
    for pair in (unequal, alike):
        request = Patching(TOY, pair)
        assert one_pair.work_of(request, one_pair.runs_of(dispatcher.loaded, request)) == 0
