"""What is said of interventions, and vectors that were made for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lensgui.jobs.answers.readings import Token
from lensgui.terms.interventions import OFF_DISTRIBUTION, Vector
from lensgui.terms.metric import MetricName

Numbers = NDArray[np.float32]
Part = Literal["answer", "distractor", "likely", "control"]


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
        roles: By which named words its mean is matched with prompts laid out differently; () where
            positions are matched by number, and of all but "mean".
    """

    fault: str
    unit: float | None
    prompts: int
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InterventionsReading:
    """What is known of a pair's interventions.

    Attributes:
        of: Each, in the pair's order.
    """

    of: tuple[InterventionReading, ...]


@dataclass(frozen=True, slots=True)
class Followed:
    """A token whose probability is followed.

    Attributes:
        token: The token.
        part: Why: it is the answer, the distractor, likely without interventions, or a control,
            which is about as likely as the answer there.
    """

    token: Token
    part: Part


@dataclass(frozen=True, slots=True, eq=False)
class StrengthReading:
    """What an intervention does to the clean prompt by its strength; nobody writes to it.

    Attributes:
        strengths: How strong, in the op's own number, from the least on.
        shares: The same as shares of the stream's median norm; None where a strength is no length.
        metric_name: What the metric is called.
        without: The metric without this intervention, the others as they are.
        followed: Tokens that are followed.
        metric: The metric, [strength]; NaN where not yet known.
        divergence: KL(next token without it ‖ with it) in nats, [strength].
        probabilities: Of the tokens that are followed, at the last position, [strength, token].
        placebos: The metric of each random direction as long as the vector, [placebo, strength].
    """

    strengths: tuple[float, ...]
    shares: tuple[float, ...] | None
    metric_name: MetricName
    without: float
    followed: tuple[Followed, ...]
    metric: Numbers
    divergence: Numbers
    probabilities: Numbers
    placebos: Numbers

    @property
    def is_off_distribution(self) -> NDArray[np.bool_]:
        """Where the next token is no longer that of such a prompt, [strength]."""
        return np.asarray(self.divergence > OFF_DISTRIBUTION)

    @property
    def is_whole(self) -> bool:
        """Whether everything is known."""
        return bool(np.isfinite(self.metric).all() and np.isfinite(self.placebos).all())


@dataclass(frozen=True, slots=True, eq=False)
class SetReading:
    """What a set of interventions does to the metric of clean prompts; nobody writes to it.

    Attributes:
        pairs: What each pair is called.
        metric_name: What the metric is called.
        before: The metric under none of the set, [pair]; NaN where not yet known.
        after: Under all of it, [pair].
        last: What each member changes where the rest of the set is done already, [member, pair].
        first: What each member changes alone, [member, pair].
        change_ends: Where the mean of after − before lies in 95 % of resamples of the pairs, [2];
            NaN for fewer than two.
        last_ends: The same of what each member changes last, [2, member].
        faults: Why pairs are left out, a sentence each.
    """

    pairs: tuple[str, ...]
    metric_name: MetricName
    before: Numbers
    after: Numbers
    last: Numbers
    first: Numbers
    change_ends: Numbers
    last_ends: Numbers
    faults: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """How many numbers are known."""
        parts = self.before, self.after, self.last, self.first
        return int(sum(np.isfinite(part).sum() for part in parts))

    @property
    def total(self) -> int:
        """How many there are to be."""
        return sum(part.size for part in (self.before, self.after, self.last, self.first))
