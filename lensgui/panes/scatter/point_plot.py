"""How points of a scatter plot are drawn by pyqtgraph, and where they are on screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QAction, QColor, QFont, QFontMetricsF, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from lensgui.panes import theme
from lensgui.panes.scatter.point_labels import Dots, outliers, padded, place
from lensgui.panes.theme import Theme

SIZE = 7.0  # pixels across a point, where all are alike
SMALLEST, LARGEST = 5.0, 18.0  # where their areas say something
REACH = 7.0  # pixels from a point's middle that its name keeps free, whatever its size
AROUND = 11.0  # pixels between the outermost points and the edge: a dot, or half a name
RING = 6.0  # pixels by which a ring is wider than its point
PLAIN = 215  # the colour of points that have none, of a diverging table


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
        x_tip: What that means, in one sentence.
        y_tip: Likewise.
        is_diagonal: Whether to draw the line on which both are equal.
        shades: Indices into the diverging table of colours, [point]; None for one colour.
        areas: How large points are, 0 to 1, [point]; None for one size.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    names: list[str]
    describe: Callable[[int], str]
    x_title: str
    y_title: str
    x_tip: str = ""
    y_tip: str = ""
    is_diagonal: bool = False
    shades: NDArray[np.uint8] | None = None
    areas: NDArray[np.float64] | None = None

    @property
    def sizes(self) -> NDArray[np.float64]:
        """How large each dot is across, in pixels: areas count, but none is too small to be hit."""
        if self.areas is None:
            return np.full(len(self.x), SIZE)
        across: NDArray[np.float64] = LARGEST * np.sqrt(self.areas.clip(0, 1))
        return across.clip(SMALLEST)


@dataclass(frozen=True, slots=True)
class Marks:
    """Which points are marked.

    Attributes:
        chosen: The selected one; None for none.
        pinned: Those that the user keeps an eye on.
        together: Those that are selected together with the selected one.
    """

    chosen: int | None = None
    pinned: frozenset[int] = frozenset()
    together: frozenset[int] = frozenset()


class PointPlot:
    """A plot that can't be dragged out of sight, and in which nothing reacts to mouse or keys.

    Attributes:
        widget: pyqtgraph's.
        middles: Where points are, in pixels of the plot's inside, [point, 2].
        named: Where names are, likewise.
    """

    def __init__(self, parent: QWidget) -> None:
        """Make an empty plot."""
        import pyqtgraph  # takes a while, and most sessions never show a plot

        self._pyqtgraph = pyqtgraph
        self._points: Points | None = None
        self._marks = Marks()
        self._theme = theme.LIGHT
        self._opacity = 1.0
        self._names: list[Any] = []
        self._loop: Any = None
        self.middles: NDArray[np.float64] = np.empty((0, 2))
        self.named: dict[int, QRectF] = {}
        self.widget = pyqtgraph.PlotWidget(parent, background=None)
        self.widget.setFrameShape(self.widget.Shape.NoFrame)
        self.widget.setMenuEnabled(False)
        for part in (self.widget, self.widget.viewport()):
            part.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
            part.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the keyboard is its owner's
        for action in self.widget.scene().findChildren(QAction):  # "Export…", of a hidden menu
            action.setEnabled(False)
        self.widget.hideButtons()
        self.widget.setMouseEnabled(False, False)
        for side in ("bottom", "left"):
            axis = self.widget.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.tickStrings = partial(_ticks, axis.tickStrings)
        self._box = self.widget.getViewBox()
        self._box.sigResized.connect(self._fit_anew)
        self._items, self._rings = (
            pyqtgraph.ScatterPlotItem(size=SIZE, useCache=False) for _ in range(2)
        )

    def show(self, points: Points | None, marks: Marks, colors: Theme, *, is_stale: bool) -> None:
        """Draw points and what is marked of them, dimmed if they are stale; None for none."""
        self._points, self._marks, self._theme = points, marks, colors
        self._opacity = theme.STALE_OPACITY if is_stale else 1.0
        self.widget.clear()
        self._names, self.named, self.middles = [], {}, np.empty((0, 2))
        self.widget.setBackground(colors.window)
        self._paint_axes(colors)
        if points is None or not len(points.x):
            return
        self._paint_lines(colors, points)
        order = np.argsort(-points.sizes, kind="stable")  # small ones lie on large ones
        brushes = self._brushes(points)
        plain = QColor(*map(int, theme.diverging(colors)[PLAIN]))
        self._items.setData(
            x=points.x[order],
            y=points.y[order],
            pen=_pen(plain if points.shades is None else QColor(colors.faint), 1),
            brush=[brushes[at] for at in order],
            size=points.sizes[order],
        )
        self._items.setOpacity(self._opacity)
        self.widget.addItem(self._items)
        self._paint_rings(colors, points)
        self.widget.getPlotItem().layout.activate()  # the first picture already has its ranges
        self._fit()

    def show_loop(self, loop: list[QPointF]) -> None:
        """Draw a line through points of the viewport, on top of everything; [] for none."""
        if self._loop is not None:
            self.widget.scene().removeItem(self._loop)
            self._loop = None
        if len(loop) > 1:
            path = QPainterPath(self.widget.mapToScene(loop[0].toPoint()))
            for point in loop[1:]:
                path.lineTo(self.widget.mapToScene(point.toPoint()))
            pen = _pen(QColor(self._theme.text), 1.2)
            pen.setStyle(Qt.PenStyle.DashLine)
            self._loop = self.widget.scene().addPath(path, pen)

    def inside(self, where: QPoint) -> QPointF:
        """Return where a point of the viewport is, in pixels of the plot's inside."""
        place: QPointF = self._box.mapFromScene(self.widget.mapToScene(where))
        return place

    def middle_of(self, number: int) -> QPoint:
        """Return the middle of a point, in pixels of the viewport."""
        middle = QPointF(*map(float, self.middles[number]))
        place: QPoint = self.widget.mapFromScene(self._box.mapToScene(middle))
        return place

    def axis_at(self, where: QPoint) -> str:
        """Return which axis is at a point of the viewport: "bottom", "left" or ""."""
        scene, sides = self.widget.mapToScene(where), ("bottom", "left")
        if self._box.sceneBoundingRect().contains(scene):
            return ""
        areas = ((side, self.widget.getAxis(side).sceneBoundingRect()) for side in sides)
        return next((side for side, area in areas if area.contains(scene)), "")

    def _paint_rings(self, colors: Theme, points: Points) -> None:
        """Draw a ring around marked points, wide enough to leave their own colours to be seen."""
        marks, pens = self._marks, dict[int, QPen]()
        for at in sorted(marks.pinned):
            pens[at] = _pen(QColor(colors.text), 1.6)
            pens[at].setStyle(Qt.PenStyle.DotLine)
        pens |= dict.fromkeys(sorted(marks.together), _pen(QColor(colors.accent), 1.6))
        if marks.chosen is not None:
            pens[marks.chosen] = _pen(QColor(colors.accent), 2.6)
        known = [at for at in pens if at < len(points.x)]
        self._rings.setData(
            x=points.x[known],
            y=points.y[known],
            pen=[pens[at] for at in known],
            brush=QColor(0, 0, 0, 0),
            size=points.sizes[known] + RING,
        )
        self._rings.setOpacity(self._opacity)
        self.widget.addItem(self._rings)

    def _brushes(self, points: Points) -> list[QColor]:
        table = theme.diverging(self._theme)
        shades = np.full(len(points.x), PLAIN) if points.shades is None else points.shades
        found = [QColor(*map(int, table[shade])) for shade in shades]
        for color in found:
            color.setAlpha(150 if points.shades is None else 225)
        return found

    def _paint_axes(self, colors: Theme) -> None:
        points = self._points
        titles = (points.x_title, points.y_title) if points else ("", "")
        for side, title in zip(("bottom", "left"), titles, strict=True):
            axis = self.widget.getAxis(side)
            axis.setTickFont(theme.mono_font(theme.SMALL_POINTS))
            axis.setPen(QPen(QColor(colors.line), 1))
            axis.setTextPen(QPen(QColor(colors.faint)))
            axis.label.setFont(theme.text_font(theme.SMALL_POINTS))
            axis.setLabel(escape(title), color=colors.text)

    def _paint_lines(self, colors: Theme, points: Points) -> None:
        """Draw both zero lines, and the diagonal."""
        pen = _pen(QColor(colors.line), 1)
        dashed = _pen(QColor(colors.faint), 1)
        dashed.setStyle(Qt.PenStyle.DashLine)
        for angle in (0, 90):
            self.widget.addItem(self._pyqtgraph.InfiniteLine(0, angle, pen=pen))
        if points.is_diagonal:
            self.widget.addItem(self._pyqtgraph.InfiniteLine((0, 0), 45, pen=dashed))

    def _fit(self) -> None:
        """Choose the ranges, and name points: both depend on how many pixels there are."""
        points, room = self._points, self._box.size()
        if points is None or not len(points.x):
            return
        font = theme.mono_font(theme.SMALL_POINTS)
        metrics = QFontMetricsF(font)
        x = padded(points.x, room.width(), AROUND)
        y = padded(points.y, room.height(), AROUND)
        self._box.setRange(xRange=x, yRange=y, padding=0)
        across = (points.x - x[0]) / (x[1] - x[0]) * room.width()
        down = (y[1] - points.y) / (y[1] - y[0]) * room.height()
        self.middles = np.stack([across, down], axis=1)
        dots = Dots(self.middles, np.full(len(across), REACH), room)
        widths = [metrics.horizontalAdvance(name) for name in points.names]
        marks = self._marks
        first = [marks.chosen, *sorted(marks.together), *sorted(marks.pinned)]
        needed = dict.fromkeys(at for at in first if at is not None and at < len(widths))
        order = outliers(points.x, points.y)
        self.named = place(dots, widths, metrics.height(), order, needed)
        self._write_names(points, font, (x, y))

    def _write_names(
        self, points: Points, font: QFont, ranges: tuple[tuple[float, float], ...]
    ) -> None:
        """Write the names where there is room for them."""
        colors, room = self._theme, self._box.size()
        for item in self._names:
            self.widget.removeItem(item)
        self._names = []
        (left, right), (low, high) = ranges
        for at, box in self.named.items():
            color = QColor(colors.accent if at == self._marks.chosen else colors.text)
            item = self._pyqtgraph.TextItem(points.names[at], color=color, anchor=(0, 0))
            item.setFont(font)
            item.setOpacity(self._opacity)
            item.textItem.document().setDocumentMargin(0)
            item.updateTextPos()
            item.setPos(
                left + (right - left) * box.left() / room.width(),
                high - (high - low) * box.top() / room.height(),
            )
            self.widget.addItem(item, ignoreBounds=True)
            self._names.append(item)

    def _fit_anew(self, box: Any) -> None:
        self._fit()


def _ticks(own: Callable[..., list[str]], *asked: Any) -> list[str]:
    """Return what an axis writes at its ticks, with true minus signs."""
    return [text.replace("-", "−") for text in own(*asked)]


def _pen(color: QColor, width: float) -> QPen:
    """Return a pen as wide in pixels as it says, whatever the plot's scale."""
    pen = QPen(color, width)
    pen.setCosmetic(True)
    return pen
