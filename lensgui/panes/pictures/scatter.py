"""Points on two axes, each of them something that can be selected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QCursor,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import (
    QGraphicsOpacityEffect,
    QSizePolicy,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.controls.controls import announce
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.pictures.painted import paint_focus
from lensgui.panes.pictures.point_names import Dots, padded, place
from lensgui.panes.theme import STALE_OPACITY
from lensgui.panes.token_text import plain_tip

NAMED = 7  # points that are labelled: those farthest from the middle
SIZE = 7.0  # pixels of a point
AROUND = 11.0  # pixels between the outermost points and the edge: a dot, or half a name


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
        menu_requested: (number, where on screen) of a point whose menu is requested.
        verb_requested: (verb, number) "pin" by a Ctrl-click, "attention" by a double-click.
    """

    picked = Signal(int)
    hovered = Signal(str)
    menu_requested = Signal(int, object)
    verb_requested = Signal(str, int)

    def __init__(self, name: str, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.points: Points | None = None
        self.chosen: int | None = None
        self.pinned: frozenset[int] = frozenset()
        self.named: dict[int, QRectF] = {}  # where names are, in pixels of the plot's inside
        self._names: list[Any] = []
        self.plot: Any = None
        self._items: Any = None
        self._pyqtgraph: Any = None
        self.setAccessibleName(name)
        self.setToolTip(plain_tip(tip))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(116)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(2, 2, 2, 2)  # room for the frame of the keyboard
        self._dimming = QGraphicsOpacityEffect(self, opacity=STALE_OPACITY)
        self._dimming.setEnabled(False)
        self.setGraphicsEffect(self._dimming)

    @property
    def is_stale(self) -> bool:
        """Whether it is dimmed, since it answers an older question."""
        return self._dimming.isEnabled()

    def show_stale(self, is_stale: bool) -> None:
        """Dim the points if they answer an older question."""
        self._dimming.setEnabled(is_stale)

    def show_points(self, points: Points | None) -> None:
        """Draw other points; None for none, and none while a number is not finite."""
        drawable = points is not None and np.isfinite([points.x, points.y]).all()
        self.points = points if drawable else None
        if self.points is not None and self.plot is None:
            self._build()
        self._draw()

    def as_table(self) -> NumberTable | None:
        """Return both numbers of each point."""
        points = self.points
        if points is None:
            return None
        both = np.stack([points.x, points.y], axis=1)
        titles = points.x_title, points.y_title
        return of_numbers(self.accessibleName(), points.names, titles, both)

    def show_chosen(self, number: int | None, pinned: Iterable[int] = ()) -> None:
        """Mark the selected point, and outline those that the user keeps an eye on."""
        marks = number, frozenset(pinned)
        if marks != (self.chosen, self.pinned):
            self.chosen, self.pinned = marks
            self._draw()

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme, or another font."""
        super().changeEvent(event)
        kinds = QEvent.Type.PaletteChange, QEvent.Type.FontChange
        if event.type() in kinds and self.plot is not None:
            self._draw()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the verbs of the point under the pointer, or of the selected one."""
        number, where = self.chosen, event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Mouse and self.plot is not None:
            scene = self.plot.mapToScene(self.plot.mapFromGlobal(where))
            spots = self._items.pointsAt(self.plot.getViewBox().mapSceneToView(scene))
            number = int(spots[0].index()) if len(spots) else None
        if number is not None:
            self.picked.emit(number)
            self.menu_requested.emit(number, where)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move to the next point to the left or to the right."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or self.points is None or not len(self.points.x):
            super().keyPressEvent(event)
            return
        order = np.argsort(self.points.x, kind="stable").tolist()
        at = order.index(self.chosen) + step if self.chosen in order else 0
        self.picked.emit(order[max(0, min(len(order) - 1, at))])
        announce(self, self.accessibleDescription())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frame of what has the keyboard around the plot."""
        paint_focus(self)

    def _build(self) -> None:
        """Make an empty plot that can't be dragged out of sight."""
        import pyqtgraph  # takes a while, and most sessions never show a plot

        self._pyqtgraph = pyqtgraph
        self.plot = pyqtgraph.PlotWidget(self, background=None)
        self.plot.setFrameShape(self.plot.Shape.NoFrame)
        self.plot.setMenuEnabled(False)
        for part in (self.plot, self.plot.viewport()):
            part.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)  # it is this widget's
            part.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # so is the keyboard
        for action in self.plot.scene().findChildren(QAction):  # "Export…", of a menu we never show
            action.setEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(False, False)
        for side in ("bottom", "left"):
            axis = self.plot.getAxis(side)
            axis.enableAutoSIPrefix(False)
            axis.tickStrings = partial(_ticks, axis.tickStrings)
        self.plot.getViewBox().sigResized.connect(self._fit_anew)
        self._items = pyqtgraph.ScatterPlotItem(size=SIZE, hoverable=True, useCache=False)
        self._items.sigClicked.connect(self._pick)
        self._items.sigHovered.connect(self._hover)
        self._column.addWidget(self.plot)
        self.plot.show()  # not a turn of the event loop later

    def _draw(self) -> None:
        if self.plot is None:
            return
        colors, points = theme.of(self.palette()), self.points
        self.plot.clear()
        self._names, self.named = [], {}
        self.plot.setBackground(colors.window)
        self._paint_axes(colors)
        if points is None or not len(points.x):
            return
        self._paint_lines(colors, points)
        shade = QColor(*map(int, theme.diverging(colors)[215]))
        fill = QColor(shade)
        fill.setAlpha(150)
        pens = [_pen(shade, 1)] * len(points.x)
        for at in self.pinned:
            if at < len(pens):
                pens[at] = _pen(QColor(colors.text), 2)
        if self.chosen is not None and self.chosen < len(pens):
            pens[self.chosen] = _pen(QColor(colors.accent), 2.5)
            self.setAccessibleDescription(points.describe(self.chosen))
        self._items.setData(x=points.x, y=points.y, pen=pens, brush=fill, size=self._sizes())
        self.plot.addItem(self._items)
        self.plot.getViewBox().invertY(points.flips)
        self._column.activate()  # the first picture already has its ranges and names
        self.plot.getPlotItem().layout.activate()
        self._fit()

    def _paint_axes(self, colors: theme.Theme) -> None:
        titles = (self.points.x_title, self.points.y_title) if self.points else ("", "")
        for side, title in zip(("bottom", "left"), titles, strict=True):
            axis = self.plot.getAxis(side)
            axis.setTickFont(theme.mono_font(theme.SMALL_POINTS))
            axis.setPen(QPen(QColor(colors.line), 1))
            axis.setTextPen(QPen(QColor(colors.faint)))
            axis.label.setFont(theme.text_font(theme.SMALL_POINTS))
            axis.setLabel(escape(title), color=colors.text)

    def _paint_lines(self, colors: theme.Theme, points: Points) -> None:
        """Draw both zero lines, and the diagonal."""
        pen = _pen(QColor(colors.line), 1)
        dashed = _pen(QColor(colors.faint), 1)
        dashed.setStyle(Qt.PenStyle.DashLine)
        for angle in (0, 90):
            self.plot.addItem(self._pyqtgraph.InfiniteLine(0, angle, pen=pen))
        if points.is_diagonal:
            self.plot.addItem(self._pyqtgraph.InfiniteLine((0, 0), 45, pen=dashed))

    def _fit(self) -> None:
        """Choose the ranges, and name points: both depend on how many pixels there are."""
        points, box = self.points, self.plot.getViewBox() if self.plot is not None else None
        if points is None or box is None or not len(points.x):
            return
        room = box.size()
        font = theme.mono_font(theme.SMALL_POINTS)
        metrics = QFontMetricsF(font)
        x = padded(points.x, room.width(), AROUND)
        y = padded(points.y, room.height(), AROUND)
        box.setRange(xRange=x, yRange=y, padding=0)
        down = (points.y - y[0]) / (y[1] - y[0])
        middles = np.stack(
            [
                (points.x - x[0]) / (x[1] - x[0]) * room.width(),
                (down if points.flips else 1 - down) * room.height(),
            ],
            axis=1,
        )
        dots = Dots(middles, self._sizes() / 2 + 1, room)
        widths = [metrics.horizontalAdvance(name) for name in points.names]
        first = [at for at in (self.chosen, *sorted(self.pinned)) if at is not None]
        first = [at for at in dict.fromkeys(first) if at < len(widths)]
        order = list(dict.fromkeys([*first, *_farthest(points, 3 * NAMED)]))
        self.named = place(dots, widths, metrics.height(), order, len(first), NAMED)
        self._write_names(points, font, (x, y))

    def _write_names(
        self, points: Points, font: QFont, ranges: tuple[tuple[float, float], ...]
    ) -> None:
        """Write the names where there is room for them."""
        colors, room = theme.of(self.palette()), self.plot.getViewBox().size()
        for item in self._names:
            self.plot.removeItem(item)
        self._names = []
        (left, right), (low, high) = ranges
        for at, box in self.named.items():
            color = QColor(colors.accent if at == self.chosen else colors.text)
            item = self._pyqtgraph.TextItem(points.names[at], color=color, anchor=(0, 0))
            item.setFont(font)
            item.textItem.document().setDocumentMargin(0)
            item.updateTextPos()
            down = box.top() / room.height()
            item.setPos(
                left + (right - left) * box.left() / room.width(),
                low + (high - low) * (down if points.flips else 1 - down),
            )
            self.plot.addItem(item, ignoreBounds=True)
            self._names.append(item)

    def _sizes(self) -> NDArray[np.float64]:
        """Return how large each dot is, in pixels."""
        assert self.points is not None
        sizes = np.full(len(self.points.x), SIZE)
        sizes[[at for at in self.pinned if at < len(sizes)]] = 1.4 * SIZE
        if self.chosen is not None and self.chosen < len(sizes):
            sizes[self.chosen] = 1.7 * SIZE
        return sizes

    def _fit_anew(self, box: Any) -> None:
        self._fit()

    def _pick(self, item: Any, spots: Any, event: Any = None) -> None:
        if not len(spots):
            return
        number = int(spots[0].index())
        if event is not None and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.verb_requested.emit("pin", number)
        elif event is not None and event.double():
            self.verb_requested.emit("attention", number)
        else:
            self.picked.emit(number)

    def _hover(self, item: Any, spots: Any, event: Any = None) -> None:
        words = (
            "" if self.points is None or not len(spots) else self.points.describe(spots[0].index())
        )
        self.hovered.emit(words)
        QToolTip.showText(QCursor.pos(), plain_tip(words), self)


def _ticks(own: Callable[..., list[str]], *asked: Any) -> list[str]:
    """Return what an axis writes at its ticks, with true minus signs."""
    return [text.replace("-", "−") for text in own(*asked)]


def _farthest(points: Points, count: int) -> list[int]:
    """Return the points farthest from where both are 0, each axis in its own scale."""
    spans = [max(float(np.ptp(part)), 1e-9) for part in (points.x, points.y)]
    distances = (points.x / spans[0]) ** 2 + (points.y / spans[1]) ** 2
    return list(map(int, np.argsort(-distances, kind="stable")[:count]))


def _pen(color: QColor, width: float) -> QPen:
    """Return a pen as wide in pixels as it says, whatever the plot's scale."""
    pen = QPen(color, width)
    pen.setCosmetic(True)
    return pen
