"""The logit lens of one position: a row for each layer, and the metric as a curve beside them."""

from __future__ import annotations

from itertools import groupby
from math import isfinite

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QToolTip, QWidget

from lensgui.jobs.answers.readings import LensReading, Likely
from lensgui.panes import theme
from lensgui.panes.pictures.rows import Rows
from lensgui.panes.theme import STALE_OPACITY, Theme
from lensgui.panes.token_text import percent, plain_tip, shorten, signed, spell

LABEL_LETTERS = 11
UNKNOWN = "–"


class LensRows(Rows):
    """Top token, probability and metric after the embedding and after each layer.

    Choosing a row selects its layer; the embedding is none.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reading: LensReading | None = None
        self.layer: int | None = None
        self._stale = False
        self.setFont(theme.mono_font(theme.SMALL_POINTS))
        self.setAccessibleName("Logit lens by layer")
        self.setToolTip(
            "The likeliest next token after each layer: click a row, or go to it with ↑ and ↓ and "
            "press Enter, to select its layer."
        )

    def show_reading(self, reading: LensReading | None) -> None:
        """Draw another position's rows."""
        self.reading = reading
        self._stale = False
        self.setVisible(reading is not None)
        self.take_rows()

    def show_stale(self, is_stale: bool) -> None:
        """Dim the rows if they answer an older question."""
        self._stale = is_stale
        self.update()

    def show_layer(self, layer: int | None) -> None:
        """Mark the selected layer."""
        self.layer = layer
        self.update()

    def count(self) -> int:
        """Return how many rows there are, the embedding's included."""
        return len(self.reading.top) if self.reading else 0

    def words(self, row: int) -> str:
        """Return what the stream would predict there."""
        if self.reading is None:
            return ""
        likely = self.reading.top[row]
        words = "the embedding: " if row == 0 else f"after layer {row - 1}: "
        if not isfinite(likely.probability):
            return f"{words}not a finite number"
        words += f"‘{spell(likely.token)}’ {likely.probability:.3f}"
        if self.reading.metric:
            words += f", logit difference {signed(self.reading.metric[row])}"
        return words

    def fields(self, row: int) -> dict[str, int]:
        """Return the layer that a row comes after."""
        return {"layer": row - 1} if row else {}

    def chosen_row(self) -> int | None:
        """Return the row after the selected layer."""
        row = None if self.layer is None else self.layer + 1
        return row if row is not None and row < self.count() else None

    def top(self) -> float:
        """Return the height of the heading."""
        return self.row_height()

    @property
    def rises(self) -> bool:
        """Whether the embedding is the lowest, as layer 0 is in every picture."""
        return theme.pictures().rises

    def row_height(self) -> float:
        """Return the height of a line of text."""
        return QFontMetricsF(self.font()).height() + 1

    def sizeHint(self) -> QSize:
        """Return the height of all rows and the heading."""
        return QSize(220, round((max(1, self.count()) + 1) * self.row_height()) + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw heading, rows and curve."""
        if self.reading is None:
            return
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            painter.setOpacity(STALE_OPACITY if self._stale else 1.0)
            self._paint_heading(painter, colors)
            for row, likely in enumerate(self.reading.top):
                self._paint_row(painter, row, likely, colors)
            if any(map(isfinite, self.reading.metric)):
                self._paint_curve(painter, self.reading.metric, colors)
            painter.setOpacity(1.0)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            self.paint_focus(painter, colors)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the pointer, beside it too."""
        before = self._pointed
        super().mouseMoveEvent(event)
        if self._pointed != before:
            words = "" if self._pointed is None else self.words(self._pointed)
            QToolTip.showText(
                event.globalPosition().toPoint(), plain_tip(words) or self.toolTip(), self
            )

    def columns(self) -> tuple[float, float, float]:
        """Return where tokens, probabilities and the curve begin."""
        letter = QFontMetricsF(self.font()).horizontalAdvance("0")
        return 5 * letter, (6 + LABEL_LETTERS) * letter, (13 + LABEL_LETTERS) * letter

    def _paint_heading(self, painter: QPainter, colors: Theme) -> None:
        _, chance, curve = self.columns()
        height, middle = self.row_height(), Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colors.faint))
        painter.drawText(QRectF(0, 0, chance, height), middle, "layer top token")
        box = QRectF(chance - 10, 0, curve - chance, height)
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, "prob.")

    def _paint_row(self, painter: QPainter, row: int, likely: Likely, colors: Theme) -> None:
        token, chance, curve = self.columns()
        place, middle = self.place_of(row), Qt.AlignmentFlag.AlignVCenter
        top, height = place.top(), place.height()
        is_chosen = row > 0 and row - 1 == self.layer
        if is_chosen:
            painter.fillRect(place, QColor(colors.raised))
        painter.setPen(QColor(colors.accent if is_chosen else colors.faint))
        painter.drawText(QRectF(0, top, token, height), middle, _name(row))
        is_known = isfinite(likely.probability)
        painter.setPen(QColor(colors.text if is_known else colors.faint))
        name = shorten(spell(likely.token), LABEL_LETTERS) if is_known else UNKNOWN
        painter.drawText(QRectF(token, top, chance - token, height), middle, name)
        painter.setPen(QColor(colors.text if likely.probability >= 0.3 else colors.faint))
        box = QRectF(chance - 10, top, curve - chance, height)
        share = percent(likely.probability) if is_known else UNKNOWN
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, share)

    def _paint_curve(self, painter: QPainter, metric: tuple[float, ...], colors: Theme) -> None:
        """Draw the metric of the rows where it is finite, which some are."""
        height = self.row_height()
        left, right = self.columns()[2] + 14, self.width() - 8.0
        if right - left < 40:
            return
        limit = max(abs(value) for value in metric if isfinite(value)) or 1.0
        middle, reach = (left + right) / 2, (right - left) / 2
        painter.setPen(QPen(QColor(colors.line), 1))
        painter.drawLine(QPointF(middle, height), QPointF(middle, (len(metric) + 1) * height))
        painter.setPen(QColor(colors.faint))
        row = QRectF(left - 8, 0, right - left + 16, height)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft, signed(-limit, 1))
        painter.drawText(row, Qt.AlignmentFlag.AlignHCenter, "0")
        painter.drawText(row, Qt.AlignmentFlag.AlignRight, signed(limit, 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        table = theme.diverging(colors)
        for line in stretches(metric):
            points = [
                QPointF(middle + reach * (value / limit), self.place_of(index).center().y())
                for index, value in line
            ]
            painter.setPen(QPen(QColor(colors.faint), 1.2))
            painter.drawPolyline(QPolygonF(points))
            painter.setPen(Qt.PenStyle.NoPen)
            for (_, value), point in zip(line, points, strict=True):
                painter.setBrush(QColor(*map(int, table[225 if value > 0 else 30])))
                painter.drawEllipse(point, 2.6, 2.6)


def stretches(metric: tuple[float, ...]) -> list[list[tuple[int, float]]]:
    """Return the rows and values of a curve, in stretches without a gap: all are finite."""
    parts = groupby(enumerate(metric), key=lambda item: isfinite(item[1]))
    return [list(part) for is_finite, part in parts if is_finite]


def _name(row: int) -> str:
    return "emb" if row == 0 else f"L{row - 1}"
