"""The dispatcher reads heads, edges and MLPs of a real (toy) model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lensgui.analysis.heads.copied import drawn_tokens
from lensgui.analysis.heads.copying import copying_scores
from lensgui.analysis.heads.evidence import mean_output_norms
from lensgui.analysis.heads.repeated import repeated_tokens, score_on_repeats
from lensgui.analysis.pairs.typed_pairs import run_prompt
from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.handlers.reading import head_scores
from lensgui.jobs.requests import (
    OutputNorms,
    ReadEdge,
    ReadEvidence,
    ReadHead,
    ReadMLP,
    ReadPair,
    ScoreHeads,
)
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.scores import MODEL_SCORES
from tests.answering import PAIR, TOY, last

INDUCTION = (1, 0, 10)  # layer, head, position: it looks at what followed " music" last time


def test_an_induction_heads_edges_add_up_and_one_does_the_work(dispatcher):
    head = last(dispatcher.answer(ReadHead(TOY, PAIR, *INDUCTION)))
    edges = [
        last(dispatcher.answer(ReadEdge(TOY, PAIR, *INDUCTION, source))) for source in range(11)
    ]
    assert sum(edge.contribution for edge in edges) == pytest.approx(head.attribution, abs=1e-4)
    assert max(range(11), key=lambda source: edges[source].contribution) == 4
    assert edges[4].promoted[0][0].text == " apple"
    assert [edge.attention for edge in edges] == pytest.approx(head.attention, abs=1e-6)


def test_what_a_head_looks_for_comes_after_what_it_writes(dispatcher):
    answers = [a for a in dispatcher.answer(ReadHead(TOY, PAIR, *INDUCTION)) if a is not None]
    assert answers[0].sought == ()
    assert len(answers[-1].sought) == 8
    sizes = [size for _, size in answers[-1].sought]
    assert sizes == sorted(sizes, reverse=True)


def test_an_mlp_is_read_with_its_neurons(dispatcher):
    reading = last(dispatcher.answer(ReadMLP(TOY, PAIR, 1, 10)))
    assert reading.attribution is not None
    sizes = [abs(neuron.attribution) for neuron in reading.neurons]
    assert sizes == sorted(sizes, reverse=True)
    assert reading.promoted[0][1] > 0 > reading.suppressed[0][1]


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (ReadMLP(TOY, PAIR, 7, 3), r"There is no layer 7"),
        (ReadMLP(TOY, PAIR, 1, 30), r"There is no position 30"),
        (ReadEdge(TOY, PAIR, 1, 1, 10, 40), r"There is no position 40"),
        (ReadEdge(TOY, PAIR, 1, 9, 10, 4), r"There is no head L1H9"),
    ],
)
def test_places_that_are_not_there_are_refused(dispatcher, request_, sentence):
    with pytest.raises(ValueError, match=sentence):
        list(dispatcher.answer(request_))


def test_heads_are_scored_whatever_the_prompt_and_copying_comes_last(
    monkeypatch, tmp_path, dispatcher
):
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path))
    found = [answer for answer in dispatcher.answer(ScoreHeads(TOY)) if answer is not None]
    assert np.isnan(found[0].measures.copying).all()
    assert np.isfinite(found[-1].measures.copying).all()
    model = dispatcher.loaded.use(TOY)
    scores = last(score_on_repeats(model, repeated_tokens(model)))
    np.testing.assert_allclose(found[-1].measures.induction, scores.scores[2], atol=1e-6)
    assert found[-1].queries == scores.queries
    known = [(of.copied is not None, of.raw_copying is not None) for of in found]
    assert known == [(False, False), (True, False), (True, True), (True, True)]
    assert found[-1].copied.shape == (2, *found[-1].measures.copying.shape)
    assert [len(of.unsettled) for of in found] == [4, 2, 1, 0]


def test_scores_are_estimated_from_a_part_until_they_are_known(monkeypatch, tmp_path, dispatcher):
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path))
    monkeypatch.setattr(head_scores, "VOCABULARY_SAMPLE", 24)
    about = last(dispatcher.answer(ScoreHeads(TOY, from_a_part=True)))
    exact = last(dispatcher.answer(ScoreHeads(TOY)))
    model = dispatcher.loaded.use(TOY)
    for answer, tokens in (about, drawn_tokens(model, 24)), (exact, None):
        expected = last(copying_scores(model, tokens))
        np.testing.assert_allclose(answer.measures.copying, expected, atol=1e-6)
        expected = last(copying_scores(model, tokens, raw=True))
        np.testing.assert_allclose(answer.raw_copying, expected, atol=1e-6)
        assert answer.vocabulary == (0 if tokens is None else 24)
    assert np.abs(about.measures.copying - exact.measures.copying).max() > 1e-3
    assert (about.prompts, about.tokens, about.unsettled) == (1, 20, MODEL_SCORES)
    assert exact.prompts == 4
    again = last(dispatcher.answer(ScoreHeads(TOY, from_a_part=True)))
    np.testing.assert_array_equal(again.measures.copying, exact.measures.copying)
    assert again.unsettled == ()


def test_output_norms_are_means_over_positions_and_prompts(dispatcher):
    alone = last(dispatcher.answer(OutputNorms(TOY, PAIR)))
    model = dispatcher.loaded.use(TOY)
    expected = mean_output_norms(run_prompt(model, PAIR.clean_prompt))
    np.testing.assert_allclose(alone.values, expected, rtol=1e-5)
    other = last(dispatcher.answer(OutputNorms(TOY, PAIR, "corrupted")))
    difference = last(dispatcher.answer(OutputNorms(TOY, PAIR, "difference")))
    np.testing.assert_allclose(difference.values, alone.values - other.values, atol=1e-4)
    turned = replace(PAIR, clean=PAIR.corrupted, corrupted=PAIR.clean)
    rows = (PairRow(PAIR), PairRow(turned))
    mean = last(dispatcher.answer(OutputNorms(TOY, PromptPair(""), rows=rows)))
    np.testing.assert_allclose(mean.values, (alone.values + other.values) / 2, rtol=1e-5)
    one = last(dispatcher.answer(OutputNorms(TOY, PromptPair(" a"))))
    assert (one.states == CellState.NOT_FINITE).all()


def test_evidence_grows_pair_by_pair_and_passes_over_what_cannot_be_read(dispatcher):
    broken = replace(PAIR, answer=" apple", distractor=" apple")
    pairs = (PAIR, broken, replace(PAIR, clean=PAIR.corrupted))
    found = [answer for answer in dispatcher.answer(ReadEvidence(TOY, pairs)) if answer is not None]
    assert [part.read for part in found] == [1, 2, 3]
    assert [len(part.measures) for part in found] == [1, 1, 2]
    alone = [
        last(dispatcher.answer(ReadEvidence(TOY, (pair,)))).attribution
        for pair in (pairs[0], pairs[2])
    ]
    np.testing.assert_allclose(found[-1].attribution, np.mean(alone, 0), atol=1e-5)
    with pytest.raises(ValueError, match="choose two answers"):
        list(dispatcher.answer(ReadEvidence(TOY, (broken,))))


def test_shares_are_of_the_size_of_the_metric(dispatcher):
    turned = replace(PAIR, answer=PAIR.distractor, distractor=PAIR.answer)
    some, other = (last(dispatcher.answer(ReadEvidence(TOY, (pair,)))) for pair in (PAIR, turned))
    np.testing.assert_allclose(some.measures[0].share, -other.measures[0].share, atol=1e-6)
    clean = last(dispatcher.answer(ReadPair(TOY, PAIR))).clean
    np.testing.assert_allclose(
        some.measures[0].share, some.attribution / abs(clean.metric), atol=1e-5
    )


def test_scores_are_kept_for_as_long_as_the_weights_are_the_same(monkeypatch, tmp_path, dispatcher):
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path))
    first = [answer for answer in dispatcher.answer(ScoreHeads(TOY)) if answer is not None]
    (kept,) = (tmp_path / "heads").iterdir()
    again = [answer for answer in dispatcher.answer(ScoreHeads(TOY)) if answer is not None]
    assert [len(first), len(again)] == [4, 1]
    for name in ("previous", "duplicate", "induction", "copying"):
        some, other = (getattr(found.measures, name) for found in (first[-1], again[-1]))
        np.testing.assert_array_equal(some, other)
    for name in ("raw_copying", "copied", "tokens"):
        some, other = (getattr(found, name) for found in (first[-1], again[-1]))
        np.testing.assert_array_equal(some, other)
    assert again[0].queries == first[-1].queries
    for broken in ('{"versions": 1}', "[]", kept.read_text().replace('"copying"', '"moving"')):
        kept.write_text(broken)
        found = [answer for answer in dispatcher.answer(ScoreHeads(TOY)) if answer is not None]
        assert len(found) == 4
