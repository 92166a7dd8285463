"""Python that computes with the library what the table of prompt pairs shows."""

from __future__ import annotations

from lensgui.panes import snippets
from lensgui.state.document import Document


def table(document: Document) -> str:
    """Return how to get the metric of every included pair, and its mean."""
    pairs = [row.pair for row in document.table if row.is_included] or [document.pair]
    lines = [
        *snippets.pairs("pairs", pairs),
        "numbers = []",
        "for pair in pairs:",
        "    prompts = [pair.clean_prompt, pair.corrupted_prompt]",
        "    tokens = [encode(model, prompt) for prompt in prompts if prompt.text]",
        "    logits = model(tokens[0])[0, -1].double()",
        "    found = answers(model, pair, logits.topk(2).indices.tolist())",
        "    if found.metric is None:",
        "        continue  # the table marks such a pair with “!”",
        "    metric = found.metric.against(logits)",
        "    runs = [model(found.ending(ids)).double() for ids in tokens]",
        "    numbers.append([metric(run).item() for run in runs])",
        "means = [sum(side) / len(side) for side in zip(*numbers)]  # clean, corrupted",
    ]
    return snippets.script(document, lines)
