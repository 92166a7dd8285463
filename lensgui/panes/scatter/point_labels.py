"""Which points of a scatter plot are named, and where their names fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QPolygonF

GAP = 2.0  # pixels between a dot and its name
_COVERED = 10_000  # more than there are dots
_OUTSIDE = 1_000_000
NAMED = 12  # points that are labelled at most: those farthest from the bulk
FEWEST = 3  # even where all are much alike
FAR = 4.0  # robust standard deviations from the bulk


@dataclass(frozen=True, slots=True)
class Dots:
    """Points on screen.

    Attributes:
        middles: In pixels from the top left, [point, 2].
        radii: In pixels, [point].
        room: The size of what they are drawn in.
    """

    middles: NDArray[np.float64]
    radii: NDArray[np.float64]
    room: QSizeF

    def hits(self, box: QRectF) -> int:
        """Return how many dots a box touches."""
        ends = np.array([[box.left(), box.top()], [box.right(), box.bottom()]])
        nearest = np.clip(self.middles, ends[0], ends[1])
        distances = np.linalg.norm(self.middles - nearest, axis=1)
        return int(np.count_nonzero(distances < self.radii))


def place(
    dots: Dots, widths: Sequence[float], height: float, order: Iterable[int], needed: Iterable[int]
) -> dict[int, QRectF]:
    """Return the boxes of names, each to the right or left of its dot, above or below it.

    What is needed beside the rest moves none of it.

    Args:
        dots: All dots.
        widths: Of each name, in pixels.
        height: Of a name.
        order: Points to be named where there is room, the most important first.
        needed: Points that are named whatever dots are in the way, the first whatever names are.
    """
    found: dict[int, QRectF] = {}
    for at in order:
        cost, box = _best(dots, at, widths[at], height, found)
        if not cost:
            found[at] = box
    for number, at in enumerate(needed):
        cost, box = _best(dots, at, widths[at], height, found)
        if at not in found and cost < (_COVERED if number else _OUTSIDE):
            found[at] = box
    return found


def _best(
    dots: Dots, at: int, width: float, height: float, taken: dict[int, QRectF]
) -> tuple[int, QRectF]:
    """Return the best place of a name, and how much is wrong with it."""
    boxes = _boxes(dots, at, width, height)
    costs = [_cost(box, dots, taken) for box in boxes]
    best = costs.index(min(costs))
    return costs[best], boxes[best]


def _cost(box: QRectF, dots: Dots, taken: dict[int, QRectF]) -> int:
    """Return how much is wrong with a place; 0 for a free one."""
    inside = QRectF(0, 0, dots.room.width(), dots.room.height())
    covered = sum(box.intersects(other) for other in taken.values())
    return dots.hits(box) + _COVERED * covered + _OUTSIDE * (not inside.contains(box))


def _boxes(dots: Dots, at: int, width: float, height: float) -> list[QRectF]:
    x, y = map(float, dots.middles[at])
    away = float(dots.radii[at]) + GAP
    return [
        QRectF(x + away, y - height / 2, width, height),
        QRectF(x - away - width, y - height / 2, width, height),
        QRectF(x - width / 2, y - away - height, width, height),
        QRectF(x - width / 2, y + away, width, height),
    ]


def padded(numbers: NDArray[np.float64], pixels: float, padding: float) -> tuple[float, float]:
    """Return a range that holds numbers with some pixels to spare at both ends.

    Args:
        numbers: At least one.
        pixels: How many pixels the range takes.
        padding: How many of them are to spare at each end.
    """
    low, high = float(numbers.min()), float(numbers.max())
    span = high - low or max(1e-9, abs(high)) or 1.0
    padding = min(padding, pixels / 4)
    spare = span * padding / max(1.0, pixels - 2 * padding)
    return low - spare, high + spare


def outliers(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[int]:
    """Return the points farthest from the bulk, the farthest first.

    The bulk is where the medians are, and as wide as the medians of the distances from them: a few
    points far out do not widen it.

    Args:
        x: Horizontal places, [point].
        y: Vertical places, [point].
    """
    if not len(x):
        return []
    squares = np.zeros(len(x))
    for part in (x, y):
        away = np.abs(part - np.median(part))
        width = max(1.4826 * float(np.median(away)), 0.01 * float(np.ptp(part)), 1e-9)
        squares += (away / width) ** 2
    order = np.argsort(-squares, kind="stable")
    count = max(FEWEST, int(np.count_nonzero(squares > FAR**2)))
    return list(map(int, order[: min(NAMED, count)]))


def inside(middles: NDArray[np.float64], loop: Sequence[QPointF]) -> tuple[int, ...]:
    """Return which points [point, 2] a loop holds; a line holds none."""
    polygon = QPolygonF(loop)
    rule = Qt.FillRule.OddEvenFill
    held = [polygon.containsPoint(QPointF(*map(float, middle)), rule) for middle in middles]
    return tuple(map(int, np.flatnonzero(held)))
