from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lensgui.jobs.runner import Runner
from tests.fakes import FakeAnswerer


@pytest.fixture
def answerer() -> FakeAnswerer:
    return FakeAnswerer()


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

    def note(name: str) -> Callable[..., None]:
        return lambda channel=None, what=None: said.append((name, channel, what))

    runner.arrived.connect(note("arrived"))
    runner.failed.connect(note("failed"))
    runner.finished.connect(note("finished"))
    runner.settled.connect(note("settled"))
    return said
