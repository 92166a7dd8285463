"""The strongest cells of a mean as dots, each with the interval in which the mean lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from lensgui.jobs.answers.arrays import CellState, Sweep
from lensgui.panes import theme
from lensgui.panes.pictures.rows import Rows
from lensgui.panes.sweep_view import cells
from lensgui.panes.theme import Theme
from lensgui.panes.token_text import shorten, signed
from lensgui.state.selection import Cursor

MOST = 24  # cells
NAME_LETTERS = 22
DOT = 3.5  # pixels, half of it
AROUND = 1.05  # of the farthest end of an interval, the end of the axis
NOTHING = (
    "Intervals come with the first cells that are exact for every pair; a mean over one pair has "
    "none."
)


@dataclass(frozen=True, slots=True)
class Whisker:
    """One cell's mean, and where it lies in 95 % of resamples of the pairs.

    Attributes:
        name: What the cell is called.
        fields: What it selects.
        mean: The mean, as it is shown.
        low: The lower end.
        high: The upper end.
        words: All that is known of it.
    """

    name: str
    fields: dict[str, int]
    mean: float
    low: float
    high: float
    words: str


def whiskers(sweep: Sweep, group: int) -> tuple[Whisker, ...]:
    """Return the strongest cells that have an interval, the strongest first.

    Args:
        sweep: A mean over pairs, of any number of axes.
        group: How many heads share a key/value head.
    """
    spread = sweep.spread
    if spread is None or spread.low is None or spread.high is None:
        return ()
    has_interval = np.isfinite(spread.low) & (sweep.states == CellState.EXACT)
    sizes = np.where(has_interval, np.abs(sweep.shown), 0).ravel()
    order = np.argsort(-sizes, kind="stable")[:MOST]
    found = []
    for at in order[sizes[order] > 0]:
        index = tuple(map(int, np.unravel_index(at, sweep.values.shape)))
        found.append(
            Whisker(
                cells.cell_name(sweep, *index),
                cells.cursor_at(sweep, index, group),
                float(sweep.shown[index]),
                float(spread.low[index]),
                float(spread.high[index]),
                cells.cell_words(sweep, *index),
            )
        )
    return tuple(found)


class Whiskers(Rows):
    """A row for each cell: its name, its dot and whisker on one axis, and its number.

    Attributes:
        shown: The rows.
        is_whole: Whether it is as tall as all rows, within what scrolls it; else those are shown
            that there is room for.
        is_stale: Whether they answer an older question.
    """

    def __init__(self, parent: QWidget | None = None, *, is_whole: bool = False) -> None:
        super().__init__(parent)
        self.shown: tuple[Whisker, ...] = ()
        self.is_whole, self.is_stale, self._empty = is_whole, False, NOTHING
        self._drawn: tuple[object, ...] = ()
        self._cursor = Cursor()
        self.setFont(theme.mono_font(theme.SMALL_POINTS))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Strongest cells with their intervals")
        self.setToolTip(
            "Dot: the mean over pairs. Whisker: where it lies in 95 % of resamples of the pairs "
            "(bootstrap, Efron 1979). Click a row, or go to it with ↑ and ↓ and press Enter."
        )

    def show_sweep(self, sweep: Sweep | None, group: int, cursor: Cursor) -> None:
        """Draw the strongest cells of a mean.

        Args:
            sweep: The whole sweep; None for nothing.
            group: How many heads share a key/value head.
            cursor: What is selected.
        """
        self._cursor = cursor
        drawn = sweep, group, theme.pictures()
        if drawn != self._drawn:
            self._drawn = drawn
            self.shown = whiskers(sweep, group) if sweep is not None else ()
            self.take_rows()
        self.update()

    def show_whiskers(self, found: tuple[Whisker, ...], cursor: Cursor, empty: str) -> None:
        """Draw other rows.

        Args:
            found: The rows.
            cursor: What is selected.
            empty: What is said where there is none.
        """
        self._cursor, self._empty = cursor, empty
        if found != self.shown:
            self.shown = found
            self.take_rows()
        self.update()

    def show_stale(self, is_stale: bool) -> None:
        """Dim what answers an older question."""
        self.is_stale = is_stale
        self.update()

    def count(self) -> int:
        """Return how many rows have room."""
        if self.is_whole:
            return len(self.shown)
        return min(len(self.shown), max(1, int((self.height() - self.top()) // self.row_height())))

    def words(self, row: int) -> str:
        """Return a cell and its interval."""
        found = self.shown[row]
        return f"{found.name}: {found.words}"

    def fields(self, row: int) -> dict[str, int]:
        """Return what the cell selects."""
        return self.shown[row].fields

    def chosen_row(self) -> int | None:
        """Return the row of the selected cell."""
        for row, found in enumerate(self.shown):
            named = found.fields.items()
            if named and all(getattr(self._cursor, name) == at for name, at in named):
                return row
        return None

    def top(self) -> float:
        """Leave a line for the axis."""
        return self.row_height()

    def row_height(self) -> float:
        """Return room for a line of text and some space around it."""
        return QFontMetricsF(self.font()).height() + 4

    def sizeHint(self) -> QSize:
        """Return room for a few rows, or for all."""
        rows = max(2, len(self.shown)) + 1 if self.is_whole else 7
        return QSize(240, round(self.row_height() * rows))

    def minimumSizeHint(self) -> QSize:
        """Return room for the axis and two rows, or all rows."""
        height = self.sizeHint().height() if self.is_whole else round(self.row_height() * 3)
        return QSize(160, height)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the axis and every row."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if not self.shown:
                painter.setPen(QColor(colors.faint))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(12, 4, -12, -4), flags, self._empty)
                return
            painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
            plot, end = self._plot(), self._end()
            self._paint_axis(painter, plot, end, colors)
            chosen = self.chosen_row()
            for row in range(self.count()):
                self._paint_row(painter, row, plot, end, colors, is_chosen=row == chosen)
            self.paint_focus(painter, colors)

    def _end(self) -> float:
        """Return what the ends of the axis stand for."""
        ends = [abs(end) for found in self.shown for end in (found.low, found.high, found.mean)]
        return max(ends) * AROUND or 1.0

    def _plot(self) -> QRectF:
        metrics = QFontMetricsF(self.font())
        longest = max(len(shorten(found.name, NAME_LETTERS)) for found in self.shown)
        left = metrics.horizontalAdvance("m" * longest) + 8
        numbers = ("+0.000", *(signed(found.mean) for found in self.shown))
        right = max(map(metrics.horizontalAdvance, numbers)) + DOT + 8
        return QRectF(left, 0, max(20.0, self.width() - left - right), self.height())

    @staticmethod
    def _at(value: float, plot: QRectF, end: float) -> float:
        return plot.center().x() + value / end * plot.width() / 2

    def _paint_axis(self, painter: QPainter, plot: QRectF, end: float, colors: Theme) -> None:
        line = QRectF(plot.left(), 0, plot.width(), self.row_height())
        painter.setPen(QColor(colors.faint))
        middle = Qt.AlignmentFlag.AlignVCenter
        low, high = signed(-end, 2), signed(end, 2)
        painter.drawText(line, middle | Qt.AlignmentFlag.AlignHCenter, "0")
        if painter.fontMetrics().horizontalAdvance(f"{low} 0 {high}") <= plot.width():
            painter.drawText(line, middle | Qt.AlignmentFlag.AlignLeft, low)
            painter.drawText(line, middle | Qt.AlignmentFlag.AlignRight, high)
        painter.setPen(QPen(QColor(colors.line), 1))
        zero, bottom = self._at(0, plot, end), self.top() + self.count() * self.row_height()
        painter.drawLine(QPointF(zero, self.top()), QPointF(zero, bottom))

    def _paint_row(
        self,
        painter: QPainter,
        row: int,
        plot: QRectF,
        end: float,
        colors: Theme,
        *,
        is_chosen: bool,
    ) -> None:
        found, place = self.shown[row], self.place_of(row)
        middle = place.center().y()
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colors.accent if is_chosen else colors.text))
        name = QRectF(2, place.top(), plot.left() - 4, place.height())
        said = shorten(found.name, NAME_LETTERS)
        painter.drawText(name, flags | Qt.AlignmentFlag.AlignLeft, said)
        number = QRectF(plot.right(), place.top(), self.width() - plot.right() - 3, place.height())
        painter.drawText(number, flags | Qt.AlignmentFlag.AlignRight, signed(found.mean))
        table = theme.diverging(colors)
        color = QColor(*map(int, table[-30 if found.mean >= 0 else 30]))
        low, mean, high = (self._at(at, plot, end) for at in (found.low, found.mean, found.high))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(color, 1.5))
        painter.drawLine(QPointF(low, middle), QPointF(high, middle))
        for at in (low, high):
            painter.drawLine(QPointF(at, middle - DOT), QPointF(at, middle + DOT))
        painter.setBrush(color)
        painter.drawEllipse(QPointF(mean, middle), DOT, DOT)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
