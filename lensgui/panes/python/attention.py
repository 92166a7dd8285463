"""A few lines of Python that compute what the attention explorer shows."""

from __future__ import annotations

from collections.abc import Sequence

from lensgui.jobs.arrays import ATLAS_SIDE
from lensgui.panes.python import script
from lensgui.prompts.pair import PairRow
from lensgui.state.document import Document
from lensgui.terms.kinds import AttentionMeasure, Side


def attention(
    document: Document,
    heads: Sequence[tuple[int, int]],
    side: Side,
    measure: AttentionMeasure,
    *,
    hides_first: bool,
    grid_hides_first: bool,
) -> str:
    """Return how to get one head's numbers, or the mean of several, as `shown`; all as `grid`.

    Args:
        document: The prompts.
        heads: Layer and head of each.
        side: Whose attention: clean, corrupted, or clean − corrupted.
        measure: What is counted.
        hides_first: Whether position 0 is left out; only a pattern's rows are renormalised.
        grid_hides_first: The same of the grid.
    """
    rows = document.rows or (PairRow(document.pair),)
    has_roles = any(row.roles for row in rows)
    of_focus = f"{side!r}, {measure!r}" + ", hides_first=True" * hides_first
    of_grid = f"{side!r}" + ", hides_first=True" * grid_hides_first
    lines = [
        script.rows("rows", rows, has_roles=has_roles),
        f"heads = {list(heads)}",
        f"shown = mean_attention(model, rows, heads, {of_focus}).mean(0)",
        "layers, count = range(model.cfg.n_layers), model.cfg.n_heads",
        "every = [(layer, head) for layer in layers for head in range(count)]",
        f"grid = mean_attention(model, rows, every, {of_grid}, at_most={ATLAS_SIDE})",
        "grid = grid.unflatten(0, (-1, count))  # [layer, head, destination, source]",
        "print(table(shown))  # [destination, source]",
    ]
    return script.script(document, lines)
