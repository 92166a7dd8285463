"""Points on two axes, each of them something that can be selected, alone or with others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPaintEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QSizePolicy,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.controls.controls import announce
from lensgui.panes.pictures.heatmap import STEPS
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.pictures.painted import REDRAWN, paint_focus
from lensgui.panes.scatter.point_labels import inside
from lensgui.panes.scatter.point_plot import Marks, PointPlot, Points
from lensgui.panes.token_text import plain_tip

NEAR = 3.0  # pixels beside a point that still hit it
BELOW = 24  # pixels at most between a tooltip and the place it is shown at


class Scatter(QWidget):
    """Draws points; says which one is under the pointer, and which were chosen.

    pyqtgraph is imported when there is something to draw, so that the window opens without it; it
    draws, and everything that is done with mouse and keys is done here.

    Attributes:
        points: What is drawn; None for nothing.
        marks: What of it is marked.
        is_stale: Whether it is dimmed, since it answers an older question.
        picked: (number,) the point that was clicked or moved to.
        extended: (number,) a point to choose beside the others, or no longer.
        verb_requested: (verb, number) "pin" by a Ctrl-click, "attention" by a double-click.
        gathered: (numbers,) the points within a loop that was drawn around them; () for none.
        menu_requested: (number or None, where on screen) a point's menu is requested.
        hovered: (words,) the point under the pointer.
    """

    picked = Signal(int)
    extended = Signal(int)
    verb_requested = Signal(str, int)
    gathered = Signal(object)
    menu_requested = Signal(object, object)
    hovered = Signal(str)

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.points: Points | None = None
        self.marks = Marks()
        self.is_stale = False
        self._drawn: PointPlot | None = None
        self._pointer: QPoint | None = None  # where it rests; None while it is elsewhere
        self._said: tuple[int | None, str] = None, ""
        self._pressed: int | None = None
        self._loop: list[QPointF] = []
        self.setAccessibleName(name)
        self.setToolTip(plain_tip(tip))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(116)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(2, 2, 2, 2)  # room for the frame of the keyboard

    def show_stale(self, is_stale: bool) -> None:
        """Dim the points if they answer an older question."""
        if is_stale != self.is_stale:
            self.is_stale = is_stale
            self._draw()

    @property
    def plot(self) -> Any:
        """The plot that pyqtgraph draws; None before there was something to draw."""
        return self._drawn.widget if self._drawn is not None else None

    @property
    def named(self) -> dict[int, QRectF]:
        """Where names are, in pixels of the plot's inside."""
        return self._drawn.named if self._drawn is not None else {}

    def show_points(self, points: Points | None) -> None:
        """Draw other points; None for none, and none while a number is not finite."""
        drawable = points is not None and np.isfinite([points.x, points.y]).all()
        self.points = points if drawable else None
        if self.points is not None and self._drawn is None:
            self._drawn = PointPlot(self)
            self._drawn.widget.viewport().installEventFilter(self)
            self._column.addWidget(self.plot)
            self.plot.show()  # not a turn of the event loop later
        self._draw()

    def as_table(self) -> NumberTable | None:
        """Return both numbers of each point."""
        points = self.points
        if points is None:
            return None
        both = np.stack([points.x, points.y], axis=1)
        titles = points.x_title, points.y_title
        return of_numbers(self.accessibleName(), points.names, titles, both)

    def show_chosen(
        self, number: int | None, pinned: Iterable[int] = (), together: Iterable[int] = ()
    ) -> None:
        """Mark the selected point, those that are pinned, and those selected with it."""
        marks = Marks(number, frozenset(pinned), frozenset(together))
        if marks != self.marks:
            self.marks = marks
            self._draw()

    @property
    def chosen(self) -> int | None:
        """The selected point."""
        return self.marks.chosen

    def changeEvent(self, event: QEvent) -> None:
        """Take other colours, another font, or another way to draw."""
        super().changeEvent(event)
        if event.type() in REDRAWN:
            self._draw()

    def _draw(self) -> None:
        if self._drawn is None:
            return
        self._column.activate()  # the first picture already has its size
        colors = theme.of(self.palette())
        self._drawn.show(self.points, self.marks, colors, is_stale=self.is_stale)
        count = len(self.points.x) if self.points is not None else 0
        if self.points is not None and self.chosen is not None and self.chosen < count:
            self.setAccessibleDescription(self.points.describe(self.chosen))
        if self._pointer is not None:  # what is under it may be another, or be known better
            self._point_at(self.point_at(self._pointer))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move to the next point; with Shift, choose it too; Space adds one or takes it away."""
        key = Qt.Key(event.key())
        if self._drawn is None or self.points is None or not len(self.points.x):
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_Escape and self._loop:
            self._loop, self._pressed = [], None
            self._drawn.show_loop([])
        elif key in STEPS:
            next_one = self._beside(*STEPS[key])
            is_more = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            if is_more and next_one not in self.marks.together | {self.chosen}:
                self.extended.emit(next_one)
            else:
                self.picked.emit(next_one)
            announce(self, self.accessibleDescription())
        elif key == Qt.Key.Key_Space and self.chosen is not None:
            self.extended.emit(self.chosen)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame of what has the keyboard around the plot."""
        paint_focus(self)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the verbs of the selected point, where the keyboard requests them."""
        if self.points is not None and event.reason() != QContextMenuEvent.Reason.Mouse:
            self.menu_requested.emit(self.chosen, self._on_screen(self.chosen))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what is done with the mouse on the plot."""
        drawn = self._drawn
        if drawn is None or self.points is None or not len(self.points.x):
            return False
        if isinstance(event, QHelpEvent):
            self._help(event, drawn)
            return True
        if event.type() == QEvent.Type.Leave:
            self._pointer = None
            self._point_at(None)
        if not isinstance(event, QMouseEvent):
            return False
        taken = {
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseButtonDblClick: self._click_again,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._release,
        }.get(event.type())
        if taken is not None:
            taken(event, drawn)
        return True

    def point_at(self, where: QPoint) -> int | None:
        """Return the point at a place of the plot's viewport, the nearest of several."""
        if self.points is None or self._drawn is None or not len(self._drawn.middles):
            return None
        place = self._drawn.inside(where)
        away = np.hypot(*(self._drawn.middles - (place.x(), place.y())).T)
        hit = away <= self.points.sizes / 2 + NEAR
        return int(np.where(hit, away, np.inf).argmin()) if hit.any() else None

    def middle_of(self, number: int) -> QPoint:
        """Return the middle of a point, in pixels of the plot's viewport."""
        return self._drawn.middle_of(number) if self._drawn is not None else QPoint()

    def _on_screen(self, number: int | None) -> QPoint:
        where = self.middle_of(number) if number is not None else QPoint()
        place: QPoint = self.plot.viewport().mapToGlobal(where)
        return place

    def _press(self, event: QMouseEvent, drawn: PointPlot) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._pressed = self.point_at(event.position().toPoint())
        is_more = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if event.button() == Qt.MouseButton.LeftButton and is_more:
            self._loop = [event.position()]

    def _click_again(self, event: QMouseEvent, drawn: PointPlot) -> None:
        self._pressed = None  # what is let go afterwards is no click
        number = self.point_at(event.position().toPoint())
        if number is not None and event.button() == Qt.MouseButton.LeftButton:
            self.verb_requested.emit("attention", number)

    def _move(self, event: QMouseEvent, drawn: PointPlot) -> None:
        if self._loop:
            self._loop.append(event.position())
            drawn.show_loop(self._loop)
            return
        self._pointer = None if event.buttons() else event.position().toPoint()
        self._point_at(None if self._pointer is None else self.point_at(self._pointer))

    def _release(self, event: QMouseEvent, drawn: PointPlot) -> None:
        loop, self._loop = self._loop, []
        drawn.show_loop([])
        number = self.point_at(event.position().toPoint())
        lengths = [(point - loop[0]).manhattanLength() for point in loop]
        if max(lengths, default=0) >= QApplication.startDragDistance():
            within = [drawn.inside(point.toPoint()) for point in loop]
            self.gathered.emit(inside(drawn.middles, within))
        elif event.button() == Qt.MouseButton.RightButton:
            self.menu_requested.emit(number, event.globalPosition().toPoint())
        elif event.button() == Qt.MouseButton.LeftButton and number == self._pressed:
            self._click(number, event.modifiers())

    def _click(self, number: int | None, keys: Qt.KeyboardModifier) -> None:
        if number is None:
            return
        if keys & Qt.KeyboardModifier.ShiftModifier:
            self.extended.emit(number)
        elif keys & Qt.KeyboardModifier.ControlModifier:
            self.verb_requested.emit("pin", number)
        else:
            self.picked.emit(number)

    def _help(self, event: QHelpEvent, drawn: PointPlot) -> None:
        """Say in place what is under the pointer: a point, an axis, or the plot."""
        assert self.points is not None
        number = self.point_at(event.pos())
        if number is not None:
            self._show_tip(number)
            return
        tips = {"bottom": self.points.x_tip, "left": self.points.y_tip}
        words = tips.get(drawn.axis_at(event.pos())) or self.toolTip()
        QToolTip.showText(event.globalPos(), plain_tip(words), self)

    def _point_at(self, number: int | None) -> None:
        """Say what is under the pointer, if that is news."""
        words = self.points.describe(number) if self.points and number is not None else ""
        if (number, words) == self._said:
            return
        is_another = number != self._said[0]
        self._said = number, words
        self.hovered.emit(words)
        if number is None:
            QToolTip.hideText()
        elif is_another or QToolTip.isVisible():
            self._show_tip(number)

    def _show_tip(self, number: int) -> None:
        """Show what is known of a point below it, or above it where the screen ends."""
        assert self.points is not None
        words, radius = self.points.describe(number), round(self.points.sizes[number] / 2)
        where = self._on_screen(number) + QPoint(0, radius)
        height = QFontMetrics(QToolTip.font()).lineSpacing() * (words.count("\n") + 1) + 8
        if where.y() + BELOW + height > self.screen().availableGeometry().bottom():
            where.setY(where.y() - 2 * radius - height - BELOW)
        QToolTip.showText(where, plain_tip(words), self)

    def _beside(self, down: int, across: int) -> int:
        """Return the next point along an axis from the selected one: up is more."""
        assert self.points is not None
        along = self.points.x if across else self.points.y
        order = np.argsort(along, kind="stable").tolist()
        if self.chosen not in order:
            return int(order[0])
        at = order.index(self.chosen) + (across or -down)
        return int(order[max(0, min(len(order) - 1, at))])
