"""A row of a table of prompt pairs → token ids, a metric, and where the named words stand."""

from __future__ import annotations

from collections.abc import Sequence

from lensgui.analysis.checks import check_one_length
from lensgui.analysis.pairs.answers import answers, encode, required_metric
from lensgui.analysis.pairs.averages import Case
from lensgui.analysis.pairs.roles import role_places
from lensgui.analysis.pairs.under import interventions_of
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.terms.metrics import METRICS
from lensgui.transformer.model import HookedTransformer

LONGEST_NAME = 40  # letters of a clean prompt, by which a row is known


def case_of(model: HookedTransformer, row: PairRow, likeliest: Sequence[int] | None = None) -> Case:
    """Return a row as sweeps take it.

    Args:
        model: The model.
        row: The row.
        likeliest: The likeliest next tokens of its clean prompt, which stand in for an answer or
            distractor that was not typed; None to refuse such a row.

    Raises:
        ValueError: If it has no answer, a prompt is empty or too long, or the prompts have
            different lengths; the sentence names the row.
    """
    pair = row.pair
    try:
        if likeliest is None:
            _check_answers(pair)
        clean, corrupted = encode(model, pair.clean_prompt), encode(model, pair.corrupted_prompt)
        check_one_length(len(clean), len(corrupted))
        found = answers(model, pair, list(likeliest or ()))
        metric, places = required_metric(found), role_places(model, row, clean)
        return Case(clean, corrupted, metric, places, interventions_of(model, pair))
    except ValueError as error:
        raise ValueError(f"Pair “{name_of(pair)}”: {error}") from error


def name_of(pair: PromptPair) -> str:
    """Return a short name for a pair: how its clean prompt ends."""
    words = " ".join(pair.clean.split())
    return words if len(words) <= LONGEST_NAME else "…" + words[1 - LONGEST_NAME :]


def _check_answers(pair: PromptPair) -> None:
    """Refuse a pair that leaves to the model what it is asked about."""
    roles = {"answer": "an answer", "distractor": "a distractor"}
    missing = [roles[role] for role in METRICS[pair.metric].needs if not getattr(pair, role)]
    if missing:
        raise ValueError(f"An average needs {' and '.join(missing)} in every row: fill it in.")
