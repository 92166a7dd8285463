"""Cells of a sweep for any metric, called once a cell, in order, as a notebook expects.

Cells run through the layers together, as for a declared metric; only what a metric reads is not
known before it has been called. So the rows behind the last layer are kept, and their logits are
made for many cells at once when the metric of the first of them looks at them. Rows that are bit
for bit those of the base run have its logits: a cell that changes nothing gives the base value.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.run.lazy_logits import Filled, LazyLogits, Read
from lensgui.analysis.run.passes import through
from lensgui.analysis.run.predictions import read_out
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.batches import CellBatch, in_halves
from lensgui.analysis.sweep.grouping import (
    MOST_ROWS,
    allowed,
    by_start,
    first_changed,
    needs,
    reserve,
    too_little,
)
from lensgui.analysis.sweep.patches import Cell, Patch
from lensgui.terms.metric import AnyMetric
from lensgui.transformer.layers.parameters import exact_dtype
from lensgui.transformer.model import HookedTransformer

Place = tuple[int, ...]  # a cell's layer and index
_AT_ONCE = 1 << 22  # logits that are worked out together: 16 MB
_KEPT = 8  # blocks of them, of different positions or columns
_MOST_PLACES = 1 << 22  # of the table of rows: 32 MB


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """One prompt of a batch that is patched.

    Attributes:
        patch: What cells put into its run.
        unchanged: Which cells change nothing in it, [layer, …].
    """

    patch: Patch
    unchanged: NDArray[np.bool_]


class BaseLogits:
    """The logits of base runs of one length, each worked out once."""

    def __init__(self, runs: Sequence[Run]) -> None:
        """Read complete runs, one for each prompt of a batch."""
        self.model = runs[0].model
        self.streams = torch.stack([run.residuals[-1] for run in runs])
        self._known: dict[tuple[int, tuple[int, ...] | None], Tensor] = {}

    def read(self, positions: tuple[int, ...], columns: tuple[int, ...] | None) -> Tensor:
        """Return logits [batch, position, column]; None for all columns."""
        lacking = [at for at in positions if (at, columns) not in self._known]
        if lacking:
            found = read_out(self.model, self.streams[:, lacking], columns)
            self._known |= {(at, columns): found[:, number] for number, at in enumerate(lacking)}
        return torch.stack([self._known[at, columns] for at in positions], dim=1)

    def logits(self) -> LazyLogits:
        """Return the logits of the base runs, for a metric to look at."""
        return lazy(self.streams, self.model, self.read)


def lazy(streams: Tensor, model: HookedTransformer, read: Read | None = None) -> LazyLogits:
    """Return logits of streams behind the last layer, worked out when they are looked at.

    Args:
        streams: [batch, position, d_model].
        model: The model.
        read: What knows the logits; None to read the streams.
    """

    def read_streams(positions: tuple[int, ...], columns: tuple[int, ...] | None) -> Tensor:
        return read_out(model, streams[:, list(positions)], columns)

    shape = (*streams.shape[:2], model.cfg.d_vocab_out)
    return LazyLogits(Filled(shape, streams, read or read_streams))


class PatchedLogits:
    """The logits of cells that have run together: one product for many cells.

    Attributes:
        numbers: The number of each cell.
    """

    def __init__(
        self, base: BaseLogits, cells: Sequence[Cell], batches: Sequence[tuple[int, CellBatch]]
    ) -> None:
        """Keep the rows behind the last layer that differ from the base runs'.

        Args:
            base: The base runs.
            cells: All cells, in order.
            batches: Those that changed something, with the number of their prompt.
        """
        self._base = base
        self.numbers = {cell: number for number, cell in enumerate(cells)}
        prompts, length, _ = base.streams.shape
        self._rows = np.full((len(cells), prompts, length), -1, dtype=np.int64)
        flat = []
        total = 0
        for prompt, batch in batches:
            start = length - batch.rows.shape[1]
            differs = (batch.rows != base.streams[prompt, start:]).any(-1)
            kept = differs.cpu().numpy()
            places = np.full(kept.shape, -1, dtype=np.int64)
            places[kept] = np.arange(total, total + kept.sum())
            self._rows[[self.numbers[cell] for cell in batch.cells], prompt, start:] = places
            flat.append(batch.rows[differs])
            total += int(kept.sum())
        self._flat = torch.cat(flat) if flat else base.streams[0, :0]
        self._blocks: OrderedDict[Any, tuple[range, Tensor, np.ndarray[Any, Any]]] = OrderedDict()

    def logits(self, cell: Cell) -> LazyLogits:
        """Return the logits of a cell, for a metric to look at."""
        number = self.numbers[cell]
        return lazy(
            self._base.streams,
            self._base.model,
            lambda positions, columns: self._read(number, positions, columns),
        )

    def _read(
        self, cell: int, positions: tuple[int, ...], columns: tuple[int, ...] | None
    ) -> Tensor:
        """Return a cell's logits, [batch, position, column]."""
        whole = self._base.read(positions, columns)
        rows = self._rows[cell][:, positions]
        if (rows < 0).all():
            return whole
        cells, found, starts = self._block(cell, positions, columns)
        start, end = starts[cell - cells.start], starts[cell - cells.start + 1]
        if (rows >= 0).all():
            return found[start:end].view(whole.shape)
        changed = torch.from_numpy(rows >= 0).to(whole.device)
        return whole.masked_scatter(changed[..., None], found[start:end])

    def _block(
        self, cell: int, positions: tuple[int, ...], columns: tuple[int, ...] | None
    ) -> tuple[range, Tensor, np.ndarray[Any, Any]]:
        """Return the changed rows' logits of neighbouring cells.

        Returns:
            Which cells; logits [row, column], in the order of cells, batch and positions; and the
            first row of each cell, the number of rows at last.
        """
        key = positions, columns
        known = self._blocks.get(key)
        if known and cell in known[0]:
            return known
        rows = self._rows[cell:, :, positions]
        ends = (rows >= 0).sum((1, 2)).cumsum()
        width = len(columns) if columns else self._base.model.cfg.d_vocab_out
        count = max(1, int(np.searchsorted(ends, max(1, _AT_ONCE // width), "right")))
        chosen = torch.from_numpy(rows[:count][rows[:count] >= 0]).to(self._flat.device)
        found = read_out(self._base.model, self._flat[chosen], columns)
        self._blocks[key] = range(cell, cell + count), found, np.concatenate([[0], ends[:count]])
        self._blocks.move_to_end(key)
        if len(self._blocks) > _KEPT:
            self._blocks.popitem(last=False)
        return self._blocks[key]


@torch.no_grad()
def measured_in_order(
    prompts: Sequence[Prompt],
    base: BaseLogits,
    places: Sequence[Place],
    metric: AnyMetric,
    budget: int | None = None,
) -> Iterator[tuple[int, Tensor] | None]:
    """Run cells, call a metric for each, in order, and yield what it says.

    Args:
        prompts: The prompts that are patched, of one length and one kind of cell.
        base: Their runs' logits.
        places: The cells.
        metric: From logits [batch, position, d_vocab] to one number.
        budget: As in `sweep`.

    Yields:
        The number of the first cell of some, and their metric in float64, [cell]; None wherever one
        may stop.

    Raises:
        ValueError: If the budget is too small for one cell, or the metric returns no number.
    """
    first = 0
    for some in _chunks(prompts, places, budget):
        for found in in_halves(some, lambda cells: _run(prompts, base, cells)):
            if found is None:
                yield None
                continue
            cells, patched = found
            values = []
            for cell in cells:
                words = words_of(prompts[0].patch.kind.axes, (cell.layer, *cell.index))
                values.append(call(metric, patched.logits(cell), words))
                yield None
            yield first, torch.stack(values).cpu()
            first += len(cells)


def _run(
    prompts: Sequence[Prompt], base: BaseLogits, cells: list[Cell]
) -> Generator[None, None, tuple[list[Cell], PatchedLogits]]:
    """Run some cells in every prompt that they change, yielding between pieces of ~50 ms."""
    batches: list[tuple[int, CellBatch]] = []
    fresh = list(dict.fromkeys(cells))
    length = base.streams.shape[1]
    for number, prompt in enumerate(prompts):
        live = [cell for cell in fresh if not prompt.unchanged[(cell.layer, *cell.index)]]
        reserve([prompt.patch], prompt.patch.run, live, length)
        for start, together in by_start([prompt.patch], live, length).items():
            batch = CellBatch([prompt.patch], prompt.patch.run, together, start, slice(0, length))
            batches.append((number, batch))
    if batches:
        layers = range(min(cell.layer for cell in fresh), base.model.cfg.n_layers)
        yield from through(base.model, [batch for _, batch in batches], layers)
    return cells, PatchedLogits(base, fresh, batches)


def _chunks(
    prompts: Sequence[Prompt], places: Sequence[Place], budget: int | None
) -> Iterator[list[Cell]]:
    """Yield cells that run together, in order, as many as the budget allows."""
    run = prompts[0].patch.run
    length, limit = len(run.tokens), allowed(run, budget)
    patches = [prompt.patch for prompt in prompts]
    row, beside = needs(patches, run, length)
    everywhere = [first_changed([patch], length) for patch in patches]
    most = min(MOST_ROWS, limit // row)
    some: list[Cell] = []
    rows = 0
    for layer, *index in places:
        cell, added, live = Cell(0, layer, tuple(index)), 0, 0
        for prompt, otherwise in zip(prompts, everywhere, strict=True):
            if not prompt.unchanged[(layer, *index)]:
                start = prompt.patch.start(cell.index)
                added += length - (otherwise if start is None else start)
                live += 1
        if added * row + live * beside > limit:
            raise too_little(added * row + live * beside, limit)
        is_full = (rows + added) * row + (len(some) + 1) * len(prompts) * beside > limit
        is_long = len(some) * len(prompts) * length > _MOST_PLACES
        if some and (rows + added > most or is_full or is_long):
            yield some
            some, rows = [], 0
        some.append(cell)
        rows += added
    if some:
        yield some


def call(metric: AnyMetric, logits: Tensor, words: str) -> Tensor:
    """Return what a metric says as one number in float64, a tensor of its own.

    Args:
        metric: The metric.
        logits: What it is given.
        words: Which cell or run that is of, for what is said of a failure.

    Raises:
        ValueError: If it returns no number. What the metric itself raises gets a note of where.
    """
    try:
        value = metric(logits)
    except Exception as error:
        error.add_note(f"The metric raised this for {words}.")
        raise
    if isinstance(value, Tensor):
        if value.numel() == 1 and not value.is_complex():
            return value.detach().reshape(()).to(exact_dtype(value.device), copy=True)
        found = f"a tensor of shape {list(value.shape)}"
    else:
        try:
            return torch.tensor(
                float(value), dtype=exact_dtype(logits.device), device=logits.device
            )
        except (TypeError, ValueError):
            found = "nothing" if value is None else f"{type(value).__name__} {value!r:.40}"
    raise ValueError(
        f"The metric must return one number for each cell, and returned {found} for {words}: "
        "let it end with .mean() or .item(), and check that it says return."
    )


def warn_of_nan(axes: Sequence[str], places: Sequence[Place], values: Sequence[float]) -> None:
    """Warn, once, if the metric of some cells is no number."""
    missing = [place for place, value in zip(places, values, strict=True) if isnan(value)]
    if missing:
        warnings.warn(
            f"The metric is NaN in {len(missing):,} of {len(places):,} cells, first for "
            f"{words_of(axes, missing[0])}.",
            stacklevel=3,
        )


def words_of(axes: Sequence[str], place: Place) -> str:
    """Return where a cell is on some axes, in words; without axes its numbers."""
    if len(axes) != len(place):
        return f"index {place}"
    names = (axis.replace("key_value_", "key/value ") for axis in axes)
    return ", ".join(f"{axis} {at}" for axis, at in zip(names, place, strict=True))
