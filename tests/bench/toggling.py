"""In the window: from a switch of an intervention to all redrawn, and a slider dragged.

    xvfb-run -a python -m tests.bench.toggling

A switch has patterns, next tokens and the metric of both prompts drawn anew; what it is compared
with is a forward pass of one.
"""

from __future__ import annotations

import sys
import time

from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer, Signal

from lensgui.__main__ import make_answerer
from lensgui.app import start
from lensgui.jobs.answers.readings import PairReading
from lensgui.jobs.answers.reply import Reply
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.interventions.tray import InterventionsPane
from lensgui.panes.prompt.prompt import PromptPane
from lensgui.terms import vectors
from lensgui.terms.interventions import Intervention, Site, Vector
from tests.bench import keystrokes
from tests.bench.window import judge, quantile, wait_until_settled
from tests.windows import pane_of

ROUNDS = 9
DRAGGED_S = 5.0
LAYERS, WIDTH = 30, 576  # of the demo model
MORE_MS, LEAST = 60, 8  # than a forward pass; metrics a second
EVERY_MS = 16  # between two places of the pointer
SHARES = (0.0, 1 / 3, 2 / 3)  # of the depth, where a head is switched off


class Followed(QObject):
    """Says when heads, next tokens and metric on screen are those of what is asked now."""

    whole = Signal()

    def __init__(self, parts: start.Parts) -> None:
        super().__init__()
        self._grid = pane_of(parts.window, AttentionPane)
        self._prompt = pane_of(parts.window, PromptPane)
        self._grid.grid.installEventFilter(self)
        parts.runner.replied.connect(self._look)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Paint:
            return False
        watched.event(event)
        self._look()
        return True

    def _look(self) -> None:
        asked = self._grid._document
        grid, pair = self._grid.reply("grid"), self._prompt.reply("pair")
        if not (_is_of(grid, asked) and _is_of(pair, asked)):
            return
        known = pair.known if pair is not None else None
        is_drawn = grid is not None and grid.status == "whole"
        if is_drawn and isinstance(known, PairReading) and known.clean.metric is not None:
            self.whole.emit()

    def leave(self) -> None:
        self._grid.grid.removeEventFilter(self)


def _is_of(reply: Reply | None, document: object) -> bool:
    pair = getattr(document, "pair", None)
    return reply is not None and getattr(reply.request, "pair", 0) == pair


def toggles(parts: start.Parts, layers: int) -> dict[int, list[float]]:
    """Return the milliseconds from each of some switches to all redrawn, by layer."""
    window, followed = parts.window, Followed(parts)
    found: dict[int, list[float]] = {}
    for share in SHARES:
        layer = round(share * layers)
        for number in range(ROUNDS):
            one = Intervention(Site("z", layer, number), "zero")  # each is new, so none is kept
            loop = QEventLoop()
            followed.whole.connect(loop.quit)
            begun = time.perf_counter()
            window.session.edit(interventions=(one,))
            loop.exec()
            found.setdefault(layer, []).append((time.perf_counter() - begun) * 1000)
            followed.whole.disconnect(loop.quit)
            keystrokes.settle(parts)
    followed.leave()
    window.session.edit(interventions=())
    keystrokes.settle(parts)
    return found


def drag(parts: start.Parts, layers: int, width: int) -> float:
    """Return how many metrics a second are shown while a slider is dragged."""
    window = parts.window
    tray, prompt = pane_of(window, InterventionsPane), pane_of(window, PromptPane)
    window.show_pane(tray.title)
    numbers = [(-1.0) ** at * (1 + at % 7) for at in range(width)]
    named = Vector("any", vectors.keep("any", numbers))
    site = Site("resid_post", layers // 2)
    window.session.edit(interventions=(Intervention(site, "add_median", vector=named),))
    keystrokes.settle(parts)
    slider = tray.lines[0].slider
    seen: set[str] = set()

    def look(channel: object, reply: object) -> None:
        seen.add(prompt.difference.text())

    parts.runner.replied.connect(look)
    steps = iter(range(10_000))
    move = QTimer(interval=EVERY_MS)
    move.timeout.connect(lambda: slider.setValue(abs(next(steps) % 400 - 200)))
    loop = QEventLoop()
    QTimer.singleShot(int(DRAGGED_S * 1000), loop.quit)
    move.start()
    loop.exec()
    move.stop()
    parts.runner.replied.disconnect(look)
    keystrokes.settle(parts)
    window.session.edit(interventions=())
    return len(seen) / DRAGGED_S


def main() -> int:
    parts = start.build(start.Options(), make_answerer)
    parts.window.show()
    wait_until_settled(parts.runner)
    toggled, dragged = toggles(parts, LAYERS), drag(parts, LAYERS, WIDTH)
    parts.runner.stop()
    start.leave(parts)
    forward = keystrokes.forward_ms()
    typed = f"; a forward pass of one prompt takes {forward:.0f} ms"
    found, most = list[bool](), forward + MORE_MS
    for layer, each in toggled.items():
        median = quantile(each, 0.5)
        found.append(judge(f"a head of layer {layer} off, median", median, most, "ms", typed))
    rate = f"; {dragged:.1f} a second"
    found.append(judge("metric to metric, dragged", 1000 / dragged, 1000 / LEAST, "ms", rate))
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
