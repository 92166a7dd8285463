"""What a pair is run under: its interventions, with the prompts that means are over."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lensgui.analysis.interventions.listed import Interventions
from lensgui.analysis.interventions.reference import Reference
from lensgui.analysis.pairs.roles import Ids, places_of
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
    reference = prompts_of_means(model, pair.reference)
    return Interventions(pair.interventions, reference, places_under(model, pair, reference))


def places_under(
    model: HookedTransformer, pair: PromptPair, reference: Reference
) -> dict[Ids, dict[str, int]]:
    """Return where named words stand in a pair's prompts, as its means need to know.

    Those that the pair names itself; of a prompt that is among those that means are over, those
    that are named there too.
    """
    if not pair.reference:
        return {}
    own = places_of(model, pair.laid_out)
    return {ids: {**reference.places.get(ids, {}), **named} for ids, named in own.items()}


def prompts_of_means(model: HookedTransformer, prompts: Sequence[Prompt]) -> Reference:
    """Return the prompts that means are over, without those that can't be read."""
    places = places_of(model, prompts)
    return Reference(model, map(torch.tensor, places), places)
