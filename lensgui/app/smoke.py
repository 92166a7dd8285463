"""The smoke test: does a window on the toy model come to rest with every picture drawn?"""

from __future__ import annotations

import sys

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Slot

from lensgui.app.window.window import MainWindow
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.prompt.prompt import PromptPane

PATIENCE_MS = 60_000


class Smoke(QObject):
    """Waits until nothing runs any more, looks whether everything is there, and leaves."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.runner.settled.connect(self.judge)
        QTimer.singleShot(PATIENCE_MS, self, self._give_up)

    @Slot()
    def judge(self) -> None:
        """End the application, with status 0 if nothing is missing."""
        lacking = missing(self._window)
        if lacking:
            print(f"Smoke test failed: {', '.join(lacking)}.", file=sys.stderr)
        else:
            print("Smoke test passed: a window, a model, a forward pass and a sweep.")
        QCoreApplication.exit(1 if lacking else 0)

    @Slot()
    def _give_up(self) -> None:
        print(f"Smoke test failed: nothing settled in {PATIENCE_MS // 1000} s.", file=sys.stderr)
        QCoreApplication.exit(1)


def missing(window: MainWindow) -> list[str]:
    """Return what a window that has settled should show, and doesn't; a phrase each."""
    found = [] if window.exchange.card else ["no model was opened"]
    for pane in filter(lambda pane: pane.isVisible() and pane.is_in_front, window.panes.values()):
        found += [sentence for sentence in pane.messages.values() if sentence]
        match pane:
            case PromptPane():
                whole = pane.reading is not None and pane.reading.complete
                found += [] if whole else ["the prompts were not read"]
            case AttentionPane():
                atlas = pane.grid.atlas
                whole = atlas is not None and atlas.layers == len(atlas.axes[0])
                found += [] if whole else ["no attention was drawn"]
            case PatchingPane():
                sweep = pane.sweep
                whole = sweep is not None and sweep.done == sweep.total
                found += [] if whole else ["the sweep is not complete"]
    return found
