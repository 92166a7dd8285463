"""Collecting garbage in the window's thread only: elsewhere it could destroy Qt's objects."""

from __future__ import annotations

import gc
from collections.abc import Callable
from weakref import WeakSet

from PySide6.QtCore import QObject, QTimer, Slot

INTERVAL_MS = 1000
IDLE_ROUNDS = 10  # between two full collections

_collectors: WeakSet[QObject] = (
    WeakSet()
)  # of open windows, while any of which Python must not collect
_found_enabled: list[bool] = []  # whether it did before the first of them


class Collector(QObject):
    """Collects the young generation every second, and everything now and then while idle."""

    def __init__(self, is_busy: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        if not _collectors:
            _found_enabled.append(gc.isenabled())
        _collectors.add(self)
        gc.disable()
        gc.freeze()
        self._is_busy = is_busy
        self._rounds = 0
        self._timer = QTimer(self, interval=INTERVAL_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    @Slot()
    def collect(self) -> None:
        """Collect what is due."""
        self._rounds += 1
        is_due = self._rounds >= IDLE_ROUNDS and not self._is_busy()
        gc.collect(2 if is_due else 0)
        if is_due:
            self._rounds = 0

    @Slot()
    def freeze(self) -> None:
        """Set aside what will stay, such as modules just imported and a model just loaded.

        Garbage is collected first: what is set aside is never collected.
        """
        gc.collect()
        gc.freeze()

    def release(self) -> None:
        """Leave collecting to the interpreter again, if it did so before the first window."""
        self._timer.stop()
        _collectors.discard(self)
        if not _collectors and _found_enabled and _found_enabled.pop():
            gc.enable()
