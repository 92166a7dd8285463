"""Cells of a sweep as rows, on their way through the layers in batches."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from lensgui.analysis.run.passes import Batch, through
from lensgui.analysis.run.predictions import metric_logits
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.grouping import by_start, reserve
from lensgui.analysis.sweep.kinds import Stage
from lensgui.analysis.sweep.patches import Cell, Patch, consecutive
from lensgui.terms.errors import is_out_of_memory
from lensgui.terms.metric import Metric
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.layers.span import Span

log = logging.getLogger(__name__)
_LOGITS_AT_ONCE = 1 << 21  # of all vocabularies: 16 MB in float64, and its softmax as much

Found = TypeVar("Found")


class CellBatch:
    """Cells with one first changed position, which join the batch where they enter.

    Attributes:
        cells: The cells that have joined, in the order of the rows.
        rows: The residual stream of those between two layers, [cell, position, d_model]; after the
            last layer only the positions that are read.
        middle: The same between attention and MLP, those that enter there included.
        before: What the MLP of a parallel block reads instead; elsewhere `middle`.
        records: Nothing is kept of them.
    """

    records: frozenset[str] = frozenset()

    def __init__(
        self,
        patches: Sequence[Patch],
        base: Run,
        cells: list[Cell],
        start: int,
        read: slice,
    ) -> None:
        """Start with no rows.

        Args:
            patches: What the cells put in.
            base: The run that is patched into.
            cells: The cells.
            start: The first position that they change.
            read: The positions that are read.
        """
        self.cells: list[Cell] = []
        self._patches, self._base = patches, base
        self._waiting: dict[tuple[Stage, int], dict[int, list[Cell]]] = {}
        for cell in cells:
            place = patches[cell.patch].stage, cell.layer
            self._waiting.setdefault(place, {}).setdefault(cell.patch, []).append(cell)
        self._start, self._end, self._reads = start, read.stop, read.stop - read.start
        length = read.stop - start
        self.span = Span(base.model.cfg, length, start, device=base.residuals[0].device)
        self.rows = base.residuals[0].new_empty(0, length, base.model.cfg.d_model)
        self.middle = self.before = self.rows

    def queries(self, layer: int) -> int:
        """In the last layer only what is read is needed."""
        length = self.rows.shape[1]
        is_last = layer == self._base.model.cfg.n_layers - 1
        return min(length, self._reads) if is_last else length

    def enter(self, layer: int) -> None:
        """Take in the cells that enter before a layer."""
        self.rows = self._joined(self.rows, "pre", layer)

    def heads(self, layer: int, some: slice, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return what a layer's heads put out for some cells, beside the base run's prefix."""
        for number, patch in enumerate(self._patches):
            if layer in patch.receiving:
                cells = enumerate(self.cells[some])
                mine = {at: cell.index for at, cell in cells if cell.patch == number}
                stream = self.rows[some][consecutive(list(mine))]
                patch.receive(layer, mine, stream, self.span, {"q": q, "k": k, "v": v})
        past = self._base.before(layer, self._start)
        return self._base.model.blocks[layer].attn.mixed(q, k, v, self.span, past)

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

    def record(self, layer: int, name: str, output: Tensor) -> None:
        """Nothing is kept."""

    def _joined(self, rows: Tensor, stage: Stage, layer: int) -> Tensor:
        """Return rows with those of the cells that enter somewhere behind them."""
        parts = [rows]
        for number, cells in self._waiting.get((stage, layer), {}).items():
            indices = [cell.index for cell in cells]
            fresh = self._patches[number].rows(layer, indices, self.span)
            parts.append(fresh[:, -rows.shape[1] :])
            self.cells += cells
        return rows if len(parts) == 1 else torch.cat(parts)


