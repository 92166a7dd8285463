"""Where a head looks, as bars: the sources that get most of its attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from lensgui.panes import theme
from lensgui.panes.pictures.rows import Rows
from lensgui.panes.theme import Theme
from lensgui.panes.token_text import shorten

MOST = 6  # sources
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


class Ranking(Rows):
    """Bars, the longest first; choosing one selects its source."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ranks: tuple[Rank, ...] = ()
        self.chosen: int | None = None
        self.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        self.setAccessibleName("Sources by attention")
        self.setToolTip(
            "Where the selected head looks from the selected position: click a source, or go to it "
            "with ↑ and ↓ and press Enter, to select it."
        )

    def show_attention(self, names: Sequence[str], shares: Sequence[float]) -> None:
        """Draw the sources that get most."""
        ranks = [
            Rank(source, name, share)
            for source, (name, share) in enumerate(zip(names, shares, strict=False))
            if isfinite(share) and share > 0  # a causal model gives later tokens nothing at all
        ]
        self.ranks = tuple(sorted(ranks, key=lambda rank: -rank.share)[:MOST])
        self.take_rows()

    def show_chosen(self, source: int | None) -> None:
        """Mark the selected source."""
        self.chosen = source
        self.update()

    def count(self) -> int:
        """Return how many sources are ranked."""
        return len(self.ranks)

    def words(self, row: int) -> str:
        """Return a source and its attention."""
        rank = self.ranks[row]
        return f"‘{rank.name}’ ({rank.source}): {rank.share:.3f}"

    def fields(self, row: int) -> dict[str, int]:
        """Return the source."""
        return {"source": self.ranks[row].source}

    def chosen_row(self) -> int | None:
        """Return the selected source's row."""
        sources = [rank.source for rank in self.ranks]
        return sources.index(self.chosen) if self.chosen in sources else None

    def row_height(self) -> float:
        """Return room for a bar and some space around it."""
        return QFontMetricsF(self.font()).height() + 3

    def sizeHint(self) -> QSize:
        """Return the height of all bars."""
        return QSize(200, round(self.row_height() * max(1, len(self.ranks))) + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw token, position, bar and number of each source."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            for row, rank in enumerate(self.ranks):
                self._paint_rank(painter, rank, self.place_of(row), colors)
            self.paint_focus(painter, colors)

    def _paint_rank(self, painter: QPainter, rank: Rank, place: QRectF, colors: Theme) -> None:
        metrics = QFontMetricsF(self.font())
        left = metrics.horizontalAdvance("m" * (LABEL_LETTERS + 4))
        right = metrics.horizontalAdvance(NUMBER) + 6
        room = max(20.0, self.width() - left - right)
        middle = Qt.AlignmentFlag.AlignVCenter
        top, height = place.top(), place.height()
        painter.setPen(QColor(colors.faint))
        painter.drawText(
            QRectF(0, top, metrics.horizontalAdvance("000"), height),
            middle | Qt.AlignmentFlag.AlignRight,
            str(rank.source),
        )
        painter.setPen(QColor(colors.accent if rank.source == self.chosen else colors.text))
        name = QRectF(metrics.horizontalAdvance("0000"), top, left, height)
        painter.drawText(name, middle, shorten(rank.name, LABEL_LETTERS))
        shade = theme.sequential(colors)[150]
        bar = QRectF(left, top + 3, max(1.0, room * min(1.0, rank.share)), height - 6)
        painter.fillRect(bar, QColor(*map(int, shade)))
        painter.setPen(QColor(colors.text))
        number = QRectF(self.width() - right, top, right - 3, height)
        painter.drawText(number, middle | Qt.AlignmentFlag.AlignRight, f"{rank.share:.3f}")
