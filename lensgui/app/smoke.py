"""The smoke test: does a window on the toy model come to rest with every picture drawn?

The panes that are in front at first are looked at, and then one after the other those that read
what the model computes.
"""

from __future__ import annotations

import sys
from functools import singledispatch

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, QTimer, Slot

from lensgui.app.sessions.host import Host
from lensgui.app.window.window import MainWindow
from lensgui.jobs.answers.activations import ActivationSlice, ModelMap
from lensgui.jobs.answers.arrays import CellState
from lensgui.jobs.answers.attributions import Parts
from lensgui.jobs.answers.circuits import EdgeTable
from lensgui.jobs.answers.lenses import LensGrid
from lensgui.jobs.answers.neurons import NeuronRanking
from lensgui.jobs.answers.readings import PairReading
from lensgui.panes import theme
from lensgui.panes.activation.activation import MAP, SLICE, ActivationPane
from lensgui.panes.attention.attention import AttentionPane
from lensgui.panes.attribution.attribution import PARTS, AttributionPane
from lensgui.panes.circuit.asked import SCORES
from lensgui.panes.circuit.circuit import CircuitPane
from lensgui.panes.heads.heads import HeadsPane
from lensgui.panes.lens.lens import LensPane
from lensgui.panes.neurons.neurons import NeuronsPane
from lensgui.panes.pane import Pane
from lensgui.panes.patching.patching import PatchingPane
from lensgui.panes.prompt.prompt import PromptPane

PATIENCE_MS = 60_000
ONE_BY_ONE = (
    LensPane,
    AttributionPane,
    HeadsPane,
    NeuronsPane,
    ActivationPane,
    CircuitPane,
)
NEAR = 1e-3  # what parts in float32 may miss of what they add up to, as a share of it


class Smoke(QObject):
    """Waits until nothing runs any more, looks whether everything is there, and leaves."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._to_see = [kind.title for kind in ONE_BY_ONE]
        window.runner.settled.connect(self.judge)
        QTimer.singleShot(PATIENCE_MS, self, self._give_up)

    @Slot()
    def judge(self) -> None:
        """Go on to the next pane, or end the application: with status 0 if nothing is missing."""
        lacking = missing(self._window)
        if not lacking and self._to_see:
            self._window.show_pane(self._to_see.pop(0))
            return
        lacking = lacking or missing_on_stage(self._window)
        if lacking:
            print(f"Smoke test failed: {', '.join(lacking)}.", file=sys.stderr)
        else:
            seen = ", ".join(kind.title.lower() for kind in ONE_BY_ONE)
            print(
                f"Smoke test passed: a window, a model, a forward pass, a sweep, {seen}, a slide."
            )
        QCoreApplication.exit(1 if lacking else 0)

    @Slot()
    def _give_up(self) -> None:
        print(f"Smoke test failed: nothing settled in {PATIENCE_MS // 1000} s.", file=sys.stderr)
        QCoreApplication.exit(1)


def missing(window: MainWindow) -> list[str]:
    """Return what a window that has settled should show, and doesn't; a phrase each."""
    found = [] if window.exchange.card else ["no model was opened"]
    for pane in window.panes.values():
        if pane.isVisible() and pane.is_in_front:
            found += [*filter(None, pane.messages.values()), *lacking(pane)]
    return found


def missing_on_stage(window: MainWindow) -> list[str]:
    """Return what an audience should see of the panes in front, and would not; a phrase each."""
    from lensgui.app.stage.audience import Audience
    from lensgui.app.stage.pictures import on_stage
    from lensgui.panes.figures.drawing.painting import pdf
    from lensgui.panes.figures.page import page
    from lensgui.panes.figures.slides import Slide, sheet

    layout = Host(window).layout()
    shown = on_stage(layout, lambda title: window.panes[title].shown())
    audience = Audience("light", window)
    audience.resize(1280, 720)
    audience.show_pictures(shown, window.selection.cursor)
    are_drawn = all(canvas.drawing is not None for canvas in audience.canvases[: len(shown)])
    audience.deleteLater()
    slide = Slide("One", "", "", "", tuple(one.figure for one in shown))
    deck = pdf([sheet(slide, theme.LIGHT)], title="One", caption="", provenance={})
    is_whole = deck.startswith(b"%PDF") and b"</html>" in page("One", [slide], theme.LIGHT)
    return [] if shown and are_drawn and is_whole else ["no slide was drawn"]


@singledispatch
def lacking(pane: Pane) -> list[str]:
    """Return what a pane that has settled should show, and doesn't; a phrase each."""
    return []


@lacking.register
def _(pane: PromptPane) -> list[str]:
    whole = pane.reading is not None and pane.reading.complete
    return [] if whole else ["the prompts were not read"]


@lacking.register
def _(pane: AttentionPane) -> list[str]:
    atlas = pane.grid.atlas
    whole = atlas is not None and atlas.layers == len(atlas.axes[0])
    return [] if whole else ["no attention was drawn"]


@lacking.register
def _(pane: PatchingPane) -> list[str]:
    sweep = pane.sweep
    whole = sweep is not None and sweep.done == sweep.total
    return [] if whole else ["the sweep is not complete"]


@lacking.register
def _(pane: LensPane) -> list[str]:
    """The last row is what the model predicts."""
    grid, pair = pane.known("clean", LensGrid), pane.known("pair", PairReading)
    if grid is None or pair is None or not pair.clean.top:
        return ["nothing was read through the lens"]
    if (grid.states != CellState.EXACT).any() or not np.isfinite(grid.log_probs).all():
        return ["the lens lacks cells, or numbers that are finite"]
    is_same = grid.tokens[-1, -1, 0] == pair.clean.top[0].token.id
    return [] if is_same else ["the lens's last row is not what the model predicts"]


@lacking.register
def _(pane: AttributionPane) -> list[str]:
    """All parts together are the logits that the metric reads."""
    parts = pane.known(PARTS, Parts)
    if parts is None or not parts.is_whole:
        return ["the metric was not taken apart"]
    is_near = abs(parts.sum - parts.logits) <= NEAR * max(1.0, abs(parts.logits))
    return [] if is_near else ["the parts of the metric don't add up to it"]


@lacking.register
def _(pane: HeadsPane) -> list[str]:
    """Every column holds numbers, or says why not."""
    rows = pane.model.rows
    if not any(np.isfinite(rows.numbers(key)).any() for key in rows.scores):
        return ["the heads have no scores"]
    empty = [key for key, said in rows.rankings.items() if not said.is_whole and not said.remark]
    return [f"the heads have no {key}" for key in empty]


@lacking.register
def _(pane: NeuronsPane) -> list[str]:
    ranking = pane.known("ranking", NeuronRanking)
    whole = ranking is not None and np.isfinite(ranking.activations).all()
    return [] if whole else ["no neurons were ranked"]


@lacking.register
def _(pane: ActivationPane) -> list[str]:
    held, drawn = pane.known(SLICE, ActivationSlice), pane.known(MAP, ModelMap)
    whole = held is not None and np.isfinite(held.values).all()
    found = [] if whole else ["no activation was read"]
    return found if drawn is not None and drawn.points else [*found, "no model map was drawn"]


@lacking.register
def _(pane: CircuitPane) -> list[str]:
    """All edges are scored, and the strongest drawn."""
    table = pane.known(SCORES, EdgeTable)
    whole = table is not None and table.done == table.total and np.isfinite(table.scores).all()
    return [] if whole and pane.board.contents.edges else ["no edges were scored and drawn"]
