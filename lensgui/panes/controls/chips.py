"""Tokens as chips in a row that wraps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lensgui.panes import theme
from lensgui.panes.theme import Theme
from lensgui.panes.token_text import plain_tip

PADDING = 5.0
ROUNDING = 4.0
GAP = 9.0  # pixels, where the other prompt has tokens that this one lacks
GAP_WIDTH = 6.0
FAINTER = 170  # of 255: signs for spaces on a tint
SPACING = 3.0
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


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
    emphatic = chip.is_marked or edge in (colors.accent, colors.text)
    painter.setPen(QPen(QColor(edge), 1.6 if emphatic else 1.0))
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
    base = QPointF(place.left() + PADDING, place.top() + 2 + metrics.ascent())
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
    rest = text.lstrip("·⏎⇥")
    leading = text[: len(text) - len(rest)]
    return [(run, is_faint) for run, is_faint in ((leading, True), (rest, False)) if run]


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


class ChipRow(QWidget):
    """Chips from left to right, and on in the next line; arrow keys point, Enter clicks.

    Attributes:
        clicked: (index,) of the chip that was clicked.
        hovered: (words,) of the chip that is pointed at.
    """

    clicked = Signal(int)
    hovered = Signal(str)

    def __init__(self, parent: QWidget | None = None, *, wraps: bool = True) -> None:
        super().__init__(parent)
        self._wraps = wraps
        self.chips: tuple[Chip, ...] = ()
        self.chosen: int | None = None
        self.empty = ""
        self._places: list[QRectF] = []
        self._laid_out_for = -1
        self._pointed: int | None = None
        self.setMouseTracking(True)
        self.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        across = QSizePolicy.Policy.Ignored if wraps else QSizePolicy.Policy.Fixed
        policy = QSizePolicy(across, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(wraps)
        self.setSizePolicy(policy)

    def show_chips(self, chips: Sequence[Chip]) -> None:
        """Draw other chips."""
        if tuple(chips) != self.chips:
            self.chips = tuple(chips)
            self._laid_out_for = -1
            self._pointed = None
            is_read = self._wraps and bool(self.chips)
            policy = Qt.FocusPolicy.TabFocus if is_read else Qt.FocusPolicy.NoFocus
            self.setFocusPolicy(policy)
            self.setAccessibleDescription(" ".join(chip.text for chip in self.chips[:50]))
            self.updateGeometry()
            self.update()

    def show_chosen(self, index: int | None) -> None:
        """Outline one chip."""
        if index != self.chosen:
            self.chosen = index
            self.update()

    def sizeHint(self) -> QSize:
        """Return the height at this width, or where nothing wraps the width of all chips."""
        if self._wraps:
            return QSize(200, self.heightForWidth(max(self.width(), 100)))
        places = self._lay_out(1 << 20)
        return QSize(round(places[-1].right() + 1) if places else 0, round(self.line_height()))

    def minimumSizeHint(self) -> QSize:
        """Return one line's height."""
        return QSize(60 if self._wraps else self.sizeHint().width(), round(self.line_height()))

    def heightForWidth(self, width: int) -> int:
        """Return how tall the chips are when they wrap at a width."""
        places = self._lay_out(width)
        return round(places[-1].bottom() + 1) if places else round(self.line_height())

    def line_height(self) -> float:
        """Return the height of one line of chips."""
        return QFontMetricsF(self.font()).height() + 6

    def place_of(self, index: int) -> QRectF:
        """Return where a chip is, in the widget's pixels."""
        return self._lay_out(self.width())[index]

    def chip_at(self, point: QPointF) -> int | None:
        """Return the chip under a point of the widget."""
        for index, place in enumerate(self._lay_out(self.width())):
            if place.contains(point):
                return index
        return None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the chips that are in view."""
        colors = theme.of(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not self.chips:
            painter.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
            painter.setPen(QColor(colors.faint))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, self.empty)
            return
        visible = QRectF(event.rect())
        for index, place in enumerate(self._lay_out(self.width())):
            if place.intersects(visible):
                is_reached = self.hasFocus() and index == self._beginning
                standing = Standing(index == self.chosen, is_reached)
                paint(painter, self.chips[index], place, colors, standing)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what the chip under the pointer is."""
        index = self.chip_at(event.position())
        if index != self._pointed:
            self._point(index, event.globalPosition().toPoint())

    def leaveEvent(self, event: QEvent) -> None:
        """Clear the hover."""
        self._pointed = None
        self.hovered.emit("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Point at the next chip, or choose the one that is pointed at."""
        step = STEPS.get(Qt.Key(event.key()))
        before = self._beginning
        if step is not None and self.chips:
            index = max(0, min(len(self.chips) - 1, before + step))
            self._point(index, self.mapToGlobal(self.place_of(index).bottomLeft().toPoint()))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if before < len(self.chips):
                self.clicked.emit(before)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the arrow keys begin."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Clear the hover."""
        super().focusOutEvent(event)
        self._pointed = None
        self.update()

    def event(self, event: QEvent) -> bool:
        """Say what the chip under the pointer is, or what the row is for."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.chip_at(QPointF(event.pos()))
            words = self.chips[index].hover if index is not None else ""
            QToolTip.showText(event.globalPos(), plain_tip(words) or self.toolTip(), self)
            return True
        return super().event(event)

    @property
    def _beginning(self) -> int:
        """Where the arrow keys begin."""
        return (self.chosen or 0) if self._pointed is None else self._pointed

    def _point(self, index: int | None, where: QPoint) -> None:
        """Say what a chip is."""
        self._pointed = index
        words = self.chips[index].hover if index is not None else ""
        self.hovered.emit(words)
        QToolTip.showText(where, plain_tip(words), self)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the chip under the pointer."""
        index = self.chip_at(event.position())
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(index)

    def _lay_out(self, width: int) -> list[QRectF]:
        width = width if self._wraps else 1 << 20
        if width == self._laid_out_for:
            return self._places
        metrics = QFontMetricsF(self.font())
        height = metrics.height() + 4
        places, left, top = [], 0.5, 1.0
        for chip in self.chips:
            text = chip.text + (" " + chip.detail if chip.detail else "")
            wide = metrics.horizontalAdvance(text) + 2 * PADDING
            before, after = (GAP * is_there for is_there in (chip.gap_before, chip.gap_after))
            if left > 1 and left + before + wide + after > width:
                left, top = 0.5, top + height + SPACING
            places.append(QRectF(left + before, top, wide, height))
            left += before + wide + after + SPACING
        self._places, self._laid_out_for = places, width
        return places
