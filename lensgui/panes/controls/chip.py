"""One token as a chip: what it says, and how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from lensgui.panes import theme
from lensgui.panes.theme import Theme
from lensgui.panes.token_text import SPACES

PADDING = 5.0
ROUNDING = 4.0
GAP = 9.0  # pixels, where the other prompt has tokens that this one lacks
GAP_WIDTH = 6.0
FAINTER = 170  # of 255: signs for spaces on a tint


@dataclass(frozen=True, slots=True)
class Chip:
    """One token as it is drawn.

    Attributes:
        text: What it says.
        hover: What is said of it under the pointer.
        detail: Said after it in a fainter colour, such as a probability.
        is_marked: Whether it differs from the other prompt's.
        is_control: Whether it is a control token, which nobody typed.
        share: How much of the chip is filled, 0 to 1, as a bar behind its text.
        tint: The amount, 0 to 1, whose colour all of it has; None for no such colour.
        is_pinned: Whether it has the frame of what is pinned.
        gap_before: Whether the other prompt has tokens before it that this one lacks.
        gap_after: Whether it has some after it, at the end.
        token: The id of the token of the vocabulary that it stands for; None if it stands for
            another thing.
    """

    text: str
    hover: str = ""
    detail: str = ""
    is_marked: bool = False
    is_control: bool = False
    share: float = 0.0
    tint: float | None = None
    is_pinned: bool = False
    gap_before: bool = False
    gap_after: bool = False
    token: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Chip state.

    Attributes:
        is_chosen: Whether it is selected.
        is_reached: Whether the keys are on it.
    """

    is_chosen: bool = False
    is_reached: bool = False


def paint(painter: QPainter, chip: Chip, place: QRectF, colors: Theme, standing: Standing) -> None:
    """Draw a chip, and the mark of a gap beside it."""
    edge = colors.changed if chip.is_marked else colors.line
    if standing.is_chosen:
        edge = colors.accent
    if standing.is_reached:
        edge = colors.text
    emphatic = chip.is_marked or standing.is_chosen
    width = 2.6 if standing.is_reached else 1.6 if emphatic else 1.0
    painter.setPen(QPen(QColor(edge), width))
    painter.setBrush(QColor(colors.window if chip.is_control else colors.raised))
    if chip.tint is not None:
        painter.setBrush(tint(chip.tint, colors))
    painter.drawRoundedRect(place, ROUNDING, ROUNDING)
    if chip.share > 0:
        _fill(painter, chip.share, place, colors)
    if chip.is_pinned:
        _frame(painter, place.adjusted(1.7, 1.7, -1.7, -1.7), chip, colors)
    _write(painter, chip, place, colors)
    for is_there, left in (
        (chip.gap_before, place.left() - GAP),
        (chip.gap_after, place.right() + GAP - GAP_WIDTH),
    ):
        if is_there:
            _mark_gap(painter, QRectF(left, place.top(), GAP_WIDTH, place.height()), colors)


def tint(share: float, colors: Theme) -> QColor:
    """Return the colour of an amount, 0 to 1, behind a whole chip."""
    return QColor(*map(int, theme.sequential(colors)[round(255 * min(1.0, max(0.0, share)))]))


def ink(chip: Chip, colors: Theme) -> QColor:
    """Return the colour of a chip's letters."""
    if chip.tint is None:
        return QColor(colors.changed if chip.is_marked else colors.text)
    behind = tint(chip.tint, colors)
    return theme.readable_on(behind.red(), behind.green(), behind.blue())


def _fill(painter: QPainter, share: float, place: QRectF, colors: Theme) -> None:
    """Draw a bar behind the text."""
    fill = QColor(*map(int, theme.sequential(colors)[110]))
    fill.setAlpha(110)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    bar = place.adjusted(1, 1, -1, -1)
    bar.setWidth(max(2.0, bar.width() * min(1.0, share)))
    painter.drawRoundedRect(bar, ROUNDING - 1, ROUNDING - 1)


def _frame(painter: QPainter, where: QRectF, chip: Chip, colors: Theme) -> None:
    """Draw the dashed frame of what is pinned, as pictures have it."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(ink(chip, colors) if chip.tint is not None else QColor(colors.text), 1.2))
    pen = painter.pen()
    pen.setDashPattern([2.5, 2])
    painter.setPen(pen)
    painter.drawRoundedRect(where, ROUNDING - 1, ROUNDING - 1)


def _mark_gap(painter: QPainter, where: QRectF, colors: Theme) -> None:
    """Draw the empty place of a token that only the other prompt has."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(QColor(colors.changed), 1.2)
    pen.setDashPattern([1.5, 1.5])
    painter.setPen(pen)
    painter.drawRoundedRect(where.adjusted(0.6, 0.6, -0.6, -0.6), 2, 2)


def _write(painter: QPainter, chip: Chip, place: QRectF, colors: Theme) -> None:
    metrics = QFontMetricsF(painter.font())
    wide = metrics.horizontalAdvance(chip.text + (f" {chip.detail}" if chip.detail else ""))
    down = (place.height() - metrics.height()) / 2 + metrics.ascent()
    base = QPointF(place.left() + (place.width() - wide) / 2, place.top() + down)
    strong = ink(chip, colors)
    faint = QColor(colors.faint)
    if chip.tint is not None:
        faint = QColor(strong)
        faint.setAlpha(FAINTER)
    for letters, is_faint in _runs(chip.text):
        painter.setPen(faint if is_faint or chip.is_control else strong)
        painter.drawText(base, letters)
        base += QPointF(metrics.horizontalAdvance(letters), 0)
    if chip.detail:
        painter.setPen(faint)
        painter.drawText(base + QPointF(metrics.horizontalAdvance(" "), 0), chip.detail)


def _runs(text: str) -> list[tuple[str, bool]]:
    """Return a token's leading signs for spaces, which are drawn faint, apart from the rest."""
    rest = text.lstrip(f"{SPACES}⏎⇥")
    leading = text[: len(text) - len(rest)]
    return [(run, is_faint) for run, is_faint in ((leading, True), (rest, False)) if run]
