"""A picture of numbers with named rows and columns: one cell, one thing that can be selected."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetricsF,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lensgui.panes import theme
from lensgui.panes.pictures import axis_labels, picture
from lensgui.panes.pictures.axis_labels import Ink, Labels
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.theme import Table, Theme
from lensgui.state.selection import Cursor

STEPS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}


class Heatmap(QWidget):
    """Draws a `Picture`, says what is under the pointer, and lets a cell be chosen.

    Attributes:
        picked: (fields,) the Cursor fields of the cell that was clicked or moved to.
        hovered: (words,) what is under the pointer.
        asked: (row, column, where on screen) of a cell whose verbs the user wants to see.
        describe: Puts a cell into words.
    """

    picked = Signal(object)
    hovered = Signal(str)
    asked = Signal(int, int, object)

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
        self._cursor = Cursor()
        self._pointed: tuple[int, int] | None = None
        self._said = ""
        self._stale = False
        self._cells: QImage | None = None
        self.picture: Picture | None = None
        self.empty = ""
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFont(theme.mono_font(theme.SMALL_POINTS))

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(360, 320)

    def minimumSizeHint(self) -> QSize:
        """Return the least size at which something can be read."""
        return QSize(100, 84)

    def show_picture(self, picture: Picture | None) -> None:
        """Draw a picture, or with None what to do to get one."""
        self.picture = picture if picture is not None and picture.shades.size else None
        self._stale = False
        self._cells = None
        self._describe_selected()
        self.update()

    def show_stale(self) -> None:
        """Dim the picture: it answers an older question."""
        self._stale = True
        self._cells = None
        self.update()

    @property
    def is_stale(self) -> bool:
        """Whether the picture answers an older question."""
        return self._stale

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline what is selected."""
        self._cursor = cursor
        self._describe_selected()
        self.update()

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
        return min(row, height - 1), min(column, width - 1)

    def middle_of(self, row: int, column: int) -> QPointF:
        """Return the middle of a cell, in the widget's pixels."""
        if self.picture is None:
            return QPointF()
        return picture.cell(self.picture, self.plot(), row, column).center()

    def plot(self) -> QRectF:
        """Return where the cells are, in the widget's pixels."""
        shown = self.picture
        if shown is None:
            return QRectF(self.rect())
        metrics = QFontMetricsF(self.font())
        return axis_labels.plot_area(shown, self.size(), metrics, square=self._square)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw cells, labels, colour bar and outlines."""
        look = theme.of(self.palette())
        with QPainter(self) as painter:
            if self.picture is None:
                painter.setFont(theme.text_font())
                painter.setPen(QColor(look.faint))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.rect().adjusted(16, 8, -16, -8), flags, self.empty)
                return
            plot, table = self.plot(), self._table(look)
            self._paint_cells(painter, self.picture, plot, look)
            self._paint_labels(painter, self.picture, plot, look)
            if self.picture.scale:
                picture.paint_scale(painter, self.picture.scale, plot, table, look)
            self._paint_outlines(painter, self.picture, plot, look)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the pointer."""
        cell = self.cell_at(event.position())
        words = self._words_at(event.position(), cell)
        if cell != self._pointed or words != self._said:
            self._pointed, self._said = cell, words
            self.hovered.emit(words)
            QToolTip.showText(event.globalPosition().toPoint(), words, self)
            self.update()

    def event(self, event: QEvent) -> bool:
        """Say what is under the pointer, or what the picture is for."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            point = QPointF(event.pos())
            words = self._words_at(point, self.cell_at(point))
            QToolTip.showText(event.globalPos(), words or self.toolTip(), self)
            return True
        return super().event(event)

    def _words_at(self, point: QPointF, cell: tuple[int, int] | None) -> str:
        """Return what is known of a cell, or of the row or column whose mean is pointed at."""
        if cell is not None or self.picture is None:
            return self.describe(*cell) if cell else ""
        return picture.mean_words(self.picture, self.plot(), point)

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        self._pointed, self._said = None, ""
        self.hovered.emit("")
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the cell under the pointer."""
        cell = self.cell_at(event.position())
        if cell and event.button() == Qt.MouseButton.LeftButton:
            self._pick(*cell)

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
            self.asked.emit(*cell, where)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the selection by one cell."""
        step = STEPS.get(Qt.Key(event.key()))
        if step is None or self.picture is None:
            super().keyPressEvent(event)
            return
        row, column = self.selected()
        height, width = self.picture.shades.shape
        if row is None or column is None:
            self._pick(row or 0, column or 0)
            return
        self._pick(max(0, min(height - 1, row + step[0])), max(0, min(width - 1, column + step[1])))

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        if event.type() == QEvent.Type.PaletteChange:
            self._cells = None
        super().changeEvent(event)

    def _paint_cells(self, painter: QPainter, shown: Picture, plot: QRectF, look: Theme) -> None:
        table = self._table(look)
        if self._cells is None:
            self._cells = shown.paint_cells(table, look, is_stale=self._stale)
        picture.hatch(painter, plot, look)
        painter.drawImage(plot, self._cells)
        painter.setOpacity(picture.STALE_OPACITY if self._stale else 1.0)
        picture.paint_dots(painter, shown, plot, look)
        painter.setFont(self.font())
        picture.paint_marks(painter, shown, plot, look)
        picture.paint_numbers(painter, shown, plot, table)
        picture.paint_means(painter, shown, plot, table)
        painter.setOpacity(1.0)
        painter.setFont(self.font())

    def _paint_labels(self, painter: QPainter, shown: Picture, plot: QRectF, look: Theme) -> None:
        ink = Ink(QColor(look.text), QColor(look.changed), QColor(look.accent))
        row, column = self.selected()
        pointed_row, pointed_column = self._pointed or (None, None)
        below = Labels(shown.column_names, shown.marked, column, pointed_column)
        left = Labels(shown.row_names, shown.marked_rows, row, pointed_row)
        metrics = QFontMetricsF(self.font())
        degrees = axis_labels.angle(below, plot.width() / len(shown.column_names), metrics)
        axis_labels.paint_below(painter, below, plot, degrees, ink)
        axis_labels.paint_left(painter, left, plot, ink)

    def _paint_outlines(self, painter: QPainter, shown: Picture, plot: QRectF, look: Theme) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(look.line), 1))
        painter.drawRect(plot)
        picture.paint_pins(painter, shown, plot, look)
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
            picture.outline(painter, first.united(last), look.accent, look.surface)
        if self._pointed is not None:
            painter.setPen(QPen(QColor(look.text), 1))
            painter.drawRect(picture.cell(shown, plot, *self._pointed))

    def _pick(self, row: int, column: int) -> None:
        if self.picture is not None:
            axes = ((self.picture.rows, row), (self.picture.columns, column))
            places = {axis.name: axis.coordinates[index] for axis, index in axes}
            self.picked.emit({name: place for name, place in places.items() if place is not None})

    def _describe_selected(self) -> None:
        row, column = self.selected()
        if row is not None and column is not None:
            self.setAccessibleDescription(self.describe(row, column))
