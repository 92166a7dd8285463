"""One line of a menu of a place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """One line of the menu.

    Attributes:
        name: What it says.
        tip: What it does, in one sentence.
        act: Does it.
        choices: Verbs of a menu of its own; () for none.
        is_chosen: Whether it has a check mark.
        reason: Why it can't be done at present, as a sentence; "" if it can.
    """

    name: str
    tip: str
    act: Callable[[], None]
    choices: tuple[Verb, ...] = ()
    is_chosen: bool = False
    reason: str = ""


def submenu(name: str, tip: str, choices: list[Verb]) -> Verb:
    """Return the verb that opens a menu of its own."""
    return Verb(name, tip, lambda: None, tuple(choices))
