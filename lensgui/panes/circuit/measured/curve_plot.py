"""Faithfulness by size, on a log axis: circuits of the best edges, and circuits drawn at random."""

from __future__ import annotations

from typing import Any

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

from lensgui.jobs.answers.circuits import CurveReading
from lensgui.panes import theme
from lensgui.panes.figures.figure import Data, Lines, numbered
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.theme import Theme

LEFT, RIGHT, TOP, BOTTOM = 44.0, 24.0, 8.0, 34.0  # pixels around the curves
DOT = 3.5  # pixels, half of a point
LEAST_TOP = 1.1  # of the vertical axis, so that 1 is always on it
NAMES = ("best edges", "drawn at random, the mean")
NOTHING = "The smallest circuits come first."


class CurvePlot(Painted):
    """Draws a curve of circuits by size; arrows go from size to size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reading: CurveReading | None = None
        self._at: int | None = None
        self.empty = NOTHING
        self.setAccessibleName("Faithfulness by how many edges are kept")

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(300, 240)

    def show_reading(self, reading: CurveReading | None) -> None:
        """Draw what is known; None for nothing."""
        self.reading = reading
        self.setAccessibleDescription("" if self._at is None else self.words(self._at))
        self.redraw()

    def words(self, at: int) -> str:
        """Return what is said of a size."""
        found = self.reading
        if found is None or at >= len(found.shares) or not np.isfinite(found.faithfulness[at]):
            return ""
        low, high = found.ends[:, at].tolist()
        ends = f" (95 %: {low:.2f} to {high:.2f})" if np.isfinite(low) else ""
        drawn = found.drawn[at][np.isfinite(found.drawn[at])]
        rest = (
            f"; {len(drawn)} drawn at random: {drawn.mean():.2f} on average, "
            f"{drawn.min():.2f} to {drawn.max():.2f}"
            if len(drawn)
            else ""
        )
        said = (
            f"{found.counts[at]:,} edges ({found.shares[at]:.1%}): faithfulness "
            f"{found.faithfulness[at]:.2f}{ends}{rest}"
        )
        return said.replace("-", "−")

    def as_table(self) -> NumberTable | None:
        """Return both curves, a size a row."""
        found = self.reading
        if found is None:
            return None
        rows = [f"{share:.1%}" for share in found.shares]
        values = np.stack([found.faithfulness, found.mean_drawn], axis=1)
        return of_numbers(self.accessibleName(), rows, list(NAMES), values)

    def hit_test(self, point: QPointF) -> tuple[Any, str]:
        """Return the size nearest to a point, and what it says."""
        if self.reading is None or not len(self.reading.shares):
            return None, ""
        at = int(np.abs(self._across() - point.x()).argmin())
        words = self.words(at)
        return (at, words) if words else (None, "")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the size that was clicked."""
        at, words = self.hit_test(event.position())
        if words:
            self._go_to(at)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the next size."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if not step or self.reading is None or event.modifiers():
            super().keyPressEvent(event)
            return
        last = len(self.reading.shares) - 1
        self._go_to(0 if self._at is None else min(max(self._at + step, 0), last))

    def _go_to(self, at: int) -> None:
        self._at = at
        self.setAccessibleDescription(self.words(at))
        self.hovered.emit(self.words(at))
        self.update()

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(LEFT, TOP, -RIGHT, -BOTTOM)

    def _across(self) -> NDArray[np.float64]:
        """Return where each size is, in pixels from the left."""
        assert self.reading is not None
        logs, area = np.log10(self.reading.shares), self._area()
        span = max(1e-9, float(logs[-1] - logs[0]))
        return np.asarray(area.left() + (logs - logs[0]) / span * area.width(), np.float64)

    def _ends(self) -> tuple[float, float]:
        """Return the ends of the vertical axis."""
        assert self.reading is not None
        known = [self.reading.faithfulness, self.reading.drawn.ravel(), self.reading.ends.ravel()]
        values = np.concatenate(known)
        values = values[np.isfinite(values)]
        low, high = min(0.0, *values.tolist(), 0.0), max(LEAST_TOP, *values.tolist(), 0.0)
        return low, high

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw both curves."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(colors.surface))
            found = self.reading
            if found is None or not np.isfinite(found.faithfulness).any():
                self.say_empty(painter, colors)
                return
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
            low, high = self._ends()
            area = self._area()

            def down(value: float) -> float:
                return area.bottom() - (value - low) / (high - low) * area.height()

            self._paint_axes(painter, colors, area, down)
            self._paint_drawn(painter, colors, down)
            self._paint_best(painter, colors, down)

    def _paint_axes(self, painter: QPainter, colors: Theme, area: QRectF, down: Any) -> None:
        metrics = QFontMetricsF(painter.font())
        for value in (0.0, 1.0):
            y = down(value)
            painter.setPen(QPen(QColor(colors.line), 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(colors.faint))
            box = QRectF(0, y - 8, LEFT - 6, 16)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, flags, f"{value:g}")
        assert self.reading is not None
        end = -np.inf
        for share, x in zip(self.reading.shares, self._across().tolist(), strict=True):
            text = f"{100 * share:g} %"
            wide = metrics.horizontalAdvance(text)
            if x - wide / 2 >= end + 6:
                end = x + wide / 2
                box = QRectF(x - wide / 2 - 1, area.bottom() + 2, wide + 2, 14)
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        box = QRectF(area.left(), area.bottom() + 17, area.width(), 15)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "of the model's edges")

    def _paint_drawn(self, painter: QPainter, colors: Theme, down: Any) -> None:
        """Draw how far circuits drawn at random reach, and their mean."""
        assert self.reading is not None
        drawn, x = self.reading.drawn, self._across()
        rows = [at for at in range(len(x)) if np.isfinite(drawn[at]).any()]
        if not rows:
            return
        tops = [QPointF(x[at], down(float(np.nanmax(drawn[at])))) for at in rows]
        feet = [QPointF(x[at], down(float(np.nanmin(drawn[at])))) for at in reversed(rows)]
        band = QColor(colors.faint)
        band.setAlpha(70)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(band)
        painter.drawPolygon(QPolygonF([*tops, *feet]))
        pen = QPen(QColor(colors.faint), 1.6, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        middles = [QPointF(x[at], down(float(np.nanmean(drawn[at])))) for at in rows]
        painter.drawPolyline(QPolygonF(middles))

    def _paint_best(self, painter: QPainter, colors: Theme, down: Any) -> None:
        """Draw the circuits of the best edges, each with its interval."""
        found, x = self.reading, self._across()
        assert found is not None
        known = [at for at in range(len(x)) if np.isfinite(found.faithfulness[at])]
        blue = QColor(*map(int, theme.diverging(colors)[230]))
        painter.setPen(QPen(blue, 2))
        points = {at: QPointF(x[at], down(float(found.faithfulness[at]))) for at in known}
        painter.drawPolyline(QPolygonF(list(points.values())))
        for at, point in points.items():
            low, high = found.ends[:, at].tolist()
            if np.isfinite(low):
                painter.setPen(QPen(blue, 1))
                painter.drawLine(QPointF(point.x(), down(low)), QPointF(point.x(), down(high)))
            is_there = at == self._at
            painter.setPen(QPen(QColor(colors.accent) if is_there else blue, 2))
            painter.setBrush(blue)
            painter.drawEllipse(point, DOT, DOT)


def lines(found: CurveReading) -> Lines:
    """Return both curves as they are taken home."""
    labels = [f"{100 * share:g} %" for share in found.shares]
    values = np.stack([found.faithfulness, found.mean_drawn]).astype(np.float64)
    places = numbered("size", labels)
    areas = {"CPR": values, "CMD": np.abs(1 - values)}  # Mueller et al. 2025; in the numbers alone
    columns = {name: _area(of, found.shares) for name, of in areas.items()}
    data = Data((numbered("curve", list(NAMES)), places), {"faithfulness": values, **columns})
    across = np.log10(np.array(found.shares))
    return Lines("", places, list(NAMES), values, "faithfulness", data, across=across)


def _area(heights: NDArray[np.float64], shares: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the area below each curve, over the share of the edges, at each of its points."""
    steps = np.diff(shares) * (heights[:, 1:] + heights[:, :-1]) / 2
    return np.broadcast_to(steps.sum(1, keepdims=True), heights.shape)
