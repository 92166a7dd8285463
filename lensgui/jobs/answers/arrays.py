"""What comes back from the worker as pictures: labelled arrays in host memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lensgui.terms.kinds import AttentionMeasure, Direction
from lensgui.terms.metric import Agreement, MetricName, Settled
from lensgui.terms.roles import ModelMeasures, PairMeasures


class CellState(IntEnum):
    """What is known of one cell of a slice."""

    UNKNOWN = 0
    ESTIMATE = 1
    EXACT = 2
    UNCHANGED = 3  # exactly the base run's value, by causality: nothing had to be computed
    NOT_FINITE = 4
    MASKED = 5  # the question does not exist here: a causal model never looks at later tokens


ATLAS_SIDE = 96  # most pixels of a head in the grid, on either side
KNOWN_BEFORE = CellState.UNCHANGED, CellState.MASKED  # nothing has to be computed for these


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
    def cells(self) -> tuple[int, int]:
        """How many of the cells that have to be computed are settled, and how many they are."""
        states = self.states[~np.isin(self.states, KNOWN_BEFORE)]
        return int(np.count_nonzero(states > CellState.ESTIMATE)), states.size

    @property
    def done(self) -> int:
        """How many of those are settled."""
        return self.cells[0]

    @property
    def total(self) -> int:
        """How many cells have to be computed."""
        return self.cells[1]


@dataclass(frozen=True, slots=True)
class Check:
    """A few cells worked out again the slow way.

    Attributes:
        cells: How many.
        worst: The largest difference found, in the metric's unit.
    """

    cells: int
    worst: float


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How a mean over prompt pairs came about.

    Attributes:
        pairs: How many pairs the mean is over so far.
        total: How many it is to be over.
        wrong: How many of them do no better in the clean run than in the corrupted run.
        low: Where the share lies in 95 % of resamples of the pairs, [layer, …], NaN for cells that
            are not exact; None until some are, and where a share is undefined.
        high: The upper end.
        left_out: How many pairs can't be swept, and why the first of them can't, as a sentence.
        work: How much is done, of how much, in cells of single pairs; None to count pairs.
    """

    pairs: int
    total: int
    wrong: int
    low: NDArray[np.float32] | None = None
    high: NDArray[np.float32] | None = None
    left_out: tuple[int, str] = (0, "")
    work: tuple[int, int] | None = None

    @property
    def progress(self) -> tuple[int, int]:
        """How much is done, of how much."""
        return self.work or (self.pairs, self.total)


SHARE = "of clean − corrupted"


@dataclass(frozen=True, slots=True, eq=False)
class Sweep(Slice):
    """Activation patching: how much each cell moves the metric of the run that is patched into.

    Attributes:
        values: Patched metric − base metric, in the metric's unit; an estimate where the state
            says so.
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        refusal: Why normalising is undefined here, as a sentence; "" where it is defined.
        direction: "denoising" patches clean into corrupted, the base; "noising" the reverse.
        metric: What is read.
        unit: What it is counted in: "logits", "nats", "probability", "ranks".
        estimates: First-order estimates of all cells; None where there are none.
        agreement: How well they agree with the exact values, once all are known.
        check: A few cells worked out again the slow way, once that is done.
        spread: How the mean came about, if it is one over pairs.
        of_head: The head whose attention edges are swept, such as "L3H1"; "" for other kinds.
        settled: What was run, if that is not all but enough.
        more_s: How many seconds the rest would take then, about.
    """

    clean: float
    corrupted: float
    refusal: str = ""
    direction: Direction = "denoising"
    metric: MetricName = "logit difference"
    unit: str = "logits"
    estimates: NDArray[np.float32] | None = None
    agreement: Agreement | None = None
    check: Check | None = None
    spread: Spread | None = None
    of_head: str = ""
    settled: Settled | None = None
    more_s: float = 0.0

    @property
    def done(self) -> int:
        """How many of the cells that have to be computed are; of a mean, those of each pair."""
        return self.cells[0] if self.spread is None else self.spread.progress[0]

    @property
    def total(self) -> int:
        """How many cells have to be computed; of a mean, those of each pair."""
        return self.cells[1] if self.spread is None else self.spread.progress[1]

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
        return self.shown

    @property
    def scale(self) -> float:
        """What changes are divided by as they are shown: clean − corrupted, or 1 if refused."""
        return 1.0 if self.refusal else self.clean - self.corrupted

    @property
    def shown(self) -> NDArray[np.float32]:
        """The changes as they are shown: shares of clean − corrupted, or raw where refused."""
        return self.values / np.float32(self.scale)

    @property
    def shown_unit(self) -> str:
        """What `shown` is counted in."""
        return self.unit if self.refusal else SHARE


