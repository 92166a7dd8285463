"""What is known of a sweep."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lensgui.analysis.shares import Shares
from lensgui.terms.kinds import SweepKind
from lensgui.terms.metric import MetricName


@dataclass(frozen=True, slots=True)
class SweepResult(Shares):
    """A sweep, as far as it is known.

    Attributes:
        kind: What a cell replaces; its axes are those of the arrays.
        values: Patched metric − base metric; NaN where not yet known.
        unchanged: Cells that are 0 because what is patched in is what stood there already, or
            because nothing that is read can see it.
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
        metric: What is read; None for a metric that is not lensgui's.
    """

    kind: SweepKind
    values: Tensor
    unchanged: Tensor
    clean: float
    corrupted: float
    metric: MetricName | None = None

    @property
    def normalised(self) -> Tensor:
        """The change as a share of clean − corrupted.

        Raises:
            ValueError: If a share has no meaning, as `refusal` says.
        """
        self.check_shares()
        return self.shown

    @property
    def shown(self) -> Tensor:
        """The changes as shares of clean − corrupted, or raw where `refusal` says why not."""
        return self.values / self.scale


def nothing_known(
    kind: SweepKind,
    shape: tuple[int, ...],
    clean: float = torch.nan,
    corrupted: float = torch.nan,
    metric: MetricName | None = None,
) -> SweepResult:
    """Return a result of which no cell is known."""
    values = torch.full(shape, torch.nan, dtype=torch.float64)
    return SweepResult(kind, values, values == 0, clean, corrupted, metric)


def of_prompt(result: SweepResult, length: int) -> SweepResult:
    """Return the part of a sweep that patches the prompt, not the continuation behind it.

    Args:
        result: A sweep of continued prompts.
        length: How many tokens the prompts had before.

    Returns:
        The same maps, their axes of positions ending with the prompt; views of the same arrays, so
        that they fill in as the sweep goes on.
    """
    cut = tuple(
        slice(length) if axis in ("position", "source") else slice(None)
        for axis in result.kind.axes
    )
    return replace(result, values=result.values[cut], unchanged=result.unchanged[cut])
