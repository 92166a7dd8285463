"""The table of prompt pairs as Qt's views read it: only the rows in view are ever looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtCore import Signal as QtSignal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from lensgui.jobs.answers.arrays import Axis
from lensgui.jobs.answers.readings import PairsReading, RowReading
from lensgui.panes import theme
from lensgui.panes.figures.figure import Data, Sheet
from lensgui.panes.pictures.painted import say
from lensgui.panes.token_text import plain_tip, signed, visible
from lensgui.prompts.diff import changed_spans
from lensgui.prompts.pair import PairRow
from lensgui.terms.metric import MetricName
from lensgui.terms.metrics import METRICS

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole

HEADINGS = ("", "Clean", "Change", "Answer", "Distractor", "On clean", "On corr.", "")
CHECK, CLEAN, CORRUPTED, ANSWER, DISTRACTOR, ON_CLEAN, ON_CORRUPTED, MARK = range(len(HEADINGS))
READ = (ON_CLEAN, ON_CORRUPTED, MARK)  # what the model makes of a row
BEFORE = "As it was before: it is being read anew."
FIELDS = {CLEAN: "clean", CORRUPTED: "corrupted", ANSWER: "answer", DISTRACTOR: "distractor"}
TIPS = (
    "Whether the pair counts in averages.",
    "The prompt whose answer is right.",
    "What is different in the corrupted prompt, the prompt to patch into.",
    "The token the clean prompt calls for.",
    "What it is compared with.",
    "The metric at the end of the clean prompt.",
    "The metric at the end of the corrupted prompt.",
    "✓ where the clean run prefers the answer, and the corrupted run less so; ✗ where not.",
)
MARKS = {True: "✓", False: "✗", None: ""}
WIDTHS = (22, 90, 78, 48, 62, 52, 52, 18)  # pixels; the clean prompt takes what is left too


class PairModel(QAbstractTableModel):
    """Pairs and what is known of them.

    Attributes:
        included: (row, is_included) that the user ticked.
    """

    included = QtSignal(int, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[PairRow, ...] = ()
        self.readings: tuple[RowReading, ...] = ()
        self._older: tuple[RowReading, ...] = ()  # of these pairs, as all were read last
        self.metric: MetricName = "logit difference"

    def show_rows(self, rows: tuple[PairRow, ...]) -> None:
        """Show other pairs; what was known of the old ones is forgotten unless they are equal."""
        if rows == self.rows:
            return
        is_same = [row.pair for row in rows] == [row.pair for row in self.rows]
        if is_same:
            self.rows = rows
            self._tell_changed()
            return
        self.beginResetModel()
        self.rows, self.readings, self._older = rows, (), ()
        self.endResetModel()

    def show_reading(self, reading: PairsReading | None) -> None:
        """Show what is known so far, first rows first; below them, dimmed, what was known before.

        The same pairs are read anew where something else is done to the model.
        """
        self.readings = reading.rows[: len(self.rows)] if reading is not None else ()
        if len(self.readings) == len(self.rows):
            self._older = self.readings
        self._tell_changed()

    def reading_of(self, row: int) -> RowReading | None:
        """Return what is known of a row; None if nothing is yet."""
        return self.readings[row] if row < len(self.readings) else None

    def _seen(self, row: int) -> RowReading | None:
        """Return what is shown of a row: what is known, or what was before."""
        older = self._older[row] if row < len(self._older) else None
        return self.reading_of(row) or older

    @property
    def wrong(self) -> tuple[int, ...]:
        """The rows that the model gets wrong, as far as they are known."""
        return tuple(at for at, known in enumerate(self.readings) if known.is_right is False)

    @property
    def faulty(self) -> tuple[int, ...]:
        """The rows that can't be swept, as far as they are known."""
        return tuple(at for at, known in enumerate(self.readings) if known.warning)

    def rowCount(self, parent: Index | None = None) -> int:
        """Return how many pairs there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        """Return how many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(HEADINGS)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let rows be chosen, and be ticked in the first column."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == CHECK else flags

    def headerData(self, section: int, across: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """Return what a column is called, or a row's number."""
        if across == Qt.Orientation.Vertical:
            return section + 1 if role == Role.DisplayRole else None
        if role == Role.DisplayRole:
            return HEADINGS[section]
        if role == Role.ToolTipRole:
            unit = f" ({self.metric}, in {METRICS[self.metric].unit})"
            return TIPS[section].rstrip(".") + unit * (section in (ON_CLEAN, ON_CORRUPTED)) + "."
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Return what a cell says, its tick, or its hint."""
        row, column = index.row(), index.column()
        if role == Role.CheckStateRole and column == CHECK:
            is_included = self.rows[row].is_included
            return Qt.CheckState.Checked if is_included else Qt.CheckState.Unchecked
        if role == Role.DisplayRole:
            return self._words(row, column, self._seen(row))
        if role in (Role.ToolTipRole, Role.AccessibleTextRole):
            hint = self._hint(row, column)
            return plain_tip(hint) if role == Role.ToolTipRole else hint
        if role == Role.TextAlignmentRole and column in (ON_CLEAN, ON_CORRUPTED):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Role.ForegroundRole and column in READ and self.reading_of(row) is None:
            return QGuiApplication.palette().placeholderText()
        return None

    def sheet(self) -> Sheet:
        """Return the table as a panel of a figure, its prompts whole."""
        titles = [title for title in HEADINGS if title]
        rows = range(len(self.rows))
        readings = [self.reading_of(row) for row in rows]
        columns = range(CLEAN, MARK)
        texts = [[self._words(row, at, readings[row]) for at in columns] for row in rows]
        numbers = {
            title: np.array([_number(known, side) for known in readings], np.float64)
            for title, side in (("on_clean", "clean"), ("on_corrupted", "corrupted"))
        }
        words = {
            name: [str(getattr(row.pair, name)) for row in self.rows]
            for name in ("clean", "corrupted", "answer", "distractor")
        }
        words["included"] = ["yes" if row.is_included else "no" for row in self.rows]
        axis = Axis("pair", tuple(rows), tuple(map(str, rows)))
        return Sheet("", titles, texts, Data((axis,), numbers, words))

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        """Tell that a row was ticked or unticked; the document decides."""
        if role != Role.CheckStateRole or index.column() != CHECK:
            return False
        self.included.emit(index.row(), Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def _words(self, row: int, column: int, known: RowReading | None) -> str:
        if column in FIELDS:
            pair = self.rows[row].pair
            if column == CORRUPTED:
                return change(pair.clean, pair.corrupted)
            text = str(getattr(pair, FIELDS[column]))
            return visible(text) if column != CLEAN else " ".join(text.split())
        if known is None or column == CHECK:
            return "…" if column == ON_CLEAN else ""
        if column == MARK:
            return "!" if known.warning else MARKS[known.is_right]
        number = known.clean if column == ON_CLEAN else known.corrupted
        return "" if number is None else signed(number, 2)

    def _hint(self, row: int, column: int) -> str:
        known = self._seen(row)
        if column in READ and known is not None and self.reading_of(row) is None:
            return BEFORE
        if column in (CLEAN, CORRUPTED):
            return "\n".join(self._prompts(row, known.lengths if known else (0, 0)))
        if column in FIELDS:
            return visible(str(getattr(self.rows[row].pair, FIELDS[column])))
        if column == CHECK:
            counts = "counts" if self.rows[row].is_included else "does not count"
            return f"Pair {row + 1} {counts} in averages."
        if known is not None and known.warning:
            return known.warning
        if column == MARK and known is not None and known.is_right is not None:
            verb = "prefers" if known.is_right else "does not prefer"
            return f"The model {verb} the answer."
        return self._words(row, column, known)

    def _prompts(self, row: int, lengths: tuple[int, int]) -> list[str]:
        """Return both prompts of a pair whole, with their lengths where these are known."""
        pair = self.rows[row].pair
        named = {"Clean": pair.clean, "Corrupted": pair.corrupted}
        counts = [f" ({count} tokens)" * bool(count) for count in lengths]
        return [
            f"{name}: {visible(text)}{count}"
            for (name, text), count in zip(named.items(), counts, strict=True)
        ]

    def _tell_changed(self) -> None:
        if self.rows:
            self.dataChanged.emit(
                self.index(0, 0), self.index(len(self.rows) - 1, len(HEADINGS) - 1)
            )


def change(clean: str, corrupted: str) -> str:
    """Return the words that differ between two texts: "John → Mary"."""
    sides = clean.split(), corrupted.split()
    parts = [
        f"{' '.join(sides[0][first:last]) or '∅'} → {' '.join(sides[1][start:stop]) or '∅'}"
        for first, last, start, stop in changed_spans(*sides)
    ]
    return ", ".join(parts)


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
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setTabKeyNavigation(False)
        self.setFont(theme.text_font(theme.SMALL_POINTS + 0.5))
        self.horizontalHeader().setFont(theme.text_font(theme.SMALL_POINTS))
        self.horizontalHeader().setHighlightSections(False)
        self.verticalHeader().setFont(theme.text_font(theme.SMALL_POINTS))
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._space()
        head = self.horizontalHeader()
        head.setMinimumSectionSize(20)
        for column in (CHECK, MARK):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        self.clicked.connect(self._tell)

    def changeEvent(self, event: QEvent) -> None:
        """Give rows and columns the room that another font needs."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._space()

    def _space(self) -> None:
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 6)
        for column, width in enumerate(WIDTHS):
            self.setColumnWidth(column, theme.zoomed(width))

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
                room = self.viewport().rect().adjusted(24, 16, -24, -16)
                say(painter, room, self.empty, theme.of(self.palette()))

    @Slot(QModelIndex)
    def _tell(self, index: QModelIndex) -> None:
        if index.column() != CHECK and len(self.chosen_rows()) <= 1:
            self.chosen.emit(index)


def _number(known: RowReading | None, side: str) -> float:
    """Return what is known of a row on one side; NaN for nothing."""
    value = None if known is None else getattr(known, side)
    return float("nan") if value is None else float(value)
