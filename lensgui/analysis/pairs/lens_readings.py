"""What a lens reads of the prompts of many pairs, position by position or role by role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from lensgui.analysis.lenses.lens import Lens
from lensgui.analysis.lenses.reading import lens_metric
from lensgui.analysis.pairs.answers import Answers, answers
from lensgui.analysis.pairs.cases import name_of
from lensgui.analysis.pairs.roles import matched_rows
from lensgui.analysis.pairs.typed_pairs import run_prompt
from lensgui.prompts.pair import PairRow, PromptPair
from lensgui.prompts.sides import summands
from lensgui.terms.kinds import Averaged, Side
from lensgui.terms.metric import Metric
from lensgui.terms.metrics import Probability
from lensgui.transformer.model import HookedTransformer


@torch.no_grad()
def read_lens_of_pairs(
    model: HookedTransformer,
    rows: Sequence[PairRow],
    lens: Lens,
    value: Averaged = "metric",
    side: Side = "clean",
    *,
    mid: bool = False,
) -> Iterator[Tensor]:
    """Read prompts of many pairs through a lens: their mean and spread are over the first axis.

    Args:
        model: The model.
        rows: The pairs; prompts laid out differently are matched by their roles.
        lens: The lens.
        value: What is read: the pair's metric, or the probability of its answer or distractor.
        side: Of which prompts: "clean", "corrupted", or "difference" for clean − corrupted; "clean
            change" and "corrupted change" for with − without the pairs' interventions.
        mid: Whether the stream between attention and MLP is read too.

    Yields:
        What is read of the pairs so far, [pair, row, position], rows as `lens_rows` counts them; by
        role, positions are roles. NaN where the lens can't read.

    Raises:
        ValueError: If positions can't be matched, or a pair lacks what is read.
    """
    roles, places = matched_rows(model, rows)
    found: list[Tensor] = []
    for row, at in zip(rows, places or [()] * len(rows), strict=True):
        metric = averaged_metric(answers(model, row.pair), row.pair, value)
        total: Tensor | float = 0.0
        for sign, prompt in summands(row.pair, side):
            *_, read = lens_metric(run_prompt(model, prompt), lens, metric, mid=mid)
            assert read is not None
            total = total + sign * (read[:, list(at)] if roles else read)
        assert isinstance(total, Tensor)
        found.append(total)
        yield torch.stack(found)


def averaged_metric(found: Answers, pair: PromptPair, value: Averaged) -> Metric:
    """Return what is read of a pair.

    Raises:
        ValueError: If the pair lacks what that needs; the sentence names the pair.
    """
    name = name_of(pair)
    if value != "metric":
        tokens = found.answer if value == "answer" else found.distractor
        if not tokens:
            raise ValueError(f"Pair “{name}” has no {value} of one token: type one.")
        return Probability(tokens)
    metric = found.metric
    if metric is None:
        raise ValueError(f"Pair “{name}” has no answer to read a metric of: type one.")
    if metric.reads != 1:
        raise ValueError(
            f"Pair “{name}” has an answer of several tokens, and a lens reads one position at a "
            "time: choose another metric."
        )
    return metric
