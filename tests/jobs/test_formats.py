"""Number formats side by side are what models opened in each of them give."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from lensgui.analysis.pairs.answers import encode
from lensgui.checkpoints.loading import open_model
from lensgui.jobs.handlers import formats
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import (
    AttentionFrom,
    AttentionGrid,
    AttentionHead,
    CompareFormats,
    HeadRoles,
    LogitLens,
    OpenModel,
    Patching,
    ReadEvidence,
    ReadHead,
    ReadMLP,
    ReadPair,
    WhoFeeds,
)
from lensgui.terms.errors import ModelError
from lensgui.terms.kinds import HEADS, AttentionMeasure
from lensgui.terms.model_key import MEMORY, NUMBER_FORMATS, ModelKey
from tests.answering import PAIR, TOY, last

MEASURES: tuple[AttentionMeasure, ...] = get_args(AttentionMeasure)


@pytest.fixture(scope="module")
def found():
    dispatcher = Dispatcher(1)
    last(dispatcher.answer(OpenModel(TOY)))
    answers = [of for of in dispatcher.answer(CompareFormats(TOY, PAIR)) if of is not None]
    return dispatcher, answers


def test_rows_come_one_by_one_and_the_open_model_stays(found):
    dispatcher, answers = found
    assert [len(of.rows) for of in answers] == [1, 2, 3, 4]
    assert [row.dtype for row in answers[-1].rows] == list(NUMBER_FORMATS)
    assert dispatcher.loaded.beside(TOY) is dispatcher.loaded.model
    assert dispatcher.loaded.model.cfg.dtype == torch.float32


def test_it_says_over_how_many_positions_logits_are_compared(found, monkeypatch):
    dispatcher, answers = found
    prompts = PAIR.clean_prompt, PAIR.corrupted_prompt
    lengths = [len(encode(dispatcher.loaded.model, prompt).flatten()) for prompt in prompts]
    assert {of.positions for of in answers} == {max(lengths)}
    monkeypatch.setattr(formats, "MOST_LOGITS", 3 * 2 * dispatcher.loaded.model.cfg.d_vocab_out)
    asked = last(dispatcher.answer(CompareFormats(TOY, PAIR)))
    assert asked.positions == 3 < max(lengths)
    assert [row.clean for row in asked.rows] == [row.clean for row in answers[-1].rows]


@pytest.mark.parametrize("dtype", NUMBER_FORMATS)
def test_a_row_is_what_the_model_gives_when_it_is_opened_so(found, dtype):
    row = next(row for row in found[1][-1].rows if row.dtype == dtype)
    both = {name: open_model("toy", device="cpu", dtype=name) for name in ("float32", dtype)}
    largest, nats = 0.0, []
    for prompt in (PAIR.clean_prompt, PAIR.corrupted_prompt):
        tokens = encode(both[dtype], prompt)
        ours, base = (both[name](tokens)[0].double() for name in (dtype, "float32"))
        largest = max(largest, float((ours - base).abs().max()))
        p, q = base[-1].log_softmax(-1), ours[-1].log_softmax(-1)
        nats.append(float((p.exp() * (p - q)).sum()))
    # Products of other shapes round differently: by a step of the logits, which are below 32.
    step = {"bfloat16": 0.13, "float16": 0.016}.get(dtype, 2e-5)
    assert row.logits == pytest.approx(largest, abs=step)
    assert (row.logits == 0) == (dtype == "float32")
    assert row.divergence == pytest.approx(nats[0], rel=0.3, abs=1e-9)
    reading = last(Dispatcher(1).answer(ReadPair(replace(TOY, dtype=dtype), PAIR)))
    values = reading.clean.metric, reading.corrupted.metric
    assert (row.clean, row.corrupted) == pytest.approx(values, abs=1e-6)
    sizes = {weight.data_ptr(): weight.nbytes for weight in both[dtype].parameters()}
    assert row.weights == sum(sizes.values())
    assert row.seconds > 0


def test_a_pair_without_answer_or_corrupted_prompt_has_no_metric_of_it():
    one = replace(PAIR, corrupted="", distractor="")
    for row in last(Dispatcher(1).answer(CompareFormats(TOY, one))).rows:
        assert row.clean is not None
        assert row.corrupted is None


def test_the_same_tokens_are_meant_in_all_formats():
    bare = replace(PAIR, answer="", distractor="")
    clean = [row.clean for row in last(Dispatcher(1).answer(CompareFormats(TOY, bare))).rows]
    assert clean == pytest.approx([clean[0]] * 4, abs=0.1)


def test_a_format_that_does_not_fit_says_so_and_the_others_stand(monkeypatch):
    dispatcher = Dispatcher(1)
    opened = formats.Loaded.beside

    def refuse(self, key):
        if key.dtype == "bfloat16":
            raise ModelError("It does not fit.")
        return opened(self, key)

    monkeypatch.setattr(formats.Loaded, "beside", refuse)
    rows = last(dispatcher.answer(CompareFormats(TOY, PAIR))).rows
    assert [row.sentence for row in rows] == ["", "It does not fit.", "", ""]
    monkeypatch.setattr(formats, "NUMBER_FORMATS", ("bfloat16", "float32"))
    with pytest.raises(ModelError, match="does not fit"):
        last(dispatcher.answer(CompareFormats(TOY, PAIR)))


def test_a_format_that_overflows_says_so(monkeypatch):
    model = open_model("toy", device="cpu", dtype="float16")
    with torch.no_grad():
        model.blocks[0].mlp.b_out.fill_(6e4)
        model.blocks[1].mlp.b_out.fill_(6e4)
    opened = formats.Loaded.beside

    def overflowing(self, key):
        return model if key.dtype == "float16" else opened(self, key)

    monkeypatch.setattr(formats.Loaded, "beside", overflowing)
    rows = last(Dispatcher(1).answer(CompareFormats(TOY, PAIR))).rows
    said = [row.sentence for row in rows]
    assert "overflows in float16" in said[2]
    assert not any(said[:2] + said[3:])


def test_a_model_in_memory_is_compared_with_nothing():
    key = ModelKey(f"{MEMORY}mine", device="cpu")
    dispatcher = Dispatcher(1, {key: open_model("toy", device="cpu")})
    last(dispatcher.answer(OpenModel(key)))
    rows = last(dispatcher.answer(CompareFormats(key, PAIR))).rows
    assert rows[0].clean is not None
    assert all("handed over in memory" in row.sentence for row in rows[1:])


def test_without_a_prompt_there_is_nothing_to_compare():
    with pytest.raises(ValueError, match="Type a clean prompt"):
        last(Dispatcher(1).answer(CompareFormats(TOY, replace(PAIR, clean=""))))


QUESTIONS = (
    *(AttentionGrid(TOY, PAIR, measure=of) for of in MEASURES),
    *(AttentionHead(TOY, PAIR, ((1, 2),), measure=of) for of in MEASURES),
    AttentionFrom(TOY, PAIR, 5),
    Patching(TOY, PAIR),
    Patching(TOY, PAIR, HEADS),
    LogitLens(TOY, PAIR, 5),
    ReadHead(TOY, PAIR, 1, 2, 5),
    ReadMLP(TOY, PAIR, 1, 5),
    HeadRoles(TOY, PAIR),
    WhoFeeds(TOY, PAIR, ((1, 2),)),
    ReadEvidence(TOY, (PAIR,)),
)


@pytest.fixture(scope="module")
def three():
    return {dtype: Dispatcher(1) for dtype in ("float32", "bfloat16", "float16")}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda of: type(of).__name__)
def test_panes_have_their_answers_in_half_precision_too(question, three):
    def answered(dtype):
        model = replace(TOY, dtype=dtype)
        changes = {"model": model} if hasattr(question, "model") else {}
        return last(three[dtype].answer(replace(question, **changes)))

    expected = answered("float32")
    for dtype in ("bfloat16", "float16"):
        found = answered(dtype)
        assert type(found) is type(expected)
        if isinstance(question, AttentionGrid):
            apart = found.values.astype(float) - expected.values.astype(float)
            assert np.abs(apart).mean() < 3  # of 255
            np.testing.assert_allclose(found.scores, expected.scores, atol=0.1, equal_nan=True)
        elif hasattr(found, "values"):
            scale = max(1.0, np.nanmax(np.abs(expected.values)))
            assert np.nanmax(np.abs(found.values - expected.values)) < 0.1 * scale
