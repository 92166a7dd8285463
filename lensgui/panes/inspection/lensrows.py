"""The logit lens of one position: a row for each layer, and the metric as a curve beside them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lensgui.jobs.reports import LensReading
from lensgui.panes import theme
from lensgui.panes.spelling import percent, shorten, signed, spell
from lensgui.panes.theme import Theme

LABEL_LETTERS = 11


class LensRows(QWidget):
    """Top token, probability and metric after the embedding and after each layer.

    Attributes:
        picked: (fields,) the layer that was clicked.
        hovered: (words,) the row under the pointer.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reading: LensReading | None = None
        self.layer: int | None = None
        self._stale = False
        self._pointed: int | None = None
        self.setMouseTracking(True)
        self.setFont(theme.mono_font(theme.SMALL_POINTS))
        self.setAccessibleName("Logit lens by layer")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_reading(self, reading: LensReading | None) -> None:
        """Draw another position's rows."""
        self.reading = reading
        self._stale = False
        self.setVisible(reading is not None)
        self.updateGeometry()
        self.update()

    def show_stale(self) -> None:
        """Dim the rows: they answer an older question."""
        self._stale = True
        self.update()

    def show_layer(self, layer: int | None) -> None:
        """Mark the selected layer."""
        self.layer = layer
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height of all rows and the heading."""
        rows = len(self.reading.top) + 1 if self.reading else 1
        return QSize(220, round(rows * self._row_height()) + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw heading, rows and curve."""
        if self.reading is None:
            return
        look = theme.of(self.palette())
        painter = QPainter(self)
        painter.setOpacity(0.4 if self._stale else 1.0)
        self._paint_rows(painter, self.reading, look)
        if self.reading.metric:
            self._paint_curve(painter, self.reading.metric, look)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the pointer."""
        row = self._row_at(event.position())
        if row != self._pointed:
            self._pointed = row
            words = self._words(row) if row is not None else ""
            self.hovered.emit(words)
            QToolTip.showText(event.globalPosition().toPoint(), words, self)

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        self._pointed = None
        self.hovered.emit("")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the layer under the pointer; the embedding is none."""
        row = self._row_at(event.position())
        if row:
            self.picked.emit({"layer": row - 1})

    def _row_height(self) -> float:
        return QFontMetricsF(self.font()).height() + 1

    def _row_at(self, point: QPointF) -> int | None:
        row = int(point.y() / self._row_height()) - 1
        return row if self.reading and 0 <= row < len(self.reading.top) else None

    def _columns(self) -> tuple[float, float, float]:
        """Return where tokens, probabilities and the curve begin."""
        letter = QFontMetricsF(self.font()).horizontalAdvance("0")
        return 5 * letter, (6 + LABEL_LETTERS) * letter, (13 + LABEL_LETTERS) * letter

    def _paint_rows(self, painter: QPainter, reading: LensReading, look: Theme) -> None:
        token, chance, curve = self._columns()
        height = self._row_height()
        middle = Qt.AlignmentFlag.AlignVCenter
        right = middle | Qt.AlignmentFlag.AlignRight
        painter.setPen(QColor(look.faint))
        painter.drawText(QRectF(0, 0, chance, height), middle, "layer top token")
        painter.drawText(QRectF(chance - 10, 0, curve - chance, height), right, "prob.")
        for row, likely in enumerate(reading.top):
            top = (row + 1) * height
            is_chosen = row > 0 and row - 1 == self.layer
            if is_chosen:
                painter.fillRect(QRectF(0, top, self.width(), height), QColor(look.raised))
            painter.setPen(QColor(look.accent if is_chosen else look.faint))
            painter.drawText(QRectF(0, top, token, height), middle, _name(row))
            painter.setPen(QColor(look.text))
            name = shorten(spell(likely.token), LABEL_LETTERS)
            painter.drawText(QRectF(token, top, chance - token, height), middle, name)
            painter.setPen(QColor(look.text if likely.probability >= 0.3 else look.faint))
            box = QRectF(chance - 10, top, curve - chance, height)
            painter.drawText(box, right, percent(likely.probability))

    def _paint_curve(self, painter: QPainter, metric: tuple[float, ...], look: Theme) -> None:
        height = self._row_height()
        left, right = self._columns()[2] + 14, self.width() - 8.0
        if right - left < 40:
            return
        limit = max(1e-6, *(abs(value) for value in metric if value == value))
        middle, reach = (left + right) / 2, (right - left) / 2
        bottom = (len(metric) + 1) * height
        painter.setPen(QPen(QColor(look.line), 1))
        painter.drawLine(QPointF(middle, height), QPointF(middle, bottom))
        painter.setPen(QColor(look.faint))
        row = QRectF(left - 8, 0, right - left + 16, height)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft, signed(-limit, 1))
        painter.drawText(row, Qt.AlignmentFlag.AlignHCenter, "0")
        painter.drawText(row, Qt.AlignmentFlag.AlignRight, signed(limit, 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        points = [
            QPointF(middle + reach * value / limit, (index + 1.5) * height)
            for index, value in enumerate(metric)
        ]
        painter.setPen(QPen(QColor(look.faint), 1.2))
        painter.drawPolyline(QPolygonF(points))
        table = theme.diverging(look)
        painter.setPen(Qt.PenStyle.NoPen)
        for value, point in zip(metric, points, strict=True):
            painter.setBrush(QColor(*map(int, table[225 if value > 0 else 30])))
            painter.drawEllipse(point, 2.6, 2.6)

    def _words(self, row: int) -> str:
        if self.reading is None:
            return ""
        likely = self.reading.top[row]
        where = "the embedding" if row == 0 else f"after layer {row - 1}"
        words = f"{where}: ‘{spell(likely.token)}’ {likely.probability:.3f}"
        if self.reading.metric:
            words += f", logit difference {signed(self.reading.metric[row])}"
        return words


def _name(row: int) -> str:
    return "emb" if row == 0 else f"L{row - 1}"
