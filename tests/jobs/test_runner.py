from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from lensgui.jobs.answers.arrays import Sweep
from lensgui.jobs.answers.models import ModelCard
from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.progress import Progress
from lensgui.jobs.requests import LogitLens, OpenModel, Patching, ReadPair
from lensgui.jobs.runner import STOPPED, Runner
from lensgui.prompts.pair import PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import ModelKey
from tests.counting import Clock

MODEL = ModelKey("fake")
PAIR = PromptPair("a b c d", "a b x d")
SWEEP = Patching(MODEL, PAIR)
READ = ReadPair(MODEL, PAIR)


def names(heard, channel):
    return [name for name, to, _ in heard if to == channel]


def answers(heard, channel):
    found = [reply.known for _, to, reply in heard if to == channel and reply is not None]
    return [
        what
        for at, what in enumerate(found)
        if what is not None and all(what is not old for old in found[:at])
    ]


def hold(answerer, runner, qtbot, channel="a", request=SWEEP):
    """Start a sweep and wait until it stands before its gate."""
    answerer.is_gated = True
    runner.submit(channel, request)
    qtbot.waitUntil(lambda: request in answerer.asked)


def test_a_request_is_answered_and_settles(runner, heard, qtbot):
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", OpenModel(MODEL))
    assert names(heard, "a") == ["waiting", "partial", "whole"]
    assert isinstance(answers(heard, "a")[0], ModelCard)
    assert not runner.is_busy


def test_the_last_answer_of_a_sweep_is_whole(runner, heard, qtbot):
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", SWEEP)
    last = answers(heard, "a")[-1]
    assert isinstance(last, Sweep)
    assert last.done == last.total


def test_equal_requests_run_once_and_fan_out(runner, answerer, heard, qtbot):
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", SWEEP)
        runner.submit("b", Patching(ModelKey("fake"), PromptPair("a b c d", "a b x d")))
    assert answerer.asked == [SWEEP]
    assert answers(heard, "a")[-1] is answers(heard, "b")[-1]
    assert "whole" in names(heard, "b")


def test_who_asks_late_gets_the_latest_answer_at_once(runner, answerer, heard, qtbot):
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", SWEEP)
    runner.submit("b", SWEEP)
    assert names(heard, "b") == ["whole"]
    assert answerer.asked == [SWEEP]


def test_asking_the_same_again_does_nothing(runner, answerer, heard, qtbot):
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", READ)
    before = len(heard)
    runner.submit("a", READ)
    assert len(heard) == before
    assert answerer.asked == [READ]


def test_a_newer_request_cancels_the_older(runner, answerer, heard, qtbot):
    hold(answerer, runner, qtbot)
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", READ)
        answerer.gate.release()
    assert answerer.left == [SWEEP]
    assert not any(isinstance(answer, Sweep) for answer in answers(heard, "a")[1:])


def test_a_request_lives_as_long_as_one_channel_wants_it(runner, answerer, heard, qtbot):
    hold(answerer, runner, qtbot)
    runner.submit("b", SWEEP)
    runner.cancel("a")
    with qtbot.waitSignal(runner.settled):
        answerer.gate.release(100)
    assert answerer.left == []
    assert names(heard, "b")[-1] == "whole"
    assert "whole" not in names(heard, "a")


def test_cancelling_frees_the_window_before_the_sweep_takes_another_step(runner, answerer, qtbot):
    hold(answerer, runner, qtbot)
    with qtbot.waitSignal(runner.settled):
        runner.cancel("a")
    assert answerer.left == []
    answerer.gate.release()
    qtbot.waitUntil(lambda: answerer.left == [SWEEP])


def test_the_newest_of_equally_urgent_jobs_goes_first(runner, answerer, heard, qtbot):
    hold(answerer, runner, qtbot)
    other = ReadPair(MODEL, PromptPair("x y"))
    runner.submit("b", READ)
    runner.submit("c", other)
    with qtbot.waitSignal(runner.settled):
        answerer.gate.release(100)
    assert answerer.asked == [SWEEP, other, READ]
    assert names(heard, "c")[-1] == names(heard, "b")[-1] == "whole"


