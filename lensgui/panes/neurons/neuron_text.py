"""The prompt, coloured by how far a neuron is on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.arrays import CellState, Slice
from lensgui.panes import theme
from lensgui.panes.controls.coloured_tokens import ColouredTokens
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.theme import NEUTRAL, Theme
from lensgui.panes.token_text import plain_tip, signed

NOT_USED = "its expert was not used"
TIP = (
    "What the neuron puts out at each token, blue where it is positive and red where it is "
    "negative; the colours reach as far as the largest. Click a token to select its position."
)


class NeuronText(ColouredTokens):
    """Tokens from left to right, each on the colour of the neuron's activation."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.found: Slice | None = None
        self.name = ""
        self._names: tuple[str, ...] = ()
        self.end = 1.0
        self.setAccessibleName("The prompt, coloured by the neuron's activation")
        self.setToolTip(plain_tip(TIP))

    def show_activations(self, name: str, found: Slice | None, names: Sequence[str]) -> None:
        """Colour by another neuron.

        Args:
            name: What it is called, and which prompt it is of.
            found: What it puts out, [position]; None while that is not known.
            names: What positions are called.
        """
        self.name, self.found, self._names = name, found, tuple(names) if found is not None else ()
        known = np.zeros(1) if found is None else found.values[np.isfinite(found.values)]
        self.end = float(np.abs(known).max(initial=0.0)) or 1.0
        self.take_tokens()
        self.setAccessibleDescription(self.headline())

    @property
    def tokens(self) -> Sequence[str]:
        """What each position is called."""
        return self._names

    @property
    def shades(self) -> NDArray[np.int16]:
        """Each token's index into the diverging table, [token]; −1 where there is no number."""
        if self.found is None:
            return np.zeros(0, np.int16)
        shades = np.rint(NEUTRAL + 127 * np.nan_to_num(self.found.values) / self.end)
        return np.where(self._is_known, shades, -1).astype(np.int16)

    @property
    def _is_known(self) -> NDArray[np.bool_]:
        assert self.found is not None
        return np.equal(self.found.states, CellState.EXACT)

    @property
    def chosen(self) -> int | None:
        """The selected position."""
        place = self._cursor.position
        return place if place is not None and place < len(self._names) else None

    def headline(self) -> str:
        """Return which neuron it is, and how far the colours reach."""
        return f"{self.name}, colours to ±{self.end:.3g}" if self.found is not None else ""

    def color_of(self, token: int, colors: Theme) -> QColor:
        """Return the colour of the activation."""
        shade = int(self.shades[token])
        if shade < 0:
            return QColor(colors.masked)
        return QColor(*map(int, theme.diverging(colors)[shade]))

    def words(self, token: int) -> str:
        """Return the activation in words."""
        assert self.found is not None
        said = signed(float(self.found.values[token])) if self._is_known[token] else NOT_USED
        return f"{self.name} at ‘{self._names[token]}’ ({token}): {said}"

    def as_table(self) -> NumberTable | None:
        """Return the activations, a row for each token."""
        if self.found is None:
            return None
        names = [f"{at} {token}" for at, token in enumerate(self._names)]
        values = np.where(self._is_known, self.found.values, np.nan)
        return of_numbers(self.name, names, ["activation"], values[:, None])
