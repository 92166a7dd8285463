"""One head as lines: from each token on the left to what it looks at on the right, or as arcs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import CellState
from lensgui.panes import theme
from lensgui.panes.attention.head_numbers import Weights
from lensgui.panes.pictures import axis_labels
from lensgui.panes.pictures.axis_labels import Ink, Labels
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.theme import STALE_OPACITY, Theme
from lensgui.state.selection import Cursor

MOST_LINES = 4000
THINNEST, WIDEST = 0.8, 2.6  # pixels
MOST_SMOOTH = 800  # lines; more are drawn without antialiasing
LEVELS = 24  # of colour and width
ROW = 11.0  # pixels that a token needs in two columns
HEAD = 16.0  # pixels above them, which say what each column is


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The edges that are drawn, weakest first.

    Attributes:
        ends: Destination and source of each, [edge, 2].
        shares: Each one's place on the scale, [edge].
        left_out: How many pass the threshold beyond those.
    """

    ends: NDArray[np.intp]
    shares: NDArray[np.float32]
    left_out: int


def edges(weights: Weights, least: float, only: tuple[str, int] | None) -> Edges:
    """Return the edges at least so strong.

    Args:
        weights: The head's numbers.
        least: The least share of the scale's end.
        only: One row or column, by its axis, "position" or "source", and its token; None for all.
    """
    shares = weights.shares
    is_known = weights.slice.states == CellState.EXACT
    strong = is_known & (np.abs(shares) >= max(least, 1e-6))
    if only is not None:
        index = (only[1], slice(None)) if only[0] == "position" else (slice(None), only[1])
        alone = np.zeros_like(strong)
        alone[index] = strong[index]
        strong = alone
    ends = np.argwhere(strong)
    sizes = np.abs(shares[tuple(ends.T)])
    order = np.argsort(sizes, kind="stable")[-MOST_LINES:]
    left_out = len(ends) - len(order)
    ends = ends[order]
    return Edges(ends, shares[tuple(ends.T)], left_out)


def pen(share: float, weights: Weights, colors: Theme) -> QPen:
    """Return the pen of an edge by its share of the scale's end: opaque, wider where stronger."""
    table = weights.table(colors)
    index = round(share * 127 + theme.NEUTRAL if weights.slice.is_signed else share * 255)
    return QPen(QColor(*map(int, table[index])), THINNEST + (WIDEST - THINNEST) * abs(share))


