"""Points on two axes, each of them something that can be selected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QAction, QColor, QCursor, QFontMetricsF, QKeyEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QVBoxLayout, QWidget

from lensgui.panes import theme

NAMED = 7  # points that are labelled: those farthest from the middle
SIZE = 7.0  # pixels of a point


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """What a scatter plot draws.

    Attributes:
        x: Horizontal places, [point].
        y: Vertical places, [point].
        names: What each point is called.
        describe: Puts a point into words.
        x_title: What the horizontal axis counts.
        y_title: What the vertical axis counts.
        is_diagonal: Whether to draw the line on which both are equal.
        flips: Whether negative numbers are at the top.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    names: list[str]
    describe: Callable[[int], str]
    x_title: str
    y_title: str
    is_diagonal: bool = False
    flips: bool = False


class Scatter(QWidget):
    """Draws points; says which one is under the pointer, and which one was clicked.

    pyqtgraph is imported when there is something to draw, so that the window opens without it.

    Attributes:
        picked: (number,) the point that was clicked or moved to.
        hovered: (words,) the point under the pointer.
    """

    picked = Signal(int)
    hovered = Signal(str)

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.points: Points | None = None
        self.chosen: int | None = None
        self.plot: Any = None
        self._items: Any = None
        self._pyqtgraph: Any = None
        self.setAccessibleName(name)
        self.setToolTip(tip)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(116)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    def show_points(self, points: Points | None) -> None:
        """Draw other points; None for none, and none while a number is not finite."""
        drawable = points is not None and np.isfinite([points.x, points.y]).all()
        self.points = points if drawable else None
        if self.points is not None and self.plot is None:
            self._build()
        self._draw()

    def show_chosen(self, number: int | None) -> None:
        """Mark the selected point."""
        if number != self.chosen:
            self.chosen = number
            self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self.plot is not None:
            self._draw()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move to the next point to the left or to the right."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or self.points is None or not len(self.points.x):
            super().keyPressEvent(event)
            return
        order = np.argsort(self.points.x, kind="stable").tolist()
        at = order.index(self.chosen) + step if self.chosen in order else 0
        self.picked.emit(order[max(0, min(len(order) - 1, at))])

    def _build(self) -> None:
        """Make an empty plot that can't be dragged out of sight."""
        import pyqtgraph  # takes a while, and most sessions never show a plot

        self._pyqtgraph = pyqtgraph
        self.plot = pyqtgraph.PlotWidget(self, background=None)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        self.plot.setMenuEnabled(False)
        for part in (self.plot, self.plot.viewport()):
            part.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for action in self.plot.scene().findChildren(QAction):  # "Export…", of a menu we never show
            action.setEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(False, False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for side in ("bottom", "left"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self._items = pyqtgraph.ScatterPlotItem(size=SIZE, hoverable=True, useCache=False)
        self._items.sigClicked.connect(self._pick)
        self._items.sigHovered.connect(self._hover)
        self._column.addWidget(self.plot)

    def _draw(self) -> None:
        if self.plot is None:
            return
        look, points = theme.of(self.palette()), self.points
        self.plot.clear()
        self.plot.setBackground(look.window)
        self._paint_axes(look)
        if points is None or not len(points.x):
            return
        self._paint_lines(look, points)
        shade = QColor(*map(int, theme.diverging(look)[215]))
        fill = QColor(shade)
        fill.setAlpha(150)
        pens = [_pen(shade, 1)] * len(points.x)
        sizes = np.full(len(points.x), SIZE)
        if self.chosen is not None and self.chosen < len(pens):
            pens[self.chosen] = _pen(QColor(look.accent), 2.5)
            sizes[self.chosen] = 1.7 * SIZE
            self.setAccessibleDescription(points.describe(self.chosen))
        self._items.setData(x=points.x, y=points.y, pen=pens, brush=fill, size=sizes)
        self.plot.addItem(self._items)
        self.plot.getViewBox().invertY(points.flips)
        self.plot.autoRange(padding=0.08)
        self._paint_names(look, points)

    def _paint_axes(self, look: theme.Theme) -> None:
        titles = (self.points.x_title, self.points.y_title) if self.points else ("", "")
        for side, title in zip(("bottom", "left"), titles, strict=True):
            axis = self.plot.getAxis(side)
            axis.setTickFont(theme.mono_font(theme.SMALL_POINTS))
            axis.setPen(QPen(QColor(look.line), 1))
            axis.setTextPen(QPen(QColor(look.faint)))
            axis.label.setFont(theme.text_font(theme.SMALL_POINTS))
            axis.setLabel(title, color=look.text)

    def _paint_lines(self, look: theme.Theme, points: Points) -> None:
        """Draw both zero lines, and the diagonal."""
        pen = _pen(QColor(look.line), 1)
        dashed = _pen(QColor(look.faint), 1)
        dashed.setStyle(Qt.PenStyle.DashLine)
        for angle in (0, 90):
            self.plot.addItem(self._pyqtgraph.InfiniteLine(0, angle, pen=pen))
        if points.is_diagonal:
            self.plot.addItem(self._pyqtgraph.InfiniteLine((0, 0), 45, pen=dashed))

    def _paint_names(self, look: theme.Theme, points: Points) -> None:
        """Name the points farthest from the middle, as far as their names do not overlap."""
        spans = [max(float(np.ptp(part)), 1e-9) for part in (points.x, points.y)]
        x, y = points.x / spans[0], points.y / spans[1]
        order = np.argsort(-(x**2 + y**2), kind="stable").tolist()
        first = [self.chosen] if self.chosen is not None and self.chosen < len(x) else []
        room = self.plot.getViewBox().size()
        metrics = QFontMetricsF(theme.mono_font(theme.SMALL_POINTS))
        taken: list[QRectF] = []
        for at in dict.fromkeys([*first, *order[: 3 * NAMED]]):
            is_right = x[at] > (x.max() + x.min()) / 2
            width = metrics.horizontalAdvance(points.names[at]) + 8
            left = x[at] * room.width() - (width if is_right else 0)
            box = QRectF(left, y[at] * room.height(), width, metrics.height())
            if len(taken) < NAMED and not any(box.intersects(other) for other in taken):
                taken.append(box)
                self._name(look, points, at, (1.0 if is_right else 0.0, 1.0))

    def _name(
        self, look: theme.Theme, points: Points, at: int, anchor: tuple[float, float]
    ) -> None:
        color = look.accent if at == self.chosen else look.text
        text = self._pyqtgraph.TextItem(points.names[at], color=QColor(color), anchor=anchor)
        text.setFont(theme.mono_font(theme.SMALL_POINTS))
        text.setPos(points.x[at], points.y[at])
        self.plot.addItem(text)

    def _pick(self, item: Any, spots: Any, event: Any = None) -> None:
        if len(spots):
            self.picked.emit(int(spots[0].index()))

    def _hover(self, item: Any, spots: Any, event: Any = None) -> None:
        words = (
            "" if self.points is None or not len(spots) else self.points.describe(spots[0].index())
        )
        self.hovered.emit(words)
        QToolTip.showText(QCursor.pos(), words, self)


def _pen(color: QColor, width: float) -> QPen:
    """Return a pen as wide in pixels as it says, whatever the plot's scale."""
    pen = QPen(color, width)
    pen.setCosmetic(True)
    return pen
