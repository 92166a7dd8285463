"""A window that is used until its process is killed: a program, and a child of a test.

Every edit is logged with its time before it is made, every save once it is done.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from lensgui.app import start
from lensgui.app.sessions import autosaving
from lensgui.state.autosave import FOLDER, Recovery, discard
from lensgui.state.sessions.sessions import read
from tests.fakes import FakeAnswerer

SAVED, EDITED = "saved", "edited"
BEGUN = "begun"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a killed window has left behind.

    Attributes:
        edits: (seconds before its end, number) of each edit, the first one first.
        saves: The numbers that were saved, the first one first.
        log: What the process has said.
    """

    edits: tuple[tuple[float, int], ...]
    saves: tuple[int, ...]
    log: str


def prompt(number: int) -> str:
    """Return what is typed in an edit."""
    return f"edit {number}"


def number_of(text: str) -> int:
    """Return which edit a prompt is of; −1 for none."""
    return int(text.removeprefix("edit ")) if text.startswith("edit ") else -1


def kill(home: Path, file: Path, seed: int, after_s: float, interval_ms: int) -> Outcome:
    """Use a window in a process of its own, and kill that after some time.

    Args:
        home: Where lensgui keeps what it keeps.
        file: Where the session is saved to now and then.
        seed: What is random.
        after_s: How long the window is used.
        interval_ms: How often it keeps what is there.
    """
    log = home / f"log {seed}"
    environment = {**os.environ, "LENSGUI_HOME": str(home), "QT_QPA_PLATFORM": "offscreen"}
    command = [
        sys.executable,
        "-m",
        "tests.app.killed",
        str(log),
        str(file),
        str(seed),
        str(interval_ms),
    ]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as child:
        _wait_for(log, child)
        time.sleep(after_s)
        end = time.time()
        child.send_signal(signal.SIGKILL)
        said = child.communicate(timeout=30)[1]
    lines = [line.split() for line in log.read_text().splitlines()]
    rows = [
        (kind, float(at), int(number))
        for kind, at, number in filter(lambda row: len(row) == 3, lines)
    ]
    edits = tuple((end - at, number) for kind, at, number in rows if kind == EDITED)
    return Outcome(edits, tuple(number for kind, _, number in rows if kind == SAVED), said)


def _wait_for(log: Path, child: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if log.exists() and BEGUN in log.read_text():
            return
        assert child.poll() is None, child.communicate()[1]
        time.sleep(0.05)
    raise AssertionError("the window was not opened within 30 seconds")


def check(home: Path, file: Path, outcome: Outcome, most_s: float) -> float:
    """Return how many seconds of edits are missing after a kill, once all else is as it must be.

    Args:
        home: Where lensgui keeps what it keeps.
        file: Where the session was saved to.
        outcome: What the killed process has logged.
        most_s: How many seconds of edits may be missing.
    """
    assert "Traceback" not in outcome.log, outcome.log
    if outcome.saves:
        saved = number_of(read(file).document.pair.clean)  # it can be read
        assert saved >= 0
    recovery = Recovery(home / FOLDER)
    left = recovery.left()
    for path in (home / FOLDER).glob("*.lens"):
        read(path)
    known = [number_of(one.saved.document.pair.clean) for one in left]
    known += [saved] if outcome.saves else []
    last = max(known, default=0)
    missing = [ago for ago, number in outcome.edits if number > last]
    assert max(missing, default=0.0) <= most_s, (last, outcome.edits[-1:])
    for one in left:
        discard(one.path)
    return max(missing, default=0.0)


class User(QObject):
    """Types, and saves now and then."""

    def __init__(self, parts: start.Parts, log: Path, file: Path, seed: int) -> None:
        super().__init__(parts.window)
        self._session, self._files, self._file = parts.window.session, parts.sessions, file
        self._random = random.Random(seed)
        self._number = 0
        self._log = log.open("a", buffering=1)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._act)
        self._files.writer.written.connect(self._hear)
        self._write(BEGUN, 0)
        self._timer.start(20)

    def _act(self) -> None:
        self._timer.setInterval(self._random.randrange(5, 120))
        self._number += 1
        self._write(EDITED, self._number)
        self._session.edit(clean=prompt(self._number))
        if self._random.random() < 0.1:
            self._files.save_to(self._file)

    def _hear(self, path: Path) -> None:
        if path == self._file:
            self._write(SAVED, self._number)

    def _write(self, kind: str, number: int) -> None:
        self._log.write(f"{kind} {time.time()} {number}\n")


def main(log: str, file: str, seed: str, interval_ms: str) -> int:
    autosaving.INTERVAL_MS = int(interval_ms)
    parts = start.build(start.Options(model="fake"), FakeAnswerer)
    parts.window.show()
    User(parts, Path(log), Path(file), int(seed))
    return parts.app.exec()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
