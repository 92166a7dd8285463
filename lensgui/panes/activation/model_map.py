"""The map: a box for each hook point, in the order in which a prompt meets them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.activations import MappedPoint, ModelMap
from lensgui.panes import theme
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.theme import Theme

TALLEST, LEAST = 26.0, 12.0  # pixels of a row
GAP, SIDE = 3.0, 4.0  # pixels between boxes, and around them
STREAM_SHARE = 0.36  # of the width, that the stream's boxes take
LEAST_NUMBER = 40.0  # pixels that a box must have left for a number beside its name
STREAM = ("hook_embed", "hook_pos_embed", "hook_resid_pre", "hook_resid_mid", "hook_resid_post")
STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
STAGES: tuple[frozenset[str], ...] = (  # hook points that stand side by side
    frozenset({"attn.hook_q", "attn.hook_k", "attn.hook_v"}),
    frozenset({"attn.hook_rot_q", "attn.hook_rot_k"}),
    frozenset({"hook_q_input", "hook_k_input", "hook_v_input"}),
    frozenset({"mlp.hook_pre", "mlp.hook_pre_linear"}),
    frozenset({"mlp.hook_expert_weights", "mlp.hook_expert_indices"}),
)


@dataclass(frozen=True, slots=True)
class Box:
    """One hook point's place.

    Attributes:
        point: The hook point.
        row: How many rows stand above.
        column: Its place in the row, and of how many.
        is_stream: Whether it stands on the stream, to the left of all others.
    """

    point: MappedPoint
    row: int
    column: tuple[int, int]
    is_stream: bool


def boxes_of(found: ModelMap) -> list[Box]:
    """Return a place for each hook point, in order: a row for what is worked out at one time."""
    rows: list[list[MappedPoint]] = []
    for point in found.points:
        if rows and _stands_beside(rows[-1][-1], point):
            rows[-1].append(point)
        else:
            rows.append([point])
    return [
        Box(point, row, (at, len(points)), point.short in STREAM)
        for row, points in enumerate(rows)
        for at, point in enumerate(points)
    ]


def _stands_beside(one: MappedPoint, other: MappedPoint) -> bool:
    """Whether two hook points that follow each other share a row."""
    if any({one.short, other.short} <= stage for stage in STAGES):
        return True
    norm, _, last = one.short.rpartition(".")
    return last == "hook_scale" and other.short == f"{norm}.hook_normalized"


def name_of(point: MappedPoint) -> str:
    """Return a hook point's name as a box has room for it: ln1.scale, q, resid_pre."""
    return point.short.replace("hook_", "").removeprefix("attn.").removeprefix("mlp.")


def words_of(point: MappedPoint, position: int) -> str:
    """Return all that is said of a hook point."""
    axes = ", ".join(f"{axis} {size}" for axis, size in zip(point.axes, point.sizes, strict=True))
    said = f"{point.name} [{axes}]"
    if point.formula:
        said += f" = {point.formula}"
    if point.about:
        said += f": {point.about.removesuffix('.')}"
    if point.norm is not None:
        where = f"at position {position}" if "position" in point.axes else "of all of it"
        said += f". Its norm {where} is {point.norm:.4g}"
    return f"{said}."


