"""Which heads stand where in the grid: geometry without a widget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize

from lensgui.panes import theme
from lensgui.panes.head_grid.image import Order, Raster, natural
from lensgui.state.views import Arrangement

GUTTER = 4  # pixels, which show the score
LEAST = 22  # pixels of one thumbnail, times the zoom: what has no room then is scrolled to
LARGEST = 96  # pixels of one thumbnail that fits the widget
SCORE_CELLS = (14, 8), (48, 28)  # pixels of a score's cell, across and down: least and most
SCORE_GUTTER = 1
ENDS = 4  # pixels kept free at the right and below
MOST_ZOOM = 24.0
ZOOM_STEP = 1.25  # of a key, or a notch of the wheel


@dataclass(frozen=True, slots=True)
class GridView:
    """What of the grid is seen.

    Attributes:
        arrangement: Whether heads stand by layer, ranked by their score, or by layer as mere
            scores.
        least: What the score's size must be at least.
        zoom: How much larger thumbnails are than what fits.
        offset: How far the picture is scrolled, in pixels, across and down.
    """

    arrangement: Arrangement = "layers"
    least: float = 0.0
    zoom: float = 1.0
    offset: tuple[float, float] = (0.0, 0.0)

    @property
    def is_ranked(self) -> bool:
        """Whether heads stand by their score."""
        return self.arrangement == "ranked"


@dataclass(frozen=True, slots=True)
class Layout:
    """Thumbnails in a widget.

    Attributes:
        order: Which head stands where, counted layer by layer, [row, column]; −1 for none.
        raster: Their sizes, in device pixels.
        area: The part of the widget that thumbnails are seen in, in its pixels.
        offset: How far they are scrolled.
        ratio: Device pixels in one of the widget's.
    """

    order: Order
    raster: Raster
    area: QRectF
    offset: tuple[float, float]
    ratio: float

    @property
    def whole(self) -> QRectF:
        """Where all thumbnails are, in the widget's pixels, seen or not."""
        height, width = self.raster.size
        corner = self.area.topLeft() - QPointF(*self.offset)
        return QRectF(corner.x(), corner.y(), width / self.ratio, height / self.ratio)

    @property
    def most_offset(self) -> tuple[float, float]:
        """How far it can be scrolled."""
        return (
            max(0.0, self.whole.width() - self.area.width()),
            max(0.0, self.whole.height() - self.area.height()),
        )

    def lacking(self, least: float) -> str:
        """Say that no head is shown since none has a score of that size; "" if one has."""
        return "" if (self.order >= 0).any() else f"No head reaches {least:.2f}."

    def frame(self, number: int) -> QRectF:
        """Return where a head's thumbnail is, empty if it is left out."""
        found = np.argwhere(self.order == number)
        if not len(found):
            return QRectF()
        return self.cell(*map(int, found[0]))

    def cell(self, row: int, column: int) -> QRectF:
        """Return where a thumbnail is."""
        whole, raster = self.whole, self.raster
        return QRectF(
            whole.left() + column * raster.across / self.ratio,
            whole.top() + (row * raster.down + raster.caption) / self.ratio,
            raster.side / self.ratio,
            raster.height / self.ratio,
        )

    def at(self, point: QPointF) -> int | None:
        """Return the number of the head under a point."""
        whole, raster = self.whole, self.raster
        if not (self.area.contains(point) and whole.contains(point)):
            return None
        row = int((point.y() - whole.top()) * self.ratio / raster.down)
        column = int((point.x() - whole.left()) * self.ratio / raster.across)
        row, column = min(row, raster.rows - 1), min(column, raster.columns - 1)
        number = int(self.order[row, column])
        return number if number >= 0 else None

    @property
    def is_across(self) -> bool:
        """Whether layers stand side by side rather than one below the other."""
        rows, columns = self.order.shape
        return rows > 1 and columns > 1 and int(self.order[1, 0]) == 1

    def seen(self) -> tuple[range, range]:
        """Return the rows and columns of which something is in view."""
        (left, top), raster = self.offset, self.raster
        bottom, right = top + self.area.height(), left + self.area.width()
        rows = _covering(top, bottom, raster.down / self.ratio, raster.rows)
        columns = _covering(left, right, raster.across / self.ratio, raster.columns)
        return rows, columns

    def centred(self) -> tuple[range, range]:
        """Return the rows and columns whose middle is in view: those that can be named."""
        rows, columns = self.seen()
        area = self.area
        down = [row for row in rows if area.top() <= self.cell(row, 0).center().y() < area.bottom()]
        across = [
            column
            for column in columns
            if area.left() <= self.cell(0, column).center().x() < area.right()
        ]
        return (
            range(down[0], down[-1] + 1) if down else range(0),
            range(across[0], across[-1] + 1) if across else range(0),
        )

    def beside(self, number: int, down: int, across: int) -> int | None:
        """Return the head some steps away from another; None where there is none."""
        found = np.argwhere(self.order == number)
        row, column = map(int, found[0]) if len(found) else (0, 0)
        rows, columns = self.order.shape
        row = max(0, min(rows - 1, row + down))
        column = max(0, min(columns - 1, column + across))
        other = int(self.order[row, column])
        return other if other >= 0 else None

    def offset_like(self, before: Layout, point: QPointF) -> tuple[float, float]:
        """Return how far to scroll so that a point shows what it showed in another layout."""
        inside, corner = point - before.whole.topLeft(), point - self.area.topLeft()
        across = self.whole.width() / max(1.0, before.whole.width())
        down = self.whole.height() / max(1.0, before.whole.height())
        return inside.x() * across - corner.x(), inside.y() * down - corner.y()

    def offset_for(self, number: int) -> tuple[float, float]:
        """Return how far to scroll so that a head is in view."""
        frame, area, (left, top) = self.frame(number), self.area, self.offset
        above = frame.top() - self.raster.caption / self.ratio - area.top()
        across = min(0.0, frame.left() - area.left()) + max(0.0, frame.right() - area.right())
        down = min(0.0, above) + max(0.0, frame.bottom() - area.bottom())
        return left + across, top + down


