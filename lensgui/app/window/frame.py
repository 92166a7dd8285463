"""What holds a pane in its dock: it scrolls once there is less room than the pane needs."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

LEAST = QSize(200, 120)  # so that five panes stand side by side in 1024 pixels


class Frame(QScrollArea):
    """Gives a pane all the room there is, and asks the window for little of it.

    A pane that needs more than it is given would else widen or heighten the whole window.
    """

    def __init__(self, pane: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._pane = pane
        self.setWidget(pane)

    def sizeHint(self) -> QSize:
        """Return what the pane likes."""
        return self._pane.sizeHint()

    def minimumSizeHint(self) -> QSize:
        """Return the least useful size of any pane."""
        return LEAST

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the pane the new room."""
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Give the pane more where its parts need it."""
        result = super().eventFilter(watched, event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return result

    def _fit(self) -> None:
        pane, room = self._pane, self.viewport().size()
        layout = pane.layout()
        if layout is None:
            pane.resize(room)
            return
        width = max(room.width(), layout.totalMinimumSize().width())
        least = layout.totalMinimumSize().height()
        if layout.hasHeightForWidth():
            least = layout.totalMinimumHeightForWidth(width)
        pane.resize(width, max(room.height(), least))
