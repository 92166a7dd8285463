"""Runs that go through the layers as one batch: weights are read once for all."""

from __future__ import annotations

from collections.abc import Sequence

from lensgui.analysis.run.passes import rows_at_once, through
from lensgui.analysis.run.run import Run, RunBatch, equal_tokens


def are_alike(runs: Sequence[Run]) -> bool:
    """Return whether runs can go through the layers as one batch, and gain from it."""
    first = runs[0]
    rows = sum(len(run.tokens) for run in runs)
    return (
        len({id(run) for run in runs}) == len(runs)
        and rows <= rows_at_once(first.model, 0)
        and all((run.known_layers, run.names) == (first.known_layers, first.names) for run in runs)
        and all(run.model is first.model for run in runs)
        and all(run._batch.can_join for run in runs)
    )


def batches_of(runs: Sequence[Run]) -> list[RunBatch]:
    """Return batches of runs that are alike; the first leads those that share no more with another.

    A run of the same tokens as the first has no batch: it shares what the first has.
    """
    first, *others = runs
    batches = [first._batch]
    for run in others:
        equal = equal_tokens(run, first)
        if equal == len(run.tokens):
            run.residuals, run.keys, run.values = first.residuals, first.keys, first.values
            run.kept = first.kept
            continue
        if equal >= run._batch.start:
            run._batch = RunBatch(run, first._batch, equal)
        batches.append(run._batch)
    return batches


def run_together(runs: Sequence[Run]) -> None:
    """Let runs go through the layers that they lack as one batch: weights are read once for all.

    Stepping any of them steps all. Their equal first positions are run once. Nothing happens if
    they do not stand at the same layer, wait for another run, or are so long that a batch gains
    nothing.

    Args:
        runs: Runs of one model, of equal length.
    """
    if are_alike(runs):
        model, known = runs[0].model, runs[0].known_layers
        pieces = through(model, batches_of(runs), range(known, model.cfg.n_layers))
        for run in runs:
            run._pieces = pieces
