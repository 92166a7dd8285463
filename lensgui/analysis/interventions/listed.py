"""Interventions with the prompts that means are over, and the vectors that they name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lensgui.analysis.interventions.reference import Places, Reference
from lensgui.analysis.run.run import Run
from lensgui.terms import vectors
from lensgui.terms.interventions import Intervention, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Interventions:
    """Interventions in order, with the prompts that "mean" is over.

    Attributes:
        listed: What is done. At one place of the model in this order, each reading what the one
            before has written; elsewhere in the order in which the model comes to the places.
        reference: Runs without interventions of the prompts that "mean" is taken over, or these
            prompts as a `Reference`, which has its own places, runs them. The prompt at hand itself
            is left out. Others of its length give a mean for each position. Where they are laid out
            differently, what is set at a named token is the mean over that token in the others, at
            position 0 that over their positions 0, and elsewhere one over all their positions after
            0; without names it is this one everywhere.
        places: Where named tokens stand in prompts, by token ids as `Run.ids` has them, such as
            {run.ids: {"S1": 1, "end": 13}}: in those of `reference`, and in those that are run
            under these.
    """

    listed: tuple[Intervention, ...] = ()
    reference: Sequence[Run] | Reference = ()
    places: Places = field(default_factory=dict)

    @classmethod
    def of(cls, given: Interventions | Intervention | Iterable[Intervention]) -> Interventions:
        """Return interventions as they are, or one or several that need no prompts."""
        if isinstance(given, Intervention):
            return cls((given,))
        return given if isinstance(given, Interventions) else cls(tuple(given))

    @property
    def acting(self) -> tuple[Intervention, ...]:
        """Those that are on."""
        return tuple(one for one in self.listed if one.is_on)


def keep_vector(name: str, vector: Tensor | str) -> Vector:
    """Keep a direction of the stream, and return what names it in interventions.

    Two vectors of the same numbers are one, whatever they are called. They are kept in float32, for
    as long as the process lives.

    Args:
        name: What it is called.
        vector: [d_model]; or its float32 numbers as base64 text, as copied Python has them.

    Raises:
        ValueError: If it is no vector, is not finite, or is 0.
    """
    if isinstance(vector, str):
        return Vector(name, vectors.keep(name, vectors.from_text(name, vector)))
    numbers = vector.detach().to("cpu", torch.float32).numpy()
    return Vector(name, vectors.keep(name, numbers))


def kept_vector(named: Vector) -> Tensor:
    """Return the vector that is named, [d_model], in float32 and in host memory.

    Raises:
        ValueError: If it was never kept.
    """
    numbers = vectors.kept(named.content)
    if numbers is None:
        raise ValueError(f"the vector “{named.name}” is not here.")
    return torch.tensor(numbers)
