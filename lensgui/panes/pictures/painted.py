"""What pictures painted by hand have in common: hover, the empty state, dimming, colour ramps."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lensgui.panes import style, theme
from lensgui.panes.controls.controls import announce
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.theme import Table, Theme
from lensgui.panes.token_text import plain_tip
from lensgui.state.selection import Cursor

BELOW = 16  # pixels that Qt puts a tooltip below its place, or more
FARTHEST = 64  # pixels that one may stand farther below the pointer
REDRAWN = (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange)


class Painted(QWidget):
    """A picture that says what is under the pointer, and what to do while there is none.

    Attributes:
        picked: (fields,) the Cursor fields of what was clicked or moved to.
        hovered: (words,) what is under the pointer; "" for nothing.
        empty: What it says while there is nothing to draw.
        is_stale: Whether what is drawn answers an older question.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty = ""
        self.is_stale = False
        self._cursor = Cursor()
        self._pointed: Any = None
        self._said = ""
        self._pointer: QPointF | None = None  # where it rests; None while it is elsewhere
        self._image: QImage | QPixmap | None = None  # what need not be painted anew each time
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFont(theme.mono_font(theme.SMALL_POINTS))

    def hit_test(self, point: QPointF) -> tuple[Any, str]:
        """Return what is under a point of the widget, None for nothing, and what it says."""
        raise NotImplementedError

    def pointed_place(self) -> QRectF:
        """Return what must not be covered: the place of what is pointed at, if it is small."""
        return QRectF()

    def as_table(self) -> NumberTable | None:
        """Return the numbers that are drawn; None while there are none."""
        return None

    def tip(self, words: str) -> str:
        """Return what the tooltip says of what is under the pointer."""
        return words

    def show_stale(self, is_stale: bool) -> None:
        """Dim what is drawn if it answers an older question."""
        if is_stale != self.is_stale:
            self.is_stale = is_stale
            self.redraw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Mark what is selected."""
        if cursor != self._cursor:
            self._cursor = cursor
            self.update()

    def redraw(self) -> None:
        """Paint all of it anew."""
        self._image = None
        self.update()

    def say_empty(self, painter: QPainter, colors: Theme) -> None:
        """Say what to do to get a picture."""
        say(painter, self.rect().adjusted(16, 8, -16, -8), self.empty, colors)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the pointer."""
        self._pointer = event.position()
        if self._point_at(*self.hit_test(self._pointer)):
            self._show_tip(self._pointer)

    def leaveEvent(self, event: QEvent) -> None:
        """Clear the hover."""
        self._pointer = None
        self._point_at(None, "")

    def event(self, event: QEvent) -> bool:
        """Say what is under the pointer, or what the picture is for."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            words = self.hit_test(QPointF(event.pos()))[1]
            QToolTip.showText(event.globalPos(), plain_tip(self.tip(words)) or self.toolTip(), self)
            return True
        before = self.accessibleDescription()
        is_handled = super().event(event)
        if event.type() == QEvent.Type.Paint:
            self._say_anew()
            paint_focus(self)
        elif event.type() == QEvent.Type.KeyPress and self.accessibleDescription() != before:
            announce(self, self.accessibleDescription())
        return is_handled

    def changeEvent(self, event: QEvent) -> None:
        """Take other colours, another font, or another way to draw."""
        if event.type() in REDRAWN:
            self._image = None
            self.updateGeometry()
        super().changeEvent(event)

    def _say_anew(self) -> None:
        """Say what is now under a pointer that rests: the picture below it may be another."""
        if self._pointer is None:
            return
        if self._point_at(*self.hit_test(self._pointer)) and QToolTip.isVisible():
            self._show_tip(self._pointer)

    def _point_at(self, pointed: Any, words: str) -> bool:
        """Say what is pointed at; whether that is news."""
        if (pointed, words) == (self._pointed, self._said):
            return False
        self._pointed, self._said = pointed, words
        self.hovered.emit(words)
        self.update()
        return True

    def _show_tip(self, where: QPointF) -> None:
        words, down = self._said and self.tip(self._said), where.y()
        bottom = self.pointed_place().bottom() - BELOW
        if down < bottom < down + FARTHEST:
            down = bottom
        at = self.mapToGlobal(QPointF(where.x(), down).toPoint())
        QToolTip.showText(at, plain_tip(words), self)


def paint_focus(widget: QWidget) -> None:
    """Frame a painted widget that has the keyboard; called while it is being painted."""
    if widget.hasFocus():
        with QPainter(widget) as painter:
            style.frame(painter, widget.rect(), theme.of(widget.palette()))


def say(painter: QPainter, where: QRect, words: str, colors: Theme) -> None:
    """Write words in the middle of a place that is empty otherwise."""
    painter.setFont(theme.text_font())
    painter.setPen(QColor(colors.faint))
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(where, flags, words)


def ramp(table: Table, *, is_upright: bool) -> QImage:
    """Return the colours of a table as a bar: from bottom to top, or from left to right."""
    colors = np.full((256, 4), 255, np.uint8)
    colors[:, :3] = (table[::-1] if is_upright else table)[:, ::-1]
    height, width = (256, 1) if is_upright else (1, 256)
    return QImage(colors.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
