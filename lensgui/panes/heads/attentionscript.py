"""A few lines of Python that compute what the attention explorer shows."""

from __future__ import annotations

from collections.abc import Sequence

from lensgui.circuits.questions import AttentionMeasure, PairRow, Side
from lensgui.jobs.slices import ATLAS_SIDE
from lensgui.panes import snippets
from lensgui.state.document import Document


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
    pairs = [row.pair for row in document.rows] or [document.pair]
    is_typed = all(pair.answer and pair.distractor for pair in pairs)
    is_of_answers = measure == "contribution"
    has_roles = any(row.roles for row in document.rows)
    term = "run, sign" + ", at" * has_roles + ", difference" * is_of_answers
    lines = _pairs(document.rows, has_roles=True) if has_roles else snippets.pairs("pairs", pairs)
    loop = "for pair, at in zip(pairs, places):" if has_roles else "for pair in pairs:"
    lines = [*lines, f"terms = []  # {term}", loop]
    if is_of_answers:
        resolved = snippets.resolved("pair", is_typed=is_typed)
        lines.append(f"    difference = {resolved}.difference")
    for name, sign in (("clean", 1), ("corrupted", -1 if side == "difference" else 1)):
        if side in (name, "difference"):
            lines.append(f"    run = Run(model, encode(model, pair.{name}_prompt)).complete()")
            lines.append(f"    terms.append(({term.replace('sign', str(sign))}))")
    options = f", {measure!r}" if measure != "pattern" else ""
    call = f"weighed(run, layer, head{options}{', difference' * is_of_answers})"
    call = f"hide_first_source({call})" if hides_first and measure == "pattern" else call
    call = f"at_places({call}, at)" if has_roles else call
    lines += [
        f"heads = {list(heads)}",
        "shown = sum(  # [destination, source]",
        f"    sign * {call}",
        f"    for {term} in terms",
        "    for layer, head in heads",
        ") / (len(pairs) * len(heads))",
    ]
    if hides_first and measure != "pattern":
        lines.append("if not roles:\n    shown[:, 0] = 0" if has_roles else "shown[:, 0] = 0")
    grid = _grid(term, side, hides_first=grid_hides_first)
    return snippets.script(document, [*lines, "", *grid])


def _pairs(rows: Sequence[PairRow], *, has_roles: bool) -> list[str]:
    """Return the lines of rows and of where positions are matched: by number, or by role."""
    return [
        *snippets.rows("rows", rows, has_roles=has_roles),
        "pairs = [row.pair for row in rows]",
        "roles, places = matched_rows(model, rows)  # none where numbers will do",
    ]


def _grid(term: str, side: Side, *, hides_first: bool) -> list[str]:
    """Return the lines that get every head's pattern, of long prompts pooled as it is drawn."""
    term = term.replace("difference", "_")
    pattern = "run.patterns(layer, range(model.cfg.kv_heads))"
    pattern = f"hide_first_source({pattern})" if hides_first else pattern
    pattern = f"at_places({pattern}, at)" if ", at" in term else pattern
    mean = f"sum(sign * {pattern} for {term} in terms) / len(pairs)"
    pooled = "shrink_signed" if side == "difference" else "shrink"
    return [
        "grid = torch.stack([  # [layer, head, destination, source]",
        f"    {pooled}({mean}, {ATLAS_SIDE})",
        "    for layer in range(model.cfg.n_layers)",
        "])",
    ]
