"""From a keystroke in the prompt to all attention patterns redrawn."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer, Signal

from lensgui.app import start
from lensgui.jobs.answers.arrays import Atlas
from lensgui.panes.attention.attention import AttentionPane
from tests.windows import pane_of

STROKES = 15
LONGEST_S = 20.0


class Redrawn(QObject):
    """Says when the head grid has painted every layer of another prompt."""

    whole = Signal()

    def __init__(self, parts: start.Parts) -> None:
        super().__init__()
        self._grid = pane_of(parts.window, AttentionPane).grid
        self._grid.installEventFilter(self)
        self.before: Atlas | None = None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Paint:
            return False
        watched.event(event)
        atlas = self._grid.atlas
        if atlas is not None and atlas.layers == len(atlas.axes[0]) and not self._is_old(atlas):
            self.whole.emit()
        return True

    def _is_old(self, atlas: Atlas) -> bool:
        if self.before is None or atlas is self.before:
            return atlas is self.before
        positions = atlas.axes[2]
        is_pooled = positions.coordinates[1:2] != (1,)  # its labels may be those of before
        return not is_pooled and positions.labels == self.before.axes[2].labels

    def leave(self) -> None:
        self._grid.removeEventFilter(self)


def strokes(parts: start.Parts) -> list[float]:
    """Return the milliseconds from each of some keystrokes to all patterns on screen."""
    window, redrawn = parts.window, Redrawn(parts)
    text = window.session.document.pair.clean
    found = []
    for stroke in range(STROKES):
        redrawn.before = pane_of(window, AttentionPane).grid.atlas
        loop = QEventLoop()
        redrawn.whole.connect(loop.quit)
        begun = time.perf_counter()
        window.session.edit(clean=f"{text} {'abcdefghijklmnop'[stroke]}")
        loop.exec()
        found.append((time.perf_counter() - begun) * 1000)
        redrawn.whole.disconnect(loop.quit)
        settle(parts)
    redrawn.leave()
    return found


def settle(parts: start.Parts) -> None:
    """Let the application run until nothing is left to do."""
    loop, look = QEventLoop(), QTimer(interval=20)
    look.timeout.connect(lambda: None if parts.runner.is_busy else loop.quit())
    look.start()
    QTimer.singleShot(int(LONGEST_S * 1000), loop.quit)
    loop.exec()


def forward_ms() -> float:
    """Return how long a forward pass of as many tokens takes, at the app's own thread count."""
    import torch

    from lensgui.checkpoints.loading import open_model
    from lensgui.models.known_models import DEMO

    torch.set_num_threads(max(1, torch.get_num_threads() - 1))
    model = open_model(DEMO.name)
    tokens = torch.arange(100, 115)[None]
    found = []
    with torch.inference_mode():
        for _ in range(12):
            begun = time.perf_counter()
            model(tokens)
            found.append((time.perf_counter() - begun) * 1000)
    return sorted(found)[len(found) // 2]
