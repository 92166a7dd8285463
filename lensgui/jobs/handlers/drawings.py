"""Tensors → the labelled arrays that panes draw: copies in host memory that nobody writes to."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.run.run import Run
from lensgui.jobs.arrays import Axis
from lensgui.jobs.handlers.prompts import token_of
from lensgui.transformer.model import HookedTransformer


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
    labels = tuple(token_of(run.model, token).label for token in run.tokens.tolist())
    return Axis(name, tuple(range(len(labels))), labels)


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