@dataclass(frozen=True, slots=True, eq=False)
class Feeding(Sweep):
    """Path patching into heads: a row for each layer, a column for each head and the MLP.

    Attributes:
        heads: (layer, head) of each that receives.
        receiver: Their input, such as "L3H1.q"; "L3H0–2.k" where heads share it; "4 heads.q".
        embedding: What the embedding's edge does, in the metric's unit; NaN until known.
    """

    heads: tuple[tuple[int, int], ...] = ()
    receiver: str = ""
    embedding: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class HeadEffects:
    """What each head writes towards the answer, and what the model loses without it.

    Attributes:
        attribution: Direct logit attribution on the clean run, in logits, [layer, head]; None where
            the metric is no logit difference.
        ablation: The clean run's metric with the head mean-ablated − without, [layer, head]; NaN
            where not yet known.
        prompts: How many prompts the mean is over.
        unit: What `ablation` is counted in.
        attention: How much of its attention goes from where the metric is read to the answer's
            tokens in the clean prompt, 0 to 1, [layer, head]; None where they do not occur there.
    """

    attribution: NDArray[np.float32] | None
    ablation: NDArray[np.float32]
    prompts: int
    unit: str = "logits"
    attention: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HeadRows:
    """What every head attends to from one position.

    Attributes:
        axes: layer, head and source.
        values: Attention, or clean − corrupted, [layer, head, source].
        is_difference: Whether it is a difference.
        prompts: How many prompts of one side it is a mean over.
    """

    axes: tuple[Axis, ...]
    values: NDArray[np.float32]
    is_difference: bool = False
    prompts: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class ModelScores:
    """What each head does whatever the prompt.

    Attributes:
        measures: The scores.
        queries: Of each of `REPEATED_SCORES`, how many queries it is a mean over.
        prompts: How many random prompts there were.
        raw_copying: Copying of the embedding itself, [layer, head]; None until it is known.
        copied: The share of tokens among the head's own 5 largest logits, and 5 smallest,
            [2, layer, head]; None until it is known.
        tokens: How many tokens those are shares of.
        vocabulary: From how many tokens of it copying of either kind is estimated, while it is.
        unsettled: Which of `SCORES` are estimates so far, or are not known yet.
    """

    measures: ModelMeasures
    queries: tuple[int, ...]
    prompts: int
    raw_copying: NDArray[np.float32] | None = None
    copied: NDArray[np.float32] | None = None
    tokens: int = 0
    vocabulary: int = 0
    unsettled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What heads do about the answers of some pairs.

    Attributes:
        measures: What rules compare, of each pair that has been read.
        attribution: Direct logit attribution to answer − distractor, the mean over those, in
            logits, [layer, head].
        read: How many pairs were looked at so far; those of them that have no two answers have no
            measures.
        total: How many pairs there are.
    """

    measures: tuple[PairMeasures, ...]
    attribution: NDArray[np.float32]
    read: int
    total: int


@dataclass(frozen=True, slots=True)
class Verification:
    """One cell of a sweep by plain forward passes.

    Attributes:
        index: The cell, on the axes of the sweep.
        value: Patched metric − base metric, in the metric's unit.
    """

    index: tuple[int, ...]
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class HeadSlice(Slice):
    """What a head takes from where: [position, source].

    Attributes:
        measure: What is counted; see `AttentionHead`.
        is_difference: Whether it is the difference of two runs.
        first_share: Mean share of attention that position 0 holds, for queries after it; NaN
            where there is only position 0.
        prompts: How many prompts of one side it is a mean over.
    """

    measure: AttentionMeasure
    is_difference: bool
    first_share: float
    prompts: int = 1

    @property
    def is_signed(self) -> bool:
        """Whether values on either side of 0 mean opposite things."""
        return self.is_difference or self.measure == "contribution"


@dataclass(frozen=True, slots=True, eq=False)
class Atlas:
    """Every head's attention as one picture's worth of bytes.

    Attributes:
        axes: layer, head, position (the query), source (the key); the last two may be pooled to
            fewer cells.
        values: Attention 0..1 as 0..255, or a difference −1..1 as 1..255, 128 being exactly 0,
            [layer, head, position, source]; the largest in size where cells are pooled. Of other
            measures each head's own `ends` take the place of 0 and 1.
        layers: How many layers are known so far.
        scores: Each of `PROMPT_SCORES` for each head, [score, layer, head]; NaN where not yet
            known, or where the prompt does not have what it asks about.
        strongest: From where to where each head's strongest edge goes, position and source, −1
            where not yet known and where there is none, [layer, head, 2].
        hides_first: Whether position 0 is left out of `values` and the rest of each row
            renormalised.
        is_difference: Whether all numbers are differences of two runs.
        prompts: How many prompts of one side they are means over.
        broken: Cells that cover a number that is not finite, as `values`; None if there are none.
        measure: What is counted; see `AttentionHead`.
        ends: What the bytes of each head run from and to, where that is not the same for all: the
            lowest and the highest number, −highest and highest where numbers are signed,
            [layer, head, 2]; None for attention.
        full: The size that the strongest colour stands for, of measures but attention; of
            contributions the largest where the metric is read.
    """

    axes: tuple[Axis, ...]
    values: NDArray[np.uint8]
    layers: int
    scores: NDArray[np.float32]
    strongest: NDArray[np.int32]
    hides_first: bool
    is_difference: bool = False
    prompts: int = 1
    broken: NDArray[np.bool_] | None = None
    measure: AttentionMeasure = "pattern"
    ends: NDArray[np.float32] | None = None
    full: float = 1.0

    @property
    def is_signed(self) -> bool:
        """Whether numbers on either side of 0 mean opposite things."""
        return self.is_difference or self.measure == "contribution"

    def is_broken(self, layer: int, head: int) -> bool:
        """Whether some of a head's attention is not finite."""
        return self.broken is not None and bool(self.broken[layer, head].any())

    @property
    def is_whole(self) -> bool:
        """Whether all layers are known."""
        return self.layers == len(self.axes[0])

    @property
    def first_share(self) -> NDArray[np.float32]:
        """Mean share of attention on position 0, for queries after it, [layer, head]."""
        share: NDArray[np.float32] = self.scores[0]
        return share
