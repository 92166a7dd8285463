"""The metric, tokens' probabilities and KL against strength, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
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

from lensgui.panes import theme
from lensgui.panes.pictures.curves import BAND, DASHES, color_of
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.strength.strength_seen import Plot, Seen
from lensgui.panes.theme import Theme

TALL = (0.42, 0.34, 0.24)  # shares of the height: metric, probabilities, KL
EDGE, GAP, DOT = 6.0, 4.0, 2.4  # pixels
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
TAKES = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class StrengthPlot(Painted):
    """Curves against strength; a click, or Return, gives the intervention that strength.

    Attributes:
        chosen: (strength,) the user wants the intervention so strong, in its op's own number.
    """

    chosen = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.seen: Seen | None = None
        self._now: float | None = None
        self._at: int | None = None  # the strength that the keys are on
        self.setAccessibleName("What the intervention does by its strength")

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(380, 420)

    def minimumSizeHint(self) -> QSize:
        """Return the least size at which something can be read."""
        return QSize(220, 200)

    def show_seen(self, seen: Seen | None, now: float | None) -> None:
        """Draw a reading.

        Args:
            seen: What is known; None for nothing.
            now: How strong the intervention is at present, as the common axis counts it.
        """
        self.seen, self._now = seen, now
        if seen is None or (self._at is not None and self._at >= len(seen.labels)):
            self._at = None
        self._describe()
        self.redraw()

    def as_table(self) -> NumberTable | None:
        """Return all curves, a strength a row."""
        if self.seen is None:
            return None
        plots = self.seen.plots
        columns = [name for plot in plots for name in plot.names]
        values = np.concatenate([plot.values for plot in plots]).T
        return of_numbers(self.accessibleName(), self.seen.labels, columns, values)

    def areas(self) -> list[QRectF]:
        """Return where each plot is, in the widget's pixels."""
        line = QFontMetricsF(self.font()).height()
        left = EDGE + QFontMetricsF(self.font()).horizontalAdvance("−00.0") + GAP
        width = max(1.0, self.width() - left - EDGE)
        room = max(3.0, self.height() - line * (len(TALL) + 2) - 2 * EDGE)
        found, top = [], EDGE
        for share in TALL:
            top += line
            found.append(QRectF(left, top, width, share * room))
            top += share * room
        return found

    def x_of(self, strength: float, area: QRectF) -> float:
        """Return where a strength is, of the common axis."""
        assert self.seen is not None
        low, high = float(self.seen.across[0]), float(self.seen.across[-1])
        return area.left() + (strength - low) / ((high - low) or 1.0) * area.width()

    def at(self, point: QPointF) -> int | None:
        """Return the strength nearest to a point of the widget."""
        areas = self.areas()
        if self.seen is None or not areas[0].left() - EDGE <= point.x() <= areas[0].right() + EDGE:
            return None
        away = [abs(self.x_of(float(each), areas[0]) - point.x()) for each in self.seen.across]
        return int(np.argmin(away))

    def hit_test(self, point: QPointF) -> tuple[int | None, str]:
        """Return the strength under a point, and what is known there."""
        at = self.at(point)
        return at, "" if at is None or self.seen is None else self.seen.words(at)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Give the intervention the strength under the pointer."""
        at = self.at(event.position())
        if at is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the strength beside; take it with Return."""
        key = Qt.Key(event.key())
        if self.seen is None or key not in (*STEPS, *TAKES):
            super().keyPressEvent(event)
            return
        here = self._at if self._at is not None else int(np.argmin(np.abs(self.seen.across)))
        if key in TAKES:
            self._choose(here)
            return
        self._at = min(len(self.seen.labels) - 1, max(0, here + STEPS.get(key, 0)))
        self._describe()
        self.redraw()

    def _choose(self, at: int) -> None:
        assert self.seen is not None
        self._at = at
        self._describe()
        self.chosen.emit(self.seen.reading.strengths[at])

    def _describe(self) -> None:
        here = self.seen is not None and self._at is not None
        words = self.seen.words(self._at) if here and self.seen and self._at is not None else ""
        self.setAccessibleDescription(words)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the plots, their axes and what the curves are called."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if self.seen is None:
                self.say_empty(painter, colors)
                return
            areas = self.areas()
            for plot, area in zip(self.seen.plots, areas, strict=True):
                self._paint_off(painter, area, colors)
                self._paint_frame(painter, plot, area, colors)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
                self._paint_curves(painter, plot, area, colors)
                painter.setOpacity(1.0)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
                self._paint_title(painter, plot, area, colors)
            self._paint_places(painter, areas, colors)

    def _paint_off(self, painter: QPainter, area: QRectF, colors: Theme) -> None:
        """Shade the stretch where the next token is no longer that of such a prompt."""
        assert self.seen is not None
        across, is_off = self.seen.across, self.seen.reading.is_off_distribution
        middles = (across[1:] + across[:-1]) / 2
        edges = [float(across[0]), *middles.tolist(), float(across[-1])]
        for at in np.flatnonzero(is_off).tolist():
            left, right = (self.x_of(edge, area) for edge in edges[at : at + 2])
            painter.fillRect(
                QRectF(left, area.top(), right - left, area.height()), QColor(colors.raised)
            )

    def _paint_frame(self, painter: QPainter, plot: Plot, area: QRectF, colors: Theme) -> None:
        painter.setPen(QPen(QColor(colors.line), 1))
        painter.drawRect(area)
        for level in (0.0, plot.level):
            if level is not None and plot.low < level < plot.high:
                dash = Qt.PenStyle.DotLine if level == plot.level else Qt.PenStyle.SolidLine
                painter.setPen(QPen(QColor(colors.line), 1, dash))
                y = y_of(level, plot, area)
                painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
        painter.setFont(self.font())
        painter.setPen(QColor(colors.faint))
        height = QFontMetricsF(self.font()).height()
        ends = ((plot.high, area.top()), (plot.low, area.bottom() - height))
        for value, top in ends:
            where = QRectF(0, top, area.left() - GAP, height)
            text = f"{value:.3g}".replace("-", "−")
            painter.drawText(where, Qt.AlignmentFlag.AlignRight, text)

    def _paint_curves(self, painter: QPainter, plot: Plot, area: QRectF, colors: Theme) -> None:
        assert self.seen is not None
        places = [self.x_of(float(each), area) for each in self.seen.across]
        if plot.band is not None:
            tone = QColor(colors.faint)
            tone.setAlpha(BAND)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tone)
            ends = [
                [QPointF(x, y_of(value, plot, area)) for x, value in zip(places, row, strict=True)]
                for row in plot.band.tolist()
            ]
            painter.drawPolygon(QPolygonF([*ends[0], *reversed(ends[1])]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for number in reversed(range(len(plot.names))):
            color = QColor(color_of(number, colors) if number < 2 else colors.faint)
            painter.setPen(QPen(color, 1.8 if number < 2 else 1.0, DASHES[number % len(DASHES)]))
            known = [
                QPointF(x, y_of(value, plot, area))
                for x, value in zip(places, plot.values[number].tolist(), strict=True)
                if np.isfinite(value)
            ]
            painter.drawPolyline(QPolygonF(known))
            if number < 2:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                for point in known:
                    painter.drawEllipse(point, DOT, DOT)
                painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_title(self, painter: QPainter, plot: Plot, area: QRectF, colors: Theme) -> None:
        """Write what is counted above a plot, and what its first curves are called."""
        metrics = QFontMetricsF(self.font())
        line = QRectF(area.left(), area.top() - metrics.height(), area.width(), metrics.height())
        painter.setPen(QColor(colors.text))
        title = metrics.elidedText(plot.title, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, title)
        if len(plot.names) < 2:
            return
        used = metrics.horizontalAdvance(f"{title}  ")
        for number, name in enumerate(plot.names[:2]):
            color = QColor(color_of(number, colors))
            width = metrics.horizontalAdvance(f"— {name}  ")
            if used + width > line.width():
                return
            painter.setPen(color)
            painter.drawText(line.adjusted(used, 0, 0, 0), Qt.AlignmentFlag.AlignLeft, f"— {name}")
            used += width

    def _paint_places(self, painter: QPainter, areas: Sequence[QRectF], colors: Theme) -> None:
        """Write strengths below, and mark the present one, the pointed at and the keys' one."""
        assert self.seen is not None
        metrics, bottom = QFontMetricsF(self.font()), areas[-1].bottom()
        places = [self.x_of(float(each), areas[-1]) for each in self.seen.across]
        widest = max(metrics.horizontalAdvance(label) for label in self.seen.labels) + 8
        painter.setPen(QColor(colors.faint))
        shown, last = list[float](), -1e9
        for x, label in zip(places, self.seen.labels, strict=True):
            if x - last >= widest:
                where = QRectF(x - widest, bottom + 2, 2 * widest, metrics.height())
                painter.drawText(where, Qt.AlignmentFlag.AlignHCenter, label)
                shown.append(x)
                last = x
        below = QRectF(
            areas[-1].left(), bottom + metrics.height() + 2, areas[-1].width(), metrics.height()
        )
        words = metrics.elidedText(self.seen.counted, Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, words)
        marks: list[tuple[float, str, Qt.PenStyle]] = []
        if self._now is not None:
            marks.append((self.x_of(self._now, areas[0]), colors.accent, Qt.PenStyle.SolidLine))
        for at in (self._at if self.hasFocus() else None, self._pointed):
            if at is not None and at < len(places):
                marks.append((places[at], colors.text, Qt.PenStyle.DotLine))
        for x, color, dash in marks:
            painter.setPen(QPen(QColor(color), 1, dash))
            if areas[0].left() - 1 <= x <= areas[0].right() + 1:
                painter.drawLine(QPointF(x, areas[0].top()), QPointF(x, bottom))


def y_of(value: float, plot: Plot, area: QRectF) -> float:
    """Return where a number is drawn, within its plot."""
    share = (value - plot.low) / ((plot.high - plot.low) or 1.0)
    return area.bottom() - min(1.0, max(0.0, share)) * area.height()
