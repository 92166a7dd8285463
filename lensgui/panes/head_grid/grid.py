"""Every head as a thumbnail or a score, painted as one picture, by layer or ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from lensgui.jobs.answers.arrays import Atlas
from lensgui.panes import theme
from lensgui.panes.head_grid import paint
from lensgui.panes.head_grid.cards import card
from lensgui.panes.head_grid.layout import (
    GUTTER,
    LARGEST,
    LEAST,
    MOST_ZOOM,
    ZOOM_STEP,
    GridView,
    Layout,
    fit_list,
    fit_map,
)
from lensgui.panes.head_grid.paint import Marks
from lensgui.panes.head_grid.ranking import Ranking
from lensgui.panes.pictures import painted
from lensgui.panes.pictures.heatmap import STEPS
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.theme import Theme
from lensgui.panes.token_text import plain_tip
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

ZOOM_KEYS = {Qt.Key.Key_Plus: 1, Qt.Key.Key_Equal: 1, Qt.Key.Key_Minus: -1}  # steps
HINT = (
    "Click a head to look at it; shift-click averages over several, Ctrl-click pins; the wheel "
    "with Ctrl, or + and −, zooms, dragging moves, 0 shows all."
)


class HeadGrid(Painted):
    """Thumbnails of attention patterns.

    Attributes:
        marks: What is outlined.
        ranking: What the heads are ranked by; None before anything is.
        roles: What part each head plays.
        is_magnified: Whether the head under the pointer is shown large, with its words.
        pointed: ((layer, head) or None,) the head under the pointer.
        extended: ((layer, head),) a head to average over too, or no longer.
        pinned: ((layer, head),) a head to pin, or to unpin.
        menu_requested: (layer, head, where on screen) of a head whose menu is requested.
    """

    pointed = Signal(object)
    extended = Signal(object)
    pinned = Signal(object)
    menu_requested = Signal(int, int, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.atlas: Atlas | None = None
        self.view = GridView()
        self.tokens: Sequence[str] = ()
        self.marks = Marks()
        self.ranking: Ranking | None = None
        self.roles: Mapping[Head, Part] = {}
        self.is_magnified = False
        self._order: Ranking | None = None  # the last ranking that was whole
        self._pressed: tuple[QPointF, tuple[float, float]] | None = None
        self._is_dragged = False
        self._is_revealed = False  # whether the selected head is to stay in view
        self.setAccessibleName("All heads: a row for each layer, a column for each head")
        self.setToolTip(plain_tip(HINT))

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(190, 360)

    def minimumSizeHint(self) -> QSize:
        """Return the least useful size."""
        return QSize(110, 120)

    def width_for(self, height: int) -> int:
        """Return how wide the widget must be for thumbnails by layer that fill a height."""
        layers, heads = self._counts
        left, top = self._margins()
        least, largest = theme.zoomed(LEAST), theme.zoomed(LARGEST)
        side = max(least, min(largest, (height - top) / layers - GUTTER))
        return round(left + heads * (side + GUTTER)) + 8

    def show_atlas(self, atlas: Atlas | None) -> None:
        """Draw the heads that are known so far."""
        self.atlas, self.is_stale = atlas, False
        self.redraw()

    def show_view(self, view: GridView) -> None:
        """Arrange, filter, zoom or scroll."""
        self.view = view
        self.redraw()

    def show_ranking(self, ranking: Ranking) -> None:
        """Rank by other numbers; a ranking that is not whole leaves every head in its place."""
        self.ranking = ranking
        if ranking.is_whole:
            self._order = ranking
        elif self._order is not None and self._order.score != ranking.score:
            self._order = None
        self.redraw()

    def show_roles(self, roles: Mapping[Head, Part]) -> None:
        """Write the letters of roles."""
        self.roles = roles
        self.update()

    def as_table(self) -> NumberTable | None:
        """Return the scores that the heads are ranked by."""
        ranks = self.ranking
        if ranks is None or ranks.values is None:
            return None
        layers, heads = ranks.values.shape
        unit = f", {ranks.unit}" if ranks.unit else ""
        rows, columns = [f"L{at}" for at in range(layers)], [f"H{at}" for at in range(heads)]
        return of_numbers(f"All heads: {ranks.score.title}{unit}", rows, columns, ranks.values)

    def show_marks(
        self, cursor: Cursor, pins: Sequence[tuple[int, int]], several: Sequence[tuple[int, int]]
    ) -> None:
        """Outline the selected head, the pinned ones, and those averaged over.

        Args:
            cursor: What is selected.
            pins: Layer and head of each.
            several: Likewise.
        """
        before, self.marks = self.marks, Marks(cursor, tuple(pins), tuple(several))
        if cursor.layer is not None and cursor.head is not None:
            self.setAccessibleDescription(self.words(cursor.layer, cursor.head))
        if self.marks != before:
            self.update()

    def show_cursor(self, cursor: Cursor) -> None:
        """Outline the selected head, or its layer while no head is selected."""
        self.show_marks(cursor, self.marks.pins, self.marks.several)

    def reveal(self) -> None:
        """Scroll to the selected head, and keep it in view until the user scrolls elsewhere."""
        self._is_revealed = True
        for place in self.marks.cursor.selected[-1:]:
            self.show_head(*place)

    def show_head(self, layer: int, head: int) -> None:
        """Scroll to a head, selected or not."""
        if self.atlas is not None:
            self._scroll(*self.layout_now().offset_for(layer * self._counts[1] + head))

    @property
    def head_pointed_at(self) -> tuple[int, int] | None:
        """The head under the pointer."""
        pointed: tuple[int, int] | None = self._pointed
        return pointed

    def head_at(self, point: QPointF) -> tuple[int, int] | None:
        """Return the layer and head under a point of the widget."""
        number = self.layout_now().at(point) if self.atlas else None
        return None if number is None else divmod(number, self._counts[1])

    def middle_of(self, layer: int, head: int) -> QPointF:
        """Return the middle of a thumbnail, in the widget's pixels."""
        return self.layout_now().frame(layer * self._counts[1] + head).center()

    def layout_now(self) -> Layout:
        """Return where the thumbnails are."""
        ratio = self.devicePixelRatioF()
        layers, heads = self._counts
        if self.atlas is None or not self._is_list:
            return fit_map(layers, heads, self.size(), self._margins(), self.view, ratio)
        metrics = QFontMetricsF(self.font())
        name = f"L{layers - 1}H{heads - 1} +0.00"
        room = metrics.horizontalAdvance(name), metrics.height()
        assert self._order is not None
        assert self._order.values is not None
        scores = self._order.values.ravel()
        return fit_list(scores, self.size(), room, self.view, ratio)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw thumbnails, labels and the selection."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            layout = self.layout_now()
            nothing = self.empty if self.atlas is None else layout.lacking(self.view.least)
            if self.atlas is None or nothing:
                painted.say(painter, self.rect().adjusted(8, 8, -8, -8), nothing, colors)
                return
            setting = paint.Setting(
                self.atlas,
                layout,
                self.view,
                colors,
                self._is_list,
                self.ranking,
                self.roles,
                self.is_stale,
            )
            is_map = self.view.arrangement == "map"
            if not isinstance(self._image, QImage):
                self._image = paint.scores(setting) if is_map else paint.image(setting)
            draw = paint.cells if is_map else paint.heads
            draw(painter, setting, self._image)
            paint.names(painter, setting, self.marks)
            paint.marks(painter, setting, self.marks)
            self._paint_extent(painter, layout, colors)

    @staticmethod
    def _paint_extent(painter: QPainter, layout: Layout, colors: Theme) -> None:
        """Show which part is in view, where not all is."""
        area, whole = layout.area, layout.whole
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.faint))
        if whole.height() > area.height():
            share = area.height() / whole.height()
            top = area.top() + layout.offset[1] * share
            painter.drawRect(QRectF(area.right() + 1, top, 3, area.height() * share))
        if whole.width() > area.width():
            left = area.left() + layout.offset[0] * area.width() / whole.width()
            painter.drawRect(QRectF(left, area.bottom() + 1, area.width() ** 2 / whole.width(), 3))

    def _point_at(self, pointed: Any, words: str) -> bool:
        """Say what is pointed at, and show it large elsewhere."""
        before, is_news = self._pointed, super()._point_at(pointed, words)
        if pointed != before:
            self.pointed.emit(pointed)
        return is_news

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Name the head under the pointer, or drag the picture along."""
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._drag(event.position())
        super().mouseMoveEvent(event)

    def hit_test(self, point: QPointF) -> tuple[tuple[int, int] | None, str]:
        """Return the head under a point, and what is known of it."""
        head = self.head_at(point)
        return head, self.words(*head) if head else ""

    def tip(self, words: str) -> str:
        """Return what is known of the head under the pointer, in several lines."""
        if self.is_magnified:
            return ""  # it is said there
        layer, head = self._pointed or (-1, -1)
        return self._card(layer, head, "\n") if self._pointed else HINT

    def event(self, event: QEvent) -> bool:
        """Say what is under the pointer, unless that is shown large elsewhere."""
        if event.type() == QEvent.Type.ToolTip and self.is_magnified:
            QToolTip.hideText()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where a click or a drag begins."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position(), self.layout_now().offset
            self._is_dragged = False

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select, average or pin the head under the pointer."""
        pressed, self._pressed = self._pressed, None
        head = self.head_at(event.position())
        if pressed is None or self._is_dragged or head is None:
            return
        keys = event.modifiers()
        if keys & Qt.KeyboardModifier.ShiftModifier:
            self.extended.emit(head)
        elif keys & Qt.KeyboardModifier.ControlModifier:
            self.pinned.emit(head)
        else:
            self.picked.emit({"layer": head[0], "head": head[1]})

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the verbs of the head under the pointer, or of the selected one."""
        cursor, where = self.marks.cursor, event.globalPos()
        head = self.head_at(QPointF(event.pos()))
        if event.reason() != QContextMenuEvent.Reason.Mouse and cursor.head is not None:
            head = (cursor.layer or 0, cursor.head)
            where = self.mapToGlobal(self.middle_of(*head).toPoint())
        if head is not None:
            self.menu_requested.emit(*head, where)
        else:
            event.ignore()  # the pane has what can be done with the whole picture

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll, or zoom while Ctrl is held."""
        turned = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoom(ZOOM_STEP ** (turned.y() / 120), event.position())
            return
        self._is_revealed = False
        left, top = self.layout_now().offset
        self._scroll(left - turned.x() / 2, top - turned.y() / 2)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the selection by one head, zoom, or average over the selected head too."""
        key = Qt.Key(event.key())
        if self.atlas is None:
            super().keyPressEvent(event)
        elif key in STEPS:
            self._step(*STEPS[key])
        elif key in ZOOM_KEYS:
            self.zoom(ZOOM_STEP ** ZOOM_KEYS[key], self.layout_now().area.center())
        elif key == Qt.Key.Key_0:
            self.show_view(replace(self.view, zoom=1.0, offset=(0.0, 0.0)))
        elif key == Qt.Key.Key_A and self.marks.cursor.head is not None:
            self.extended.emit((self.marks.cursor.layer, self.marks.cursor.head))
        else:
            super().keyPressEvent(event)

    def zoom(self, factor: float, around: QPointF) -> None:
        """Make thumbnails larger or smaller, keeping a point of the widget where it is."""
        self._is_revealed = False
        before = self.layout_now()
        zoom = min(MOST_ZOOM, max(1.0, self.view.zoom * factor))
        self.view = replace(self.view, zoom=zoom, offset=(0.0, 0.0))
        self._scroll(*self.layout_now().offset_like(before, around))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew at the new size, and keep a head in view that was to be seen."""
        self._image = None
        if self._is_revealed:
            self.reveal()

    @property
    def _counts(self) -> tuple[int, int]:
        """How many layers, and heads in each."""
        return (len(self.atlas.axes[0]), len(self.atlas.axes[1])) if self.atlas else (1, 1)

    @property
    def _is_list(self) -> bool:
        """Whether heads are ranked; only once all are known, so that none jumps about."""
        values = None if self._order is None else self._order.values
        is_known = values is not None and values.shape == self._counts
        return self.view.is_ranked and is_known and self.atlas is not None and self.atlas.is_whole

    def _margins(self) -> tuple[float, float]:
        metrics = QFontMetricsF(self.font())
        return metrics.horizontalAdvance("L00") + 6, metrics.height() + 3

    def _drag(self, point: QPointF) -> None:
        assert self._pressed is not None
        start, (left, top) = self._pressed
        moved = start - point
        if moved.manhattanLength() >= QApplication.startDragDistance():
            self._is_dragged = True
        if self._is_dragged:
            self._is_revealed = False
            self._scroll(left + moved.x(), top + moved.y())

    def _scroll(self, left: float, top: float) -> None:
        self.view = replace(self.view, offset=(left, top))
        self.show_view(replace(self.view, offset=self.layout_now().offset))

    def _step(self, down: int, across: int) -> None:
        heads, cursor = self._counts[1], self.marks.cursor
        start = (cursor.layer or 0) * heads + (cursor.head or 0)
        layout = self.layout_now()
        number = start if cursor.head is None else layout.beside(start, down, across)
        if number is not None:
            layer, head = divmod(number, heads)
            self.picked.emit({"layer": layer, "head": head})
            self.show_head(layer, head)

    def _card(self, layer: int, head: int, separator: str) -> str:
        if self.atlas is None or layer >= len(self.atlas.axes[0]) or head >= self._counts[1]:
            return ""
        name, lines = card(self.atlas, layer, head, self.tokens)
        part = self.roles.get((layer, head))
        ranked = self.ranking.words(layer, head) if self.ranking else ""
        above = filter(None, (part.words if part else "", ranked))
        return f"{name}: " + separator.join([*above, *lines])

    def words(self, layer: int, head: int) -> str:
        """Return what is known of a head, in one line."""
        return self._card(layer, head, " · ")
