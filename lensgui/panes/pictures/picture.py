"""What a heatmap draws, and how each part of it is painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPen, QPolygonF

from lensgui.jobs.answers.arrays import Axis, CellState
from lensgui.panes import theme
from lensgui.panes.pictures.painted import ramp
from lensgui.panes.theme import Table, Theme
from lensgui.state.selection import Cursor

NOTHING_TO_SHOW = (CellState.UNKNOWN, CellState.NOT_FINITE)
ESTIMATE_STRENGTH = 0.5  # of the colour of an exact number
DOTS = 9.0  # pixels from one dot to the next, over estimates
STRIP = 12.0  # pixels of the means beside a picture
BAR_WIDTH = 10
BAR_GAP = 8
TICK = 6.0  # pixels of the corner that marks a value beyond the scale
WIDEST_NUMBER = "+0.00"
NARROWEST_TEXT = "·the"  # of what is written into a cell at all
AROUND_TEXT = 4.0  # pixels
AROUND_NUMBER = (6.0, 3.0)  # pixels, so that numbers stand apart


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a heatmap draws.

    Attributes:
        rows: The vertical axis, from the top; of layers from the bottom, where these rise.
        columns: The horizontal axis.
        shades: Each cell's index into the colour table, [row, column].
        states: Each cell's `CellState`, [row, column].
        row_names: What the rows are called.
        column_names: What the columns are called.
        marked: Columns that differ between clean and corrupted.
        marked_rows: Rows that do.
        overflow: Cells beyond the end of the scale, [row, column]; None if there are none.
        numbers: The number written in a cell that has room for it; None for no numbers.
        texts: Words written in a cell, as much of them as it has room for; None for no words.
        values: What the shades stand for, [row, column], for the table of the picture.
        scale: What the colour bar says at its top, middle and bottom; empty for no bar.
        pins: Cells that the user keeps an eye on, (row, column).
        row_means: The mean shade value of each row, −1 to 1, drawn as a strip of bars to the right;
            empty for no strip. NaN where nothing is known.
        column_means: Likewise of each column, drawn above.
        mean_in_words: Puts the mean of a named row or column into words.
    """

    rows: Axis
    columns: Axis
    shades: NDArray[np.uint8]
    states: NDArray[np.uint8]
    row_names: list[str]
    column_names: list[str]
    marked: frozenset[int] = frozenset()
    marked_rows: frozenset[int] = frozenset()
    overflow: NDArray[np.bool_] | None = None
    numbers: Callable[[int, int], str] | None = None
    texts: Callable[[int, int], str] | None = None
    values: NDArray[np.floating[Any]] | None = None
    scale: tuple[str, ...] = field(default=())
    pins: tuple[tuple[int, int], ...] = ()
    row_means: tuple[float, ...] = ()
    column_means: tuple[float, ...] = ()
    mean_in_words: Callable[[str, float], str] | None = None

    @property
    def rises(self) -> bool:
        """Whether its first row is the lowest."""
        return theme.pictures().rises and self.rows.name == "layer"

    def seen(self, row: int) -> int:
        """Return how many rows are drawn above a row; and which row has so many above it."""
        return self.shades.shape[0] - 1 - row if self.rises else row

    def paint_cells(self, table: Table, colors: Theme, *, is_stale: bool) -> QImage:
        """Return one pixel for each cell, transparent where there is nothing to show.

        Estimates are paler than what is exact, and all is if it answers an older question; nothing
        shines through, since what is below are the signs for: not computed.
        """
        strength = np.full(
            (*self.states.shape, 1), theme.STALE_OPACITY if is_stale else 1.0, np.float32
        )
        strength[self.states == CellState.ESTIMATE] *= ESTIMATE_STRENGTH
        blended = table[self.shades][..., ::-1].astype(np.float32)
        blended[self.states == CellState.MASKED] = _bgr(colors.masked)
        pixels = np.full((*self.shades.shape, 4), 255, np.uint8)
        pixels[..., :3] = np.rint(strength * blended + (1 - strength) * _bgr(colors.surface))
        pixels[np.isin(self.states, NOTHING_TO_SHOW)] = 0
        pixels = np.ascontiguousarray(pixels[::-1]) if self.rises else pixels
        height, width = self.shades.shape
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32)
        return image.copy()

    def place(self, axis: Axis, cursor: Cursor) -> int | None:
        """Return the index on an axis that a cursor selects."""
        coordinate = getattr(cursor, axis.name, None)
        if coordinate is None or coordinate not in axis.coordinates:
            return None
        return axis.coordinates.index(coordinate)


def _bgr(name: str) -> NDArray[np.float32]:
    color = QColor(name)
    return np.array([color.blue(), color.green(), color.red()], np.float32)


