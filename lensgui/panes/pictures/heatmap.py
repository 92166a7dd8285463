"""A picture of numbers with named rows and columns: one cell, one thing that can be selected."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import CellState
from lensgui.panes import theme
from lensgui.panes.pictures import axis_labels, picture, role_marks
from lensgui.panes.pictures.axis_labels import Ink, Labels
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.theme import Table, Theme
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

STEPS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}

KNOWN = (CellState.EXACT, CellState.ESTIMATE, CellState.UNCHANGED)
LEAST_LETTER, MOST_LETTER = 6.0, 12.0  # pixels of a role's letter
Pointed = tuple[str, int] | tuple[str, int, int] | None  # a named token, or a cell


class Heatmap(Painted):
    """Draws a `Picture`, says what is under the pointer, and lets a cell be chosen.

    Attributes:
        menu_requested: (row, column, where on screen) of a cell whose menu is requested.
        activated: (row, column) of the cell that was selected as Enter was typed.
        verb_requested: (verb, row, column) "pin" by a Ctrl-click, "attention" by a double-click.
        describe: Puts a cell into words.
    """

    menu_requested = Signal(int, int, object)
    activated = Signal(int, int)
    verb_requested = Signal(str, int, int)

    def __init__(
        self,
        table: Callable[[Theme], Table],
        describe: Callable[[int, int], str],
        *,
        square: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._table = table
        self.describe = describe
        self._square = square
        self.picture: Picture | None = None
        self._roles: Mapping[Head, Part] = {}
        self._asked: tuple[object, ...] = ()
        self._layout = QRectF(), 0

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(360, 320)

    def minimumSizeHint(self) -> QSize:
        """Return the least size at which something can be read."""
        return QSize(100, 84)

    def show_picture(self, picture: Picture | None) -> None:
        """Draw a picture, or with None what to do to get one."""
        self.picture = picture if picture is not None and picture.shades.size else None
        self.is_stale = False
        self._describe_selected()
        self.redraw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline what is selected."""
        super().show_cursor(cursor)
        self._describe_selected()

    def show_roles(self, roles: Mapping[Head, Part]) -> None:
        """Write the letters of heads' roles, in a picture of layers and heads."""
        self._roles = roles
        self.update()

    def role_at(self, row: int, column: int) -> Part | None:
        """Return the role of the head whose cell this is; None of other cells."""
        shown = self.picture
        if shown is None or (shown.rows.name, shown.columns.name) != ("layer", "head"):
            return None
        layer, head = shown.rows.coordinates[row], shown.columns.coordinates[column]
        is_one = shown.columns.labels[column] == f"H{head}"  # rather than those that share a key
        return (
            self._roles.get((layer, head))
            if layer is not None and head is not None and is_one
            else None
        )

    def as_table(self) -> NumberTable | None:
        """Return the numbers of the cells that are known, estimates too."""
        shown = self.picture
        if shown is None or shown.values is None:
            return None
        is_known = np.isin(shown.states, KNOWN)
        values = np.where(is_known, shown.values, np.nan)
        return of_numbers(self.accessibleName(), shown.row_names, shown.column_names, values)

    def selected(self) -> tuple[int | None, int | None]:
        """Return the row and the column that the cursor selects."""
        shown = self.picture
        if shown is None:
            return None, None
        return shown.place(shown.rows, self._cursor), shown.place(shown.columns, self._cursor)

    def cell_at(self, point: QPointF) -> tuple[int, int] | None:
        """Return the row and column under a point of the widget."""
        if self.picture is None:
            return None
        plot = self.plot()
        if not plot.contains(point):
            return None
        height, width = self.picture.shades.shape
        row = int((point.y() - plot.top()) / plot.height() * height)
        column = int((point.x() - plot.left()) / plot.width() * width)
        return self.picture.seen(min(row, height - 1)), min(column, width - 1)

    def middle_of(self, row: int, column: int) -> QPointF:
        """Return the middle of a cell, in the widget's pixels."""
        if self.picture is None:
            return QPointF()
        return picture.cell(self.picture, self.plot(), row, column).center()

    def plot(self) -> QRectF:
        """Return where the cells are, in the widget's pixels."""
        if self.picture is None:
            return QRectF(self.rect())
        return QRectF(self._laid_out()[0])

    def _laid_out(self) -> tuple[QRectF, int]:
        """Return where the cells are, and how far column names are turned, in degrees.

        It takes milliseconds for 1,000 columns, and is the same while cells become known.
        """
        shown = self.picture
        assert shown is not None
        has_means = bool(shown.row_means or shown.column_means)
        said = shown.row_names, shown.column_names, shown.scale, has_means
        asked = (*said, self.size(), self.font())
        if asked != self._asked:
            metrics = QFontMetricsF(self.font())
            plot = axis_labels.plot_area(shown, self.size(), metrics, square=self._square)
            spacing = plot.width() / len(shown.column_names)
            degrees = axis_labels.angle(Labels(shown.column_names), spacing, metrics)
            self._asked, self._layout = asked, (plot, degrees)
        return self._layout

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw cells, labels, colour bar and outlines."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if self.picture is None:
                self.say_empty(painter, colors)
                return
            plot, table = self.plot(), self._table(colors)
            self._paint_cells(painter, self.picture, plot, colors)
            self._paint_labels(painter, self.picture, plot, colors)
            if self.picture.scale:
                picture.paint_scale(painter, self.picture.scale, plot, table, colors)
            self._paint_outlines(painter, self.picture, plot, colors)

    def hit_test(self, point: QPointF) -> tuple[Pointed, str]:
        """Return the cell under a point, and what is said of it or of a mean beside the cells."""
        cell = self.cell_at(point)
        if cell is not None or self.picture is None:
            return (("cell", *cell), self._said_of(*cell)) if cell else (None, "")
        return None, picture.mean_words(self.picture, self.plot(), point)

    def pointed_place(self) -> QRectF:
        """Return the cell under the pointer."""
        if self.picture is None or self.pointed_cell is None:
            return QRectF()
        return picture.cell(self.picture, self.plot(), *self.pointed_cell)

    def _said_of(self, row: int, column: int) -> str:
        words, part = self.describe(row, column), self.role_at(row, column)
        return f"{words} · {part.words}" if part and words else words

    @property
    def pointed_cell(self) -> tuple[int, int] | None:
        """The row and column under the pointer."""
        pointed: Pointed = self._pointed
        return (pointed[1], pointed[2]) if pointed is not None and len(pointed) == 3 else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the cell under the pointer, or with Ctrl pin it."""
        cell = self.cell_at(event.position())
        if cell and event.button() == Qt.MouseButton.LeftButton:
            if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self.verb_requested.emit("pin", *cell)
            else:
                self._pick(*cell)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask for the attention of the head under the pointer."""
        cell = self.cell_at(event.position())
        if cell and event.button() == Qt.MouseButton.LeftButton:
            self.verb_requested.emit("attention", *cell)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the verbs of the cell under the pointer, or of the selected one."""
        if event.reason() == QContextMenuEvent.Reason.Mouse:
            cell = self.cell_at(QPointF(event.pos()))
            where = event.globalPos()
        else:
            row, column = self.selected()
            cell = None if row is None or column is None else (row, column)
            where = self.mapToGlobal(self.middle_of(*(cell or (0, 0))).toPoint())
        if cell is not None:
            self._pick(*cell)
            self.menu_requested.emit(*cell, where)
        else:
            event.ignore()  # the pane has what can be done with the whole picture

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the selection by one cell, or go on from the selected one."""
        step = STEPS.get(Qt.Key(event.key()))
        row, column = self.selected()
        is_entered = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_entered and row is not None and column is not None:
            self.activated.emit(row, column)
            return
        if step is None or self.picture is None:
            super().keyPressEvent(event)
            return
        height, width = self.picture.shades.shape
        if row is None or column is None:
            self._pick(row or 0, column or 0)
            return
        down = self.picture.seen(row) + step[0]
        while 0 < down < height - 1 and self._is_nothing(self.picture.seen(down)):
            down += step[0]
        down = max(0, min(height - 1, down))
        self._pick(self.picture.seen(down), max(0, min(width - 1, column + step[1])))

    def _is_nothing(self, row: int) -> bool:
        """Whether a row selects nothing where others do: keys go past it."""
        coordinates = self.picture.rows.coordinates if self.picture is not None else ()
        return coordinates[row] is None and any(one is not None for one in coordinates)

    def _paint_cells(self, painter: QPainter, shown: Picture, plot: QRectF, colors: Theme) -> None:
        table = self._table(colors)
        if not isinstance(self._image, QImage):
            self._image = shown.paint_cells(table, colors, is_stale=self.is_stale)
        picture.hatch(painter, plot, colors)
        painter.drawImage(plot, self._image)
        painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
        picture.paint_dots(painter, shown, plot, colors)
        painter.setFont(self.font())
        picture.paint_marks(painter, shown, plot, colors)
        picture.paint_numbers(painter, shown, plot, table)
        picture.paint_texts(painter, shown, plot, table)
        picture.paint_means(painter, shown, plot, table)
        painter.setOpacity(1.0)
        painter.setFont(self.font())

    def _paint_labels(self, painter: QPainter, shown: Picture, plot: QRectF, colors: Theme) -> None:
        ink = Ink(QColor(colors.text), QColor(colors.changed), QColor(colors.accent))
        row, column = self.selected()
        pointed_row, pointed_column = self.pointed_cell or (None, None)
        below = Labels(shown.column_names, shown.marked, column, pointed_column)
        left = Labels(shown.row_names, shown.marked_rows, row, pointed_row).rising(shown.rises)
        _, degrees = self._laid_out()
        room = axis_labels.SHARE * self.height()
        axis_labels.paint_below(painter, below, plot, degrees, ink, room)
        axis_labels.paint_left(painter, left, plot, ink)

    def _paint_outlines(
        self, painter: QPainter, shown: Picture, plot: QRectF, colors: Theme
    ) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(colors.line), 1))
        painter.drawRect(plot)
        picture.paint_pins(painter, shown, plot, colors)
        self._paint_roles(painter, shown, plot, colors)
        height, width = shown.shades.shape
        row, column = self.selected()
        if row is not None or column is not None:
            first = picture.cell(shown, plot, row or 0, column or 0)
            last = picture.cell(
                shown,
                plot,
                height - 1 if row is None else row,
                width - 1 if column is None else column,
            )
            picture.outline(painter, first.united(last), colors.accent, colors.surface)
        if self.pointed_cell is not None:
            painter.setPen(QPen(QColor(colors.text), 1))
            painter.drawRect(picture.cell(shown, plot, *self.pointed_cell))

    def _paint_roles(self, painter: QPainter, shown: Picture, plot: QRectF, colors: Theme) -> None:
        """Write letters at the right of cells; where cells are too small, none."""
        for row, column in np.ndindex(shown.shades.shape) if self._roles else ():
            part = self.role_at(row, column)
            if part is None:
                continue
            place = picture.cell(shown, plot, row, column)
            size = min(theme.zoomed(MOST_LETTER), place.height(), place.width() / 2)
            if size >= LEAST_LETTER:
                where = QRectF(0, 0, size, size)
                where.moveCenter(QPointF(place.right() - size / 2 - 1, place.center().y()))
                role_marks.paint(painter, where, part, colors)

    def _pick(self, row: int, column: int) -> None:
        if self.picture is not None:
            axes = ((self.picture.rows, row), (self.picture.columns, column))
            places = {axis.name: axis.coordinates[index] for axis, index in axes}
            self.picked.emit({name: place for name, place in places.items() if place is not None})

    def _describe_selected(self) -> None:
        row, column = self.selected()
        if row is not None and column is not None:
            self.setAccessibleDescription(self._said_of(row, column))
