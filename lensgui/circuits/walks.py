"""Cells of a sweep, on their way through the layers together."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lensgui.circuits.metrics import Metric
from lensgui.circuits.patches import Patch
from lensgui.circuits.runs import Run, read_out, rows_at_once
from lensgui.circuits.strands import Cell, Strand, by_start
from lensgui.engine.devices import free_bytes

log = logging.getLogger(__name__)

MOST_ROWS = 4096  # more make the products no faster, and the first numbers late
MOST_ROWS_IN_ORDER = 768  # fewer still, where the most important cells are wanted first
MERGED_ROWS = 1152  # of cells with different first positions; beyond, weights are read often enough
_COPIES = 6  # of its rows that a cell needs at once: carried, entering, and inside a layer


def group(
    patches: Sequence[Patch],
    wanted: Sequence[Tensor],
    base: Run,
    end: int,
    budget: int | None = None,
    first: Sequence[Tensor] | None = None,
) -> Iterator[list[Cell]]:
    """Yield cells that walk together, as many as the budget allows.

    Args:
        patches: What the cells put in.
        wanted: Which cells of each patch are to be run, [layer, …].
        base: The run that is patched into.
        end: The position after the one that is read.
        budget: Bytes; None for a quarter of the free memory.
        first: How important each cell of each patch is, [layer, …]: the most important come first.
            None to begin with the latest positions, which are the cheapest.

    Raises:
        ValueError: If one cell needs more than the budget.
    """
    limit = free_bytes(base.residuals[0].device) // 4 if budget is None else budget
    fitting = limit // (base.residuals[0][0].nbytes * _COPIES)
    most = min(fitting, MOST_ROWS if first is None else MOST_ROWS_IN_ORDER)
    pieces: list[tuple[float, int, list[Cell]]] = []
    cells = [
        Cell(number, layer, tuple(index))
        for number, which in enumerate(wanted)
        for layer, *index in which.nonzero().tolist()
    ]
    for start, together in sorted(by_start(patches, cells, end).items(), reverse=True):
        rows = end - start
        if rows > fitting:
            needed = rows * base.residuals[0][0].nbytes * _COPIES
            raise ValueError(
                f"One cell of this sweep needs {needed:,} bytes and {limit:,} are allowed: "
                "allow more, or shorten the prompt."
            )
        weights = _importance(together, first)
        order = sorted(range(len(together)), key=lambda at: -weights[at])
        count = max(1, most // rows)
        for at in range(0, len(order), count):
            some = [together[number] for number in order[at : at + count]]
            pieces.append((weights[order[at]], rows * len(some), some))
    pieces.sort(key=lambda piece: -piece[0])
    yield from _merged(pieces, min(most, MERGED_ROWS))


def _merged(pieces: list[tuple[float, int, list[Cell]]], most: int) -> Iterator[list[Cell]]:
    """Yield cells of neighbouring small pieces together, up to so many rows."""
    waiting: list[Cell] = []
    rows = 0
    for _, size, cells in pieces:
        if waiting and rows + size > most:
            yield waiting
            waiting, rows = [], 0
        waiting, rows = waiting + cells, rows + size
    if waiting:
        yield waiting


def _importance(cells: list[Cell], first: Sequence[Tensor] | None) -> list[float]:
    """Return how important each cell is; all the same if nobody said."""
    if first is None:
        return [0.0] * len(cells)
    return [abs(float(first[cell.patch][(cell.layer, *cell.index)])) for cell in cells]


def measured(
    patches: Sequence[Patch], base: Run, cells: list[Cell], end: int, metric: Metric
) -> Iterator[tuple[list[Cell], Tensor] | None]:
    """Run cells together: yield None between pieces of ~50 ms, then the cells and their metric.

    A walk that memory refuses is halved and run again.

    Raises:
        torch.OutOfMemoryError: If a single cell is refused.
    """
    waiting = [cells]
    while waiting:
        some = waiting.pop(0)
        walk, found = Walk(patches, base, some, end), None
        try:
            for _ in walk.through():
                yield None
            found = walk.cells, walk.metric(metric)
        except torch.OutOfMemoryError:
            if len(some) == 1:
                raise
        del walk  # what it holds must be gone before its halves run
        if found is None:
            log.info("Memory is short: a walk of %d cells is run in two halves.", len(some))
            half = len(some) // 2
            waiting[:0] = [some[:half], some[half:]]
        else:
            yield found


class Walk:
    """Some cells on their way through the layers; each joins where it enters.

    Cells with one first changed position attend together, and the rows of all go through an MLP at
    once: reading its weights takes as long as some hundred rows.

    Attributes:
        cells: The cells, in the order of `metric`.
    """

    def __init__(self, patches: Sequence[Patch], base: Run, cells: list[Cell], end: int) -> None:
        """Start with no rows.

        Args:
            patches: What the cells put in.
            base: The run that is patched into.
            cells: The cells.
            end: The position after the one that is read.
        """
        self._base, self._first = base, min(cell.layer for cell in cells)
        self._strands = [
            Strand(patches, base, together, start, end)
            for start, together in by_start(patches, cells, end).items()
        ]

    @property
    def cells(self) -> list[Cell]:
        """The cells that have joined, in the order of `metric`."""
        return [cell for strand in self._strands for cell in strand.cells]

    def through(self) -> Iterator[None]:
        """Run the layers from the first that a cell enters, yielding between pieces of ~50 ms."""
        for layer in range(self._first, self._base.model.cfg.n_layers):
            for strand in self._strands:
                yield from strand.attend(layer)
            yield from self._mlp(layer)

    def _mlp(self, layer: int) -> Iterator[None]:
        """Run a layer's MLP on the rows of all strands."""
        block = self._base.model.blocks[layer]
        some = rows_at_once(self._base.model, layer) * 4 // 3  # an MLP is most of a layer, not all
        middle = torch.cat([strand.middle.flatten(0, 1) for strand in self._strands])
        before = torch.cat([strand.before.flatten(0, 1) for strand in self._strands])
        done = [middle[:0]]
        for mid, pre in zip(middle.split(some), before.split(some), strict=True):
            if len(mid):
                done.append(block.mlp_half(mid[None], pre[None])[0])
                yield
        counts = [strand.middle.shape[:2].numel() for strand in self._strands]
        for strand, rows in zip(self._strands, torch.cat(done).split(counts), strict=True):
            strand.leave(layer, rows)

    def metric(self, metric: Metric) -> Tensor:
        """Return the metric of each cell once all layers have run, [cell], in float64."""
        last = torch.cat([strand.rows[:, -1] for strand in self._strands])
        value: Tensor = metric.of_columns(read_out(self._base.model, last, metric.columns).double())
        return value
