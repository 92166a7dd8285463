"""Importing what only some panes need, once the window is at rest: nobody should wait for it."""

from __future__ import annotations

import threading
from importlib import import_module

from PySide6.QtCore import QObject, Slot

from lensgui.jobs.runner import Runner

LATER = "pyqtgraph"  # half a second, which the window's thread must not spend at once


class Warming(QObject):
    """Imports the plots' library on a thread of its own when the runner is first at rest."""

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self.thread_: threading.Thread | None = None
        runner.settled.connect(self._begin)

    @Slot()
    def _begin(self) -> None:
        self._runner.settled.disconnect(self._begin)
        self.thread_ = threading.Thread(target=import_module, args=(LATER,), daemon=True)
        self.thread_.start()
