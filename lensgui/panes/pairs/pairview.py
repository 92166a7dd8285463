"""The view of a table of prompt pairs: rows are chosen, ticked, and opened by a click."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QRect, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from lensgui.panes import theme
from lensgui.panes.pairs.pair_model import CHECK, CLEAN, MARK, PairModel

WIDTHS = (22, 90, 78, 48, 62, 52, 52, 18)  # pixels; the clean prompt takes what is left too


class PairView(QTableView):
    """A table whose rows can be chosen with mouse and keyboard.

    Attributes:
        chosen: (index,) of a row to make the present pair.
        empty: What it says while there are no rows.
    """

    chosen = Signal(QModelIndex)

    def __init__(self, model: PairModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.empty = ""
        self.setModel(model)
        self.setAccessibleName("Prompt pairs")
        self.setToolTip("Click a pair to look at it alone.")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
        self.horizontalHeader().setFont(theme.text_font(theme.SMALL_POINTS))
        self.horizontalHeader().setHighlightSections(False)
        self.verticalHeader().setFont(theme.text_font(theme.SMALL_POINTS))
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        for column, width in enumerate(WIDTHS):
            self.setColumnWidth(column, width)
        head = self.horizontalHeader()
        head.setMinimumSectionSize(20)
        for column in (CHECK, MARK):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        self.clicked.connect(self._tell)

    def chosen_rows(self) -> frozenset[int]:
        """Return the rows that are chosen."""
        return frozenset(index.row() for index in self.selectionModel().selectedRows())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the row on Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.chosen.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the clean prompt what the other columns leave."""
        super().resizeEvent(event)
        others = sum(self.columnWidth(at) for at in range(len(WIDTHS)) if at != CLEAN)
        self.setColumnWidth(CLEAN, max(WIDTHS[CLEAN], self.viewport().width() - others))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say what to do while there are no rows."""
        super().paintEvent(event)
        if self.empty and not self.model().rowCount():
            with QPainter(self.viewport()) as painter:
                painter.setPen(theme.of(self.palette()).faint)
                room: QRect = self.viewport().rect().adjusted(24, 16, -24, -16)
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(room, flags, self.empty)

    @Slot(QModelIndex)
    def _tell(self, index: QModelIndex) -> None:
        if index.column() != CHECK and len(self.chosen_rows()) <= 1:
            self.chosen.emit(index)
