"""The dispatcher reads tables, finds words, and every metric, on a real (toy) model."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from lensgui.analysis.pairs.cases import case_of
from lensgui.analysis.pairs.typed_pairs import read_pair
from lensgui.jobs.handlers import pairs as reading_pairs
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import (
    FindReplacements,
    FindTokens,
    OpenModel,
    Patching,
    ReadPair,
    ReadPairs,
)
from lensgui.prompts.pair import PairRow, Prompt, PromptPair, Role
from lensgui.prompts.tasks import TASKS
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.model_key import ModelKey
from tests.answering import CLEAN, PAIR, TOY, last


def having(**changes):
    fields = {"clean": PAIR.clean, "corrupted": PAIR.corrupted, "answer": " apple"}
    return PromptPair(**{**fields, "distractor": " stone", **changes})


@pytest.fixture(scope="module")
def logits(dispatcher):
    """Reference: plain float64 logits of both prompts at the end, [prompt, d_vocab]."""
    model = dispatcher.loaded.use(TOY)
    with torch.no_grad():
        runs = [model(model.to_tokens(t, prepend_bos=False)) for t in (CLEAN, PAIR.corrupted)]
    return torch.stack([run[0, -1] for run in runs]).double()


@pytest.mark.parametrize("metric", ["probability", "log-probability", "rank", "KL divergence"])
def test_metrics_are_what_plain_logits_give(metric, dispatcher, logits):
    model = dispatcher.loaded.use(TOY)
    apple = model.to_single_token(" apple")
    chances = logits.softmax(-1)
    expected = {
        "probability": chances[:, apple],
        "log-probability": chances[:, apple].log(),
        "rank": (logits > logits[:, [apple]]).sum(-1),
        "KL divergence": (chances[0] * (chances[0].log() - chances.log())).sum(-1),
    }[metric].tolist()
    pair = having(metric=metric, distractor="")
    reading = last(dispatcher.answer(ReadPair(TOY, pair)))
    assert [reading.clean.metric, reading.corrupted.metric] == pytest.approx(expected, abs=1e-4)
    (row,) = last(dispatcher.answer(ReadPairs(TOY, (pair,)))).rows
    assert [row.clean, row.corrupted] == pytest.approx(expected, abs=1e-4)


def test_a_set_of_answers_counts_as_one(dispatcher, logits):
    model = dispatcher.loaded.use(TOY)
    ids = [model.to_single_token(text) for text in (" apple", " house", " stone")]
    pair = having(answer=" apple| house", metric="probability difference")
    chances = logits.softmax(-1)[:, ids]
    expected = chances[:, :2].sum(-1) - chances[:, 2]
    reading = last(dispatcher.answer(ReadPair(TOY, pair)))
    found = [reading.clean.metric, reading.corrupted.metric]
    assert found == pytest.approx(expected.tolist(), abs=1e-4)
    assert reading.answer.text == " apple"


def test_an_answer_of_several_tokens_is_read_as_a_whole(dispatcher):
    model = dispatcher.loaded.use(TOY)
    ids = [model.to_single_token(text) for text in (" apple", " house", " river")]
    expected = []
    for prompt in (CLEAN, PAIR.corrupted):
        tokens = model.to_tokens(prompt, prepend_bos=False)[0].tolist()
        total = 0.0
        for at, token in enumerate(ids):
            with torch.no_grad():
                row = model(torch.tensor([tokens + ids[:at]]))[0, -1].double().log_softmax(-1)
            total += float(row[token])
        expected.append(total)
    pair = having(answer=" apple house river", metric="log-probability")
    reading = last(dispatcher.answer(ReadPair(TOY, pair)))
    found = [reading.clean.metric, reading.corrupted.metric]
    assert found == pytest.approx(expected, abs=1e-4)
    assert reading.clean.top[0].token.text == " apple"
    (row,) = last(dispatcher.answer(ReadPairs(TOY, (pair,)))).rows
    assert [row.clean, row.corrupted] == pytest.approx(expected, abs=1e-4)
    assert row.warning == ""
    with pytest.raises(ValueError, match="can be read but not patched"):
        last(dispatcher.answer(Patching(TOY, pair)))
    with pytest.raises(ValueError, match="can be read but not patched"):
        case_of(model, PairRow(pair))
    refused = last(dispatcher.answer(ReadPair(TOY, replace(pair, metric="logit difference"))))
    assert any("or the metric log-probability" in warning for warning in refused.warnings)


def test_answers_that_share_a_token_are_refused(dispatcher):
    reading = last(dispatcher.answer(ReadPair(TOY, having(answer=" apple| stone"))))
    assert any("share a token" in warning for warning in reading.warnings)
    assert reading.clean.metric is None


def test_surprisals_are_minus_log2_of_plain_probabilities(dispatcher):
    reading = last(dispatcher.answer(ReadPair(TOY, PAIR)))
    model = dispatcher.loaded.use(TOY)
    tokens = model.to_tokens(CLEAN, prepend_bos=False)
    with torch.no_grad():
        chances = model(tokens)[0].double().log_softmax(-1)
    expected = [-float(chances[at, tokens[0, at + 1]]) / math.log(2) for at in range(10)]
    assert reading.clean.surprisals[0] is None
    assert reading.clean.surprisals[1:] == pytest.approx(expected, abs=1e-3)
    assert len(reading.corrupted.surprisals) == 11


def test_a_table_is_read_row_by_row_and_bad_rows_say_why(dispatcher):
    pairs = (
        PAIR,
        having(clean=PAIR.corrupted, corrupted=PAIR.clean),
        having(corrupted=CLEAN + " apple"),
        having(answer=" apple stone"),
        having(clean="", corrupted=""),
        having(clean=CLEAN * 200),
    )
    reading = last(dispatcher.answer(ReadPairs(TOY, pairs)))
    assert reading.total == len(reading.rows) == 6
    assert [row.is_right for row in reading.rows] == [True, False, True, None, None, None]
    right, wrong, uneven, two, empty, long = reading.rows
    assert (right.clean, right.corrupted) == pytest.approx((wrong.corrupted, wrong.clean))
    assert right.lengths == (11, 11)
    assert right.warning == ""
    assert "11 tokens and the corrupted one 12" in uneven.warning
    assert "2 tokens" in two.warning
    assert "empty" in empty.warning
    assert "shorten it" in long.warning


def test_a_table_is_read_under_interventions(dispatcher):
    """As each pair is alone; a row says which of them can't be done in it."""
    listed = (
        Intervention(Site("z", 1, 0), "zero"),
        Intervention(Site("mlp_out", 0), "scale", "last", 0.3),
        Intervention(Site("z", 0, 2), "resample", runs="corrupted"),
    )
    pairs = (
        having(clean=CLEAN * 200),
        PAIR,
        having(corrupted=CLEAN + " apple"),
        having(corrupted=""),
        having(answer=""),
    )
    under = tuple(replace(pair, interventions=listed) for pair in pairs)
    shown = replace(PAIR, interventions=listed)
    last(dispatcher.answer(ReadPair(TOY, shown)))
    model = dispatcher.loaded.use(TOY)
    own = dispatcher.loaded.run(model, shown.clean_prompt)
    rows = last(dispatcher.answer(ReadPairs(TOY, under))).rows
    assert dispatcher.loaded.run(model, shown.clean_prompt) is own  # which a long table leaves
    plain = last(dispatcher.answer(ReadPairs(TOY, pairs))).rows
    long, first, uneven, alone, open_ = rows
    assert "shorten it" in long.warning
    assert (first.clean, first.corrupted) == pytest.approx(read_pair(model, under[1]), abs=1e-4)
    assert first.warning == ""
    assert abs(first.clean - plain[1].clean) > 1e-2
    assert uneven.warning.startswith("Intervention left out: L0H2.z as in the other prompt")
    fewer = replace(under[2], interventions=listed[:2])
    assert (uneven.clean, uneven.corrupted) == pytest.approx(read_pair(model, fewer), abs=1e-4)
    assert alone.corrupted is None
    assert alone.clean == pytest.approx(first.clean, abs=1e-4)
    assert open_.clean == pytest.approx(read_pair(model, under[4])[0], abs=1e-4)


