"""How parts of a circuit board are painted, and the board as a figure."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen

from lensgui.panes import theme
from lensgui.panes.circuit.board_contents import BoardEdge, Contents, data_of
from lensgui.panes.circuit.board_places import LEFT, RIGHT, Places, column_at, row_of
from lensgui.panes.figures.figure import Web
from lensgui.panes.theme import Theme
from lensgui.panes.token_text import visible

THINNEST, THICKEST = 0.9, 6.0  # pixels
LEAST_SHADE = 0.45  # of full colour, for the weakest edge
DOTS = [1.6, 3.2]  # of an estimate's pen, in its widths
WIDEST_NAME = 70  # pixels of a position's name


def share_of(edge: BoardEdge, widest: float) -> float:
    """Return how wide an edge is drawn, 0 to 1."""
    return float((abs(edge.helps) / widest) ** 0.7) if widest else 0.0


def shade_of(edge: BoardEdge, widest: float) -> int:
    """Return an edge's index into the diverging table: by sign, stronger where it matters more."""
    strength = LEAST_SHADE + (1 - LEAST_SHADE) * share_of(edge, widest)
    return round(127.5 + (127.5 if edge.helps >= 0 else -127.5) * strength)


def path_of(bend: Any) -> QPainterPath:
    """Return the path of a curve by its control points, [4, 2]."""
    start, *rest = (QPointF(x, y) for x, y in bend.tolist())
    path = QPainterPath(start)
    path.cubicTo(*rest)
    return path


def paint_edge(painter: QPainter, edge: BoardEdge, bend: Any, widest: float, colors: Theme) -> None:
    """Draw an edge: solid where it is exact, dotted where it is an estimate."""
    color = QColor(*map(int, theme.diverging(colors)[shade_of(edge, widest)]))
    pen = QPen(color, THINNEST + (THICKEST - THINNEST) * share_of(edge, widest))
    if edge.change is None:
        pen.setDashPattern(DOTS)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPath(path_of(bend))


def name_layers(painter: QPainter, places: Places, layers: int) -> None:
    """Write the names of layers at the left, as far as there is room."""
    metrics, rows = QFontMetricsF(painter.font()), places.rows
    every = max(1, int(np.ceil((metrics.height() + 1) / max(1.0, rows[1] - rows[0]))))
    flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for layer in range(0, layers, every):
        painter.drawText(QRectF(0, rows[layer + 1] - 10, LEFT - 12, 20), flags, f"L{layer}")


def name_positions(painter: QPainter, labels: tuple[str, ...], width: float, height: float) -> None:
    """Write the names of positions at the bottom, as far as there is room."""
    metrics, end = QFontMetricsF(painter.font()), -np.inf
    room = max(1.0, width - LEFT - RIGHT)
    for at, label in enumerate(labels):
        middle = LEFT + column_at(at, len(labels)) * room
        text = metrics.elidedText(visible(label), Qt.TextElideMode.ElideRight, WIDEST_NAME)
        wide = metrics.horizontalAdvance(text)
        if middle - wide / 2 >= end + 4:
            end = middle + wide / 2
            box = QRectF(middle - wide / 2 - 1, height - 18, wide + 2, 16)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def web(found: Contents, places: Places, width: float, layers: int, *, is_free: bool) -> Web:
    """Return a board as it is taken home.

    Args:
        found: What is on it.
        places: Where that is.
        width: Of the board, in pixels.
        layers: How many the model has.
        is_free: Whether nodes stand side by side.
    """
    room = max(1.0, width - LEFT - RIGHT)
    number = {node.name: at for at, node in enumerate(found.nodes)}
    middles = [places.chips[node.name].center().x() for node in found.nodes]
    widest = max((abs(edge.helps) for edge in found.edges), default=0.0)
    labels = () if is_free else found.labels
    ends = [(number[edge.name[0]], number[edge.into]) for edge in found.edges]
    return Web(
        "",
        list(number),
        np.clip((np.array(middles) - LEFT) / room, 0, 1),
        np.array([row_of(node, layers) for node in found.nodes], np.intp),
        ["", *(f"L{layer}" for layer in range(layers)), ""],
        [(visible(name), column_at(at, len(labels))) for at, name in enumerate(labels)],
        np.array(ends, np.intp).reshape(-1, 2),
        np.array([shade_of(edge, widest) for edge in found.edges], np.uint8),
        np.array([share_of(edge, widest) for edge in found.edges], np.float64),
        np.array([edge.change is None for edge in found.edges], bool),
        data_of(found),
    )
