from __future__ import annotations

import gc
import itertools
import sys
from collections.abc import Callable, Iterator

import pytest

from lensgui.app import start
from lensgui.app.window.window import MainWindow
from lensgui.jobs.requests import OpenModel
from lensgui.models import recognised
from lensgui.terms.errors import ModelError
from tests.fakes import FakeAnswerer


def stepping(answerer: FakeAnswerer, holds: Callable[[], bool]) -> Callable[[], bool]:
    """Return what to wait for: until it holds, a held sweep takes a step now and then.

    Steps are farther apart than answers are sent, so that each is seen.
    """
    polls = itertools.count(1)

    def check() -> bool:
        if holds():
            return True
        if next(polls) % 8 == 0:
            answerer.gate.release()
        return False

    return check


@pytest.fixture
def without_model(answerer):
    """An answerer that can open no model."""
    answerer.broken[OpenModel] = ModelError("/nowhere holds no model.")
    return answerer


@pytest.fixture
def parts(answerer: FakeAnswerer, tmp_path, monkeypatch, qapp) -> Iterator[start.Parts]:
    """The whole application on the fake answerer, not yet shown."""
    monkeypatch.setenv("LENSGUI_HOME", str(tmp_path))
    interval = sys.getswitchinterval()
    parts = start.build(start.Options(model="fake"), lambda: answerer)
    parts.faults.release()  # so that what a slot lets fall fails the test
    yield parts
    answerer.gate.release(1000)
    assert parts.runner.close(5000)
    parts.window.hide()  # else it asks about pins
    parts.window.close()
    assert parts.sessions.close()
    assert parts.commands.close()
    parts.commands.help.release()
    parts.window.deleteLater()
    parts.appearance.preferences.restore()
    parts.appearance.choose("light")
    qapp.sendPostedEvents()
    qapp.processEvents()
    gc.unfreeze()
    sys.setswitchinterval(interval)


@pytest.fixture
def window(parts: start.Parts, qtbot) -> MainWindow:
    """The main window, shown and at rest."""
    with qtbot.waitSignal(parts.runner.settled):
        parts.window.show()
    return parts.window


@pytest.fixture
def files(parts):
    """The window's session as a file, on a machine that knows the made-up model."""
    recognised.remember("f" * 64, "fake")
    return parts.sessions
