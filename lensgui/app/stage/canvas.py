"""One picture for an audience: the drawing that is exported too, as large as there is room."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from lensgui.panes import theme
from lensgui.panes.figures import pointing
from lensgui.panes.figures.drawing import painting
from lensgui.panes.figures.drawing.layout import fitted
from lensgui.panes.figures.drawing.marks import Drawing
from lensgui.panes.figures.drawing.style import Style
from lensgui.panes.figures.figure import Figure
from lensgui.panes.figures.reveal import Reveal, covered, thinned
from lensgui.panes.theme import Theme
from lensgui.state.selection import Cursor

FRAME = 3.0  # pixels of the line around what is selected
LEAST = QSize(200, 120)


@dataclass(frozen=True, slots=True)
class Look:
    """How pictures are drawn for an audience.

    Attributes:
        colors: Of all that is no number.
        size: Of all text, in points.
    """

    colors: Theme
    size: int


@dataclass(frozen=True, slots=True)
class Revealing:
    """How pictures are shown bit by bit.

    Attributes:
        how: In which order.
        share: How much is seen, 0 to 1.
    """

    how: Reveal
    share: float


class Canvas(QWidget):
    """Draws a figure; a click selects a cell.

    Attributes:
        title: The pane whose picture it is.
        drawing: What is drawn; None while there is nothing.
        picked: (fields,) cursor fields that a click chose.
        pointed: (words, place) what is under the pointer, "" for nothing, and where in the window.
        alone: (pane,) it is to be alone, or no longer.
    """

    picked = Signal(object)
    pointed = Signal(str, QPointF)
    alone = Signal(str)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.drawing = "", None
        self._look, self._figure = look, None
        self._is_stale, self._cursor = False, Cursor()
        self._revealing: Revealing | None = None
        self._pointer: QPointF | None = None
        self._picture = QPixmap()
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(LEAST)

    drawing: Drawing | None
    _figure: Figure | None

    def show_figure(
        self, title: str, figure: Figure, revealing: Revealing | None, *, is_stale: bool
    ) -> None:
        """Draw a figure, or some of it, pale while it answers an older question."""
        self.title, self._figure, self._revealing = title, figure, revealing
        self._is_stale = is_stale
        self.setAccessibleName(f"{figure.title}, for the audience")
        self._draw()
        self._say()

    def show_look(self, look: Look) -> None:
        """Draw in other colours or with other text."""
        if look != self._look:
            self._look = look
            self._draw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline what is selected."""
        if cursor != self._cursor:
            self._cursor = cursor
            self.update()

    @property
    def scale(self) -> float:
        """Pixels in a point."""
        return self.logicalDpiY() / 72

    def _draw(self) -> None:
        if self._figure is None or self.width() < LEAST.width():
            return
        width, height = self.width() / self.scale, self.height() / self.scale
        style = Style(width, self._look.size, self._look.colors, False, is_quick=True)
        figure, revealing = self._figure, self._revealing
        shown = figure if revealing is None else thinned(figure, revealing.how, revealing.share)
        self.drawing = fitted(shown, style, height)
        if revealing is not None:
            color = self._look.colors.surface
            self.drawing = covered(self.drawing, revealing.how, revealing.share, color)
        ratio = self.devicePixelRatioF()
        self._picture = QPixmap(ceil(self.width() * ratio), ceil(self.height() * ratio))
        self._picture.fill(QColor(self._look.colors.surface))
        with QPainter(self._picture) as painter:
            painter.scale(self.scale * ratio, self.scale * ratio)
            painting.paint(painter, self.drawing)
        self._picture.setDevicePixelRatio(ratio)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture and what is selected."""
        colors = self._look.colors
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(colors.surface))
            painter.setOpacity(theme.STALE_OPACITY if self._is_stale else 1.0)
            painter.drawPixmap(0, 0, self._picture)
            painter.setPen(QPen(QColor(colors.accent), FRAME))
            for cell in self._selected():
                painter.drawRect(cell)
            if self.hasFocus():
                painter.setPen(QPen(QColor(colors.accent), 1.0))
                painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def _selected(self) -> list[QRectF]:
        """Return where the selected cells are, in pixels, large enough to be seen."""
        found, times = [], self.scale
        for cell in pointing.selected(self.drawing, self._cursor) if self.drawing else []:
            size = cell.width() * times, cell.height() * times
            wide, high = (max(0.0, 4 * FRAME - side) / 2 for side in size)
            corner = QPointF(cell.x() * times, cell.y() * times)
            found.append(QRectF(corner.x(), corner.y(), *size).adjusted(-wide, -high, wide, high))
        return found

    def _under(self, place: QPointF) -> pointing.Found | None:
        if self.drawing is None:
            return None
        return pointing.at(self.drawing, place.x() / self.scale, place.y() / self.scale)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is pointed at."""
        self._pointer = event.position()
        self._say()

    def _say(self) -> None:
        """Say what is under the pointer, after another picture has come there too."""
        if self._pointer is not None:
            found = self._under(self._pointer)
            place = QPointF(self.mapTo(self.window(), self._pointer.toPoint()))
            self.pointed.emit(pointing.words(found) if found is not None else "", place)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select a cell."""
        found = self._under(event.position())
        places = pointing.fields(found) if found is not None else {}
        if event.button() == Qt.MouseButton.LeftButton and places:
            self.picked.emit(places)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the pane alone, or again with the other one."""
        if event.button() == Qt.MouseButton.LeftButton and self._under(event.position()) is None:
            self.alone.emit(self.title)

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        self._pointer = None
        self.pointed.emit("", QPointF(-1, -1))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show who has the keyboard."""
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show who has the keyboard."""
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw in the new room."""
        self._draw()
