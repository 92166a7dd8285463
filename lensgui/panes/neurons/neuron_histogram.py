"""How often a neuron is how far on, as bars."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from lensgui.panes import theme
from lensgui.panes.pictures.number_table import NumberTable, of_numbers
from lensgui.panes.pictures.painted import Painted
from lensgui.panes.theme import NEUTRAL, Theme
from lensgui.panes.token_text import plain_tip

LINES = 5  # of text, as high as it is
TIP = (
    "How many tokens have an activation in each range, on a logarithmic scale. Every other range "
    "is twice as far from 0."
)


class NeuronHistogram(Painted):
    """A bar for each range of activations between the least and the largest that occur."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts: NDArray[np.int64] = np.zeros(0, np.int64)
        self.names: list[str] = []
        self._middles: list[float] = []
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Histogram of the neuron's activations")
        self.setToolTip(plain_tip(TIP))

    def sizeHint(self) -> QSize:
        """Return a height of a few lines, whatever is drawn."""
        return QSize(200, round(QFontMetricsF(self.font()).height() * LINES))

    def show_counts(
        self, counts: Sequence[int] | NDArray[np.int32], edges: Sequence[float]
    ) -> None:
        """Draw other counts.

        Args:
            counts: How many activations are in each bin; () for none.
            edges: Where one bin ends and the next begins.
        """
        whole = np.asarray(counts, np.int64)
        used = np.flatnonzero(whole)
        some = range(int(used[0]), int(used[-1]) + 1) if used.size else range(0)
        self.counts = whole[some.start : some.stop]
        self.names = [bin_name(at, edges) for at in some]
        self._middles = [_middle(at, edges) for at in some]
        self.is_stale = False
        said = f"{int(whole.sum()):,} activations"
        ends = f", from {self.names[0]} to {self.names[-1]}" if self.names else ""
        self.setAccessibleDescription(said + ends)
        self.update()

    def as_table(self) -> NumberTable | None:
        """Return the counts."""
        values = self.counts[:, None].astype(float)
        return of_numbers("tokens by activation", self.names, ["tokens"], values)

    def hit_test(self, point: QPointF) -> tuple[int | None, str]:
        """Return the bar above or below a point, and its count."""
        at = int(point.x() / self.width() * len(self.counts)) if self.width() else -1
        if not 0 <= at < len(self.counts):
            return None, ""
        return at, f"activation {self.names[at]}: {int(self.counts[at]):,} tokens"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars, and what the first, the last and that around 0 stand for."""
        colors = theme.of(self.palette())
        with QPainter(self) as painter:
            if not len(self.counts):
                self.say_empty(painter, colors)
                return
            painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
            self._paint_bars(painter, colors)

    def _paint_bars(self, painter: QPainter, colors: Theme) -> None:
        line = QFontMetricsF(self.font()).height()
        high, wide = self.height() - line - 2, self.width() / len(self.counts)
        shares = np.log1p(self.counts) / np.log1p(self.counts.max())
        table = theme.diverging(colors)
        reach = max(map(abs, self._middles)) or 1.0
        for at, share in enumerate(shares.tolist()):
            strength = np.sign(self._middles[at]) * (abs(self._middles[at]) / reach) ** 0.3
            shade = table[round(NEUTRAL + 127 * float(strength))]
            bar = QRectF(at * wide + 0.5, high * (1 - share), max(1.0, wide - 1), high * share)
            painter.fillRect(bar, QColor(*map(int, shade)))
            painter.setPen(QColor(colors.outline))
            painter.drawRect(bar)
        painter.setPen(QColor(colors.faint))
        below = QRectF(0, high + 1, self.width(), line)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, self.names[0])
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, self.names[-1])
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, "tokens by activation, log scale")


def bin_name(at: int, edges: Sequence[float]) -> str:
    """Return the range of a bin."""
    if at == 0:
        return f"< {edges[0]:.3g}"
    if at == len(edges):
        return f"≥ {edges[-1]:.3g}"
    return f"{edges[at - 1]:.3g} … {edges[at]:.3g}"


def _middle(at: int, edges: Sequence[float]) -> float:
    if at in (0, len(edges)):
        return edges[0] if at == 0 else edges[-1]
    return (edges[at - 1] + edges[at]) / 2
