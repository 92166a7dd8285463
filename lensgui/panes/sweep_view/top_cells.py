"""The cells of a sweep that move the metric most, as a table."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from lensgui.jobs.answers.arrays import CellState, Sweep
from lensgui.panes import theme
from lensgui.panes.sweep_view import cells, faces
from lensgui.panes.theme import Pictures
from lensgui.panes.token_text import plain_tip, precise

MOST = 20
HEAD = ("place", "share", "change")


class TopCells(QTableWidget):
    """Rows of cells, the strongest first.

    Attributes:
        picked: (fields,) the Cursor fields of the row that was chosen.
        values: The number of each row, as it is shown in the map.
    """

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(HEAD), parent)
        self._fields: list[dict[str, int]] = []
        self.values: list[float] = []
        self._drawn: tuple[Sweep | None, Pictures] = None, theme.pictures()
        self.setAccessibleName("Strongest cells")
        self.setToolTip("The cells that move the metric most; click one to select it.")
        self.setHorizontalHeaderLabels(HEAD)
        self.verticalHeader().hide()
        self.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        self.horizontalHeader().setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
        self._space_rows()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(62)
        for corner in self.findChildren(QAbstractButton):
            corner.setAccessibleName("Select all rows")
            corner.setToolTip("Select all rows of the table.")
        self.cellClicked.connect(self._pick)
        self.cellActivated.connect(self._pick)

    def changeEvent(self, event: QEvent) -> None:
        """Give rows the height that another font needs."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._space_rows()

    def _space_rows(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 4)

    def show_sweep(self, sweep: Sweep | None, group: int) -> None:
        """Fill the table anew.

        Args:
            sweep: The whole sweep; None for an empty table.
            group: How many heads share a key/value head.
        """
        drawn = sweep, theme.pictures()
        if drawn == self._drawn:
            return
        self._drawn = drawn
        indices = faces.strongest(sweep, MOST) if sweep is not None else []
        self._fields = []
        self.values = [float(sweep.shown[index]) for index in indices] if sweep is not None else []
        unit = sweep.unit if sweep is not None else HEAD[2]
        self.setHorizontalHeaderLabels((*HEAD[:2], unit))
        self.setRowCount(len(indices))
        for row, index in enumerate(indices):
            assert sweep is not None
            self._fields.append(cells.cursor_at(sweep, index, group))
            for column, text in enumerate(_texts(sweep, index)):
                item = QTableWidgetItem(text)
                item.setToolTip(plain_tip(f"{text}: {cells.cell_words(sweep, *index)}"))
                if column:
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                self.setItem(row, column, item)

    @property
    def titles(self) -> list[str]:
        """What its columns are called."""
        found = map(self.horizontalHeaderItem, range(self.columnCount()))
        return [item.text() if item is not None else "" for item in found]

    @property
    def texts(self) -> list[list[str]]:
        """What its rows say."""
        return [
            [
                item.text() if (item := self.item(row, at)) is not None else ""
                for at in range(len(HEAD))
            ]
            for row in range(self.rowCount())
        ]

    @Slot(int, int)
    def _pick(self, row: int, column: int) -> None:
        self.picked.emit(dict(self._fields[row]))


def _texts(sweep: Sweep, index: tuple[int, ...]) -> tuple[str, str, str]:
    """Return a row: the cell's name, its share of clean − corrupted, and its change."""
    change = float(sweep.values[index])
    sign = "≈ " if sweep.states[index] == CellState.ESTIMATE else ""
    share = "" if sweep.refusal else sign + precise(change / sweep.scale)
    name = cells.cell_name(sweep, *index)
    return name, share, sign + precise(change)
