"""A few lines of Python that compute what the attention explorer shows of a head."""

from __future__ import annotations

from collections.abc import Sequence

from lensgui.circuits.questions import AttentionMeasure, PromptPair, Side
from lensgui.panes import snippets
from lensgui.state.document import Document


def attention(
    document: Document,
    heads: Sequence[tuple[int, int]],
    side: Side,
    measure: AttentionMeasure,
    *,
    hides_first: bool,
) -> str:
    """Return how to get one head's numbers, or the mean of several, as `shown`.

    Args:
        document: The prompts.
        heads: Layer and head of each.
        side: Whose attention: clean, corrupted, or clean − corrupted.
        measure: What is counted.
        hides_first: Whether position 0 is left out; only a pattern's rows are renormalised.
    """
    is_pattern = hides_first and measure == "pattern"
    metric = "LogitDifference" if measure == "contribution" else ""
    lines = snippets.opening(document, (metric,) if metric else ())
    imports = ["from lensgui.circuits.patterns import weighed"]
    imports += ["from lensgui.circuits.runs import Run"]
    if is_pattern:
        imports.insert(0, "from lensgui.circuits.heads import hide_first_source")
    first = 1 if lines[0] else 0
    lines[first:first] = imports
    pairs = [row.pair for row in document.rows] or [document.pair]
    lines += ["", "total = 0"]
    for pair in pairs:
        lines += _of_pair(pair, side, metric)
        lines += _of_heads(heads, side, measure, is_pattern)
    count = len(pairs) * len(heads)
    lines += [f"shown = total / {count}  # [destination, source]"]
    if hides_first and measure != "pattern":
        lines += ["shown[:, 0] = 0"]
    return "\n".join(lines) + "\n"


def _of_pair(pair: PromptPair, side: Side, metric: str) -> list[str]:
    """Return the lines that run a pair's prompts."""
    lines = []
    for name, text in (("clean", pair.clean), ("corrupted", pair.corrupted)):
        if side in (name, "difference"):
            lines += [snippets.tokens("tokens", text, pair.bos)]
            lines += [f"{name} = Run(model, tokens).complete()"]
    return [*lines, f"metric = {snippets.metric(pair)}"] if metric else lines


def _of_heads(
    heads: Sequence[tuple[int, int]], side: Side, measure: AttentionMeasure, is_pattern: bool
) -> list[str]:
    """Return the lines that add up heads."""
    options = [repr(measure)] if measure != "pattern" else []
    options += ["metric"] if measure == "contribution" else []
    lines = [f"for layer, head in {list(heads)}:"]
    for name, sign in (("clean", "+"), ("corrupted", "-" if side == "difference" else "+")):
        if side in (name, "difference"):
            call = f"weighed({', '.join([name, 'layer', 'head', *options])})"
            call = f"hide_first_source({call})" if is_pattern else call
            lines += [f"    total {sign}= {call}"]
    return lines
