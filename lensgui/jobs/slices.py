"""What comes back from the worker: labelled arrays in host memory, and small readings in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from lensgui.circuits.questions import Direction, ModelKey


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


@dataclass(frozen=True, slots=True)
class Token:
    r"""One token of a prompt or of the vocabulary.

    Attributes:
        id: Its number in the vocabulary.
        text: What it decodes to, spaces and all; "\ufffd" marks where it is part of a character
            only.
        raw: The tokenizer's own bytes of it.
        special: Whether it is a control token, such as a beginning-of-sequence marker.
    """

    id: int
    text: str
    raw: bytes = b""
    special: bool = False


@dataclass(frozen=True, slots=True)
class Likely:
    """A token with its probability and its logit."""

    token: Token
    probability: float
    logit: float


@dataclass(frozen=True, slots=True)
class PromptReading:
    """What the model makes of one prompt.

    Attributes:
        tokens: Its tokens, beginning-of-sequence included.
        has_bos: Whether the first token was put in front rather than typed.
        top: The likeliest next tokens, likeliest first; empty until the forward pass is done.
        metric: logit(answer) − logit(distractor) at the last position; None where it can't be said
            (yet).
    """

    tokens: tuple[Token, ...]
    has_bos: bool = False
    top: tuple[Likely, ...] = ()
    metric: float | None = None


@dataclass(frozen=True, slots=True)
class PairReading:
    """What the model makes of a prompt pair.

    Attributes:
        clean: The clean prompt.
        corrupted: The corrupted one; None while there is only one prompt.
        differing: Positions at which the two differ; empty when their lengths do.
        answer: The answer token, typed or defaulted; None until known, or where it is not one
            token.
        distractor: Likewise.
        warnings: What is wrong or surprising, a sentence each.
        complete: Whether the forward passes are done.
    """

    clean: PromptReading
    corrupted: PromptReading | None = None
    differing: tuple[int, ...] = ()
    answer: Token | None = None
    distractor: Token | None = None
    warnings: tuple[str, ...] = ()
    complete: bool = False


@dataclass(frozen=True, slots=True)
class HeadReading:
    """What one head does at one position of the clean run.

    Attributes:
        attention: Attention from the position to each source, [source].
        attribution: Its direct logit attribution to answer − distractor from that position, in
            logits (final norm's scale frozen); None without answers.
        promoted: The tokens its output raises most when read through the unembedding, with the size
            in logits.
        suppressed: The tokens it lowers most.
    """

    tokens: tuple[Token, ...]
    attention: tuple[float, ...]
    attribution: float | None
    promoted: tuple[tuple[Token, float], ...]
    suppressed: tuple[tuple[Token, float], ...]


@dataclass(frozen=True, slots=True)
class LensReading:
    """The logit lens of one position of the clean run.

    A row for the embedding and one after each layer.

    Attributes:
        top: The likeliest token of each row and its probability.
        metric: logit(answer) − logit(distractor) of each row, each with its own final-norm scale;
            empty without answers.
    """

    top: tuple[Likely, ...]
    metric: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is loaded, for the toolbar and for every pane's axes.

    Attributes:
        key: The question that this answers.
        title: The honest long name, such as "SmolLM2-135M-Instruct, 4-bit (Q4_1) dequantised".
        licence: Its licence.
        device: Where it runs: "cpu", "cuda" or "mps".
        devices: Where it could run on this machine.
        dtype: The number format it runs in.
        bos: The tokenizer's own beginning-of-sequence token; "" if it has none.
        bos_choices: Control tokens worth putting in front of a prompt.
        verified: Largest |difference| to the Hugging Face logits, as stored by `models check`; None
            if never checked.
        note: Anything the user must know, such as that another model was asked for; "" if nothing.
    """

    key: ModelKey
    title: str
    licence: str
    device: str
    devices: tuple[str, ...]
    dtype: str
    n_layers: int
    n_heads: int
    n_key_value_heads: int
    n_ctx: int
    n_params: int
    bos: str
    bos_choices: tuple[str, ...]
    verified: float | None
    note: str = ""


Answer = Slice | Atlas | PairReading | HeadReading | LensReading | ModelCard