def test_the_rest_is_read_if_the_first_pair_can_not_be(dispatcher):
    off = (Intervention(Site("z", 1, 0), "zero"),)
    pairs = tuple(replace(of, interventions=off) for of in (having(clean=CLEAN * 200), PAIR))
    rows = last(dispatcher.answer(ReadPairs(TOY, pairs))).rows
    assert rows[1].clean == pytest.approx(read_pair(dispatcher.loaded.model, pairs[1])[0], abs=1e-4)


def test_rows_that_were_read_are_kept_within_bounds(dispatcher, monkeypatch):
    monkeypatch.setattr(reading_pairs, "MOST_READ", 2)
    pairs = tuple(row.pair for row in TASKS[-1].draw(4, seed=9))
    found = last(dispatcher.answer(ReadPairs(TOY, pairs)))
    assert len(found.rows) == 4
    assert list(dispatcher.loaded.readings)[-4:] == list(pairs)  # a whole table stays
    last(dispatcher.answer(ReadPairs(TOY, pairs[:1])))
    last(dispatcher.answer(ReadPairs(TOY, (PAIR,))))
    assert len(dispatcher.loaded.readings) <= 4


def test_a_row_is_read_once(dispatcher):
    pairs = tuple(row.pair for row in TASKS[-1].draw(3, seed=8))
    answers = list(dispatcher.answer(ReadPairs(TOY, pairs)))
    assert None in answers
    again = list(dispatcher.answer(ReadPairs(TOY, (*pairs, pairs[0]))))
    assert again[-1].rows == (*answers[-1].rows, answers[-1].rows[0])
    assert None not in again


