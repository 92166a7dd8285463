"""How long the panes that read a run keep one waiting, in the real window, at its own threads.

    xvfb-run -a python -m tests.bench.reading

Each time is the median over keystrokes at the end of the IOI pair's clean prompt, from the key to
the picture on screen, so the forward pass is in it. The pane stands in front of the patterns, and
what else the window shows is asked beside it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from lensgui.__main__ import make_answerer
from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer  # noqa: E402

from lensgui.app import start  # noqa: E402
from lensgui.jobs.answers.arrays import CellState  # noqa: E402
from lensgui.jobs.answers.lenses import LensGrid  # noqa: E402
from lensgui.panes.activation.activation import ActivationPane  # noqa: E402
from lensgui.panes.attribution.attribution import AttributionPane  # noqa: E402
from lensgui.panes.lens.lens import SELECTED, LensPane  # noqa: E402
from lensgui.panes.pane import Pane  # noqa: E402
from lensgui.panes.pictures.heatmap import Heatmap  # noqa: E402
from lensgui.state.views import LensValue  # noqa: E402
from tests.bench import keystrokes  # noqa: E402
from tests.bench.long_prompts import prompt_of  # noqa: E402
from tests.bench.window import Lag, judge, quantile, wait_until_settled  # noqa: E402
from tests.windows import pane_of  # noqa: E402

METRIC, LIKELIEST = "the metric of all rows", "tokens of the position"
BEGUN, WHOLE = "the first cells of the grid", "the whole grid"
ABOVE_FORWARD_MS = {METRIC: 50, LIKELIEST: 100}
WHOLE_MS = 600  # from its first cells on: before these are a pause for keys, and the inspector
SHOWN: dict[LensValue, tuple[str, ...]] = {"metric": (METRIC,), "token": (LIKELIEST, BEGUN, WHOLE)}
LETTERS = {  # each is asked once
    "metric": "abcdefghijklmnop",
    "token": "ABCDEFGHIJKLMNOP",
}
QUESTIONS = {  # a pane's name for its question, and letters that are asked once each
    "Attribution": ("parts", "qrstuvwxyzQRSTUVWX"),
    "Activation": ("slice", "0123456789!#%&*+=?"),
}
PARTS_MS, SLICE_MS = 100, 50  # beyond the forward pass
LONG_TOKENS, LONG_S, LAG_MS = 1000, 10.0, 25
LONGEST_S = 60.0


class Painted(QObject):
    """Notes after which paint of the grid each of some pictures was on screen first."""

    def __init__(self, grid: Heatmap, are_there: Mapping[str, Callable[[], bool]]) -> None:
        super().__init__()
        self.found_ms: dict[str, float] = {}
        self._grid, self._are_there, self._loop = grid, are_there, QEventLoop()
        self._begun = time.perf_counter()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Paint:
            return False
        watched.event(event)
        for name, is_there in self._are_there.items():
            if name not in self.found_ms and is_there():
                self.found_ms[name] = (time.perf_counter() - self._begun) * 1000
        if self.found_ms.keys() == self._are_there.keys():
            self._loop.quit()
        return True

    def wait(self) -> dict[str, float]:
        """Return the milliseconds until each was there, once all of them are."""
        self._grid.installEventFilter(self)
        QTimer.singleShot(int(LONGEST_S * 1000), self._loop.quit)
        self._loop.exec()
        self._grid.removeEventFilter(self)
        if missing := self._are_there.keys() - self.found_ms.keys():
            raise TimeoutError(f"A pane did not show in time: {', '.join(sorted(missing))}.")
        return self.found_ms


def strokes(parts: start.Parts, value: LensValue) -> dict[str, list[float]]:
    """Return the milliseconds from each of some keystrokes to what is shown of a value."""
    window, pane = parts.window, pane_of(parts.window, LensPane)
    window.session.edit(lens=replace(window.session.document.views.lens, value=value))
    keystrokes.settle(parts)
    text = window.session.document.pair.clean
    found: dict[str, list[float]] = {}
    for letter in LETTERS[value][: keystrokes.STROKES]:
        typed = f"{text} {letter}"
        are_there = {
            METRIC: partial(has_metric, pane, typed),
            LIKELIEST: partial(has_position, pane, typed),
            BEGUN: partial(is_begun, pane, typed),
            WHOLE: partial(is_whole, pane, typed),
        }
        painted = Painted(pane.heatmap, {name: are_there[name] for name in SHOWN[value]})
        window.session.edit(clean=typed)
        for name, milliseconds in painted.wait().items():
            found.setdefault(name, []).append(milliseconds)
        keystrokes.settle(parts)
    window.session.edit(clean=text)
    keystrokes.settle(parts)
    return found


def strokes_of(parts: start.Parts, kind: type[AttributionPane | ActivationPane]) -> list[float]:
    """Return the milliseconds from each of some keystrokes to what a pane shows of it."""
    window, pane = parts.window, pane_of(parts.window, kind)
    question, letters = QUESTIONS[kind.title]
    window.show_pane(kind.title)
    keystrokes.settle(parts)
    text, found = window.session.document.pair.clean, list[float]()
    for letter in letters[: keystrokes.STROKES]:
        typed = f"{text} {letter}"
        is_there = partial(is_known, pane, question, typed)
        painted = Painted(pane.heatmap, {question: is_there})
        window.session.edit(clean=typed)
        found.append(painted.wait()[question])
        keystrokes.settle(parts)
    window.session.edit(clean=text)
    keystrokes.settle(parts)
    return found


def is_known(pane: Pane, question: str, clean: str) -> bool:
    """Whether a question of a pane is answered, of a prompt."""
    reply = pane.reply(question)
    return reply is not None and reply.known is not None and asks(reply.request, clean)


def has_metric(pane: LensPane, clean: str) -> bool:
    """Whether the metric of a prompt is known."""
    reply = pane.reply("metric clean")
    return reply is not None and reply.known is not None and asks(reply.request, clean)


def known_in(pane: LensPane, question: str, clean: str) -> NDArray[np.bool_]:
    """Return which cells a question has answers for, of a prompt: [row, position], or none."""
    reply, grid = pane.reply(question), pane.known(question, LensGrid)
    if reply is None or grid is None or not asks(reply.request, clean):
        return np.zeros((1, 0), np.bool_)
    return np.asarray(grid.states != CellState.UNKNOWN)


def has_position(pane: LensPane, clean: str) -> bool:
    """Whether all rows of the selected position are known, of a prompt."""
    return bool(known_in(pane, SELECTED, clean).all(0).any())


def is_begun(pane: LensPane, clean: str) -> bool:
    """Whether any cells of the grid itself are known, of a prompt."""
    return bool(known_in(pane, "clean", clean).any())


def is_whole(pane: LensPane, clean: str) -> bool:
    """Whether all cells are known, of a prompt."""
    known = known_in(pane, "clean", clean)
    return known.size > 0 and bool(known.all())


def asks(request: object, clean: str) -> bool:
    """Whether a request is about a clean prompt."""
    pair = getattr(request, "pair", None)
    return pair is not None and pair.clean == clean


def lags(parts: start.Parts) -> tuple[list[float], str]:
    """Return how late ticks come while the grid of a long prompt fills, and how far it got."""
    pane, lag, text = pane_of(parts.window, LensPane), Lag(), prompt_of(LONG_TOKENS)
    parts.window.session.edit(clean=text, corrupted="")
    until(lambda: known_in(pane, "clean", text).size > 0)
    before = known_in(pane, "clean", text).sum()
    lag.start()
    ended = time.perf_counter() + LONG_S
    until(lambda: time.perf_counter() > ended or is_whole(pane, text))
    late, known = lag.stop(), known_in(pane, "clean", text)
    rows, positions = known.shape
    filled = f"{known.sum() - before:,} cells of {rows} × {positions:,}"
    return late, f"; {len(late)} samples, {filled} meanwhile"


def until(holds: Callable[[], bool]) -> None:
    """Let the application run until something holds."""
    begun = time.perf_counter()
    while not holds():
        if time.perf_counter() - begun > LONGEST_S:
            raise TimeoutError("The window did not answer in time.")
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()


def main() -> int:
    parts = start.build(start.Options(), make_answerer)
    parts.window.show()
    wait_until_settled(parts.runner)
    parts.window.show_pane(LensPane.title)
    keystrokes.settle(parts)
    found = strokes(parts, "metric") | strokes(parts, "token")
    attributed = strokes_of(parts, AttributionPane)
    sliced = strokes_of(parts, ActivationPane)
    parts.window.show_pane(LensPane.title)
    late, detail = lags(parts)
    parts.runner.stop()
    start.leave(parts)
    forward, begun, whole = keystrokes.forward_ms(), found.pop(BEGUN), found.pop(WHOLE)
    limits = {name: round(forward + above) for name, above in ABOVE_FORWARD_MS.items()}
    times = {f"lens: key to {name}": (of, limits[name], "") for name, of in found.items()}
    times["attribution: key to all parts"] = attributed, round(forward + PARTS_MS), ""
    times["activation: key to the slice"] = sliced, round(forward + SLICE_MS), ""
    from_begun = [late - early for early, late in zip(begun, whole, strict=True)]
    from_key = f", {quantile(whole, 0.5):.0f} from the key on"
    times["lens: first cells to the whole grid"] = from_begun, WHOLE_MS, from_key
    holds = [
        judge(
            name,
            quantile(of, 0.5),
            limit,
            "ms",
            f"; quartiles {quantile(of, 0.25):.0f} to {quantile(of, 0.75):.0f}{more}",
        )
        for name, (of, limit, more) in times.items()
    ]
    holds.append(
        judge("lens: lag while a grid fills, p99", quantile(late, 0.99), LAG_MS, "ms", detail)
    )
    return 0 if all(holds) else 1


if __name__ == "__main__":
    sys.exit(main())
