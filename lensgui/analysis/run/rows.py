"""Rows of activations that runs share: a run holds its own and points to those before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import torch
from torch import Tensor

FEW = 64  # rows that are copied sooner than looked after in pieces

Pieces = tuple[Tensor, ...]


class Rows(Sequence[Tensor]):
    """An activation of each layer known so far, perhaps in pieces that other runs hold too.

    A prompt that is typed key by key shares all but its end with the one before: copying that each
    time would take longer than to run it. Pieces are joined where a whole layer is looked at, and
    small ones at once, so that there are few.
    """

    def __init__(self, axis: int) -> None:
        """Know nothing yet.

        Args:
            axis: Which axis of the activation are the positions.
        """
        self._axis = axis
        self._layers: list[Pieces] = []

    def __len__(self) -> int:
        """Return how many layers are known."""
        return len(self._layers)

    @overload
    def __getitem__(self, layer: int) -> Tensor: ...
    @overload
    def __getitem__(self, layer: slice) -> list[Tensor]: ...
    def __getitem__(self, layer: int | slice) -> Tensor | list[Tensor]:
        """Return a whole layer; its pieces are joined for good."""
        if isinstance(layer, slice):
            return [self[at] for at in range(len(self))[layer]]
        pieces = self._layers[layer]
        if len(pieces) > 1:
            pieces = self._layers[layer] = (torch.cat(pieces, self._axis),)
        return pieces[0]

    def __iter__(self) -> Iterator[Tensor]:
        """Yield whole layers."""
        return iter(self[:])

    def forget(self, layer: int) -> None:
        """Know this layer and later ones no more."""
        del self._layers[layer:]

    def pieces(self, layer: int) -> Pieces:
        """Return a layer as it lies in memory."""
        return self._layers[layer]

    def first(self, layer: int, count: int) -> Pieces:
        """Return some first rows of a layer, without a copy unless much else would be held."""
        found = []
        for piece in self._layers[layer]:
            rows = piece.narrow(self._axis, 0, min(count, piece.shape[self._axis]))
            found.append(_owned(rows))
            count -= rows.shape[self._axis]
            if not count:
                break
        return tuple(found)

    def last(self, layer: int, count: int) -> Tensor:
        """Return some last rows of a layer."""
        length = self._layers[layer][-1].shape[self._axis]
        whole = self._layers[layer][-1] if count <= length else self[layer]
        return whole.narrow(self._axis, whole.shape[self._axis] - count, count)

    def row(self, layer: int, position: int) -> Tensor:
        """Return one row of a layer, without its axis."""
        for piece in self._layers[layer]:
            if position < piece.shape[self._axis]:
                return piece.select(self._axis, position)
            position -= piece.shape[self._axis]
        raise IndexError("There is no row behind the last.")

    def add(self, own: Tensor | None, before: Pieces = ()) -> None:
        """Know another layer.

        Args:
            own: Rows that nobody else has, perhaps in memory that holds more; None for none.
            before: Those before, as `first` gives them.
        """
        pieces = list(before)
        if own is not None:
            pieces.append(own.clone() if not pieces else own)
        total = sum(piece.shape[self._axis] for piece in pieces)
        while len(pieces) > 1 and (total <= FEW or self._are_alike(*pieces[-2:])):
            pieces[-2:] = [torch.cat(pieces[-2:], self._axis)]
        pieces[-1] = _owned(pieces[-1])
        self._layers.append(tuple(pieces))

    def _are_alike(self, some: Tensor, others: Tensor) -> bool:
        """Whether two pieces are of about one size: joining those only leaves few, at low cost."""
        return some.shape[self._axis] <= 2 * others.shape[self._axis]


def _owned(rows: Tensor) -> Tensor:
    """Return rows in memory of their own, if what they are part of is more than twice as much."""
    return rows.clone() if 2 * rows.nbytes < rows.untyped_storage().nbytes() else rows
