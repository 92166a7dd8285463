"""The tokens of both prompts, one row below the other: what is selected, pinned and surprising."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from lensgui.jobs.results import PairReading, PromptReading
from lensgui.panes.controls.controls import ChipArea
from lensgui.panes.prompt.alignment import SIDES, Side, chosen, marks, token_chips
from lensgui.state.selection import Cursor


class TokenRows(QObject):
    """Keeps two rows of chips; whoever owns it lays them out.

    Attributes:
        areas: The row of each prompt.
        picked: (fields,) the position that was clicked.
        hovered: (words,) of the chip that is pointed at.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.areas = {side: ChipArea(parent) for side in SIDES}
        self._reading: PairReading | None = None
        self._pinned: tuple[int, ...] = ()
        self._position: int | None = None
        self._clicked: tuple[Side, int] | None = None
        self._by_surprisal = False
        for side, area in self.areas.items():
            area.row.setAccessibleName(f"Tokens of the {side} prompt")
            area.row.clicked.connect(self._pick)
            area.row.hovered.connect(self.hovered)

    def show_reading(self, reading: PairReading | None) -> None:
        """Draw other tokens."""
        self._reading = reading
        self._draw()
        self._outline()

    def show_pins(self, pins: tuple[Cursor, ...]) -> None:
        """Frame the positions of what is pinned."""
        self._pinned = tuple(pin.position for pin in pins if pin.position is not None)
        self._draw()

    def show_position(self, position: int | None) -> None:
        """Outline a position, and the token that stands for it in the other prompt."""
        self._position = position
        if self._clicked is not None and self._clicked[1] != position:
            self._clicked = None
        self._outline()

    @Slot(bool)
    def show_surprisal(self, is_shown: bool) -> None:
        """Give chips the colour of their surprisal, or of no number."""
        self._by_surprisal = is_shown
        self._draw()

    def _draw(self) -> None:
        marked = marks(self._reading, self._pinned)
        for side, area in self.areas.items():
            prompt: PromptReading | None = getattr(self._reading, side, None)
            area.show_chips(token_chips(prompt, marked[side], by_surprisal=self._by_surprisal))

    def _outline(self) -> None:
        origin = self._clicked[0] if self._clicked else None
        for side, index in chosen(self._reading, origin, self._position).items():
            self.areas[side].show_chosen(index)

    @Slot(int)
    def _pick(self, position: int) -> None:
        """Select a position; it is one of the prompt that was clicked, whatever the other has."""
        row = self.sender()
        side = next(side for side, area in self.areas.items() if area.row is row)
        self._clicked = side, position
        self.picked.emit({"position": position})
        self._outline()
