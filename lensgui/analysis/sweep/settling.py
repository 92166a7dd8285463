"""Which cells of a sweep are known without being run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from lensgui.analysis.sweep.patches import Patch
from lensgui.analysis.sweep.strands import Cell


class Map(Protocol):
    """Values of cells, [layer, …], and which of them are unchanged."""

    @property
    def values(self) -> Tensor:
        """Return patched − base."""
        ...

    @property
    def unchanged(self) -> Tensor:
        """Return which cells are 0 because nothing that is read changes."""
        ...


class Settling:
    """Enters the cells whose patch changes nothing, or nothing that is read: they are 0."""

    def __init__(self, patches: Sequence[Patch], maps: Sequence[Map], equal: int, end: int) -> None:
        """Settle nothing yet.

        Args:
            patches: What cells put in.
            maps: A map for each patch, of which nothing is known.
            equal: How many positions at the start are unchanged by causality, though runs that were
                made in different batches may round differently there.
            end: The position after the last one that is read.
        """
        self._patches, self._maps = patches, maps
        self._equal, self._end = equal, end
        self._settled: set[tuple[int, int]] = set()

    def idle(self, number: int) -> Tensor:
        """Return which cells of a patch change nothing that is read, whatever they put in.

        Returns:
            [layer, …], the layers sharing their memory.
        """
        patch = self._patches[number]
        found = torch.zeros(patch.shape, dtype=torch.bool)
        for at, axis in enumerate(patch.kind.axes[1:]):
            if axis in ("position", "source"):
                places = torch.arange(patch.shape[at])
                idle = places >= self._end
                if axis == "position":
                    idle |= places < self._equal
                found |= idle.view(-1, *(1,) * (found.ndim - at - 1))
        return found.expand(self._maps[number].values.shape)

    def layer(self, layer: int) -> None:
        """Settle what is unchanged in a layer that both runs know."""
        for number in range(len(self._patches)):
            self._settle(number, layer)

    def live(self, number: int, layer: int, cells: list[Cell]) -> list[Cell]:
        """Return the cells of a patch and a layer that must be run, settling the others."""
        self._settle(number, layer)
        unchanged = self._maps[number].unchanged[layer].tolist()
        return [cell for cell in cells if not _at(unchanged, cell.index)]

    def _settle(self, number: int, layer: int) -> None:
        if (number, layer) in self._settled:
            return
        self._settled.add((number, layer))
        known = self._maps[number]
        unchanged = self._patches[number].unchanged(layer).cpu() | self.idle(number)[layer]
        known.unchanged[layer] = unchanged
        known.values[layer][unchanged] = 0.0


def _at(nested: object, index: tuple[int, ...]) -> bool:
    """Return what stands at an index of nested lists."""
    for place in index:
        assert isinstance(nested, list)
        nested = nested[place]
    return bool(nested)
