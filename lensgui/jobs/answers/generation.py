"""What a model writes behind a prompt, without interventions and under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lensgui.jobs.answers.readings import Token

End = Literal["", "end of sequence", "context"]


@dataclass(frozen=True, slots=True)
class Written:
    """A token that the model wrote, and what else it could have written there.

    Attributes:
        token: The token.
        probability: The model's own, whatever it was drawn with, 0 to 1.
        rank: Its place among all tokens by probability; the likeliest has 1.
        top: The likeliest tokens with their probabilities, the likeliest first.
    """

    token: Token
    probability: float
    rank: int
    top: tuple[tuple[Token, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Continued:
    """What is written behind a prompt so far.

    Attributes:
        tokens: The tokens, in order.
        end: Why no more can be written: the last token ends the sequence, or the context is full;
            "" while more can.
    """

    tokens: tuple[Written, ...]
    end: End = ""

    def text(self, count: int | None = None) -> str:
        """Return the text of the first tokens, or of all; half a character at its end is left out.

        Args:
            count: How many tokens; None for all.
        """
        tokens = [written.token for written in self.tokens[:count]]
        return b"".join(of.raw or of.text.encode() for of in tokens).decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Continuations:
    """What is written behind a prompt so far, before and after interventions.

    Attributes:
        without: Without interventions.
        under: Under them; None where none acts.
        prompt: How many tokens the prompt has.
        context: How many tokens the model takes.
    """

    without: Continued
    under: Continued | None
    prompt: int
    context: int

    @property
    def differs_at(self) -> int | None:
        """The number of the first token that differs; None while none is known to."""
        if self.under is None:
            return None
        both = self.without.tokens, self.under.tokens
        for at, (one, other) in enumerate(zip(*both, strict=False)):
            if one.token.id != other.token.id:
                return at
        return None

    @property
    def can_go_on(self) -> bool:
        """Whether more can be written on either side."""
        return not self.without.end or (self.under is not None and not self.under.end)
