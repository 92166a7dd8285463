"""Runs of a pair of prompts under interventions, and a model that is under them for a while."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor

from lensgui.analysis.checks import check_model, check_unhooked
from lensgui.analysis.interventions.edits import (
    Prompt,
    edits_of,
    is_of_prompt,
    needs_prompt,
)
from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.run.recording import check_finite
from lensgui.analysis.run.run import Run
from lensgui.analysis.run.together import run_together
from lensgui.terms.interventions import Intervention
from lensgui.transformer.edits.edit import Edit, edited, layout_of
from lensgui.transformer.edits.intervened import IntervenedTransformer
from lensgui.transformer.hooks.hook_point import HookPoint, NamedHook
from lensgui.transformer.model import HookedTransformer

Given = Interventions | Intervention | Iterable[Intervention]


def intervened_runs(
    clean: Run, interventions: Given, corrupted: Run | None = None
) -> tuple[Run, Run | None]:
    """Return the runs of a pair under interventions; nothing of them has run yet.

    Where an intervention does the same to both prompts they share one model, so that what is equal
    in them stays equal to the bit. With none that acts, the runs are returned as they are.

    Args:
        clean: The clean prompt's run without interventions; both are completed if one acts.
        interventions: What is done.
        corrupted: The corrupted prompt's run; None without one.

    Returns:
        Runs by an `IntervenedTransformer`, which take over what comes before the first
        intervention.

    Raises:
        ValueError: If an intervention can't be done; the sentence says which and why.
    """
    given = Interventions.of(interventions)
    check_unhooked(clean.model)
    runs = [clean] if corrupted is None else [clean, corrupted]
    check_model(clean.model, *runs)
    if given.acting and any(isinstance(run.model, IntervenedTransformer) for run in runs):
        raise ValueError(
            "These runs are under interventions already: give runs without any, and list all."
        )
    found = list[Run]()
    models = dict[tuple[object, ...], IntervenedTransformer]()
    sides: tuple[Literal["clean", "corrupted"], ...] = ("clean", "corrupted")
    for side, run in zip(sides, runs, strict=False):
        acting = tuple(one for one in given.listed if one.acts_on(side))
        if not acting:
            found.append(run)
            continue
        other = next((of for of in runs if of is not run), None)
        prompt = Prompt(run.complete(), other.complete() if other else None, clean)
        is_own = any(is_of_prompt(one, given, prompt) for one in acting)
        shared: tuple[object, ...] = (acting, len(run.ids), side if is_own else "")
        if shared not in models:
            models[shared] = IntervenedTransformer(run.model, edits_of(prompt, given, acting))
        found.append(Run(models[shared], run.tokens, run.names, plain=run))
    return found[0], found[1] if corrupted is not None else None


def pair_under(
    clean: Run, corrupted: Run, interventions: Given = ()
) -> Generator[None, None, tuple[Run, Run]]:
    """Complete the runs of a pair, and return them, or those that are under interventions.

    Args:
        clean: The clean prompt's run without interventions.
        corrupted: The corrupted prompt's.
        interventions: What is done; () for nothing.

    Yields:
        None wherever one may stop.

    Raises:
        ValueError: If an intervention can't be done, or a run is not finite.
    """
    for run in (clean, corrupted):
        yield from run.steps()
        check_finite(run)
    given = Interventions.of(interventions)
    if not given.acting:
        return clean, corrupted
    under = intervened_runs(clean, given, corrupted)
    assert under[1] is not None
    run_together([under[0], under[1]])
    return (yield from pair_under(under[0], under[1]))


@contextmanager
def intervened(
    model: HookedTransformer,
    interventions: Given,
    prompt: Tensor | str | None = None,
    other: Tensor | str | None = None,
) -> Iterator[HookedTransformer]:
    """Let a model itself act under interventions: whatever runs it forward, or generates.

    Positions are columns of what is run, behind those of a key/value cache. Analyses take
    `interventions=`, or runs of `intervened_runs`, instead: inside such a context they, and new
    runs, are refused.

    Args:
        model: The model.
        interventions: What is done; those on the clean prompt, or on both.
        prompt: The very prompt that is run, token ids [position] or text, where an intervention
            asks for its length, its tokens or its activations.
        other: The prompt that "resample" takes values from.

    Yields:
        The model.

    Raises:
        ValueError: If an intervention can't be done; the sentence says which and why.
    """
    given = Interventions.of(interventions)
    check_unhooked(model)
    acting = [one for one in given.listed if one.acts_on("clean")]
    if prompt is None and (asking := [one for one in acting if needs_prompt(model, one)]):
        raise ValueError(
            f"{asking[0].site}: what is done there depends on the prompt: give prompt=."
        )
    runs = [
        None if text is None else Run(model, _tokens(model, text)).complete()
        for text in (prompt, other)
    ]
    own = runs[0] or Run(model, torch.zeros(1, dtype=torch.long)).complete()
    edits = edits_of(Prompt(own, runs[1], own), given, acting, as_met=True)
    with model.hooks([_hook(model, name, found) for name, found in edits.items()]):
        model.is_in_context = bool(edits)
        try:
            yield model
        finally:
            model.is_in_context = False


def _tokens(model: HookedTransformer, prompt: Tensor | str) -> Tensor:
    return model.to_tokens(prompt)[0] if isinstance(prompt, str) else prompt


def _hook(model: HookedTransformer, name: str, edits: tuple[Edit, ...]) -> NamedHook:
    """Return the hook of a model that does what edits do."""
    needs, layout = any(edit.needs_positions for edit in edits), layout_of(name)

    def act(activation: Tensor, hook: HookPoint) -> Tensor:
        at = torch.zeros(0, dtype=torch.long)
        if needs:
            at = model.standing.last(activation.shape[layout.position], activation.device)
        return edited(activation, edits, layout, at)

    return name, act
