"""Which cells of a sweep are worked out again the slow way."""

from __future__ import annotations

import random
import zlib

import numpy as np

from lensgui.jobs.arrays import CellState, Sweep
from lensgui.jobs.requests import Patching

COMPUTED = 3  # of the cells that were run
FREE = 1  # of those that were called unchanged, and never run


def dice(request: Patching) -> random.Random:
    """Return dice that fall alike for equal questions."""
    return random.Random(zlib.crc32(repr(request).encode()))


def drawn_cells(sweep: Sweep, request: Patching) -> list[tuple[int, ...]]:
    """Draw some cells of a whole sweep; none where nothing was run."""
    found: list[tuple[int, ...]] = []
    for state, count in ((CellState.EXACT, COMPUTED), (CellState.UNCHANGED, FREE)):
        cells = [tuple(at) for at in np.argwhere(sweep.states == state).tolist()]
        if state is CellState.EXACT and not cells:
            break
        found += dice(request).sample(cells, min(count, len(cells)))
    return found
