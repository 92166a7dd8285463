"""Cells with one first changed position, on their way through the layers together."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.circuits.metrics import Metric
from lensgui.circuits.patches import Patch, Stage
from lensgui.circuits.runs import Run, read_out, rows_at_once
from lensgui.engine.devices import free_bytes
from lensgui.engine.layers.span import Span

log = logging.getLogger(__name__)

MOST_ROWS = 4096  # more make the products no faster, and the first numbers late
MOST_ROWS_IN_ORDER = 768  # fewer still, where the most important cells are wanted first
_COPIES = 6  # of its rows that a cell needs at once: carried, entering, and inside a layer


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


def group(
    patches: Sequence[Patch],
    wanted: Sequence[Tensor],
    base: Run,
    end: int,
    budget: int | None = None,
    first: Sequence[Tensor] | None = None,
) -> Iterator[list[Cell]]:
    """Yield cells that walk together: of one first changed position, as many as the budget allows.

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
    row = base.residuals[0][0].nbytes * _COPIES
    limit = free_bytes(base.residuals[0].device) // 4 if budget is None else budget
    walks: list[tuple[float, list[Cell]]] = []
    for start, cells in sorted(_by_start(patches, wanted, end).items(), reverse=True):
        needed = row * (end - start)
        if needed > limit:
            raise ValueError(
                f"One cell of this sweep needs {needed:,} bytes and {limit:,} are allowed: "
                "allow more, or shorten the prompt."
            )
        rows = MOST_ROWS if first is None else MOST_ROWS_IN_ORDER
        most = max(1, min(limit // needed, rows // (end - start)))
        weights = _importance(cells, first)
        order = sorted(range(len(cells)), key=lambda at: -weights[at])
        for at in range(0, len(cells), most):
            together = [cells[number] for number in order[at : at + most]]
            walks.append((weights[order[at]], sorted(together, key=lambda cell: cell.layer)))
    for _, together in sorted(walks, key=lambda walk: -walk[0]):
        yield together


def _by_start(
    patches: Sequence[Patch], wanted: Sequence[Tensor], end: int
) -> dict[int, list[Cell]]:
    """Return the wanted cells by the first position that they change."""
    starts: dict[int, list[Cell]] = {}
    everywhere = first_changed(patches, end)
    for number, (patch, which) in enumerate(zip(patches, wanted, strict=True)):
        for layer, *index in which.nonzero().tolist():
            cell = Cell(number, layer, tuple(index))
            start = patch.start(cell.index)
            starts.setdefault(everywhere if start is None else start, []).append(cell)
    return starts


def _importance(cells: list[Cell], first: Sequence[Tensor] | None) -> list[float]:
    """Return how important each cell is; all the same if nobody said."""
    if first is None:
        return [0.0] * len(cells)
    return [abs(float(first[cell.patch][(cell.layer, *cell.index)])) for cell in cells]


def first_changed(patches: Sequence[Patch], end: int) -> int:
    """Return where the embeddings first differ: what patching all positions changes first."""
    source, base = patches[0].source.residual(0), patches[0].base.residual(0)
    differs = (source != base).any(-1).nonzero()
    return min(int(differs[0]), end - 1) if len(differs) else end - 1


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
    """Some cells on their way through the layers; each joins the batch where it enters.

    Attributes:
        cells: The cells, in the order in which they joined.
    """

    def __init__(self, patches: Sequence[Patch], base: Run, cells: list[Cell], end: int) -> None:
        """Start with no rows.

        Args:
            patches: What the cells put in.
            base: The run that is patched into.
            cells: Cells with one first changed position.
            end: The position after the one that is read.
        """
        self.cells: list[Cell] = []
        self._patches, self._base, self._waiting = patches, base, cells
        start = patches[cells[0].patch].start(cells[0].index)
        start = first_changed(patches, end) if start is None else start
        self._start, self._end = start, end
        self._span = Span(base.model.cfg, end - start, start, device=base.residuals[0].device)
        self._rows = base.residuals[0].new_empty(0, end - start, base.model.cfg.d_model)

    def through(self) -> Iterator[None]:
        """Run the layers from the first that a cell enters, yielding between pieces of ~50 ms."""
        for layer in range(self._waiting[0].layer, self._base.model.cfg.n_layers):
            self._enter("pre", layer)
            yield from self._step(layer)

    def _entering(self, stage: Stage, layer: int) -> Tensor | None:
        """Return the rows of the cells that enter somewhere, [cell, position, d_model]."""
        entering: dict[int, list[Cell]] = {}
        for cell in self._waiting:
            if cell.layer == layer and self._patches[cell.patch].stage == stage:
                entering.setdefault(cell.patch, []).append(cell)
        if not entering:
            return None
        rows = []
        for number, cells in entering.items():
            indices = [cell.index for cell in cells]
            rows.append(self._patches[number].rows(layer, indices, self._span))
            self.cells += cells
        return torch.cat(rows)

    def _enter(self, stage: Stage, layer: int) -> None:
        rows = self._entering(stage, layer)
        if rows is not None:
            self._rows = torch.cat([self._rows, rows[:, -self._rows.shape[1] :]])

    def _step(self, layer: int) -> Iterator[None]:
        """Run a layer. Of the last one only the position that is read."""
        model, block = self._base.model, self._base.model.blocks[layer]
        is_last = layer == model.cfg.n_layers - 1
        queries = 1 if is_last else None
        past = self._base.before(layer, self._start)
        cells = max(1, rows_at_once(model, layer) // (self._end - self._start))
        before, middle = self._rows[:, -1:] if is_last else self._rows, []
        for piece in self._rows.split(cells) if len(self._rows) else ():
            middle.append(block.attention_half(piece, self._span, past, queries))
            yield
        entered = self._entering("mid", layer)
        if entered is not None:
            width = before.shape[1]
            base = self._base.residuals[layer][self._end - width : self._end]
            middle.append(entered[:, -width:])
            before = torch.cat([before, base.expand(len(entered), -1, -1)])
        self._rows = before[:0]
        if middle:
            done = []
            for mid, pre in zip(torch.cat(middle).split(cells), before.split(cells), strict=True):
                done.append(block.mlp_half(mid, pre))
                yield
            self._rows = torch.cat(done)
        self._enter("post", layer)

    def metric(self, metric: Metric) -> Tensor:
        """Return the metric of each cell once all layers have run, [cell], in float64."""
        logits = read_out(self._base.model, self._rows[:, -1], metric.columns)
        value: Tensor = metric.of_columns(logits.double())
        return value
