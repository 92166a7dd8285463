"""Sweeps, checks, verifications, means, roles and feeders on a real (toy) model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.handlers import one_pair, sweeps
from lensgui.jobs.requests import (
    AttentionGrid,
    HeadRoles,
    Patching,
    PathsInto,
    VerifyCell,
    WhoFeeds,
)
from lensgui.prompts.pair import PairRow, PromptPair, Role
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey
from tests.answering import CLEAN, PAIR, last

TOY = ModelKey("toy", device="cpu", dtype="float64")
OTHER = PromptPair(
    CLEAN.replace("apple", "river"), CLEAN.replace("apple", "glass"), " river", " glass"
)
SHIFTED = PromptPair(" house" + CLEAN, " house" + PAIR.corrupted, " apple", " stone")
HEADS = SweepKind("z", "all")
EDGES = SweepKind("pattern", "edge")


def answers(dispatcher, request):
    return [answer for answer in dispatcher.answer(request) if answer is not None]


@pytest.mark.parametrize("direction", ["denoising", "noising"])
@pytest.mark.parametrize(
    "kind", [SweepKind("resid_pre"), HEADS, SweepKind("z"), SweepKind("k"), SweepKind("pattern")]
)
def test_every_sweep_checks_itself_and_any_cell_can_be_verified(dispatcher, kind, direction):
    request = Patching(TOY, PAIR, kind, direction)
    sweep = last(dispatcher.answer(request))
    assert sweep.done == sweep.total
    assert sweep.check is not None
    free = int((sweep.states == CellState.UNCHANGED).any())  # one of those is checked too
    assert sweep.check.cells == 3 + free
    assert sweep.check.worst < 1e-6  # what the window gets is float32
    at = np.unravel_index(np.abs(sweep.values).argmax(), sweep.values.shape)
    found = last(dispatcher.answer(VerifyCell(request, tuple(int(place) for place in at))))
    assert found.value == pytest.approx(float(sweep.values[at]), abs=1e-6)


def test_the_check_finds_what_is_wrong(dispatcher, monkeypatch):
    """A sweep engine that lies is found out: the check does not use it."""
    honest = one_pair.sweep

    def lying(*args, **options):
        for result in honest(*args, **options):
            result.values[result.values.abs() > 0] += 0.25
            yield result

    monkeypatch.setattr(one_pair, "sweep", lying)
    assert last(dispatcher.answer(Patching(TOY, PAIR, HEADS))).check.worst >= 0.2


def test_edges_are_swept_of_one_head_only(dispatcher):
    request = Patching(TOY, PAIR, EDGES, layer=1, head=0)
    sweep = last(dispatcher.answer(request))
    assert [axis.name for axis in sweep.axes] == ["position", "source"]
    size = len(sweep.axes[0])
    upper = np.triu_indices(size, 1)
    assert (sweep.states[upper] == CellState.MASKED).all()
    assert np.unravel_index(np.abs(sweep.values).argmax(), sweep.values.shape)[0] == size - 1
    at = tuple(int(n) for n in np.unravel_index(np.abs(sweep.values).argmax(), sweep.values.shape))
    found = last(dispatcher.answer(VerifyCell(request, at)))
    assert found.value == pytest.approx(float(sweep.values[at]), abs=1e-6)
    with pytest.raises(ValueError, match="There is no head L1H9"):
        last(dispatcher.answer(replace(request, head=9)))


def test_slow_kinds_show_a_marked_estimate_first_and_say_how_good_it_was(dispatcher, monkeypatch):
    monkeypatch.setattr(one_pair, "SLOW_S", 0.0)
    first, *_, whole = answers(dispatcher, Patching(TOY, PAIR, HEADS))
    assert set(np.unique(first.states)) <= {CellState.ESTIMATE}
    assert first.agreement is None
    assert np.array_equal(first.values, first.estimates)
    assert (whole.states == CellState.EXACT).all()
    assert whole.agreement.cells == whole.total
    without = answers(dispatcher, Patching(TOY, PAIR, HEADS, is_estimated=False))
    assert all(sweep.estimates is None for sweep in without)
    pearson = np.corrcoef(whole.values.ravel(), whole.estimates.ravel())[0, 1]
    assert whole.agreement.pearson == pytest.approx(pearson, abs=1e-4)


def test_a_metric_without_gradient_has_no_estimate(dispatcher, monkeypatch):
    monkeypatch.setattr(one_pair, "SLOW_S", 0.0)
    sweep = last(dispatcher.answer(Patching(TOY, replace(PAIR, metric="rank"), HEADS)))
    assert sweep.estimates is None
    assert (sweep.unit, sweep.metric) == ("ranks", "rank")
    assert not sweep.refusal  # a corrupted run that ranks it lower is worse, as it should be


@pytest.mark.parametrize(
    ("metric", "unit"),
    [("probability", "probability"), ("log-probability", "nats"), ("KL divergence", "nats")],
)
def test_other_metrics_name_their_unit_and_restore_all(dispatcher, metric, unit):
    sweep = last(dispatcher.answer(Patching(TOY, replace(PAIR, metric=metric))))
    assert sweep.unit == unit
    assert sweep.normalised[0].max() == pytest.approx(1.0, abs=1e-5)


def test_a_sweep_that_was_left_goes_on_where_it_was(dispatcher, monkeypatch):
    monkeypatch.setattr("lensgui.analysis.sweep.grouping.MOST_ROWS", 16)
    monkeypatch.setattr("lensgui.analysis.sweep.grouping.MERGED_ROWS", 16)
    request = Patching(TOY, PAIR, SweepKind("z"))
    whole = last(dispatcher.answer(request))
    left = dispatcher.answer(request)
    part = next(a for a in left if a is not None and 20 < a.done < a.total)
    left.close()
    again = answers(dispatcher, request)
    assert part.done <= again[0].done < again[0].total
    np.testing.assert_allclose(again[-1].values, whole.values, atol=1e-6)
    assert not dispatcher.loaded.unfinished


def test_a_mean_over_pairs_is_the_mean_and_says_how_sure_it_is(dispatcher):
    rows = (PairRow(PAIR), PairRow(OTHER))
    request = Patching(TOY, PAIR, HEADS, rows=rows)
    mean = last(dispatcher.answer(request))
    each = [last(dispatcher.answer(Patching(TOY, pair, HEADS))) for pair in (PAIR, OTHER)]
    np.testing.assert_allclose(mean.values, (each[0].values + each[1].values) / 2, atol=1e-5)
    assert mean.clean == pytest.approx((each[0].clean + each[1].clean) / 2)
    assert (mean.spread.pairs, mean.spread.total, mean.spread.wrong) == (2, 2, 0)
    assert (mean.spread.low <= mean.normalised + 1e-6).all()
    assert (mean.spread.high >= mean.normalised - 1e-6).all()
    found = last(dispatcher.answer(VerifyCell(request, (1, 0))))
    assert found.value == pytest.approx(float(mean.values[1, 0]), abs=1e-6)
    swapped = replace(PAIR, answer=PAIR.distractor, distractor=PAIR.answer)
    assert (
        last(dispatcher.answer(replace(request, rows=(*rows, PairRow(swapped))))).spread.wrong == 1
    )


def test_a_mean_counts_pairs_checks_itself_and_goes_on_where_it_was_left(dispatcher):
    rows = tuple(PairRow(pair) for pair in (PAIR, OTHER, replace(OTHER, clean=PAIR.clean)))
    request = Patching(TOY, PAIR, HEADS, rows=rows)
    found = answers(dispatcher, request)
    assert [sweep.spread.pairs for sweep in found[:3]] == [1, 2, 3]
    for sweep in found[:3]:
        assert (sweep.states == CellState.ESTIMATE).all()
        assert sweep.spread.low is None
    done = [sweep.done for sweep in found]
    assert done == sorted(done)
    whole = found[-1]
    assert (whole.states == CellState.EXACT).all()
    assert whole.done == whole.total
    assert whole.agreement is not None
    assert whole.check is not None
    assert whole.check.worst < 1e-5
    left = dispatcher.answer(request)
    part = next(a for a in left if a is not None and a.done > a.total // 2)
    left.close()
    again = answers(dispatcher, request)
    assert again[0].done >= part.done
    np.testing.assert_allclose(again[-1].values, whole.values, atol=1e-6)
    assert not dispatcher.loaded.unfinished


def test_a_mean_without_estimates_counts_pairs(dispatcher):
    rows = (PairRow(PAIR), PairRow(OTHER))
    request = Patching(TOY, PAIR, HEADS, rows=rows, is_estimated=False)
    found = answers(dispatcher, request)
    assert [(sweep.done, sweep.total) for sweep in found[:2]] == [(1, 2), (2, 2)]
    assert not (found[0].states == CellState.EXACT).any()  # more pairs will move it
    staged = last(dispatcher.answer(replace(request, is_estimated=True)))
    np.testing.assert_allclose(found[-1].values, staged.values, atol=1e-6)
    np.testing.assert_allclose(found[-1].spread.low, staged.spread.low, atol=1e-5)
    ranks = Patching(TOY, replace(PAIR, metric="rank"), HEADS, rows=rows)
    assert last(dispatcher.answer(ranks)).estimates is None


def test_one_bad_pair_never_blocks_the_rest(dispatcher):
    bad = (
        replace(PAIR, corrupted=PAIR.corrupted + " apple"),
        replace(PAIR, answer=""),
        replace(PAIR, clean="", corrupted=""),
    )
    good = (PairRow(PAIR), PairRow(OTHER))
    rows = (PairRow(bad[0]), good[0], PairRow(bad[1]), good[1], PairRow(bad[2]))
    mean = last(dispatcher.answer(Patching(TOY, PAIR, HEADS, rows=rows)))
    alone = last(dispatcher.answer(Patching(TOY, PAIR, HEADS, rows=good)))
    np.testing.assert_allclose(mean.values, alone.values, atol=1e-6)
    assert mean.spread.pairs == mean.spread.total == 2
    assert mean.spread.left_out[0] == 3
    assert "patching needs as many in both" in mean.spread.left_out[1]
    with pytest.raises(ValueError, match="patching needs as many in both"):
        last(dispatcher.answer(Patching(TOY, PAIR, HEADS, rows=rows[:1])))
    found = last(dispatcher.answer(VerifyCell(Patching(TOY, PAIR, HEADS, rows=rows), (1, 0))))
    assert found.value == pytest.approx(float(mean.values[1, 0]), abs=1e-6)


def test_pairs_of_another_length_than_most_are_left_out(dispatcher):
    rows = tuple(map(PairRow, (PAIR, OTHER, SHIFTED)))
    mean = last(dispatcher.answer(Patching(TOY, PAIR, rows=rows)))
    assert mean.spread.total == 2
    assert "name its roles, or leave it out" in mean.spread.left_out[1]
    whole = last(dispatcher.answer(Patching(TOY, PAIR, HEADS, rows=rows)))
    assert whole.spread.total == 3  # heads need no positions


def test_positions_are_named_by_role_where_words_differ(dispatcher):
    role = Role("word", PAIR.clean.index("apple") + 5)
    rows = tuple(PairRow(pair, (role,)) for pair in (PAIR, OTHER))
    labels = last(dispatcher.answer(AttentionGrid(TOY, PAIR, rows=rows))).axes[2].labels
    assert labels.count("word") == 1
    place = labels.index("word")
    nameless = tuple(map(PairRow, (PAIR, OTHER)))
    before = last(dispatcher.answer(AttentionGrid(TOY, PAIR, rows=nameless))).axes[2].labels
    assert before[place] == f"({place})"


def test_the_check_of_a_mean_finds_what_is_wrong(dispatcher, monkeypatch):
    honest = sweeps.sweep_by_strength

    def lying(*args, **options):
        for found in honest(*args, **options):
            yield found if found is None else replace(found, changes=found.changes + 0.25)

    monkeypatch.setattr(sweeps, "sweep_by_strength", lying)
    mean = last(dispatcher.answer(Patching(TOY, PAIR, HEADS, rows=(PairRow(PAIR), PairRow(OTHER)))))
    assert mean.check.worst == pytest.approx(0.25, abs=1e-3)


def test_pairs_of_different_lengths_meet_by_role(dispatcher):
    rows = tuple(
        PairRow(pair, (Role("word", pair.clean.index("apple") + 5), Role("end", len(pair.clean))))
        for pair in (PAIR, SHIFTED)
    )
    request = Patching(TOY, PAIR, rows=rows)
    mean = last(dispatcher.answer(request))
    assert mean.axes[1].labels == ("word", "end")
    assert mean.axes[1].coordinates == (None, None)
    found = last(dispatcher.answer(VerifyCell(request, (0, 0))))
    assert found.value == pytest.approx(float(mean.values[0, 0]), abs=1e-6)
    heads = last(dispatcher.answer(replace(request, kind=HEADS)))
    assert heads.values.shape == (2, 4)
    assert heads.done == heads.total
    with pytest.raises(ValueError, match="one pair only"):
        last(dispatcher.answer(replace(request, kind=EDGES)))


def test_every_head_has_its_roles(dispatcher):
    found = last(dispatcher.answer(HeadRoles(TOY, PAIR, (PairRow(OTHER), PairRow(SHIFTED)))))
    assert found.prompts == 4  # two of them shared no length
    assert np.isfinite(found.ablation).all()
    assert found.attribution.argmax() // 4 == 1  # the second layer's induction heads
    assert found.attention.argmax() // 4 == 1
    assert found.attention.max() > 0.3
    absent = replace(PAIR, answer=" day")
    assert last(dispatcher.answer(HeadRoles(TOY, absent))).attention is None
    assert (
        last(dispatcher.answer(HeadRoles(TOY, replace(PAIR, metric="KL divergence")))).unit
        == "nats"
    )


@pytest.mark.parametrize("input_", ["q", "k", "v", "pattern"])
def test_who_feeds_a_head(dispatcher, input_):
    found = last(dispatcher.answer(WhoFeeds(TOY, PAIR, ((1, 0),), input_)))
    assert found.receiver == f"L1H0.{input_}"
    assert found.axes[1].labels[-1] == "MLP"
    assert (found.states[1] == CellState.MASKED).all()
    assert np.isfinite(found.values[0, :4]).all()
    assert np.isfinite(found.embedding)
    with pytest.raises(ValueError, match="There is no head L7H0"):
        last(dispatcher.answer(WhoFeeds(TOY, PAIR, ((7, 0),), input_)))


def test_who_feeds_a_set_of_heads_and_what_all_paths_carry(dispatcher):
    heads = (0, 2), (1, 0), (1, 3)
    found = last(dispatcher.answer(WhoFeeds(TOY, PAIR, heads, "v")))
    hearing = last(dispatcher.answer(WhoFeeds(TOY, PAIR, heads, "v", hear_each_other=True)))
    assert (found.receiver, found.heads) == ("3 heads.v", heads)
    assert (found.states[0, :4] == CellState.EXACT).all()
    assert (found.states[1] == CellState.MASKED).all()
    np.testing.assert_allclose(found.values[0, :4], hearing.values[0, :4], atol=1e-5)
    assert found.embedding != pytest.approx(hearing.embedding, abs=1e-4)
    totals = last(dispatcher.answer(PathsInto(TOY, PAIR, heads)))
    assert totals.axes[0].labels == ("q", "k", "v", "pattern")
    assert (totals.states == CellState.EXACT).all()
    assert (totals.clean, totals.corrupted) == pytest.approx((found.clean, found.corrupted))
    assert totals.values[3] != pytest.approx(totals.values[0] + totals.values[1], abs=1e-4)
    with pytest.raises(ValueError, match="There is no head L0H9"):
        last(dispatcher.answer(PathsInto(TOY, PAIR, ((0, 9),))))


def test_what_is_shown_is_a_share_or_raw_and_says_which(dispatcher):
    sweep = last(dispatcher.answer(Patching(TOY, PAIR)))
    np.testing.assert_array_equal(sweep.shown, sweep.normalised)
    assert sweep.shown_unit == "of clean − corrupted"
    raw = replace(sweep, refusal="because")
    np.testing.assert_array_equal(raw.shown, sweep.values)
    assert (raw.scale, raw.shown_unit) == (1.0, "logits")
    with pytest.raises(ValueError, match="because"):
        raw.normalised.sum()
