"""Activation patching of every place at once, exactly, without running anything twice.

One cell of a sweep is the corrupted run with one activation of the clean run put in its place. A
cell at layer l and position p leaves everything before l and before p as it was, so only the rows
from p on run, from layer l on, against the corrupted run's own keys and values. Cells with the same
p walk the layers together: at each layer the cell that enters there joins the batch. See Vig et al.
(2020), Meng et al. (2022) and Heimersheim & Nanda (2024) for the method itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lensgui.circuits.questions import LogitDifference
from lensgui.circuits.runs import Run, read_out, rows_at_once
from lensgui.engine.layers.span import Span
from lensgui.engine.model import HookedTransformer


@dataclass(frozen=True, slots=True)
class SweepResult:
    """A sweep, as far as it is known.

    Attributes:
        values: Patched metric − corrupted metric, [layer, position]; NaN where not yet known.
        unchanged: Cells that are 0 because what is patched in is what stood there already, [layer,
            position].
        clean: The metric of the clean run.
        corrupted: The metric of the corrupted run.
    """

    values: Tensor
    unchanged: Tensor
    clean: float
    corrupted: float


@torch.no_grad()
def sweep_residual(
    model: HookedTransformer,
    clean: Tensor | Run,
    corrupted: Tensor | Run,
    metric: LogitDifference,
) -> Iterator[SweepResult]:
    """Patch the clean residual stream into the corrupted run, at each layer's input and position.

    Args:
        model: The model; hooks attached to it are not run.
        clean: Token ids of the clean prompt, [position] or [1, position]; or its run, if there is
            one already.
        corrupted: The corrupted prompt, with as many tokens.
        metric: What is read.

    Yields:
        The result so far, often: every yield is a place to stop. The arrays are the same each time.

    Raises:
        ValueError: If the prompts have different lengths.
    """
    source, base = (
        prompt if isinstance(prompt, Run) else Run(model, prompt) for prompt in (clean, corrupted)
    )
    total, layers = len(base.tokens), model.cfg.n_layers
    if len(source.tokens) != total:
        raise ValueError(
            f"The clean prompt has {len(source.tokens)} tokens and the corrupted one {total}; "
            "patching needs as many in both."
        )
    for prompt in (source, base):
        for _ in prompt.steps():
            yield _nothing_known(layers, total)
    end = range(total)[metric.position] + 1
    result = _without_work(source, base, metric, end)
    yield result
    for start in reversed(range(end)):
        entering = [layer for layer in range(layers) if not result.unchanged[layer, start]]
        if entering:
            walk = Walk(base, start, end)
            for _ in walk.through(source, entering):
                yield result
            result.values[entering, start] = walk.metric(metric).cpu() - result.corrupted
            yield result


def _nothing_known(layers: int, total: int) -> SweepResult:
    """Return a result of which nothing is known."""
    values = torch.full((layers, total), torch.nan, dtype=torch.float64)
    return SweepResult(values, values == 0, torch.nan, torch.nan)


def _without_work(source: Run, base: Run, metric: LogitDifference, end: int) -> SweepResult:
    """Return a result that knows the cells whose patch changes nothing that is read."""
    result = _nothing_known(base.model.cfg.n_layers, len(base.tokens))
    result.unchanged[:, end:] = True
    for layer, unchanged in enumerate(result.unchanged):
        same = (source.residuals[layer] == base.residuals[layer]).all(-1)
        unchanged[:end] = same[:end].cpu()
    result.values[result.unchanged] = 0.0
    read = [
        metric.of_columns(read_out(base.model, run.residuals[-1][end - 1], metric.columns).double())
        for run in (source, base)
    ]
    return SweepResult(result.values, result.unchanged, *(float(value) for value in read))


class Walk:
    """Cells with one first changed position, on their way through the layers together."""

    def __init__(self, base: Run, start: int, end: int) -> None:
        """Start with no cells.

        Args:
            base: The run that is patched into.
            start: The first position that differs from it.
            end: The position after the one that is read.
        """
        self._base, self._start, self._end = base, start, end
        self._span = Span(base.model.cfg, end - start, start, device=base.residuals[0].device)
        self._rows = base.residuals[0].new_empty(0, end - start, base.model.cfg.d_model)

    def through(self, source: Run, entering: list[int]) -> Iterator[None]:
        """Run all layers, a cell joining at each of some, patched from a source run."""
        for layer in range(entering[0], source.model.cfg.n_layers):
            if layer in entering:
                self.enter(source.residuals[layer][self._start], layer)
            yield from self.step(layer)

    def enter(self, residual: Tensor, layer: int) -> None:
        """Add the cell that has a residual stream [d_model] at its first position."""
        rows = self._base.residuals[layer][self._start : self._end].clone()
        rows[0] = residual
        self._rows = torch.cat([self._rows, rows[None]])

    def step(self, layer: int) -> Iterator[None]:
        """Run a layer, yielding between pieces of about 50 ms."""
        model = self._base.model
        is_last = layer == model.cfg.n_layers - 1
        past = self._base.before(layer, self._start)
        cells = max(1, rows_at_once(model, layer) // (self._end - self._start))
        done = []
        for piece in self._rows.split(cells):
            done.append(model.blocks[layer](piece, self._span, past, 1 if is_last else None))
            yield
        self._rows = torch.cat(done)

    def metric(self, metric: LogitDifference) -> Tensor:
        """Return the metric of each cell once all layers have run, [cell], in float64."""
        logits = read_out(self._base.model, self._rows[:, -1], metric.columns)
        value: Tensor = metric.of_columns(logits.double())
        return value
