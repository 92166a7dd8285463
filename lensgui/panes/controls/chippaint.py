"""How a token's chip is painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from lensgui.panes import theme
from lensgui.panes.theme import Theme

if TYPE_CHECKING:
    from lensgui.panes.controls.chips import Chip

PADDING = 5.0
ROUNDING = 4.0
GAP = 9.0  # pixels, where the other prompt has tokens that this one lacks
GAP_WIDTH = 6.0
FAINTER = 170  # of 255: signs for spaces on a tint


@dataclass(frozen=True, slots=True)
class Standing:
    """What is so of a chip at the moment.

    Attributes:
        is_chosen: Whether it is selected.
        is_reached: Whether the keys are on it.
    """

    is_chosen: bool = False
    is_reached: bool = False


def paint(painter: QPainter, chip: Chip, place: QRectF, look: Theme, standing: Standing) -> None:
    """Draw a chip, and the mark of a gap beside it."""
    edge = look.changed if chip.is_marked else look.line
    if standing.is_chosen:
        edge = look.accent
    if standing.is_reached:
        edge = look.text
    emphatic = chip.is_marked or edge in (look.accent, look.text)
    painter.setPen(QPen(QColor(edge), 1.6 if emphatic else 1.0))
    painter.setBrush(QColor(look.window if chip.is_control else look.raised))
    if chip.tint is not None:
        painter.setBrush(tint(chip.tint, look))
    painter.drawRoundedRect(place, ROUNDING, ROUNDING)
    if chip.share > 0:
        _fill(painter, chip.share, place, look)
    if chip.is_pinned:
        _frame(painter, place.adjusted(1.7, 1.7, -1.7, -1.7), chip, look)
    _write(painter, chip, place, look)
    for is_there, left in (
        (chip.gap_before, place.left() - GAP),
        (chip.gap_after, place.right() + GAP - GAP_WIDTH),
    ):
        if is_there:
            _mark_gap(painter, QRectF(left, place.top(), GAP_WIDTH, place.height()), look)


def tint(share: float, look: Theme) -> QColor:
    """Return the colour of an amount, 0 to 1, behind a whole chip."""
    return QColor(*map(int, theme.sequential(look)[round(255 * min(1.0, max(0.0, share)))]))


def ink(chip: Chip, look: Theme) -> QColor:
    """Return the colour of a chip's letters."""
    if chip.tint is None:
        return QColor(look.changed if chip.is_marked else look.text)
    behind = tint(chip.tint, look)
    return theme.readable_on(behind.red(), behind.green(), behind.blue())


def _fill(painter: QPainter, share: float, place: QRectF, look: Theme) -> None:
    """Draw a bar behind the text."""
    fill = QColor(*map(int, theme.sequential(look)[110]))
    fill.setAlpha(110)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    bar = place.adjusted(1, 1, -1, -1)
    bar.setWidth(max(2.0, bar.width() * min(1.0, share)))
    painter.drawRoundedRect(bar, ROUNDING - 1, ROUNDING - 1)


def _frame(painter: QPainter, where: QRectF, chip: Chip, look: Theme) -> None:
    """Draw the dashed frame of what is pinned, as pictures have it."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(ink(chip, look) if chip.tint is not None else QColor(look.text), 1.2))
    pen = painter.pen()
    pen.setDashPattern([2.5, 2])
    painter.setPen(pen)
    painter.drawRoundedRect(where, ROUNDING - 1, ROUNDING - 1)


def _mark_gap(painter: QPainter, where: QRectF, look: Theme) -> None:
    """Draw the empty place of a token that only the other prompt has."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(QColor(look.changed), 1.2)
    pen.setDashPattern([1.5, 1.5])
    painter.setPen(pen)
    painter.drawRoundedRect(where.adjusted(0.6, 0.6, -0.6, -0.6), 2, 2)


def _write(painter: QPainter, chip: Chip, place: QRectF, look: Theme) -> None:
    metrics = QFontMetricsF(painter.font())
    base = QPointF(place.left() + PADDING, place.top() + 2 + metrics.ascent())
    strong = ink(chip, look)
    faint = QColor(look.faint)
    if chip.tint is not None:
        faint = QColor(strong)
        faint.setAlpha(FAINTER)
    for letters, is_faint in _runs(chip.text):
        painter.setPen(faint if is_faint or chip.is_control else strong)
        painter.drawText(base, letters)
        base += QPointF(metrics.horizontalAdvance(letters), 0)
    if chip.note:
        painter.setPen(faint)
        painter.drawText(base + QPointF(metrics.horizontalAdvance(" "), 0), chip.note)


def _runs(text: str) -> list[tuple[str, bool]]:
    """Return a token's leading signs for spaces, which are drawn faint, apart from the rest."""
    rest = text.lstrip("·⏎⇥")
    leading = text[: len(text) - len(rest)]
    return [(run, is_faint) for run, is_faint in ((leading, True), (rest, False)) if run]
