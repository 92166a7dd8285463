"""How long the patching lab keeps one waiting, in the real window at its own number of threads.

    python -m tests.bench.lab

Each figure is the median over several goes on the IOI pair of the demo model, from the click to the
picture, the pause that the window leaves for further clicks included.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from lensgui.__main__ import make_answerer
from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

import numpy as np  # noqa: E402
from PySide6.QtCore import QEventLoop, QTimer  # noqa: E402

from lensgui.app import start  # noqa: E402
from lensgui.jobs.answers.arrays import CellState, Sweep  # noqa: E402
from lensgui.panes.patching.necessary_sufficient import NecessaryPane  # noqa: E402
from lensgui.panes.patching.patching import PatchingPane  # noqa: E402
from lensgui.terms.kinds import SweepKind  # noqa: E402
from tests.bench.questions import CORRUPTED  # noqa: E402
from tests.windows import pane_of  # noqa: E402

RESIDUAL, HEADS = SweepKind("resid_pre"), SweepKind("z", "all")
BY_POSITION = SweepKind("z")
GOES = 3
LONGEST_S = 60.0
ESTIMATE_S, HEADS_S, BOTH_S = 0.9, 3.0, 4.0  # the bars


@dataclass
class Figures:
    """Seconds of each go."""

    estimates: list[float] = field(default_factory=list)
    heads: list[float] = field(default_factory=list)
    by_position: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)
    checks: list[float] = field(default_factory=list)


class Lab:
    """The real window, and a stopwatch."""

    def __init__(self) -> None:
        self.parts = start.build(start.Options(), make_answerer)
        self.window = self.parts.window
        self.window.show()
        self.rest()

    def until(self, holds: Callable[[], bool]) -> float:
        """Return the seconds until something holds."""
        begun = time.perf_counter()
        while not holds():
            if time.perf_counter() - begun > LONGEST_S:
                raise TimeoutError("The window did not answer in time.")
            loop = QEventLoop()
            QTimer.singleShot(5, loop.quit)
            loop.exec()
        return time.perf_counter() - begun

    def rest(self) -> None:
        """Wait until the model is open and nothing runs."""
        runner, exchange = self.parts.runner, self.window.exchange
        self.until(lambda: exchange.card is not None and not runner.is_busy)

    def view(self, kind: SweepKind) -> None:
        """Choose a kind of sweep."""
        session = self.window.session
        session.edit(kind=kind)

    def shown(self, kind: SweepKind) -> Sweep | None:
        """The sweep on screen, if it is of a kind."""
        sweep = pane_of(self.window, PatchingPane).sweep
        is_it = sweep is not None and tuple(axis.name for axis in sweep.axes) == kind.axes
        return sweep if is_it else None

    def is_whole(self, kind: SweepKind) -> bool:
        sweep = self.shown(kind)
        return sweep is not None and sweep.done == sweep.total

    def has_estimate(self, kind: SweepKind) -> bool:
        sweep = self.shown(kind)
        return sweep is not None and bool(np.any(sweep.states != CellState.UNKNOWN))

    def are_both_whole(self) -> bool:
        sweeps = pane_of(self.window, NecessaryPane).sweeps.values()
        return len(sweeps) == 2 and all(sweep.done == sweep.total for sweep in sweeps)


def measure(lab: Lab) -> Figures:
    figures = Figures()
    for corrupted in CORRUPTED[:GOES]:
        lab.view(RESIDUAL)
        lab.window.session.edit(corrupted=corrupted)
        lab.rest()
        for kind, wholes in ((HEADS, figures.heads), (BY_POSITION, figures.by_position)):
            lab.view(RESIDUAL)
            lab.rest()
            lab.view(kind)
            first = lab.until(partial(lab.has_estimate, kind))
            figures.estimates.append(first)
            wholes.append(first + lab.until(partial(lab.is_whole, kind)))
            lab.rest()
            sweep = lab.shown(kind)
            if sweep is not None and sweep.check is not None:
                figures.checks.append(sweep.check.worst)
        lab.view(RESIDUAL)
        lab.rest()
        lab.window.show_pane("Necessary or sufficient")
        figures.both.append(lab.until(lab.are_both_whole))
        lab.rest()
        lab.window.show_pane("Activation patching")
        lab.rest()
    return figures


def main() -> int:
    lab = Lab()
    figures = measure(lab)
    start.leave(lab.parts)
    rows = (
        ("kind chosen → estimate", figures.estimates, ESTIMATE_S),
        ("kind chosen → heads, all positions, exact", figures.heads, HEADS_S),
        ("kind chosen → heads by position, exact", figures.by_position, None),
        ("necessary or sufficient, both directions", figures.both, BOTH_S),
    )
    holds = True
    for name, seconds, bar in rows:
        median = statistics.median(seconds)
        limit = "" if bar is None else f" (≤ {bar})"
        print(f"{name:42}{median:6.2f} s median{limit}, {max(seconds):.2f} at most")
        holds &= bar is None or median <= bar
    print(f"{'sweeps against plain forwards':42}{max(figures.checks):.1e} logits at most")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
