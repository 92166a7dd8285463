"""Cells of a sweep as rows, on their way through the layers in batches."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.run.passes import Batch, through
from lensgui.analysis.run.predictions import metric_logits
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.kinds import Stage
from lensgui.analysis.sweep.patches import Patch
from lensgui.checkpoints.devices import free_bytes
from lensgui.terms.errors import is_out_of_memory
from lensgui.terms.metric import Metric
from lensgui.transformer.layers.span import Span

log = logging.getLogger(__name__)
MOST_ROWS = 4096  # more make the products no faster, and the first numbers late
MOST_ROWS_IN_ORDER = 768  # fewer still, where the most important cells come first
MERGED_ROWS = 1152  # of cells with different first positions; beyond, weights are read often enough
_LOGITS_AT_ONCE = 1 << 21  # of all vocabularies: 16 MB in float64, and its softmax as much


@dataclass(slots=True)
class _Usual:
    budget: int | None = None  # of sweeps that are given none


_USUAL = _Usual()


@contextlib.contextmanager
def budgeted(budget: int) -> Iterator[None]:
    """Let cells that run together take so many bytes, whatever is free, in sweeps given no budget.

    What is computed together depends on it, and so does how numbers are rounded.
    """
    before, _USUAL.budget = _USUAL.budget, budget
    try:
        yield
    finally:
        _USUAL.budget = before


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
                stream = self.rows[some][list(mine)]
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
        for number, waiting in self._waiting.get((stage, layer), {}).items():
            cells = self._live(number, layer, waiting) if self._live else waiting
            if cells:
                indices = [cell.index for cell in cells]
                fresh = self._patches[number].rows(layer, indices, self.span)
                parts.append(fresh[:, -rows.shape[1] :])
                self.cells += cells
        return rows if len(parts) == 1 else torch.cat(parts)


def group(
    patches: Sequence[Patch],
    chosen: Sequence[Tensor],
    base: Run,
    end: int,
    budget: int | None = None,
    first: Sequence[Tensor] | None = None,
) -> Iterator[list[Cell]]:
    """Yield cells that run together, as many as the budget allows.

    Args:
        patches: What the cells put in.
        chosen: Which cells of each patch are to be run, [layer, …].
        base: The run that is patched into.
        end: The position after the one that is read.
        budget: Bytes; None for what `budgeted` says, or else a quarter of the free memory.
        first: How important each cell of each patch is, [layer, …]: the most important come first.
            None to begin with the latest positions, which are the cheapest.

    Raises:
        ValueError: If one cell needs more than the budget.
    """
    budget = _USUAL.budget if budget is None else budget
    limit = free_bytes(base.residuals[0].device) // 4 if budget is None else budget
    row, beside = _needs(patches, base, end)
    most = min(limit // row, MOST_ROWS if first is None else MOST_ROWS_IN_ORDER)
    pieces: list[tuple[float, int, int, list[Cell]]] = []
    cells = [
        Cell(number, layer, tuple(index))
        for number, which in enumerate(chosen)
        for layer, *index in which.nonzero().tolist()
    ]
    for start, together in sorted(by_start(patches, cells, end).items(), reverse=True):
        rows = end - start
        needed = rows * row + beside
        if needed > limit:
            raise ValueError(
                f"One cell of this sweep needs {needed:,} bytes and {limit:,} are allowed: "
                "allow more, or shorten the prompt."
            )
        weights = _importance(together, first)
        order = sorted(range(len(together)), key=lambda at: -weights[at])
        count = max(1, min(most // rows, limit // needed))
        for at in range(0, len(order), count):
            some = [together[number] for number in order[at : at + count]]
            size = rows * len(some)
            pieces.append((weights[order[at]], size, needed * len(some), some))
    pieces.sort(key=lambda piece: -piece[0])
    yield from _merged(pieces, min(most, MERGED_ROWS), limit)


def _needs(patches: Sequence[Patch], base: Run, end: int) -> tuple[int, int]:
    """Return the bytes that a row under way needs, and what a cell needs beside where it enters.

    A row stands in the stream some ten times at once (before and behind attention, gathered, in
    pieces, normalised); its heads' queries, keys and values are turned; its scores are masked, and
    become a pattern; and the MLP has it four times in its hidden width.
    """
    cfg, size = base.model.cfg, base.residuals[0].element_size()
    of_heads = cfg.n_heads * (6 * cfg.d_head + 5 * end)
    row = 10 * cfg.d_model + of_heads + 4 * (cfg.d_mlp or 0)
    return row * size, max(patch.entering(end) for patch in patches) * size


def _merged(
    pieces: list[tuple[float, int, int, list[Cell]]], most: int, limit: int
) -> Iterator[list[Cell]]:
    """Yield cells of neighbouring small pieces together, up to so many rows and bytes."""
    waiting: list[Cell] = []
    rows = taken = 0
    for _, size, needed, cells in pieces:
        if waiting and (rows + size > most or taken + needed > limit):
            yield waiting
            waiting, rows, taken = [], 0, 0
        waiting, rows, taken = waiting + cells, rows + size, taken + needed
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

    A batch that memory refuses is halved and run again.

    Raises:
        RuntimeError: If a single cell is refused; on the CPU it may be a MemoryError.
    """
    waiting = [cells]
    while waiting:
        some = waiting.pop(0)
        patched, found = PatchedPass(patches, base, some, end, metric.reads), None
        try:
            for _ in patched.through():
                yield None
            found = patched.cells, patched.metric(metric)
        except (MemoryError, RuntimeError) as error:
            if len(some) == 1 or not is_out_of_memory(error):
                raise
        del patched  # what it holds must be gone before its halves run
        if found is None:
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
        live: Live | None = None,
    ) -> None:
        """Start with no rows.

        Args:
            patches: What the cells put in.
            base: The run that is patched into.
            cells: The cells.
            end: The position after the last one that is read.
            reads: How many positions are read.
            ahead: The runs that the cells start from, where these are run on the way.
            live: As `CellBatch` takes it.
        """
        self._base, self._ahead = base, ahead
        self._first = 0 if ahead else min(cell.layer for cell in cells)
        self._read = slice(end - reads, end)
        self._batches = [
            CellBatch(patches, base, together, start, self._read, live)
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
        """Return the metric of each cell once all layers have run, [cell], in float64."""
        model, base = self._base.model, self._base.residuals[-1][self._read]
        rows = torch.cat([_behind(base, batch.rows) for batch in self._batches])
        columns = len(metric.columns) if metric.columns else model.cfg.d_vocab_out
        some = max(1, _LOGITS_AT_ONCE // (columns * len(base)))
        found = [
            metric.of_columns(metric_logits(model, part, metric).double())
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
