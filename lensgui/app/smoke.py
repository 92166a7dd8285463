"""The smoke test: does a window on the toy model come to rest with every picture drawn?

The panes that are in front at first are looked at, and then the lens.
"""

from __future__ import annotations

import sys

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, QTimer, Slot

from lensgui.app.window.window import MainWindow
from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.answers.lenses import LensGrid
from lensgui.jobs.answers.readings import PairReading
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.pane import Pane
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
        """Go on to the lens, then end the application, with status 0 if nothing is missing."""
        lacking = missing(self._window)
        if not lacking and not is_seen(self._window.panes[LensPane.title]):
            self._window.show_pane(LensPane.title)
            return
        if lacking:
            print(f"Smoke test failed: {', '.join(lacking)}.", file=sys.stderr)
        else:
            print("Smoke test passed: a window, a model, a forward pass, a sweep and a lens.")
        QCoreApplication.exit(1 if lacking else 0)

    @Slot()
    def _give_up(self) -> None:
        print(f"Smoke test failed: nothing settled in {PATIENCE_MS // 1000} s.", file=sys.stderr)
        QCoreApplication.exit(1)


def missing(window: MainWindow) -> list[str]:
    """Return what a window that has settled should show, and doesn't; a phrase each."""
    found = [] if window.exchange.card else ["no model was opened"]
    for pane in filter(is_seen, window.panes.values()):
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
            case LensPane():
                found += lacking_of_lens(pane)
    return found


def is_seen(pane: Pane) -> bool:
    """Whether a pane is shown, and no other covers it."""
    return pane.isVisible() and pane.is_in_front


def lacking_of_lens(pane: LensPane) -> list[str]:
    """Return what the lens should say, and doesn't: its last row is what the model predicts."""
    grid, pair = pane.known("clean", LensGrid), pane.known("pair", PairReading)
    if grid is None or pair is None or not pair.clean.top:
        return ["nothing was read through the lens"]
    if (grid.states != CellState.EXACT).any() or not np.isfinite(grid.log_probs).all():
        return ["the lens lacks cells, or numbers that are finite"]
    is_same = grid.tokens[-1, -1, 0] == pair.clean.top[0].token.id
    return [] if is_same else ["the lens's last row is not what the model predicts"]
