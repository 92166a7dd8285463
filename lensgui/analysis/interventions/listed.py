"""Interventions with all that they need beside themselves: vectors, and prompts for means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.terms.interventions import Intervention, Vector

LEAST_PROMPTS = 8


class Vectors(Mapping[str, Tensor]):
    """Vectors that interventions name, [d_model] each, in float32 and in host memory.

    Two vectors of the same numbers are one, whatever they are called.
    """

    def __init__(self, others: Mapping[str, Tensor] | None = None) -> None:
        """Know none, or those that others know."""
        self._known: dict[str, Tensor] = dict(others or {})

    def add(self, name: str, vector: Tensor) -> Vector:
        """Keep a vector, and return what names it in an intervention.

        Args:
            name: What it is called.
            vector: [d_model].

        Raises:
            ValueError: If it is no vector, is not finite, or is 0.
        """
        if vector.ndim != 1:
            raise ValueError(
                f"The vector “{name}” has the shape {list(vector.shape)}: give one row, [d_model]."
            )
        kept = vector.detach().to("cpu", torch.float32, copy=True).contiguous()
        if not kept.isfinite().all():
            raise ValueError(f"The vector “{name}” is not finite.")
        if not kept.any():
            raise ValueError(f"The vector “{name}” is 0, so it has no direction.")
        content = sha256(kept.numpy().tobytes()).hexdigest()[:32]
        self._known.setdefault(content, kept)
        return Vector(name, content)

    def __getitem__(self, content: str) -> Tensor:
        """Return the vector of some content."""
        return self._known[content]

    def __iter__(self) -> Iterator[str]:
        """Yield what is known of."""
        return iter(self._known)

    def __len__(self) -> int:
        """Return how many vectors are known."""
        return len(self._known)


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
    def of(cls, given: Interventions | Intervention | Iterable[Intervention]) -> Interventions:
        """Return interventions as they are, or one or several of those that name nothing."""
        if isinstance(given, Intervention):
            return cls((given,))
        return given if isinstance(given, Interventions) else cls(tuple(given))

    @property
    def acting(self) -> tuple[Intervention, ...]:
        """Those that are on."""
        return tuple(one for one in self.listed if one.is_on)
