"""Lines of Python for the table of heads: its columns, and which heads it lists in which order."""

from __future__ import annotations

from collections.abc import Sequence

from lensgui.panes.heads.conditions import PLACES, Condition
from lensgui.panes.python import script
from lensgui.prompts.pair import PairRow
from lensgui.state.document import Document
from lensgui.state.selection import Cursor

OF_PLACES = {"layer": "order // count", "head": "order % count"}


def head_table(
    document: Document, scores: Sequence[str], conditions: Sequence[Condition], cursor: Cursor
) -> str:
    """Return how to get the scores of all heads as `values`, and which are listed, as `order`.

    Args:
        document: The prompts, and how the table is sorted.
        scores: The keys of the scores that can be computed.
        conditions: Which heads are listed; those on words, or on other scores, are left out.
        cursor: The edge whose attention is a column.
    """
    view = document.views.heads
    found = document.rows or (PairRow(document.pair),)
    edge = f", ({cursor.position}, {cursor.source})" * ("edge" in scores)
    lines = [
        script.rows("rows", found, has_roles=any(row.roles for row in found)),
        f"names = {list(scores)!r}",
        f"scores = score_heads(model, rows, names{edge})  # [layer, head] each",
        "values = {name: of.flatten() for name, of in scores.items()}",
        "count = model.cfg.n_heads",
    ]
    if view.sort in scores:
        last = "-torch.inf" if view.is_descending else "torch.inf"  # for what has none
        how = f"descending={view.is_descending}, stable=True"
        lines.append(f"order = values[{view.sort!r}].nan_to_num({last}).argsort({how})")
    else:
        lines.append("order = torch.arange(model.cfg.n_layers * count)")
    lines += [_kept(one) for one in conditions if is_computed(one.column, scores)]
    lines += ["print([f'L{at // count}H{at % count}' for at in order.tolist()])"]
    if scores:
        lines.append("shown = torch.stack([of[order] for of in values.values()], 1)")
        lines.append("print(table(shown, columns=names))  # [head, score]")
    return script.script(document, lines)


def is_computed(column: str, scores: Sequence[str]) -> bool:
    """Return whether the lines know a column: none of words, and no score that is left out."""
    return column in PLACES or column in scores


def can_order(sort: str, conditions: Sequence[Condition], scores: Sequence[str]) -> bool:
    """Return whether the lines list the very heads that the table does, in its order."""
    named = [sort] * bool(sort) + [one.column for one in conditions]
    return all(is_computed(one, scores) for one in named)


def _kept(condition: Condition) -> str:
    of = OF_PLACES.get(condition.column, f"values[{condition.column!r}][order]")
    return f"order = order[({of}) {condition.code}]"
