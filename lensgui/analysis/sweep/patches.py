"""What one cell of a sweep puts into the base run, where it enters, and whether it matters."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from lensgui.analysis.run.recording import Recorded, Recording
from lensgui.analysis.run.run import Run, equal_tokens
from lensgui.analysis.sweep.kinds import WAYS, Entry, check_kind, value_of
from lensgui.terms.kinds import SweepKind
from lensgui.transformer.layers.span import Span
from lensgui.transformer.model import HookedTransformer


def map_shape(kind: SweepKind, model: HookedTransformer, length: int) -> tuple[int, ...]:
    """Return the sizes of a map's axes, for prompts of a length."""
    cfg = model.cfg
    sizes = {"position": length, "source": length}
    sizes |= {"layer": cfg.n_layers, "head": cfg.n_heads, "key_value_head": cfg.kv_heads}
    return tuple(sizes[axis] for axis in kind.axes)


def consecutive(numbers: list[int]) -> slice | list[int]:
    """Return an index of numbers, a slice if they follow each other: a list is waited for."""
    first = numbers[0] if numbers else 0
    follow = numbers == list(range(first, first + len(numbers)))
    return slice(first, first + len(numbers)) if follow else numbers


class Patch:
    """One kind of cell: which cells there are, which of them change anything, and what they put in.

    An index is a cell's place on the map's axes after the layer.

    Attributes:
        stage: Where its cells enter a layer: before it, between attention and MLP, or after it.
        shape: The sizes of the map's axes after the layer.
        receiving: Layers in which cells replace something on their way, by `receive`.
    """

    receiving: frozenset[int] = frozenset()

    def __init__(self, kind: SweepKind, run: Run, source: Recorded, base: Recorded) -> None:
        """Patch from a recording into a complete run.

        Args:
            kind: What cells replace.
            run: The complete run that is patched into.
            source: The run that is patched from.
            base: The activations of `run`, made by the same operations as those of `source`.

        Raises:
            ValueError: If the model has no such activation.
        """
        check_kind(kind, run.model.cfg)
        self.kind, self.run, self.model = kind, run, run.model
        self.source, self.base = source, base
        self.shape = map_shape(kind, self.model, len(run.tokens))[1:]
        self._way = WAYS[kind.activation]
        self.stage = self._way.stage

    def unchanged(self, layer: int) -> Tensor:
        """Return which cells put in, bit for bit, what is there already, [*shape].

        What is made of one position alone is equal where a layer reads the same in both runs,
        however products have rounded it.
        """
        same = value_of(self.kind, self.source, layer) == value_of(self.kind, self.base, layer)
        if self.kind.has_vectors:
            same = same.all(-1)
        if self._is_of_one_model and self._way.is_pointwise(self.model.cfg):
            read = (self.source.residual(layer) == self.base.residual(layer)).all(-1)
            same |= read.view(-1, *(1,) * (same.ndim - 1))
        return same.all(self.kind.within) if self.kind.within else same

    @property
    def _is_of_one_model(self) -> bool:
        """Whether both are of one model, under the same interventions if there are any."""
        runs = [of.run for of in (self.source, self.base) if isinstance(of, Recording)]
        return len({id(run.model) for run in runs}) <= 1

    @property
    def same_at_first(self) -> Tensor | None:
        """Which positions are unchanged in layer 0 since their tokens are equal, [position].

        None where tokens don't tell: of other activations, or of recordings that are no runs.
        """
        is_of_one = self.kind.activation == "resid_pre" or self._way.is_pointwise(self.model.cfg)
        ids = [of.run.ids for of in (self.source, self.base) if isinstance(of, Recording)]
        if not (is_of_one and self._is_of_one_model) or len(ids) < 2:
            return None
        return torch.tensor([one == other for one, other in zip(*ids, strict=True)])

    @cached_property
    def first_changed(self) -> int:
        """The first position at which the embeddings differ; behind the last if none does."""
        source, base = self.source, self.base
        if isinstance(source, Recording) and isinstance(base, Recording):
            return equal_tokens(source.run, base.run)
        differs = (source.residual(0) != base.residual(0)).any(-1)
        return int(torch.cat([differs, differs.new_ones(1)]).byte().argmax())

    def entering(self, end: int) -> int:
        """Return how many numbers a cell needs beside its rows where it enters.

        What is patched in a head, up to the end, and what is made of it.

        Args:
            end: The position after the last one that is read.
        """
        cfg, of_heads = self.model.cfg, end * self.model.cfg.n_heads
        if not self.kind.has_vectors:
            return 2 * of_heads * end
        return 4 * of_heads * cfg.d_head if self.kind.is_of_heads else 0

    def start(self, index: tuple[int, ...]) -> int | None:
        """Return the first position that a cell changes; None for where the runs first differ."""
        axes = self.kind.axes[1:]
        return index[axes.index("position")] if "position" in axes else None

    def rows(self, layer: int, indices: list[tuple[int, ...]], span: Span) -> Tensor:
        """Return the stream of cells at their stage over a span, [cell, position, d_model]."""
        at = Entry(self.run, self.base, layer, span)
        with self.model.standing.at(span.where):
            return self._way.put(at, self._patched(layer, indices, at.end))

    def receive(
        self,
        layer: int,
        cells: Mapping[int, tuple[int, ...]],
        stream: Tensor,
        span: Span,
        projected: Mapping[str, Tensor],
    ) -> None:
        """Replace, in place, what heads of a receiving layer read for cells on their way.

        Args:
            layer: The layer.
            cells: Each cell's index, by its number among the rows of `projected`.
            stream: What these cells' layer reads, [cell, position, d_model].
            span: Where that stands.
            projected: "q", "k" and "v" as `Attention.projected` gives them, each
                [cell, position, head, d_head] of the last positions.
        """

    def _patched(self, layer: int, indices: list[tuple[int, ...]], end: int) -> Tensor:
        """Return an activation of the base run with each cell's part from the source run.

        Returns:
            [cell, position, …], or [cell, head, position, source], up to `end`.
        """
        until = self.kind.until(end)
        base, source = (value_of(self.kind, of, layer)[until] for of in (self.base, self.source))
        patched = base.repeat(len(indices), *(1,) * base.ndim)
        for cell, index in zip(patched, indices, strict=True):
            place = self.kind.place(index)
            cell[place] = source[place]
        return patched


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a map.

    Attributes:
        patch: Which of the patches it belongs to.
        layer: Its layer.
        index: Its place on the map's other axes.
    """

    patch: int
    layer: int
    index: tuple[int, ...]


class Map(Protocol):
    """Values of cells, [layer, …], and which of them are unchanged."""

    @property
    def values(self) -> Tensor:
        """Return patched − base."""
        ...

    @property
    def unchanged(self) -> Tensor:
        """Return which cells are 0 because nothing that is read changes."""
        ...


class TrivialCells:
    """Enters the cells whose patch changes nothing, or nothing that is read: they are 0."""

    def __init__(self, patches: Sequence[Patch], maps: Sequence[Map], equal: int, end: int) -> None:
        """Enter nothing yet.

        Args:
            patches: What cells put in.
            maps: A map for each patch, of which nothing is known.
            equal: How many positions at the start are unchanged by causality, though runs that were
                made in different batches may round differently there.
            end: The position after the last one that is read.
        """
        self._patches, self._maps = patches, maps
        self._equal, self._end = equal, end
        self._found: list[dict[int, Tensor]] = [{} for _ in patches]  # by layer, not yet read

    def idle(self, number: int) -> Tensor:
        """Return which cells of a patch change nothing that is read, as far as tokens tell.

        Returns:
            [layer, …], in host memory.
        """
        patch = self._patches[number]
        axes, found = patch.kind.axes[1:], torch.zeros(patch.shape, dtype=torch.bool)
        places = {
            axis: torch.arange(size).view(-1, *(1,) * (found.ndim - at - 1))
            for at, (axis, size) in enumerate(zip(axes, patch.shape, strict=True))
        }
        if "position" in axes:
            found = found | (places["position"] < self._equal) | (places["position"] >= self._end)
        if "source" in axes:
            found = found | (places["source"] > places["position"])
        whole = found.repeat(self._maps[number].values.shape[0], *(1,) * found.ndim)
        same = patch.same_at_first
        if same is not None and "position" in axes:
            whole[0] |= same.view(places["position"].shape)
        return whole

    def _compare(self, layer: int, *numbers: int) -> None:
        """Compare a layer, for some patches or all; nobody waits for what `_enter` reads of it."""
        for number in numbers or range(len(self._patches)):
            if layer not in self._found[number]:
                self._found[number][layer] = self._patches[number].unchanged(layer)

    def whole(self, *numbers: int) -> None:
        """Compare all layers, for some patches or all, and enter what is unchanged."""
        deque(self.steps(*numbers), maxlen=0)

    def steps(self, *numbers: int) -> Iterator[None]:
        """Do the same, yielding after each layer and at the end."""
        for layer in range(len(self._maps[0].values)):
            self._compare(layer, *numbers)
            yield
        self._enter()
        yield

    def _enter(self) -> None:
        """Enter what is unchanged in the layers that were compared; read once for each patch."""
        for number, found in enumerate(self._found):
            if not found:
                continue
            unchanged = torch.stack([*found.values()]).cpu()
            known, idle = self._maps[number], self.idle(number)
            for layer, same in zip(found, unchanged, strict=True):
                known.unchanged[layer] = same | idle[layer]
                known.values[layer].masked_fill_(known.unchanged[layer], 0.0)
            found.clear()
