"""Cells with one first changed position: they attend to the same unchanged prefix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.patches import Patch, Stage
from lensgui.transformer.layers.span import Span


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a map.

    Attributes:
        patch: Which of the patches it belongs to.
        layer: Its layer.
        index: Its place on the map's other axes.
    """

    patch: int
    layer: int
    index: tuple[int, ...]


Live = Callable[[int, int, list[Cell]], list[Cell]]
"""From a patch's number, a layer and cells to those of them that change anything."""


def by_start(patches: Sequence[Patch], cells: list[Cell], end: int) -> dict[int, list[Cell]]:
    """Return cells by the first position that they change.

    Args:
        patches: What the cells put in.
        cells: The cells.
        end: The position after the last one that is read.
    """
    starts: dict[int, list[Cell]] = {}
    everywhere = first_changed(patches, end)
    for cell in cells:
        start = patches[cell.patch].start(cell.index)
        starts.setdefault(everywhere if start is None else start, []).append(cell)
    return starts


def first_changed(patches: Sequence[Patch], end: int) -> int:
    """Return where the embeddings first differ: what patching all positions changes first."""
    source, base = patches[0].source.residual(0), patches[0].base.residual(0)
    differs = (source != base).any(-1).nonzero()
    return min(int(differs[0]), end - 1) if len(differs) else end - 1


class CellStrand:
    """Cells with one first changed position, which join the batch where they enter.

    Attributes:
        cells: The cells that have joined, in the order of the rows.
        rows: The residual stream of those between two layers, [cell, position, d_model]; after the
            last layer only the positions that are read.
        middle: The same between attention and MLP, those that enter there included.
        before: What the MLP of a parallel block reads instead; elsewhere `middle`.
        hears: Nothing is kept of them.
    """

    hears: frozenset[str] = frozenset()

    def __init__(
        self,
        patches: Sequence[Patch],
        base: Run,
        cells: list[Cell],
        start: int,
        read: slice,
        live: Live | None = None,
    ) -> None:
        """Start with no rows.

        Args:
            patches: What the cells put in.
            base: The run that is patched into.
            cells: The cells.
            start: The first position that they change.
            read: The positions that are read.
            live: Returns which cells of a patch and a layer change anything, when these enter;
                None if all do.
        """
        self.cells: list[Cell] = []
        self._patches, self._base, self._live = patches, base, live
        self._waiting: dict[tuple[Stage, int], dict[int, list[Cell]]] = {}
        for cell in cells:
            place = patches[cell.patch].stage, cell.layer
            self._waiting.setdefault(place, {}).setdefault(cell.patch, []).append(cell)
        self._start, self._end, self._reads = start, read.stop, read.stop - read.start
        length = read.stop - start
        self._span = Span(base.model.cfg, length, start, device=base.residuals[0].device)
        self.rows = base.residuals[0].new_empty(0, length, base.model.cfg.d_model)
        self.middle = self.before = self.rows

    def asked(self, layer: int) -> int:
        """In the last layer only what is read is wanted."""
        length = self.rows.shape[1]
        is_last = layer == self._base.model.cfg.n_layers - 1
        return min(length, self._reads) if is_last else length

    def enter(self, layer: int) -> None:
        """Take in the cells that enter before a layer."""
        self.rows = self._joined(self.rows, "pre", layer)

    def heads(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return what a layer's heads put out for some cells, beside the base run's prefix."""
        past = self._base.before(layer, self._start)
        return self._base.model.blocks[layer].attn.mixed(q, k, v, self._span, past)

    def arrive(self, layer: int, attended: Tensor) -> None:
        """Take the stream behind a layer's attention, and the cells that enter there."""
        width = attended.shape[1]
        self.middle = self.before = self._joined(attended, "mid", layer)
        if self._base.model.cfg.parallel_attn_mlp:
            entered = len(self.middle) - len(attended)
            base = self._base.residuals[layer][self._end - width : self._end]
            before = self.rows[:, self.rows.shape[1] - width :]
            self.before = torch.cat([before, base.expand(entered, -1, -1)])

    def leave(self, layer: int, rows: Tensor) -> None:
        """Take the stream behind a layer's MLP, and the cells that enter there."""
        self.rows = self._joined(rows, "post", layer)

    def hear(self, layer: int, name: str, output: Tensor) -> None:
        """Nothing is kept."""

    def _joined(self, rows: Tensor, stage: Stage, layer: int) -> Tensor:
        """Return rows with those of the cells that enter somewhere behind them."""
        parts = [rows]
        for number, waiting in self._waiting.get((stage, layer), {}).items():
            cells = self._live(number, layer, waiting) if self._live else waiting
            if cells:
                indices = [cell.index for cell in cells]
                fresh = self._patches[number].rows(layer, indices, self._span)
                parts.append(fresh[:, -rows.shape[1] :])
                self.cells += cells
        return rows if len(parts) == 1 else torch.cat(parts)
