"""What was answered once is there at once when it is asked again."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest

from lensgui.jobs.kept import OBJECT_BYTES, Kept, size_of
from lensgui.jobs.requests import OpenModel, Patching, ReadPair
from lensgui.jobs.runner import Runner
from lensgui.prompts.pair import PromptPair
from lensgui.terms.model_key import MEMORY, ModelKey
from tests.answering import last
from tests.fakes import FakeAnswerer

MODEL = ModelKey("fake")
PAIR = PromptPair("a b c d", "a b x d")
OTHER = PromptPair("a b c d", "a b y d")


def reading(text: str) -> ReadPair:
    return ReadPair(MODEL, PromptPair(text))


def answer(request):
    return last(FakeAnswerer().answer(request))


@pytest.fixture
def settle(runner, qtbot):
    """Ask a question in a channel, and wait until it is answered."""

    def ask(request, channel="a", **how):
        if channel in runner.replies and runner.replies[channel].request == request:
            return runner.replies[channel]
        with qtbot.waitSignal(runner.settled):
            runner.submit(channel, request, **how)
        return runner.replies[channel]

    return ask


@pytest.mark.parametrize("when_quiet", [False, True])
def test_going_back_needs_no_job(runner, answerer, settle, when_quiet):
    first, second = Patching(MODEL, PAIR), Patching(MODEL, OTHER)
    known = settle(first).known
    settle(second)
    runner.submit("a", first, when_quiet=when_quiet)
    assert runner.replies["a"].known is known
    assert runner.replies["a"].status == "whole"
    assert not runner.is_busy
    assert answerer.asked == [first, second]


def test_a_sweep_with_its_estimates_answers_one_without(runner, answerer, settle):
    whole = Patching(MODEL, PAIR)
    known = settle(whole).known
    for channel in "ba":  # while the first is still shown, and once it is not
        runner.submit(channel, replace(whole, is_estimated=False))
        assert runner.replies[channel].known is known
    assert answerer.asked == [whole]
    plain = Patching(MODEL, OTHER, is_estimated=False)
    settle(plain)
    settle(replace(plain, is_estimated=True), "b")  # estimates are not known from it
    assert answerer.asked == [whole, plain, replace(plain, is_estimated=True)]


def test_all_cells_of_a_sweep_answer_for_one_that_has_settled(runner, answerer, settle):
    settled = Patching(MODEL, PAIR)
    whole = replace(settled, is_whole=True)
    some, every = settle(settled).known, settle(whole).known
    assert some is not every
    runner.cancel("a")  # so that both are kept, and neither is shown
    for request in (replace(settled, is_estimated=False), settled):
        runner.submit("b", request)
        assert runner.replies["b"].known is every
    assert answerer.asked == [settled, whole]


def test_what_a_channel_let_go_is_known_to_another(runner, answerer, settle):
    request = Patching(MODEL, PAIR)
    known = settle(request).known
    runner.cancel("a")
    runner.submit("b", request)
    assert runner.replies["b"].known is known
    assert answerer.asked == [request]


def test_what_was_left_half_way_or_failed_is_asked_anew(runner, answerer, settle, qtbot):
    answerer.is_gated = True
    request = Patching(MODEL, PAIR)
    runner.submit("a", request)
    qtbot.waitUntil(lambda: request in answerer.asked)
    runner.cancel("a")
    answerer.is_gated = False
    answerer.gate.release(100)
    assert settle(request).status == "whole"
    answerer.broken[ReadPair] = ValueError("No.")
    assert settle(reading("a")).status == "failed"
    settle(reading("b"))
    answerer.broken.clear()
    assert settle(reading("a")).status == "whole"


def test_a_model_is_opened_every_time(runner, answerer, settle):
    for key in (MODEL, ModelKey("another"), MODEL):
        settle(OpenModel(key))
    assert len(answerer.asked) == 3


def test_the_oldest_is_forgotten_within_so_many_bytes():
    requests = [reading(letter) for letter in "abcd"]
    answers = [answer(request) for request in requests]
    kept = Kept(limit=3 * size_of(answers[0]))
    for request, found in zip(requests[:3], answers, strict=False):
        kept.keep(kept.name(request), found)
    assert kept.find(requests[0]) is answers[0]  # which makes it the newest
    kept.keep(kept.name(requests[3]), answers[3])
    assert kept.find(requests[1]) is None
    assert kept.find(requests[0]) is answers[0]
    assert kept.nbytes <= kept.limit


def test_an_answer_that_is_too_large_is_not_kept_and_forgets_nothing():
    small, large = reading("a"), Patching(MODEL, PAIR)
    found = answer(small)
    kept = Kept(limit=size_of(found))
    kept.keep(kept.name(small), found)
    kept.keep(kept.name(large), answer(large))
    assert kept.find(large) is None
    assert kept.find(small) is found


def test_answers_about_a_model_in_memory_count_for_its_weights():
    versions = [0]
    kept = Kept(version=lambda: versions[0])
    mine, file = (ReadPair(ModelKey(source), PAIR) for source in (f"{MEMORY}mine", "fake"))
    asked = {request: kept.name(request) for request in (mine, file)}
    versions[0] += 1  # while it was answered, or after: either way it is not of these weights
    for request, name in asked.items():
        kept.keep(name, answer(request))
    assert kept.find(mine) is None
    assert kept.find(file) is not None


def test_the_size_is_that_of_all_arrays_and_texts():
    @dataclass
    class Made:
        numbers: np.ndarray
        names: tuple[str, ...]
        more: dict[str, np.ndarray]

    made = Made(np.zeros(1000), ("a" * 500,) * 2, {"b": np.zeros(10, np.float32)})
    parts = 8000 + 1000 + 41
    assert parts < size_of(made) <= parts + 10 * OBJECT_BYTES


def test_a_runner_keeps_what_it_is_given_room_for(answerer, qtbot):
    runner = Runner(lambda: answerer, Kept(limit=0))
    for pair in (PAIR, OTHER, PAIR):
        with qtbot.waitSignal(runner.settled):
            runner.submit("a", Patching(MODEL, pair))
    assert len(answerer.asked) == 3
    assert runner.close(5000)


def test_a_folder_that_was_written_anew_is_asked_anew_once_it_is_opened_again(
    runner, answerer, settle, tmp_path, qtbot
):
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"one")
    os.utime(weights, (1, 1))
    model = ModelKey(str(tmp_path))
    request = Patching(model, PAIR)

    def look():
        settle(OpenModel(MODEL), "model")
        settle(OpenModel(model), "model")
        runner.submit("a", request)
        qtbot.waitUntil(lambda: not runner.is_busy)
        runner.cancel("a")
        return answerer.asked.count(request)

    os.utime(tmp_path, (1, 1))
    assert look() == look() == 1
    os.utime(weights, (2, 2))
    assert look() == look() == 2


def test_an_answer_of_a_file_is_shown_as_one_until_it_is_worked_out_here(
    runner, answerer, settle, qtbot
):
    request, theirs = Patching(MODEL, PAIR), answer(Patching(MODEL, OTHER))
    runner.board.take(request, theirs)
    for channel in "ab":
        runner.submit(channel, request)
        assert runner.replies[channel].known is theirs
        assert runner.replies[channel].is_from_file
    settle(Patching(MODEL, OTHER))  # in the place of "a"
    runner.cancel("b")
    runner.submit("a", request)
    assert runner.replies["a"].is_from_file  # it has been kept meanwhile
    assert request not in answerer.asked
    with qtbot.waitSignal(runner.settled):
        runner.retry(request)
    assert not runner.replies["a"].is_from_file
    np.testing.assert_array_equal(runner.replies["a"].known.values, answer(request).values)
    runner.cancel("a")
    runner.submit("a", request)
    assert not runner.replies["a"].is_from_file
    assert answerer.asked.count(request) == 1


def test_what_is_known_here_is_not_replaced_by_what_a_file_has(runner, answerer, settle):
    request = Patching(MODEL, PAIR)
    known = settle(request).known
    theirs = answer(Patching(MODEL, OTHER))
    for _ in range(2):  # while it is shown, and once it is not
        runner.board.take(request, theirs)
        assert runner.board.known(request) is known
        runner.cancel("a")
    runner.submit("a", request)
    assert not runner.replies["a"].is_from_file


def test_what_a_file_has_takes_its_share_of_the_room():
    theirs = answer(Patching(MODEL, PAIR))
    kept = Kept(limit=size_of(theirs) * 2)
    requests = [Patching(MODEL, PromptPair(text, "x")) for text in "abc"]
    for request in requests:
        kept.keep(kept.name(request), theirs, is_from_file=True)
    assert [kept.find(request) is theirs for request in requests] == [False, True, True]
    assert [kept.is_from_file(request) for request in requests] == [False, True, True]
    kept.keep(kept.name(requests[1]), theirs)
    assert not kept.is_from_file(requests[1])
    kept.forget(requests[1])
    kept.forget(requests[2])
    assert kept.nbytes == 0
