"""The ways from the inspector's short forms to the panes that have all of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button
from lensgui.panes.controls.flow import Flow
from lensgui.panes.menus import ACTIVATION, ATTENTION, ATTRIBUTION, LENS, NEURONS
from lensgui.state.selection import Cursor


@dataclass(frozen=True, slots=True)
class Way:
    """A pane that shows what is selected in full.

    Attributes:
        title: The pane's.
        tip: What it shows, in a sentence.
        is_of_heads: Whether a head must be selected, rather than a layer alone.
    """

    title: str
    tip: str
    is_of_heads: bool = False


WAYS = (
    Way(ATTENTION, "Show the attention of the selected head.", is_of_heads=True),
    Way(ATTRIBUTION, "Take the selected head, or the MLP of the selected layer, apart."),
    Way(LENS, "Show what every layer and position would predict."),
    Way(NEURONS, "Rank the neurons of the selected layer."),
    Way(ACTIVATION, "Show what the hook points of the selected layer hold."),
)


class More(QWidget):
    """A button for each pane that shows the selected place in full.

    Attributes:
        wanted: (title,) of the pane that is to come to the front.
    """

    wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row, self.buttons = Flow(self, spacing=3), {}
        for way in WAYS:
            said = {"text": way.title, "title": f"Show in {way.title}", "tip": way.tip}
            self.buttons[way.title] = button(PANE_ACTIONS["show_in"], self, **said)
            self.buttons[way.title].clicked.connect(partial(self._want, way.title))
            row.addWidget(self.buttons[way.title])
        self.show_cursor(Cursor())

    def show_cursor(self, cursor: Cursor) -> None:
        """Offer what can be seen of the selection; nothing moves as it changes."""
        for way in WAYS:
            place = cursor.head if way.is_of_heads else cursor.layer
            self.buttons[way.title].setEnabled(place is not None)

    def _want(self, title: str, checked: bool = False) -> None:
        """Ask for a pane; buttons say besides whether they are checked."""
        self.wanted.emit(title)
