"""Where points of a plot are on screen, and which of their names fit beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSizeF

GAP = 2.0  # pixels between a dot and its name
_OUTSIDE = 1_000_000


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
    dots: Dots, widths: Sequence[float], height: float, order: Sequence[int], needed: int, most: int
) -> dict[int, QRectF]:
    """Return the boxes of names, each to the right or left of its dot, above or below it.

    Args:
        dots: All dots.
        widths: Of each name, in pixels.
        height: Of a name.
        order: Points to be named, the most important first.
        needed: How many of these are named whatever is in the way.
        most: How many are named altogether.
    """
    found: dict[int, QRectF] = {}
    for rank, at in enumerate(order):
        if len(found) >= max(most, needed):
            break
        choices = [
            (_cost(box, dots, found), number, box)
            for number, box in enumerate(_boxes(dots, at, widths[at], height))
        ]
        cost, _, box = min(choices, key=lambda choice: choice[:2])
        if not cost or (rank < needed and cost < _OUTSIDE):
            found[at] = box
    return found


def _cost(box: QRectF, dots: Dots, taken: dict[int, QRectF]) -> int:
    """Return how much is wrong with a place; 0 for a free one."""
    inside = QRectF(0, 0, dots.room.width(), dots.room.height())
    covered = sum(box.intersects(other) for other in taken.values())
    return dots.hits(box) + 100 * covered + _OUTSIDE * (not inside.contains(box))


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
