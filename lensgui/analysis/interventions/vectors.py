"""Directions of the stream by the hash of their content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

import torch
from torch import Tensor

from lensgui.terms.interventions import Vector


class Vectors(Mapping[str, Tensor]):
    """Vectors that interventions name, [d_model] each, in float32 and in host memory.

    Two vectors of the same numbers are one, whatever they are called.
    """

    def __init__(self) -> None:
        """Know none."""
        self._known: dict[str, Tensor] = {}

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
