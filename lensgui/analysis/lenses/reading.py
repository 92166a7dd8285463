"""What a lens reads of a run, cell by cell: likeliest tokens, and how far from the model's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log

import torch
from torch import Tensor

from lensgui.analysis.lenses.lens import Lens
from lensgui.analysis.run.leaving import Leaving, leave
from lensgui.analysis.run.predictions import metric_logits, read_out
from lensgui.analysis.run.recording import middle_stream
from lensgui.analysis.run.run import Run
from lensgui.terms.metric import Metric
from lensgui.transformer.layers.embed import check_ids
from lensgui.transformer.layers.parameters import exact, precise
from lensgui.transformer.model import HookedTransformer

_BYTES = 32 << 20  # of the logits of one piece
_MID_AT_ONCE = 128  # positions
_WORK = {"cpu": 3.6e9, "mps": 1e11, "cuda": 1e12}  # FLOP that take about 50 ms


@dataclass(frozen=True, slots=True)
class LensCells:
    """What a lens reads at some places of a run.

    Attributes:
        rows: The row of each cell, as `lens_rows` counts them: the layer that its stream enters,
            n_layers for the one after the last; [cell].
        positions: Where it stands, [cell].
        tokens: The likeliest tokens, the first being the likeliest, [cell, k].
        log_probs: Their log-probabilities in nats, [cell, k].
        entropy: Of the whole distribution, in nats, [cell].
        divergence: KL(the model's own distribution there ‖ this one), in nats, [cell].
        surprisal: Of the token that stands next, in bits, [cell]; NaN at the last position.
        chosen: The logits of the tokens that were asked for, [cell, token].
        chosen_log_probs: Likewise their log-probabilities, in nats.
        chosen_ranks: Likewise how many tokens are likelier.
    """

    rows: Tensor
    positions: Tensor
    tokens: Tensor
    log_probs: Tensor
    entropy: Tensor
    divergence: Tensor
    surprisal: Tensor
    chosen: Tensor
    chosen_log_probs: Tensor
    chosen_ranks: Tensor


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
    reader = _Reader(run, lens, tokens, min(k, model.cfg.d_vocab_out))
    some = max(1, reader.most // len(rows))
    others = [sorted(nearest[first : first + some]) for first in range(1, length, some)]
    yield from _as_they_arrive(reader.read(rows, [nearest[:1], *others]))


@dataclass(frozen=True, slots=True)
class LensRow:
    """A place in the depth of a model where its stream can be read.

    Attributes:
        layer: The layer that the stream enters; n_layers for the one after the last.
        is_mid: Whether it is that between this layer's attention and its MLP.
        number: Its number among the rows that are read.
    """

    layer: int
    is_mid: bool
    number: int


def lens_rows(model: HookedTransformer, *, mid: bool = False) -> list[LensRow]:
    """Return all rows of a model, as they are counted.

    Without `mid` they are counted as layers, with it each layer's two follow each other: 2 · layer,
    2 · layer + 1 and at last 2 · n_layers.

    Args:
        model: The model.
        mid: Whether the stream between attention and MLP counts.

    Raises:
        ValueError: If it does and there is none.
    """
    n_layers = model.cfg.n_layers
    if not mid:
        return [LensRow(layer, False, layer) for layer in range(n_layers + 1)]
    if not model.cfg.has_middle:
        raise ValueError(
            f"There is no stream between attention and MLP in {model.cfg.model_name}: leave it out."
        )
    of_layers = [LensRow(at // 2, bool(at % 2), at) for at in range(2 * n_layers)]
    return [*of_layers, LensRow(n_layers, False, 2 * n_layers)]


def readable_rows(model: HookedTransformer, lens: Lens, *, mid: bool = False) -> list[LensRow]:
    """Return the rows that a lens can read, and the one after the last layer, which any can.

    A lens that was fitted reads nothing between attention and MLP.
    """
    n_layers, reads_mid = model.cfg.n_layers, lens.d_model is None
    return [
        row
        for row in lens_rows(model, mid=mid)
        if row.layer == n_layers or (reads_mid if row.is_mid else lens.reads(row.layer))
    ]


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
    model, length = run.complete().model, len(run.tokens)
    final, rows = run.residuals[-1], readable_rows(model, lens, mid=mid)
    lens, found = lens.beside(final[:1]), []
    for row in rows:
        for some in _stretches(row, length):
            there = middle_stream(run, row.layer, some) if row.is_mid else run.residuals[row.layer]
            stream = _as_last(model, lens, row, there)
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


def _as_last(model: HookedTransformer, lens: Lens, row: LensRow, stream: Tensor) -> Tensor:
    """Return a row's stream as if it were the last, [position, d_model]."""
    if row.is_mid or row.layer == model.cfg.n_layers:
        return stream
    return lens.transport(stream, row.layer).to(stream.dtype)


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
    some = 1 if metric.compares else _most(model) if wide else len(stream)
    for first in range(0, len(stream), some):
        these = stream[first : first + some]
        yield slice(start + first, start + first + len(these)), these


def _most(model: HookedTransformer) -> int:
    """Return how many cells are read at once."""
    cfg, device = model.cfg, model.embed.W_E.device.type
    work = _WORK.get(device, _WORK["cpu"]) * (torch.get_num_threads() if device == "cpu" else 1)
    by_work = work / (2 * cfg.d_model * cfg.d_vocab_out)
    return max(1, int(min(by_work, _BYTES / (4 * cfg.d_vocab_out))))


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Some cells on their way into host memory.

    Attributes:
        places: Row and position of each, [cell, 2].
        sent: Their numbers, [cell, column], as whole numbers so that all leave at once: ids, ranks,
            and the bits of floats.
        kind: The format of the floats.
        widths: How many columns there are of each: likeliest tokens, ranks of the chosen ones,
            log-probabilities of both, logits of the chosen ones, and three numbers of the cell.
    """

    places: Tensor
    sent: Leaving
    kind: torch.dtype
    widths: list[int]

    def cells(self) -> LensCells:
        """Return them once they are here."""
        (joined,) = self.sent.arrived()
        top, ranks, *floats = torch.split(joined, self.widths, 1)
        log_top, likely, chosen, decided = (part.view(self.kind) for part in floats)
        entropy, divergence, surprisal = decided.unbind(1)
        return LensCells(
            self.places[:, 0], self.places[:, 1],
            top.long(), log_top, entropy, divergence, surprisal, chosen, likely, ranks.long(),
        )  # fmt: skip


def _as_they_arrive(pieces: Iterator[_Piece]) -> Iterator[LensCells]:
    """Yield pieces in order; where one is not here at once, the next is asked for meanwhile."""
    last: _Piece | None = None
    for piece in pieces:
        if last is not None:
            yield last.cells()
        last = piece
        if piece.sent.is_here():
            yield piece.cells()
            last = None
    if last is not None:
        yield last.cells()


class _Reader:
    """Reads some rows at some positions at once.

    Attributes:
        most: How many cells fit into a piece.
    """

    def __init__(self, run: Run, lens: Lens, tokens: Sequence[int], k: int) -> None:
        self._run, self._k, self._model = run, k, run.model
        self._lens = lens.beside(run.residuals[-1][:1])
        self._chosen = torch.tensor(tokens, dtype=torch.long, device=run.tokens.device)
        self._following = run.tokens.roll(-1)
        self.most = _most(run.model)

    def read(self, rows: list[LensRow], groups: list[list[int]]) -> Iterator[_Piece]:
        """Read rows at groups of positions in turn, as many rows at once as fit into a piece."""
        every = torch.tensor([*chain(*groups)], device=self._run.tokens.device)
        for positions, at in zip(groups, every.split(list(map(len, groups))), strict=True):
            stream = self._run.residuals[-1].index_select(0, at)
            final = precise(read_out(self._model, stream)).log_softmax(-1)
            chances = final.exp()
            own = chances, (chances * final).sum(-1)
            some = max(1, self.most // len(positions))
            for first in range(0, len(rows), some):
                yield self._piece(rows[first : first + some], positions, at, own)

    def _piece(
        self, rows: list[LensRow], positions: list[int], at: Tensor, own: tuple[Tensor, Tensor]
    ) -> _Piece:
        """Read some rows at some positions.

        Args:
            rows: The rows.
            positions: The positions.
            at: The same, where the model is.
            own: The model's own probabilities there, [position, token], and Σ p log p.
        """
        chances, negentropy = own
        moved = [self._moved(row, positions, at) for row in rows]
        logits = precise(read_out(self._model, torch.cat(moved)))  # [row · position, token]
        found = logits.topk(self._k)
        chosen = logits.index_select(1, self._chosen)
        log_probs = logits.log_softmax(-1)
        total = logits[:, :1] - log_probs[:, :1]
        crossed = torch.einsum("pv,rpv->rp", chances, log_probs.unflatten(0, (len(rows), -1)))
        decided = (
            -(log_probs.exp() * log_probs).sum(-1),
            (negentropy - crossed).flatten(),
            self._surprisal(log_probs, at.repeat(len(rows))),
        )
        ids = found.indices, _ranks(logits, chosen)
        floats = found.values - total, chosen - total, chosen, torch.stack(decided, 1)
        bits = torch.int32 if logits.dtype == torch.float32 else torch.long
        parts = [*(part.to(bits) for part in ids), *(part.view(bits) for part in floats)]
        counted = torch.tensor([row.number for row in rows])
        places = torch.cartesian_prod(counted, torch.tensor(positions))
        widths = [part.shape[1] for part in parts]
        return _Piece(places, leave(torch.cat(parts, 1)), logits.dtype, widths)

    def _moved(self, row: LensRow, positions: list[int], at: Tensor) -> Tensor:
        """Return a row at some positions as if it were the last, [position, d_model]."""
        if row.is_mid:
            slices = (slice(position, position + 1) for position in positions)
            return torch.cat([middle_stream(self._run, row.layer, one) for one in slices])
        return _as_last(
            self._model, self._lens, row, self._run.residuals[row.layer].index_select(0, at)
        )

    def _surprisal(self, log_probs: Tensor, at: Tensor) -> Tensor:
        """Return −log2 of the probability of the token after each position, [cell]."""
        following = self._following.index_select(0, at)
        bits = -log_probs.gather(-1, following[:, None])[:, 0] / log(2)
        return bits.masked_fill(at == len(self._run.tokens) - 1, torch.nan)


def _ranks(logits: Tensor, chosen: Tensor) -> Tensor:
    """Return how many tokens are likelier than each chosen one, [cell, token]."""
    counts = [(logits > chosen[:, token, None]).sum(-1) for token in range(chosen.shape[1])]
    return torch.stack(counts, -1) if counts else chosen.long()


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
