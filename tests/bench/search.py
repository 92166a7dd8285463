"""From a keystroke in the search to what it finds on screen, among 5,000 entries.

xvfb-run -a python -m tests.bench.search
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from itertools import product

from lensgui.__main__ import make_answerer
from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from PySide6.QtTest import QTest  # noqa: E402

from lensgui.app import start  # noqa: E402
from lensgui.app.commands import entries  # noqa: E402
from lensgui.app.commands.entries import Entry  # noqa: E402
from lensgui.app.window.window import MainWindow  # noqa: E402
from lensgui.state.examples import TOY  # noqa: E402
from tests.bench import keystrokes  # noqa: E402
from tests.bench.window import judge, quantile  # noqa: E402

COUNT = 5000
BAR_MS = 16.0  # a frame
VERBS = ("Show", "Compare", "Average", "Attention: measure of the selected head →", "position 12")
NOUNS = ("direct attribution", "the residual stream", "queries of all heads", "·Mary|·John")
TYPED = (
    "attention measure contribution",
    "residaul stream 41",
    "compare all heads queries 999",
    "zoom out",
    "qzx",
)


def made_up(window: MainWindow) -> Iterator[Entry]:
    """Yield what fills the window's own entries up to so many."""
    own = sum(1 for source in entries.SOURCES for _ in source(window))
    names = product(range(COUNT), VERBS, NOUNS)
    for _, (number, verb, noun) in zip(range(COUNT - own), names, strict=False):
        yield Entry(f"{verb} {noun} {number}", "setting", lambda: None)


def strokes(parts: start.Parts) -> list[float]:
    """Return the milliseconds from each key, typed or taken back, to what it finds being drawn."""
    search, found = parts.commands.search, []
    for text in TYPED:
        search.open()
        for letter in (*text, *("\b" * len(text))):
            begun = time.perf_counter()
            QTest.keyClick(search.field, letter)
            search.list.viewport().repaint()
            found.append((time.perf_counter() - begun) * 1000)
        search.leave()
    return found


def main() -> int:
    parts = start.build(start.Options(model=TOY), make_answerer)
    parts.window.show()
    keystrokes.settle(parts)
    search = parts.commands.search
    search.sources.append(made_up)
    begun = time.perf_counter()
    search.open()
    opened = (time.perf_counter() - begun) * 1000
    found = strokes(parts)
    start.leave(parts)
    detail = f"; {len(found)} keys, {COUNT:,} entries, opened in {opened:.0f} ms"
    figures = [
        judge("search: keystroke to screen, median", quantile(found, 0.5), BAR_MS, "ms", detail),
        judge("search: keystroke to screen, p95", quantile(found, 0.95), BAR_MS, "ms"),
    ]
    return 0 if all(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
