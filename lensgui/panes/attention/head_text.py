"""The prompt itself, coloured by what one token attends to, or by what attends to it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from lensgui.panes.attention.head_numbers import Weights
from lensgui.panes.controls.coloured_tokens import ColouredTokens, ScrolledTokens
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.theme import Theme


class ColouredText(ColouredTokens):
    """Tokens from left to right, each on the colour of its number.

    A click chooses the position, or where it colours by what attends to a token the source.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.weights: Weights | None = None
        self.name = ""
        self.is_from = True
        self.setAccessibleName("The prompt, coloured by attention of the selected token")
        self.setToolTip("Click a token to colour the prompt by its attention.")

    def show_weights(self, weights: Weights | None) -> None:
        """Colour by a head's numbers."""
        self.weights = weights
        self.take_tokens()

    def as_table(self) -> NumberTable | None:
        """Return the numbers of the head."""
        return None if self.weights is None else self.weights.as_table(self.name)

    def show_direction(self, *, is_from: bool) -> None:
        """Say whether colours are what the token attends to, or what attends to it.

        Args:
            is_from: The former.
        """
        self.is_from = is_from
        self.update()

    @property
    def tokens(self) -> Sequence[str]:
        """What each position is called."""
        return () if self.weights is None else self.weights.tokens

    @property
    def chosen(self) -> int | None:
        """The token whose attention is shown: the selected one, else the last."""
        if self.weights is None:
            return None
        place = self._cursor.position if self.is_from else self._cursor.source
        last = len(self.weights.tokens) - 1
        return last if place is None else min(place, last)

    def fields(self, token: int) -> dict[str, int]:
        """Return the position, or the source."""
        return {"position" if self.is_from else "source": token}

    def color_of(self, token: int, colors: Theme) -> QColor:
        """Return the colour of the edge from or to the chosen token."""
        edge = self._edge(token)
        if self.weights is None or not self.weights.is_known(*edge):
            return QColor(colors.masked)
        return QColor(*map(int, self.weights.table(colors)[self.weights.shades[edge]]))

    def headline(self) -> str:
        """Return whose attention is shown, and which way."""
        if self.weights is None or self.chosen is None:
            return ""
        named = f"‘{self.weights.tokens[self.chosen]}’ ({self.chosen})"
        return f"what {named} attends to" if self.is_from else f"what attends to {named}"

    def words(self, token: int) -> str:
        """Return the edge in words."""
        return f"{self.name} · {self.weights.words(*self._edge(token))}" if self.weights else ""

    def _edge(self, token: int) -> tuple[int, int]:
        """Return the row and column that colour a token."""
        chosen = self.chosen or 0
        return (chosen, token) if self.is_from else (token, chosen)


class TextArea(ScrolledTokens):
    """A coloured text that scrolls where it is long."""

    def __init__(self, parent: QWidget | None = None) -> None:
        text = ColouredText(parent)
        super().__init__(text, parent)
        self.text = text
