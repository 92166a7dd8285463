"""One text that the model writes, token by token, each on the colour of its probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.generation import Continued, Written
from lensgui.panes import theme
from lensgui.panes.controls.coloured_tokens import ColouredTokens
from lensgui.panes.pictures import picture
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.theme import Theme
from lensgui.panes.token_text import plain_tip, shorten, spell, spelled

TIP = (
    "What the model writes, each token coloured by its probability there. Click a token to see "
    "what else it could have been; Attention and Lens then show the run up to it, until Esc. "
    "Return makes the prompt end with it."
)
TAKES = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def chance(probability: float) -> str:
    """Return a probability with three digits that count: 0.652, 0.0123, 4.56e−05."""
    if probability >= 0.0995:
        return f"{probability:.3f}"
    return f"{probability:.3g}".replace("-", "−")


def alternatives(one: Written) -> list[str]:
    """Return the likeliest tokens with their probabilities, in words."""
    return [f"{shorten(spell(token))} {chance(share)}" for token, share in one.top]


class WrittenText(ColouredTokens):
    """Tokens from left to right; where two texts first differ, the token is framed.

    Attributes:
        found: What is written; None while nothing is known.
        name: What tells it from the other text.
        differs_at: The first token that is another in the other text; None for none.
        taken: The prompt is to end with the chosen token.
    """

    taken = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found: Continued | None = None
        self.name = name
        self.differs_at: int | None = None
        self._names: tuple[str, ...] = ()
        self._chosen: int | None = None
        self._tips: dict[str, str] = {}
        self.setToolTip(plain_tip(TIP))
        self.show_name(name)

    def show_name(self, name: str) -> None:
        """Call it otherwise."""
        self.name = name
        self.setAccessibleName(f"What the model writes, {name}")
        self.update()

    def show_written(
        self, found: Continued | None, differs_at: int | None, chosen: int | None
    ) -> None:
        """Show what is written by now.

        Args:
            found: The tokens; None while nothing is known.
            differs_at: The first that is another in the other text; None for none.
            chosen: The one that is outlined, if there are so many.
        """
        tokens = [] if found is None else [one.token for one in found.tokens]
        names = tuple(spelled(tokens))
        is_news = (found, differs_at) != (self.found, self.differs_at)
        self.found, self.differs_at, self._chosen = found, differs_at, chosen
        if is_news:
            is_stale, self._names, self._tips = self.is_stale, names, {}
            self.take_tokens()
            self.is_stale = is_stale
        at = self.chosen
        self.setAccessibleDescription(self.headline() if at is None else self.words(at))
        self.update()

    @property
    def tokens(self) -> Sequence[str]:
        """What each token is called."""
        return self._names

    @property
    def chosen(self) -> int | None:
        """The token that is selected, if there are so many."""
        at = self._chosen
        return at if at is not None and at < len(self._names) else None

    @property
    def shares(self) -> NDArray[np.float64]:
        """The probability of each token, [token]."""
        written = () if self.found is None else self.found.tokens
        return np.array([one.probability for one in written], np.float64)

    @property
    def shades(self) -> NDArray[np.int16]:
        """Each token's index into the table of amounts, [token]."""
        return np.rint(255 * self.shares).astype(np.int16)

    def headline(self) -> str:
        """Return which text it is, and what the colours are of."""
        return f"{self.name}; colours: probability, 0 to 1" if self._names else self.name

    def color_of(self, token: int, colors: Theme) -> QColor:
        """Return the colour of its probability."""
        return QColor(*map(int, theme.sequential(colors)[int(self.shades[token])]))

    def words(self, token: int, most: int | None = None) -> str:
        """Return a token's probability and rank, and what else was likely there.

        Args:
            token: Its number.
            most: How many likely tokens are named; None for all that are known.
        """
        assert self.found is not None
        one = self.found.tokens[token]
        said = f"‘{self._names[token]}’ ({token}): {chance(one.probability)}, rank {one.rank:,}"
        differs = ", the first difference" * (token == self.differs_at)
        others = alternatives(one)[:most]
        whole = f"{said}{differs}; likeliest: {', '.join(others)}"
        self._tips[whole] = "\n".join([f"{said}{differs}", *others])
        return whole

    def tip(self, words: str) -> str:
        """Return the same, a line for each of the likeliest."""
        return self._tips.get(words, words)

    def fields(self, token: int) -> dict[str, int]:
        """Return which token was chosen; it is none of the prompt's positions."""
        return {"token": token}

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the token before or after, the first one at first; Return takes it."""
        if event.key() in TAKES:
            self.taken.emit()
        elif (
            self.chosen is None
            and self._names
            and event.key() in (Qt.Key.Key_Right, Qt.Key.Key_Down)
        ):
            self.picked.emit(self.fields(0))
        else:
            super().keyPressEvent(event)

    def as_table(self) -> NumberTable | None:
        """Return probabilities, ranks and alternatives, a row for each token."""
        if self.found is None or not self._names:
            return None
        written = self.found.tokens

        def cell(row: int, column: int) -> str:
            one = written[row]
            said = f"{one.probability:.6g}", f"{one.rank}", ", ".join(alternatives(one))
            return said[column]

        rows = [f"{at} {name}" for at, name in enumerate(self._names)]
        return NumberTable(self.name, rows, ["probability", "rank", "likeliest"], cell)

    def _paint_token(self, painter: QPainter, token: int, colors: Theme) -> None:
        super()._paint_token(painter, token, colors)
        if token == self.differs_at:
            place = self._places[token]
            picture.outline(painter, place, colors.changed, colors.surface)
            if token == self.chosen:
                inside = place.adjusted(3, 3, -3, -3)
                picture.outline(painter, inside, colors.accent, colors.surface)
