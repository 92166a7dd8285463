"""Cells of a sweep the slow, obvious way: plain forward passes of whole prompts, with hooks.

It uses nothing of the sweep engine, so that it can check it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from lensgui.analysis.checks import check_one_length, check_unhooked
from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.under import Given, intervened_runs
from lensgui.analysis.run.run import Run
from lensgui.terms.kinds import Direction, SweepKind
from lensgui.terms.metric import Metric
from lensgui.transformer.hooks.hook_point import NamedHook
from lensgui.transformer.hooks.names import get_act_name
from lensgui.transformer.layers.parameters import exact
from lensgui.transformer.model import HookedTransformer


@torch.no_grad()
def recompute_cells(
    model: HookedTransformer,
    clean: Tensor,
    corrupted: Tensor,
    metric: Metric,
    kind: SweepKind,
    direction: Direction,
    indices: Sequence[tuple[int, ...]],
    interventions: Given = (),
) -> Iterator[float | None]:
    """Patch one place after the other, and yield how far each moves the metric.

    Args:
        model: The model.
        clean: Token ids of the clean prompt, [position].
        corrupted: The corrupted prompt, with as many tokens.
        metric: What is read.
        kind: What is replaced.
        direction: "denoising" patches clean into corrupted, "noising" corrupted into clean.
        indices: The places, on the axes of the kind.
        interventions: What both prompts are run under, as in `sweep`.

    Yields:
        Patched − base metric of each place, in order; None where only time has passed.
    """
    check_unhooked(model)
    check_one_length(clean.numel(), corrupted.numel())
    prompts = {"clean": clean.flatten()[None], "corrupted": corrupted.flatten()[None]}
    source, base = ("clean", "corrupted") if direction == "denoising" else ("corrupted", "clean")
    models = yield from _models(model, prompts, Interventions.of(interventions))
    taken: dict[str, Tensor] = {}

    def take(activation: Tensor, hook: Any) -> None:
        taken[hook.name] = activation.clone()

    names = [get_act_name(kind.activation, index[0]) for index in indices]
    logits: dict[str, Tensor] = {}
    taking: list[NamedHook] = [(name, take) for name in sorted(set(names))]
    for label, hooks in ((source, taking), (base, [])):
        for residual in _layer_by_layer(models[label], prompts[label], hooks):
            yield None
            final = residual
        logits[label] = _logits(models[label], final)
    if metric.compares:
        metric = metric.against(logits["clean"][0, metric.position])
    start = metric(logits[base])
    for name, index in zip(names, indices, strict=True):
        put = _putting(taken[name], (slice(None), *kind.place(index[1:])))
        for residual in _layer_by_layer(models[base], prompts[base], [(name, put)]):
            yield None
            final = residual
        yield float(metric(_logits(models[base], final)) - start)


def _models(
    model: HookedTransformer, prompts: dict[str, Tensor], given: Interventions
) -> Generator[None, None, dict[str, HookedTransformer]]:
    """Return what runs each prompt: the model, or that under interventions, which need runs."""
    if not given.acting:
        return dict.fromkeys(prompts, model)
    clean, corrupted = (Run(model, prompt[0]) for prompt in prompts.values())
    for run in (clean, corrupted):
        yield from run.steps()
    under = intervened_runs(clean, given, corrupted)
    return {side: run.model for side, run in zip(prompts, under, strict=True) if run is not None}


def _logits(model: HookedTransformer, final: Tensor) -> Tensor:
    with model.standing.at(range(final.shape[1])):
        return exact(model.to_logits(final))


def _putting(source: Tensor, place: tuple[slice | int, ...]) -> Any:
    """Return a hook that puts one place of another run's activation in."""

    def put(activation: Tensor, hook: Any) -> Tensor:
        patched = activation.clone()
        patched[place] = source[place]
        return patched

    return put


def _layer_by_layer(
    model: HookedTransformer, tokens: Tensor, hooks: list[NamedHook]
) -> Iterator[Tensor]:
    """Yield the residual stream after each layer; hooks are attached while layers run only."""
    residual = model.to_embedding(tokens)
    for layer in range(model.cfg.n_layers):
        with model.hooks(hooks):
            residual = model(residual, start_at_layer=layer, stop_at_layer=layer + 1)
        yield residual
