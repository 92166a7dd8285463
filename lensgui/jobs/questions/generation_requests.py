"""What can be asked about how the model goes on behind a prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from lensgui.jobs.request import Request, Urgency
from lensgui.prompts.pair import PromptPair
from lensgui.terms.kinds import OneSide
from lensgui.terms.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class Generate(Request):
    """What the model writes behind a prompt: `Continuations` that grow token by token.

    Without interventions, and under those of the pair that act on this prompt, with the same seed.

    Attributes:
        pair: The prompts, with what is done to the model; answers and metric don't matter.
        side: Which prompt is continued.
        count: How many tokens are written at most.
        temperature: Logits are divided by it before a token is drawn; 0 takes the likeliest.
        top_k: Draw from so many likeliest tokens only; 0 for all.
        top_p: Draw from the fewest likeliest tokens that have this share together.
        seed: Of what draws.
    """

    doing: ClassVar[str] = "continuing the prompt"
    of_its_kind: ClassVar[Urgency] = Urgency.SWEEP

    model: ModelKey
    pair: PromptPair
    side: OneSide = "clean"
    count: int = 20
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    @property
    def text(self) -> str:
        """The prompt that is continued."""
        return self.pair.clean if self.side == "clean" else self.pair.corrupted

    @property
    def beginning(self) -> Generate:
        """The same question, however many tokens are asked for: more of them begin alike."""
        return replace(self, count=0)


def asked_of(request: Generate) -> Generate:
    """Return a question without what its answer does not depend on: equals are asked once.

    Where nothing is done to the model the other prompt does not matter, and at temperature 0
    nothing is drawn.
    """
    pair = request.pair.unanswered
    if not any(one.acts_on(request.side) for one in pair.interventions):
        is_clean = request.side == "clean"
        pair = PromptPair(pair.clean * is_clean, pair.corrupted * (not is_clean), bos=pair.bos)
    if request.temperature == 0:
        return replace(request, pair=pair, top_k=0, top_p=1.0, seed=0)
    return replace(request, pair=pair)
