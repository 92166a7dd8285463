"""One pass through the layers for any number of rows: weights are read once for all."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.layers.span import Span
from lensgui.transformer.model import HookedTransformer

Part = tuple[int, slice]  # of a batch: which one, and which of its cells
_BLOCK_WORK = {"cpu": 2.5e9, "mps": 1e11, "cuda": 1e12}  # FLOP that take ~50 ms; per CPU thread
_FEWEST_ROWS = 256  # with fewer, a matrix product mostly waits for its weights
_PARAMETERS: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()


def parts(streams: list[Tensor], most: int) -> Iterator[list[Part]]:
    """Yield cells of some batches to run at once, about equally many rows each time.

    Args:
        streams: Each batch's stream, [cell, position, d_model].
        most: How many rows may run at once.
    """
    most = evenly(sum(stream.shape[:2].numel() for stream in streams), most)
    together: list[Part] = []
    rows = 0
    for at, stream in enumerate(streams):
        first, (cells, length) = 0, stream.shape[:2]
        while first < cells:
            if together and rows + length > most:
                yield together
                together, rows = [], 0
            count = min(cells - first, max(1, (most - rows) // length))
            together.append((at, slice(first, first + count)))
            first, rows = first + count, rows + count * length
    if together:
        yield together


def evenly(rows: int, most: int) -> int:
    """Return the size of the fewest equal pieces of at most so many rows."""
    return -(-rows // max(1, -(-rows // most))) or 1


def in_a_row(streams: list[Tensor]) -> Tensor:
    """Return streams [cell, position, ...] as one, [cell · position, ...]."""
    flat = [stream.flatten(0, 1) for stream in streams]
    return flat[0] if len(flat) == 1 else torch.cat(flat)


def split_like(streams: list[Tensor], rows: Tensor) -> list[Tensor]:
    """Return rows that belong to streams in their shape.

    Args:
        streams: Each [cell, position, ...].
        rows: What was made of them, [cell · position, ...].
    """
    shapes = [stream.shape[:2] for stream in streams]
    split = rows.split([shape.numel() for shape in shapes])
    return [part.unflatten(0, shape) for part, shape in zip(split, shapes, strict=True)]


def _where(streams: Sequence[tuple[Span, Tensor]], some: slice = slice(None)) -> Tensor:
    """Return where rows stand that are joined as `in_a_row` joins them, [row], in host memory.

    Args:
        streams: Each with its span, of which it has the last positions, [cell, position, ...].
        some: Which of the rows.
    """
    found = [torch.zeros(0, dtype=torch.long)]
    for span, rows in streams:
        last = torch.arange(span.where.stop - rows.shape[1], span.where.stop)
        found.append(last.repeat(len(rows)))
    return torch.cat(found)[some]


def standing_in_a_row(
    model: HookedTransformer, streams: Sequence[tuple[Span, Tensor]], some: slice = slice(None)
) -> AbstractContextManager[None]:
    """Say where rows stand that are joined; arguments as in `_where`."""
    return model.standing.at(partial(_where, streams, some))


def rows_at_once(model: HookedTransformer, layer: int) -> int:
    """Return how many rows of a layer run in about 50 ms, the longest wait to cancel."""
    block = model.blocks[layer]
    if block not in _PARAMETERS:
        _PARAMETERS[block] = sum(weight.numel() for weight in block.parameters())
    device = model.embed.W_E.device.type
    work = _BLOCK_WORK.get(device, _BLOCK_WORK["cpu"])
    if device == "cpu":
        work *= torch.get_num_threads()
    return max(_FEWEST_ROWS, int(work / (2 * _PARAMETERS[block])))


class Batch(Protocol):
    """Rows of the residual stream with one first position: of a run, or of cells of a sweep.

    Attributes:
        span: Where its rows stand.
        rows: The stream between two layers, [cell, position, d_model].
        middle: The same between attention and MLP; only the positions that are needed there.
        before: What the MLP of a parallel block reads instead of `middle`.
        records: Which of "attn_out" and "mlp_out" it records.
    """

    span: Span
    rows: Tensor
    middle: Tensor
    before: Tensor
    records: frozenset[str]

    def queries(self, layer: int) -> int:
        """Return how many of the last positions are needed after a layer's attention."""
        ...

    def enter(self, layer: int) -> None:
        """Come to a layer."""
        ...

    def heads(self, layer: int, some: slice, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return what a layer's heads put out for some cells, [cell, query, head, d_head].

        Args:
            layer: The layer.
            some: Which cells.
            q: Queries of the last positions, as `Attention.projected` gives them,
                [cell, query, head, d_head].
            k: Keys, [cell, position, key_value_head, d_head].
            v: Values, likewise.
        """
        ...

    def arrive(self, layer: int, attended: Tensor) -> None:
        """Take the stream [cell, query, d_model] behind a layer's attention."""
        ...

    def leave(self, layer: int, rows: Tensor) -> None:
        """Take the stream [cell, position, d_model] behind a layer's MLP."""
        ...

    def record(self, layer: int, name: str, output: Tensor) -> None:
        """Take what attention or MLP added to the stream, [cell, position, d_model]."""
        ...


@torch.no_grad()
def through(model: HookedTransformer, batches: Sequence[Batch], layers: range) -> Generator[None]:
    """Run batches through some layers, yielding between pieces of about 50 ms.

    Args:
        model: The model.
        batches: The batches; one may attend to what an earlier one has left in the same layer.
        layers: Which layers.
    """
    for layer in layers:
        yield from _attention(model, batches, layer)
        yield from _mlp(model, batches, layer)


def _attention(model: HookedTransformer, batches: Sequence[Batch], layer: int) -> Iterator[None]:
    """Run a layer's attention on the cells of all batches."""
    for batch in batches:
        batch.enter(layer)
    done: list[list[Tensor]] = [[] for _ in batches]
    most = rows_at_once(model, layer) * 2  # attention's weights are the fewer
    for some in parts([batch.rows for batch in batches], most):
        for (at, _), attended in zip(some, _attended(model, batches, layer, some), strict=True):
            done[at].append(attended)
        yield
    for batch, pieces in zip(batches, done, strict=True):
        nothing = batch.rows[:0, -batch.queries(layer) :]
        batch.arrive(layer, _joined(pieces, nothing))


def _attended(
    model: HookedTransformer, batches: Sequence[Batch], layer: int, some: list[Part]
) -> list[Tensor]:
    """Return cells' streams behind a layer's attention, whose weights are read once for all.

    Args:
        model: The model.
        batches: The batches.
        layer: The layer.
        some: Which cells.

    Returns:
        Of each part [cell, query, d_model].
    """
    block = model.blocks[layer]
    rows = [batches[at].rows[cells] for at, cells in some]
    standing = None
    if block.attn.pos_embed:
        standing = Span(model.cfg, 0)
        each = [batches[at].span.positions for at, _ in some]
        at_once = in_a_row([p.expand(x.shape[:2]) for p, x in zip(each, rows, strict=True)])
        standing.positions = at_once[None]
    whole = [(batches[at].span, x) for (at, _), x in zip(some, rows, strict=True)]
    with standing_in_a_row(model, whole):
        projected = block.projected(in_a_row(rows)[None], standing)
    q, k, v = (split_like(rows, of[0]) for of in projected)
    queries = [batches[at].queries(layer) for at, _ in some]
    q, rows = ([x[:, -n:] for x, n in zip(of, queries, strict=True)] for of in (q, rows))
    z = []
    for (at, cells), *qkv in zip(some, q, k, v, strict=True):
        with model.standing.at(batches[at].span.where):
            z.append(batches[at].heads(layer, cells, *qkv))
    asking = [(batches[at].span, x) for (at, _), x in zip(some, rows, strict=True)]
    with _recorded(model, layer, "attn_out", batches) as outputs, standing_in_a_row(model, asking):
        attended = block.with_heads(in_a_row(rows)[None], in_a_row(z)[None])[0]
    for output in outputs:
        for (at, _), part in zip(some, split_like(rows, output), strict=True):
            batches[at].record(layer, "attn_out", part)
    return split_like(rows, attended)


def _mlp(model: HookedTransformer, batches: Sequence[Batch], layer: int) -> Iterator[None]:
    """Run a layer's MLP on the rows of all batches."""
    block = model.blocks[layer]
    most = rows_at_once(model, layer) * 4 // 3  # an MLP is most of a layer, not all
    streams = [batch.middle for batch in batches]
    middle = before = in_a_row(streams)
    if model.cfg.parallel_attn_mlp:
        before = in_a_row([batch.before for batch in batches])
    some = evenly(len(middle), most)
    where = [(batch.span, rows) for batch, rows in zip(batches, streams, strict=True)]
    first, done, recorded = 0, list[Tensor](), list[Tensor]()
    for mid, pre in zip(middle.split(some), before.split(some), strict=True):
        if len(mid):
            at = standing_in_a_row(model, where, slice(first, first + len(mid)))
            first += len(mid)
            with _recorded(model, layer, "mlp_out", batches) as outputs, at:
                done.append(block.mlp_half(mid[None], pre[None])[0])
            recorded += outputs
            yield
    if recorded:
        for batch, output in zip(batches, split_like(streams, torch.cat(recorded)), strict=True):
            batch.record(layer, "mlp_out", output)
    for batch, rows in zip(batches, split_like(streams, _joined(done, middle[:0])), strict=True):
        batch.leave(layer, rows)


@contextmanager
def _recorded(
    model: HookedTransformer, layer: int, name: str, batches: Sequence[Batch]
) -> Iterator[list[Tensor]]:
    """Give a list that collects an output of a layer, [row, d_model], if a batch records it."""
    outputs: list[Tensor] = []
    if not any(name in batch.records for batch in batches):
        yield outputs
        return

    def keep(output: Tensor, hook: HookPoint) -> None:
        outputs.append(output[0])

    with model.hooks([(get_act_name(name, layer), keep)]):
        yield outputs


def _joined(pieces: list[Tensor], nothing: Tensor) -> Tensor:
    """Return pieces one behind the other, without copying a single one."""
    if len(pieces) == 1:
        return pieces[0]
    return torch.cat(pieces) if pieces else nothing
