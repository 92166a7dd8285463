"""Which prompts of a pair are read for what is shown: one of them, or two whose difference it is.

A difference is of the two prompts, clean − corrupted; or of one prompt, with − without the pair's
interventions: what they change. `SUMMANDS` alone says which prompts have which sign.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.terms.kinds import OneSide, Side

NO_CORRUPTED = "There is no corrupted prompt: type one, or look at the clean one."
UNCHANGED = (
    "No intervention is on, so there is nothing to compare with: add one from a place's menu."
)


@dataclass(frozen=True, slots=True)
class Summand:
    """A prompt that is read, and how it counts.

    Attributes:
        sign: What its numbers are multiplied by: 1 or −1.
        prompt: Which of the pair's prompts.
        is_under: Whether it is run under the pair's interventions.
    """

    sign: int
    prompt: OneSide
    is_under: bool = True

    @property
    def name(self) -> str:
        """What tells it apart from the others, such as “clean” or “clean without”."""
        return self.prompt + " without" * (not self.is_under)

    @property
    def python(self) -> str:
        """The expression for it in a script that knows `pair`."""
        return f"pair.{'' if self.is_under else 'plain.'}{self.prompt}_prompt"

    def pair_of(self, pair: PromptPair) -> PromptPair:
        """Return the pair whose prompt it is: without interventions where it is run without."""
        return pair if self.is_under else pair.plain

    def of(self, pair: PromptPair) -> Prompt:
        """Return a pair's prompt."""
        found = self.pair_of(pair)
        return found.clean_prompt if self.prompt == "clean" else found.corrupted_prompt


_CLEAN, _CORRUPTED = Summand(1, "clean"), Summand(1, "corrupted")
SUMMANDS: Mapping[Side, tuple[Summand, ...]] = {
    "clean": (_CLEAN,),
    "corrupted": (_CORRUPTED,),
    "difference": (_CLEAN, Summand(-1, "corrupted")),
    "clean change": (_CLEAN, Summand(-1, "clean", is_under=False)),
    "corrupted change": (_CORRUPTED, Summand(-1, "corrupted", is_under=False)),
}
"""What is added up for each side; the first one's tokens are those of the sum."""
CHOICES: Mapping[Side, str] = {
    "clean": "clean",
    "corrupted": "corrupted",
    "difference": "difference",
    "clean change": "clean: with − without",
    "corrupted change": "corrupted: with − without",
}
"""What choosers call the sides."""
CAPTIONS: Mapping[Side, str] = {
    "clean": "clean",
    "corrupted": "corrupted",
    "difference": "clean − corrupted",
    "clean change": "clean, with − without interventions",
    "corrupted change": "corrupted, with − without interventions",
}
"""What captions call them."""


def summands(pair: PromptPair, side: Side) -> tuple[tuple[int, Prompt], ...]:
    """Return the prompts of a pair that a side reads, each with its sign."""
    return tuple((one.sign, one.of(pair)) for one in SUMMANDS[side])


def one_side(side: Side) -> OneSide:
    """Return the prompt that is read, or from which another is taken away."""
    return SUMMANDS[side][0].prompt


def is_difference(side: Side) -> bool:
    """Whether two runs are compared, so that numbers have a sign."""
    return len(SUMMANDS[side]) > 1


def reads_both(side: Side) -> bool:
    """Whether both prompts are read, whose positions must match."""
    return len({one.prompt for one in SUMMANDS[side]}) > 1


def is_change(side: Side) -> bool:
    """Whether it is what interventions change in one prompt."""
    return not SUMMANDS[side][-1].is_under


def unchanged(pair: PromptPair, side: Side) -> str:
    """Return why there is no change to be seen, as a sentence; "" where there is, or none sought.

    Args:
        pair: Whose interventions are meant; its prompts don't matter.
        side: What is read.
    """
    which = one_side(side)
    if not is_change(side) or any(one.acts_on(which) for one in pair.interventions):
        return ""
    if not any(one.is_on for one in pair.interventions):
        return UNCHANGED
    return f"No intervention acts on the {which} prompt, so there is nothing to compare with."


def lacking(pair: PromptPair, side: Side) -> str:
    """Return why a side of a pair can't be read, as a sentence; "" where it can."""
    for one in SUMMANDS[side]:
        if not getattr(pair, one.prompt):
            return NO_CORRUPTED if pair.clean else "There is no clean prompt: type one."
    return unchanged(pair, side)
