"""What one asks next of a cell that matters: which heads, which of their inputs, who feeds them."""

from __future__ import annotations

from collections.abc import Callable

from lensgui.panes.menus import FEEDERS, Verb
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import Extent, SweepKind

INPUTS = {"q": "queries", "k": "keys", "v": "values"}


def of_cell(
    kind: SweepKind,
    place: Cursor,
    follow: Callable[[SweepKind, Cursor], None],
    bring: Callable[[str], None],
) -> list[Verb]:
    """Return the questions that follow from a cell.

    Args:
        kind: What the cell replaces.
        place: Where it is.
        follow: Selects a place and sweeps another kind.
        bring: Selects the place and shows the pane with a title.
    """
    if not kind.is_of_heads and place.position is None:  # a column of a role, in an average
        return [
            Verb(
                f"Which heads of L{place.layer}?",
                "Sweep head outputs at all positions, and select this layer.",
                lambda: follow(SweepKind("z", "all"), place),
            )
        ]
    if not kind.is_of_heads:
        return [
            Verb(
                f"Which heads of L{place.layer}, at this position?",
                "Sweep head outputs at this position, and select this layer.",
                lambda: follow(SweepKind("z"), place),
            )
        ]
    if kind.activation in INPUTS:
        return [
            Verb(
                f"Who feeds its {INPUTS[kind.activation]}?",
                "Path patching of every earlier head and MLP into this head.",
                lambda: bring(FEEDERS),
            )
        ]
    if kind.activation == "pattern":
        return [_input(name, kind, place, follow) for name in ("q", "k")] + _edges(
            kind, place, follow
        )
    return [_input(name, kind, place, follow) for name in INPUTS] + _edges(kind, place, follow)


def verifying(act: Callable[[], None]) -> Verb:
    """Return the verb that works a cell out the slow way."""
    tip = "Work this cell out again by plain forward passes, and print the difference."
    return Verb("Verify", tip, act)


def _input(
    name: str, kind: SweepKind, place: Cursor, follow: Callable[[SweepKind, Cursor], None]
) -> Verb:
    """Return the verb that sweeps one of a head's inputs in the same manner."""
    extent: Extent = "all" if kind.extent == "all" else "position"
    return Verb(
        f"Is it its {INPUTS[name]}?",
        f"Sweep the {INPUTS[name]} of all heads, and keep this head selected.",
        lambda: follow(SweepKind(name, extent), place),
    )


def _edges(
    kind: SweepKind, place: Cursor, follow: Callable[[SweepKind, Cursor], None]
) -> list[Verb]:
    """Return the verb that sweeps a head's single attention edges, unless these are swept."""
    if kind.extent == "edge":
        return []
    return [
        Verb(
            "Which of its attention edges?",
            "Sweep the numbers of this head's attention pattern, one at a time.",
            lambda: follow(SweepKind("pattern", "edge"), place),
        )
    ]
