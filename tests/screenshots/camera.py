"""A answerer that can be held, and a camera for the window."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QWidget

from lensgui.__main__ import make_answerer
from lensgui.app import start
from lensgui.jobs.answerer import Answerer, Limits
from lensgui.jobs.answers.arrays import Slice
from lensgui.jobs.answers.reply import Answer
from lensgui.jobs.request import Request
from lensgui.jobs.requests import Patching

PATIENCE_S = 60.0


class Held:
    """A answerer whose sweeps can be held half-way, while everything else goes on."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    is_held = False

    def answer(self, request: Request) -> Iterator[Answer | None]:
        for answer in self._answerer.answer(request):
            yield answer
            while self._is_half_way(request, answer):
                time.sleep(0.002)
                yield None

    def limit(self, limits: Limits) -> None:
        self._answerer.limit(limits)

    def _is_half_way(self, request: Request, answer: Answer | None) -> bool:
        if not Held.is_held or not isinstance(request, Patching):
            return False
        return isinstance(answer, Slice) and answer.done > 0.7 * answer.total


def make_held_answerer() -> Answerer:
    return Held(make_answerer())


class Camera:
    """Waits until the window is at rest, and takes its picture."""

    def __init__(self, parts: start.Parts, folder: Path) -> None:
        self.parts, self.window, self.folder = parts, parts.window, folder

    def wait(self, until: Callable[[], bool] | None = None) -> None:
        """Let the application run until something holds, then a little longer."""
        holds = until or (lambda: not self.parts.runner.is_busy)
        latest = time.monotonic() + PATIENCE_S
        self._run(250)
        while not holds() and time.monotonic() < latest:
            self._run(20)
        self._run(150)

    def take(self, name: str, widget: QWidget | None = None) -> None:
        path = self.folder / f"{name.replace(' ', '-')}.png"
        (widget or self.window).grab().save(str(path))
        print(path)

    def _run(self, milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()
