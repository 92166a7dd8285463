"""Where the nodes and edges of a circuit board are drawn: geometry without a widget.

A layer has a row, and a node stands in its row at the position that carries most of what it sends,
or at its head's number, the MLP to the right. A node stays where it is when others come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

from lensgui.panes.circuit.board_contents import BoardEdge, BoardNode, Contents

PORTS = {"q": 0.2, "k": 0.5, "v": 0.8}  # of a chip's width, where an edge enters
PIECES = 24  # straight ones that a curve is made of
LEAST_BEND = 10.0  # pixels, how far a curve goes straight down at both ends
_ALONG = np.linspace(0, 1, PIECES + 1)[:, None]
SHARES = np.concatenate(  # of the control points in each point of a curve
    [(1 - _ALONG) ** 3, 3 * _ALONG * (1 - _ALONG) ** 2, 3 * _ALONG**2 * (1 - _ALONG), _ALONG**3],
    axis=1,
)
BETWEEN = 5.0  # pixels from chip to chip
LEFT, RIGHT, TOP, BOTTOM = 40.0, 12.0, 10.0, 22.0  # pixels around: names of layers and positions


@dataclass(slots=True)
class Placement:
    """Where nodes were put, how far from the left, so that none moves when others come.

    Attributes:
        about: What the places are of: with another model, prompt or arrangement all begin anew.
        middles: The middle of each node by its label, 0 to 1.
    """

    about: object = None
    middles: dict[str, float] = field(default_factory=dict)

    def begin(self, about: object) -> None:
        """Forget places that were of something else."""
        if about != self.about:
            self.about = about
            self.middles.clear()


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where everything is.

    Attributes:
        chips: Each node's place by its label.
        bends: The four control points of each edge's curve, in the order of the contents,
            [edge, point, 2].
        curves: Points along each, [edge, point, 2].
        rows: The middle of each row from above: the embedding, the layers, the logits.
    """

    chips: Mapping[str, QRectF]
    bends: NDArray[np.float64]
    curves: NDArray[np.float64]
    rows: tuple[float, ...]

    def node_at(self, point: QPointF) -> str | None:
        """Return the label of the node at a point; None for none."""
        return next((name for name, chip in self.chips.items() if chip.contains(point)), None)

    def edge_at(self, point: QPointF, reach: float) -> int | None:
        """Return the number of the nearest edge within reach of a point; None for none."""
        if not len(self.curves):
            return None
        steps = self.curves - np.array([point.x(), point.y()])
        starts, ways = steps[:, :-1], np.diff(self.curves, axis=1)
        lengths = np.maximum((ways**2).sum(-1), 1e-9)
        along = np.clip(-(starts * ways).sum(-1) / lengths, 0, 1)
        nearest = np.sqrt(((starts + along[..., None] * ways) ** 2).sum(-1)).min(1)
        best = int(nearest[::-1].argmin())  # the strongest of those that are as near
        best = len(nearest) - 1 - best
        return best if nearest[best] <= reach else None


def row_of(node: BoardNode, layers: int) -> int:
    """Return which row a node stands in, from above."""
    if node.members:
        layers_in = [one.layer for one in node.members if one.layer is not None]
        return round(sum(layers_in) / len(layers_in)) + 1
    if node.node.layer is not None:
        return node.node.layer + 1
    return 0 if node.node.kind == "embed" else layers + 1


def least_height(layers: int, row: float) -> int:
    """Return how tall a board has to be for its rows not to cover each other."""
    return round(TOP + BOTTOM + row * (layers + 2))


def laid_out(
    found: Contents,
    layers: int,
    size: tuple[float, float],
    measure: Callable[[str], float],
    height: float,
    placement: Placement,
    dragged: Mapping[str, float],
    *,
    is_free: bool,
) -> Places:
    """Return where everything is.

    Args:
        found: What is on the board.
        layers: How many the model has.
        size: Width and height of the board, in pixels.
        measure: How wide a node with a label is.
        height: How tall one is.
        placement: Where nodes were put before; it learns where new ones are.
        dragged: Where the user put nodes, by label, 0 to 1.
        is_free: Whether nodes stand at their heads' numbers rather than at positions.
    """
    width, tall = size
    step = (tall - TOP - BOTTOM) / (layers + 2)
    rows = tuple(TOP + step * (at + 0.5) for at in range(layers + 2))
    room = max(1.0, width - LEFT - RIGHT)
    chips: dict[str, QRectF] = {}
    by_row: dict[int, list[QRectF]] = {}
    there = [node for node in found.nodes if node.name in dragged or node.name in placement.middles]
    for node in (*there, *(node for node in found.nodes if node not in there)):
        row = row_of(node, layers)
        wide = measure(node.name)
        wanted = dragged.get(node.name, placement.middles.get(node.name))
        is_fixed = wanted is not None
        if wanted is None:
            wanted = _wanted(node, found, is_free=is_free)
        middle = LEFT + wanted * room
        if not is_fixed:
            middle = _free(middle, wide, by_row.get(row, []), (LEFT, LEFT + room))
            placement.middles[node.name] = (middle - LEFT) / room
        chip = QRectF(middle - wide / 2, rows[row] - height / 2, wide, height)
        chips[node.name] = chip
        by_row.setdefault(row, []).append(chip)
    bends = np.array([_bend(edge, chips) for edge in found.edges]).reshape(-1, 4, 2)
    return Places(chips, bends, np.einsum("pc,ecx->epx", SHARES, bends), rows)


def column_at(position: int, count: int) -> float:
    """Return how far from the left a position is, 0 to 1."""
    return (position + 0.5) / max(count, 1)


def _wanted(node: BoardNode, found: Contents, *, is_free: bool) -> float:
    """Return where a node stands if nothing is in its way, 0 to 1."""
    if is_free or node.position is None:
        if node.node.layer is None:
            return 0.5
        head = found.heads if node.node.head is None else node.node.head
        return (head + 0.5) / (found.heads + 1)
    return column_at(node.position, len(found.labels))


def _free(middle: float, wide: float, taken: list[QRectF], ends: tuple[float, float]) -> float:
    """Return the middle nearest to a wanted one at which a chip covers none of its row."""
    low, high = ends[0] + wide / 2, ends[1] - wide / 2
    candidates = [middle]
    for chip in taken:
        candidates += [chip.left() - BETWEEN - wide / 2, chip.right() + BETWEEN + wide / 2]
    inside = [min(max(each, low), max(low, high)) for each in candidates]

    def is_free(at: float) -> bool:
        left, right = at - wide / 2 - BETWEEN / 2, at + wide / 2 + BETWEEN / 2
        return all(right <= chip.left() or left >= chip.right() for chip in taken)

    able = [at for at in inside if is_free(at)]
    return min(able or inside, key=lambda at: abs(at - middle))


def _bend(edge: BoardEdge, chips: Mapping[str, QRectF]) -> tuple[float, ...]:
    """Return the four control points of the curve from a node's foot to the receiver's port."""
    sent, into = chips[edge.name[0]], chips[edge.into]
    port = PORTS.get(edge.port, 0.5)
    x, y = sent.center().x(), sent.bottom()
    to_x, to_y = into.left() + port * into.width(), into.top()
    if edge.port not in PORTS and sent.top() == into.top():
        y = to_y = sent.center().y()  # an MLP beside the heads it hears
        is_before = sent.right() <= into.left()
        x, to_x = (sent.right(), into.left()) if is_before else (sent.left(), into.right())
    bend = max(LEAST_BEND, abs(to_y - y) / 2)
    return x, y, x, y + bend, to_x, to_y - bend, to_x, to_y
