"""Tensors → the labelled arrays that panes draw: copies in host memory that nobody writes to."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensgui.circuits.heads import first_share, hide_first_source, shrink
from lensgui.circuits.questions import Direction
from lensgui.circuits.runs import Run
from lensgui.circuits.sweeps import SweepResult
from lensgui.engine import tokens as text
from lensgui.engine.model import HookedTransformer
from lensgui.jobs.slices import Atlas, Axis, CellState, Slice, Sweep

ATLAS_SIDE = 96  # most pixels of a head in the grid, on either side
SMALLEST_DIFFERENCE = 0.5  # logits between clean and corrupted below which shares are noise


def host(tensor: Tensor) -> NDArray[np.float32]:
    """Return a float32 copy in host memory that nobody writes to."""
    array: NDArray[np.float32] = tensor.detach().to("cpu", torch.float32, copy=True).numpy()
    array.flags.writeable = False
    return array


def layer_axis(model: HookedTransformer) -> Axis:
    """Return the axis of layers."""
    layers = range(model.cfg.n_layers)
    return Axis("layer", tuple(layers), tuple(f"L{layer}" for layer in layers))


def position_axis(run: Run, name: str = "position") -> Axis:
    """Return an axis of a prompt's tokens."""
    labels = text.to_str_tokens(run.model, run.tokens)
    return Axis(name, tuple(range(len(labels))), tuple(labels))


class AtlasDrawing:
    """Every head's attention as bytes, drawn layer by layer."""

    def __init__(self, run: Run, hide_first: bool) -> None:
        """Start with an empty picture."""
        cfg = run.model.cfg
        self._run, self._hide_first = run, hide_first
        self._step = max(1, -(-len(run.tokens) // ATLAS_SIDE))
        side = -(-len(run.tokens) // self._step)
        self._values = np.zeros((cfg.n_layers, cfg.n_heads, side, side), np.uint8)
        self._share = np.full((cfg.n_layers, cfg.n_heads), np.nan, np.float32)
        self._layers = 0

    def add(self, layer: int, group: int) -> None:
        """Draw the heads of a layer that share a key/value head."""
        pattern = self._run.pattern(layer, group)
        heads = slice(group * len(pattern), (group + 1) * len(pattern))
        if pattern.shape[-1] > 1:
            self._share[layer, heads] = host(first_share(pattern))
        if self._hide_first:
            pattern = hide_first_source(pattern)
        small = (shrink(pattern, ATLAS_SIDE).float() * 255).round().to("cpu", torch.uint8)
        self._values[layer, heads] = small.numpy()
        self._layers = layer + 1

    def picture(self) -> Atlas:
        """Return what is drawn so far."""
        axes = [layer_axis(self._run.model), head_axis(self._run.model)]
        for name in ("position", "source"):
            whole = position_axis(self._run, name)
            axes.append(Axis(name, whole.coordinates[:: self._step], whole.labels[:: self._step]))
        values, share = self._values.copy(), self._share.copy()
        values.flags.writeable = share.flags.writeable = False
        return Atlas(tuple(axes), values, self._layers, share, self._hide_first)


def head_slice(run: Run, layer: int, head: int, hide_first: bool) -> Slice:
    """Return one head's attention, exactly; what a causal model can't see is masked."""
    group = run.model.cfg.n_heads // run.model.cfg.kv_heads
    pattern = run.pattern(layer, head // group)[head % group]
    pattern = hide_first_source(pattern) if hide_first else pattern
    values = host(pattern)
    states = np.full(values.shape, CellState.EXACT, np.uint8)
    states[~np.isfinite(values)] = CellState.NOT_FINITE
    states[np.triu_indices(len(values), 1)] = CellState.MASKED
    if hide_first:
        states[:, 0] = CellState.MASKED
    states.flags.writeable = False
    return Slice((position_axis(run), position_axis(run, "source")), values, states)


def head_axis(model: HookedTransformer) -> Axis:
    """Return the axis of heads."""
    heads = range(model.cfg.n_heads)
    return Axis("head", tuple(heads), tuple(f"H{head}" for head in heads))


def group_axis(model: HookedTransformer) -> Axis:
    """Return the axis of key/value heads, each named after the query heads that share it."""
    size = model.cfg.n_heads // model.cfg.kv_heads
    groups = range(model.cfg.kv_heads)
    labels = [f"H{at * size}–{at * size + size - 1}" if size > 1 else f"H{at}" for at in groups]
    return Axis("key_value_head", tuple(groups), tuple(labels))


def sweep_slice(corrupted: Run, result: SweepResult, direction: Direction) -> Sweep:
    """Return a sweep as far as it is known; its positions are named by the corrupted prompt."""
    model = corrupted.model
    values = host(result.values)
    states = np.full(values.shape, CellState.EXACT, np.uint8)
    states[np.isinf(values)] = CellState.NOT_FINITE
    states[np.isnan(values)] = CellState.UNKNOWN
    states[result.unchanged.numpy()] = CellState.UNCHANGED
    states.flags.writeable = False
    axes = {
        "layer": layer_axis(model),
        "head": head_axis(model),
        "key_value_head": group_axis(model),
        "position": position_axis(corrupted),
        "source": position_axis(corrupted, "source"),
    }
    return Sweep(
        tuple(axes[name] for name in result.kind.axes),
        values,
        states,
        result.clean,
        result.corrupted,
        _refusal(result.clean, result.corrupted),
        direction,
    )


def _refusal(clean: float, corrupted: float) -> str:
    """Return why a change can't be given as a share of clean − corrupted; "" if it can."""
    difference = clean - corrupted
    if difference != difference or difference >= SMALLEST_DIFFERENCE:  # NaN: nothing is known yet
        return ""
    if difference > -SMALLEST_DIFFERENCE:
        return (
            f"Clean and corrupted differ by {difference:+.3f} logits, less than "
            f"{SMALLEST_DIFFERENCE}: "
            "a share of that would be noise, so changes are shown in logits."
        )
    return (
        f"The clean run prefers the answer less than the corrupted run does ({difference:+.3f} "
        "logits): "
        "a share of that would have the wrong sign, so changes are shown in logits."
    )
