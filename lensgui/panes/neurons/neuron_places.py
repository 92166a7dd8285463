"""Rows of the strongest places, each with the tokens around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from lensgui.jobs.answers.neurons import NeuronPlaces
from lensgui.panes import theme
from lensgui.panes.pictures.painted import say
from lensgui.panes.pictures.rows import Rows
from lensgui.panes.theme import NEUTRAL, STALE_OPACITY, Theme
from lensgui.panes.token_text import plain_tip, shorten, signed, spell

BEFORE, AFTER = 8, 4  # tokens around a place
MOST = 10
TIPS = {
    1: "The places where the neuron is most positive, the strongest first, with the tokens around.",
    -1: "The places where the neuron is most negative, the strongest first, with the tokens "
    "around; a gated neuron means something else there.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a neuron is on.

    Attributes:
        at: The number of the token among all that were read.
        value: What the neuron puts out.
        before: The text before the token, in its own prompt or piece.
        token: The token.
        after: The text after it.
    """

    at: int
    value: float
    before: str
    token: str
    after: str


def strongest(found: NeuronPlaces, neuron: int, sign: int) -> tuple[Place, ...]:
    """Return the strongest places of a neuron at one end.

    Args:
        found: What is known of all neurons.
        neuron: Which.
        sign: 1 for the positive end, −1 for the negative.
    """
    values, where = (
        (found.highest, found.highest_at) if sign > 0 else (found.lowest, found.lowest_at)
    )
    if neuron >= len(values):
        return ()
    pairs = zip(values[neuron].tolist(), where[neuron].tolist(), strict=True)
    return tuple(_place(found, at, value) for value, at in pairs if at >= 0)[:MOST]


def _place(found: NeuronPlaces, at: int, value: float) -> Place:
    index = int(np.searchsorted(found.starts, at, side="right"))
    start = int(found.starts[index - 1]) if index else 0
    end = int(found.starts[index]) if index < len(found.starts) else len(found.tokens)

    def text(first: int, last: int) -> str:
        ids = found.tokens[first:last].tolist()
        return "".join(found.names[token].label for token in ids).replace("\n", "⏎")

    token = found.names.get(int(found.tokens[at]))
    return Place(
        at,
        value,
        text(max(start, at - BEFORE), at),
        "" if token is None else spell(token),
        text(at + 1, min(end, at + 1 + AFTER)),
    )


class PlaceRows(Rows):
    """One line for each place: the activation, and the text with the token in the middle."""

    def __init__(self, sign: int, parent: QWidget | None = None) -> None:
        """Make an empty list.

        Args:
            sign: Which end it is of: 1 for positive activations, −1 for negative.
            parent: Where it is.
        """
        super().__init__(parent)
        self.places: tuple[Place, ...] = ()
        self.empty, self.is_stale, self._sign = "", False, sign
        self.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        name = "positive" if sign > 0 else "negative"
        self.setAccessibleName(f"Strongest {name} places")
        self.setToolTip(plain_tip(TIPS[sign]))

    def show_places(self, places: tuple[Place, ...], *, is_stale: bool = False) -> None:
        """List other places."""
        self.places, self.is_stale = places, is_stale
        self.take_rows()

    def count(self) -> int:
        """Return how many places are listed."""
        return len(self.places)

    def words(self, row: int) -> str:
        """Return a place with what is around it."""
        of = self.places[row]
        return f"{signed(of.value)} at ‘{of.token}’: {of.before}[{of.token}]{of.after}"

    def fields(self, row: int) -> dict[str, int]:
        """Return nothing: the place is of another prompt."""
        return {}

    def chosen_row(self) -> int | None:
        """Return nothing, likewise."""
        return None

    def sizeHint(self) -> QSize:
        """Return room for as many places as are ever listed, so that nothing moves."""
        return QSize(120, round(self.row_height() * MOST) + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if not self.places:
                say(painter, self.rect().adjusted(6, 2, -6, -2), self.empty, colors)
                return
            painter.setOpacity(STALE_OPACITY if self.is_stale else 1.0)
            end = max(abs(place.value) for place in self.places)
            for row, place in enumerate(self.places):
                self._paint_place(painter, place, self.place_of(row), end, colors)
            self.paint_focus(painter, colors)

    def _paint_place(
        self, painter: QPainter, place: Place, where: QRectF, end: float, colors: Theme
    ) -> None:
        metrics = QFontMetricsF(self.font())
        wide = metrics.horizontalAdvance("0")
        right, left = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft
        middle = Qt.AlignmentFlag.AlignVCenter
        number = QRectF(0, where.top(), wide * 7, where.height())
        painter.setPen(QColor(colors.text))
        painter.drawText(number, middle | right, signed(place.value, 2))
        token = shorten(place.token, 14)
        room = self.width() - number.right() - wide
        before = QRectF(number.right() + wide, where.top(), room * 0.5, where.height())
        painter.setPen(QColor(colors.faint))
        text = metrics.elidedText(place.before, Qt.TextElideMode.ElideLeft, before.width() - wide)
        painter.drawText(before.adjusted(0, 0, -2, 0), middle | right, text)
        shade = theme.diverging(colors)[round(NEUTRAL + 127 * place.value / end)]
        color = QColor(*map(int, shade))
        box = QRectF(
            before.right(),
            where.top() + 1,
            metrics.horizontalAdvance(token) + 4,
            where.height() - 2,
        )
        painter.fillRect(box, color)
        painter.setPen(theme.readable_on(color.red(), color.green(), color.blue()))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, token)
        painter.setPen(QColor(colors.faint))
        after = QRectF(box.right() + 2, where.top(), self.width() - box.right() - 2, where.height())
        text = metrics.elidedText(place.after, Qt.TextElideMode.ElideRight, after.width())
        painter.drawText(after, middle | left, text)
