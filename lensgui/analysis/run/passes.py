"""One pass through the layers for any number of rows: weights are read once for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from lensgui.transformer.hooks.hook_point import HookPoint
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer

Part = tuple[int, slice]  # of a strand: which one, and which of its cells
_BLOCK_WORK = {"cpu": 2.5e9, "mps": 1e11, "cuda": 1e12}  # FLOP that take ~50 ms; per CPU thread
_FEWEST_ROWS = 256  # with fewer, a matrix product mostly waits for its weights
_PARAMETERS: WeakKeyDictionary[nn.Module, int] = WeakKeyDictionary()


def parts(streams: list[Tensor], most: int) -> Iterator[list[Part]]:
    """Yield cells of some strands to run at once, about equally many rows each time.

    Args:
        streams: Each strand's stream, [cell, position, d_model].
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


class Strand(Protocol):
    """Rows of the residual stream with one first position: of a run, or of cells of a sweep.

    Attributes:
        rows: The stream between two layers, [cell, position, d_model].
        middle: The same between attention and MLP; only the positions that are asked for there.
        before: What the MLP of a parallel block reads instead of `middle`.
        hears: Which of "attn_out" and "mlp_out" it is told.
    """

    rows: Tensor
    middle: Tensor
    before: Tensor
    hears: frozenset[str]

    def asked(self, layer: int) -> int:
        """Return how many of the last positions are wanted behind a layer's attention."""
        ...

    def enter(self, layer: int) -> None:
        """Come to a layer."""
        ...

    def heads(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Return what a layer's heads put out for some cells, [cell, query, head, d_head].

        Args:
            layer: The layer.
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

    def hear(self, layer: int, name: str, output: Tensor) -> None:
        """Take what attention or MLP added to the stream, [cell, position, d_model]."""
        ...


@torch.no_grad()
def through(model: HookedTransformer, strands: Sequence[Strand], layers: range) -> Iterator[None]:
    """Run strands through some layers, yielding between pieces of about 50 ms.

    Args:
        model: The model.
        strands: The strands; one may attend to what an earlier one has left in the same layer.
        layers: Which layers.
    """
    for layer in layers:
        yield from _attention(model, strands, layer)
        yield from _mlp(model, strands, layer)


def _attention(model: HookedTransformer, strands: Sequence[Strand], layer: int) -> Iterator[None]:
    """Run a layer's attention on the cells of all strands."""
    for strand in strands:
        strand.enter(layer)
    done: list[list[Tensor]] = [[] for _ in strands]
    most = rows_at_once(model, layer) * 2  # attention's weights are the fewer
    for some in parts([strand.rows for strand in strands], most):
        for (at, _), attended in zip(some, _attended(model, strands, layer, some), strict=True):
            done[at].append(attended)
        yield
    for strand, pieces in zip(strands, done, strict=True):
        nothing = strand.rows[:0, -strand.asked(layer) :]
        strand.arrive(layer, _joined(pieces, nothing))


def _attended(
    model: HookedTransformer, strands: Sequence[Strand], layer: int, some: list[Part]
) -> list[Tensor]:
    """Return cells' streams behind a layer's attention, whose weights are read once for all.

    Args:
        model: The model.
        strands: The strands.
        layer: The layer.
        some: Which cells.

    Returns:
        Of each part [cell, query, d_model].
    """
    block = model.blocks[layer]
    rows = [strands[at].rows[cells] for at, cells in some]
    q, k, v = (split_like(rows, of[0]) for of in block.projected(in_a_row(rows)[None]))
    asked = [strands[at].asked(layer) for at, _ in some]
    q, rows = ([x[:, -n:] for x, n in zip(of, asked, strict=True)] for of in (q, rows))
    z = [strands[at].heads(layer, *qkv) for (at, _), *qkv in zip(some, q, k, v, strict=True)]
    with _heard(model, layer, "attn_out", strands) as outputs:
        attended = block.with_heads(in_a_row(rows)[None], in_a_row(z)[None])[0]
    for output in outputs:
        for (at, _), part in zip(some, split_like(rows, output), strict=True):
            strands[at].hear(layer, "attn_out", part)
    return split_like(rows, attended)


def _mlp(model: HookedTransformer, strands: Sequence[Strand], layer: int) -> Iterator[None]:
    """Run a layer's MLP on the rows of all strands."""
    block = model.blocks[layer]
    most = rows_at_once(model, layer) * 4 // 3  # an MLP is most of a layer, not all
    streams = [strand.middle for strand in strands]
    middle = before = in_a_row(streams)
    if model.cfg.parallel_attn_mlp:
        before = in_a_row([strand.before for strand in strands])
    some = evenly(len(middle), most)
    done: list[Tensor] = []
    told: list[Tensor] = []
    for mid, pre in zip(middle.split(some), before.split(some), strict=True):
        if len(mid):
            with _heard(model, layer, "mlp_out", strands) as outputs:
                done.append(block.mlp_half(mid[None], pre[None])[0])
            told += outputs
            yield
    if told:
        for strand, output in zip(strands, split_like(streams, torch.cat(told)), strict=True):
            strand.hear(layer, "mlp_out", output)
    for strand, rows in zip(strands, split_like(streams, _joined(done, middle[:0])), strict=True):
        strand.leave(layer, rows)


@contextmanager
def _heard(
    model: HookedTransformer, layer: int, name: str, strands: Sequence[Strand]
) -> Iterator[list[Tensor]]:
    """Give a list that takes an output of a layer, [row, d_model], if a strand wants to hear it."""
    outputs: list[Tensor] = []
    if not any(name in strand.hears for strand in strands):
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