def cell(picture: Picture, plot: QRectF, row: int, column: int) -> QRectF:
    """Return where a cell is."""
    height, width = picture.shades.shape
    return QRectF(
        plot.left() + plot.width() * column / width,
        plot.top() + plot.height() * picture.seen(row) / height,
        plot.width() / width,
        plot.height() / height,
    )


def hatch(painter: QPainter, where: QRectF, colors: Theme) -> None:
    """Fill an area with the sign for: not computed."""
    painter.fillRect(where, QColor(colors.surface))
    painter.fillRect(where, QBrush(QColor(colors.hatch), Qt.BrushStyle.BDiagPattern))


def paint_dots(painter: QPainter, picture: Picture, plot: QRectF, colors: Theme) -> None:
    """Strew dots over the cells whose numbers are estimates, as far apart in cells of any size."""
    is_estimate = picture.states == CellState.ESTIMATE
    is_estimate = is_estimate[::-1] if picture.rises else is_estimate
    if not is_estimate.any():
        return
    height, width = is_estimate.shape
    down = np.arange(DOTS / 2, plot.height(), DOTS)
    across = np.arange(DOTS / 2, plot.width(), DOTS)
    rows = (down / plot.height() * height).astype(int)
    columns = (across / plot.width() * width).astype(int)
    dots = np.argwhere(is_estimate[np.ix_(rows, columns)])
    painter.setPen(QPen(QColor(colors.faint), 2, c=Qt.PenCapStyle.SquareCap))
    painter.drawPoints(
        QPolygonF(
            [plot.topLeft() + QPointF(across[column], down[row]) for row, column in dots.tolist()]
        )
    )


def paint_marks(painter: QPainter, picture: Picture, plot: QRectF, colors: Theme) -> None:
    """Mark the cells that failed and those beyond the end of the scale."""
    broken = QBrush(QColor(colors.warning), Qt.BrushStyle.DiagCrossPattern)
    for row, column in np.argwhere(picture.states == CellState.NOT_FINITE):
        painter.fillRect(cell(picture, plot, row, column), broken)
    if picture.overflow is None:
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colors.text))
    for row, column in np.argwhere(picture.overflow):
        corner = cell(picture, plot, row, column).topRight()
        side = min(TICK, plot.height() / picture.shades.shape[0])
        painter.drawPolygon(
            QPolygonF([corner, corner - QPointF(side, 0), corner + QPointF(0, side)])
        )


def paint_numbers(painter: QPainter, picture: Picture, plot: QRectF, table: Table) -> None:
    """Write the numbers into the cells, if cells are large enough."""
    first = cell(picture, plot, 0, 0)
    font = theme.mono_font(theme.SMALL_POINTS - 1)
    metrics = QFontMetricsF(font)
    is_wide = first.width() >= metrics.horizontalAdvance(WIDEST_NUMBER) + AROUND_NUMBER[0]
    is_tall = first.height() >= metrics.height() + AROUND_NUMBER[1]
    if picture.numbers is None or not (is_wide and is_tall):
        return
    painter.setFont(font)
    for row, column in np.argwhere(picture.states == CellState.EXACT):
        painter.setPen(theme.readable_on(*map(int, table[picture.shades[row, column]])))
        text = picture.numbers(row, column)
        painter.drawText(cell(picture, plot, row, column), Qt.AlignmentFlag.AlignCenter, text)


def paint_texts(painter: QPainter, picture: Picture, plot: QRectF, table: Table) -> None:
    """Write words into the cells, shortened to their width, if some letters have room."""
    first = cell(picture, plot, 0, 0)
    font = theme.text_font(theme.SMALL_POINTS - 1)
    metrics = QFontMetricsF(font)
    is_wide = first.width() >= metrics.horizontalAdvance(NARROWEST_TEXT) + AROUND_TEXT
    if picture.texts is None or not is_wide or first.height() < metrics.height():
        return
    painter.setFont(font)
    for row, column in np.argwhere(picture.states == CellState.EXACT):
        painter.setPen(theme.readable_on(*map(int, table[picture.shades[row, column]])))
        place = cell(picture, plot, row, column)
        room = place.width() - AROUND_TEXT
        text = metrics.elidedText(picture.texts(row, column), Qt.TextElideMode.ElideRight, room)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)


def paint_scale(
    painter: QPainter, scale: tuple[str, ...], plot: QRectF, table: Table, colors: Theme
) -> None:
    """Draw the colour bar to the right of a picture."""
    bar = QRectF(plot.right() + BAR_GAP, plot.top(), BAR_WIDTH, plot.height())
    painter.drawImage(bar, ramp(table, is_upright=True))
    painter.setPen(QColor(colors.faint))
    metrics = QFontMetricsF(painter.font())
    lowest = metrics.ascent() - metrics.descent()
    for index, text in enumerate(scale):
        share = index / (len(scale) - 1)
        base = bar.top() + lowest + share * (bar.height() - lowest)
        painter.drawText(QPointF(bar.right() + 4, base), text)


