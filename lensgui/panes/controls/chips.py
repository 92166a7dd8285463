"""Tokens as chips in a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lensgui.panes import theme
from lensgui.panes.controls.chip import GAP, PADDING, Chip, Standing, paint
from lensgui.panes.controls.controls import announce
from lensgui.panes.style import TARGET
from lensgui.panes.token_text import plain_tip

SPACING = 3.0
Flow = Literal["wraps", "all", "fits"]  # on in the next line, as wide as all, those that fit
ANY_WIDTH = 1 << 20
MOST_ADVANCES = 4096
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


def _folded(fold: range) -> Chip:
    """Return the chip that stands for a run of others."""
    words = f"{len(fold)} tokens that both prompts have; click to see them"
    return Chip(f"… {len(fold)} equal …", words, is_control=True)


class ChipRow(QWidget):
    """Chips from left to right; arrow keys point, Enter clicks.

    Attributes:
        clicked: (index,) of the chip that was clicked.
        picked: (fields,) the cursor's token, of a chip that stands for one of the vocabulary.
        unfolded: (index,) of the first chip of a fold that was clicked.
        hovered: (words,) of the chip that is pointed at.
        menu_requested: (index, where) what can be done with a chip is wanted, at a place of the
            screen.
        is_stale: Whether the chips answer an older question.
    """

    clicked = Signal(int)
    picked = Signal(object)
    unfolded = Signal(int)
    hovered = Signal(str)
    menu_requested = Signal(int, QPoint)

    def __init__(
        self,
        parent: QWidget | None = None,
        *,
        flow: Flow = "wraps",
        takes_focus: bool = True,
        letters: int = 0,
    ) -> None:
        """Make an empty row.

        Args:
            parent: Where it is.
            flow: What becomes of chips that have no room.
            takes_focus: Whether the keys reach it.
            letters: How many letters there is always room for; 0 for as many as there are.
        """
        super().__init__(parent)
        self._letters = letters
        self._flow, self._takes_focus = flow, takes_focus
        self._folds: dict[int, range] = {}  # by each of their chips
        self.chips: tuple[Chip, ...] = ()
        self.chosen: int | None = None
        self.empty = ""
        self.is_stale = False
        self._places: list[QRectF] = []
        self._laid_out_for = -1
        self._advances: dict[str, float] = {}
        self._pointed: int | None = None
        self.setMouseTracking(True)
        self.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        is_fixed = flow == "all" or letters > 0
        across = QSizePolicy.Policy.Fixed if is_fixed else QSizePolicy.Policy.Ignored
        down = QSizePolicy.Policy.Preferred if flow == "wraps" else QSizePolicy.Policy.Fixed
        policy = QSizePolicy(across, down)
        policy.setHeightForWidth(flow == "wraps")
        self.setSizePolicy(policy)

    def show_chips(self, chips: Sequence[Chip]) -> None:
        """Draw other chips."""
        if tuple(chips) != self.chips:
            self.chips = tuple(chips)
            self._laid_out_for = -1
            self._pointed = None
            self._folds = {}
            is_read = self._takes_focus and bool(self.chips)
            policy = Qt.FocusPolicy.TabFocus if is_read else Qt.FocusPolicy.NoFocus
            self.setFocusPolicy(policy)
            self._describe()
            self.updateGeometry()
            self.update()

    def show_stale(self, is_stale: bool) -> None:
        """Dim the chips if they answer an older question."""
        if is_stale != self.is_stale:
            self.is_stale = is_stale
            self.update()

    def show_folds(self, folds: Iterable[range]) -> None:
        """Draw runs of chips as one each, which says how many they are."""
        by_chip = {index: fold for fold in folds for index in fold}
        if by_chip != self._folds:
            self._folds = by_chip
            self._laid_out_for = -1
            self.updateGeometry()
            self.update()

    def show_chosen(self, index: int | None) -> None:
        """Outline one chip."""
        if index != self.chosen:
            self.chosen = index
            self.update()

    def sizeHint(self) -> QSize:
        """Return the height at this width, or where nothing wraps the width of all chips."""
        if self._flow == "wraps":
            return QSize(200, self.heightForWidth(max(self.width(), 100)))
        if self._letters:
            wide = QFontMetricsF(self.font()).horizontalAdvance("M" * self._letters)
            return QSize(round(wide + 2 * PADDING) + 4, round(self.line_height()))
        return QSize(round(self.full_width()), round(self.line_height()))

    def minimumSizeHint(self) -> QSize:
        """Return one line's height."""
        is_fixed = self._flow == "all" or self._letters > 0
        wide = self.sizeHint().width() if is_fixed else 60
        return QSize(wide, round(self.line_height()))

    def heightForWidth(self, width: int) -> int:
        """Return how tall the chips are when they wrap at a width."""
        places = self._lay_out(width if self._flow == "wraps" else ANY_WIDTH)
        return round(places[-1].bottom() + 1) if places else round(self.line_height())

    def line_height(self) -> float:
        """Return the height of one line of chips."""
        return max(float(TARGET), QFontMetricsF(self.font()).height() + 6)

    def full_width(self) -> float:
        """Return how wide one line of all chips is, folded as they are."""
        places = self._lay_out(ANY_WIDTH)
        return places[-1].right() + 1 if places else 0.0

    def place_of(self, index: int) -> QRectF:
        """Return where a chip, or the fold it is in, is in the widget's pixels."""
        return self._lay_out(self.width())[index]

    def chip_at(self, point: QPointF) -> int | None:
        """Return the chip under a point of the widget."""
        for index, place in enumerate(self._lay_out(self.width())):
            if place.adjusted(0, -1, 0, 1).contains(point):  # a target as high as its line
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
        painter.setOpacity(theme.STALE_OPACITY if self.is_stale else 1.0)
        visible = QRectF(event.rect())
        for index, place in enumerate(self._lay_out(self.width())):
            fold = self._folds.get(index, range(index, index + 1))
            if place.intersects(visible) and index == fold.start:
                is_reached = self.hasFocus() and index == self._beginning
                standing = Standing(index == self.chosen, is_reached)
                chip = _folded(fold) if index in self._folds else self.chips[index]
                paint(painter, chip, place, colors, standing)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what the chip under the pointer is."""
        index = self.chip_at(event.position())
        if index != self._pointed:
            self._point(index)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of the chip under the pointer, or of the one that keys are on."""
        is_pointed = event.reason() == QContextMenuEvent.Reason.Mouse
        index = self.chip_at(event.pos().toPointF()) if is_pointed else self._beginning
        if index is None or index >= len(self.chips) or index in self._folds:
            event.ignore()
        else:
            self.menu_requested.emit(index, event.globalPos())

    def leaveEvent(self, event: QEvent) -> None:
        """Clear the hover."""
        self._pointed = None
        self.hovered.emit("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Point at the next chip, or choose the one that is pointed at."""
        step = STEPS.get(Qt.Key(event.key()))
        before = self._beginning
        if step is not None and self.chips:
            fold = self._folds.get(before, range(before, before + 1))
            index = fold.stop if step > 0 else fold.start - 1
            index = max(0, min(len(self._lay_out(self.width())) - 1, index))
            self._point(index)
            self._describe()
            announce(self, self.accessibleDescription())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if before < len(self.chips):
                self._choose(before)
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Place the chips anew for another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._advances = {}
            self._laid_out_for = -1
            self.updateGeometry()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the arrow keys begin."""
        super().focusInEvent(event)
        self._describe()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Clear the hover."""
        super().focusOutEvent(event)
        self._pointed = None
        self._describe()
        self.update()

    def event(self, event: QEvent) -> bool:
        """Say what the chip under the pointer is, or what the row is for."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.chip_at(QPointF(event.pos()))
            words = self._words(index)
            QToolTip.showText(event.globalPos(), plain_tip(words) or self.toolTip(), self)
            return True
        return super().event(event)

    @property
    def _beginning(self) -> int:
        """Where the arrow keys begin."""
        return (self.chosen or 0) if self._pointed is None else self._pointed

    def _point(self, index: int | None) -> None:
        """Say what a chip is, below it."""
        self._pointed = index
        words = self._words(index)
        self.hovered.emit(words)
        place = QRectF() if index is None else self.place_of(index)
        QToolTip.showText(self.mapToGlobal(place.bottomLeft().toPoint()), plain_tip(words), self)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the chip under the pointer."""
        index = self.chip_at(event.position())
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(index)

    def _choose(self, index: int) -> None:
        """Tell which chip was clicked, or which fold."""
        if index in self._folds:
            self.unfolded.emit(self._folds[index].start)
        else:
            self.clicked.emit(index)
            if self.chips[index].token is not None:
                self.picked.emit({"token": self.chips[index].token})

    def _describe(self) -> None:
        """Say the chip that keys are on; while they are elsewhere, all chips."""
        if self.hasFocus() and self._beginning < len(self.chips):
            words = self._words(self._beginning) or self.chips[self._beginning].text
        else:
            words = " ".join(chip.text for chip in self.chips[:50])
        self.setAccessibleDescription(words)

    def _words(self, index: int | None) -> str:
        if index is None:
            return ""
        return (
            _folded(self._folds[index]).hover if index in self._folds else self.chips[index].hover
        )

    def _lay_out(self, width: int) -> list[QRectF]:
        """Return where each chip that fits is; those of a fold share a place."""
        width = ANY_WIDTH if self._flow == "all" else width
        if width == self._laid_out_for:
            return self._places
        height = self.line_height() - 2
        places: list[QRectF] = []
        left, top = 0.5, 1.0
        while len(places) < len(self.chips):
            index = len(places)
            fold = self._folds.get(index, range(index, index + 1))
            chip = _folded(fold) if index in self._folds else self.chips[index]
            text = chip.text + (" " + chip.detail if chip.detail else "")
            wide = max(float(TARGET), self._advance(text) + 2 * PADDING)
            before, after = (GAP * is_there for is_there in (chip.gap_before, chip.gap_after))
            if left > 1 and left + before + wide + after > width:
                if self._flow == "fits":
                    break
                left, top = 0.5, top + height + SPACING
            places += [QRectF(left + before, top, wide, height)] * (fold.stop - index)
            left += before + wide + after + SPACING
        self._places, self._laid_out_for = places, width
        return places

    def _advance(self, text: str) -> float:
        """Return how wide a text is; of a prompt that is typed most are known."""
        if text not in self._advances:
            if len(self._advances) > MOST_ADVANCES:
                self._advances.clear()
            self._advances[text] = QFontMetricsF(self.font()).horizontalAdvance(text)
        return self._advances[text]
