"""Session files, for a window that starts before it needs them: imported at the first call."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.request import Request
from lensgui.state.sessions.saved import Saved
from lensgui.terms.model_key import ModelKey

Answered = tuple[Request, Answer]


def read(path: str | Path) -> Saved:
    """As `sessions.read`."""
    from lensgui.state.sessions import sessions

    return sessions.read(path)


def write(path: str | Path, saved: Saved) -> None:
    """As `sessions.write`."""
    from lensgui.state.sessions import sessions

    sessions.write(path, saved)


def to_bytes(saved: Saved) -> bytes:
    """As `sessions.to_bytes`."""
    from lensgui.state.sessions import sessions

    return sessions.to_bytes(saved)


def size_of_answers(answers: Iterable[Answered], model: ModelKey) -> int:
    """As `sessions.size_of_answers`."""
    from lensgui.state.sessions import sessions

    return sessions.size_of_answers(tuple(answers), model)


def model_shape(answers: Iterable[Answered]) -> tuple[int | None, int | None]:
    """As `fitting.model_shape`."""
    from lensgui.state.sessions import fitting

    return fitting.model_shape(answers)