def measured(
    patches: Sequence[Patch], base: Run, cells: list[Cell], end: int, metric: Metric
) -> Iterator[tuple[list[Cell], Tensor] | None]:
    """Run cells together: yield None between pieces of ~50 ms, then the cells and their metric.

    A batch that memory refuses is halved and run again.

    Raises:
        RuntimeError: If a single cell is refused; on the CPU it may be a MemoryError.
    """

    def run(some: list[Cell]) -> Generator[None, None, tuple[list[Cell], Tensor]]:
        reserve(patches, base, some, end)
        patched = PatchedPass(patches, base, some, end, metric.reads)
        yield from patched.through()
        return patched.cells, patched.metric(metric)

    yield from in_halves(cells, run)


def in_halves(
    cells: list[Cell], run: Callable[[list[Cell]], Generator[None, None, Found]]
) -> Iterator[Found | None]:
    """Run cells together: yield None between pieces, then what is found.

    Where memory is refused, they run in two halves, one after the other.

    Raises:
        RuntimeError: If a single cell is refused; on the CPU it may be a MemoryError.
    """
    waiting = [cells]
    while waiting:
        some, found = waiting.pop(0), None
        try:
            found = yield from run(some)
        except (MemoryError, RuntimeError) as error:
            if len(some) == 1 or not is_out_of_memory(error):
                raise
        if found is None:  # what the pass held is gone: its frame went with the error
            log.info("Memory is short: a batch of %d cells is run in two halves.", len(some))
            half = len(some) // 2
            waiting[:0] = [some[:half], some[half:]]
        else:
            yield found


class PatchedPass:
    """Some cells on their way through the layers; each joins where it enters.

    Cells with one first changed position attend together, and the rows of all go through an MLP at
    once: reading its weights takes as long as some hundred rows.

    Attributes:
        cells: The cells, in the order of `metric`.
    """

    def __init__(
        self,
        patches: Sequence[Patch],
        base: Run,
        cells: list[Cell],
        end: int,
        reads: int = 1,
        ahead: Sequence[Batch] = (),
    ) -> None:
        """Start with no rows.

        Args:
            patches: What the cells put in.
            base: The run that is patched into.
            cells: The cells.
            end: The position after the last one that is read.
            reads: How many positions are read.
            ahead: The runs that the cells start from, where these are run on the way.
        """
        self._base, self._ahead = base, ahead
        self._first = 0 if ahead else min(cell.layer for cell in cells)
        self._read = slice(end - reads, end)
        self._batches = [
            CellBatch(patches, base, together, start, self._read)
            for start, together in by_start(patches, cells, end).items()
        ]

    @property
    def cells(self) -> list[Cell]:
        """The cells that have joined, in the order of `metric`."""
        return [cell for batch in self._batches for cell in batch.cells]

    def through(self) -> Iterator[None]:
        """Run the layers from the first that a cell enters, yielding between pieces of ~50 ms."""
        layers = range(self._first, self._base.model.cfg.n_layers)
        yield from through(self._base.model, [*self._ahead, *self._batches], layers)

    def metric(self, metric: Metric) -> Tensor:
        """Return the metric of each cell once all layers have run, [cell], as exact as can be."""
        model, base = self._base.model, self._base.residuals[-1][self._read]
        rows = torch.cat([_behind(base, batch.rows) for batch in self._batches])
        columns = len(metric.columns) if metric.columns else model.cfg.d_vocab_out
        some = max(1, _LOGITS_AT_ONCE // (columns * len(base)))
        with model.standing.at(range(self._read.start, self._read.stop)):
            found = [
                metric.of_columns(exact(metric_logits(model, part, metric)))
                for part in rows.split(some)
            ]
        return torch.cat(found)


def _behind(base: Tensor, rows: Tensor) -> Tensor:
    """Return rows [cell, position, d_model] behind the unchanged ones of the base run.

    Args:
        base: The base run's at the positions that are read, [read, d_model].
        rows: Those of cells at the last of these positions, from the first that changed.

    Returns:
        [cell, read, d_model].
    """
    missing = len(base) - rows.shape[1]
    return torch.cat([base[:missing].expand(len(rows), -1, -1), rows], dim=1) if missing else rows
