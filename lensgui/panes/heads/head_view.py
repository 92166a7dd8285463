"""The table on screen: rows that are selected, sorted, and looked at by mouse and keyboard."""

from __future__ import annotations

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QHeaderView, QTableView, QWidget

from lensgui.panes import theme
from lensgui.panes.heads.head_rows import heading
from lensgui.panes.heads.head_table import Cells, HeadModel
from lensgui.panes.pictures.painted import say
from lensgui.panes.token_text import plain_tip
from lensgui.terms.kinds import Head

WIDTHS = {"role": 96, "label": 68}  # pixels; scores are as wide as their names need
LEAST_WIDTH = 44
TIP = "Click a heading to sort, a head to select it; Enter or a double-click shows its attention."
LONGEST_NAME = "L99H99 •"  # whose room is there from the beginning
MOST_TIMES = 1.9  # as wide may columns of words be where there is room


class HeadView(QTableView):
    """A table of heads whose rows are selected, sorted and looked at by mouse and keyboard.

    Attributes:
        empty: What it says while there are no rows.
        picked: (heads,) that the user selected, the current one last.
        opened: (head,) whose attention the user wants to see.
        sorted_by: (column,) whose heading was clicked.
        menu_requested: (head, where) whose verbs are wanted, at a place of the screen.
        hovered: (words,) the cell under the pointer; "" when there is none.
    """

    picked = Signal(object)
    opened = Signal(object)
    sorted_by = Signal(str)
    menu_requested = Signal(object, QPoint)
    hovered = Signal(str)

    def __init__(self, model: HeadModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.empty = ""
        self.heads, self._is_telling = model, True
        self._spaced: tuple[str, ...] = ()  # columns that have their widths
        self._sorted = ""  # the column that was brought into view last
        self.setModel(model)
        self.setItemDelegate(Cells(model, self))
        self.setAccessibleName("Scores of heads")
        self.setToolTip(plain_tip(TIP))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        across, down = self.horizontalHeader(), self.verticalHeader()
        across.setFont(theme.text_font(theme.SMALL_POINTS))
        across.setHighlightSections(False)
        across.setSectionsClickable(True)
        across.setMinimumSectionSize(20)
        down.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for corner in self.findChildren(QAbstractButton):
            corner.setAccessibleName("Select all heads of the table")
            corner.setToolTip("Select all heads of the table.")
        self._connect()

    def _connect(self) -> None:
        self.selectionModel().selectionChanged.connect(self._tell)
        self.selectionModel().currentRowChanged.connect(self._describe)
        self.doubleClicked.connect(self._open)
        self.entered.connect(self._hover)
        self.horizontalHeader().sectionClicked.connect(self._sort)
        self.heads.modelReset.connect(self._space_new)
        self._space()

    def show_sort(self, column: str, *, is_descending: bool) -> None:
        """Show which column orders the rows; "" for none."""
        across, columns = self.horizontalHeader(), self.heads.rows.columns
        across.setSortIndicatorShown(column in columns)
        if column not in columns:
            self._sorted = column
            return
        section, order = columns.index(column), Qt.SortOrder
        # The arrow points to where numbers become smaller, as on the button beside it.
        across.setSortIndicator(
            section, order.AscendingOrder if is_descending else order.DescendingOrder
        )
        if column != self._sorted:
            self._sorted = column
            self._reveal(section)

    def _reveal(self, section: int) -> None:
        """Bring a column into view."""
        self.executeDelayedItemsLayout()
        across, bar = self.horizontalHeader(), self.horizontalScrollBar()
        left = across.sectionViewportPosition(section)
        beyond = left + across.sectionSize(section) - self.viewport().width()
        if left < 0 or beyond > 0:
            bar.setValue(bar.value() + (left if left < 0 else beyond))

    def show_heads(self, heads: tuple[Head, ...], current: Head | None, *, reveals: bool) -> None:
        """Select rows without saying so.

        Args:
            heads: Layer and head of each.
            current: The one that keys move from; None for none.
            reveals: Whether it is brought into view.
        """
        rows = [row for head in heads if (row := self.heads.row_of(head)) is not None]
        where = None if current is None else self.heads.row_of(current)
        flags = QItemSelectionModel.SelectionFlag
        chosen = QItemSelection()
        last = max(0, self.heads.columnCount() - 1)
        for row in rows:
            chosen.select(self.heads.index(row, 0), self.heads.index(row, last))
        self._is_telling = False
        selection, bar = self.selectionModel(), self.horizontalScrollBar()
        across = bar.value()  # which Qt would move to the current column
        selection.select(chosen, flags.ClearAndSelect | flags.Rows)
        if where is not None:
            column = max(0, self.currentIndex().column())
            index = self.heads.index(where, min(column, last))
            if index.row() != self.currentIndex().row():
                selection.setCurrentIndex(index, flags.NoUpdate)
            if reveals:
                self.scrollTo(self.heads.index(where, 0))
        bar.setValue(across)
        self._is_telling = True

    def chosen(self) -> list[Head]:
        """Return the heads of the rows that are selected, the current one last."""
        current, heads = self.currentIndex().row(), self.heads.heads()
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        last = [row for row in rows if row == current]
        return [heads[row] for row in (*(row for row in rows if row != current), *last)]

    def changeEvent(self, event: QEvent) -> None:
        """Give rows and columns the room that another font needs."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._spaced = ()
            self._space()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width anew."""
        super().resizeEvent(event)
        self._share_out()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show the head's attention on Enter."""
        is_editing = self.state() == QAbstractItemView.State.EditingState
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() in keys and self.currentIndex().isValid() and not is_editing:
            self.opened.emit(self.heads.heads()[self.currentIndex().row()])
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the pointer, and nothing beside the cells."""
        super().mouseMoveEvent(event)
        if not self.indexAt(event.position().toPoint()).isValid():
            self.hovered.emit("")

    def leaveEvent(self, event: QEvent) -> None:
        """Say that nothing is under the pointer."""
        super().leaveEvent(event)
        self.hovered.emit("")

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the verbs of the head under the pointer, or by keys of the current one."""
        by_keys = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_keys else self.indexAt(event.pos())
        if not index.isValid():
            event.ignore()
            return
        where = self.viewport().mapToGlobal(self.visualRect(index).center())
        head = self.heads.heads()[index.row()]
        self.menu_requested.emit(head, where if by_keys else event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say why there are no rows while there are none."""
        super().paintEvent(event)
        if self.empty and not self.heads.rowCount():
            with QPainter(self.viewport()) as painter:
                room = self.viewport().rect().adjusted(24, 16, -24, -16)
                say(painter, room, self.empty, theme.of(self.palette()))

    @Slot()
    def _space_new(self) -> None:
        """Give columns their room unless they have it, perhaps by hand."""
        if self.heads.rows.columns != self._spaced:
            self._space()

    def _space(self) -> None:
        """Give rows and columns their room."""
        self._spaced = self.heads.rows.columns
        across, down = self.horizontalHeader(), self.verticalHeader()
        down.setDefaultSectionSize(self.fontMetrics().height() + 5)
        down.setMinimumWidth(down.fontMetrics().horizontalAdvance(LONGEST_NAME) + theme.zoomed(8))
        for at, column in enumerate(self.heads.rows.columns):
            lines = heading(column).split("\n")
            name = max(map(across.fontMetrics().horizontalAdvance, lines))
            needed = max(name + theme.zoomed(20), theme.zoomed(LEAST_WIDTH))  # and the arrow
            self.setColumnWidth(at, theme.zoomed(WIDTHS.get(column, 0)) or needed)
        self._share_out()

    def _share_out(self) -> None:
        """Give columns of words what scores leave, up to their longest words."""
        columns = self.heads.rows.columns
        scores = sum(self.columnWidth(at) for at, name in enumerate(columns) if name not in WIDTHS)
        room = self.viewport().width() - scores
        least = sum(map(theme.zoomed, WIDTHS.values()))
        share = min(MOST_TIMES, max(1.0, room / least))
        for at, name in enumerate(columns):
            if name in WIDTHS:
                self.setColumnWidth(at, int(theme.zoomed(WIDTHS[name]) * share))

    @Slot(int)
    def _sort(self, section: int) -> None:
        self.sorted_by.emit(self.heads.rows.columns[section])

    @Slot(QItemSelection, QItemSelection)
    def _tell(self, chosen: QItemSelection, left: QItemSelection) -> None:
        if self._is_telling and (heads := self.chosen()):
            self.picked.emit(heads)

    @Slot(QModelIndex, QModelIndex)
    def _describe(self, index: QModelIndex, before: QModelIndex) -> None:
        """Keep the accessible description at what is selected."""
        row = index.row()
        known = 0 <= row < len(self.heads.order)
        words = self.heads.rows.of_head(int(self.heads.order[row])) if known else ""
        self.setAccessibleDescription(words)

    @Slot(QModelIndex)
    def _open(self, index: QModelIndex) -> None:
        if self.heads.rows.columns[index.column()] != "label":
            self.opened.emit(self.heads.heads()[index.row()])

    @Slot(QModelIndex)
    def _hover(self, index: QModelIndex) -> None:
        self.hovered.emit(str(index.data(Qt.ItemDataRole.AccessibleTextRole)))
