"""What comes back from the worker as pictures: labelled arrays in host memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lensgui.circuits.questions import Direction


class CellState(IntEnum):
    """What is known of one cell of a slice."""

    UNKNOWN = 0
    ESTIMATE = 1
    EXACT = 2
    UNCHANGED = 3  # exactly the base run's value, by causality: nothing had to be computed
    FAILED = 4
    NOT_FINITE = 5
    MASKED = 6  # the question does not exist here: a causal model never looks at later tokens


@dataclass(frozen=True, slots=True)
class Axis:
    """One dimension of a slice.

    Attributes:
        name: What it counts; the name of a Cursor field, so that a click selects it.
        coordinates: What each index selects; None selects nothing.
        labels: What each index is called on screen.
    """

    name: str
    coordinates: tuple[int | None, ...]
    labels: tuple[str, ...]

    def __len__(self) -> int:
        """Return how many indices there are."""
        return len(self.coordinates)


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """A float32 array in host memory that nobody else writes to.

    Attributes:
        axes: What each dimension counts, in order; also what a click on it selects.
        values: The whole result so far.
        states: The `CellState` of each cell.
    """

    axes: tuple[Axis, ...]
    values: NDArray[np.float32]
    states: NDArray[np.uint8]

    @property
    def done(self) -> int:
        """How many cells are settled."""
        return int(np.count_nonzero(self.states > CellState.ESTIMATE))

    @property
    def total(self) -> int:
        """How many cells there are."""
        return int(self.states.size)


@dataclass(frozen=True, slots=True, eq=False)
class Sweep(Slice):
    """Activation patching: how much each cell moves the metric of the run that is patched into.

    Attributes:
        values: Patched metric − base metric, in the metric's unit (logits).
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        refusal: Why normalising is undefined here, as a sentence; "" where it is defined.
        direction: "denoising" patches clean into corrupted, which is then the base; "noising"
            corrupted into clean.
    """

    clean: float
    corrupted: float
    refusal: str = ""
    direction: Direction = "denoising"

    @property
    def base(self) -> float:
        """The metric of the run that is patched into."""
        return self.corrupted if self.direction == "denoising" else self.clean

    @property
    def normalised(self) -> NDArray[np.float32]:
        """The change as a share of clean − corrupted.

        0 changes nothing. Denoising, +1 restores the clean run; noising, −1 destroys it.

        Raises:
            ValueError: If normalising is undefined; `refusal` says why.
        """
        if self.refusal:
            raise ValueError(self.refusal)
        return self.values / np.float32(self.clean - self.corrupted)


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Every head's attention as one picture's worth of bytes.

    Attributes:
        axes: layer, head, position (the query), source (the key); the last two may be pooled to
            fewer cells.
        values: Attention 0..1 as 0..255, [layer, head, position, source]; the largest where cells
            are pooled.
        layers: How many layers are known so far.
        first_share: Mean share of attention that position 0 holds in each known layer's heads, for
            queries after it, [layer, head]; NaN where not yet known.
        hides_first: Whether position 0 is left out of `values` and the rest of each row
            renormalised.
    """

    axes: tuple[Axis, ...]
    values: NDArray[np.uint8]
    layers: int
    first_share: NDArray[np.float32]
    hides_first: bool
