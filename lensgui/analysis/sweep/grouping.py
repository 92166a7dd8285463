"""Which cells of a sweep run together: as many as memory allows, the most important first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.patches import Cell, Patch
from lensgui.checkpoints import devices

MOST_ROWS = 4096  # more make the products no faster, and the first numbers late
MOST_ROWS_IN_ORDER = 768  # fewer still, where the most important cells come first
MERGED_ROWS = 1152  # of cells with different first positions; beyond, weights are read often enough


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
    return min(patches[0].first_changed, end - 1)


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
    limit = allowed(base, budget)
    row, beside = needs(patches, base, end)
    most = min(limit // row, MOST_ROWS if first is None else MOST_ROWS_IN_ORDER)
    pieces: list[tuple[float, int, int, list[Cell]]] = []
    importance = None if first is None else [in_host_memory(of) for of in first]
    cells = [
        Cell(number, layer, tuple(index))
        for number, which in enumerate(chosen)
        for layer, *index in which.nonzero().tolist()
    ]
    for start, together in sorted(by_start(patches, cells, end).items(), reverse=True):
        rows = end - start
        needed = rows * row + beside
        if needed > limit:
            raise too_little(needed, limit)
        weights = _importance(together, importance)
        order = sorted(range(len(together)), key=lambda at: -weights[at])
        count = max(1, min(most // rows, limit // needed))
        for at in range(0, len(order), count):
            some = [together[number] for number in order[at : at + count]]
            size = rows * len(some)
            pieces.append((weights[order[at]], size, needed * len(some), some))
    pieces.sort(key=lambda piece: -piece[0])
    yield from _merged(pieces, min(most, MERGED_ROWS), limit)


def in_host_memory(x: Tensor) -> NDArray[Any]:
    """Return numbers as an array, of which one may ask cell by cell: they are read at once here."""
    array: NDArray[Any] = x.detach().cpu().numpy()
    return array


def allowed(base: Run, budget: int | None) -> int:
    """Return how many bytes cells that run together may take; see `group`."""
    budget = _USUAL.budget if budget is None else budget
    return devices.free_bytes(base.residuals[0].device) // 4 if budget is None else budget


def too_little(needed: int, limit: int) -> ValueError:
    """Return what to raise where one cell needs more than is allowed, both in bytes."""
    return ValueError(
        f"One cell of this sweep needs {needed:,} bytes and {limit:,} are allowed: "
        "allow more, or shorten the prompt."
    )


def reserve(patches: Sequence[Patch], base: Run, cells: list[Cell], end: int) -> None:
    """Refuse cells that run together, if what is free has become too little for them.

    Raises:
        torch.OutOfMemoryError: If it has.
    """
    row, beside = needs(patches, base, end)
    starts = by_start(patches, cells, end)
    rows = sum((end - start) * len(together) for start, together in starts.items())
    devices.reserve(base.residuals[0].device, rows * row + len(cells) * beside)


def needs(patches: Sequence[Patch], base: Run, end: int) -> tuple[int, int]:
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


def _importance(cells: list[Cell], first: Sequence[NDArray[Any]] | None) -> list[float]:
    """Return how important each cell is; all the same if nobody said."""
    if first is None:
        return [0.0] * len(cells)
    return [abs(float(first[cell.patch][(cell.layer, *cell.index)])) for cell in cells]
