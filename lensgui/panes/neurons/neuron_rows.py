"""The ranked neurons, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from lensgui.panes import theme
from lensgui.panes.neurons.neuron_seen import Row, Seen, tokens_text, tokens_words
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.pictures.painted import say
from lensgui.panes.pictures.rows import Rows
from lensgui.panes.theme import NEUTRAL, STALE_OPACITY, Theme
from lensgui.panes.token_text import plain_tip, signed
from lensgui.state.selection import Cursor

COLUMNS = ("activation", "effect", "product", "raises", "lowers", "reads", "gate")
BAR = 60  # pixels of a bar, at least
TIP = (
    "A neuron each: what it puts out (of a gated MLP act(gate) · linear, without a unit), then "
    "what neurons are ranked by, also as a bar. Below: tokens whose logits it raises ▲ and lowers "
    "▼ as it puts out 1 (its value; Geva et al. 2022), and those whose embeddings it reads (its "
    "key; Geva et al. 2021). Click one, or go to it with ↑ and ↓ and press Enter, to select it."
)


class NeuronRows(Rows):
    """Two lines for each neuron: its numbers, and its tokens."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Row, ...] = ()
        self.layer, self.chosen, self.is_selected = 0, -1, False
        self._pinned: set[tuple[int | None, int]] = set()
        self.empty, self.is_stale, self._unit = "", False, ""
        self.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        self.setAccessibleName("Neurons of the layer")
        self.setToolTip(plain_tip(TIP))

    def show_seen(self, seen: Seen, *, is_stale: bool) -> None:
        """List other neurons."""
        is_other, self.rows, self.is_stale = seen.rows is not self.rows, seen.rows, is_stale
        self.layer = seen.layer or 0
        self.chosen = -1 if seen.neuron is None else seen.neuron
        self.is_selected = seen.is_selected
        self._unit = seen.unit
        if is_other:
            self.take_rows()
        self.update()

    def show_pins(self, pins: Sequence[Cursor]) -> None:
        """Frame the neurons that are pinned."""
        self._pinned = {(pin.layer, pin.neuron) for pin in pins if pin.neuron is not None}
        self.update()

    def count(self) -> int:
        """Return how many neurons are listed."""
        return len(self.rows)

    def words(self, row: int) -> str:
        """Return all that is known of a neuron at the position."""
        of = self.rows[row]
        said = [f"L{self.layer}{of.name} puts out {signed(of.activation)}"]
        if isfinite(of.effect):
            said.append(f"adds {signed(of.effect)} logits to the answer directly")
        if isfinite(of.product):
            said.append(f"activation × gradient {signed(of.product)} {self._unit}".rstrip())
        if of.words is not None:
            said += [
                f"raises {tokens_words(of.words.raises, 4)}",
                f"lowers {tokens_words(of.words.lowers, 4)}",
                f"reads {tokens_words(of.words.reads, 4)}",
            ]
            said += [f"gate {tokens_words(of.words.opens, 4)}"] * bool(of.words.opens)
        return "; ".join(said)

    def fields(self, row: int) -> dict[str, int]:
        """Return the layer and the neuron."""
        return {"layer": self.layer, "neuron": self.rows[row].neuron}

    def chosen_row(self) -> int | None:
        """Return the row of the card's neuron."""
        numbers = [row.neuron for row in self.rows]
        return numbers.index(self.chosen) if self.chosen in numbers else None

    def as_table(self) -> NumberTable | None:
        """Return all numbers and tokens of each neuron."""
        names = [f"L{self.layer}{row.name}" for row in self.rows]
        return NumberTable(self.accessibleName(), names, list(COLUMNS), self._cell)

    def _cell(self, row: int, column: int) -> str:
        of = self.rows[row]
        if column < 3:
            number = (of.activation, of.effect, of.product)[column]
            return f"{number:.6g}" if isfinite(number) else ""
        words = of.words
        if words is None:
            return ""
        return tokens_text((words.raises, words.lowers, words.reads, words.opens)[column - 3], 8)

    def row_height(self) -> float:
        """Return room for two lines."""
        return 2 * QFontMetricsF(self.font()).height() + 5

    def sizeHint(self) -> QSize:
        """Return the height of all rows."""
        return QSize(200, round(self.row_height() * max(2, len(self.rows))) + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows in view."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if not self.rows:
                say(painter, self.rect().adjusted(16, 4, -16, -4), self.empty, colors)
                return
            painter.setOpacity(STALE_OPACITY if self.is_stale else 1.0)
            end = max(abs(row.value) for row in self.rows) or 1.0
            for at, row in enumerate(self.rows):
                place = self.place_of(at)
                if place.intersects(QRectF(event.rect())):
                    self._paint_row(painter, row, place, end, colors)
            self.paint_focus(painter, colors)

    def _paint_row(
        self, painter: QPainter, row: Row, place: QRectF, end: float, colors: Theme
    ) -> None:
        metrics = QFontMetricsF(self.font())
        height, wide = metrics.height(), metrics.horizontalAdvance("0")
        if row.neuron == self.chosen:
            painter.fillRect(place.adjusted(0, 0, 0, -1), QColor(colors.raised))
        is_selected = row.neuron == self.chosen and self.is_selected
        if is_selected:
            painter.fillRect(QRectF(0, place.top(), 3, place.height() - 1), QColor(colors.accent))
        if (self.layer, row.neuron) in self._pinned:
            painter.setPen(QPen(QColor(colors.text), 1, Qt.PenStyle.DotLine))
            painter.drawRect(place.adjusted(0.5, 0.5, -1.5, -1.5))
        middle = Qt.AlignmentFlag.AlignVCenter
        first = QRectF(6, place.top() + 2, wide * 9, height)
        painter.setPen(QColor(colors.accent if is_selected else colors.text))
        painter.drawText(first, middle, row.name)
        painter.setPen(QColor(colors.text))
        left = first.right()
        for number in (row.activation, row.value):
            where = QRectF(left, first.top(), wide * 8, height)
            painter.drawText(where, middle | Qt.AlignmentFlag.AlignRight, signed(number))
            left = where.right() + wide
        room = QRectF(left, first.top() + 2, max(BAR, self.width() - left - 6), height - 4)
        self._paint_bar(painter, row.value / end, room, colors)
        painter.setPen(QColor(colors.faint))
        below = QRectF(6 + wide, first.bottom(), self.width() - 12 - wide, height)
        words = metrics.elidedText(_tokens(row), Qt.TextElideMode.ElideRight, below.width())
        painter.drawText(below, middle, words)

    @staticmethod
    def _paint_bar(painter: QPainter, share: float, room: QRectF, colors: Theme) -> None:
        """Draw a bar from the middle: to the right where it is positive."""
        half = room.width() / 2
        table = theme.diverging(colors)
        shade = table[round(NEUTRAL + 127 * max(-1.0, min(1.0, share)))]
        width = max(1.0, abs(share) * half)
        left = room.left() + half - (width if share < 0 else 0)
        painter.fillRect(QRectF(left, room.top(), width, room.height()), QColor(*map(int, shade)))
        painter.setPen(QColor(colors.line))
        middle = room.left() + half
        painter.drawLine(round(middle), round(room.top()), round(middle), round(room.bottom()))


def _tokens(row: Row) -> str:
    """Return a neuron's tokens in a line."""
    if row.words is None:
        return "…"
    said = f"▲ {tokens_text(row.words.raises)}  ▼ {tokens_text(row.words.lowers)}"
    said += f"  reads {tokens_text(row.words.reads)}"
    return said + (f"  gate {tokens_text(row.words.opens)}" if row.words.opens else "")
