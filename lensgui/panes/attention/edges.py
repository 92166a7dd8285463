"""Which of a head's edges are drawn as lines, and with what pen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QPen

from lensgui.jobs.arrays import CellState
from lensgui.panes import theme
from lensgui.panes.attention.head_numbers import Weights
from lensgui.panes.theme import Theme

MOST_LINES = 4000
THINNEST, WIDEST = 0.8, 2.6  # pixels


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The edges that are drawn, weakest first.

    Attributes:
        ends: Destination and source of each, [edge, 2].
        shares: Each one's place on the scale, [edge].
        left_out: How many pass the threshold beyond those.
    """

    ends: NDArray[np.intp]
    shares: NDArray[np.float32]
    left_out: int


def edges(weights: Weights, least: float, only: tuple[str, int] | None) -> Edges:
    """Return the edges at least so strong.

    Args:
        weights: The head's numbers.
        least: The least share of the scale's end.
        only: One row or column, by its axis, "position" or "source", and its token; None for all.
    """
    shares = weights.shares
    is_known = weights.slice.states == CellState.EXACT
    strong = is_known & (np.abs(shares) >= max(least, 1e-6))
    if only is not None:
        index = (only[1], slice(None)) if only[0] == "position" else (slice(None), only[1])
        alone = np.zeros_like(strong)
        alone[index] = strong[index]
        strong = alone
    ends = np.argwhere(strong)
    sizes = np.abs(shares[tuple(ends.T)])
    order = np.argsort(sizes, kind="stable")[-MOST_LINES:]
    left_out = len(ends) - len(order)
    ends = ends[order]
    return Edges(ends, shares[tuple(ends.T)], left_out)


def pen(share: float, weights: Weights, look: Theme) -> QPen:
    """Return the pen of an edge by its share of the scale's end: opaque, wider where stronger."""
    table = weights.table(look)
    index = round(share * 127 + theme.NEUTRAL if weights.slice.is_signed else share * 255)
    return QPen(QColor(*map(int, table[index])), THINNEST + (WIDEST - THINNEST) * abs(share))
