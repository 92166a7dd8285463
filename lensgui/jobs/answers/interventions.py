"""What is said of interventions, and vectors that were made for them."""

from __future__ import annotations

from dataclasses import dataclass

from lensgui.terms.interventions import Vector


@dataclass(frozen=True, slots=True)
class MadeVectors:
    """Vectors that were made, which interventions can name from now on.

    Attributes:
        vectors: Each with the layer behind which it is added, at "resid_post"; None where any
            will do, as of a token.
    """

    vectors: tuple[tuple[int | None, Vector], ...]


@dataclass(frozen=True, slots=True)
class InterventionReading:
    """What is known of one intervention on a pair of prompts.

    Attributes:
        fault: Why it can't be done, as a sentence; "" if it can.
        unit: Which strength amounts to one median norm of the stream at that place, or, of
            "add_norm", to each position's own; None where a strength is no such length, or it
            can't be known.
        prompts: How many prompts its mean is over; 0 of all but "mean".
    """

    fault: str
    unit: float | None
    prompts: int


@dataclass(frozen=True, slots=True)
class InterventionsReading:
    """What is known of a pair's interventions.

    Attributes:
        of: Each, in the pair's order.
    """

    of: tuple[InterventionReading, ...]