def test_a_sweep_waits_for_what_changes_at_every_keystroke(runner, answerer, heard, qtbot):
    hold(answerer, runner, qtbot)
    lens = LogitLens(MODEL, PAIR, 1)
    runner.submit("b", lens)
    runner.submit("c", READ)
    with qtbot.waitSignal(runner.settled):
        answerer.gate.release(100)
    assert answerer.asked == [SWEEP, READ, lens]
    ends = [channel for name, channel, *_ in heard if name == "whole"]
    assert ends == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModelError("That folder is missing."), "That folder is missing."),
        (ValueError("Answer and distractor are the same."), "Answer and distractor are the same."),
        (
            RuntimeError("boom\nand more"),
            "This could not be computed: RuntimeError: boom; the log has the details",
        ),
    ],
)
def test_a_job_that_raises_is_a_sentence_and_the_thread_survives(
    runner, answerer, heard, qtbot, error, sentence
):
    answerer.broken[Patching] = error
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", SWEEP)
    assert runner.replies["a"] == Reply(SWEEP, None, "failed", sentence)
    with qtbot.waitSignal(runner.settled):
        runner.submit("b", READ)
    assert "whole" in names(heard, "b")


def test_a_failure_keeps_nothing_alive(runner, answerer, heard, qtbot):
    error = RuntimeError("boom")
    answerer.broken[Patching] = error
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", SWEEP)
    trace = error.__traceback__
    while trace is not None:
        assert "answerer" not in trace.tb_frame.f_locals
        trace = trace.tb_next


def test_a_failed_request_is_asked_again_only_on_retry(runner, answerer, heard, qtbot):
    answerer.broken[ReadPair] = ValueError("Not now.")
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", READ)
    runner.submit("a", READ)
    assert answerer.asked == [READ]
    answerer.broken.clear()
    with qtbot.waitSignal(runner.settled):
        runner.retry()
    assert "whole" in names(heard, "a")


def test_stop_tells_every_channel_and_keeps_what_is_known(runner, answerer, heard, qtbot):
    hold(answerer, runner, qtbot)
    with qtbot.waitSignal(runner.settled):
        runner.stop()
    assert runner.replies["a"].sentence == STOPPED
    answerer.gate.release()
    qtbot.waitUntil(lambda: answerer.left == [SWEEP])


def test_a_slow_question_waits_for_quiet(runner, answerer, qtbot):
    pairs = [PromptPair("a b c", text) for text in ("x b c", "xy b c", "xyz b c")]
    with qtbot.waitSignal(runner.settled):
        for pair in pairs:
            runner.submit("a", Patching(MODEL, pair), when_quiet=True)
            assert runner.is_busy
    assert answerer.asked == [Patching(MODEL, pairs[-1])]


def test_settled_waits_for_the_quiet_timer(runner, answerer, heard, qtbot):
    with qtbot.waitSignal(runner.settled):
        runner.submit("b", READ)
        runner.submit("a", SWEEP, when_quiet=True)
    assert SWEEP in answerer.asked
    assert [name for name, _, _ in heard].count("settled") == 1


def test_progress_counts_cells(runner, answerer, qtbot):
    seen = []
    runner.progressed.connect(seen.append)
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", SWEEP)
    *_, whole = (answer for answer in answerer.answer(SWEEP) if answer is not None)
    assert 0 < whole.total < whole.states.size  # what causality tells is no progress
    shown = [progress for progress in seen if progress.what == "activation patching"]
    assert {progress.total for progress in shown} <= {0, whole.total}
    assert max(progress.done for progress in shown) <= whole.total
    assert seen[-1] == Progress()


