"""The activations of a run, a layer at a time, and the first layer where they are not finite."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.transformer.hooks.hook_point import HookPoint, NamedHook, only_reading
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.layers.span import Span


class Recorded(Protocol):
    """Activations of a run, layer by layer, without their batch dimension."""

    def __call__(self, name: str, layer: int) -> Tensor:
        """Return an activation, such as z [position, head, d_head]."""
        ...

    def residual(self, layer: int) -> Tensor:
        """Return the stream before a layer, or after the last, [position, d_model]."""
        ...


class CachedRecording:
    """One row of the batch of an `ActivationCache`, or of a dictionary of activations.

    A stream that was not cached is NaN, which equals nothing.
    """

    def __init__(self, cache: Mapping[str, Tensor], row: int, device: torch.device) -> None:
        """Read a row of a cache, wherever it lies, on a device."""
        self._cache, self._row, self._device = cache, row, device
        self._has_batch_dim = getattr(cache, "has_batch_dim", True)

    def __call__(self, name: str, layer: int) -> Tensor:
        """Return an activation without its batch dimension."""
        activation = self._cache[get_act_name(name, layer)].to(self._device)
        return activation[self._row] if self._has_batch_dim else activation

    def residual(self, layer: int) -> Tensor:
        """Return the stream before a layer, or after the last, [position, d_model]."""
        if self.has("resid_pre", layer):
            return self("resid_pre", layer)
        if self.has("resid_post", layer - 1):
            return self("resid_post", layer - 1)
        return torch.tensor(torch.nan)

    def has(self, name: str, layer: int) -> bool:
        """Return whether an activation was cached."""
        return get_act_name(name, layer) in self._cache


class Recording:
    """Some activations of every layer of a complete run, made from its residual stream when needed.

    Two runs of equal length are recorded by the same operations on the same shapes, so activations
    are bit-equal where the runs agree.
    """

    def __init__(self, run: Run, names: frozenset[str]) -> None:
        """Record activations by short name, or take them from the run if it kept them all."""
        self.run = run
        self._names = names
        self._layers: dict[int, dict[str, Tensor]] = {}

    def __call__(self, name: str, layer: int) -> Tensor:
        """Return an activation without its batch dimension, such as z [position, head, d_head]."""
        if self._names <= self.run.names:
            return self.run.kept[layer][name]
        if layer not in self._layers:
            self._layers[layer] = self._record(layer)
        return self._layers[layer][name]

    def residual(self, layer: int) -> Tensor:
        """Return the stream before a layer, or after the last, [position, d_model]."""
        return self.run.residuals[layer]

    def as_middle(self, stream: Tensor, layer: int) -> Tensor:
        """Return a layer's stream behind attention [position, d_model] as its MLP reads it."""
        model = self.run.model
        with model.standing.at(self.run.span.where):
            return model.blocks[layer].as_middle(stream[None])[0]

    @torch.no_grad()
    def _record(self, layer: int) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}

        def keep(activation: Tensor, hook: HookPoint, name: str) -> None:
            found[name] = activation[0]

        hooks: list[NamedHook] = [
            (get_act_name(name, layer), only_reading(partial(keep, name=name)))
            for name in self._names
        ]
        with self.run.model.hooks(hooks), self.run.model.standing.at(self.run.span.where):
            self.run.model.blocks[layer](self.run.residuals[layer][None], self.run.span)
        return found


@torch.no_grad()
def middle_stream(run: Run, layer: int, where: slice) -> Tensor:
    """Return the stream between a layer's attention and its MLP, [position, d_model].

    Args:
        run: A run that knows the layer, whose attention is worked out anew.
        layer: The layer.
        where: Positions that follow each other.
    """
    start, stop, _ = where.indices(len(run.tokens))
    rows = run.residuals[layer][None, start:stop]
    span = Span(run.model.cfg, stop - start, start, device=rows.device)
    with run.model.standing.at(span.where):
        return run.model.blocks[layer].attention_half(rows, span, run.before(layer, start))[0]


def overflow(run: Run) -> str:
    """Return in which layer a complete run's residual stream overflowed, as a sentence.

    "" where it is finite all along.
    """
    if run.residuals[-1].isfinite().all():  # what layers add up never becomes finite again
        return ""
    layer = next(at for at, stream in enumerate(run.residuals) if not stream.isfinite().all())
    where = f"after layer {layer - 1}" if layer else "in the embedding"
    dtype = str(run.residuals[layer].dtype).removeprefix("torch.")
    return (
        f"The residual stream is not finite {where}: the model overflows in {dtype}, or its "
        "weights are damaged."
    )


def check_finite(*runs: Run) -> None:
    """Refuse complete runs whose residual stream overflowed.

    Raises:
        ValueError: If one did; the sentence says in which layer.
    """
    for run in runs:
        sentence = overflow(run)
        if sentence:
            raise ValueError(sentence)
