"""What is known of something that the user can do: its words, its keys, why it can't be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "action",
    "pane",
    "head",
    "neuron",
    "token",
    "example",
    "file",
    "setting",
    "model",
    "page",
    "scene",
]


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user can do, or a kind of things whose number varies.

    Attributes:
        name: Its own name; the object name of its buttons, or of its lines in menus.
        text: What its button or its line says; of a kind, what precedes the names of its things.
        tip: What it does, in a sentence.
        title: What it is called where it stands alone; "" for its text.
        keys: Its shortcuts.
        reason: Why it can't be done at times, in a sentence.
        kind: What the search calls it; None for what it finds in another way.
    """

    name: str
    text: str
    tip: str
    title: str = ""
    keys: tuple[str, ...] = ()
    reason: str = ""
    kind: Kind | None = "action"

    @property
    def called(self) -> str:
        """What it is called where it stands alone."""
        return self.title or plain(self.text)


def plain(text: str) -> str:
    """Return what a menu says, without the marks of its keys and of a dialog to come."""
    parts = (part.replace("&", "") for part in text.split("&&"))
    return "&".join(parts).removesuffix("…")
