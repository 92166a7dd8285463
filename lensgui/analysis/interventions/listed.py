"""Interventions with all that they need beside themselves: vectors, and prompts for means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import Intervention

LEAST_PROMPTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Interventions:
    """Interventions in order, with what they name.

    Attributes:
        listed: What is done. At one place of the model in this order, each reading what the one
            before has written; elsewhere in the order in which the model comes to the places.
        vectors: The vectors that they name, by content; see `Vectors`.
        reference: Runs without interventions of the prompts that "mean" is taken over. Prompts of
            the length of the one at hand give a mean for each position, and others one over all
            positions after 0; the prompt at hand itself is left out.
    """

    listed: tuple[Intervention, ...] = ()
    vectors: Mapping[str, Tensor] = field(default_factory=dict)
    reference: Sequence[Run] = ()

    @classmethod
    def of(cls, given: Interventions | Iterable[Intervention]) -> Interventions:
        """Return interventions as they are, or a list of those that name nothing."""
        return given if isinstance(given, Interventions) else cls(tuple(given))

    @property
    def acting(self) -> tuple[Intervention, ...]:
        """Those that are on."""
        return tuple(one for one in self.listed if one.is_on)
