"""How much of the machine the worker uses."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QObject, Signal

from lensgui.jobs.answerer import Limits
from lensgui.jobs.kept import Kept
from lensgui.jobs.requests import OpenModel, ReadPair
from lensgui.jobs.runner import Runner
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.terms.errors import ModelError
from lensgui.terms.model_key import ModelKey
from tests.answering import last
from tests.fakes import FakeAnswerer

TOY = ModelKey("toy", device="cpu")


class Sender(QObject):
    """Says how much of the machine may be used, as the window does."""

    limited = Signal(object)


@pytest.fixture
def dispatcher():
    """The real answerer, which leaves torch as it was."""
    import torch

    from lensgui.jobs.handlers.dispatch import Dispatcher

    yield Dispatcher(threads=1)
    torch.set_num_threads(1)


def test_torch_uses_as_many_threads_and_by_itself_as_at_first(dispatcher):
    import torch

    dispatcher.limit(Limits(threads=2))
    assert torch.get_num_threads() == 2
    dispatcher.limit(Limits())
    assert torch.get_num_threads() == 1


def test_runs_beyond_the_limit_are_forgotten_at_once_but_for_the_last_two(dispatcher):
    model = dispatcher.loaded.use(TOY)
    runs = [dispatcher.loaded.run(model, Prompt(text)) for text in ("a", "a b", "a b c", "a b c a")]
    for run in runs:
        run.complete()
    dispatcher.limit(Limits(runs_bytes=0))
    for text, run in zip(("a b c", "a b c a"), runs[2:], strict=True):
        assert dispatcher.loaded.run(model, Prompt(text)) is run
    assert dispatcher.loaded.run(model, Prompt("a")) is not runs[0]


def test_limits_reach_an_answerer_that_is_made_later_and_one_that_is_there(qtbot):
    answerer = FakeAnswerer()
    runner, sender = Runner(lambda: answerer), Sender()
    sender.limited.connect(runner.worker.limit)
    sender.limited.emit(Limits(threads=3))
    assert answerer.limits is None
    with qtbot.waitSignal(runner.settled):
        runner.submit("somewhere", ReadPair(ModelKey("fake"), PromptPair("a b")))
    assert answerer.limits == Limits(threads=3)
    sender.limited.emit(Limits())
    qtbot.waitUntil(lambda: answerer.limits == Limits())
    assert runner.close(5000)


def test_shrinking_forgets_the_oldest_answers_now():
    kept = Kept()
    questions = [ReadPair(ModelKey("fake"), PromptPair(text)) for text in ("a", "b", "c")]
    for question in questions:
        kept.keep(kept.name(question), last(FakeAnswerer().answer(question)))
    kept.shrink(kept.nbytes - 1)
    assert [kept.find(question) is None for question in questions] == [True, False, False]
    kept.shrink(0)
    assert kept.nbytes == 0


def test_a_device_that_is_not_there_is_named_and_where_to_choose_another(dispatcher, monkeypatch):
    monkeypatch.setattr("lensgui.jobs.handlers.loaded.devices", lambda: ("cpu",))
    with pytest.raises(ModelError, match=r"no cuda to run models on: .* Edit ▸ Settings\.$"):
        last(dispatcher.answer(OpenModel(ModelKey("toy", device="cuda"))))