class HeadLines(Painted):
    """Lines between tokens; many tokens stand in one row, under arcs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.weights: Weights | None = None
        self.name = ""
        self.least = 0.1
        self.is_from = True
        self.locked: tuple[str, int] | None = None
        self._marked: frozenset[int] = frozenset()
        self.edges: Edges | None = None
        self.setAccessibleName("The selected head as lines from destinations to sources")
        self.setToolTip("Point at a token to see its lines alone; click it to lock that.")

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(360, 320)

    def show_weights(self, weights: Weights | None, marked: frozenset[int]) -> None:
        """Draw a head's numbers; marked positions differ between clean and corrupted."""
        before = self.weights.slice.values.shape if self.weights else None
        if weights is None or weights.slice.values.shape != before:
            self.locked = self._pointed = None
        self.weights, self._marked, self.is_stale = weights, marked, False
        self.redraw()

    def as_table(self) -> NumberTable | None:
        """Return the numbers of the head."""
        return None if self.weights is None else self.weights.as_table(self.name)

    def show_cursor(self, cursor: Cursor) -> None:
        """Mark the selected tokens."""
        super().show_cursor(cursor)
        row, column = cursor.position, cursor.source
        ends = [at for at in (row, column) if at is not None]
        count = len(self.weights.tokens) if self.weights else 0
        if self.weights is not None and row is not None and max(ends, default=0) < count:
            alone = self._words("position", row)
            words = alone if column is None else self.weights.words(row, column)
            self.setAccessibleDescription(words)

    def show_least(self, least: float) -> None:
        """Leave out what is weaker than a share of the scale's end."""
        self.least = least
        self.redraw()

    def show_direction(self, *, is_from: bool) -> None:
        """Say whether a token's arcs are those to what it attends to, or from what attends to it.

        Args:
            is_from: The former.
        """
        self.is_from, self.locked = is_from, None
        self.redraw()

    @property
    def has_arcs(self) -> bool:
        """Whether there are too many tokens for two columns."""
        return self.weights is not None and self.height() - HEAD - 4 < ROW * len(
            self.weights.tokens
        )

    @property
    def isolated(self) -> tuple[str, int] | None:
        """The token whose lines are seen alone, by its axis and number."""
        pointed: tuple[str, int] | None = self._pointed
        return pointed or self.locked

    def token_at(self, point: QPointF) -> tuple[str, int] | None:
        """Return the axis, "position" or "source", and the token whose name is under a point."""
        if self.weights is None:
            return None
        plot, count = self.plot(), len(self.weights.tokens)
        if self.has_arcs:
            at = int((point.x() - plot.left()) / plot.width() * count)
            axis = "position" if self.is_from else "source"
            return (axis, at) if 0 <= at < count else None
        at = int((point.y() - plot.top()) / plot.height() * count)
        if not 0 <= at < count or plot.left() < point.x() < plot.right():
            return None
        return ("position" if point.x() <= plot.left() else "source", at)

    def plot(self) -> QRectF:
        """Return where lines are, between or above the tokens' names."""
        metrics = QFontMetricsF(self.font())
        tokens = self.weights.tokens if self.weights else ()
        wide = max(map(metrics.horizontalAdvance, tokens), default=0.0) + 10
        if self.has_arcs:
            return QRectF(6, 4, self.width() - 12, max(20.0, self.height() - wide - 8))
        wide = min(wide, self.width() * 0.4)
        return QRectF(wide, HEAD, self.width() - 2 * wide, self.height() - HEAD - 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw lines and names."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if self.weights is None:
                self.say_empty(painter, colors)
                return
            ratio = self.devicePixelRatioF()
            drawn = self._image
            if not isinstance(drawn, QPixmap) or drawn.size() != self.size() * ratio:
                drawn = self._image = QPixmap(self.size() * ratio)
                drawn.setDevicePixelRatio(ratio)
                self._paint_lines(drawn, self.weights, colors)
            painter.setOpacity(STALE_OPACITY if self.is_stale else 1.0)
            painter.drawPixmap(0, 0, drawn)
            painter.setOpacity(1.0)
            self._paint_names(painter, self.weights, colors)
            if self.edges is not None and self.edges.left_out:
                painter.setPen(QColor(colors.faint))
                words = f"{self.edges.left_out:,} weaker lines are not drawn"
                painter.drawText(QPointF(8, 4 + QFontMetricsF(self.font()).ascent()), words)

    def hit_test(self, point: QPointF) -> tuple[tuple[str, int] | None, str]:
        """Return the token whose name is under a point, and its strongest line in words."""
        token = self.token_at(point)
        return token, self._words(*token) if token else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Lock the token under the pointer, and select it."""
        token = self.token_at(event.position())
        if token and event.button() == Qt.MouseButton.LeftButton:
            self.locked = None if token == self.locked else token
            self.picked.emit({token[0]: token[1]})
            self.redraw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the destination with ↑ and ↓, the source with ← and →; Esc unlocks."""
        moves = {
            Qt.Key.Key_Up: ("position", -1),
            Qt.Key.Key_Down: ("position", 1),
            Qt.Key.Key_Left: ("source", -1),
            Qt.Key.Key_Right: ("source", 1),
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape and self.locked:
            self.locked = None
            self.redraw()
        elif key in moves and self.weights is not None:
            axis, step = moves[key]
            place = (getattr(self._cursor, axis) or 0) + step
            self.picked.emit({axis: max(0, min(len(self.weights.tokens) - 1, place))})
        else:
            super().keyPressEvent(event)

    def _point_at(self, pointed: Any, words: str) -> bool:
        """See its lines alone."""
        is_news = super()._point_at(pointed, words)
        if is_news:
            self.redraw()
        return is_news

    def _paint_lines(self, canvas: QPixmap, weights: Weights, colors: Theme) -> None:
        """Draw opaque lines, weakest first: transparency is what costs."""
        canvas.fill(QColor(colors.surface))
        shown = self.edges = edges(weights, self.least, self.isolated)
        with QPainter(canvas) as painter:
            smooth = len(shown.ends) <= MOST_SMOOTH
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
            level = np.rint(np.abs(shown.shares) * LEVELS).astype(int)
            for signed_level in sorted(set(np.sign(shown.shares) * level), key=abs):
                some = shown.ends[np.sign(shown.shares) * level == signed_level]
                painter.setPen(pen(float(signed_level) / LEVELS, weights, colors))
                if self.has_arcs:
                    self._arcs(painter, some)
                else:
                    painter.drawLines(self._lines(some))

    def _lines(self, ends: NDArray[np.intp]) -> list[QLineF]:
        plot, count = self.plot(), len(self.weights.tokens) if self.weights else 1
        heights = plot.top() + (ends + 0.5) * plot.height() / count
        return [QLineF(plot.left(), top, plot.right(), bottom) for top, bottom in heights.tolist()]

    def _arcs(self, painter: QPainter, ends: NDArray[np.intp]) -> None:
        plot, count = self.plot(), len(self.weights.tokens) if self.weights else 1
        places = plot.left() + (ends + 0.5) * plot.width() / count
        for destination, source in places.tolist():
            wide = abs(destination - source)
            if wide < 1:
                painter.drawPoint(QPointF(destination, plot.bottom() - 1))
                continue
            high = max(3.0, plot.height() * (wide / plot.width()) ** 0.6)
            left = min(destination, source)
            box = QRectF(left, plot.bottom() - high, wide, 2 * high)
            painter.drawArc(box, 0, 180 * 16)

    def _paint_names(self, painter: QPainter, weights: Weights, colors: Theme) -> None:
        ink = Ink(QColor(colors.text), QColor(colors.changed), QColor(colors.accent))
        painter.setFont(self.font())
        plot, only = self.plot(), self.isolated or ("", 0)
        row, column = (self._place_on(axis, only) for axis in ("position", "source"))
        chosen = self._cursor.position, self._cursor.source
        sources = Labels(weights.tokens, self._marked, chosen[1], column)
        places = Labels(weights.tokens, self._marked, chosen[0], row)
        if self.has_arcs:
            axis_labels.paint_below(painter, places if self.is_from else sources, plot, 90, ink)
            return
        self._paint_heads(painter, plot, colors)
        axis_labels.paint_left(painter, places, plot, ink)
        painter.setPen(ink.plain)
        spacing = plot.height() / len(weights.tokens)
        for at, token in enumerate(weights.tokens):
            middle = plot.top() + (at + 0.5) * spacing
            painter.setPen(ink.of(sources, at))
            axis_labels.underline(painter, is_marked=at in self._marked)
            box = QRectF(plot.right() + 5, middle - 20, self.width() - plot.right() - 5, 40)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, token)
        axis_labels.underline(painter, is_marked=False)

    def _paint_heads(self, painter: QPainter, plot: QRectF, colors: Theme) -> None:
        """Say which column is which."""
        painter.save()
        painter.setFont(theme.text_font(theme.SMALL_POINTS))
        painter.setPen(QColor(colors.faint))
        row, middle = QRectF(0, 0, self.width(), HEAD), Qt.AlignmentFlag.AlignVCenter
        painter.drawText(
            row.adjusted(2, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | middle, "destination"
        )
        painter.drawText(row.adjusted(0, 0, -2, 0), Qt.AlignmentFlag.AlignRight | middle, "source")
        painter.restore()

    @staticmethod
    def _place_on(axis: str, only: tuple[str, int]) -> int | None:
        return only[1] if only[0] == axis else None

    def _words(self, axis: str, token: int) -> str:
        if self.weights is None:
            return ""
        values = self.weights.slice.values
        row = values[token] if axis == "position" else values[:, token]
        known = self.weights.slice.states == CellState.EXACT
        states = known[token] if axis == "position" else known[:, token]
        if not states.any():
            return f"‘{self.weights.tokens[token]}’ ({token})"
        best = int(np.where(states, np.abs(np.nan_to_num(row)), -1).argmax())
        place = (token, best) if axis == "position" else (best, token)
        return f"{self.name} · strongest of ‘{self.weights.tokens[token]}’ ({token}): " + (
            self.weights.words(*place)
        )