def test_answers_are_sent_at_most_thirty_times_a_second(runner, heard, qtbot, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("lensgui.jobs.worker.monotonic", clock)
    long = PromptPair(" ".join(["a"] * 400), " ".join(["b"] + ["a"] * 399))
    with qtbot.waitSignal(runner.settled, timeout=20_000):
        runner.submit("a", Patching(MODEL, long))
    assert 2 < len(answers(heard, "a")) <= clock.seconds * 30 + 2


@contextmanager
def made_by(make_answerer):
    """A runner whose answerer is made so."""
    runner = Runner(make_answerer)
    yield runner
    assert runner.close(5000)


def test_the_bench_is_made_on_the_workers_thread(answerer, qtbot):
    where = []
    make = lambda: where.append(threading.current_thread()) or answerer  # noqa: E731
    with made_by(make) as runner, qtbot.waitSignal(runner.settled):
        runner.submit("a", READ)
    assert where[0] is not threading.main_thread()


def test_a_factory_that_fails_is_a_sentence(qtbot):
    def fail():
        raise ModelError("torch can't be imported.")

    with made_by(fail) as runner, qtbot.waitSignal(runner.settled):
        runner.submit("a", READ)
    assert runner.replies["a"].sentence == "torch can't be imported."


def test_closing_in_the_middle_leaves_the_sweep(runner, answerer, qtbot):
    hold(answerer, runner, qtbot)
    answerer.gate.release()
    assert runner.close(1000)
    assert answerer.left == [SWEEP]


def test_what_goes_on_keeps_what_is_known(runner, answerer, heard, qtbot):
    hold(answerer, runner, qtbot)
    answerer.gate.release()  # of the two steps that there are
    qtbot.waitUntil(lambda: bool(answers(heard, "a")))
    runner.pause("a")
    kept = runner.replies["a"]
    assert kept.status == "paused"
    runner.submit("a", SWEEP)  # every look at the pane asks for it
    assert runner.replies["a"] is kept
    runner.resume("a")
    assert runner.replies["a"] == Reply(SWEEP, kept.answer, "partial")
    runner.stop()
    assert runner.replies["a"] == Reply(SWEEP, kept.answer, "failed", STOPPED)
    with qtbot.waitSignal(runner.settled):
        runner.retry()
        assert runner.replies["a"] == Reply(SWEEP, kept.answer, "partial")
        answerer.gate.release(100)
    assert runner.replies["a"].status == "whole"


def test_what_is_asked_again_before_there_was_another_answer_is_known_and_goes_on(
    runner, answerer, heard, qtbot
):
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", SWEEP)
    first = answers(heard, "a")[-1]
    other = Patching(MODEL, PromptPair("a b c d", "a b y d"))
    runner.submit("a", other, when_quiet=True)
    assert runner.replies["a"].answer is first
    assert runner.replies["a"].is_stale
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", SWEEP, when_quiet=True)  # both within the pause that is waited for
        assert runner.replies["a"].known is first
        assert not runner.replies["a"].is_stale
    assert other not in answerer.asked


def test_a_failure_keeps_what_was_known_of_other_prompts_and_nothing_else(runner, answerer, qtbot):
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", SWEEP)
    known = runner.replies["a"].known
    answerer.broken[Patching] = ValueError("The prompts differ in length.")
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", Patching(MODEL, PromptPair("a b c d", "a b y d")))
    reply = runner.replies["a"]
    assert (reply.status, reply.answer, reply.known) == ("failed", known, None)
    assert reply.is_stale
    with qtbot.waitSignal(runner.settled):
        runner.submit("a", Patching(MODEL, PAIR, direction="noising"))  # of the known one's prompts
    assert runner.replies["a"].answer is None


def test_what_was_begun_and_finishes_is_told_as_the_answer_to_an_older_question(
    runner, answerer, heard, qtbot
):
    assert ReadPair.finishes
    answerer.held.add(ReadPair)
    runner.submit("a", READ)
    qtbot.waitUntil(lambda: runner.replies["a"].status == "partial")
    newer = ReadPair(MODEL, PromptPair("a b c d e", "a b x d e"))
    runner.submit("a", newer)
    with qtbot.waitSignal(runner.settled):
        answerer.gate.release(100)
    told = [reply for _, to, reply in heard if to == "a" and reply is not None]
    old = [reply for reply in told if reply.of == READ and reply.answer.complete]
    assert old
    assert all(reply.known is None for reply in old)
    assert READ not in answerer.left
    assert told[-1].known.complete
    assert told[-1].request == newer


def test_what_nobody_wants_any_more_is_left_even_if_it_is_of_a_kind_that_finishes(
    runner, answerer, qtbot
):
    answerer.held.add(ReadPair)
    runner.submit("a", READ)
    qtbot.waitUntil(lambda: runner.replies["a"].status == "partial")
    runner.cancel("a")  # as when another model is to be opened: two would not fit in memory
    answerer.held.clear()
    answerer.gate.release(100)
    qtbot.waitUntil(lambda: READ in answerer.left)
