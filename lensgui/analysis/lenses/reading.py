"""What a lens reads of a run, cell by cell: likeliest tokens, and how far from the model's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lensgui.analysis.lenses.cells import (
    LensCells,
    LensRow,
    Reader,
    as_last,
    as_they_arrive,
    lens_rows,
    most_cells,
    readable_rows,
)
from lensgui.analysis.lenses.lens import Lens
from lensgui.analysis.run.leaving import leave
from lensgui.analysis.run.predictions import metric_logits, read_out
from lensgui.analysis.run.recording import middle_stream
from lensgui.analysis.run.run import Run
from lensgui.terms.metric import Metric
from lensgui.transformer.edits.intervened import itself
from lensgui.transformer.layers.embed import check_ids
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer

_MID_AT_ONCE = 128  # positions


@torch.no_grad()
def read_lens(
    run: Run,
    lens: Lens,
    tokens: Sequence[int] = (),
    position: int = -1,
    k: int = 10,
    *,
    mid: bool = False,
) -> Iterator[LensCells]:
    """Read all rows and positions of a run through a lens, from one position outwards.

    Args:
        run: A run, which is completed.
        lens: The lens; rows that it can't read are left out.
        tokens: Tokens whose logits, probabilities and ranks are wanted.
        position: Where to begin; negative counts from the end.
        k: How many likeliest tokens.
        mid: Whether the stream between attention and MLP is read too.

    Yields:
        What is known of some cells, first those of `position`, about every 50 ms; each cell once.

    Raises:
        ValueError: If there is no such token or position, or nothing between attention and MLP.
    """
    model = run.complete().model
    check_ids(tuple(tokens), model.cfg.d_vocab_out, model.cfg.model_name)
    length = len(run.tokens)
    if not -length <= position < length:
        raise ValueError(f"There is no position {position}: the prompt has {length} tokens.")
    rows = readable_rows(model, lens, mid=mid)
    nearest = sorted(range(length), key=lambda at: (abs(at - position % length), at))
    reader = Reader(run, lens, tokens, min(k, model.cfg.d_vocab_out))
    some = max(1, reader.most // len(rows))
    others = [sorted(nearest[first : first + some]) for first in range(1, length, some)]
    yield from as_they_arrive(reader.read(rows, [nearest[:1], *others]))


@torch.no_grad()
def lens_metric(
    run: Run, lens: Lens, metric: Metric, *, mid: bool = False
) -> Iterator[Tensor | None]:
    """Return a metric as a lens reads it, at every row and position.

    Only the columns that it needs are worked out.

    Args:
        run: A run, which is completed.
        lens: The lens.
        metric: What is read, at one position; at each it is read as if that were the one. One that
            compares is compared with the model's own distribution there.
        mid: Whether the stream between attention and MLP is read too.

    Yields:
        None between pieces, and at last [row, position], as `lens_rows` counts rows, in the
        metric's unit; NaN where the lens can't read.

    Raises:
        ValueError: If the metric reads several positions, no such token exists, or there is nothing
            between attention and MLP.
    """
    if metric.reads != 1:
        raise ValueError("A lens reads one position at a time: choose a metric that does.")
    model, length = itself(run.complete().model), len(run.tokens)
    final, rows = run.residuals[-1], readable_rows(model, lens, mid=mid)
    lens, found = lens.beside(final[:1]), []
    for row in rows:
        for some in _stretches(row, length):
            there = middle_stream(run, row.layer, some) if row.is_mid else run.residuals[row.layer]
            stream = as_last(model, lens, row, there)
            for at, these in _bounded(model, metric, stream, some.start):
                own = metric
                if metric.compares:
                    own = metric.against(exact(read_out(model, final[at]))[0])
                found.append(own.of_columns(metric_logits(model, these[:, None], own)))
            yield None
    (read,) = leave(torch.cat(found)).arrived()
    count = len(lens_rows(model, mid=mid))
    values = torch.full((count, length), torch.nan, dtype=torch.float64)
    values[[row.number for row in rows]] = read.double().unflatten(0, (len(rows), length))
    yield values


def _stretches(row: LensRow, length: int) -> Iterator[slice]:
    """Yield positions that are read at once: behind attention, that is worked out anew for each."""
    some = _MID_AT_ONCE if row.is_mid else length
    for first in range(0, length, some):
        yield slice(first, min(first + some, length))


def _bounded(
    model: HookedTransformer, metric: Metric, stream: Tensor, start: int
) -> Iterator[tuple[slice, Tensor]]:
    """Yield positions that are read at once: one at a time for a metric that compares.

    Args:
        model: The model.
        metric: The metric.
        stream: Of positions that follow each other, [position, d_model].
        start: The first of them.
    """
    wide = metric.columns is None
    some = 1 if metric.compares else most_cells(model) if wide else len(stream)
    for first in range(0, len(stream), some):
        these = stream[first : first + some]
        yield slice(start + first, start + first + len(these)), these


@torch.no_grad()
def lens_worth(run: Run, lens: Lens) -> Tensor:
    """Return how far a lens is from the model: KL(model ‖ lens) by row, the mean over positions.

    Args:
        run: A run, which is completed.
        lens: The lens.

    Returns:
        In nats, [row], n_layers + 1 of them; NaN where the lens can't read. A lens that is worse
        than the logit lens does not fit the model.
    """
    sums = torch.zeros(run.model.cfg.n_layers + 1, dtype=torch.float64)
    for cells in read_lens(run, lens, k=1):
        sums.index_add_(0, cells.rows, cells.divergence.double())
    return mean_worth(run.model, lens, sums, len(run.tokens))


def mean_worth(model: HookedTransformer, lens: Lens, sums: Tensor, count: int) -> Tensor:
    """Return sums over positions, [row], as means; NaN where the lens can't read."""
    readable = torch.zeros(len(sums), dtype=torch.bool)
    readable[[row.number for row in readable_rows(model, lens)]] = True
    return (sums / count).masked_fill(~readable, torch.nan)
