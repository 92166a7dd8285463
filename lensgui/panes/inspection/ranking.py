"""Where a head looks from one position, most first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from lensgui.panes import theme
from lensgui.panes.spelling import shorten

MOST = 6
LABEL_LETTERS = 12
NUMBER = "0.000"


@dataclass(frozen=True, slots=True)
class Rank:
    """One source and the attention it gets.

    Attributes:
        source: Its position.
        name: Its token.
        share: Attention, 0 to 1.
    """

    source: int
    name: str
    share: float


class Ranking(QWidget):
    """Bars, the longest first.

    Attributes:
        picked: (fields,) the source that was clicked.
        hovered: (words,) the bar under the pointer.
    """

    picked = Signal(object)
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ranks: tuple[Rank, ...] = ()
        self.chosen: int | None = None
        self._pointed: int | None = None
        self.setMouseTracking(True)
        self.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        self.setAccessibleName("Sources by attention")
        self.setToolTip("Where the selected head looks from the selected position.")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_attention(self, names: Sequence[str], shares: Sequence[float]) -> None:
        """Draw the sources that get most."""
        ranks = [
            Rank(source, name, share)
            for source, (name, share) in enumerate(zip(names, shares, strict=False))
            if share > 0  # nothing at all is what a causal model gives to later tokens
        ]
        self.ranks = tuple(sorted(ranks, key=lambda rank: -rank.share)[:MOST])
        self.setAccessibleDescription(", ".join(map(_words, self.ranks)))
        self.updateGeometry()
        self.update()

    def show_chosen(self, source: int | None) -> None:
        """Mark the selected source."""
        self.chosen = source
        self.update()

    def sizeHint(self) -> QSize:
        """Return the height of all bars."""
        return QSize(200, round(self._row_height() * max(1, len(self.ranks))) + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw token, position, bar and number of each source."""
        look = theme.of(self.palette())
        painter = QPainter(self)
        metrics = QFontMetricsF(self.font())
        left = metrics.horizontalAdvance("m" * (LABEL_LETTERS + 4))
        right = metrics.horizontalAdvance(NUMBER) + 6
        room = max(20.0, self.width() - left - right)
        middle = Qt.AlignmentFlag.AlignVCenter
        for row, rank in enumerate(self.ranks):
            top, height = row * self._row_height(), self._row_height()
            is_chosen = rank.source == self.chosen
            painter.setPen(QColor(look.faint))
            painter.drawText(
                QRectF(0, top, metrics.horizontalAdvance("000"), height),
                middle | Qt.AlignmentFlag.AlignRight,
                str(rank.source),
            )
            painter.setPen(QColor(look.accent if is_chosen else look.text))
            name = QRectF(metrics.horizontalAdvance("0000"), top, left, height)
            painter.drawText(name, middle, shorten(rank.name, LABEL_LETTERS))
            shade = theme.sequential(look)[150]
            bar = QRectF(left, top + 3, max(1.0, room * rank.share), height - 6)
            painter.fillRect(bar, QColor(*map(int, shade)))
            painter.setPen(QColor(look.text))
            number = QRectF(self.width() - right, top, right, height)
            painter.drawText(number, middle | Qt.AlignmentFlag.AlignRight, f"{rank.share:.3f}")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the pointer."""
        row = self._row_at(event.position())
        if row != self._pointed:
            self._pointed = row
            self.hovered.emit("" if row is None else _words(self.ranks[row]))

    def leaveEvent(self, event: QEvent) -> None:
        """Point at nothing."""
        self._pointed = None
        self.hovered.emit("")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Select the source under the pointer."""
        row = self._row_at(event.position())
        if row is not None:
            self.picked.emit({"source": self.ranks[row].source})

    def _row_height(self) -> float:
        return QFontMetricsF(self.font()).height() + 3

    def _row_at(self, point: QPointF) -> int | None:
        row = int(point.y() / self._row_height())
        return row if 0 <= row < len(self.ranks) else None


def _words(rank: Rank) -> str:
    return f"‘{rank.name}’ ({rank.source}): {rank.share:.3f}"
