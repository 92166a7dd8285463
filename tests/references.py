"""Slow, obvious ways to numbers that lengthy code finds quickly: plain hooks, whole forwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from lensgui.terms.kinds import SweepKind
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.model import HookedTransformer
from tests.checkpoints.tiny_models import tiny

KINDS = [
    *(SweepKind(name) for name in ("resid_pre", "resid_mid", "resid_post", "attn_out", "mlp_out")),
    *(SweepKind(name, "all") for name in ("z", "q", "k", "v", "pattern")),
    *(SweepKind(name) for name in ("z", "q", "k", "v", "pattern")),
    SweepKind("pattern", "edge"),
]
EVERY = slice(None)

Part = tuple[Any, ...]
Hook = Callable[..., Tensor]


@cache
def model_of(name: str) -> HookedTransformer:
    """A tiny model in float64 with its weights as they are, which nobody may change."""
    return HookedTransformer.from_pretrained_no_processing(
        hf_model=tiny(name), device="cpu", dtype=torch.float64
    ).requires_grad_(False)


def attached(model: HookedTransformer) -> int:
    """How many hooks are attached to a model."""
    return sum(len(point.fwd_hooks) + len(point.bwd_hooks) for point in model.hook_points())


def kinds_of(model: HookedTransformer) -> list[SweepKind]:
    """Every kind of sweep that a model has."""
    return [k for k in KINDS if not (k.activation == "resid_mid" and model.cfg.parallel_attn_mlp)]


def close(a: Tensor, b: Tensor) -> None:
    """Whether two ways to numbers in float64 agree."""
    torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-10)


def where(kind: SweepKind, index: Sequence[int]) -> Part:
    """The part of an activation with a batch dimension that a cell of a layer replaces."""
    if kind.activation == "pattern":
        return (EVERY, *index)
    return (EVERY, EVERY, *index) if kind.extent == "all" else (EVERY, *index)


def putting(name: str, part: Part, values: Mapping[str, Tensor]) -> tuple[str, Hook]:
    """A hook that puts a part of a value into an activation.

    Args:
        name: The activation's hook point.
        part: An index into it.
        values: Activations by name.
    """

    def put(x: Tensor, hook: object) -> Tensor:
        x = x.clone()
        x[part] = values[name][part]
        return x

    return name, put


@torch.no_grad()
def changes(
    model: HookedTransformer,
    source: Tensor,
    base: Tensor,
    metric: Callable[[Tensor], Any],
    kind: SweepKind,
    cells: Iterable[Sequence[int]],
) -> Tensor:
    """How much each cell alone changes a metric, by one whole forward with a plain hook, [cell].

    Args:
        model: The model.
        source: The prompt that activations are taken from, [1, position].
        base: The prompt that they are put into, [1, position].
        metric: What is read off the logits.
        kind: What a cell replaces.
        cells: The layer and index of each.
    """
    _, values = model.run_with_cache(source)
    start, found = metric(model(base)), []
    for layer, *index in cells:
        hook = putting(get_act_name(kind.activation, layer), where(kind, index), values)
        found.append(metric(model.run_with_hooks(base, fwd_hooks=[hook])) - start)
    return torch.stack(found)
