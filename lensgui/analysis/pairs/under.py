"""What a pair is run under: its interventions, with the prompts that means are over."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from torch import Tensor

from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.reference import Reference
from lensgui.analysis.pairs.answers import encode
from lensgui.prompts.pair import Prompt, PromptPair
from lensgui.transformer.model import HookedTransformer


def interventions_of(model: HookedTransformer, pair: PromptPair) -> Interventions:
    """Return a pair's interventions that are on, with the prompts that means are over.

    Args:
        model: The model that the prompts of means are run by.
        pair: The pair; its `reference` says which prompts these are.
    """
    pair = pair.acting
    if not pair.reference:
        return Interventions(pair.interventions)
    return Interventions(pair.interventions, prompts_of_means(model, pair.reference))


def prompts_of_means(model: HookedTransformer, prompts: Iterable[Prompt]) -> Reference:
    """Return the prompts that means are over, without those that can't be read."""
    found = list[Tensor]()
    for prompt in prompts:
        with suppress(ValueError):  # a text that is too long for the model is no reason for none
            found.append(encode(model, prompt))
    return Reference(model, found)
