"""Every head taken out, and every head read off directly: what tells movers from the rest.

Direct attribution says what a head writes towards the answer; mean ablation what the whole model
loses without it. A head that matters but writes nothing itself works through others (Wang et al.
2022).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lensgui.analysis.checks import check_runs
from lensgui.analysis.heads.direct import attention_terms, reading_direction
from lensgui.analysis.run.layer_row import LayerRow
from lensgui.analysis.run.predictions import compared, read_metric
from lensgui.analysis.run.recording import Recording
from lensgui.analysis.run.run import Run
from lensgui.analysis.sweep.patches import Patch
from lensgui.analysis.sweep.result import nothing_known
from lensgui.analysis.sweep.sweep import run_cells
from lensgui.terms.kinds import HEADS
from lensgui.terms.metric import Metric, read_positions

_NAMES = frozenset({"z"})


class MeanRecording:
    """The mean of several runs' activations at each position."""

    def __init__(self, runs: Sequence[Run]) -> None:
        """Average over complete runs of one length."""
        self._recordings = [Recording(run, _NAMES) for run in runs]

    def __call__(self, name: str, layer: int) -> Tensor:
        """Return a mean activation, such as z [position, head, d_head]."""
        return self._mean([recording(name, layer) for recording in self._recordings])

    def residual(self, layer: int) -> Tensor:
        """Return the mean stream before a layer, [position, d_model]."""
        return self._mean([recording.residual(layer) for recording in self._recordings])

    @staticmethod
    def _mean(parts: list[Tensor]) -> Tensor:
        return torch.stack(parts).mean(0)


@torch.no_grad()
def ablate_heads(base: Run, reference: Sequence[Run], metric: Metric) -> Iterator[Tensor]:
    """Take out one head at a time, its mean at each position over some prompts in its place.

    Args:
        base: The run that heads are taken out of; it is completed.
        reference: Runs of as many tokens, which the mean is taken over; they are completed.
        metric: What is read.

    Yields:
        Ablated − base metric, [layer, head], NaN where not yet known; the array is the same each
        time.

    Raises:
        ValueError: If a reference prompt has another length, hooks are attached, or runs are of
            several models.
    """
    check_runs(base.model, base, *reference)
    if any(len(run.tokens) != len(base.tokens) for run in reference):
        raise ValueError("Mean ablation goes position by position: all prompts need one length.")
    end = read_positions(metric, len(base.tokens)).stop
    metric = compared(base.model, metric, base.residuals[-1])
    start = read_metric(base, metric)
    patch = Patch(HEADS, base, MeanRecording(reference), Recording(base, _NAMES))
    shape = (base.model.cfg.n_layers, *patch.shape)
    result = nothing_known(HEADS, shape, start, start)
    for _ in run_cells([patch], [result], base, metric, end, start):
        yield result.values


@torch.no_grad()
def attribute_heads(run: Run, metric: Metric) -> Iterator[Tensor]:
    """Read every head's output where the metric reads off as a logit difference.

    Every norm's scale is taken as it was, so that the heads' parts add up (Elhage et al. 2021).
    `attribute` has all that the heads are a part of.

    Args:
        run: A run, which is completed.
        metric: What is read; its sets of tokens count by their mean.

    Yields:
        In logits, [layer, head], NaN where not yet known: a layer more each time.

    Raises:
        ValueError: If the metric is not read off single logits of one position.
    """
    cfg, position = run.complete().model.cfg, read_positions(metric, len(run.tokens)).start
    direction = reading_direction(run, metric, position)
    found = torch.full((cfg.n_layers, cfg.n_heads), torch.nan, dtype=torch.float64)
    for layer in range(cfg.n_layers):
        found[layer] = attention_terms(LayerRow(run, layer, position), direction)[:-1].cpu()
        yield found
