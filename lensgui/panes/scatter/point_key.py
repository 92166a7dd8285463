"""What colours and sizes of points count: one line beside a scatter plot."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from lensgui.panes import theme
from lensgui.panes.pictures.painted import ramp
from lensgui.panes.scatter.point_plot import LARGEST, SMALLEST
from lensgui.panes.token_text import plain_tip, signed

BAR = 44.0  # pixels of the colour bar
SHARES = (0.1, 0.5, 1.0)  # of the largest area, which are drawn as examples
SPACE = 5.0


class PointKey(QWidget):
    """A colour bar with its ends, and some dots with their sizes; as tall whatever it says."""

    def __init__(self, colors: str, sizes: str, tip: str, parent: QWidget | None = None) -> None:
        """Say nothing yet.

        Args:
            colors: What colours count.
            sizes: What areas count, as a share of 1.
            tip: What both mean, in one sentence; see `theme.coloured`.
            parent: The pane it is in.
        """
        super().__init__(parent)
        self._colors, self._sizes, self._tip = colors, sizes, tip
        self.end: float | None = None
        self.is_sized = False
        self.setFont(theme.text_font(theme.SMALL_POINTS))
        self.setAccessibleName("What colours and sizes of points count")
        self.setToolTip(plain_tip(theme.coloured(tip)))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def changeEvent(self, event: QEvent) -> None:
        """Name colours as they are now."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.setToolTip(plain_tip(theme.coloured(self._tip)))

    def sizeHint(self) -> QSize:
        """Return the height of the largest dot, or of a line."""
        return QSize(200, round(max(LARGEST + 2, QFontMetricsF(self.font()).height())))

    def show_scales(self, end: float | None, *, is_sized: bool) -> None:
        """Show what there is.

        Args:
            end: What full colour stands for; None while colours count nothing.
            is_sized: Whether sizes count something.
        """
        self.end, self.is_sized = end, is_sized
        self.setAccessibleDescription(" ".join(self._parts()))
        self.update()

    def _parts(self) -> list[str]:
        colors = [f"{self._colors}: full colour is ±{self.end:.2g}."] if self.end else []
        sizes = [f"{self._sizes}: the largest area is 1."] if self.is_sized else []
        return colors + sizes

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bar, the dots, and what they count, as far as there is room."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            left = 0.0
            if self.end:
                left = self._paint_bar(painter, self.end, colors)
            if self.is_sized:
                self._paint_dots(painter, left, colors)

    def _paint_bar(self, painter: QPainter, end: float, colors: theme.Theme) -> float:
        """Draw the colours between their ends; return where they stop."""
        metrics, middle = QFontMetricsF(self.font()), self.height() / 2
        low, high = (signed(number, 1 if end >= 1 else 2) for number in (-end, end))
        left = self._write(painter, low, 0.0, colors)
        bar = QRectF(left, middle - 5, BAR, 10)
        painter.drawImage(bar, ramp(theme.diverging(colors), is_upright=False))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colors.line), 1))
        painter.drawRect(bar)
        left = self._write(painter, high, bar.right() + SPACE, colors)
        text = metrics.elidedText(self._colors, Qt.TextElideMode.ElideRight, self.width() - left)
        return self._write(painter, text, left, colors) + 2 * SPACE

    def _paint_dots(self, painter: QPainter, left: float, colors: theme.Theme) -> None:
        metrics, middle = QFontMetricsF(self.font()), self.height() / 2
        for share in SHARES:
            radius = max(SMALLEST, LARGEST * share**0.5) / 2
            text = f"{share:g}"
            if left + 2 * radius + metrics.horizontalAdvance(text) > self.width():
                return
            painter.setPen(QPen(QColor(colors.faint), 1))
            painter.setBrush(QColor(colors.raised))
            painter.drawEllipse(QPointF(left + radius, middle), radius, radius)
            left = self._write(painter, text, left + 2 * radius + 2, colors)
        room = self.width() - left
        text = metrics.elidedText(self._sizes, Qt.TextElideMode.ElideRight, room)
        self._write(painter, text, left, colors)

    def _write(self, painter: QPainter, text: str, left: float, colors: theme.Theme) -> float:
        """Write a text; return where the next one may begin."""
        metrics = QFontMetricsF(self.font())
        painter.setPen(QColor(colors.faint))
        base = self.height() / 2 + (metrics.ascent() - metrics.descent()) / 2
        painter.drawText(QPointF(left, base), text)
        return left + metrics.horizontalAdvance(text) + SPACE
