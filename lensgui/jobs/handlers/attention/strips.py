"""What a grid of attention leaves to those of prompts that begin alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from lensgui.analysis.run.run import shared


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """What is known of some heads of a layer, from one query on.

    Attributes:
        small: What is drawn of them, pooled, [head, row, column].
        peak: The largest size of what is drawn at the last query, [head].
        scores: Of each run the scores of its queries, [score, head, position].
        strongest: Each query's strongest edge, and its source, each [head, position].
    """

    small: Tensor
    peak: Tensor
    scores: tuple[Tensor, ...]
    strongest: tuple[Tensor, Tensor]

    def of(self, heads: slice) -> Strip:
        """Return the same of some of the heads."""
        values, sources = (of[heads] for of in self.strongest)
        scores = tuple(of[:, heads] for of in self.scores)
        return Strip(self.small[heads], self.peak[heads], scores, (values, sources))

    def behind(self, before: Strip, start: int, step: int, unseen: float) -> Strip:
        """Return them with those of the queries that come before.

        Args:
            before: What another prompt gave that begins alike.
            start: How many of its queries come before.
            step: How many queries a pooled row holds.
            unseen: What later sources count.
        """
        rows, side = start // step, self.small.shape[-1]
        above = before.small[:, :rows, :side]
        above = F.pad(above, (0, side - above.shape[-1]), value=unseen)
        scores = [
            torch.cat([old[..., :start], new], -1)
            for old, new in zip(before.scores, self.scores, strict=True)
        ]
        pairs = zip(before.strongest, self.strongest, strict=True)
        values, sources = (torch.cat([old[:, :start], new], -1) for old, new in pairs)
        small = torch.cat([above, self.small], 1)
        return Strip(small, self.peak, tuple(scores), (values, sources))


def side_by_side(parts: Sequence[Strip]) -> Strip:
    """Return what is known of a layer's heads from what is known of some each."""
    if len(parts) == 1:
        return parts[0]
    small, peak = (torch.cat(of) for of in ([p.small for p in parts], [p.peak for p in parts]))
    scores = [torch.cat(of, 1) for of in zip(*(part.scores for part in parts), strict=True)]
    values, sources = map(torch.cat, zip(*(part.strongest for part in parts), strict=True))
    return Strip(small, peak, tuple(scores), (values, sources))


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What a grid leaves to those of prompts that begin alike.

    Attributes:
        way: What is drawn and how; a grid of another way has nothing to give.
        tokens: Token ids of each prompt.
        layers: What is known of each layer that is whole.
    """

    way: tuple[object, ...]
    tokens: tuple[tuple[int, ...], ...]
    layers: dict[int, Strip] = field(default_factory=dict)

    def shared(self, tokens: Sequence[tuple[int, ...]]) -> int:
        """Return how many queries of all prompts are theirs too, the last of theirs left out."""
        pairs = zip(self.tokens, tokens, strict=True)
        return min(shared(mine, theirs[:-1]) for mine, theirs in pairs)
