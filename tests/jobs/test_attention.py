"""Attention of the toy model, as the window is told: sides, means, measures, scores."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.requests import AttentionFrom, AttentionGrid, AttentionHead, ReadHead
from lensgui.panes.head_grid.panels import thumbs
from lensgui.prompts.pair import PairRow, Role
from lensgui.state.examples import TOY as TOY_EXAMPLE
from lensgui.state.examples import find
from lensgui.terms.kinds import AttentionMeasure
from lensgui.terms.scores import PROMPT_SCORES
from tests.answering import last

DOCUMENT = find(TOY_EXAMPLE).document
MODEL, PAIR = DOCUMENT.model, DOCUMENT.pair
HEADS = ((1, 2), (0, 3))
SWAPPED = replace(PAIR, clean=PAIR.corrupted, corrupted=PAIR.clean)
ROWS = (PairRow(PAIR), PairRow(SWAPPED))


def head(dispatcher, *heads, **options):
    return last(dispatcher.answer(AttentionHead(MODEL, PAIR, heads, **options)))


def test_a_difference_is_clean_minus_corrupted(dispatcher):
    clean, corrupted, difference = (
        head(dispatcher, (1, 2), side=side) for side in ("clean", "corrupted", "difference")
    )
    np.testing.assert_allclose(difference.values, clean.values - corrupted.values, atol=1e-6)
    assert difference.is_signed
    assert difference.axes[0].labels == clean.axes[0].labels
    assert difference.first_share == pytest.approx(clean.first_share - corrupted.first_share)


def test_several_heads_are_averaged(dispatcher):
    for measure in ("pattern", "values", "contribution"):
        both = head(dispatcher, *HEADS, measure=measure)
        alone = [head(dispatcher, one, measure=measure).values for one in HEADS]
        np.testing.assert_allclose(both.values, np.mean(alone, 0), atol=1e-5)


def test_an_average_over_pairs_is_their_mean(dispatcher):
    rows = (PairRow(PAIR), PairRow(SWAPPED))
    mean = head(dispatcher, (1, 2), rows=rows)
    sides = [head(dispatcher, (1, 2), side=side).values for side in ("clean", "corrupted")]
    np.testing.assert_allclose(mean.values, np.mean(sides, 0), atol=1e-6)
    assert mean.prompts == 2
    assert any(label.startswith("(") for label in mean.axes[0].labels)
    grids = [
        last(dispatcher.answer(AttentionGrid(MODEL, PAIR, side, rows=found)))
        for side, found in (("clean", rows), ("corrupted", ()))
    ]
    alone = last(dispatcher.answer(AttentionGrid(MODEL, PAIR)))
    expected = (alone.scores + grids[1].scores)[:4] / 2
    np.testing.assert_allclose(grids[0].scores[:4], expected, atol=1e-5)


def test_rows_of_different_lengths_are_one_sentence(dispatcher):
    longer = replace(PAIR, clean=PAIR.clean + PAIR.clean)
    rows = (PairRow(PAIR), PairRow(longer))
    with pytest.raises(ValueError, match="have 11 to 22 tokens and share no named role"):
        head(dispatcher, (1, 2), rows=rows)
    with pytest.raises(ValueError, match="change a word"):
        last(dispatcher.answer(AttentionGrid(MODEL, longer, "difference")))


def test_a_side_without_a_prompt_is_one_sentence(dispatcher):
    with pytest.raises(ValueError, match="has no corrupted prompt"):
        last(dispatcher.answer(AttentionGrid(MODEL, replace(PAIR, corrupted=""), "difference")))


def test_contributions_of_a_row_sum_to_what_the_inspector_says(dispatcher):
    shown = head(dispatcher, (1, 2), measure="contribution")
    position = len(shown.values) - 1
    reading = last(dispatcher.answer(ReadHead(MODEL, PAIR, 1, 2, position)))
    assert shown.values[position].sum() == pytest.approx(reading.attribution, abs=1e-4)
    assert shown.is_signed


def test_prompts_of_other_layouts_are_averaged_by_role(dispatcher):
    longer = replace(PAIR, clean=" house" + PAIR.clean, corrupted=" house" + PAIR.corrupted)
    rows = tuple(
        PairRow(
            pair,
            (
                Role("word", pair.clean.index("apple") + 5),
                Role("first", pair.clean.index("green") + 5),
                Role("end", len(pair.clean)),
            ),
        )
        for pair in (PAIR, longer)
    )
    places = [4, 1, 10], [5, 2, 11]
    mean = last(dispatcher.answer(AttentionHead(MODEL, PAIR, HEADS, rows=rows)))
    assert mean.axes[0].labels == ("word", "first", "end")
    for (row, column), seen in {(0, 1): True, (1, 0): False, (2, 0): True, (0, 0): True}.items():
        assert (mean.states[row, column] == CellState.EXACT) == seen
        each = [
            last(dispatcher.answer(AttentionHead(MODEL, pair, HEADS))).values[at[row], at[column]]
            for pair, at in zip((PAIR, longer), places, strict=True)
        ]
        expected = np.mean(each) if seen else 0.0
        assert mean.values[row, column] == pytest.approx(expected, abs=1e-6)
    atlas = last(dispatcher.answer(AttentionGrid(MODEL, PAIR, hide_first=False, rows=rows)))
    layer, head_ = HEADS[0]
    one = last(dispatcher.answer(AttentionHead(MODEL, PAIR, (HEADS[0],), rows=rows)))
    np.testing.assert_allclose(atlas.values[layer, head_] / 255, one.values, atol=1 / 500)
    row, column = atlas.strongest[layer, head_]
    assert one.values[row, column] == pytest.approx(one.values.max(), abs=1e-6)


def test_a_contribution_without_a_difference_is_one_sentence(dispatcher):
    pair = replace(PAIR, distractor=PAIR.answer)
    request = AttentionHead(MODEL, pair, HEADS, measure="contribution")
    with pytest.raises(ValueError, match="needs an answer and another token"):
        last(dispatcher.answer(request))


def test_scores_are_finite_and_their_softmax_is_the_pattern(dispatcher):
    scores, pattern = (
        head(dispatcher, (1, 2), measure=measure) for measure in ("scores", "pattern")
    )
    assert np.isfinite(scores.values).all()
    seen = scores.states == CellState.EXACT
    np.testing.assert_array_equal(seen, np.tril(np.ones_like(seen)))
    weights = np.where(seen, np.exp(scores.values.astype(np.float64)), 0)
    np.testing.assert_allclose(weights / weights.sum(-1, keepdims=True), pattern.values, atol=1e-5)


def test_hiding_position_0_masks_it_in_every_measure(dispatcher):
    for measure in ("pattern", "scores", "values", "writes", "contribution"):
        hidden = head(dispatcher, (1, 2), measure=measure, hide_first=True)
        assert (hidden.states[:, 0] == CellState.MASKED).all()
        if measure != "pattern":
            whole = head(dispatcher, (1, 2), measure=measure)
            np.testing.assert_array_equal(hidden.values[:, 1:], whole.values[:, 1:])


def test_the_grid_scores_every_head(dispatcher):
    atlas = last(dispatcher.answer(AttentionGrid(MODEL, PAIR)))
    scores = dict(zip(PROMPT_SCORES, atlas.scores, strict=True))
    pattern = head(dispatcher, (1, 2)).values
    below = np.diagonal(pattern, -1)
    assert scores["previous token"][1, 2] == pytest.approx(below.mean(), abs=1e-5)
    position, source = atlas.strongest[1, 2]
    assert source > 0
    assert scores["strongest edge"][1, 2] == pytest.approx(pattern[position, source], abs=1e-6)
    assert pattern[1:, 1:].max() == pytest.approx(pattern[position, source], abs=1e-6)
    # The toy's L1 holds an induction head (README of the toy: L1H1), and the prompt repeats.
    assert np.unravel_index(np.nanargmax(scores["induction"]), (2, 4))[0] == 1


def test_a_difference_grid_is_signed_around_128(dispatcher):
    atlas = last(dispatcher.answer(AttentionGrid(MODEL, PAIR, "difference", hide_first=False)))
    exact = head(dispatcher, (1, 2), side="difference").values
    shown = (atlas.values[1, 2].astype(float) - 128) / 127
    np.testing.assert_allclose(shown, exact, atol=1 / 250)
    assert atlas.is_difference
    same = replace(PAIR, corrupted=PAIR.clean)
    assert (last(dispatcher.answer(AttentionGrid(MODEL, same, "difference"))).values == 128).all()


def test_long_differences_keep_the_sign_of_the_largest(dispatcher):
    long, other = " table green seven" * 40, " table green house" * 40
    pair = replace(PAIR, clean=long, corrupted=other)
    atlas = last(dispatcher.answer(AttentionGrid(MODEL, pair, "difference", hide_first=False)))
    request = AttentionHead(MODEL, pair, ((1, 2),), "difference")
    whole = last(dispatcher.answer(request)).values
    blocks = whole.reshape(60, 2, 60, 2).transpose(0, 2, 1, 3).reshape(60, 60, 4)
    best = np.abs(blocks).argmax(-1)[..., None]
    expected = np.take_along_axis(blocks, best, -1)[..., 0]
    shown = (atlas.values[1, 2].astype(float) - 128) / 127
    clear = np.abs(expected) > 0.01
    assert clear.any()
    np.testing.assert_allclose(shown[clear], expected[clear], atol=1 / 120)


def test_no_slice_holds_more_than_one_heads_matrix(dispatcher):
    long = replace(PAIR, clean=" table green seven" * 40)
    for request in (AttentionGrid(MODEL, long), AttentionHead(MODEL, long, HEADS)):
        answer = last(dispatcher.answer(request))
        assert answer.values.nbytes <= 120 * 120 * 4


def test_attention_from_a_position_is_that_row_of_every_head(dispatcher):
    for options in ({}, {"side": "corrupted"}, {"side": "difference"}, {"rows": ROWS}):
        found = last(dispatcher.answer(AttentionFrom(MODEL, PAIR, 6, **options)))
        for one in HEADS:
            shown = head(dispatcher, one, **options)
            np.testing.assert_allclose(found.values[one], shown.values[6], atol=1e-6)
    with pytest.raises(ValueError, match="There is no position 40"):
        list(dispatcher.answer(AttentionFrom(MODEL, PAIR, 40)))


@pytest.mark.parametrize("measure", ["scores", "values", "writes", "contribution"])
@pytest.mark.parametrize("side", ["clean", "difference"])
def test_the_grid_shows_every_measure_on_one_scale(measure, side, dispatcher):
    question = AttentionGrid(MODEL, PAIR, side, hide_first=False, measure=measure)
    atlas = last(dispatcher.answer(question))
    peaks = []
    for one in HEADS:
        exact = head(dispatcher, one, side=side, measure=measure)
        seen = exact.states == CellState.EXACT
        low, high = atlas.ends[one]
        bytes_ = atlas.values[one].astype(float)
        shown = (
            (bytes_ - 128) / 127 * high if atlas.is_signed else low + bytes_ / 255 * (high - low)
        )
        atol = (high - low) / 200
        np.testing.assert_allclose(shown[seen], exact.values[seen], atol=atol)
        peaks.append(np.abs(exact.values[seen]).max())
    assert atlas.is_signed == (measure == "contribution" or side == "difference")
    assert atlas.full > 0
    if measure == "contribution":
        rows = [
            np.abs(head(dispatcher, (layer, at), side=side, measure=measure).values[-1]).max()
            for layer in range(2)
            for at in range(4)
        ]
        assert atlas.full == pytest.approx(max(rows), rel=1e-5)


@pytest.mark.parametrize("measure", get_args(AttentionMeasure))
@pytest.mark.parametrize("side", ["clean", "difference"])
def test_a_grid_of_zeros_has_a_scale_and_a_picture(measure, side, dispatcher):
    """There is nothing but position 0, which is hidden."""
    one = replace(PAIR, clean=" table", corrupted=" table")
    atlas = last(dispatcher.answer(AttentionGrid(MODEL, one, side, measure=measure)))
    assert atlas.full == 1.0
    for full in (1.0, 0.0):  # as a file may have it
        panel = thumbs(replace(atlas, full=full), measure)
        assert panel.scale.high > panel.scale.low
