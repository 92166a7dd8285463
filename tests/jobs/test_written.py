"""What panes are told of the run up to a written token is what wrote it, and the library's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lensgui.analysis.heads.attention import weighted_attention
from lensgui.analysis.pairs.answers import answers
from lensgui.analysis.pairs.typed_pairs import mean_attention, read_pair, run_prompt, sweep_pair
from lensgui.analysis.run.predictions import read_out
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.generation_requests import Generate
from lensgui.jobs.questions.lens_requests import LensMetric, ReadLens
from lensgui.jobs.requests import AttentionGrid, AttentionHead, ReadPair
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.interventions import Intervention, Site
from tests.answering import PAIR, TOY, last

OFF = Intervention(Site("z", 1), "zero")
LAST = Intervention(Site("mlp_out", 0), "scale", "last", 2.0)
OTHER = Intervention(Site("resid_post", 0), "resample", (5,))
FROZEN = Intervention(Site("pattern", 1), "freeze")
GENERATED = Intervention(Site("mlp_out", 1), "zero", "generated")
ONE_SIDED = Intervention(Site("z", 0, 1), "zero", runs="corrupted")
CASES = [(OFF,), (LAST, OTHER), (FROZEN, GENERATED), (ONE_SIDED,)]


@pytest.fixture
def dispatcher():
    return Dispatcher(1)


def written(dispatcher, pair, side, count=5):
    """The pair with what is written behind one of its prompts, and the probabilities of that."""
    found = last(dispatcher.answer(Generate(TOY, pair, side, count)))
    text = found.under or found.without
    ids = tuple(one.token.id for one in text.tokens)
    return replace(pair, more=ids, more_behind=side), [one.probability for one in text.tokens]


@pytest.mark.parametrize("side", ["clean", "corrupted"])
@pytest.mark.parametrize("listed", CASES)
@torch.no_grad()
def test_runs_kept_and_of_the_library_give_what_was_written(dispatcher, listed, side):
    pair, chances = written(dispatcher, replace(PAIR, interventions=listed), side)
    model = dispatcher.loaded.use(TOY)
    prompt = getattr(pair, f"{side}_prompt")
    runs = dispatcher.loaded.run(model, prompt).complete(), run_prompt(model, prompt)
    assert dispatcher.loaded.run(model, prompt) is runs[0]
    for run in runs:
        rows = slice(len(run.ids) - 6, len(run.ids) - 1)
        with run.model.standing.at(range(rows.start, rows.stop)):
            found = read_out(run.model, run.residuals[-1][rows]).softmax(-1)
        got = [float(row[token]) for row, token in zip(found, pair.more, strict=True)]
        assert got == pytest.approx(chances, abs=1e-6)
    other = pair.corrupted_prompt if side == "clean" else pair.clean_prompt
    assert len(dispatcher.loaded.run(model, other).ids) == len(runs[0].ids) - 5


@pytest.mark.parametrize("listed", [(), *CASES])
def test_attention_and_lens_are_the_librarys_on_that_run(dispatcher, listed):
    pair, _ = written(dispatcher, replace(PAIR, interventions=listed), "clean")
    model, heads = dispatcher.loaded.use(TOY), ((1, 2),)
    found = last(dispatcher.answer(AttentionHead(TOY, pair, heads)))
    expected = weighted_attention(run_prompt(model, pair.clean_prompt), 1, 2)
    np.testing.assert_allclose(found.values, expected.numpy(), atol=1e-6)
    assert torch.equal(mean_attention(model, [PairRow(pair)], heads)[0], expected)
    last(dispatcher.answer(AttentionGrid(TOY, pair.typed)))  # whose drawing lends its rows
    lent = last(dispatcher.answer(AttentionGrid(TOY, pair)))
    anew = last(Dispatcher(1).answer(AttentionGrid(TOY, pair)))
    assert np.abs(lent.values.astype(int) - anew.values.astype(int)).max() <= 1
    grid = last(dispatcher.answer(ReadLens(TOY, pair, "clean")))
    likeliest = grid.tokens[-1, len(expected) - 6 : -1, 0]
    assert tuple(likeliest.tolist()) == pair.more  # the model's own last row wrote them


@pytest.mark.parametrize("listed", [(), (OFF,)])
def test_answers_stay_those_of_the_prompt(dispatcher, listed):
    untyped = PromptPair(PAIR.clean, PAIR.corrupted, interventions=listed)
    pair, _ = written(dispatcher, untyped, "clean")
    model = dispatcher.loaded.use(TOY)
    assert answers(model, pair) == answers(model, untyped)
    run = dispatcher.loaded.run(model, pair.clean_prompt).complete()
    assert dispatcher.loaded.answers(pair, run) == answers(model, untyped)
    last(dispatcher.answer(LensMetric(TOY, pair, "clean")))


def test_a_reading_names_the_tokens_and_what_is_left_out_is_said_of_the_prompt(dispatcher):
    far = Intervention(Site("z", 9), "zero")
    pair, _ = written(dispatcher, replace(PAIR, interventions=(OFF, far)), "clean")
    reading = last(dispatcher.answer(ReadPair(TOY, pair)))
    assert [token.id for token in reading.clean.tokens[-5:]] == list(pair.more)
    assert not reading.clean.has_bos
    assert any("L9" in words for words in reading.warnings)
    known = replace(pair, interventions=(OFF,))  # the library leaves nothing out
    found = read_pair(dispatcher.loaded.use(TOY), known)
    assert found[0] == pytest.approx(reading.clean.metric, abs=1e-4)


def test_patching_leaves_it_out(dispatcher):
    pair, _ = written(dispatcher, PAIR, "clean")
    model = dispatcher.loaded.use(TOY)
    assert torch.equal(last(sweep_pair(model, pair)).values, last(sweep_pair(model, PAIR)).values)


def test_what_stands_behind_too_much_is_refused(dispatcher):
    model = dispatcher.loaded.use(TOY)
    for listed in ((), (OFF,)):
        pair = replace(PAIR, interventions=listed, more=(5,) * 200)
        with pytest.raises(ValueError, match="211 tokens"):
            dispatcher.loaded.run(model, pair.clean_prompt)
        with pytest.raises(ValueError, match="211 tokens"):
            run_prompt(model, pair.clean_prompt)


def test_few_are_kept_and_none_of_another_run(dispatcher):
    model, pair = dispatcher.loaded.use(TOY), replace(PAIR, interventions=(OFF,))
    longer = [replace(pair, more=(3,) * count) for count in range(1, 8)]
    runs = [dispatcher.loaded.run(model, of.clean_prompt) for of in longer]
    assert dispatcher.loaded.run(model, longer[-1].clean_prompt) is runs[-1]
    assert dispatcher.loaded.run(model, longer[0].clean_prompt) is not runs[0]
    dispatcher.loaded._forget()
    assert dispatcher.loaded.run(model, longer[-1].clean_prompt) is not runs[-1]
