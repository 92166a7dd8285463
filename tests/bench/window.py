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

from lensgui.__main__ import lacks_display, make_bench, prepare

if lacks_display(os.environ):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
prepare(None)

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Slot  # noqa: E402

from lensgui.app import start  # noqa: E402
from lensgui.jobs.runner import Runner  # noqa: E402

TICK_MS = 5
SAMPLES = 2000
CANCELS = 12
LONGEST_MS = 120_000
CORRUPTED = (
    "When John and Mary went to the store, Mary gave a drink to",
    "When John and Mary went to the store, Paul gave a drink to",
)


@dataclass
class Figures:
    """What is printed, in seconds and milliseconds."""

    visible_s: float = 0.0
    usable_s: float = 0.0
    import_lag_ms: float = 0.0
    lags_ms: list[float] = field(default_factory=list)
    cancels_ms: list[float] = field(default_factory=list)


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
        self._turn = 0
        self.sweeps = 0
        parts.runner.settled.connect(self.turn)

    @Slot()
    def turn(self) -> None:
        if len(self._lag.late_ms) >= SAMPLES:
            self._loop.quit()
            return
        self.sweeps += 1
        self._turn = 1 - self._turn
        self._parts.window.session.edit(corrupted=CORRUPTED[self._turn])


def since_start() -> float:
    """Return the seconds since this process was started, as the system counts them."""
    fields = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    return uptime - float(fields[19]) / ticks


def wait_until_settled(runner: Runner) -> None:
    loop = QEventLoop()
    runner.settled.connect(loop.quit)
    QTimer.singleShot(LONGEST_MS, loop.quit)
    if runner.is_busy:
        loop.exec()
    runner.settled.disconnect(loop.quit)


def measure() -> tuple[Figures, int]:
    figures = Figures()
    parts = start.build(start.Options(), make_bench)
    lag = Lag()
    parts.window.show()
    parts.app.processEvents()
    figures.visible_s = since_start()
    lag.start()
    wait_until_settled(parts.runner)
    figures.usable_s = since_start() - figures.visible_s
    figures.import_lag_ms = max(lag.stop(), default=0.0)
    loop = QEventLoop()
    toggle = Toggle(parts, lag, loop)
    QTimer.singleShot(LONGEST_MS, loop.quit)
    lag.start()
    toggle.turn()
    loop.exec()
    figures.lags_ms = lag.stop()
    parts.runner.settled.disconnect(toggle.turn)
    figures.cancels_ms = [cancel(parts, turn) for turn in range(CANCELS)]
    start.leave(parts, 0)
    return figures, toggle.sweeps


def cancel(parts: start.Parts, turn: int) -> float:
    """Return the milliseconds from a cancel in mid-sweep to the next job's answer."""
    window, runner = parts.window, parts.runner
    window.session.edit(corrupted=CORRUPTED[turn % 2])
    loop = QEventLoop()
    runner.progressed.connect(loop.quit)
    wanted = time.perf_counter() + 5
    while time.perf_counter() < wanted:
        QTimer.singleShot(20, loop.quit)
        loop.exec()
        if any(job.is_running and job.latest is not None for job in runner._jobs.values()):
            break
    runner.progressed.disconnect(loop.quit)
    before = time.perf_counter()
    runner.stop()
    finished = QEventLoop()
    runner.finished.connect(finished.quit)
    window.selection.move(layer=turn, head=turn % 2, position=3)
    QTimer.singleShot(5000, finished.quit)
    finished.exec()
    runner.finished.disconnect(finished.quit)
    return (time.perf_counter() - before) * 1000


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> int:
    figures, sweeps = measure()
    lags = figures.lags_ms
    print(f"window visible            {figures.visible_s:6.2f} s after process start (≤ 1.0)")
    print(f"demo model, all answered  {figures.usable_s:6.2f} s after that (≤ 6)")
    print(f"lag while torch imports   {figures.import_lag_ms:6.0f} ms at most (≤ 300)")
    print(
        f"lag while sweeps run      {quantile(lags, 0.99):6.1f} ms p99 (≤ 25), "
        f"{max(lags):.1f} ms at most (≤ 100); {len(lags)} samples over {sweeps} sweeps"
    )
    print(
        f"cancel to next answer     {quantile(figures.cancels_ms, 0.5):6.0f} ms median, "
        f"{max(figures.cancels_ms):.0f} ms at most (≤ 200)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