def paint_means(painter: QPainter, picture: Picture, plot: QRectF, table: Table) -> None:
    """Draw the means of rows and columns as bars outside a picture, the longest filling the strip.

    Both have one scale, and the picture's colours of positive and negative numbers.
    """
    largest = _largest(picture)
    ends = [QColor(*map(int, table[at])) for at in (40, 215)]
    for index, share in _bars(picture.row_means, largest):
        place = cell(picture, plot, index, 0)
        bar = QRectF(plot.right() + 3, place.top(), abs(share) * STRIP, place.height())
        painter.fillRect(bar.adjusted(0, 0.5, 0, -0.5), ends[share > 0])
    for index, share in _bars(picture.column_means, largest):
        place = cell(picture, plot, 0, index)
        height = abs(share) * STRIP
        bar = QRectF(place.left(), plot.top() - 3 - height, place.width(), height)
        painter.fillRect(bar.adjusted(0.5, 0, -0.5, 0), ends[share > 0])


def mean_words(picture: Picture, plot: QRectF, point: QPointF) -> str:
    """Return the mean of the row or column whose bar is at a point, in words; "" if none is."""
    if picture.mean_in_words is None:
        return ""
    height, width = picture.shades.shape
    if picture.row_means and 0 <= point.x() - plot.right() <= STRIP + 3:
        index = picture.seen(int((point.y() - plot.top()) // (plot.height() / height)))
        names, means = picture.row_names, picture.row_means
    elif picture.column_means and 0 <= plot.top() - point.y() <= STRIP + 3:
        index = int((point.x() - plot.left()) / plot.width() * width)
        names, means = picture.column_names, picture.column_means
    else:
        return ""
    is_known = 0 <= index < len(means) and np.isfinite(means[index])
    return picture.mean_in_words(names[index], means[index]) if is_known else ""


def _largest(picture: Picture) -> float:
    means = [mean for mean in (*picture.row_means, *picture.column_means) if np.isfinite(mean)]
    return max(map(abs, means), default=0.0)


def _bars(means: tuple[float, ...], largest: float) -> list[tuple[int, float]]:
    """Return each known mean's place and its share of the largest, −1 to 1."""
    known = [(at, mean) for at, mean in enumerate(means) if np.isfinite(mean)]
    return [(at, mean / largest) for at, mean in known] if largest else []


def paint_pins(painter: QPainter, picture: Picture, plot: QRectF, colors: Theme) -> None:
    """Draw a thin dashed frame around each pinned cell."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for color, style in (
        (colors.surface, Qt.PenStyle.SolidLine),
        (colors.text, Qt.PenStyle.DashLine),
    ):
        painter.setPen(QPen(QColor(color), 1.2, style))
        for row, column in picture.pins:
            painter.drawRect(cell(picture, plot, row, column).adjusted(1, 1, -1, -1))


def outline(painter: QPainter, where: QRectF, color: str, halo: str) -> None:
    """Draw a frame that is seen on any colour."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(halo), 4, j=Qt.PenJoinStyle.MiterJoin))
    painter.drawRect(where)
    painter.setPen(QPen(QColor(color), 2, j=Qt.PenJoinStyle.MiterJoin))
    painter.drawRect(where)


def pooled(shown: Picture, step: int, nothing: int) -> Picture:
    """Return a picture of fewer cells, each the strongest known one of step × step.

    Args:
        shown: The picture.
        step: How many rows and columns become one.
        nothing: The index into the colour table from which strength is counted.
    """
    side = -(-np.array(shown.shades.shape) // step) * step
    around = [(0, int(end - size)) for end, size in zip(side, shown.shades.shape, strict=True)]
    is_known = shown.states == CellState.EXACT
    size = np.where(is_known, np.abs(shown.shades.astype(np.int16) - nothing), -1)
    blocks = [
        np.pad(part, around, constant_values=fill)
        .reshape(side[0] // step, step, side[1] // step, step)
        .transpose(0, 2, 1, 3)
        .reshape(side[0] // step, side[1] // step, step * step)
        for part, fill in ((size, -2), (shown.shades, 0), (shown.states, CellState.MASKED))
    ]
    best = blocks[0].argmax(-1)[..., None]
    shades, states = (np.take_along_axis(part, best, -1)[..., 0] for part in blocks[1:])
    return replace(shown, shades=shades, states=states)
