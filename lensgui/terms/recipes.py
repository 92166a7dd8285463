"""What a vector of the stream is made of, and what is done along it once it is there.

A recipe is a value, so that who asks for a vector needs no model; where it is made of prompts, it
is of the pair, or of the pairs, that are asked about with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lensgui.terms.interventions import Intervention, Op, Site, Vector, Where


@dataclass(frozen=True, slots=True)
class OfToken:
    """What raises a token's logit over those of all others.

    Attributes:
        token: Its id.
    """

    token: int


@dataclass(frozen=True, slots=True)
class OfPairs:
    """The mean of clean − corrupted in the stream behind a layer: a difference of means.

    Attributes:
        layer: The layer; the stream is read as it leaves it, at "resid_post".
        position: Where.
    """

    layer: int
    position: int


@dataclass(frozen=True, slots=True)
class OfHead:
    """What a head writes to the stream at a position of the clean prompt.

    Attributes:
        layer: Its layer.
        head: Its number in it.
        position: Where.
    """

    layer: int
    head: int
    position: int


@dataclass(frozen=True, slots=True)
class OfFile:
    """What a file holds: one vector for each layer of its.

    Attributes:
        path: The file: .gguf, .safetensors or .npz.
    """

    path: str


Recipe = OfToken | OfPairs | OfHead | OfFile


@dataclass(frozen=True, slots=True)
class Unmade:
    """Interventions along vectors that have to be made first.

    Attributes:
        recipe: What the vectors are made of.
        op: What is done along each.
        strength: How much.
        site: Where; None for the stream behind the layer that a vector is of.
        where: At which positions.
    """

    recipe: Recipe
    op: Op
    strength: float = 1.0
    site: Site | None = None
    where: Where = "all"

    def made(self, vectors: Iterable[tuple[int | None, Vector]]) -> tuple[Intervention, ...]:
        """Return the interventions, once the vectors are there.

        Args:
            vectors: Each with the layer behind which it is added; None where any will do.

        Raises:
            ValueError: If nothing says where one acts.
        """
        return tuple(
            Intervention(
                self.site or Site("resid_post", layer),
                self.op,
                self.where,
                self.strength,
                vector=vector,
            )
            for layer, vector in vectors
        )


Addition = Intervention | Unmade
