"""Progress at a pace that can be read: each change of it lays the window out anew."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from lensgui.jobs.progress import Progress

PACE_MS = 100


class Pacing(QObject):
    """Passes progress on ten times a second at most; that something begins or ends, at once.

    Attributes:
        told: (Progress,) to be shown.
    """

    told = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shown, self._newest = Progress(), Progress()
        self._pause = QTimer(self, singleShot=True, interval=PACE_MS)
        self._pause.timeout.connect(self._tell)

    @Slot(object)
    def take(self, progress: Progress) -> None:
        """Take note of how far the jobs are."""
        self._newest = progress
        if not self._pause.isActive() or bool(progress.what) != bool(self._shown.what):
            self._tell()

    @Slot()
    def _tell(self) -> None:
        if self._newest != self._shown:
            self._shown = self._newest
            self._pause.start()
            self.told.emit(self._newest)
