"""The table as Qt's views read it: a row for each head, and what colours its cells."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRectF,
    Qt,
)
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from lensgui.panes import theme
from lensgui.panes.heads.conditions import WORDS
from lensgui.panes.heads.head_rows import HeadRows, Order, heading, scale_of
from lensgui.panes.pictures import role_marks
from lensgui.panes.theme import NEUTRAL, Pictures, Theme
from lensgui.panes.token_text import plain_tip
from lensgui.terms.kinds import Head

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
READ = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
WRITTEN = READ | Qt.ItemFlag.ItemIsEditable
MARGIN = 4  # pixels between a cell's sides and what it says
SELECTED = "#ffffff"  # text over the highlight of every look
TINT = 0.6  # of a colour, over the surface: text is read on it


class HeadModel(QAbstractTableModel):
    """Heads in the order in which they were put last; numbers change where they stand.

    Attributes:
        rows: What is said of them.
        order: Their numbers, counted layer by layer.
        pins: Layer and head of those that are pinned.
        labelled: (head, words) that the user wrote.
    """

    labelled = QtSignal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows = HeadRows()
        self.order: Order = np.zeros(0, np.intp)
        self.pins: frozenset[Head] = frozenset()

    def show_rows(self, rows: HeadRows, order: Order, pins: frozenset[Head]) -> None:
        """Say something else; only another order, or other columns, move anything."""
        is_alike = rows.columns == self.rows.columns and rows.shape == self.rows.shape
        if is_alike and np.array_equal(order, self.order):
            self.rows, self.pins = rows, pins
            if len(order):
                last = self.index(len(order) - 1, len(rows.columns) - 1)
                self.dataChanged.emit(self.index(0, 0), last)
            return
        if is_alike and len(order) == len(self.order):
            self.layoutAboutToBeChanged.emit()
            self.rows, self.order, self.pins = rows, order, pins
            self.layoutChanged.emit()
            return
        self.beginResetModel()
        self.rows, self.order, self.pins = rows, order, pins
        self.endResetModel()

    def heads(self) -> list[Head]:
        """Return layer and head of each row."""
        return [self.rows.head(at) for at in self.order]

    def row_of(self, head: Head) -> int | None:
        """Return where a head stands; None if it does not."""
        layer, at = head
        found = np.flatnonzero(self.order == layer * self.rows.shape[1] + at)
        return int(found[0]) if len(found) and at < self.rows.shape[1] else None

    def rowCount(self, parent: Index | None = None) -> int:
        """Return how many heads fit."""
        return 0 if parent is not None and parent.isValid() else len(self.order)

    def columnCount(self, parent: Index | None = None) -> int:
        """Return how many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let rows be chosen, and labels be written."""
        return WRITTEN if self.rows.columns[index.column()] == "label" else READ

    def headerData(self, section: int, across: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """Return what a column is called and means, or a head's name."""
        if across == Qt.Orientation.Vertical:
            at = int(self.order[section])
            is_pinned = self.rows.head(at) in self.pins
            if role == Role.DisplayRole:
                return self.rows.name(at) + " •" * is_pinned
            if role == Role.ToolTipRole:
                return plain_tip(self.rows.of_head(at) + ", pinned" * is_pinned)
            return None
        column = self.rows.columns[section]
        if role == Role.DisplayRole:
            return heading(column)
        if role == Role.AccessibleTextRole:
            return column
        return plain_tip(self.rows.about(column)) if role == Role.ToolTipRole else None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Return what a cell says, means, and is coloured by."""
        at, column = int(self.order[index.row()]), self.rows.columns[index.column()]
        match role:
            case Role.DisplayRole:
                return self.rows.text(column, at)
            case Role.EditRole:
                return self.rows.word(column, at) if column in WORDS else None
            case Role.ToolTipRole:
                return plain_tip(self.rows.words(column, at))
            case Role.AccessibleTextRole:
                return self.rows.words(column, at)
            case Role.TextAlignmentRole if column not in WORDS:
                return RIGHT
        return None

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        """Tell what the user wrote of a head; the document decides."""
        if role != Role.EditRole:
            return False
        self.labelled.emit(self.rows.head(int(self.order[index.row()])), str(value).strip())
        return True


@lru_cache(maxsize=2048)
def tint(shade: int, is_signed: bool, colors: Theme, pictures: Pictures) -> tuple[QColor, QColor]:
    """Return the colour behind a number, and what is read on it.

    Args:
        shade: The index into the colour table, 0 to 255.
        is_signed: Whether numbers on either side of 0 mean opposite things.
        colors: The look.
        pictures: How pictures are drawn, on which the table depends.
    """
    table = theme.diverging(colors) if is_signed else theme.sequential(colors)
    plain = QColor(colors.surface)
    surface = (plain.red(), plain.green(), plain.blue())
    pairs = zip(table[shade][:3], surface, strict=True)
    mixed = [round(TINT * int(strong) + (1 - TINT) * by) for strong, by in pairs]
    return QColor(*mixed), theme.readable_on(*mixed)


class Cells(QStyledItemDelegate):
    """Paints cells in the colours of their scores; a table is painted anew while numbers arrive."""

    def __init__(self, model: HeadModel, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint a cell: its colour, its number or its words, and a frame if keys move from it."""
        shown: Any = option  # whose fields the stubs do not know
        rows, colors, where = self._model.rows, theme.of(shown.palette), shown.rect
        at, column = int(self._model.order[index.row()]), rows.columns[index.column()]
        behind, ink = self._colors_of(column, at, colors)
        if shown.state & QStyle.StateFlag.State_Selected:
            behind, ink = QColor(colors.highlight), QColor(SELECTED)
        if behind is not None:
            painter.fillRect(where, behind)
        painter.setFont(shown.font)
        painter.setPen(ink)
        room, text = where.adjusted(MARGIN, 0, -MARGIN, 0), rows.text(column, at)
        if column in WORDS:
            part = rows.roles.get(rows.head(at)) if column == "role" else None
            if part is not None:
                side = shown.fontMetrics.height()
                top = room.top() + (room.height() - side) / 2 + 1
                role_marks.paint(
                    painter, QRectF(room.left(), top, side - 2, side - 2), part, colors
                )
                room.setLeft(room.left() + side + MARGIN)
            elide = Qt.TextElideMode.ElideRight
            text = shown.fontMetrics.elidedText(text, elide, room.width())
            painter.drawText(room, LEFT, text)
        else:
            painter.drawText(room, RIGHT, text)
        if shown.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(colors.accent))
            painter.drawRect(where.adjusted(0, 0, -1, -1))

    def _colors_of(self, column: str, at: int, colors: Theme) -> tuple[QColor | None, QColor]:
        """Return what is behind a cell, if anything, and what is written with."""
        rows = self._model.rows
        share = None if column in rows.stale else rows.share(column, at)
        if share is None:
            is_faint = column not in WORDS
            return None, QColor(colors.faint if is_faint else colors.text)
        is_signed = scale_of(rows.rankings[column])[1]
        shade = round(share * 127 + NEUTRAL) if is_signed else round(share * 255)
        return tint(min(255, max(0, shade)), is_signed, colors, theme.pictures())
