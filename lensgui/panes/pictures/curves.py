"""Numbers by layer as curves, beside the picture whose rows they stand in line with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes import theme
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.theme import Theme
from lensgui.state.selection import Cursor

SIDE = 6.0  # pixels left and right of the curves
DOT = 2.2  # pixels, half of a point
BAND = 60  # of 255, how strong a spread is drawn
DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)
STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One number by row.

    Attributes:
        name: What it is of.
        values: [row]; NaN where nothing is known.
        spread: How far single numbers are from it, [row]; None if it is no mean.
    """

    name: str
    values: NDArray[np.float32]
    spread: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CurvePlot:
    """Curves on one axis.

    Attributes:
        rows: What the rows count, from the top; of layers from the bottom, where these rise.
        curves: The curves.
        low: What the left end stands for.
        high: What the right end does.
        ends: Both, as they are written.
    """

    rows: Axis
    curves: tuple[Curve, ...]
    low: float
    high: float
    ends: tuple[str, str]


class Curves(Painted):
    """Draws curves in line with the rows of a picture; a click selects a row.

    Attributes:
        describe: Puts a row into words.
    """

    def __init__(
        self,
        area: Callable[[], QRectF],
        describe: Callable[[int], str],
        parent: QWidget | None = None,
    ) -> None:
        """Stand beside a picture.

        Args:
            area: Where that has its rows, in pixels of a widget whose top is level with this one's.
            describe: See the class.
            parent: The widget that it is in.
        """
        super().__init__(parent)
        self._area = area
        self.describe = describe
        self.shown: CurvePlot | None = None

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(150, 320)

    def minimumSizeHint(self) -> QSize:
        """Return the least size at which something can be read."""
        return QSize(90, 84)

    def show_plot(self, shown: CurvePlot | None) -> None:
        """Draw curves; None for none."""
        self.shown = shown if shown is not None and shown.curves and len(shown.rows) else None
        self._describe_selected()
        self.redraw()

    def as_table(self) -> NumberTable | None:
        """Return the numbers of all curves."""
        shown = self.shown
        if shown is None:
            return None
        columns = [curve.name for curve in shown.curves]
        values = np.stack([curve.values for curve in shown.curves], 1)
        return of_numbers(self.accessibleName(), shown.rows.labels, columns, values)

    def plot(self) -> QRectF:
        """Return where the curves are, in the widget's pixels."""
        rows = self._area()
        return QRectF(SIDE, rows.top(), max(1.0, self.width() - 2 * SIDE), rows.height())

    def row_at(self, point: QPointF) -> int | None:
        """Return the row under a point of the widget."""
        plot = self.plot()
        if self.shown is None or not plot.top() <= point.y() < plot.bottom():
            return None
        count = len(self.shown.rows)
        return self._seen(min(count - 1, int((point.y() - plot.top()) / plot.height() * count)))

    def place_of(self, row: int, value: float, plot: QRectF | None = None) -> QPointF:
        """Return where a number of a row is drawn; `plot` spares to work that out anew."""
        assert self.shown is not None
        plot = self.plot() if plot is None else plot
        span = (self.shown.high - self.shown.low) or 1.0
        share = min(1.0, max(0.0, (value - self.shown.low) / span))
        height = plot.height() / len(self.shown.rows)
        return QPointF(
            plot.left() + share * plot.width(), plot.top() + (self._seen(row) + 0.5) * height
        )

    def hit_test(self, point: QPointF) -> tuple[int | None, str]:
        """Return the row under a point, and what it says."""
        row = self.row_at(point)
        return row, "" if row is None else self.describe(row)

    def pointed_place(self) -> QRectF:
        """Return the row under the pointer."""
        row: int | None = self._pointed
        return QRectF() if row is None or self.shown is None else self._strip(row, self.plot())

    def selected(self) -> int | None:
        """Return the row that the cursor selects."""
        if self.shown is None:
            return None
        coordinate = getattr(self._cursor, self.shown.rows.name, None)
        known = coordinate is not None and coordinate in self.shown.rows.coordinates
        return self.shown.rows.coordinates.index(coordinate) if known else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the row under the pointer."""
        row = self.row_at(event.position())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pick(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Select the row above or below."""
        step = STEPS.get(Qt.Key(event.key()))
        if step is None or self.shown is None:
            super().keyPressEvent(event)
            return
        row, last = self.selected(), len(self.shown.rows) - 1
        if row is None:
            self._pick(self._seen(0))
            return
        seen = self._seen(row) + step
        while 0 <= seen <= last:
            if self._pick(self._seen(seen)):
                return
            seen += step

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axis, curves and what they are called."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if self.shown is None:
                self.say_empty(painter, colors)
                return
            plot = self.plot()
            self._paint_rows(painter, plot, colors)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
            for at, curve in enumerate(self.shown.curves):
                self._paint_curve(painter, at, curve, plot, colors)
            painter.setOpacity(1.0)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
            self._paint_names(painter, plot, colors)

    def _seen(self, row: int) -> int:
        """Return how many rows are drawn above a row; and which row has so many above it."""
        assert self.shown is not None
        rises = theme.pictures().rises and self.shown.rows.name == "layer"
        return len(self.shown.rows) - 1 - row if rises else row

    def _strip(self, row: int, plot: QRectF) -> QRectF:
        assert self.shown is not None
        height = plot.height() / len(self.shown.rows)
        return QRectF(plot.left(), plot.top() + self._seen(row) * height, plot.width(), height)

    def _paint_rows(self, painter: QPainter, plot: QRectF, colors: Theme) -> None:
        """Draw the frame, the line of zero, and the rows that are selected and pointed at."""
        assert self.shown is not None
        row = self.selected()
        if row is not None:
            painter.fillRect(self._strip(row, plot), QColor(colors.raised))
        painter.setPen(QPen(QColor(colors.line), 1))
        if self.shown.low < 0 < self.shown.high:
            x = self.place_of(0, 0.0, plot).x()
            painter.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()))
        painter.drawRect(plot)
        if self._pointed is not None:
            painter.setPen(QPen(QColor(colors.text), 1))
            painter.drawRect(self._strip(self._pointed, plot))

    def _paint_curve(
        self, painter: QPainter, at: int, curve: Curve, plot: QRectF, colors: Theme
    ) -> None:
        color = QColor(color_of(at, colors))
        known = np.isfinite(curve.values)
        if curve.spread is not None:
            band = QColor(color)
            band.setAlpha(BAND)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(band)
            for row in np.flatnonzero(known & np.isfinite(curve.spread)).tolist():
                value, spread = float(curve.values[row]), float(curve.spread[row])
                strip = self._strip(row, plot)
                ends = (value - spread, value + spread)
                left, right = (self.place_of(row, end, plot).x() for end in ends)
                painter.drawRect(QRectF(left, strip.top(), right - left, strip.height()))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(color, 1.6, DASHES[at % len(DASHES)]))
        for stretch in np.split(np.arange(len(known)), np.flatnonzero(np.diff(known)) + 1):
            if known[stretch[0]]:
                known_here = zip(stretch.tolist(), curve.values[stretch].tolist(), strict=True)
                points = [self.place_of(row, value, plot) for row, value in known_here]
                painter.drawPolyline(QPolygonF(points))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        if self._strip(0, plot).height() >= 3 * DOT:
            for row in np.flatnonzero(known).tolist():
                painter.drawEllipse(self.place_of(row, float(curve.values[row]), plot), DOT, DOT)

    def _paint_names(self, painter: QPainter, plot: QRectF, colors: Theme) -> None:
        """Write the axis's ends and the curves' names below, as many as there is room for."""
        assert self.shown is not None
        metrics = QFontMetricsF(self.font())
        painter.setFont(self.font())
        height = metrics.height()
        line = QRectF(plot.left(), plot.bottom() + 2, plot.width(), height)
        painter.setPen(QColor(colors.faint))
        low, high = self.shown.ends
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, low)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, high)
        mark = metrics.horizontalAdvance("MM")
        for at, curve in enumerate(self.shown.curves):
            line.translate(0, height)
            if line.bottom() > self.height():
                return
            painter.setPen(QPen(QColor(color_of(at, colors)), 1.6, DASHES[at % len(DASHES)]))
            middle = line.center().y()
            painter.drawLine(QPointF(line.left(), middle), QPointF(line.left() + mark, middle))
            painter.setPen(QColor(colors.text))
            room = line.adjusted(mark + 4, 0, 0, 0)
            text = metrics.elidedText(curve.name, Qt.TextElideMode.ElideMiddle, room.width())
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft, text)

    def _pick(self, row: int) -> bool:
        """Select a row; whether it can be."""
        assert self.shown is not None
        coordinate = self.shown.rows.coordinates[row]
        if coordinate is not None:
            self.picked.emit({self.shown.rows.name: coordinate})
        return coordinate is not None

    def show_cursor(self, cursor: Cursor) -> None:
        """Mark what is selected."""
        super().show_cursor(cursor)
        self._describe_selected()

    def _describe_selected(self) -> None:
        row = self.selected()
        self.setAccessibleDescription("" if row is None else self.describe(row))


def color_of(at: int, colors: Theme) -> str:
    """Return the colour of the curve of a number: the first two are those of opposites."""
    negative, positive = colors.diverging[1], colors.diverging[-2]
    return (positive, negative, colors.changed, colors.accent, colors.text)[at % 5]