class ModelMapView(Painted):
    """Draws the hook points of a layer, and lets one be chosen.

    Attributes:
        chosen: (short,) the name within its layer of the hook point that was chosen.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found: ModelMap | None = None
        self.boxes: list[Box] = []
        self._chosen = ""
        self.setAccessibleName("Map of the model's hook points")
        self.setToolTip(
            "A box for each hook point of the selected layer, in the order in which a prompt meets "
            "them; the stream at the left. Click one, or go to it with the arrow keys, to see it."
        )

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(200, 340)

    def minimumSizeHint(self) -> QSize:
        """Return the least size at which something can be read."""
        return QSize(130, 160)

    def show_map(self, found: ModelMap | None) -> None:
        """Draw the hook points of a layer; None for none."""
        self.found = found
        self.boxes = [] if found is None else boxes_of(found)
        self._describe()
        self.redraw()

    def show_chosen(self, short: str) -> None:
        """Mark the hook point that is looked at."""
        self._chosen = short
        self._describe()
        self.update()

    def as_table(self) -> NumberTable | None:
        """Return shape, formula and norm of each hook point."""
        if self.found is None:
            return None
        points = self.found.points

        def cell(row: int, column: int) -> str:
            point = points[row]
            norm = "" if point.norm is None else f"{point.norm:.6g}"
            sizes = " × ".join(map(str, point.sizes))
            return (sizes, point.formula, norm)[column]

        names = [point.name for point in points]
        return NumberTable(self.accessibleName(), names, ["shape", "formula", "norm"], cell)

    def place_of(self, box: Box) -> QRectF:
        """Return where a box is, in the widget's pixels."""
        rows = 1 + max((one.row for one in self.boxes), default=0)
        height = max(LEAST, min(TALLEST, (self.height() - 2 * SIDE) / rows))
        left = SIDE + (0.0 if box.is_stream else STREAM_SHARE * (self.width() - 2 * SIDE))
        share = STREAM_SHARE if box.is_stream else 1 - STREAM_SHARE
        width = share * (self.width() - 2 * SIDE) / box.column[1]
        place = QRectF(left + box.column[0] * width, SIDE + box.row * height, width, height)
        return place.adjusted(GAP / 2, GAP / 2, -GAP / 2, -GAP / 2)

    def hit_test(self, point: QPointF) -> tuple[int | None, str]:
        """Return the number of the box under a point, and what is said of it."""
        for at, box in enumerate(self.boxes):
            if self.found is not None and self.place_of(box).contains(point):
                return at, words_of(box.point, self.found.position)
        return None, ""

    def pointed_place(self) -> QRectF:
        """Return the box under the pointer."""
        at: int | None = self._pointed
        is_there = at is not None and at < len(self.boxes)
        return self.place_of(self.boxes[at]) if is_there and at is not None else QRectF()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the box under the pointer."""
        at, _ = self.hit_test(event.position())
        if at is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.boxes[at].point.short)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the next box, or the one before."""
        step = STEPS.get(Qt.Key(event.key()))
        if step is None or not self.boxes:
            super().keyPressEvent(event)
            return
        names = [box.point.short for box in self.boxes]
        at = names.index(self._chosen) + step if self._chosen in names else 0
        self.chosen.emit(names[max(0, min(len(names) - 1, at))])

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the stream, and every box with its name and norm."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if not self.boxes:
                self.say_empty(painter, colors)
                return
            painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
            self._paint_stream(painter, colors)
            for at, box in enumerate(self.boxes):
                self._paint_box(painter, box, colors, is_pointed=at == self._pointed)
            painter.setOpacity(1.0)

    def _paint_stream(self, painter: QPainter, colors: Theme) -> None:
        """Draw the line that the stream's boxes stand on, and one to each row beside it."""
        middle = SIDE + STREAM_SHARE * (self.width() - 2 * SIDE) / 2
        first, last = (self.place_of(self.boxes[at]).center().y() for at in (0, -1))
        painter.setPen(QPen(QColor(colors.line), 2))
        painter.drawLine(QPointF(middle, first), QPointF(middle, last))
        painter.setPen(QPen(QColor(colors.line), 1))
        for box in self.boxes:
            place = self.place_of(box)
            if not box.is_stream and box.column[0] == 0:
                y = place.center().y()
                painter.drawLine(QPointF(middle, y), QPointF(place.left(), y))

    def _paint_box(self, painter: QPainter, box: Box, colors: Theme, *, is_pointed: bool) -> None:
        place, is_chosen = self.place_of(box), box.point.short == self._chosen
        edge = colors.accent if is_chosen else colors.text if is_pointed else colors.outline
        painter.setPen(QPen(QColor(edge), 2 if is_chosen else 1))
        painter.setBrush(QColor(colors.raised if box.is_stream else colors.surface))
        painter.drawRoundedRect(place, 3, 3)
        painter.setFont(self.font())
        metrics, room = QFontMetricsF(self.font()), place.adjusted(4, 0, -4, 0)
        name = name_of(box.point)
        painter.setPen(QColor(colors.accent if is_chosen else colors.text))
        text = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room.width())
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(room, flags | Qt.AlignmentFlag.AlignLeft, text)
        number = "" if box.point.norm is None else f"{box.point.norm:.3g}"
        left = room.width() - metrics.horizontalAdvance(name)
        if number and left >= max(LEAST_NUMBER, metrics.horizontalAdvance(number) + 6):
            painter.setPen(QColor(colors.faint))
            painter.drawText(room, flags | Qt.AlignmentFlag.AlignRight, number)

    def _describe(self) -> None:
        """Say the hook point that is looked at."""
        chosen = next((box.point for box in self.boxes if box.point.short == self._chosen), None)
        is_known = chosen is not None and self.found is not None
        words = words_of(chosen, self.found.position) if is_known and chosen and self.found else ""
        self.setAccessibleDescription(words)
