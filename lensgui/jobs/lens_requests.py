"""What can be asked of a run through a lens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PromptPair
from lensgui.terms.model_key import ModelKey

OneSide = Literal["clean", "corrupted"]


@dataclass(frozen=True, slots=True)
class ReadLens(Request):
    """What every row and position would predict, read as if it were the last: a `LensGrid`.

    Attributes:
        side: Which prompt is read.
        lens: The file of a fitted lens among those that are here; "" for the logit lens.
        only: The position that alone is read, at once; None for all.
        start: The position that is read first, which is no part of the question; −1 for the last.
    """

    doing: ClassVar[str] = "reading all layers"

    model: ModelKey
    pair: PromptPair
    side: OneSide
    lens: str = ""
    only: int | None = None
    start: int = field(default=-1, compare=False)

    @property
    def urgency(self) -> Urgency:
        """How long it may wait: one position takes no time."""
        return Urgency.SWEEP if self.only is None else Urgency.SELECTION


@dataclass(frozen=True, slots=True)
class LensMetric(Request):
    """The metric as every row and position would read it: a `Slice` of layers and positions.

    Attributes:
        side: Which prompt is read.
        lens: As of `ReadLens`.
    """

    doing: ClassVar[str] = "the metric at all layers"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    side: OneSide
    lens: str = ""
