"""What one asks next of a cell that matters: which heads, which of their inputs, who feeds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lensgui.panes.menus import FEEDERS, go_to
from lensgui.panes.pane import Pane
from lensgui.panes.verb import Verb
from lensgui.state.document import Document
from lensgui.state.selection import Cursor
from lensgui.terms.kinds import Extent, HeadInput, SweepKind

INPUTS: dict[HeadInput, str] = {"q": "queries", "k": "keys", "v": "values"}


def of_cell(
    kind: SweepKind,
    place: Cursor,
    follow: Callable[[SweepKind, Cursor], None],
    feed: Callable[[HeadInput], None],
) -> list[Verb]:
    """Return the questions that follow from a cell.

    Args:
        kind: What the cell replaces.
        place: Where it is.
        follow: Selects a place and sweeps another kind.
        feed: Selects the place and shows who feeds one of its inputs.
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
    asked = next((name for name in INPUTS if name == kind.activation), None)
    if asked is not None:
        return [
            Verb(
                f"Who feeds its {INPUTS[asked]}?",
                "Path patching of every earlier head and MLP into this head.",
                lambda: feed(asked),
            )
        ]
    if kind.activation == "pattern":
        return [_input(name, kind, place, follow) for name in INPUTS if name != "v"] + _edges(
            kind, place, follow
        )
    return [_input(name, kind, place, follow) for name in INPUTS] + _edges(kind, place, follow)


def feed(pane: Pane, document: Document, place: Cursor, input_: HeadInput) -> None:
    """Select a place and show who feeds one of its inputs."""
    pane.edited.emit({"feeders": replace(document.views.feeders, input=input_)})
    go_to(pane, place, FEEDERS)


def verifying(act: Callable[[], None]) -> Verb:
    """Return the verb that works a cell out the slow way."""
    tip = "Work this cell out again by plain forward passes, and print the difference."
    return Verb("Verify", tip, act)


def _input(
    name: HeadInput, kind: SweepKind, place: Cursor, follow: Callable[[SweepKind, Cursor], None]
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
