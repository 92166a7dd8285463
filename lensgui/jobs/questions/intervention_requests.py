"""What can be asked about interventions, and the vectors that they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.interventions import STRENGTHS, Intervention
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


@dataclass(frozen=True, slots=True)
class AskStrength(Request):
    """What an intervention does by its strength: a `StrengthReading` that grows.

    Attributes:
        pair: The prompts with their interventions.
        which: The number of the one whose strength changes; it need not be on.
        strengths: How strong: as shares of the stream's median norm where a vector is written that
            has a length, else in the op's own number.
        controls: Tokens that are followed beside the likely ones; () for some that are as likely
            as the answer.
        placebos: How many random directions as long as the vector stand beside it.
        are_like_stream: Whether these have the covariance of the clean prompt's stream where the
            vector is written, rather than being equally likely.
    """

    doing: ClassVar[str] = "what an intervention does by its strength"

    model: ModelKey
    pair: PromptPair
    which: int
    strengths: tuple[float, ...] = STRENGTHS
    controls: tuple[int, ...] = ()
    placebos: int = 0
    are_like_stream: bool = False

    @property
    def urgency(self) -> Urgency:
        """How long it may wait: random directions take as often as long as there are of them."""
        return Urgency.SWEEP if self.placebos else Urgency.SELECTION


@dataclass(frozen=True, slots=True)
class AblateSet(Request):
    """What a set of interventions does together, and each of it: a `SetReading` that grows.

    Attributes:
        pair: The prompts with what else is done.
        members: The set, in order; it comes behind what else is done.
        rows: Pairs that are read instead of `pair`; () for the one pair.
    """

    doing: ClassVar[str] = "ablation of a set"

    model: ModelKey
    pair: PromptPair
    members: tuple[Intervention, ...]
    rows: tuple[PairRow, ...] = ()
