"""Which heads play which part in a pair's answer, by the rules of `terms.roles`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lensgui.analysis.heads.copying import copying_scores
from lensgui.analysis.heads.evidence import HeadEvidence, head_evidence
from lensgui.analysis.heads.repeated import repeated_tokens, score_on_repeats
from lensgui.analysis.pairs.answers import answers
from lensgui.analysis.pairs.typed_pairs import run_prompt
from lensgui.prompts.pair import PromptPair
from lensgui.terms.kinds import Head
from lensgui.terms.roles import (
    USUAL,
    ModelMeasures,
    PairMeasures,
    Part,
    RoleBounds,
    find_roles,
)
from lensgui.transformer.model import HookedTransformer

LEAST_METRIC = 1e-6  # logits: below it, no share of the metric means anything


def propose_roles(
    model: HookedTransformer,
    pair: PromptPair,
    table: Sequence[PromptPair] = (),
    bounds: RoleBounds = USUAL,
) -> dict[Head, Part]:
    """Return the part of every head that has one, by rules that can be read (`HeadRole.words`).

    A part is a proposal: what holds on one pair is a candidate, and S-inhibition in particular is
    confirmed only by path patching into the movers' queries (Wang et al. 2022).

    Args:
        model: The model; it must have no hooks.
        pair: The pair, of which the clean prompt is run.
        table: More pairs, which say how general each role is.
        bounds: The numbers in the rules.

    Returns:
        For (layer, head) the part.

    Raises:
        ValueError: If a pair has no two answers to compare, or hooks are attached.
    """
    *_, repeats = score_on_repeats(model, repeated_tokens(model))
    *_, copying = copying_scores(model)
    assert repeats is not None
    assert copying is not None
    previous, duplicate, induction = map(numbers, repeats.scores)
    of_model = ModelMeasures(previous, duplicate, induction, numbers(copying))
    shown, *others = (_read(model, one) for one in (pair, *table))
    return find_roles(shown, of_model, others, bounds, is_of_names=pair.has_name)


def measures(found: HeadEvidence) -> PairMeasures:
    """Return what the rules compare of the evidence of one run."""
    shares = found.attribution / max(abs(found.difference), LEAST_METRIC)
    return PairMeasures(
        numbers(found.to_answer),
        numbers(found.to_distractor),
        numbers(found.to_repeat),
        numbers(shares),
    )


def numbers(tensor: Tensor) -> NDArray[np.float32]:
    """Return a float32 copy in host memory that nobody writes to."""
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy().copy()
    array.flags.writeable = False
    return array


def _read(model: HookedTransformer, pair: PromptPair) -> PairMeasures:
    difference = answers(model, pair).difference
    if difference is None:
        raise ValueError(f"Pair “{pair.clean}” has no two answers to compare: give it both.")
    *_, found = head_evidence(run_prompt(model, pair.clean_prompt), difference)
    assert found is not None
    return measures(found)
