"""Random keys while grids and prompts are read, or left: each is what it is from nothing."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from lensgui.analysis.run import rows, run
from lensgui.jobs.handlers import loaded
from lensgui.jobs.handlers.attention import answers, drawing
from lensgui.jobs.handlers.dispatch import Dispatcher
from lensgui.jobs.requests import AttentionGrid, ReadPair
from tests.answering import last
from tests.jobs.test_typing import MODEL, PAIR, WORDS

TYPISTS, KEYS = 40, 40


@pytest.fixture
def settings(monkeypatch):
    """So that prompts of some words are as long ones are, in another way for each typist."""

    def choose(dice):
        monkeypatch.setattr(drawing, "ATLAS_SIDE", 6)
        monkeypatch.setattr(loaded, "SHORT", 4)
        for module in (rows, run):
            monkeypatch.setattr(module, "FEW", 3)
        monkeypatch.setattr(drawing, "AT_ONCE", dice.choice([200, 2000, 1 << 19]))
        monkeypatch.setattr(answers, "PACE_S", dice.choice([0.0, 0.002, 60.0]))

    return choose


def typed(words, dice):
    """Put in a word or take one out, mostly at the end; return the pair."""
    at = dice.choice([len(words)] * 3 + [dice.randrange(1, len(words))])
    if dice.random() < 0.3 and len(words) > 4:
        del words[at - 1]
    else:
        words.insert(at, dice.choice(WORDS))
    corrupted = "".join(words[:-1]) + dice.choice(WORDS)
    return replace(PAIR, clean="".join(words), corrupted=corrupted, answer="", distractor="")


def looked_at(dice):
    """What of attention is looked at: only grids of one kind take over from each other."""
    return {
        "side": dice.choice(["clean", "corrupted", "difference"]),
        "hide_first": dice.random() < 0.5,
        "measure": dice.choice(["pattern", "pattern", "scores", "values", "writes"]),
    }


def left_half_way(answers_of, dice):
    """Some steps of some answers."""
    for answer in answers_of:
        for _ in range(dice.randrange(12)):
            next(answer, None)


def check(dispatcher, questions):
    """Whether what is answered now is what a dispatcher that knows nothing answers."""
    (ours, read), (fresh, read_fresh) = (
        [last(of.answer(question)) for question in questions] for of in (dispatcher, Dispatcher(1))
    )
    np.testing.assert_allclose(ours.values.astype(int), fresh.values.astype(int), atol=1)
    np.testing.assert_allclose(ours.scores, fresh.scores, atol=2e-5)
    both = (of.clean.surprisals[1:] for of in (read, read_fresh))
    np.testing.assert_allclose(*both, atol=1e-4)


def test_whatever_is_typed_and_left_the_next_answer_is_right(share, settings):
    compared = 0
    for seed in range(max(1, round(TYPISTS * share))):
        dice, words, left = random.Random(seed), list(WORDS * 3), []
        settings(dice)
        dispatcher, way = Dispatcher(1), looked_at(dice)
        for _ in range(KEYS):
            pair = typed(words, dice)
            way = looked_at(dice) if dice.random() < 0.15 else way
            questions = AttentionGrid(MODEL, pair, **way), ReadPair(MODEL, pair)
            if dice.random() < 0.5:
                left += [dispatcher.answer(question) for question in questions]
                left_half_way(left[-2:], dice)
            else:
                check(dispatcher, questions)
                compared += 1
                left_half_way(left[-4:], dice)
        for answer in left:
            answer.close()
    print(f"{compared} grids and prompts are what they are from nothing")
