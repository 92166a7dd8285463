"""One of several maps that stand together: no names at its sides, and the pointer of the others."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import Sweep
from lensgui.panes import theme
from lensgui.panes.pictures import picture
from lensgui.panes.pictures.heatmap import Heatmap
from lensgui.panes.pictures.picture import Picture
from lensgui.panes.theme import Theme
from lensgui.panes.token_text import plain_tip

TIP = (
    "Click a cell, or move with the arrow keys, to select it; a double-click or Return enlarges, "
    "Esc returns; right-click for what to ask of it next."
)


class Tile(Heatmap):
    """One map without names at its sides.

    Attributes:
        toggled: The user wants it enlarged, or all maps again.
        left: The user pressed Esc.
        sweep: What is drawn.
        marked: The rows and columns at the place of the pointer, which may be on another map.
        explain: Puts the cell under the pointer into words for the tooltip.
    """

    toggled = Signal()
    left = Signal()

    def __init__(
        self,
        describe: Callable[[int, int], str],
        explain: Callable[[int, int], str],
        parent: QWidget,
    ) -> None:
        super().__init__(theme.diverging, describe, parent=parent)
        self.sweep: Sweep | None = None
        self.marked: tuple[range, range] | None = None
        self.explain = explain
        self.setToolTip(plain_tip(TIP))

    def minimumSizeHint(self) -> QSize:
        """Return nothing: whoever lays it out knows."""
        return QSize(0, 0)

    def plot(self) -> QRectF:
        """Return all of the widget but a frame."""
        return QRectF(self.rect()).adjusted(1, 1, -1, -1)

    def tip(self, words: str) -> str:
        """Return what is known of the cell itself."""
        return self.explain(*self.pointed_cell) if self.pointed_cell is not None else words

    def mark(self, marked: tuple[range, range] | None) -> None:
        """Frame the place of the pointer."""
        if marked != self.marked:
            self.marked = marked
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the cells; all of them are hatched while none is known."""
        if self.picture is not None:
            super().paintEvent(event)
            return
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            picture.hatch(painter, self.plot(), colors)
            painter.setPen(QPen(QColor(colors.line), 1))
            painter.drawRect(self.plot())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Enlarge it, or return."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.toggled.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the selection; enlarge it by Return, and return by Esc."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.toggled.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _paint_labels(self, painter: QPainter, shown: Picture, plot: QRectF, colors: Theme) -> None:
        """Leave the names to whoever lays the maps out."""

    def _paint_outlines(
        self, painter: QPainter, shown: Picture, plot: QRectF, colors: Theme
    ) -> None:
        super()._paint_outlines(painter, shown, plot, colors)
        if self.marked is not None and self.pointed_cell is None:
            rows, columns = self.marked
            first = picture.cell(shown, plot, rows[0], columns[0])
            last = picture.cell(shown, plot, rows[-1], columns[-1])
            painter.setPen(QPen(QColor(colors.text), 1))
            painter.drawRect(first.united(last))
