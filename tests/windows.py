"""What is reached in a whole window."""

from __future__ import annotations

from typing import TypeVar

from lensgui.app.window.window import MainWindow
from lensgui.panes.pane import Pane

APane = TypeVar("APane", bound=Pane)


def pane_of(window: MainWindow, kind: type[APane]) -> APane:
    """Return a window's pane of a kind."""
    pane = window.panes[kind.title]
    assert isinstance(pane, kind)
    return pane
