"""Numbers of one head → colours and words, the same in every view of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.arrays import Atlas, Axis, CellState, HeadSlice
from lensgui.panes import theme
from lensgui.panes.theme import NEUTRAL, Table, Theme
from lensgui.panes.token_text import percent, signed
from lensgui.terms.kinds import HEAD_SCORES, AttentionMeasure

NAMES: dict[AttentionMeasure, str] = {
    "pattern": "attention",
    "scores": "score before softmax",
    "values": "attention × ‖value‖",
    "writes": "attention × ‖value W_O‖",
    "contribution": "contribution to the logit difference",
}
NOT_FINITE = "not a finite number"
UNITS = {"entropy": " bits"}
MEANINGS = {
    "position 0": "Mean attention of later queries to position 0, the attention sink.",
    "entropy": "Mean entropy of a query's attention, in bits: 0 where it looks at one token only.",
    "previous token": "Mean attention to the token just before.",
    "duplicate token": (
        "Mean attention to earlier places of the same token, over queries that have one."
    ),
    "induction": (
        "Mean attention to what followed earlier places of the same token, over queries that have "
        "one (Olsson et al. 2022)."
    ),
    "strongest edge": "The largest attention of any query to any source but position 0.",
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

    Attention has a fixed one; everything else, its differences too, runs to the largest number.
    """
    known = slice_.values[(slice_.states == CellState.EXACT) & np.isfinite(slice_.values)]
    largest = float(np.abs(known).max(initial=0)) or 1.0
    if slice_.is_signed:
        return -largest, largest
    if slice_.measure == "pattern":
        return 0.0, 1.0
    if slice_.measure == "scores" and known.size:
        low, high = float(known.min()), float(known.max())
        return low, high if high > low else low + max(1.0, abs(low))
    return 0.0, largest


def head_name(number: int, heads: int) -> str:
    """Return the name of a head by its number, counted layer by layer: L9H6."""
    return f"L{number // heads}H{number % heads}"


def share_words(atlas: Atlas) -> str:
    """Return how much attention position 0 holds, on average over the heads known so far."""
    known = atlas.first_share[: atlas.layers]
    known = known[np.isfinite(known)]
    is_said = known.size and not atlas.is_difference
    return f" (it holds {percent(float(known.mean()))})" if is_said else ""


def score_words(atlas: Atlas, layer: int, head: int) -> list[str]:
    """Return each score of a head with its name."""
    found = []
    for name, value in zip(HEAD_SCORES, atlas.scores[:, layer, head], strict=True):
        if value != value:  # NaN, which equals nothing
            is_broken = atlas.is_broken(layer, head)
            found.append(f"{name}: {NOT_FINITE if is_broken else 'nothing to score here'}")
            continue
        number = signed(float(value), 2)
        if not atlas.is_difference:
            number = number.removeprefix("+")
        found.append(f"{name} {number}{UNITS.get(name, '')}")
    return found


def card(atlas: Atlas, layer: int, head: int, tokens: Sequence[str]) -> tuple[str, list[str]]:
    """Return a head's name, and lines about it.

    Args:
        atlas: What is known.
        layer: The head's layer.
        head: The head.
        tokens: What each position of the axes is called.
    """
    name = f"L{layer}H{head}"
    if layer >= atlas.layers:
        return name, ["not computed yet"]
    lines = score_words(atlas, layer, head)
    share = float(atlas.first_share[layer, head])
    if share == share:
        holds = "difference on position 0: " if atlas.is_difference else "position 0 holds "
        lines[0] = holds + (signed(share, 2) if atlas.is_difference else percent(share))
    axis = atlas.axes[2]
    is_pooled = len(axis) > 1 and axis.coordinates[1] not in (1, None)
    names = () if is_pooled else tokens  # of pooled cells, the tokens name several positions each
    position, source = map(int, atlas.strongest[layer, head])
    if position >= 0:
        lines[-1] += f": {_place(position, axis, names)} → {_place(source, axis, names)}"
    else:
        lines[-1] = "strongest edge: none"
    return name, lines


def _place(position: int, axis: Axis, tokens: Sequence[str]) -> str:
    if position >= len(tokens):
        return f"({position})"
    is_role = axis.coordinates[position] is None
    return f"‘{tokens[position]}’" + ("" if is_role else f" ({position})")
