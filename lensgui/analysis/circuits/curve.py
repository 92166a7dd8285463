"""How faithful circuits are by size, beside circuits drawn at random (Mueller et al. 2025: MIB)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.analysis.circuits.faithfulness import ratio_interval, share_of
from lensgui.analysis.circuits.groups import Cut
from lensgui.analysis.circuits.runs import CircuitRuns
from lensgui.terms.circuits.drawn import random_like
from lensgui.terms.circuits.graph import Graph, Ranking

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
DRAWS = 10


@dataclass(frozen=True, slots=True, eq=False)
class FaithfulnessCurve:
    """The faithfulness of circuits of the best-scored edges, size by size, as far as it is known.

    Attributes:
        shares: How many of the model's edges each has.
        circuits: The circuits, less edges on no path, which change nothing.
        counts: How many edges were taken of each.
        metrics: The metric of each circuit, [size, pair]; NaN where it is not yet known.
        drawn: That of circuits drawn at random, as `random_like` draws them,
            [size, draw, pair]; likewise.
        models: The metric of the whole model, [pair].
        empties: The metric of the circuit of nothing, [pair].
        by: How edges were ranked.
        caption: What was cut and what stood in: shown with every number.
    """

    shares: tuple[float, ...]
    circuits: tuple[Graph, ...]
    counts: tuple[int, ...]
    metrics: Tensor
    drawn: Tensor
    models: Tensor
    empties: Tensor
    by: Ranking
    caption: str

    @property
    def faithfulness(self) -> Tensor:
        """Of each size, [size]; NaN where it is not yet known."""
        return self._shares_of(self.metrics)

    @property
    def drawn_faithfulness(self) -> Tensor:
        """Of each circuit drawn at random, [size, draw]."""
        return self._shares_of(self.drawn)

    def _shares_of(self, metrics: Tensor) -> Tensor:
        gained: Tensor = (metrics - self.empties).mean(-1)
        return gained / (self.models - self.empties).mean()

    def interval(self, size: int) -> tuple[float, float] | None:
        """Return where the faithfulness of a size lies in most resamples; None for one prompt."""
        return ratio_interval(self.metrics[size] - self.empties, self.models - self.empties)

    @property
    def cpr(self) -> float:
        """The circuit performance ratio: the area under the curve, over the share of the edges."""
        return self._area(self.faithfulness)

    @property
    def cmd(self) -> float:
        """The circuit-model distance: the area between the curve and 1; 0 is best."""
        return self._area((1 - self.faithfulness).abs())

    def _area(self, heights: Tensor) -> float:
        return float(torch.trapezoid(heights, torch.tensor(self.shares, dtype=heights.dtype)))


def faithfulness_curve(
    runs: CircuitRuns,
    scored: Graph,
    shares: Sequence[float] = SHARES,
    by: Ranking = "size",
    draws: int = DRAWS,
    seed: int = 0,
) -> Iterator[FaithfulnessCurve | None]:
    """Measure nested circuits of the best-scored edges, and circuits drawn at random.

    Args:
        runs: The prompts, and what stands in.
        scored: A graph with scores.
        shares: How many of the edges each circuit has, as shares of all.
        by: Whether edges are ranked by the size of their scores or by sign, which leaves out what
            works against the answer.
        draws: How many circuits are drawn for each size.
        seed: Of the draws.

    Yields:
        The curve so far, whose arrays are the same each time: the smallest circuits first, and then
        what is drawn; None where only time has passed.

    Raises:
        ValueError: If the graph has no scores, or is of another model; or the model scores as the
            reference does.
    """
    scored.check(runs.model.cfg)
    total = scored.total
    counts = tuple(max(1, round(share * total)) for share in shares)
    circuits = tuple(scored.largest(count, by).pruned() for count in counts)
    for _ in runs.prepare():
        yield None
    models, empties = runs.ends()
    share_of(0.0, float(empties.mean()), float(models.mean()))  # which refuses what has no share
    metrics = torch.full((len(counts), runs.count), torch.nan, dtype=torch.float64)
    drawn = torch.full((len(counts), draws, runs.count), torch.nan, dtype=torch.float64)
    caption = f"edge level, best edges by {by}; {runs.caption}"
    known = metrics, drawn, models, empties
    curve = FaithfulnessCurve(tuple(shares), circuits, counts, *known, by, caption)
    for at, circuit in enumerate(circuits):
        yield from _into(metrics[at], runs, circuit)
        yield curve
    for draw in range(draws):
        for at, circuit in enumerate(circuits):
            other = circuit if circuit.count == total else random_like(circuit, seed + draw)
            yield from _into(drawn[at, draw], runs, other)
        yield curve


def _into(row: Tensor, runs: CircuitRuns, circuit: Graph) -> Iterator[None]:
    """Put the metric of a circuit into a row, [pair]; yield between."""
    for found in runs.values([Cut(circuit.kept)]):
        if found is not None:
            row.copy_(found[0])
        yield
