"""What can be asked about any activation of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PromptPair
from lensgui.terms.kinds import Side
from lensgui.terms.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class MapModel(Request):
    """All hook points, and how large each activation of a layer is: a `ModelMap`.

    Attributes:
        side: Of which prompt; of a difference the first.
        layer: The layer whose activations are measured.
        position: Where; None for the last position.
    """

    doing: ClassVar[str] = "the model's hook points"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    layer: int
    position: int | None = None
    side: Side = "clean"


@dataclass(frozen=True, slots=True)
class ReadActivation(Request):
    """Two axes of one activation, the others at one place each: an `ActivationSlice`.

    Attributes:
        name: The hook point, in full.
        side: Of which prompt, or which difference.
        down: The axis from top to bottom; "" for positions, or else the longest.
        across: The axis from left to right; "" for the next.
        places: Where the other axes stand, by name; what is not said, or is not there, is the last
            place of a position, the first of any other.
    """

    doing: ClassVar[str] = "an activation"
    of_its_kind: ClassVar[Urgency] = Urgency.VIEW

    model: ModelKey
    pair: PromptPair
    name: str
    side: Side = "clean"
    down: str = ""
    across: str = ""
    places: tuple[tuple[str, int], ...] = ()
