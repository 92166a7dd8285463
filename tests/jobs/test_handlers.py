"""The dispatcher answers every request on a real (toy) model, and says what can't be answered."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np
import pytest
import torch

from lensgui.analysis.run.run import RunBatch
from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.handlers.attention import answers as attention
from lensgui.jobs.requests import (
    AttentionGrid,
    AttentionHead,
    LogitLens,
    OpenModel,
    Patching,
    ReadHead,
    ReadPair,
)
from lensgui.prompts.pair import PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.kinds import SweepKind
from lensgui.terms.model_key import ModelKey
from tests.answering import CLEAN, PAIR, TOY, last


def read(dispatcher, pair):
    return last(dispatcher.answer(ReadPair(TOY, pair)))


def test_opening_describes_the_model(dispatcher):
    card = last(dispatcher.answer(OpenModel(TOY)))
    assert card.title == "Toy: two-layer induction model"
    assert (card.n_layers, card.n_heads, card.device, card.dtype) == (2, 4, "cpu", "float32")
    assert card.bos in card.bos_choices
    assert card.key == TOY


def test_reading_a_pair_says_tokens_first_then_the_rest(dispatcher):
    first, *_, final = (a for a in dispatcher.answer(ReadPair(TOY, PAIR)) if a is not None)
    assert not first.complete
    assert [token.text for token in first.clean.tokens][:2] == [" table", " green"]
    assert first.differing == (4,)
    assert final.complete
    assert final.answer.text == " apple"
    assert final.clean.top[0].token.text == " apple"
    assert final.corrupted.top[0].token.text == " stone"
    assert final.clean.metric > 1 > -1 > final.corrupted.metric
    assert final.warnings == ()


def test_answers_default_to_the_two_likeliest(dispatcher):
    reading = read(dispatcher, PromptPair(CLEAN))
    assert reading.corrupted is None
    assert reading.answer == reading.clean.top[0].token
    assert reading.distractor == reading.clean.top[1].token
    assert reading.clean.metric > 0


@pytest.mark.parametrize(
    ("pair", "match"),
    [
        (PromptPair(CLEAN + " ", PAIR.corrupted), "clean prompt ends in a space"),
        (PromptPair(CLEAN, CLEAN + " apple"), "11 tokens and the corrupted one 12"),
        (PromptPair(CLEAN, CLEAN), "identical"),
        (PromptPair(CLEAN, CLEAN.replace(" table", " river")), "differ at position 0"),
        (PromptPair(CLEAN, PAIR.corrupted, " apple stone", " stone"), "is 2 tokens"),
        (PromptPair(CLEAN, PAIR.corrupted, " apple", " apple"), "same token"),
        (PromptPair(""), "Type a clean prompt"),
    ],
)
def test_warnings(dispatcher, pair, match):
    reading = read(dispatcher, pair)
    assert any(match in warning for warning in reading.warnings), reading.warnings
    assert reading.complete


def test_bos_is_shown_and_shields_position_zero(dispatcher):
    changed = PromptPair(CLEAN, CLEAN.replace(" table", " river"), bos=True)
    reading = read(dispatcher, changed)
    assert reading.clean.has_bos
    assert reading.clean.tokens[0].special
    assert not any("position 0" in warning for warning in reading.warnings)


@pytest.mark.parametrize("text", ["😀 مرحبا", "\0", "a", " table", "\n\n"])
def test_any_text_can_be_read(dispatcher, text):
    reading = read(dispatcher, PromptPair(text))
    assert reading.complete
    assert reading.clean.tokens


@pytest.mark.parametrize("text", [" table" * 500, "x " * 5000])
def test_too_long_is_one_sentence(dispatcher, text):
    with pytest.raises(ValueError, match=r"tokens and this model takes \d+: shorten it\."):
        read(dispatcher, PromptPair(text))


def test_a_grid_that_is_soon_whole_comes_at_once(dispatcher, monkeypatch):
    monkeypatch.setattr(attention, "SOON_S", 60.0)
    answers = dispatcher.answer(AttentionGrid(TOY, PromptPair(CLEAN)))
    assert [atlas.layers for atlas in answers if atlas is not None] == [2]


def test_the_grid_fills_layer_by_layer(dispatcher, monkeypatch):
    monkeypatch.setattr(attention, "SOON_S", 0.0)
    monkeypatch.setattr(attention, "PACE_S", 0.0)
    atlases = [
        a
        for a in dispatcher.answer(AttentionGrid(TOY, PromptPair(CLEAN), hide_first=False))
        if a is not None
    ]
    assert [atlas.layers for atlas in atlases] == [1, 2]
    final = atlases[-1]
    assert final.values.shape == (2, 4, 11, 11)
    assert final.values.dtype == np.uint8
    assert not final.values.flags.writeable
    assert np.isnan(atlases[0].first_share[1]).all()
    assert not atlases[0].values[1].any()
    exact = last(dispatcher.answer(AttentionHead(TOY, PromptPair(CLEAN), ((1, 2),))))
    lower = np.tril(np.ones((11, 11), bool))
    np.testing.assert_allclose(final.values[1, 2][lower] / 255, exact.values[lower], atol=1 / 500)
    np.testing.assert_allclose(final.first_share[1, 2], exact.values[1:, 0].mean(), rtol=1e-5)


def test_hiding_position_zero(dispatcher):
    hidden = last(
        dispatcher.answer(AttentionHead(TOY, PromptPair(CLEAN), ((1, 2),), hide_first=True))
    )
    assert (hidden.states[:, 0] == CellState.MASKED).all()
    np.testing.assert_allclose(hidden.values[2:, 1:].sum(-1), 1, rtol=1e-5)
    assert last(dispatcher.answer(AttentionGrid(TOY, PromptPair(CLEAN)))).hides_first


def test_long_prompts_are_pooled(dispatcher):
    atlas = last(dispatcher.answer(AttentionGrid(TOY, PromptPair(" table green seven" * 40))))
    assert atlas.values.shape == (2, 4, 60, 60)
    assert atlas.axes[2].coordinates[:3] == (0, 2, 4)


def test_the_sweep_streams_and_only_gains(dispatcher):
    sweeps = [a for a in dispatcher.answer(Patching(TOY, PAIR)) if a is not None]
    assert [s.done for s in sweeps] == sorted(s.done for s in sweeps)
    final = sweeps[-1]
    needed = final.states != CellState.UNCHANGED  # what causality tells has not to be computed
    assert final.done == final.total == np.count_nonzero(needed) < final.states.size
    totals = [s.total for s in sweeps]  # falls while it becomes known what has to be computed
    assert totals == sorted(totals, reverse=True)
    assert sweeps[0].done == np.count_nonzero(sweeps[0].states == CellState.EXACT)
    assert (final.states[:, :4] == CellState.UNCHANGED).all()
    assert (sweeps[0].states == CellState.UNKNOWN).any()
    assert final.normalised[0, 4] == pytest.approx(1, abs=1e-4)
    assert not final.values.flags.writeable
    assert final.axes[1].labels[4] == " stone"


def test_a_metric_that_does_not_move_is_not_divided_by(dispatcher):
    flipped = PromptPair(PAIR.corrupted, PAIR.clean, " apple", " stone")
    wrong = last(dispatcher.answer(Patching(TOY, flipped)))
    assert "wrong sign" in wrong.refusal
    same = last(dispatcher.answer(Patching(TOY, PromptPair(CLEAN, CLEAN))))
    with pytest.raises(ValueError, match="nothing to take a share of"):
        same.normalised.sum()
    assert (same.states == CellState.UNCHANGED).all()


@pytest.mark.parametrize(
    ("pair", "match"),
    [
        (PromptPair(CLEAN, CLEAN + " apple"), "needs as many in both"),
        (PromptPair(CLEAN, PAIR.corrupted, " apple", " apple"), "same token"),
        (PromptPair(CLEAN, PAIR.corrupted, " apple stone"), "2 tokens"),
    ],
)
def test_sweeps_that_have_no_answer(dispatcher, pair, match):
    with pytest.raises(ValueError, match=match):
        last(dispatcher.answer(Patching(TOY, pair)))


def test_a_head_is_read_in_words(dispatcher):
    reading = last(dispatcher.answer(ReadHead(TOY, PAIR, 1, 0, 10)))
    assert sum(reading.attention) == pytest.approx(1, abs=1e-4)
    assert reading.attribution is not None
    values = [value for _, value in reading.promoted]
    assert values == sorted(values, reverse=True)
    assert reading.suppressed[0][1] < 0 < values[0]
    with pytest.raises(ValueError, match="no head L9H0"):
        last(dispatcher.answer(ReadHead(TOY, PAIR, 9, 0, 10)))
    with pytest.raises(ValueError, match="no position 11"):
        last(dispatcher.answer(ReadHead(TOY, PAIR, 1, 0, 11)))


def test_the_lens_ends_in_the_prediction(dispatcher):
    lens = last(dispatcher.answer(LogitLens(TOY, PAIR, 10)))
    reading = read(dispatcher, PAIR)
    assert len(lens.top) == len(lens.metric) == 3
    assert lens.top[-1].token == reading.clean.top[0].token
    assert lens.metric[-1] == pytest.approx(reading.clean.metric, abs=1e-5)


def test_equal_requests_have_equal_answers(dispatcher):
    first, second = (last(dispatcher.answer(Patching(TOY, PAIR))) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)


def test_interleaved_jobs_share_one_run(dispatcher, monkeypatch):
    steps, heads = [], RunBatch.heads

    def counted(strand, layer, *read):
        steps.append((id(strand.residuals), layer))
        return heads(strand, layer, *read)

    monkeypatch.setattr(RunBatch, "heads", counted)
    pair = PromptPair(CLEAN.replace("music", "house"), CLEAN.replace("music", "river"))
    jobs = [
        dispatcher.answer(ReadPair(TOY, pair)),
        dispatcher.answer(AttentionGrid(TOY, pair)),
        dispatcher.answer(LogitLens(TOY, pair, 3)),
    ]
    said = list(zip_longest(*jobs))
    assert all(any(turn[job] is not None for turn in said) for job in range(3))
    assert len(steps) == len(set(steps)) == 2 * dispatcher.loaded.use(TOY).cfg.n_layers
    assert not any(point.is_watched for point in dispatcher.loaded.model.hook_points())


def test_a_model_that_is_not_there(dispatcher):
    with pytest.raises(ModelError, match="There is no folder"):
        last(dispatcher.answer(OpenModel(ModelKey("/nowhere/at/all"))))
    assert last(dispatcher.answer(OpenModel(TOY))).n_layers == 2


def test_number_formats_reach_the_window_as_float32(dispatcher):
    for dtype in ("bfloat16", "float64"):
        key = ModelKey("toy", device="cpu", dtype=dtype)
        sweep = last(dispatcher.answer(Patching(key, PAIR)))
        assert sweep.values.dtype == np.float32
        assert sweep.normalised[0, 4] == pytest.approx(1, abs=0.05)
        head = last(dispatcher.answer(AttentionHead(key, PromptPair(CLEAN), ((0, 0),))))
        assert head.values.dtype == np.float32


def test_grad_mode_is_left_alone(dispatcher):
    last(dispatcher.answer(Patching(TOY, PAIR)))
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("direction", ["denoising", "noising"])
def test_sweeps_of_every_kind_that_is_a_map(dispatcher, direction):
    kinds = [SweepKind(name) for name in ("resid_mid", "resid_post", "attn_out", "mlp_out")]
    for kind in kinds + [SweepKind(name, "all") for name in ("z", "q", "k", "v", "pattern")]:
        final = last(dispatcher.answer(Patching(TOY, PAIR, kind, direction)))
        assert tuple(axis.name for axis in final.axes) == kind.axes
        assert final.values.shape == tuple(len(axis) for axis in final.axes)
        assert final.done == final.total
        assert final.direction == direction
        assert final.base == (final.corrupted if direction == "denoising" else final.clean)
    whole = last(dispatcher.answer(Patching(TOY, PAIR, SweepKind("resid_pre"), direction)))
    sign = 1 if direction == "denoising" else -1
    assert whole.normalised[0, 4] == pytest.approx(sign, abs=1e-4)
