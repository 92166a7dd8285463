"""Where the panes stand, as a value: in the window, in a session file, in a scene."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Area:
    """Panes that share one place of the window, as tabs.

    Attributes:
        panes: Their titles, in the order of the tabs.
        front: Which of them is seen.
        left: Where the place begins, as a share of the window's width; of the screen's if it
            floats.
        top: Likewise of the height.
        width: As a share of the same.
        height: Likewise.
        is_floating: Whether it is a window of its own.
    """

    panes: tuple[str, ...]
    front: str
    left: float
    top: float
    width: float
    height: float
    is_floating: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """Where panes stand; titles that no pane has mean nothing.

    Attributes:
        areas: The places; () for what the window has at first.
        hidden: Titles of the panes that are closed.
        folded: Titles of those that are folded to a line.
        solo: The title of the pane that has the window for itself; "" for none.
    """

    areas: tuple[Area, ...] = ()
    hidden: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    solo: str = ""


AT_FIRST = Layout()
