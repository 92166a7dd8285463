"""The terms of one part as bars, the largest first, and what they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from lensgui.jobs.answers.attributions import Terms
from lensgui.panes import theme
from lensgui.panes.pictures.rows import Rows
from lensgui.panes.theme import Theme
from lensgui.panes.token_text import shorten, signed
from lensgui.state.selection import Cursor

LEAST, MOST = 3, 24  # terms that are named, as many as there is room for
TOGETHER = 2  # rows below them: the others together, and a bias
NAME_LETTERS = 14
NUMBER = "+00.000"


@dataclass(frozen=True, slots=True)
class Bar:
    """One term, or several together.

    Attributes:
        name: What it is called.
        value: What it adds, in logits.
        note: What else is known of it; "" for nothing.
        fields: What it selects.
    """

    name: str
    value: float
    note: str
    fields: tuple[tuple[str, int], ...] = ()


def bars_of(terms: Terms, names: Sequence[str], most: int) -> tuple[Bar, ...]:
    """Return the largest terms, then the others together, then those that select nothing.

    Args:
        terms: The terms.
        names: What they are called.
        most: How many are named.
    """
    places = [at for at, place in enumerate(terms.axis.coordinates) if place is not None]
    fixed = [at for at, place in enumerate(terms.axis.coordinates) if place is None]
    if not places:  # such as the neurons of experts, which are in order already
        places, fixed = fixed[:-2], fixed[-2:]
    order = sorted(places, key=lambda at: -abs(float(terms.values[at])))
    found = [_bar(terms, names, at) for at in order[:most]]
    rest = order[most:]
    more = float(terms.values[rest].astype(np.float64).sum()) if rest else 0.0
    for at in fixed:
        bar = _bar(terms, names, at)
        if more and bar.name.endswith(" others"):
            count = int(bar.name.removesuffix(" others").replace(",", "")) + len(rest)
            bar, more = Bar(f"{count:,} others", bar.value + more, bar.note), 0.0
        found.append(bar)
    if more or (rest and not fixed):
        found.append(Bar(f"{len(rest):,} others", more, "all others together"))
    return tuple(found)


def _bar(terms: Terms, names: Sequence[str], at: int) -> Bar:
    place = terms.axis.coordinates[at]
    fields = () if place is None else ((terms.axis.name, place),)
    return Bar(names[at], float(terms.values[at]), terms.notes[at], fields)


class PartBars(Rows):
    """A row for each term: its name, a bar to either side of 0, and its number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars: tuple[Bar, ...] = ()
        self.is_stale = False
        self._terms: Terms | None = None
        self._names: tuple[str, ...] = ()
        self._cursor = Cursor()
        self.setFont(theme.mono_font(theme.SMALL_POINTS))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Terms of the selected part")
        self.setToolTip(
            "What the selected head adds from each source token, or the MLP of the selected layer "
            "by neuron, in logits: click one, or go to it with ↑ and ↓ and press Enter, to select "
            "it."
        )

    def show_terms(self, terms: Terms | None, names: Sequence[str], *, is_stale: bool) -> None:
        """Draw other terms.

        Args:
            terms: The terms; None for nothing.
            names: What they are called.
            is_stale: Whether they answer an older question.
        """
        self._terms, self._names, self.is_stale = terms, tuple(names), is_stale
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Name as many terms as there is room for."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = int(self.height() // self.row_height()) - TOGETHER
        most = max(LEAST, min(MOST, room))
        terms = self._terms
        self.bars = () if terms is None else bars_of(terms, self._names, most)
        self.take_rows()

    def show_cursor(self, cursor: Cursor) -> None:
        """Mark what is selected."""
        self._cursor = cursor
        self.update()

    def count(self) -> int:
        """Return how many rows there are."""
        return len(self.bars)

    def words(self, row: int) -> str:
        """Return a term with its number."""
        bar = self.bars[row]
        note = f" ({bar.note})" if bar.note else ""
        return f"{bar.name}: {signed(bar.value)} logits{note}"

    def fields(self, row: int) -> dict[str, int]:
        """Return what a term selects."""
        return dict(self.bars[row].fields)

    def chosen_row(self) -> int | None:
        """Return the row of what is selected."""
        for row, bar in enumerate(self.bars):
            held = [getattr(self._cursor, name, None) == at for name, at in bar.fields]
            if held and all(held):
                return row
        return None

    def sizeHint(self) -> QSize:
        """Return room for several terms."""
        return QSize(220, round(8 * self.row_height()) + 2)

    def minimumSizeHint(self) -> QSize:
        """Return room for the least number of terms, with a name, a bar and a number each."""
        return QSize(150, round((LEAST + TOGETHER) * self.row_height()) + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw every row."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
            chosen = self.chosen_row()
            for row in range(len(self.bars)):
                self._paint_row(painter, row, colors, is_chosen=row == chosen)
            painter.setOpacity(1.0)
            self.paint_focus(painter, colors)

    def _paint_row(self, painter: QPainter, row: int, colors: Theme, *, is_chosen: bool) -> None:
        bar, place, metrics = self.bars[row], self.place_of(row), QFontMetricsF(self.font())
        left = metrics.horizontalAdvance("m" * NAME_LETTERS) + 6
        right = metrics.horizontalAdvance(NUMBER) + 6
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(QColor(colors.accent if is_chosen else colors.text))
        name = QRectF(0, place.top(), left, place.height())
        painter.drawText(name, flags, shorten(bar.name, NAME_LETTERS))
        number = QRectF(self.width() - right, place.top(), right - 3, place.height())
        painter.drawText(number, flags | Qt.AlignmentFlag.AlignRight, signed(bar.value))
        values = [one.value for one in self.bars]
        low, high = min(0.0, *values), max(0.0, *values)
        room = max(10.0, self.width() - left - right)
        unit = room / ((high - low) or 1.0)
        zero = left - low * unit
        wide = max(1.0, abs(bar.value) * unit)
        start = zero if bar.value >= 0 else zero - wide
        shade = theme.diverging(colors)[215 if bar.value >= 0 else 40]
        painter.fillRect(
            QRectF(start, place.top() + 3, wide, place.height() - 6), QColor(*map(int, shade))
        )
        painter.setPen(QColor(colors.line))
        painter.drawLine(round(zero), round(place.top()), round(zero), round(place.bottom()))
