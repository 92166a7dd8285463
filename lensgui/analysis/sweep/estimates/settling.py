"""Which cells of a long sweep to run until those that matter are exact.

Estimates say where to begin, and no more: a cell can be estimated as 0 where the metric saturates
or where two ways cancel. So exact neighbours are run wherever something was found, for a map of the
stream changes smoothly along layers and positions, and the rest is sampled until a sample is empty.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import Settled

COVERED = 0.95  # of the estimates' total size, whose cells are run first
STRONG = 0.05  # of clean − corrupted: neighbours of larger cells are run
SEEN = 0.02  # likewise: no cell of the last sample may be larger
SAMPLE = 64
EVERY = 4  # layers, where there are no estimates
SMOOTH = ("position", "source")


class Settling:
    """Chooses ever more cells of one sweep, until those that matter are exact.

    Cells are run (a) that hold 95 % of the estimates' total size; without estimates every fourth
    layer; (b) next to any of more than 5 % of clean − corrupted, one position or, where each head
    is not a cell of its own, one layer on; (c) 64 at a time, drawn at random from the rest, until
    none of them is above 2 %. What is drawn above that counts as found, and so for (b).

    Attributes:
        found: What was run in the end; None before, and where all cells were.
    """

    def __init__(
        self,
        estimates: Tensor | None = None,
        known: Tensor | None = None,
        among: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        """Choose nothing yet.

        Args:
            estimates: Estimated changes, in the shape of the map; None for none.
            known: Exact changes that need no run, NaN elsewhere; None for none.
            among: Which cells are wanted at all; None for all.
            seed: Of the samples.
        """
        self.found: Settled | None = None
        self._estimates, self._known, self._among = estimates, known, among
        self._random = torch.Generator().manual_seed(seed)
        self._drawn: Tensor | None = None
        self._surprising: Tensor | None = None

    def next(
        self, kind: SweepKind, values: Tensor, unchanged: Tensor, difference: float
    ) -> Tensor | None:
        """Return which cells to run next, in the shape of the map; None once it has settled.

        Args:
            kind: What a cell replaces.
            values: Exact changes so far, NaN elsewhere.
            unchanged: Cells that are 0 without being run.
            difference: Clean − corrupted, in the metric's unit; where it is 0, the largest change
                found counts instead.
        """
        if self._known is not None:
            values = torch.where(values.isnan(), self._known, values)
        live = ~unchanged if self._among is None else self._among & ~unchanged
        rest = live & values.isnan()
        sizes = values.abs().nan_to_num(0.0, torch.inf).masked_fill(~live, 0.0)
        full = abs(difference) or float(sizes.masked_fill(sizes.isinf(), 0.0).max())
        first = self._surprising is None
        if first:
            self._surprising = torch.zeros_like(live)
            chosen = self._first(live) & rest
            if chosen.any():
                return chosen
        return self._more(kind, sizes, live, rest, full)

    def _first(self, live: Tensor) -> Tensor:
        """Return the cells that hold most of the estimates, or layers some way apart."""
        if self._estimates is None:
            chosen = torch.zeros_like(live)
            chosen[::EVERY] = True
            return chosen
        sizes = self._estimates.abs().nan_to_num(torch.inf).masked_fill(~live, 0.0).flatten()
        held, order = sizes.clamp(max=torch.finfo(sizes.dtype).max / len(sizes)).sort(
            descending=True
        )
        count = int((held.cumsum(0) < COVERED * held.sum()).sum()) + 1
        chosen = torch.zeros_like(sizes, dtype=torch.bool)
        chosen[order[:count]] = True
        return chosen.view_as(live)

    def _more(
        self, kind: SweepKind, sizes: Tensor, live: Tensor, rest: Tensor, full: float
    ) -> Tensor | None:
        """Return neighbours of what was found, else a sample of the rest, else None."""
        assert self._surprising is not None
        drawn = self._drawn
        if drawn is not None:
            self._surprising |= drawn & (sizes > SEEN * full)
        near = neighbours(kind, (sizes > STRONG * full) | self._surprising) & rest
        if near.any():
            self._drawn = None
            return near
        if not rest.any():
            return None
        if drawn is not None and not (drawn & self._surprising).any():
            count, total = int(live.sum() - rest.sum()), int(live.sum())
            largest = float(sizes[drawn].max()) / full if full else 0.0
            self.found = Settled(count, total, int(drawn.sum()), largest)
            return None
        places = rest.flatten().nonzero()[:, 0]
        some = places[torch.randperm(len(places), generator=self._random)[:SAMPLE]]
        self._drawn = torch.zeros_like(rest).flatten().index_fill(0, some, True).view_as(rest)
        return self._drawn


def neighbours(kind: SweepKind, cells: Tensor) -> Tensor:
    """Return cells one step from some, along positions, and along layers where no heads are apart.

    Args:
        kind: What a cell replaces.
        cells: Booleans, [layer, …].
    """
    heads = {"head", "key_value_head"} & set(kind.axes)
    found = torch.zeros_like(cells)
    for at, axis in enumerate(kind.axes):
        if axis in SMOOTH or (axis == "layer" and not heads):
            length = cells.shape[at]
            found.narrow(at, 1, length - 1).logical_or_(cells.narrow(at, 0, length - 1))
            found.narrow(at, 0, length - 1).logical_or_(cells.narrow(at, 1, length - 1))
    return found
