"""What every question says of itself: what it is about, and how long it may wait."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.prompts.sides import reads_both


class Urgency(IntEnum):
    """How long a question may wait: the least is answered first.

    A job runs only while nothing more urgent is left to do; all but the last kind are short.
    """

    VIEW = 0
    TYPING = 1
    SELECTION = 2
    SWEEP = 3
    LAST = 4


class Request:
    """A question, with what is known of its kind.

    Attributes:
        doing: What the status line says while it is answered.
        reported: Which of several that run the status line names: the least.
        of_its_kind: How long it may wait where it is about one pair.
        rows: Pairs that are averaged over; () for the one pair.
        can_be_kept: Whether an answer may be given again without its being worked out again.
        is_of_equals: Whether it always matches positions of its one pair by number.
        finishes: Whether what has begun is brought to its end even if another is asked meanwhile.
    """

    __slots__ = ()
    doing: ClassVar[str]
    reported: ClassVar[int] = 4
    of_its_kind: ClassVar[Urgency] = Urgency.SWEEP
    finishes: ClassVar[bool] = False
    can_be_kept: ClassVar[bool] = True
    is_of_equals: ClassVar[bool] = False

    @property
    def about(self) -> tuple[object, ...]:
        """The model and the prompts that it is about, whatever is done to the model meanwhile."""
        model, pair, rows = (getattr(self, name, None) for name in ("model", "pair", "rows"))
        if isinstance(pair, PromptPair) and pair.interventions:
            pair, rows = pair.plain, tuple(row.under(()) for row in rows or ())
        return model, pair, rows

    @property
    def fuller(self) -> Request:
        """The question whose answer says all that is asked here and more; itself if none does."""
        return self

    @property
    def rows(self) -> tuple[PairRow, ...]:
        """Most questions are about one pair."""
        return ()

    @property
    def urgency(self) -> Urgency:
        """How long it may wait; averages over many pairs take long, whatever they are of."""
        return Urgency.SWEEP if self.rows else self.of_its_kind

    @property
    def is_slow(self) -> bool:
        """Whether it takes long enough to wait for the user to pause."""
        return self.urgency >= Urgency.SWEEP

    @property
    def needs_equal_lengths(self) -> bool:
        """Whether it has no answer where the prompts of its one pair differ in length.

        A difference of the two prompts has none; one of a prompt under interventions and without
        them always has.
        """
        is_of_both = reads_both(getattr(self, "side", "clean"))
        return not self.rows and (self.is_of_equals or is_of_both)
