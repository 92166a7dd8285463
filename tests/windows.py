"""What is reached in a whole window."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from lensgui.app.window.window import MainWindow
from lensgui.panes.pane import Pane
from lensgui.state.document import Note
from lensgui.state.selection import Cursor

APane = TypeVar("APane", bound=Pane)


def pane_of(window: MainWindow, kind: type[APane]) -> APane:
    """Return a window's pane of a kind."""
    pane = window.panes[kind.title]
    assert isinstance(pane, kind)
    return pane


def work(window: MainWindow) -> None:
    """Change something of every kind."""
    window.session.edit(clean="a b c d", corrupted="a b x d", answer="c")
    window.session.edit(pins=(Cursor(2, 1),), notes=(Note(Cursor(2, 1), "a note"),))
    window.session.edit(attention=replace(window.session.document.views.attention, drawing="lines"))
    window.selection.move(layer=3, head=2, position=1)