def _covering(first: float, last: float, step: float, count: int) -> range:
    return range(max(0, int(first / step)), min(count, int(last / step) + 1))


def ordered(scores: NDArray[np.float32], least: float, columns: int) -> Order:
    """Return heads from the largest score to the smallest, without those too small.

    Args:
        scores: [head]; NaN goes last.
        least: The least size of a score that is shown; at 0 all are.
        columns: How many stand in a row.
    """
    sizes = np.nan_to_num(np.abs(scores), nan=-1.0)
    kept = np.argsort(-sizes, kind="stable")
    kept = kept[sizes[kept] >= least] if least > 0 else kept
    rows = max(1, -(-len(kept) // columns))
    order = np.full(rows * columns, -1)
    order[: len(kept)] = kept
    return order.reshape(rows, columns)


def fit_map(
    layers: int, heads: int, size: QSize, margins: tuple[float, float], view: GridView, ratio: float
) -> Layout:
    """Return square thumbnails by layer, as large as fits but no smaller than can be read.

    Each layer has a row; or a column, where thumbnails are larger then.

    Args:
        layers: How many layers.
        heads: How many heads each has.
        size: Of the widget.
        margins: Room for labels, on the left and above.
        view: The zoom and how far it is scrolled.
        ratio: Device pixels in one of the widget's.
    """
    area = _area(size, margins)
    if view.arrangement == "map":
        return _fit_scores(layers, heads, area, view, ratio)
    gutter = round(GUTTER * ratio)

    def fitting(rows: int, columns: int) -> int:
        across = (area.width() * ratio + gutter) / columns - gutter
        down = (area.height() * ratio + gutter) / rows - gutter
        return min(int(across), int(down))

    least = round(theme.zoomed(LEAST) * ratio)
    upright, across = fitting(layers, heads), fitting(heads, layers)
    is_across = _is_across(upright, across, least, area)
    side = min(max(least, across if is_across else upright), round(theme.zoomed(LARGEST) * ratio))
    order = _by_layer(layers, heads, is_across=is_across)
    rows, columns = order.shape
    raster = Raster(rows, columns, round(side * view.zoom), gutter)
    return _clamped(Layout(order, raster, area, view.offset, ratio))


def _fit_scores(layers: int, heads: int, area: QRectF, view: GridView, ratio: float) -> Layout:
    """Return a cell for each score, as wide and as tall as fits."""
    is_across = layers * area.height() < heads * area.width() and layers > heads
    is_across = is_across and area.width() > area.height()
    order = _by_layer(layers, heads, is_across=is_across)
    (rows, columns), gutter = order.shape, round(SCORE_GUTTER * ratio)
    room = (area.width() * ratio / columns, area.height() * ratio / rows)
    side, tall = (
        round(min(max(least * ratio, int(free) - gutter), most * ratio) * view.zoom)
        for free, least, most in zip(room, *SCORE_CELLS, strict=True)
    )
    raster = Raster(rows, columns, side, gutter, tall=tall)
    return _clamped(Layout(order, raster, area, view.offset, ratio))


def _by_layer(layers: int, heads: int, *, is_across: bool) -> Order:
    """Return a column for each layer, or a row: from the top, or where layers rise the bottom."""
    order = natural(layers, heads)
    if is_across:
        return order.T
    return order[::-1] if theme.pictures().rises else order


def _is_across(upright: int, across: int, least: int, area: QRectF) -> bool:
    """Whether layers stand side by side: where that is larger, or there is more to see at once."""
    if max(upright, across) < least:
        return area.width() > 1.5 * area.height()
    return across > upright


def fit_list(
    scores: NDArray[np.float32],
    size: QSize,
    name: tuple[float, float],
    view: GridView,
    ratio: float,
) -> Layout:
    """Return heads by score, line by line, each under its name.

    Args:
        scores: [head].
        size: Of the widget.
        name: Width and height of the widest name, in the widget's pixels.
        view: The zoom and how far it is scrolled.
        ratio: Device pixels in one of the widget's.
    """
    area = _area(size, (2.0, 0.0))
    gutter = round(2 * GUTTER * ratio)
    least = round(name[0] * view.zoom * ratio)
    columns = max(1, int((area.width() * ratio + gutter) // (least + gutter)))
    order = ordered(scores, view.least, columns)
    rows = order.shape[0]
    side = int((area.width() * ratio + gutter) / columns) - gutter
    raster = Raster(rows, columns, max(least, side), gutter, round(name[1] * ratio))
    return _clamped(Layout(order, raster, area, view.offset, ratio))


def _area(size: QSize, margins: tuple[float, float]) -> QRectF:
    left, top = margins
    return QRectF(
        left, top, max(8.0, size.width() - left - ENDS), max(8.0, size.height() - top - ENDS)
    )


def _clamped(layout: Layout) -> Layout:
    """Return a layout that is not scrolled beyond its end."""
    across, down = layout.most_offset
    left, top = layout.offset
    offset = min(max(0.0, left), across), min(max(0.0, top), down)
    return Layout(layout.order, layout.raster, layout.area, offset, layout.ratio)
