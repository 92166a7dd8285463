"""One line of chips that scrolls sideways, and folds what two prompts have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Slot
from PySide6.QtGui import QPalette, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QToolButton, QWidget

from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chip import Chip
from lensgui.panes.controls.chips import ChipRow
from lensgui.panes.controls.controls import button, dress

LEAST_FOLD = 4  # tokens
AROUND = 1  # tokens that stay on each side of one that differs
ENDS = 2  # tokens that stay at both ends
BUTTON = 24  # pixels
TURN = 0.8  # of the line, that a click on a button scrolls by


def folds(chips: Sequence[Chip], kept: set[int]) -> Iterator[range]:
    """Yield the runs of chips to be drawn as one: long ones that are equal in both prompts.

    Args:
        chips: The chips; without one that is marked nothing is folded.
        kept: The indices of what is to be seen whatever it is.
    """
    marked = [at for at, chip in enumerate(chips) if chip.is_marked or _has_gap(chip)]
    if not marked:
        return
    ends = {*range(ENDS), *range(len(chips) - ENDS, len(chips))}
    near = {at + step for at in marked for step in range(-AROUND, AROUND + 1)}
    pinned = {at for at, chip in enumerate(chips) if chip.is_pinned}
    start = 0
    for at in sorted(ends | near | pinned | kept | {len(chips)}):
        if at - start >= LEAST_FOLD:
            yield range(start, at)
        start = max(start, at + 1)


def _has_gap(chip: Chip) -> bool:
    return chip.gap_before or chip.gap_after


class ChipStrip(QScrollArea):
    """Chips in one line; where there is too little room, what both prompts have is folded."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._opened: set[int] = set()  # chips of folds that the user has opened
        self.row = ChipRow(self, flow="all")
        dress(self.row, PANE_ACTIONS["token"])
        self.row.unfolded.connect(self._open)
        self.setWidget(self.row)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        for policy in (self.setHorizontalScrollBarPolicy, self.setVerticalScrollBarPolicy):
            policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setBackgroundRole(QPalette.ColorRole.Window)
        self._before = self._turner(Qt.ArrowType.LeftArrow, "Earlier tokens", self._turn_back)
        self._after = self._turner(Qt.ArrowType.RightArrow, "Later tokens", self._turn_on)
        bar = self.horizontalScrollBar()
        bar.rangeChanged.connect(self._show_turners)
        bar.valueChanged.connect(self._show_turners)

    def sizeHint(self) -> QSize:
        """Return one line."""
        return QSize(200, max(BUTTON, round(self.row.line_height()) + 2))

    def minimumSizeHint(self) -> QSize:
        """Return one line."""
        return QSize(60, self.sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        """Take the height that another font needs."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
            self._fold()

    def show_chips(self, chips: Sequence[Chip]) -> None:
        """Draw other chips, from the first on that differs."""
        before, was_first = self.row.chips, self._first_marked()
        if [chip.text for chip in chips] != [chip.text for chip in before]:
            self._opened.clear()
        self.row.show_chips(chips)
        self._fold()
        first = self._first_marked()
        if first is not None and first != was_first:
            self._bring(first)

    def show_chosen(self, index: int | None) -> None:
        """Outline one chip and bring it into view."""
        if index == self.row.chosen:
            return
        self.row.show_chosen(index)
        self._fold()
        if index is not None and index < len(self.row.chips):
            self._bring(index)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold more, or less."""
        super().resizeEvent(event)
        self._fold()
        height = self.viewport().height()
        self._before.setGeometry(0, 0, BUTTON, height)
        self._after.setGeometry(self.width() - BUTTON, 0, BUTTON, height)
        self._show_turners()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll sideways, if there is more to see."""
        bar = self.horizontalScrollBar()
        if bar.maximum():
            turned = event.angleDelta()
            bar.setValue(bar.value() - (turned.x() or turned.y()) // 2)
            event.accept()
        else:
            event.ignore()

    def _first_marked(self) -> int | None:
        return next((at for at, chip in enumerate(self.row.chips) if chip.is_marked), None)

    def _fold(self) -> None:
        """Fold what is equal, if there is too little room for all."""
        self.row.show_folds(())
        if self.row.full_width() > self.viewport().width():
            self.row.show_folds(folds(self.row.chips, self._kept))
        self.row.resize(self.row.sizeHint())  # now, so that what is asked of it next is right

    @property
    def _kept(self) -> set[int]:
        """What is to be seen whatever it is."""
        return self._opened | ({self.row.chosen} if self.row.chosen is not None else set())

    def _bring(self, index: int) -> None:
        """Scroll to a chip."""
        middle = self.row.place_of(index).center().toPoint()
        self.ensureVisible(middle.x(), middle.y(), 60, 0)

    def _turner(self, arrow: Qt.ArrowType, name: str, turn: Callable[[], None]) -> QToolButton:
        tip = f"{name}: scroll the line."
        result = button(PANE_ACTIONS["turn_line"], self, title=name, tip=tip)
        result.setArrowType(arrow)
        result.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # arrow keys in the line do the same
        result.setAutoFillBackground(True)
        result.clicked.connect(turn)
        result.hide()
        return result

    @Slot()
    def _turn_back(self) -> None:
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - round(TURN * self.viewport().width()))

    @Slot()
    def _turn_on(self) -> None:
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() + round(TURN * self.viewport().width()))

    @Slot()
    def _show_turners(self) -> None:
        bar = self.horizontalScrollBar()
        self._before.setVisible(bar.value() > bar.minimum())
        self._after.setVisible(bar.value() < bar.maximum())

    @Slot(int)
    def _open(self, start: int) -> None:
        """Show the chips of a fold."""
        for fold in list(folds(self.row.chips, self._kept)):
            if start in fold:
                self._opened |= set(fold)
        self._fold()
