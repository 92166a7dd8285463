"""Where the rows of an activation stand, as a hook point sees rows and not their positions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Positions = Tensor | range | Callable[[], Tensor]


class Standing:
    """The positions of the rows that a model runs now.

    A part of the model that is asked for fewer rows runs the last of them.
    """

    def __init__(self) -> None:
        """Know of no rows."""
        self._positions: Positions | None = None

    @contextmanager
    def at(self, positions: Positions) -> Iterator[None]:
        """Say where rows stand, [row], or what says it, for as long as the context lasts."""
        before, self._positions = self._positions, positions
        try:
            yield
        finally:
            self._positions = before

    def last(self, count: int, device: torch.device) -> Tensor:
        """Return where the last rows stand, [row].

        Raises:
            RuntimeError: If nobody has said, or of fewer rows: a fault of whoever runs them.
        """
        found = self._positions() if callable(self._positions) else self._positions
        if found is None or len(found) < count:
            known = "nowhere" if found is None else f"at {len(found)} positions"
            raise RuntimeError(f"{count} rows are run that stand {known}.")
        found = found[len(found) - count :]
        if isinstance(found, range):
            return torch.arange(found.start, found.stop, device=device)
        return found.to(device)
