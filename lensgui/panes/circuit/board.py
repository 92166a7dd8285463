"""The picture of the circuit board: nodes by layer, edges as curves; hovered, clicked, dragged."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QWidget

from lensgui.panes import theme
from lensgui.panes.circuit.board_contents import (
    BoardNode,
    Contents,
    paths_of,
)
from lensgui.panes.circuit.board_paint import (
    THICKEST,
    name_layers,
    name_positions,
    paint_edge,
    path_of,
    web,
)
from lensgui.panes.circuit.board_places import (
    LEFT,
    RIGHT,
    Placement,
    Places,
    laid_out,
    least_height,
)
from lensgui.panes.figures.figure import Web
from lensgui.panes.pictures import role_marks
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.theme import Theme
from lensgui.state.selection import Cursor, gathered
from lensgui.terms.kinds import Head
from lensgui.terms.roles import Part

AROUND = 6.0  # pixels left and right of a node's name
REACH = 6.0  # pixels from an edge, within which it is pointed at
FAINT = 0.16  # how strong is what is faded
DRAG = 5.0  # pixels, from which a press is a drag
STEPS = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class Board(Painted):
    """Draws a circuit board; a click selects a node, dragging moves it along its layer.

    Attributes:
        edge_pointed: (edge,) the names of the edge under the pointer; None for none.
        moved: (label, middle) a node was dragged, to how far from the left, 0 to 1.
        asked: (node, where) the menu of a node is wanted, at a place of the screen.
    """

    _is_made = False  # while Qt makes it, it says that the font is another already
    edge_pointed = Signal(object)
    moved = Signal(str, float)
    asked = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.contents = Contents()
        self.placement = Placement()
        self.roles: dict[Head, Part] = {}
        self._layers = 0
        self._is_free, self._fades = False, False
        self._dragged: dict[str, float] = {}
        self._places: Places | None = None
        self._pressed: tuple[str, QPointF] | None = None
        self._drag: dict[str, float] = {}  # where a node is dragged to, while it is
        self.setAccessibleName("Circuit board")
        self._is_made = True

    def show_contents(
        self,
        contents: Contents,
        layers: int,
        dragged: dict[str, float],
        about: object,
        *,
        is_free: bool,
        fades: bool,
    ) -> None:
        """Draw what is on the board.

        Args:
            contents: That.
            layers: How many the model has.
            dragged: Where the user put nodes.
            about: What the places of nodes belong to: of something else they begin anew.
            is_free: Whether nodes stand side by side.
            fades: Whether what is on no path through the selected node is faint.
        """
        self.placement.begin((about, layers, is_free))
        before = self.contents, self._layers, self._dragged, self._is_free, self._fades
        if before == (contents, layers, dragged, is_free, fades):
            return
        self.contents, self._layers, self._dragged = contents, layers, dragged
        self._is_free, self._fades, self._places = is_free, fades, None
        self.setMinimumHeight(self.sizeHint().height() if contents.nodes else 0)
        self.accessible()
        self.redraw()

    def show_roles(self, roles: dict[Head, Part]) -> None:
        """Draw the letters of roles."""
        self.roles = roles
        self.redraw()

    def show_cursor(self, cursor: Cursor) -> None:
        """Frame the selected node."""
        super().show_cursor(cursor)
        if self._fades:
            self.redraw()
        self.accessible()

    def accessible(self) -> None:
        """Say what is selected, and how much there is."""
        node = self.selected()
        count = f"{len(self.contents.nodes)} nodes, {len(self.contents.edges)} edges"
        said = f"{self.contents.of(node)}. " if node is not None else ""
        self.setAccessibleDescription(said + count)

    def sizeHint(self) -> QSize:
        """Return room for all layers."""
        return QSize(360, least_height(self._layers, self._chip_height() + 3))

    def _chip_height(self) -> float:
        return QFontMetricsF(self.font()).height() + 3

    def places(self) -> Places:
        """Return where everything is."""
        if self._places is None:
            metrics = QFontMetricsF(self.font())

            def measure(name: str) -> float:
                return metrics.horizontalAdvance(name) + 2 * AROUND + metrics.height() * 0.9

            self._places = laid_out(
                self.contents,
                self._layers,
                (self.width(), self.height()),
                measure,
                self._chip_height(),
                self.placement,
                self._dragged | self._drag,
                is_free=self._is_free,
            )
        return self._places

    def resizeEvent(self, event: Any) -> None:
        """Lay all out anew: in another room, others are in the way."""
        self._places = None
        self.placement.middles.clear()
        self.redraw()
        super().resizeEvent(event)

    def changeEvent(self, event: Any) -> None:
        """Lay all out in another font."""
        if self._is_made and event.type() == QEvent.Type.FontChange:
            self._places = None
            self.placement.middles.clear()
            self.setMinimumHeight(self.sizeHint().height() if self.contents.nodes else 0)
        super().changeEvent(event)

    def selected(self) -> BoardNode | None:
        """Return the node that is selected; None for none on the board."""
        return next((node for node in self.contents.nodes if self._is_selected(node)), None)

    def _is_selected(self, node: BoardNode) -> bool:
        cursor = self._cursor
        if node.members:
            return bool(set(node.heads) & set(cursor.selected))
        if node.node.kind == "head":
            return (node.node.layer, node.node.head) in cursor.selected
        is_mlp = node.node.kind == "mlp" and node.node.layer == cursor.layer
        return is_mlp and cursor.head is None and cursor.neuron is None

    def _fields(self, node: BoardNode) -> dict[str, Any]:
        """Return the Cursor fields of a node; of a group those of its heads together."""
        if node.members:
            return gathered(node.heads)
        found = {"layer": node.node.layer, "head": node.node.head}
        if node.node.kind == "head":
            return {name: at for name, at in found.items() if at is not None}
        found = {"layer": node.node.layer, "position": node.position}
        return {name: at for name, at in found.items() if at is not None}

    def hit_test(self, point: QPointF) -> tuple[Any, str]:
        """Return the node or the edge under a point, and what it says."""
        places = self.places()
        name = places.node_at(point)
        if name is not None:
            node = next(one for one in self.contents.nodes if one.name == name)
            return name, self.contents.of(node)
        at = places.edge_at(point, REACH)
        if at is None:
            return None, ""
        edge = self.contents.edges[at]
        return edge.name, self.contents.about(edge)

    def _point_at(self, pointed: Any, words: str) -> bool:
        before = self._pointed
        is_news = super()._point_at(pointed, words)
        if pointed != before:
            self.edge_pointed.emit(pointed if isinstance(pointed, tuple) else None)
        return is_news

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select a node, and maybe begin to drag it."""
        name = self.places().node_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or name is None:
            return
        self._pressed = name, event.position()
        node = next(one for one in self.contents.nodes if one.name == name)
        fields, own = self._fields(node), node.heads
        if own and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            selected = self._cursor.selected
            rest = tuple(head for head in selected if head not in own)
            is_there = set(own) <= set(selected)
            fields = gathered(rest if is_there else (*rest, *own))
        if fields:
            self.picked.emit(fields)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag a node along its row, or say what is under the pointer."""
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            super().mouseMoveEvent(event)
            return
        name, began = self._pressed
        if not self._drag and abs(event.position().x() - began.x()) < DRAG:
            return
        room = max(1.0, self.width() - LEFT - RIGHT)
        middle = min(1.0, max(0.0, (event.position().x() - LEFT) / room))
        self._drag, self._places = {name: middle}, None
        self.redraw()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Say where a node was dragged."""
        drag, self._drag, self._pressed = self._drag, {}, None
        for name, middle in drag.items():
            self._dragged, self._places = self._dragged | drag, None
            self.moved.emit(name, middle)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with a node."""
        name = self.places().node_at(QPointF(event.pos()))
        node = next((one for one in self.contents.nodes if one.name == name), None)
        if node is None:
            event.ignore()
            return
        self.asked.emit(node, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the next node: along its row, or to the nearest in the next row that has some."""
        step = STEPS.get(Qt.Key(event.key()))
        able = [node for node in self.contents.nodes if self._fields(node)]
        if step is None or event.modifiers() or not able:
            super().keyPressEvent(event)
            return
        node = self._next(able, step)
        self.picked.emit(self._fields(node))

    def _next(self, able: list[BoardNode], step: tuple[int, int]) -> BoardNode:
        chips, now = self.places().chips, self.selected()
        if now is None or now.name not in chips:
            return able[0]
        here = chips[now.name].center()

        def ahead(node: BoardNode) -> tuple[float, float] | None:
            there = chips[node.name].center()
            down, across = there.y() - here.y(), there.x() - here.x()
            if step[1]:
                is_ahead = abs(down) < 1 and across * step[1] > 0
                return (abs(across), 0.0) if is_ahead else None
            return (abs(down), abs(across)) if down * step[0] > 1 else None

        found = [(ahead(node), node) for node in able if node is not now]
        ordered = sorted((key, node.name, node) for key, node in found if key is not None)
        return ordered[0][2] if ordered else now

    def figure(self) -> Web:
        """Return the board as it is taken home."""
        size = self.width(), self._layers
        return web(self.contents, self.places(), *size, is_free=self._is_free)

    def as_table(self) -> NumberTable | None:
        """Return the edges, the strongest first."""
        edges = list(reversed(self.contents.edges))
        if not edges:
            return None

        def cell(row: int, column: int) -> str:
            edge = edges[row]
            change = "" if edge.change is None else f"{edge.change:+.4g}"
            return (edge.name[0], edge.name[1], f"{edge.score:+.4g}", change)[column]

        columns = ["sends", "receives", "attribution", "without − with"]
        return NumberTable("Edges", [str(at + 1) for at in range(len(edges))], columns, cell)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the board, and what is pointed at above it."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(colors.surface))
            if not self.contents.nodes:
                self.say_empty(painter, colors)
                return
            if self._image is None:
                self._image = self._drawn(colors)
            painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
            assert isinstance(self._image, QPixmap)
            painter.drawPixmap(0, 0, self._image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_pointed(painter, colors)

    def _drawn(self, colors: Theme) -> QPixmap:
        """Return everything that does not follow the pointer."""
        ratio = self.devicePixelRatioF()
        image = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        image.setDevicePixelRatio(ratio)
        image.fill(QColor(colors.surface))
        with QPainter(image) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(self.font())
            self._name_rows(painter, colors)
            kept = self._on_path()
            widest = max((abs(edge.helps) for edge in self.contents.edges), default=0.0)
            for edge, bend in zip(self.contents.edges, self.places().bends, strict=True):
                is_kept = kept is None or {edge.name[0], edge.into} <= kept
                painter.setOpacity(1.0 if is_kept else FAINT)
                paint_edge(painter, edge, bend, widest, colors)
            for node in self.contents.nodes:
                painter.setOpacity(1.0 if kept is None or node.name in kept else FAINT)
                self._paint_node(painter, node, colors)
        return image

    def _name_rows(self, painter: QPainter, colors: Theme) -> None:
        """Name layers at the left, and positions below."""
        painter.setPen(QColor(colors.faint))
        name_layers(painter, self.places(), self._layers)
        labels = () if self._is_free else self.contents.labels
        name_positions(painter, labels, self.width(), self.height())

    def _on_path(self) -> frozenset[str] | None:
        """Return the nodes that are not faded; None for all."""
        node = self.selected() if self._fades else None
        return None if node is None else paths_of(self.contents, node.name)

    def _paint_node(self, painter: QPainter, node: BoardNode, colors: Theme) -> None:
        chip = self.places().chips[node.name]
        is_selected = self._is_selected(node)
        edge = QColor(colors.accent if is_selected else colors.outline)
        pen = QPen(edge, 2.2 if is_selected else 1.0)
        if node.is_pinned and not is_selected:
            pen = QPen(QColor(colors.text), 1.6, Qt.PenStyle.DotLine)
        painter.setPen(pen)
        painter.setBrush(QColor(colors.raised))
        painter.drawRoundedRect(chip, 4, 4)
        text, inside = QColor(colors.text), chip.adjusted(AROUND / 2, 0, -AROUND / 2, 0)
        layer, head = node.node.layer, node.node.head
        part = self.roles.get((layer, head)) if layer is not None and head is not None else None
        if part is not None:
            side = chip.height() - 5
            where = QRectF(chip.left() + 3, chip.top() + 2.5, side, side)
            role_marks.paint(painter, where, part, colors)
            inside.setLeft(where.right())
        painter.setPen(text)
        painter.drawText(inside, Qt.AlignmentFlag.AlignCenter, node.name)

    def _paint_pointed(self, painter: QPainter, colors: Theme) -> None:
        """Draw the edge under the pointer above the others."""
        if not isinstance(self._pointed, tuple):
            return
        for edge, bend in zip(self.contents.edges, self.places().bends, strict=True):
            if edge.name == self._pointed:
                painter.setPen(QPen(QColor(colors.accent), THICKEST * 0.6))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawPath(path_of(bend))
