"""One head as a heatmap: rows look at columns; any part of it can be seen large."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes import theme
from lensgui.panes.attention.head_numbers import NAMES, Weights
from lensgui.panes.head_grid.layout import ZOOM_STEP
from lensgui.panes.pictures import picture
from lensgui.panes.pictures.heatmap import Heatmap, Pointed
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.theme import Theme
from lensgui.state.selection import Cursor

FEWEST = 4  # tokens that can be seen on their own
VEIL = 0.78  # opacity over what is not isolated
UNREAD = 0.4  # over rows at which the metric is not read
LEAST_NUMBER = 0.005


class HeadMap(Heatmap):
    """What each token takes from each; a token's name isolates its row or its column."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self._colors, self._say, square=True, parent=parent)
        self.weights: Weights | None = None
        self.name = ""
        self._marked: frozenset[int] = frozenset()
        self._pins: tuple[tuple[int, int], ...] = ()
        self._first = (0, 0)
        self._span = 0  # tokens in view; 0 for all
        self._pressed: tuple[QPointF, tuple[int, int]] | None = None  # and what was in view
        self._is_dragged = False
        self.locked: tuple[str, int] | None = None
        self.setAccessibleName("The selected head: rows are destinations, columns are sources")
        self.setToolTip(
            "Point at a token's name to see its row or column alone, click it to lock that; Ctrl "
            "with the wheel zooms, Esc shows all again."
        )

    def show_weights(self, weights: Weights | None, marked: frozenset[int]) -> None:
        """Draw a head's numbers.

        Args:
            weights: The numbers; None for none.
            marked: Positions that differ between clean and corrupted.
        """
        before = self.weights.slice.values.shape if self.weights else None
        self.weights, self._marked = weights, marked
        if weights is None or weights.slice.values.shape != before:
            self._first, self._span, self.locked = (0, 0), 0, None
        self._show_part()

    def show_pins(self, pins: Sequence[tuple[int, int]]) -> None:
        """Frame the pinned edges of the head, each a position and a source."""
        if tuple(pins) != self._pins:
            self._pins = tuple(pins)
            self._show_part()

    def zoom(self, factor: float, around: QPointF) -> None:
        """See fewer or more tokens at once, keeping what is under a point where it is."""
        if self.weights is None:
            return
        count = len(self.weights.tokens)
        span = self._span or count
        needed = max(min(FEWEST, count), min(count, round(span / factor)))
        plot = self.plot()
        shares = [
            (around.y() - plot.top()) / plot.height(),
            (around.x() - plot.left()) / plot.width(),
        ]
        self._span = 0 if needed == count else needed
        self._move(
            *(
                round(first + min(1, max(0, share)) * (span - needed))
                for first, share in zip(self._first, shares, strict=True)
            )
        )

    def label_at(self, point: QPointF) -> tuple[str, int] | None:
        """Return the axis, "position" or "source", and the token whose name is under a point."""
        if self.picture is None:
            return None
        plot = self.plot()
        height, width = self.picture.shades.shape
        if plot.top() <= point.y() < plot.bottom() and point.x() < plot.left():
            row = int((point.y() - plot.top()) / plot.height() * height)
            return "position", self.picture.rows.coordinates[row] or 0
        if plot.left() <= point.x() < plot.right() and point.y() > plot.bottom():
            column = int((point.x() - plot.left()) / plot.width() * width)
            return "source", self.picture.columns.coordinates[column] or 0
        return None

    @property
    def isolated(self) -> tuple[str, int] | None:
        """The row or column that is seen alone, by its axis and token."""
        pointed: Pointed = self._pointed
        is_name = pointed is not None and len(pointed) == 2
        return (pointed[0], pointed[1]) if pointed is not None and is_name else self.locked

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the map, and a veil over what is not isolated."""
        super().paintEvent(event)
        if self.picture is None:
            return
        if self.isolated is None:
            read = self.weights.read_row if self.weights is not None else None
            if read is not None and read - self._first[0] in range(len(self.picture.row_names)):
                self._paint_veil(self.picture, "position", read - self._first[0], UNREAD)
            return
        axis, token = self.isolated
        places = (self.picture.rows if axis == "position" else self.picture.columns).coordinates
        if token in places:
            self._paint_veil(self.picture, axis, places.index(token))

    def hit_test(self, point: QPointF) -> tuple[Pointed, str]:
        """Return the token whose name is under a point, or the cell there, and what it says."""
        label = self.label_at(point)
        return (label, self._label_words(*label)) if label else super().hit_test(point)

    def as_table(self) -> NumberTable | None:
        """Return the numbers of the head."""
        return None if self.weights is None else self.weights.as_table(self.name)

    def edge_at(self, row: int, column: int) -> tuple[int, int]:
        """Return the destination and the source of a cell in view."""
        return row + self._first[0], column + self._first[1]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the pointer, or where only a part is in view drag it along."""
        if self._pressed is not None and self.picture is not None:
            start, first = self._pressed
            moved, side = start - event.position(), self.plot().width() / self._span
            if moved.manhattanLength() >= QApplication.startDragDistance() or self._is_dragged:
                self._is_dragged = True
                self._move(round(first[0] + moved.y() / side), round(first[1] + moved.x() / side))
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select a cell of the part in view, unless the part was dragged."""
        pressed, self._pressed = self._pressed, None
        cell = self.cell_at(event.position())
        if pressed is not None and not self._is_dragged and cell is not None:
            self._pick(*cell)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Lock the row or column of a name; select a cell, or begin to drag the part in view."""
        label = self.label_at(event.position())
        if label and event.button() == Qt.MouseButton.LeftButton:
            self.locked = None if label == self.locked else label
            self.picked.emit({label[0]: label[1]})
            self.update()
            return
        is_plain = not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if self._span and is_plain and event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._is_dragged = (event.position(), self._first), False
            return
        super().mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom while Ctrl is held, else move what is seen."""
        turned = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(ZOOM_STEP ** (turned.y() / 120), event.position())
        elif self._span:
            step = max(1, self._span // 10)
            down, across = -turned.y() * step // 120, -turned.x() * step // 120
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                down, across = across, down
            self._move(self._first[0] + down, self._first[1] + across)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom, unlock, or move the selection by a cell."""
        key, middle = event.key(), self.plot().center()
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(ZOOM_STEP, middle)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1 / ZOOM_STEP, middle)
        elif key == Qt.Key.Key_Escape and self.locked:
            self.locked = None
            self.update()
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Escape) and self._span:
            self._span = 0
            self._move(0, 0)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Pool cells anew that are smaller than a pixel."""
        self._image = None
        super().resizeEvent(event)

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline what is selected, and bring it into view."""
        super().show_cursor(cursor)
        if self.weights is None or not self._span:
            return
        first = [
            at if place is None else max(place - self._span + 1, min(place, at))
            for at, place in zip(self._first, (cursor.position, cursor.source), strict=True)
        ]
        if tuple(first) != self._first:
            self._move(*first)

    def _move(self, row: int, column: int) -> None:
        count = len(self.weights.tokens) if self.weights else 0
        most = count - self._span if self._span else 0
        self._first = max(0, min(most, row)), max(0, min(most, column))
        self._show_part()

    def _show_part(self) -> None:
        """Show the tokens in view."""
        weights = self.weights
        if weights is None:
            self.show_picture(None)
            return
        span = self._span or len(weights.tokens)
        rows, columns = (slice(at, at + span) for at in self._first)
        self.show_picture(
            Picture(
                rows=_part(weights.slice.axes[0], rows),
                columns=_part(weights.slice.axes[1], columns),
                shades=weights.shades[rows, columns],
                states=weights.slice.states[rows, columns],
                row_names=list(weights.tokens[rows]),
                column_names=list(weights.tokens[columns]),
                marked=_marked(self._marked, columns),
                marked_rows=_marked(self._marked, rows),
                numbers=self._number,
                scale=weights.scale,
                pins=tuple(
                    (row - rows.start, column - columns.start)
                    for row, column in self._pins
                    if row in range(rows.start, rows.stop)
                    and column in range(columns.start, columns.stop)
                ),
            )
        )

    def _paint_cells(self, painter: QPainter, shown: Picture, plot: QRectF, colors: Theme) -> None:
        """Draw cells; of those smaller than a pixel, the strongest in each pixel."""
        step = -(-len(shown.column_names) // max(1, int(plot.width() * self.devicePixelRatioF())))
        if step > 1 and self._image is None:
            is_signed = self.weights is not None and self.weights.slice.is_signed
            few = picture.pooled(shown, step, theme.NEUTRAL if is_signed else 0)
            self._image = few.paint_cells(self._colors(colors), colors, is_stale=self.is_stale)
        super()._paint_cells(painter, shown, plot, colors)

    def _paint_veil(self, shown: Picture, axis: str, index: int, strength: float = VEIL) -> None:
        plot = self.plot()
        height, width = shown.shades.shape
        if axis == "position":
            kept = picture.cell(shown, plot, index, 0).united(
                picture.cell(shown, plot, index, width - 1)
            )
        else:
            kept = picture.cell(shown, plot, 0, index).united(
                picture.cell(shown, plot, height - 1, index)
            )
        with QPainter(self) as painter:
            veil = QColor(theme.of(self.palette()).surface)
            veil.setAlphaF(strength)
            for part in (
                QRectF(plot.topLeft(), QPointF(plot.right(), kept.top())),
                QRectF(QPointF(plot.left(), kept.bottom()), plot.bottomRight()),
                QRectF(QPointF(plot.left(), kept.top()), QPointF(kept.left(), kept.bottom())),
                QRectF(QPointF(kept.right(), kept.top()), QPointF(plot.right(), kept.bottom())),
            ):
                painter.fillRect(part, veil)

    def _colors(self, colors: Theme) -> theme.Table:
        return self.weights.table(colors) if self.weights else theme.sequential(colors)

    def _say(self, row: int, column: int) -> str:
        if self.weights is None:
            return ""
        measure = self.weights.slice.measure
        what = "" if measure == "pattern" else f" ({NAMES[measure]})"
        words = self.weights.words(row + self._first[0], column + self._first[1])
        return f"{self.name}{what} · {words}"

    def _label_words(self, axis: str, token: int) -> str:
        named = self.weights.tokens[token] if self.weights else ""
        verb = "what it attends to" if axis == "position" else "what attends to it"
        return f"{self.name} · ‘{named}’ ({token}): {verb}"

    def _number(self, row: int, column: int) -> str:
        if self.weights is None:
            return ""
        value = float(self.weights.slice.values[row + self._first[0], column + self._first[1]])
        if abs(value) < LEAST_NUMBER:
            return ""
        return f"{value:.2f}".replace("0.", ".", 1).replace("-", "−")


def _part(axis: Axis, some: slice) -> Axis:
    return Axis(axis.name, axis.coordinates[some], axis.labels[some])


def _marked(marked: frozenset[int], some: slice) -> frozenset[int]:
    return frozenset(at - some.start for at in marked if some.start <= at < some.stop)
