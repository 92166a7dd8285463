"""What is asked on and on, as a slider does, is brought to its end one question at a time."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat

import pytest

from lensgui.jobs.answers.readings import PairReading, PromptReading
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.board import Board
from lensgui.jobs.kept import Kept
from lensgui.jobs.requests import AttentionGrid, ReadPair
from lensgui.jobs.tickets import Tickets
from lensgui.jobs.worker import Running, _waiting_time
from lensgui.prompts.pair import PromptPair
from lensgui.terms.interventions import Intervention, Site
from lensgui.terms.model_key import ModelKey

MODEL, PAIR = ModelKey("fake"), PromptPair("a b c", "a x c")
TOKENS = PairReading(PromptReading(()))
WHOLE = replace(TOKENS, complete=True)


def read(strength):
    one = Intervention(Site("mlp_out", 1), "scale", strength=strength)
    return ReadPair(MODEL, replace(PAIR, interventions=(one,)))


@pytest.fixture
def board():
    return Board(Tickets(), Kept())


def begun(board, channel, request, answer=TOKENS):
    """Have a question begun, with what is known of it."""
    job, _ = board.join(channel, Reply(request))
    job.take(replace(job.reply, answer=answer, status="partial"))
    return job


def test_one_question_of_a_channel_is_left_to_its_end_and_later_ones_are_dropped(board):
    first = begun(board, "a", read(1.0))
    board.release("a", read(1.0))
    second = begun(board, "a", read(2.0))
    board.release("a", read(2.0))
    assert board.job(first.ticket) is first
    assert board.job(second.ticket) is None
    board.let_go(first)
    assert board.job(first.ticket) is first  # it has said its tokens alone
    first.take(replace(first.reply, answer=WHOLE))
    board.let_go(first)
    assert board.job(first.ticket) is None
    third = begun(board, "a", read(3.0))
    board.release("a", read(3.0))
    assert board.job(third.ticket) is third


def test_everybody_who_left_a_question_hears_of_its_end(board):
    job = begun(board, "a", read(1.0))
    board.join("b", Reply(read(1.0)))
    for channel in ("a", "b"):
        board.release(channel, read(1.0))
    assert job.left == {"a", "b"}
    board.join("a", Reply(read(1.0)))
    assert job.left == {"b"}


def test_what_says_enough_already_is_not_left_for_more(board):
    job = begun(board, "a", read(1.0), WHOLE)
    board.release("a", read(1.0))
    assert board.job(job.ticket) is None


@pytest.mark.parametrize(
    ("status", "answer", "older", "yields"),
    [
        ("waiting", None, WHOLE, True),
        ("partial", TOKENS, WHOLE, True),
        ("partial", TOKENS, TOKENS, False),
        ("whole", WHOLE, WHOLE, False),
    ],
)
def test_an_older_metric_is_shown_until_there_is_a_newer_one(status, answer, older, yields):
    now = Reply(read(2.0), answer, status)
    assert now.yields_to(Reply(read(1.0), older, "partial")) == yields


def test_an_older_metric_of_other_prompts_does_not_replace_new_tokens():
    other = ReadPair(MODEL, PromptPair("another"))
    assert not Reply(read(2.0), TOKENS, "partial").yields_to(Reply(other, WHOLE, "whole"))


def test_tokens_alone_do_not_replace_what_was_known_of_the_same_prompts():
    shown = Reply(read(1.0), WHOLE, "whole").followed_by(read(2.0))
    assert Reply(read(2.0), TOKENS, "partial").or_else(shown) is shown
    newer = Reply(read(2.0), WHOLE, "partial")
    assert newer.or_else(shown) is newer
    whole = Reply(read(2.0), TOKENS, "whole")  # of a prompt without answers
    assert whole.or_else(shown) is whole
    other = Reply(ReadPair(MODEL, PromptPair("another")), WHOLE, "whole").followed_by(read(2.0))
    assert Reply(read(2.0), TOKENS, "partial").or_else(other).answer is TOKENS
    first = Reply(read(2.0), TOKENS, "partial")
    assert first.or_else(Reply(read(2.0))) is first


def test_a_question_left_behind_is_let_go_once_it_says_enough(runner, answerer, heard):
    """Else what it would say next keeps all that is asked later from being brought to its end."""
    answerer.answer = lambda request: repeat(None)  # nothing is said but by this test
    shown = []
    for strength in range(1, 5):
        runner.submit("metric", read(float(strength)))
        job = runner.board.job(max(of.ticket for of in runner.board))
        runner._answer(job.ticket, TOKENS)
        shown.append(job)
        if strength > 1:
            before = shown[-2]
            assert runner.board.job(before.ticket) is before
            runner._answer(before.ticket, replace(WHOLE, warnings=(str(strength),)))
            assert runner.board.job(before.ticket) is None
            assert heard[-1][2].answer.warnings == (str(strength),)


def test_what_has_begun_goes_before_what_was_asked_since_until_it_says_enough():
    old, grid = Running(1, read(1.0), iter(())), Running(2, AttentionGrid(MODEL, PAIR))
    new, tokens = Running(3, read(2.0), iter(())), Running(4, read(3.0))
    order = sorted((new, grid, old, tokens), key=_waiting_time)
    assert order == [tokens, old, grid, new]
    old.says_enough = True
    assert sorted((grid, old), key=_waiting_time) == [grid, old]
