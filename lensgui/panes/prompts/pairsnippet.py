"""Python that computes with the library what the table of prompt pairs shows."""

from __future__ import annotations

from lensgui.circuits.questions import PromptPair
from lensgui.panes import metricsnippet, snippets
from lensgui.state.document import Document


def table(document: Document) -> str:
    """Return how to get the metric of every included pair, and its mean."""
    rows = [row.pair for row in document.table if row.is_included] or [document.pair]
    lines = snippets.opening(document, (metricsnippet.CLASSES[rows[0].metric],))
    lines += [
        "",
        "",
        "def ids(texts):",
        '    return tuple(model.to_single_token(text) for text in texts.split("|") if text)',
        "",
        "",
        "pairs = [  # clean, corrupted, answer, distractor",
        *(f"    {_row(pair)}," for pair in rows),
        "]",
        "numbers = []",
        "for clean, corrupted, answer, distractor in pairs:",
        f"    metric = {metricsnippet.made(rows[0], 'ids(answer)', 'ids(distractor)')}",
        f"    runs = [model({_encoded(rows[0])}) for text in (clean, corrupted)]",
    ]
    if rows[0].metric == "KL divergence":
        lines.append("    metric = metric.against(runs[0][0, -1].detach().double())")
    lines += [
        "    numbers.append([metric(logits.double()).item() for logits in runs])",
        "means = [sum(side) / len(side) for side in zip(*numbers)]  # clean, corrupted",
    ]
    return "\n".join(lines) + "\n"


def _row(pair: PromptPair) -> tuple[str, str, str, str]:
    return pair.clean, pair.corrupted, pair.answer, pair.distractor


def _encoded(pair: PromptPair) -> str:
    if isinstance(pair.bos, str):
        return f"model.to_tokens({pair.bos!r} + text, prepend_bos=False)"
    return f"model.to_tokens(text, prepend_bos={pair.bos})"
