"""How the window feels: when it shows, when the demo model is usable, how long its event loop lags.

    xvfb-run -a python -m tests.bench.window

While the lag is measured, every pane is visible and paints, and the prompt pair is toggled so that
a sweep always runs.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from lensgui.__main__ import make_answerer
from lensgui.command_line.environment import lacks_display, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Slot  # noqa: E402

from lensgui.app import start  # noqa: E402
from lensgui.app.runtime import Warming  # noqa: E402
from lensgui.jobs.answers.reply import Reply  # noqa: E402,
from lensgui.jobs.runner import Runner  # noqa: E402
from tests.bench import keystrokes  # noqa: E402
from tests.bench.questions import CORRUPTED  # noqa: E402

TICK_MS = 5
SAMPLES = 2000
CANCELS = 12
LONGEST_MS = 120_000


@dataclass
class Figures:
    """What is printed, in seconds and milliseconds."""

    visible_s: float = 0.0
    usable_s: float = 0.0
    import_lag_ms: float = 0.0
    lags_ms: list[float] = field(default_factory=list)
    cancels_ms: list[float] = field(default_factory=list)
    strokes_ms: list[float] = field(default_factory=list)
    forward_ms: float = 0.0
    plot_lag_ms: float = 0.0


class Lag(QObject):
    """Ticks every 5 ms and notes how late each tick comes."""

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self._expected = 0.0
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self.late_ms.clear()
        self._expected = time.perf_counter() + TICK_MS / 1000
        self._timer.start()

    def stop(self) -> list[float]:
        self._timer.stop()
        return list(self.late_ms)

    @Slot()
    def _tick(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, (now - self._expected) * 1000))
        self._expected = now + TICK_MS / 1000


class Toggle(QObject):
    """Asks for another sweep as soon as one is done."""

    def __init__(self, parts: start.Parts, lag: Lag, loop: QEventLoop) -> None:
        super().__init__()
        self._parts, self._lag, self._loop = parts, lag, loop
        self.sweeps = 0
        parts.runner.settled.connect(self.turn)

    @Slot()
    def turn(self) -> None:
        if len(self._lag.late_ms) >= SAMPLES:
            self._loop.quit()
            return
        self._parts.window.session.edit(corrupted=CORRUPTED[self.sweeps])
        self.sweeps += 1


def since_start() -> float:
    """Return the seconds since this process was started, as the system counts them."""
    fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - float(fields[19]) / ticks


def show_every_pane(parts: start.Parts) -> None:
    """Put every pane beside the others, none behind a tab."""
    window = parts.window
    window.resize(2400, 1600)
    for title, dock in window.docks.items():
        if title != "Prompt":
            window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        dock.show()
    hidden = [title for title, pane in window.panes.items() if not pane.isVisible()]
    assert not hidden, hidden
    wait_until_settled(parts.runner)


def wait_until_settled(runner: Runner) -> None:
    loop = QEventLoop()
    runner.settled.connect(loop.quit)
    QTimer.singleShot(LONGEST_MS, loop.quit)
    if runner.is_busy:
        loop.exec()
    runner.settled.disconnect(loop.quit)


def measure() -> tuple[Figures, int]:
    figures = Figures()
    parts = start.build(start.Options(), make_answerer)
    lag = Lag()
    warming = Warming(parts.runner, parts.window)
    parts.window.show()
    parts.app.processEvents()
    figures.visible_s = since_start()
    lag.start()
    wait_until_settled(parts.runner)
    figures.usable_s = since_start() - figures.visible_s
    figures.import_lag_ms = max(lag.stop(), default=0.0)
    lag.start()
    while "pyqtgraph" not in sys.modules or not warming.finish(0):
        parts.app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 5)
    figures.plot_lag_ms = max(lag.stop(), default=0.0)
    loop = QEventLoop()
    toggle = Toggle(parts, lag, loop)
    QTimer.singleShot(LONGEST_MS, loop.quit)
    show_every_pane(parts)
    lag.start()
    toggle.turn()
    loop.exec()
    figures.lags_ms = lag.stop()
    parts.runner.settled.disconnect(toggle.turn)
    figures.cancels_ms = [cancel(parts, turn) for turn in range(CANCELS)]
    figures.strokes_ms = keystrokes.strokes(parts)
    figures.forward_ms = keystrokes.forward_ms()
    start.leave(parts)
    return figures, toggle.sweeps


def cancel(parts: start.Parts, turn: int) -> float:
    """Return the milliseconds from a cancel in mid-sweep to the next job's answer."""
    window, runner = parts.window, parts.runner
    window.session.edit(corrupted=CORRUPTED[-1 - turn])
    loop = QEventLoop()
    runner.progressed.connect(loop.quit)
    wanted = time.perf_counter() + 5
    while time.perf_counter() < wanted:
        QTimer.singleShot(20, loop.quit)
        loop.exec()
        if any(reply.status == "partial" for reply in runner.replies.values()):
            break
    runner.progressed.disconnect(loop.quit)
    before = time.perf_counter()
    runner.stop()
    finished = QEventLoop()

    def quit_when_whole(channel: object, reply: Reply | None) -> None:
        if reply is not None and reply.status == "whole":
            finished.quit()

    runner.replied.connect(quit_when_whole)
    window.selection.move(layer=turn, head=turn % 2, position=3)
    QTimer.singleShot(5000, finished.quit)
    finished.exec()
    runner.replied.disconnect(quit_when_whole)
    return (time.perf_counter() - before) * 1000


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def judge(what: str, value: float, bar: float, unit: str, detail: str = "") -> bool:
    """Print a figure beside its bar; return whether it holds."""
    holds = value <= bar
    mark = "" if holds else "   ← missed"
    print(f"{what:<40}{value:7.2f} {unit} (≤ {bar:g}){detail}{mark}")
    return holds


def main() -> int:
    figures, sweeps = measure()
    lags, stroke = figures.lags_ms, quantile(figures.strokes_ms, 0.5)
    detail = f"; {len(lags)} samples over {sweeps} sweeps, every pane visible"
    typed = f"; a forward pass takes {figures.forward_ms:.0f} ms"
    found = [
        judge("window visible after start", figures.visible_s, 1.0, "s"),
        judge("demo model, all answered after that", figures.usable_s, 6.0, "s"),
        judge("lag while torch imports, largest", figures.import_lag_ms, 300, "ms"),
        judge("lag while plots are made ready, largest", figures.plot_lag_ms, 100, "ms"),
        judge("lag while sweeps run, p99", quantile(lags, 0.99), 25, "ms", detail),
        judge("lag while sweeps run, largest", max(lags), 100, "ms"),
        judge("cancel to next answer, largest", max(figures.cancels_ms), 200, "ms"),
        judge("keystroke to all patterns, median", stroke, figures.forward_ms + 50, "ms", typed),
    ]
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
