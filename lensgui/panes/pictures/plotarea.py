"""Where the cells of a heatmap are: what its labels, means and colour bar leave of a widget."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QFontMetricsF

from lensgui.panes.pictures import axis_labels, picture
from lensgui.panes.pictures.picture import Picture

MOST_STRETCH = 1.5  # of cells that should be square
LEAST = 20.0  # pixels, however little room there is


@dataclass(frozen=True, slots=True)
class _Room:
    """What is left of a widget.

    Attributes:
        size: Of the widget.
        counts: How many rows and columns there are.
        top: Pixels above the cells.
        right: Pixels to their right.
        square: Whether cells should be about square.
    """

    size: QSize
    counts: tuple[int, int]
    top: float
    right: float
    square: bool

    def area(self, left: float, below: float) -> QRectF:
        """Return the cells' place with so many pixels to their left and below."""
        rows, columns = self.counts
        width = max(LEAST, self.size.width() - left - self.right)
        height = max(LEAST, self.size.height() - self.top - 1 - below)
        if self.square:
            side = min(width / columns, height / rows)
            width = min(width, MOST_STRETCH * side * columns)
            height = min(height, MOST_STRETCH * side * rows)
        return QRectF(left, self.top, width, height)


def plot_area(shown: Picture, size: QSize, metrics: QFontMetricsF, *, square: bool) -> QRectF:
    """Return where the cells are, in a widget's pixels.

    Args:
        shown: The picture.
        size: Of the widget.
        metrics: Of the labels' font.
        square: Whether cells should be about square.
    """
    left = max((metrics.horizontalAdvance(name) for name in shown.row_names), default=0) + 10
    right, top = 8.0, 5.0
    if shown.scale:
        widest = max(metrics.horizontalAdvance(text) for text in shown.scale)
        right += picture.BAR_GAP + picture.BAR_WIDTH + 4 + widest
    if shown.row_means or shown.column_means:
        top, right = top + picture.STRIP + 2, right + picture.STRIP
    columns = len(shown.column_names)
    room = _Room(size, (len(shown.row_names), columns), top, right, square)
    widths = [metrics.horizontalAdvance(name) for name in shown.column_names]
    area = QRectF()
    for degrees in axis_labels.ANGLES:
        below = axis_labels.depth(max(widths), degrees, metrics)
        area = room.area(left, below)
        for _ in range(2):  # a wider margin makes columns narrower, and labels stand out farther
            out = axis_labels.overhang(widths, degrees, area.width() / columns, metrics)
            if out > area.left():
                area = room.area(out, below)
        if axis_labels.slant(max(widths), area.width() / columns, metrics) <= degrees:
            break
    return area
