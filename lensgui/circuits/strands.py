"""Cells with one first changed position: they attend to the same unchanged prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.circuits.patches import Patch, Stage
from lensgui.circuits.runs import Run
from lensgui.engine.layers.span import Span


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


class Strand:
    """Cells with one first changed position, which join the batch where they enter.

    Attributes:
        cells: The cells that have joined, in the order of the rows.
        rows: The residual stream of those between two layers, [cell, position, d_model]; after the
            last layer only the positions that are read.
        middle: The same between attention and MLP, those that enter there included.
        before: What the MLP of a parallel block reads instead; elsewhere `middle`.
    """

    def __init__(
        self, patches: Sequence[Patch], base: Run, cells: list[Cell], start: int, end: int
    ) -> None:
        """Start with no rows.

        Args:
            patches: What the cells put in.
            base: The run that is patched into.
            cells: The cells.
            start: The first position that they change.
            end: The position after the last one that is read.
        """
        self.cells: list[Cell] = []
        self._patches, self._base = patches, base
        self._waiting: dict[tuple[Stage, int], dict[int, list[Cell]]] = {}
        for cell in cells:
            place = patches[cell.patch].stage, cell.layer
            self._waiting.setdefault(place, {}).setdefault(cell.patch, []).append(cell)
        self._start, self._end = start, end
        self._span = Span(base.model.cfg, end - start, start, device=base.residuals[0].device)
        self.rows = base.residuals[0].new_empty(0, end - start, base.model.cfg.d_model)
        self.middle = self.before = self.rows

    def enter(self, layer: int) -> None:
        """Take in the cells that enter before a layer."""
        self.rows = self._joined(self.rows, "pre", layer)

    def heads(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return what a layer's heads put out for some cells, [cell, query, head, d_head].

        Args:
            layer: The layer.
            q: Queries of the last positions, as `Attention.projected` gives them,
                [cell, query, head, d_head].
            k: Keys, [cell, position, key_value_head, d_head].
            v: Values, likewise.
        """
        past = self._base.before(layer, self._start)
        return self._base.model.blocks[layer].attn.mixed(q, k, v, self._span, past)

    def arrive(self, layer: int, attended: Tensor) -> None:
        """Take the stream [cell, query, d_model] behind a layer's attention, and who enters there.

        In the last layer only the positions that are read.
        """
        width = attended.shape[1]
        self.middle = self.before = self._joined(attended, "mid", layer)
        if self._base.model.cfg.parallel_attn_mlp:
            entered = len(self.middle) - len(attended)
            base = self._base.residuals[layer][self._end - width : self._end]
            before = self.rows[:, self.rows.shape[1] - width :]
            self.before = torch.cat([before, base.expand(entered, -1, -1)])

    def leave(self, layer: int, rows: Tensor) -> None:
        """Take the stream [cell · position, d_model] behind a layer's MLP."""
        self.rows = self._joined(rows.view(self.middle.shape), "post", layer)

    def _joined(self, rows: Tensor, stage: Stage, layer: int) -> Tensor:
        """Return rows with those of the cells that enter somewhere behind them."""
        parts = [rows]
        for number, cells in self._waiting.get((stage, layer), {}).items():
            indices = [cell.index for cell in cells]
            fresh = self._patches[number].rows(layer, indices, self._span)
            parts.append(fresh[:, -rows.shape[1] :])
            self.cells += cells
        return rows if len(parts) == 1 else torch.cat(parts)
