"""Numbers of one head → colours and words, the same in every view of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.arrays import CellState, HeadSlice
from lensgui.panes import theme
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.theme import NEUTRAL, Table, Theme
from lensgui.panes.token_text import signed
from lensgui.terms.kinds import AttentionMeasure

NAMES: dict[AttentionMeasure, str] = {
    "pattern": "attention",
    "scores": "score before softmax",
    "values": "attention × ‖value‖",
    "writes": "attention × ‖value W_O‖",
    "contribution": "contribution to the logit difference",
}


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """One head's numbers, on a scale.

    Attributes:
        slice: The numbers.
        low: What the lowest colour stands for.
        high: What the highest one does; −low where numbers are signed.
        tokens: What each position is called.
        shares: Each number's place on the scale: 0 to 1, or −1 to 1 where numbers are signed.
        shades: Each number's index into the colour table.
    """

    slice: HeadSlice
    low: float
    high: float
    tokens: Sequence[str]
    shares: NDArray[np.float32]
    shades: NDArray[np.uint8]

    def table(self, colors: Theme) -> Table:
        """Return the colours."""
        return theme.diverging(colors) if self.slice.is_signed else theme.sequential(colors)

    @property
    def scale(self) -> tuple[str, str, str]:
        """What the colour bar says at its top, middle and bottom."""
        middle = 0.0 if self.slice.is_signed else (self.low + self.high) / 2
        digits = 2 if max(abs(self.low), abs(self.high)) >= 0.1 else 4
        high, low = self.number(self.high, digits), self.number(self.low, digits)
        return high, self.number(middle, 2), low

    @property
    def scale_words(self) -> str:
        """Whether the scale is fixed, or fitted to what is shown, and to what."""
        if self.slice.measure == "pattern" and not self.slice.is_difference:
            return "scale fixed: 0 to 1"
        high, _, low = self.scale
        ends = f"±{high.lstrip('+')}" if self.slice.is_signed else f"{low} to {high}"
        is_read = self.slice.measure == "contribution" and len(self.tokens) > 0
        return f"fitted: {ends}" + (f", the row of ‘{self.tokens[-1]}’" if is_read else "")

    @property
    def read_row(self) -> int | None:
        """The row at which the metric is read, where the numbers are parts of it."""
        is_part = self.slice.measure == "contribution" and len(self.slice.values) > 1
        return len(self.slice.values) - 1 if is_part else None

    def number(self, value: float, digits: int = 3) -> str:
        """Return a number as it is written."""
        return number(self.slice, value, digits)

    def is_known(self, row: int, column: int) -> bool:
        """Whether a cell has a number."""
        return bool(self.slice.states[row, column] == CellState.EXACT)

    def words(self, row: int, column: int) -> str:
        """Return what one edge is, from a destination to a source."""
        rows, columns = self.slice.axes
        position, source = rows.coordinates[row], columns.coordinates[column]
        ends = f"‘{self.tokens[row]}’ ({position}) → ‘{self.tokens[column]}’ ({source})"
        if column > row:
            return f"{ends}: masked, a causal model never looks ahead"
        if not self.is_known(row, column):
            is_masked = self.slice.states[row, column] == CellState.MASKED
            return f"{ends}: " + (self._why_masked(column) if is_masked else "not a finite number")
        return f"{ends}: {amount(self.slice, float(self.slice.values[row, column]))}"

    def as_table(self, name: str) -> NumberTable:
        """Return the numbers of a head of that name, a row for each destination."""
        is_known = self.slice.states == CellState.EXACT
        values = np.where(is_known, self.slice.values, np.nan)
        names = [f"{at} {token}" for at, token in enumerate(self.tokens)]
        return of_numbers(f"{name}: {NAMES[self.slice.measure]}", names, names, values)

    def _why_masked(self, column: int) -> str:
        return "left out with position 0" if column == 0 else "out of this layer's reach"


def number(slice_: HeadSlice, value: float, digits: int = 3) -> str:
    """Return one of a head's numbers as it is written, with its sign where it may have either."""
    if slice_.is_signed or slice_.measure == "scores":
        return signed(value, digits) if value else "0"
    return f"{value:.{digits}f}"


def amount(slice_: HeadSlice, value: float) -> str:
    """Return one of a head's numbers with what it is counted in, if anything."""
    return number(slice_, value) + (" logits" if slice_.measure == "contribution" else "")


def weights(slice_: HeadSlice, tokens: Sequence[str]) -> Weights:
    """Put one head's numbers on a scale.

    Args:
        slice_: The numbers.
        tokens: What each position is called.
    """
    low, high = _ends(slice_)
    values = np.nan_to_num(slice_.values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    if slice_.is_signed:
        shares = (values / high).clip(-1, 1)
        shades = np.rint(shares * 127 + NEUTRAL)
    else:
        shares = ((values - low) / (high - low)).clip(0, 1)
        shades = np.rint(shares * 255)
    return Weights(slice_, low, high, tokens, shares.astype(np.float32), shades.astype(np.uint8))


def _ends(slice_: HeadSlice) -> tuple[float, float]:
    """Return the ends of the scale.

    Attention has a fixed one; everything else, its differences too, runs to the largest number: of
    contributions to the largest where the metric is read, which is the last row.
    """
    is_known = (slice_.states == CellState.EXACT) & np.isfinite(slice_.values)
    known = slice_.values[is_known]
    largest = float(np.abs(known).max(initial=0)) or 1.0
    if slice_.measure == "contribution" and is_known[-1].any():
        largest = float(np.abs(slice_.values[-1][is_known[-1]]).max()) or largest
    if slice_.is_signed:
        return -largest, largest
    if slice_.measure == "pattern":
        return 0.0, 1.0
    if slice_.measure == "scores" and known.size:
        low, high = float(known.min()), float(known.max())
        return low, high if high > low else low + max(1.0, abs(low))
    return 0.0, largest
