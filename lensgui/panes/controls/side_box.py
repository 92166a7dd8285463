"""A box that says which prompt of a pair is shown, or the difference of two runs."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QWidget

from lensgui.panes.token_text import plain_tip
from lensgui.prompts.sides import CHOICES, is_change
from lensgui.terms.kinds import Side

SIDES: tuple[Side, ...] = tuple(CHOICES)
CHANGE = "with − without: what the interventions change in that prompt."


class SideBox(QComboBox):
    """A chooser of sides.

    Attributes:
        chosen: (changes,) the side that the user chose, as a change of a pane's view.
    """

    chosen = Signal(object)

    def __init__(self, name: str, tip: str, parent: QWidget) -> None:
        """Offer all sides.

        Args:
            name: What is chosen, in a few words.
            tip: What that decides, as a sentence.
            parent: Where it stands.
        """
        super().__init__(parent)
        self.addItems(list(CHOICES.values()))
        self.setAccessibleName(name)
        self.setToolTip(plain_tip(f"{tip}\n{CHANGE}"))
        for at, side in enumerate(SIDES):
            if is_change(side):
                self.setItemData(at, plain_tip(CHANGE), Qt.ItemDataRole.ToolTipRole)
        self.activated.connect(self._choose)

    def show_side(self, side: Side) -> None:
        """Show which is chosen."""
        self.setCurrentIndex(SIDES.index(side))

    @Slot(int)
    def _choose(self, index: int) -> None:
        self.chosen.emit({"side": SIDES[index]})
