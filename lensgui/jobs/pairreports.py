"""What comes back from the worker about many pairs, and about words that would fit a prompt."""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.jobs.results import Likely


@dataclass(frozen=True, slots=True)
class RowReading:
    """What the model makes of one row of a table of pairs.

    Attributes:
        clean: The metric at the end of the clean prompt; None where it can't be said.
        corrupted: Likewise of the corrupted prompt.
        lengths: How many tokens clean and corrupted have, beginning-of-sequence included.
        is_right: Whether the clean run prefers the answer to the distractor, and the corrupted run
            less so; None where that can't be said.
        warning: Why there is no number, as a sentence; "" if there is one.
    """

    clean: float | None = None
    corrupted: float | None = None
    lengths: tuple[int, int] = (0, 0)
    is_right: bool | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class PairsReading:
    """The rows that have been read so far, first to last.

    Attributes:
        rows: One for each pair that is known already.
        total: How many pairs were asked about.
    """

    rows: tuple[RowReading, ...]
    total: int


@dataclass(frozen=True, slots=True)
class TokenMatches:
    """Tokens of the vocabulary in which a text occurs.

    Attributes:
        found: The likeliest at the end of the clean prompt first; a token that equals the text,
            with or without a leading space, before all others.
        total: How many there are, shown or not.
        sought: The text.
    """

    found: tuple[Likely, ...]
    total: int
    sought: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """A corrupted prompt that has as many tokens as the clean one.

    Attributes:
        old: The words that are replaced, spaces included.
        new: What stands in their place.
        corrupted: The whole prompt.
        probability: Of the first new token, where it stands.
    """

    old: str
    new: str
    corrupted: str
    probability: float


@dataclass(frozen=True, slots=True)
class Replacements:
    """Ways to give two prompts as many tokens, likeliest first."""

    found: tuple[Replacement, ...]
