"""A few lines of Python for the panes of interventions and of their strength."""

from __future__ import annotations

from collections.abc import Sequence

from lensgui.panes.python import script
from lensgui.prompts.pair import PairRow
from lensgui.state.document import Document
from lensgui.terms.interventions import Intervention


def interventions(document: Document) -> str:
    """Return how to get the metric of each prompt without interventions, and under them."""
    lines = [
        script.pair("pair", document.pair),
        "shown = [read_pair(model, pair.plain), read_pair(model, pair)]",
        f"print(table(shown, columns={script.sides_of([document.pair])}))  # without, under",
    ]
    return script.script(document, lines)


def strength(
    document: Document,
    which: int,
    strengths: Sequence[float],
    tokens: Sequence[int],
    random: int,
    *,
    like_stream: bool = False,
) -> str:
    """Return how to get the metric, probabilities and KL by an intervention's strength.

    Args:
        document: The prompts with their interventions.
        which: The number of the one whose strength changes.
        strengths: How strong, in the op's own number.
        tokens: Whose probabilities are wanted; () for the answer and the distractor.
        random: How many random directions stand beside its vector.
        like_stream: Whether they have the stream's covariance.
    """
    named = list(tokens) or "[*found.answer, *found.distractor]"
    run = "run_prompt(model, pair.plain.{}_prompt)"
    lines = [
        script.pair("pair", document.pair),
        f"clean = {run.format('clean')}",
        f"corrupted = {run.format('corrupted') if document.pair.corrupted else None}",
        "found, given = answers(model, pair.plain), interventions_of(model, pair)",
        f"rest = found.metric, {named}, {list(strengths)}, corrupted",
        f"*_, curve = strength_curve(clean, given, {which}, *rest)",
    ]
    if random:
        one = f"given.listed[{which}]"
        stream = f"stream_at_site(clean, {one}.site)" if like_stream else "None"
        lines += [
            f"drawn = placebo_vectors(kept_vector({one}.vector), {stream}, {random})",
            f"others = placebos(given, {which}, drawn)",
            f"beside = [[*strength_curve(clean, other, {which}, *rest)][-1].metric "
            "for other in others]",
        ]
    lines.append("shown = curve.metric")
    lines.append("print(table([curve.metric, curve.divergence]))  # by strength")
    return script.script(document, lines)


def ablation(document: Document, rows: Sequence[PairRow], members: Sequence[Intervention]) -> str:
    """Return how to get what a set does together, and each of it.

    Args:
        document: The pair, with what is done beside the set.
        rows: Pairs that are read instead; () for the one pair.
        members: The set.
    """
    found = [row.pair for row in rows] or [document.pair]
    has_means = any(one.op == "mean" for one in members)
    lines = [
        script.pairs("pairs", found, has_means=has_means),
        f"members = ({''.join(f'{script.spelled(one)}, ' for one in members)})",
        "*_, found = ablate_set(model, pairs, members)",
        "order = found.last.mean(1).abs().argsort(descending=True, stable=True)",
        "shown = found.last[order]  # what each changes as the last of the set, [member, pair]",
        "print(table([found.before, found.after]), table(shown))",
    ]
    return script.script(document, lines)