def test_tokens_are_found_by_what_they_contain(dispatcher):
    matches = last(dispatcher.answer(FindTokens(TOY, Prompt(CLEAN), "APP")))
    assert matches.found[0].token.text == " apple"
    assert matches.total == len(matches.found)
    assert all("app" in likely.token.text.casefold() for likely in matches.found)
    every = last(dispatcher.answer(FindTokens(TOY, Prompt(CLEAN), "")))
    assert every.total == dispatcher.loaded.use(TOY).cfg.d_vocab_out
    chances = [likely.probability for likely in every.found]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.5
    assert last(dispatcher.answer(FindTokens(TOY, Prompt(""), "zzzzzz"))).found == ()


def test_replacements_give_both_prompts_as_many_tokens(dispatcher):
    longer = having(corrupted=CLEAN.replace("apple", "apple green", 1))
    found = last(dispatcher.answer(FindReplacements(TOY, longer))).found
    assert found
    for choice in found:
        reading = last(dispatcher.answer(ReadPair(TOY, having(corrupted=choice.corrupted))))
        assert len(reading.corrupted.tokens) == len(reading.clean.tokens)
        assert choice.new in choice.corrupted
    assert last(dispatcher.answer(FindReplacements(TOY, PAIR))).found == ()


def test_of_several_changed_words_the_one_of_another_length_is_replaced(dispatcher):
    clean = " table green seven music apple house river table green seven music"
    corrupted = clean.replace("green seven music apple", "stone seven music apple house")
    pair = PromptPair(clean, corrupted, " apple", " stone")
    found = last(dispatcher.answer(FindReplacements(TOY, pair))).found
    assert found
    for choice in found:
        assert choice.corrupted.startswith(" table stone seven music")  # the other change stays
        assert len(choice.corrupted.split()) == len(clean.split())


def test_words_beyond_the_vocabulary_are_refused(dispatcher):
    reading = last(dispatcher.answer(ReadPair(TOY, having(answer=" xylophone"))))
    assert reading.answer is None
    assert any("not in the model's vocabulary" in warning for warning in reading.warnings)


@pytest.mark.parametrize("bos", [False, True])
def test_a_row_becomes_a_case_with_roles_at_their_last_tokens(dispatcher, bos):
    model = dispatcher.loaded.use(TOY)
    words = ("table", "music", "apple", "river")
    roles = [Role(word, CLEAN.index(word) + len(word)) for word in words]
    row = PairRow(having(bos=bos), (*roles, Role("end", len(CLEAN))))
    case = case_of(model, row)
    words = model.to_str_tokens(row.pair.clean, prepend_bos=bos)
    assert len(case.clean) == len(case.corrupted) == len(words)
    assert all(words[case.roles[role.name]].strip() == role.name for role in roles)
    assert case.roles["end"] == len(words) - 1
    assert case.metric.answer == (model.to_single_token(row.pair.answer),)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"answer": ""}, "an answer in every row"),
        ({"answer": "", "distractor": ""}, "an answer and a distractor in every row"),
        ({"corrupted": CLEAN + " apple"}, "11 tokens and the corrupted one 12"),
        ({"corrupted": ""}, "empty"),
        ({"answer": " apple stone"}, "2 tokens"),
    ],
)
def test_a_row_that_is_no_case_is_named(dispatcher, changes, match):
    with pytest.raises(ValueError, match=match) as caught:
        case_of(dispatcher.loaded.use(TOY), PairRow(having(**changes)))
    assert str(caught.value).startswith("Pair “…")


def test_roles_beyond_the_text_are_left_out(dispatcher):
    roles = (Role("a", 6), Role("far", 1000))
    assert case_of(dispatcher.loaded.use(TOY), PairRow(PAIR, roles)).roles == {"a": 0}


def test_the_card_says_how_many_digits_make_a_token(dispatcher):
    assert last(dispatcher.answer(OpenModel(TOY))).digits == 0  # words only


@pytest.mark.demo
def test_the_demo_model_reads_digit_by_digit():
    assert last(Dispatcher(threads=1).answer(OpenModel(ModelKey()))).digits == 1


def test_words_of_another_sentence_are_no_replacements(dispatcher):
    other = replace(PAIR, corrupted="quite another sentence of words that nobody asked about here")
    assert last(dispatcher.answer(FindReplacements(TOY, other))).found == ()
