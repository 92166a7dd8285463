"""What is set to its mean over the table is so in every answer, and nothing of it outlives it."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest
import torch

from lensgui.analysis.activations.reading import read_activation
from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.reference import Reference
from lensgui.analysis.interventions.under import intervened_runs
from lensgui.analysis.pairs.answers import encode
from lensgui.analysis.pairs.roles import places_of
from lensgui.analysis.pairs.typed_pairs import read_pair, run_prompt, sweep_pair
from lensgui.analysis.run.run import Run
from lensgui.jobs.answerer import Limits
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.questions.intervention_requests import ReadInterventions
from lensgui.jobs.requests import (
    FindTokens,
    Patching,
    ReadEvidence,
    ReadPair,
    VerifyCell,
)
from lensgui.prompts.pair import PairRow, Prompt, Role
from lensgui.state.document import Document
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.kinds import RESID_PRE
from lensgui.terms.model_key import ModelKey
from tests.answering import PAIR, TOY, last

MEAN = Intervention(Site("z", 1, 0), "mean")
WORDS = "apple stone house river music seven"
TABLE = tuple(
    PairRow(
        replace(
            PAIR,
            clean=PAIR.clean.replace("green", one),
            corrupted=PAIR.corrupted.replace("green", one),
        )
    )
    for one in WORDS.split()
)
SHOWN = Document(TOY, replace(PAIR, interventions=(MEAN,)), table=TABLE).shown


@pytest.fixture
def dispatcher():
    return Dispatcher(1)


def by_hand(model, pair, site=MEAN):
    """The logits of the clean prompt with means over plain runs of all others."""
    prompts = [encode(model, of) for of in pair.reference]
    given = Interventions((site,), [Run(model, ids).complete() for ids in prompts])
    run = intervened_runs(Run(model, encode(model, pair.plain.clean_prompt)), given)[0]
    return run.complete()


def test_every_question_about_a_pair_is_under_the_mean(dispatcher):
    model, pair = dispatcher.loaded.use(TOY), SHOWN.pair
    assert len(pair.reference) == 2 * len(TABLE)
    expected = by_hand(model, pair)
    reading = last(dispatcher.answer(ReadPair(TOY, pair)))
    plain = last(dispatcher.answer(ReadPair(TOY, PAIR)))
    assert reading.clean.metric != pytest.approx(plain.clean.metric, abs=1e-3)
    run = dispatcher.loaded.run(model, pair.clean_prompt)
    torch.testing.assert_close(run.residuals[-1], expected.residuals[-1], atol=1e-4, rtol=1e-4)
    assert [reading.clean.metric, reading.corrupted.metric] == pytest.approx(
        read_pair(model, pair), abs=1e-4
    )
    alone = run_prompt(model, pair.clean_prompt).residuals[-1]
    torch.testing.assert_close(run.residuals[-1], alone, atol=1e-4, rtol=1e-4)
    *_, swept = sweep_pair(model, pair)
    found = last(dispatcher.answer(Patching(TOY, pair, RESID_PRE)))
    known = ~np.isnan(found.values)
    np.testing.assert_allclose(found.values[known], swept.values[known], atol=1e-3)
    assert found.check.worst < 1e-3


def test_an_average_leaves_each_rows_own_prompts_out(dispatcher):
    model = dispatcher.loaded.use(TOY)
    document = replace(SHOWN, is_average=True)
    mean = last(dispatcher.answer(document.patching()))
    alone = []
    for row in document.rows:
        assert row.pair.reference == SHOWN.pair.reference
        *_, swept = sweep_pair(model, row.pair)
        alone.append(swept.values.numpy())
    known = ~np.isnan(mean.values)
    np.testing.assert_allclose(mean.values[known], np.mean(alone, 0)[known], atol=1e-3)
    reading = last(dispatcher.answer(ReadInterventions(TOY, document.rows[0].pair)))
    assert reading.of[0].prompts == 2 * len(TABLE) - 1


NAMED = tuple(
    PairRow(
        replace(row.pair, clean=front + row.pair.clean, corrupted=front + row.pair.corrupted),
        (Role("S", len(front) + 6), Role("seen twice", len(front) + 6), Role("nowhere", 999)),
    )
    for number, row in enumerate(TABLE)
    for front in [" paper" * (number % 3)]
)


@pytest.mark.parametrize("typed", [False, True])
def test_prompts_laid_out_differently_are_matched_by_role(dispatcher, typed):
    """Of a row of the table by its roles; of what is typed, and in no row, where it ends."""
    model = dispatcher.loaded.use(TOY)
    own = NAMED[1].pair
    more = " music" * typed
    own = replace(own, clean=own.clean + more, corrupted=own.corrupted + more)
    document = Document(TOY, replace(own, interventions=(MEAN,)), table=NAMED)
    pair = document.shown.pair
    assert pair.word_roles == (() if typed else NAMED[1].roles)
    reading = last(dispatcher.answer(ReadInterventions(TOY, pair)))
    assert reading.of[0].roles == (("end",) if typed else ("S", "seen twice", "end"))
    found = last(dispatcher.answer(ReadPair(TOY, pair)))
    assert found.clean.metric == pytest.approx(read_pair(model, pair)[0], abs=1e-4)
    run = dispatcher.loaded.run(model, pair.clean_prompt)
    name = "blocks.1.attn.hook_z"
    others = [
        read_activation(Run(model, encode(model, of)).complete(), name)[:, 0]
        for of in pair.reference
        if of.text != own.clean
    ]
    set_to = read_activation(run, name)[:, 0]
    elsewhere = torch.stack([of[1:].mean(0) for of in others]).mean(0)
    expected = elsewhere.expand(len(set_to), -1).clone()
    expected[0] = torch.stack([of[0] for of in others]).mean(0)
    expected[-1] = torch.stack([of[-1] for of in others]).mean(0)
    if not typed:
        least = len(encode(model, Prompt(PAIR.clean)))  # before which others have words in front
        expected[1] = torch.stack([of[len(of) - least] for of in others]).mean(0)
    torch.testing.assert_close(set_to, expected, atol=1e-5, rtol=1e-5)


def test_a_pair_turned_round_keeps_the_words_that_the_table_names(dispatcher):
    own = replace(NAMED[1].pair, interventions=(MEAN,))
    turned = replace(own, clean=own.corrupted, corrupted=own.clean)
    found = []
    for pair in (own, turned):
        document = Document(TOY, pair, table=NAMED)
        reading = last(dispatcher.answer(ReadInterventions(TOY, document.shown.pair)))
        assert "S" in reading.of[0].roles
        read = last(dispatcher.answer(ReadPair(TOY, document.shown.pair)))
        found.append((read.clean.metric, read.corrupted.metric))
    assert found[0] == pytest.approx(found[1][::-1], abs=1e-4)


@pytest.mark.parametrize("at", [0, len(NAMED)])
def test_a_pair_that_is_there_twice_keeps_its_names(dispatcher, at):
    twice = [*NAMED]
    twice.insert(at, replace(NAMED[1], roles=()))
    own = replace(NAMED[1].pair, interventions=(MEAN,))
    first, second = (Document(TOY, own, table=of).shown.pair for of in (NAMED, tuple(twice)))
    assert second.word_roles == first.word_roles
    assert set(second.reference) == set(first.reference)


def test_whoever_names_a_word_end_means_that_word():
    prompt = Prompt(PAIR.clean, word_roles=(Role("end", 6), Role("", 12)))
    model = Dispatcher(1).loaded.use(TOY)
    (found,) = places_of(model, [prompt]).values()
    assert found == {"end": 0, "": 1}
    assert places_of(model, [Prompt(PAIR.clean)]) == {
        tuple(encode(model, prompt).tolist()): {"end": len(encode(model, prompt)) - 1}
    }


@pytest.mark.parametrize("name", ["one", "average", "cell", "evidence", "vocabulary"])
def test_no_question_waits_long_for_the_means(dispatcher, name, monkeypatch):
    averaged = replace(SHOWN, is_average=True)
    questions = {
        "one": ReadPair(TOY, SHOWN.pair),
        "average": averaged.patching(),
        "cell": VerifyCell(SHOWN.patching(RESID_PRE), (1, 4)),
        "evidence": ReadEvidence(TOY, tuple(row.pair for row in averaged.rows)),
        "vocabulary": FindTokens(TOY, SHOWN.pair.clean_prompt, "a"),
    }
    asked, mean = [], Reference.mean

    def known(self, run, name, places):
        asked.append(self._sums[name].batches == len(self._batches))
        return mean(self, run, name, places)

    monkeypatch.setattr(Reference, "mean", known)
    last(dispatcher.answer(questions[name]))
    assert asked
    assert all(asked)


def test_what_needs_no_mean_runs_none(dispatcher):
    model = dispatcher.loaded.use(TOY)
    off = Document(TOY, replace(SHOWN.pair, interventions=(MEAN.on(False),)), table=TABLE).pair
    for of in (off, replace(off, reference=SHOWN.pair.reference)):
        last(dispatcher.answer(ReadPair(TOY, of.acting)))
        last(dispatcher.answer(ReadInterventions(TOY, of)))
    last(dispatcher.answer(ReadInterventions(TOY, SHOWN.pair)))
    assert not dispatcher.loaded.reference(model, SHOWN.pair)._sums


def test_too_few_pairs_are_said_and_the_rest_is_done(dispatcher):
    scaled = Intervention(Site("mlp_out", 0), "scale", strength=0.5)
    few = Document(TOY, replace(PAIR, interventions=(MEAN, scaled)), table=TABLE[:4]).shown.pair
    reading = last(
        dispatcher.answer(ReadInterventions(TOY, replace(few, clean=TABLE[0].pair.clean)))
    )
    assert "at least" in reading.of[0].fault
    assert "there are 7: include more pairs" in reading.of[0].fault
    assert (reading.of[0].prompts, reading.of[1].fault) == (7, "")
    found = last(dispatcher.answer(ReadPair(TOY, replace(few, clean=TABLE[0].pair.clean))))
    assert found.warnings[-1].startswith("Intervention left out: L1H0.z set to its mean")


def test_prompts_that_cannot_be_read_are_left_out(dispatcher):
    long = Prompt(" apple" * 10_000)
    pair = replace(SHOWN.pair, reference=(long, *SHOWN.pair.reference))
    reading = last(dispatcher.answer(ReadInterventions(TOY, pair)))
    assert reading.of[0].fault == ""
    assert reading.of[0].prompts == len(SHOWN.pair.reference)
    model = dispatcher.loaded.use(TOY)
    assert read_pair(model, pair) == pytest.approx(read_pair(model, SHOWN.pair))
    found = last(dispatcher.answer(ReadPair(TOY, pair)))
    assert found.clean.metric == last(dispatcher.answer(ReadPair(TOY, SHOWN.pair))).clean.metric


def test_nothing_of_the_reference_outlives_its_model(dispatcher):
    last(dispatcher.answer(ReadPair(TOY, SHOWN.pair)))
    under = dispatcher.loaded._under
    (kept,) = under._references.values()
    assert kept._sums
    other = tuple(prompt for prompt in SHOWN.pair.reference if "apple" not in prompt.text[:20])
    last(dispatcher.answer(ReadPair(TOY, replace(SHOWN.pair, reference=other))))
    assert not kept._runs
    assert len(under._references) == 2
    last(dispatcher.answer(ReadPair(ModelKey("toy", device="cpu", dtype="float64"), PAIR)))
    assert not under._references
    assert not under._runs


def test_the_users_own_runs_stay(dispatcher):
    last(dispatcher.answer(ReadPair(TOY, PAIR)))
    model = dispatcher.loaded.use(TOY)
    before = dispatcher.loaded.run(model, PAIR.clean_prompt)
    began = perf_counter()
    last(dispatcher.answer(ReadPair(TOY, SHOWN.pair)))
    assert perf_counter() - began < 60
    assert len(dispatcher.loaded._runs) == 2
    assert dispatcher.loaded.run(model, PAIR.clean_prompt) is before


def test_runs_of_means_keep_within_the_users_limit(dispatcher):
    model = dispatcher.loaded.use(TOY)
    last(dispatcher.answer(ReadPair(TOY, SHOWN.pair)))
    reference = dispatcher.loaded.reference(model, SHOWN.pair)
    assert reference._runs
    dispatcher.limit(Limits(1, 4))
    assert not reference._runs
    other = replace(SHOWN.pair, interventions=(Intervention(Site("mlp_out", 0), "mean"),))
    last(dispatcher.answer(ReadPair(TOY, other)))
    assert not reference._runs
    assert len(reference._sums) == 2
