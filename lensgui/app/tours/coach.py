"""What a step of a tour says, and the ring around what is to be clicked."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from lensgui.app.window.actions import ACTIONS
from lensgui.panes import theme
from lensgui.panes.controls.controls import button, headline, sentence

WIDTH = 400  # pixels, times the zoom
TABS = 64  # pixels of what stands below the panes
AWAY = 16  # pixels from the window's edges, and around what is ringed
ROUND = 6.0


class Ring(QWidget):
    """A ring around a part of the window, which clicks go through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("What the tour points at")
        self.hide()

    def surround(self, where: QRect) -> None:
        """Stand around a place of the window; nowhere if it is empty."""
        around = where.adjusted(-5, -5, 5, 5)
        if not where.isEmpty() and around != self.geometry():
            self.setGeometry(around)
        self.setVisible(not where.isEmpty())
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ring."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(theme.of(self.palette()).accent), 3))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), ROUND, ROUND)


class Coach(QFrame):
    """A step's words and the ways on, above the window, away from what it points at.

    Attributes:
        back: The step before is wanted.
        forward: The next one is, without a click on what is pointed at.
        left: The tour is.
    """

    back = Signal()
    forward = Signal()
    left = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.Box)
        self.setLineWidth(2)
        self._is_placed = False
        self.setAutoFillBackground(True)
        self.setAccessibleName("Tour")
        self.title, self.words = headline("", self), sentence(self)
        self.before = button(ACTIONS["tour_back"], self)
        self.next = button(ACTIONS["tour_next"], self)
        self.leave = button(ACTIONS["tour_leave"], self)
        row = QHBoxLayout()
        row.addWidget(self.leave)
        row.addStretch(1)
        for part in (self.before, self.next):
            row.addWidget(part)
        column = QVBoxLayout(self)
        for each in (self.title, self.words):
            column.addWidget(each)
        column.addLayout(row)
        for one in (self.before, self.next, self.leave):
            one.setAutoRaise(False)
        self.before.clicked.connect(self.back)
        self.next.clicked.connect(self.forward)
        self.leave.clicked.connect(self.left)
        self.hide()

    def show_step(self, title: str, says: str, *, is_first: bool, is_last: bool) -> None:
        """Say a step."""
        self.title.setText(title)
        self.words.setText(says)
        self.before.setEnabled(not is_first)
        self.next.setVisible(not is_last)
        self.setFixedWidth(min(theme.zoomed(WIDTH), max(200, self._around().width() - 2 * AWAY)))
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(self.width(), layout.totalHeightForWidth(self.width()))
        self.show()
        self.raise_()

    def _around(self) -> QRect:
        parent = self.parentWidget()
        return parent.rect() if parent is not None else self.rect()

    def keep_away(self, where: QRect) -> None:
        """Stand in a corner that covers no place, below if that can be; stay where it does not."""
        if self._is_placed and self._is_free(self.geometry(), where):
            return
        around, size = self._around().adjusted(AWAY, AWAY, -AWAY, -AWAY - TABS), self.size()
        rights = (around.left(), around.right() - size.width())
        downs = (around.bottom() - size.height(), around.top())
        corners = [QPoint(x, y) for y in downs for x in rights]
        free = [corner for corner in corners if self._is_free(QRect(corner, size), where)]
        self.move((free or corners)[0])
        self._is_placed = True

    def _is_free(self, own: QRect, where: QRect) -> bool:
        return self._around().contains(own) and not own.intersects(
            where.adjusted(-AWAY, -AWAY, AWAY, AWAY)
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave by Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)
