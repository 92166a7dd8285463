"""The colour bar beside a heatmap: what the colours count, and how far they reach."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from lensgui.panes import theme
from lensgui.panes.controls.controls import announce
from lensgui.panes.pictures.painted import ramp
from lensgui.panes.token_text import signed

BAR = 10.0
DOUBLING = 80.0  # pixels of dragging that double or halve the range
KEY_STEP = 1.25
LEAST, MOST = 1e-4, 1e5


class LevelBar(QWidget):
    """Shows the two ends of a diverging scale; dragging it up or down widens or narrows them.

    Attributes:
        ranged: (end,) the number that full colour is to stand for; None for the metric's own.
    """

    ranged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.end = 1.0
        self.is_own = False
        self._from: tuple[float, float] | None = None
        self.setFont(theme.mono_font(theme.SMALL_POINTS))
        self.setAccessibleName("Range of the colours")
        self.setToolTip(
            "What full colour stands for; drag up or down to change it, double-click for the "
            "metric's own range."
        )
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.SizeVerCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def show_end(self, end: float, *, is_own: bool) -> None:
        """Show what full colour stands for.

        Args:
            end: The number.
            is_own: Whether the user chose it.
        """
        self.end, self.is_own = end, is_own
        self.setAccessibleDescription(f"Full colour stands for {self._text(end)}.")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for the bar and its three numbers."""
        metrics = QFontMetricsF(self.font())
        widest = max(metrics.horizontalAdvance(self._text(end)) for end in (self.end, -self.end))
        return QSize(round(BAR + 6 + max(widest, metrics.horizontalAdvance("+0.00"))), 120)

    def minimumSizeHint(self) -> QSize:
        """Return the width of the numbers."""
        return QSize(self.sizeHint().width(), 60)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the colours and what their ends and their middle stand for."""
        colors = theme.of(self.palette())
        painter = QPainter(self)
        bar = QRectF(0, 5, BAR, max(20.0, self.height() - 10))
        painter.drawImage(bar, ramp(theme.diverging(colors), is_upright=True))
        has_keys = self.hasFocus()
        painter.setPen(QPen(QColor(colors.accent if has_keys else colors.line), 1 + has_keys))
        painter.drawRect(bar)
        metrics = QFontMetricsF(painter.font())
        lowest = metrics.ascent() - metrics.descent()
        painter.setPen(QColor(colors.accent if self.is_own else colors.faint))
        for share, text in ((0, self._text(self.end)), (0.5, "0"), (1, self._text(-self.end))):
            base = bar.top() + lowest + share * (bar.height() - lowest)
            painter.drawText(QPointF(bar.right() + 4, base), text)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to drag."""
        self._from = event.position().y(), self.end

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Widen or narrow the range."""
        if self._from is not None:
            moved = self._from[0] - event.position().y()
            self._range(self._from[1] * 2 ** (-moved / DOUBLING))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Leave the range as it is."""
        self._from = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Return to the metric's own range."""
        self._from = None
        self.ranged.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Widen or narrow the range by the arrow keys; Home returns to the metric's own."""
        match event.key():
            case Qt.Key.Key_Up:
                self._range(self.end / KEY_STEP)
            case Qt.Key.Key_Down:
                self._range(self.end * KEY_STEP)
            case Qt.Key.Key_Home:
                self.ranged.emit(None)
            case _:
                super().keyPressEvent(event)
                return
        announce(self, self.accessibleDescription())

    def _range(self, end: float) -> None:
        self.ranged.emit(float(f"{min(MOST, max(LEAST, end)):.2g}"))

    @staticmethod
    def _text(end: float) -> str:
        size = abs(end)
        digits = 0 if size >= 10 else 1 if size >= 1 else 2 if size >= 0.1 else 3
        return signed(end, digits if size >= 0.001 else 4)
