"""The numbers behind a picture as a table, which is read cell by cell and can be copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Slot
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button, line

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
QUEUED = Qt.ConnectionType.QueuedConnection
NO_TABLE = "Click a picture, or go to one with Tab: T then shows its numbers as a table."
SIZE = 720, 480  # pixels, times the zoom
WIDEST = 420  # pixels of a column at first, times the zoom


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """What a table says.

    Attributes:
        title: What it is of.
        rows: What the rows are called.
        columns: What the columns are called.
        cell: (row, column) → what stands there; "" where nothing is known.
    """

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    cell: Callable[[int, int], str]

    def as_text(self) -> str:
        """Return it with tabs between columns, as spreadsheets take it."""
        lines = [["", *self.columns]]
        for row, name in enumerate(self.rows):
            lines.append([name, *(self.cell(row, at) for at in range(len(self.columns)))])
        return "\n".join("\t".join(map(_in_one_line, line)) for line in lines) + "\n"


def of_numbers(
    title: str, rows: Sequence[str], columns: Sequence[str], values: NDArray[np.floating[Any]]
) -> NumberTable:
    """Return a table of numbers, with six digits.

    Args:
        title: What it is of.
        rows: What the rows are called.
        columns: What the columns are called.
        values: [row, column]; NaN where nothing is known.
    """

    def cell(row: int, column: int) -> str:
        value = float(values[row, column])
        return "" if np.isnan(value) else f"{value:.6g}"

    return NumberTable(title, rows, columns, cell)


def show_table_of(widget: QWidget | None, window: QWidget) -> str:
    """Show the table of the picture that a widget is, or is inside of.

    Args:
        widget: What has the keyboard.
        window: What the table belongs to.

    Returns:
        What to do to get one, if there is none.
    """
    while widget is not None and not hasattr(widget, "as_table"):
        widget = widget.parentWidget()
    table: NumberTable | None = getattr(widget, "as_table", lambda: None)()
    if table is None or not table.rows:
        return NO_TABLE
    TableDialog(table, window).show()
    return ""


def _in_one_line(text: str) -> str:
    return text.replace("\t", " ").replace("\n", " ")


class NumberModel(QAbstractTableModel):
    """A table as Qt's views read it: only the cells in view are ever made."""

    def __init__(self, table: NumberTable, parent: QWidget) -> None:
        super().__init__(parent)
        self.table = table

    def rowCount(self, parent: Index | None = None) -> int:
        """Return how many rows there are."""
        return 0 if parent is not None and parent.isValid() else len(self.table.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """Return how many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(self.table.columns)

    def data(self, index: Index, role: int = Role.DisplayRole) -> str | None:
        """Return what a cell says, and its name with it to who can't see where it stands."""
        row, column = index.row(), index.column()
        if role == Role.DisplayRole:
            return self.table.cell(row, column)
        if role == Role.AccessibleTextRole:
            name = f"{self.table.rows[row]}, {self.table.columns[column]}"
            return f"{name}: {self.table.cell(row, column) or 'not known'}"
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> str | None:
        """Return what a row or a column is called."""
        if role != Role.DisplayRole:
            return None
        is_column = orientation == Qt.Orientation.Horizontal
        return (self.table.columns if is_column else self.table.rows)[section]


class TableDialog(QDialog):
    """Shows a table until it is closed; Ctrl+C copies all of it."""

    def __init__(self, table: NumberTable, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(table.title)
        self.table = table
        self.view = _view(table, self)
        self.copy = button(PANE_ACTIONS["copy_table"])
        self.copy.clicked.connect(self._copy)
        self.size_line = line(self)
        self._count()
        below = QHBoxLayout()
        below.addWidget(self.size_line, 1)
        below.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.addWidget(self.view, 1)
        column.addLayout(below)
        self.resize(*map(theme.zoomed, SIZE))
        self.view.setCurrentIndex(self.view.model().index(0, 0))
        self.view.setFocus()

    def show_table(self, table: NumberTable) -> None:
        """Show another table with the same columns."""
        self.table, before = table, self.view.model()
        self.view.setModel(NumberModel(table, self.view))
        before.deleteLater()
        self.view.resizeRowsToContents()
        self._count()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy the whole table."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def _count(self) -> None:
        rows, columns = len(self.table.rows), len(self.table.columns)
        self.size_line.setText(f"{rows:,} × {columns:,}")

    @Slot()
    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.table.as_text())


def _view(table: NumberTable, parent: QWidget) -> QTableView:
    view = QTableView(parent)
    view.setModel(NumberModel(table, view))
    view.setAccessibleName(table.title)
    view.setToolTip("Arrow keys go from cell to cell, Ctrl+C copies all, Esc closes.")
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setTabKeyNavigation(False)
    view.setWordWrap(False)
    for part in (view, view.horizontalHeader(), view.verticalHeader()):
        part.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
    for corner in view.findChildren(QAbstractButton):
        corner.setAccessibleName("Select all cells")
        corner.setToolTip("Select all cells of the table.")
    header = view.horizontalHeader()
    if len(table.columns) > 1:
        header.setMaximumSectionSize(theme.zoomed(WIDEST))
    else:
        header.setStretchLastSection(True)  # and words take the lines they need
        view.setWordWrap(True)
        header.sectionResized.connect(view.resizeRowsToContents, QUEUED)  # once columns are as wide
    view.resizeColumnsToContents()
    view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 6)
    return view
