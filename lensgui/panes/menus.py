"""What can be done with the place under the pointer: the menu that a right click brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from lensgui.panes.pane import Pane
from lensgui.panes.places import place_name, toggled
from lensgui.state.selection import Cursor

MENU = "verbs"


@dataclass(frozen=True, slots=True)
class Verb:
    """One line of the menu.

    Attributes:
        name: What it says.
        tip: What it does, in one sentence.
        act: Does it.
    """

    name: str
    tip: str
    act: Callable[[], None]


def show_menu(pane: Pane, verbs: Sequence[Verb], where: QPoint) -> QMenu:
    """Show verbs at a place of the screen; a pane has one such menu, which is filled anew."""
    menu: QMenu | None = pane.findChild(QMenu, MENU)
    if menu is None:
        menu = QMenu(pane)
        menu.setObjectName(MENU)
    menu.setAccessibleName("What can be done with this place")
    menu.setToolTipsVisible(True)
    menu.clear()
    for verb in verbs:
        action = menu.addAction(verb.name)
        action.setToolTip(verb.tip)
        action.triggered.connect(lambda checked=False, act=verb.act: act())
    menu.popup(where)
    return menu


def of_place(pane: Pane, place: Cursor, pins: tuple[Cursor, ...]) -> list[Verb]:
    """Return the verbs that every pane has for a place.

    Args:
        pane: Where the menu is shown.
        place: The place.
        pins: What is pinned at present.
    """
    verbs = []
    if place.head is not None:
        verbs.append(
            Verb(
                "Go to its attention",
                "Select the head and show its attention pattern.",
                lambda: go_to(pane, place, "Attention"),
            )
        )
    name = place_name(place)
    is_pinned = place in pins
    verbs.append(
        Verb(
            f"Unpin {name}" if is_pinned else f"Pin {name}",
            "Leave it out of the pinned places again."
            if is_pinned
            else "Keep an eye on it: it is framed in every pane.",
            lambda: pane.edited.emit({"pins": toggled(pins, place)}),
        )
    )
    return verbs


def copying(words: str) -> Verb:
    """Return the verb that copies what is known of a place."""
    return Verb(
        "Copy the value",
        "Copy what is known of this place, in words, to the clipboard.",
        lambda: QGuiApplication.clipboard().setText(words),
    )


def select(pane: Pane, place: Cursor) -> None:
    """Select what a place names."""
    pane.picked.emit({name: at for name, at in asdict(place).items() if at is not None})


def go_to(pane: Pane, place: Cursor, title: str) -> None:
    """Select a place and bring another pane to the front."""
    select(pane, place)
    pane.shown.emit(title)
