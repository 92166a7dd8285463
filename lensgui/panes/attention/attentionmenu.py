"""What a right click on a head or on an edge of it offers."""

from __future__ import annotations

from collections.abc import Callable

from lensgui.panes import menus
from lensgui.panes.menus import Verb
from lensgui.panes.pane import Pane
from lensgui.state.selection import Cursor


def of_head(
    pane: Pane, place: Cursor, pins: tuple[Cursor, ...], words: str, average: Callable[[], None]
) -> list[Verb]:
    """Return the verbs of a head in the grid.

    Args:
        pane: Where the menu is shown.
        place: The head.
        pins: What is pinned at present.
        words: What is known of the head.
        average: Averages over it too, or no longer.
    """
    averaging = Verb(
        "Average over it, or no longer",
        "Show the mean of this head and the selected ones; shift-click does the same.",
        average,
    )
    return [averaging, *_pin_and_copy(pane, place, pins, words)]


def of_edge(pane: Pane, place: Cursor, pins: tuple[Cursor, ...], words: str) -> list[Verb]:
    """Return the verbs of one edge of a head; arguments as in `of_head`."""
    return _pin_and_copy(pane, place, pins, words)


def _pin_and_copy(pane: Pane, place: Cursor, pins: tuple[Cursor, ...], words: str) -> list[Verb]:
    *_, pin = menus.of_place(pane, place, pins)
    return [pin, menus.copying(words)]
