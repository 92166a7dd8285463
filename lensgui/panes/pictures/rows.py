"""Rows painted by hand, one below the other, that pointer and keys can choose."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QSizePolicy, QWidget

from lensgui.panes.controls.controls import announce
from lensgui.panes.pictures import picture
from lensgui.panes.pictures.number_table import NumberTable
from lensgui.panes.theme import Theme

STEPS = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
CHOOSING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


class Rows(QWidget):
    """A click on a row, or Enter on the one that the arrow keys reached, chooses it.

    Attributes:
        picked: (fields,) the Cursor fields of the row that was chosen.
        hovered: (words,) the row under the pointer, or the one that a key reached.
        reached: (middle,) where the row is that a key reached, in the widget's pixels.
        at: The row that keys are on; None while they are on none.
    """

    picked = Signal(object)
    hovered = Signal(str)
    reached = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.at: int | None = None
        self._pointed: int | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def count(self) -> int:
        """Return how many rows there are."""
        raise NotImplementedError

    def words(self, row: int) -> str:
        """Return what a row says, in a line."""
        raise NotImplementedError

    def fields(self, row: int) -> dict[str, int]:
        """Return the Cursor fields that a row stands for; {} if it can't be chosen."""
        raise NotImplementedError

    def chosen_row(self) -> int | None:
        """Return the row of what is selected, which keys start from."""
        raise NotImplementedError

    def as_table(self) -> NumberTable | None:
        """Return what each row says."""
        rows = [str(row + 1) for row in range(self.count())]
        title = self.accessibleName()
        return NumberTable(title, rows, [title], lambda row, column: self.words(row))

    def top(self) -> float:
        """Return how far down the first row begins."""
        return 0.0

    def row_height(self) -> float:
        """Return the height of a row."""
        return QFontMetricsF(self.font()).height() + 2

    @property
    def rises(self) -> bool:
        """Whether the first row is the lowest."""
        return False

    def place_of(self, row: int) -> QRectF:
        """Return where a row is, in the widget's pixels."""
        height = self.row_height()
        return QRectF(0, self.top() + self._seen(row) * height, self.width(), height)

    def row_at(self, point: QPointF) -> int | None:
        """Return the row under a point of the widget."""
        above = int((point.y() - self.top()) // self.row_height())
        return self._seen(above) if 0 <= above < self.count() else None

    def _seen(self, row: int) -> int:
        """Return how many rows are above a row; and which row has so many above it."""
        return self.count() - 1 - row if self.rises else row

    def take_rows(self) -> None:
        """Fit other rows: keys stay on theirs if there still is one."""
        if self.at is not None:
            self.at = min(self.at, self.count() - 1) if self.count() else None
        self._pointed = None
        self._describe()
        self.updateGeometry()
        self.update()

    def paint_focus(self, painter: QPainter, colors: Theme) -> None:
        """Frame the row that keys are on, while they go to this widget."""
        if self.at is not None and self.hasFocus():
            where = self.place_of(self.at).adjusted(1.5, 1, -1.5, -1)
            picture.outline(painter, where, colors.accent, colors.surface)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the pointer."""
        row = self.row_at(event.position())
        if row != self._pointed:
            self._pointed = row
            self.hovered.emit("" if row is None else self.words(row))

    def leaveEvent(self, event: QEvent) -> None:
        """Clear the hover."""
        self._pointed = None
        self.hovered.emit("")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the row under the pointer."""
        row = self.row_at(event.position())
        if row is not None and event.button() == Qt.MouseButton.LeftButton:
            self.at = row
            self._choose(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go to the row above or below, or choose the one that keys are on."""
        key, last = Qt.Key(event.key()), self.count() - 1
        if last < 0 or self.at is None:
            super().keyPressEvent(event)
        elif key in STEPS:
            self._go_to(self._seen(max(0, min(last, self._seen(self.at) + STEPS[key]))))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._go_to(self._seen(0 if key == Qt.Key.Key_Home else last))
        elif key in CHOOSING:
            self._choose(self.at)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Begin at what is selected, else at the first row."""
        super().focusInEvent(event)
        if self.at is None and self.count():
            self.at = self.chosen_row() or 0
        self._describe()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the frame away."""
        super().focusOutEvent(event)
        self._describe()
        self.update()

    def _go_to(self, row: int) -> None:
        self.at = row
        self._describe()
        announce(self, self.accessibleDescription())
        self.hovered.emit(self.words(row))
        self.reached.emit(self.place_of(row).center().toPoint())
        self.update()

    def _choose(self, row: int) -> None:
        fields = self.fields(row)
        if fields:
            self.picked.emit(fields)
        self.update()

    def _describe(self) -> None:
        """Say the row that keys are on; while they are elsewhere, all rows."""
        rows = range(self.count())
        if self.at is not None and self.hasFocus():
            rows = range(self.at, self.at + 1)
        self.setAccessibleDescription("; ".join(map(self.words, rows)))
