"""Which rows of a walk run at once."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

Part = tuple[int, slice]  # of a strand: which one, and which of its cells


def parts(streams: list[Tensor], most: int) -> Iterator[list[Part]]:
    """Yield cells of some strands to run at once, about equally many rows each time.

    Args:
        streams: Each strand's stream, [cell, position, d_model].
        most: How many rows may run at once.
    """
    most = evenly(sum(stream.shape[:2].numel() for stream in streams), most)
    together: list[Part] = []
    rows = 0
    for at, stream in enumerate(streams):
        first, (cells, length) = 0, stream.shape[:2]
        while first < cells:
            if together and rows + length > most:
                yield together
                together, rows = [], 0
            count = min(cells - first, max(1, (most - rows) // length))
            together.append((at, slice(first, first + count)))
            first, rows = first + count, rows + count * length
    if together:
        yield together


def evenly(rows: int, most: int) -> int:
    """Return the size of the fewest equal pieces of at most so many rows."""
    return -(-rows // max(1, -(-rows // most))) or 1


def in_a_row(streams: list[Tensor]) -> Tensor:
    """Return streams [cell, position, ...] as one, [cell · position, ...]."""
    flat = [stream.flatten(0, 1) for stream in streams]
    return flat[0] if len(flat) == 1 else torch.cat(flat)


def split_like(streams: list[Tensor], rows: Tensor) -> list[Tensor]:
    """Return rows that belong to streams in their shape.

    Args:
        streams: Each [cell, position, ...].
        rows: What was made of them, [cell · position, ...].
    """
    shapes = [stream.shape[:2] for stream in streams]
    split = rows.split([shape.numel() for shape in shapes])
    return [part.unflatten(0, shape) for part, shape in zip(split, shapes, strict=True)]
