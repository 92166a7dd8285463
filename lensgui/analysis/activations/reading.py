"""The activation of one hook point of a run; only its own layer is worked out again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor

from lensgui.analysis.activations.hook_points import within_layer
from lensgui.analysis.run.run import Run
from lensgui.transformer.hooks.hook_point import HookPoint, NamedHook, only_reading
from lensgui.transformer.hooks.names import nearest_names
from lensgui.transformer.model import HookedTransformer


def read_activation(run: Run, name: str) -> Tensor:
    """Return the activation of a hook point, as `run_with_cache` has it, without the batch.

    Args:
        run: A run, which runs at least until the layer is known.
        name: The hook point, in full.

    Returns:
        As many dimensions as `hooked_places` names axes.

    Raises:
        ValueError: If there is no such hook point, or a run does not meet it.
    """
    found = read_activations(run, [name])
    if name not in found:
        raise ValueError(
            f"{name} is a hook point that this model's settings leave out: choose another."
        )
    return found[name]


@torch.no_grad()
def read_activations(run: Run, names: Iterable[str]) -> dict[str, Tensor]:
    """Return the activations of some hook points, as far as a run meets them.

    Args:
        run: A run, which runs at least until their layers are known.
        names: The hook points, in full.

    Raises:
        ValueError: If there is no such hook point.
    """
    model, wanted, found = run.model, list(names), dict[str, Tensor]()

    def keep(activation: Tensor, hook: HookPoint, name: str) -> None:
        found[name] = activation[0]

    _check(model, wanted)
    hooks: list[NamedHook] = [(name, only_reading(partial(keep, name=name))) for name in wanted]
    layers = {within_layer(name)[0] for name in wanted}
    with model.hooks(hooks), model.standing.at(run.span.where):
        for layer in sorted(layer for layer in layers if layer is not None):
            run.complete(layer)
            model.blocks[layer](run.residuals[layer][None], run.span)
        if None in layers:
            _run_outside(run, [name for name in wanted if within_layer(name)[0] is None])
    return found


def _check(model: HookedTransformer, names: list[str]) -> None:
    """Refuse names that are no hook points."""
    for name in names:
        if name not in model.hook_dict:
            near = ", ".join(nearest_names(name, model.hook_dict))
            raise ValueError(f"There is no hook point {name}{f': near are {near}' * bool(near)}.")


def _run_outside(run: Run, names: list[str]) -> None:
    """Run what stands before or behind the layers, as far as names need it."""
    model = run.model
    behind = [name for name in names if name.startswith(("ln_final", "unembed"))]
    if len(behind) < len(names):
        model.to_embedding(run.tokens[None], run.span)
    if behind:
        final = model.ln_final(run.complete().residuals[-1][None])
        if any(name.startswith("unembed") for name in behind):
            model.unembed(final)
