"""What can be asked of a run through a lens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.kinds import Averaged, OneSide, Side
from lensgui.terms.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class ReadLens(Request):
    """What every row and position would predict, read as if it were the last: a `LensGrid`.

    Attributes:
        side: Which prompt is read.
        lens: The file of a fitted lens among those that are here; "" for the logit lens.
        only: The position that alone is read, at once; None for all.
        mid: Whether the stream between attention and MLP is read too, where there is one.
        tokens: Tokens that are followed beside answer and distractor, as text.
        token: A token that is followed besides, by its id; None for none.
        start: The position that is read first, which is no part of the question; −1 for the last.
    """

    doing: ClassVar[str] = "reading all layers"

    model: ModelKey
    pair: PromptPair
    side: OneSide
    lens: str = ""
    only: int | None = None
    mid: bool = False
    tokens: tuple[str, ...] = ()
    token: int | None = None
    start: int = field(default=-1, compare=False)

    @property
    def urgency(self) -> Urgency:
        """How long it may wait: one position takes no time, and is what is looked at."""
        return Urgency.SWEEP if self.only is None else Urgency.TYPING


@dataclass(frozen=True, slots=True)
class LensMetric(Request):
    """The metric as every row and position would read it: a `Slice` of layers and positions.

    Attributes:
        side: Which prompt is read.
        lens: As of `ReadLens`.
        mid: Likewise.
    """

    doing: ClassVar[str] = "the metric at all layers"
    of_its_kind: ClassVar[Urgency] = Urgency.VIEW

    model: ModelKey
    pair: PromptPair
    side: OneSide
    lens: str = ""
    mid: bool = False


@dataclass(frozen=True, slots=True)
class AverageLens(Request):
    """What every row and position would read, as a mean over pairs: a `LensMean`.

    Attributes:
        pair: The pair that is looked at.
        side: Which prompts are read, or which difference.
        value: What is read: the metric, or the probability of answer or distractor.
        lens: As of `ReadLens`.
        mid: Likewise.
        rows: The pairs.
    """

    doing: ClassVar[str] = "reading all layers of all pairs"

    model: ModelKey
    pair: PromptPair
    side: Side
    value: Averaged
    lens: str = ""
    mid: bool = False
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class LensWorth(Request):
    """How far a lens is from the model on a text that none was fitted on: a `Slice` of layers.

    KL(model ‖ lens) in nats, the mean over positions.

    Attributes:
        lens: As of `ReadLens`.
    """

    doing: ClassVar[str] = "what a lens is worth"
    of_its_kind: ClassVar[Urgency] = Urgency.LAST

    model: ModelKey
    lens: str = ""
