"""Which positions a forward pass covers, which earlier ones each may see, and what these keep."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.transformer.config import HookedTransformerConfig
from lensgui.transformer.layers import positions


class Span:
    """A run of positions that follows `past` positions already run.

    Attributes:
        past: How many positions stand before.
        length: How many positions are run.
        positions: The number of each for position embeddings, [batch or 1, position]; padding does
            not count.
        has_blind_rows: Whether some position may see nothing at all, as padding may.
        embedded: The position embeddings that queries and keys read, [batch, position, d_model],
            where hooks have seen them; None for the model's own, or none.
        rotations: How queries and keys turn, in "global" layers and in "local" ones where those
            differ; empty without rotary embedding.
    """

    def __init__(
        self,
        cfg: HookedTransformerConfig,
        length: int,
        past: int = 0,
        attention_mask: Tensor | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """Describe a run of positions.

        Args:
            cfg: The model's numbers.
            length: How many positions are run.
            past: How many stand before.
            attention_mask: 1 for a token, 0 for padding, [batch, past + length]; None for no
                padding.
            device: Where the tensors go.
        """
        self.past, self.length = past, length
        self._device = device
        self.embedded: Tensor | None = None
        self._padding = None if attention_mask is None else attention_mask.to(device).bool()
        if self._padding is None:
            self._counted = torch.arange(past + length, device=device)[None]
            self.has_blind_rows = False
        else:
            self._counted = (self._padding.long().cumsum(-1) - 1).clamp(min=0)
            self.has_blind_rows = not bool(self._padding.all())
        self.positions = self._counted[:, past:]
        self.rotations = positions.rotations(cfg, self.positions)
        self._slopes = (
            positions.slopes(cfg).to(device) if cfg.positional_embedding_type == "alibi" else None
        )
        self._visible: dict[tuple[int | None, int], Tensor] = {}
        self._alibi: dict[int, Tensor] = {}

    @property
    def where(self) -> range:
        """The positions that are run."""
        return range(self.past, self.past + self.length)

    def visible(self, queries: int | None = None, window: int | None = None) -> Tensor:
        """Return which sources each query may see.

        Args:
            queries: How many of the last positions ask; None for all.
            window: How many positions back a query may look, itself included; None for all.

        Returns:
            Booleans, [batch or 1, 1, query, past + position].
        """
        queries = self.length if queries is None else queries
        key = (window, queries)
        if key not in self._visible:
            self._visible[key] = self._work_out(queries, window)
        return self._visible[key]

    def alibi(self, queries: int) -> Tensor:
        """Return what is added to scores for the distance of each source.

        Args:
            queries: How many of the last positions ask.

        Returns:
            Slope × (source − query position), [batch or 1, head, query, past + position].
        """
        assert self._slopes is not None
        if queries not in self._alibi:
            sources = self._counted.to(self._slopes.dtype)
            distances = sources[:, None, :] - sources[:, -queries:, None]
            self._alibi[queries] = self._slopes[:, None, None] * distances[:, None]
        return self._alibi[queries]

    def _work_out(self, queries: int, window: int | None) -> Tensor:
        end = self.past + self.length
        destination = torch.arange(end - queries, end, device=self._device)[:, None]
        source = torch.arange(end, device=self._device)
        visible = source <= destination
        if window is not None:
            visible = visible & (destination - source < window)
        if self._padding is None:
            return visible[None, None]
        return visible & self._padding[:, None, None, :]


@dataclass(slots=True)
class KeyValues:
    """Keys (already turned) and values of the positions before a span.

    Attributes:
        k: [batch or 1, position, key_value_head, d_head]; a batch of 1 is shared by all rows,
            without a copy.
        v: Likewise, [..., d_value].
        grows: Whether attention appends the span's own, as generation wants.
        mask: 1 for a token, 0 for padding, [batch, position]; None for no padding. Only layer 0's
            is kept.
    """

    k: Tensor
    v: Tensor
    grows: bool = False
    mask: Tensor | None = None

    def append(self, k: Tensor, v: Tensor) -> None:
        """Add a span's keys and values at the end."""
        self.k = torch.cat([self.k, k], dim=1)
        self.v = torch.cat([self.v, v], dim=1)
