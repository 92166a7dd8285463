"""Cells as a lens reads them, a piece at a time: what is worked out of the logits of some.

Fresh memory for as many logits would take nearly as long as the logits, so their powers, and which
are larger than another, go where those of the piece before were.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from math import log

import torch
from torch import Tensor

from lensgui.analysis.lenses.lens import Lens
from lensgui.analysis.run.leaving import Leaving, leave
from lensgui.analysis.run.predictions import read_out
from lensgui.analysis.run.recording import middle_stream
from lensgui.analysis.run.run import Run
from lensgui.transformer.edits.intervened import itself
from lensgui.transformer.layers.parameters import precise
from lensgui.transformer.model import HookedTransformer

_BYTES = 32 << 20  # of the logits of one piece
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


def as_last(model: HookedTransformer, lens: Lens, row: LensRow, stream: Tensor) -> Tensor:
    """Return a row's stream as if it were the last, [position, d_model]."""
    if row.is_mid or row.layer == model.cfg.n_layers:
        return stream
    return lens.transport(stream, row.layer).to(stream.dtype)


def most_cells(model: HookedTransformer) -> int:
    """Return how many cells are read at once."""
    cfg, device = model.cfg, model.embed.W_E.device.type
    work = _WORK.get(device, _WORK["cpu"]) * (torch.get_num_threads() if device == "cpu" else 1)
    by_work = work / (2 * cfg.d_model * cfg.d_vocab_out)
    return max(1, int(min(by_work, _BYTES / (4 * cfg.d_vocab_out))))


_Own = tuple[Tensor, Tensor]  # the model's own probabilities, [position, token], and Σ p log p


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


def as_they_arrive(pieces: Iterator[_Piece]) -> Iterator[LensCells]:
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


class Reader:
    """Reads some rows at some positions at once.

    Attributes:
        most: How many cells fit into a piece.
    """

    def __init__(self, run: Run, lens: Lens, tokens: Sequence[int], k: int) -> None:
        self._run, self._k, self._model = run, k, itself(run.model)
        self._lens = lens.beside(run.residuals[-1][:1])
        self._chosen = torch.tensor(tokens, dtype=torch.long, device=run.tokens.device)
        self._following = run.tokens.roll(-1)
        self._scratch = run.residuals[-1].new_empty((0, 0))
        self.most = most_cells(run.model)

    def read(self, rows: list[LensRow], groups: list[list[int]]) -> Iterator[_Piece]:
        """Read rows at groups of positions in turn, as many rows at once as fit into a piece.

        The row after the last layer comes first: it is the model's own, which others are compared
        with.
        """
        *before, end = rows
        every = torch.tensor([*chain(*groups)], device=self._run.tokens.device)
        for positions, at in zip(groups, every.split(list(map(len, groups))), strict=True):
            some = max(1, self.most // len(positions))
            own: _Own | None = None
            for first in range(0, len(rows), some):
                piece, own = self._piece([end, *before][first : first + some], positions, at, own)
                yield piece

    def _piece(
        self, rows: list[LensRow], positions: list[int], at: Tensor, own: _Own | None
    ) -> tuple[_Piece, _Own]:
        """Read some rows at some positions.

        Args:
            rows: The rows.
            positions: The positions.
            at: The same, where the model is.
            own: What the model predicts there; None where the first of the rows says it.

        Returns:
            What is read, and what the model predicts.
        """
        moved = [self._moved(row, positions, at) for row in rows]
        logits = precise(read_out(self._model, torch.cat(moved)))  # [row · position, token]
        found = logits.topk(self._k)
        chosen = logits.index_select(1, self._chosen)
        scratch = self._scratch_of(logits)
        ranks = _ranks(logits, chosen, scratch)
        top = found.values[:, :1]
        below = logits.sub_(top)  # of the likeliest token, so that powers are at most 1
        powers = torch.exp(below, out=scratch)
        sums = powers.sum(-1, keepdim=True)
        log_sums = sums.log()
        chances = powers[: len(positions)] / sums[: len(positions)] if own is None else own[0]
        crossed = torch.einsum("pv,rpv->rp", chances, below.unflatten(0, (len(rows), -1)))
        crossed -= log_sums.view_as(crossed)  # Σ chance · log-probability
        own = chances, crossed[0] if own is None else own[1]
        decided = (
            log_sums[:, 0] - powers.mul_(below).sum(-1) / sums[:, 0],
            (own[1] - crossed).flatten(),
            self._surprisal(below, log_sums, at.repeat(len(rows))),
        )
        ids = found.indices, ranks
        log_top, log_chosen = (values - top - log_sums for values in (found.values, chosen))
        floats = log_top, log_chosen, chosen, torch.stack(decided, 1)
        bits = torch.int32 if logits.dtype == torch.float32 else torch.long
        parts = [*(part.to(bits) for part in ids), *(part.view(bits) for part in floats)]
        counted = torch.tensor([row.number for row in rows])
        places = torch.cartesian_prod(counted, torch.tensor(positions))
        widths = [part.shape[1] for part in parts]
        return _Piece(places, leave(torch.cat(parts, 1)), logits.dtype, widths), own

    def _scratch_of(self, logits: Tensor) -> Tensor:
        """Return room for as many numbers: fresh memory for each piece would take long to get."""
        if len(logits) > len(self._scratch) or self._scratch.dtype != logits.dtype:
            self._scratch = torch.empty_like(logits)
        return self._scratch[: len(logits)]

    def _moved(self, row: LensRow, positions: list[int], at: Tensor) -> Tensor:
        """Return a row at some positions as if it were the last, [position, d_model]."""
        if row.is_mid:
            slices = (slice(position, position + 1) for position in positions)
            return torch.cat([middle_stream(self._run, row.layer, one) for one in slices])
        return as_last(
            self._model, self._lens, row, self._run.residuals[row.layer].index_select(0, at)
        )

    def _surprisal(self, below: Tensor, log_sums: Tensor, at: Tensor) -> Tensor:
        """Return −log2 of the probability of the token after each position, [cell].

        Args:
            below: Logits below the largest one of each cell, [cell, token].
            log_sums: The logarithm of the sum of their powers, [cell, 1].
            at: The position of each cell.
        """
        following = self._following.index_select(0, at)
        bits = (log_sums - below.gather(-1, following[:, None]))[:, 0] / log(2)
        return bits.masked_fill(at == len(self._run.tokens) - 1, torch.nan)


def _ranks(logits: Tensor, chosen: Tensor, scratch: Tensor) -> Tensor:
    """Return how many tokens are likelier than each chosen one, [cell, token].

    They are counted in floats, which are added without being converted first, as truths would be.

    Args:
        logits: [cell, token].
        chosen: The logits of the chosen ones, likewise.
        scratch: Room for as many numbers as logits.
    """
    counts = [
        torch.gt(logits, chosen[:, at, None], out=scratch).sum(-1) for at in range(chosen.shape[1])
    ]
    return torch.stack(counts, -1) if counts else chosen.long()
