"""What can be asked about interventions, and the vectors that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.model_key import ModelKey
from lensgui.terms.recipes import Recipe


@dataclass(frozen=True, slots=True)
class MakeVector(Request):
    """Make a vector of the stream, or all that a file holds: one `MadeVectors`.

    It is asked anew each time: a file may have changed, and what is made is kept by its content.

    Attributes:
        pair: The prompts that it is made of, without interventions.
        recipe: What it is made of.
        rows: Pairs whose differences a mean is over, instead of that of `pair`.
    """

    doing: ClassVar[str] = "making a vector"
    can_be_kept: ClassVar[bool] = False
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
    recipe: Recipe
    rows: tuple[PairRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadInterventions(Request):
    """Whether each of a pair's interventions can be done, and how strong: `InterventionsReading`.

    Attributes:
        pair: The prompts with all interventions, those that are off too, and the prompts that
            means are over.
    """

    doing: ClassVar[str] = "looking at interventions"
    of_its_kind: ClassVar[Urgency] = Urgency.SELECTION

    model: ModelKey
    pair: PromptPair
