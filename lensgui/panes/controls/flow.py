"""A row of controls that breaks into more lines where there is too little width."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

Line = list[tuple[QLayoutItem, int]]  # items and their widths


class Flow(QLayout):
    """Lays widgets out in lines, as text; those that expand share what is left of their line."""

    def __init__(self, parent: QWidget | None = None, *, spacing: int = 4) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(spacing)

    def addItem(self, item: QLayoutItem) -> None:
        """Add a part at the end."""
        self._items.append(item)

    def count(self) -> int:
        """Return how many parts there are."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Return a part; None beyond the last."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Remove a part and return it; None beyond the last."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Want width, but no height."""
        return Qt.Orientation.Horizontal

    def hasHeightForWidth(self) -> bool:
        """Return that a narrow row is taller."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all lines."""
        heights = [_height(line) for line in self._lines(width)]
        return sum(heights) + self.spacing() * max(0, len(heights) - 1)

    def sizeHint(self) -> QSize:
        """Return the size of a single line."""
        seen = self._seen()
        widths = [item.sizeHint().width() for item in seen]
        height = max((item.sizeHint().height() for item in seen), default=0)
        return QSize(sum(widths) + self.spacing() * max(0, len(widths) - 1), height)

    def minimumSize(self) -> QSize:
        """Return the size of the widest part."""
        widths = [item.minimumSize().width() for item in self._seen()]
        return QSize(max(widths, default=0), self.sizeHint().height())

    def setGeometry(self, place: QRect) -> None:
        """Put every part in its line, in the middle of the line's height."""
        super().setGeometry(place)
        top = place.top()
        for line in self._lines(place.width()):
            left, height = place.left(), _height(line)
            rest = place.width() - _width(line, self.spacing())
            growing = sum(_expands(item) for item, _ in line)
            for item, width in line:
                if _expands(item):
                    width += rest // growing
                own = min(height, item.sizeHint().height())
                item.setGeometry(QRect(QPoint(left, top + (height - own) // 2), QSize(width, own)))
                left += width + self.spacing()
            top += height + self.spacing()

    def _seen(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _lines(self, width: int) -> list[Line]:
        lines: list[Line] = []
        for item in self._seen():
            own = max(item.minimumSize().width(), min(width, item.sizeHint().width()))
            if lines and _width([*lines[-1], (item, own)], self.spacing()) <= width:
                lines[-1].append((item, own))
            else:
                lines.append([(item, own)])
        return lines


def _expands(item: QLayoutItem) -> bool:
    return bool(item.expandingDirections() & Qt.Orientation.Horizontal)


def _width(line: Line, spacing: int) -> int:
    return sum(width for _, width in line) + spacing * (len(line) - 1)


def _height(line: Line) -> int:
    return max(item.sizeHint().height() for item, _ in line)
