"""Importing what only some panes need, once the window is at rest: nobody should wait for it."""

from __future__ import annotations

import threading
from importlib import import_module

from PySide6.QtCore import QObject, Slot

from lensgui.jobs.runner import Runner

THREAD = "lensgui-import"
LATER = "pyqtgraph"  # half a second, which the window's thread must not spend at once


class Warming(QObject):
    """Imports the plots' library on a thread of its own when the runner is first at rest."""

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._thread: threading.Thread | None = None
        runner.settled.connect(self._begin)

    @Slot()
    def _begin(self) -> None:
        self._runner.settled.disconnect(self._begin)
        # No daemon: the interpreter must not be taken down under an import.
        self._thread = threading.Thread(target=import_module, args=(LATER,), name=THREAD)
        self._thread.start()

    def finish(self, seconds: float = 1.0) -> bool:
        """Return whether nothing is imported any more, within some time."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()
