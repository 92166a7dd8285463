"""How long a session takes to open, and what keeping it costs the window.

xvfb-run -a python -m tests.bench.sessions
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from lensgui.__main__ import make_answerer
from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from lensgui.app import start  # noqa: E402
from lensgui.prompts.tasks import TASKS  # noqa: E402
from lensgui.state.examples import TOY  # noqa: E402
from lensgui.state.sessions.sessions import read  # noqa: E402
from tests.bench import keystrokes  # noqa: E402
from tests.bench.window import judge, quantile  # noqa: E402

OPEN_MS, KEEP_MS = 300.0, 5.0
PAIRS = 200
TIMES = 12


def opened(parts: start.Parts, path: Path) -> float:
    """Return the milliseconds from reading a file to its being drawn."""
    begun = time.perf_counter()
    parts.sessions.show(read(path), path)
    parts.window.repaint()
    return (time.perf_counter() - begun) * 1000


def kept(parts: start.Parts) -> float:
    """Return the milliseconds that keeping what is there takes of the window's thread."""
    begun = time.perf_counter()
    parts.sessions.autosave.now()
    found = (time.perf_counter() - begun) * 1000
    parts.sessions.writer.wait(5)
    return found


def main() -> int:
    parts = start.build(start.Options(model=TOY), make_answerer)
    parts.window.show()
    keystrokes.settle(parts)
    parts.window.session.edit(table=TASKS[0].draw(PAIRS, seed=1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "work.lens"
        parts.sessions.save_to(path)
        parts.sessions.writer.wait(5)
        opening = [opened(parts, path) for _ in range(TIMES)]
        keeping = [kept(parts) for _ in range(TIMES)]
    start.leave(parts)
    figures = [
        judge("session: opened, without answers", max(opening), OPEN_MS, "ms", f"; {PAIRS} pairs"),
        judge("session: kept, the window's share, p95", quantile(keeping, 0.95), KEEP_MS, "ms"),
    ]
    return 0 if all(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
