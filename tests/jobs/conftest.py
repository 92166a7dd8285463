from __future__ import annotations

from collections.abc import Iterator

import pytest

from lensgui.jobs.answers.reply import Reply
from lensgui.jobs.runner import Runner
from tests.fakes import FakeAnswerer


@pytest.fixture
def runner(answerer: FakeAnswerer, qapp: object) -> Iterator[Runner]:
    runner = Runner(lambda: answerer)
    yield runner
    answerer.gate.release(1000)
    assert runner.close(5000)


@pytest.fixture
def heard(runner: Runner) -> list[tuple[str, object, object]]:
    """Everything that the runner says, in order."""
    said: list[tuple[str, object, object]] = []

    def note(channel: object, reply: Reply | None) -> None:
        said.append((reply.status if reply is not None else "dropped", channel, reply))

    runner.replied.connect(note)
    runner.settled.connect(lambda: said.append(("settled", None, None)))
    return said
