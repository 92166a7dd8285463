"""The models that are here as a table, read off the disk beside the window's thread."""

from __future__ import annotations

import threading

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from lensgui.app.models import words
from lensgui.app.window.actions import ACTIONS
from lensgui.models import known_models, library
from lensgui.models.library import Listed
from lensgui.models.store import in_words
from lensgui.panes import theme
from lensgui.panes.controls.controls import dress
from lensgui.panes.token_text import plain_tip

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
COLUMNS = ("Model", "Size", "Verified", "Opened last", "Kind", "Licence")
LINES = 5  # of the table, at least
WIDEST = 330  # pixels of a column at first, times the zoom
THREAD = "lensgui-models"


class Reader(QObject):
    """Reads which models are here on a thread of its own: disks may be slow.

    Attributes:
        listed: (list[Listed],)
    """

    listed = Signal(object)

    def __init__(self) -> None:
        super().__init__()  # without a parent: a thread that still reads keeps it
        self._thread: threading.Thread | None = None

    def read(self, dtype: str) -> None:
        """Begin to read; what the last one asked for comes last."""
        before = self._thread

        def work() -> None:
            if before is not None:
                before.join()
            self.listed.emit(library.here(dtype))

        self._thread = threading.Thread(target=work, name=THREAD, daemon=True)
        self._thread.start()

    def finish(self, seconds: float) -> bool:
        """Return whether nothing is read any more, within some time."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()


class Rows(QAbstractTableModel):
    """The models, a row each.

    Attributes:
        models: What is listed.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.models: list[Listed] = []
        self._open = ""

    def show_models(self, models: list[Listed]) -> None:
        """List models."""
        self.beginResetModel()
        self.models = models
        self.endResetModel()

    def show_open(self, source: str) -> None:
        """Mark the one that is open."""
        self._open = source
        if self.models:
            last = self.index(len(self.models) - 1, 0)
            self.dataChanged.emit(self.index(0, 0), last)

    def is_open(self, model: Listed) -> bool:
        """Whether a model is the one that is open, by any of its names."""
        return self._open in model.names or self._open.lower() in model.names

    def rowCount(self, parent: Index | None = None) -> int:
        """Return how many models there are."""
        return 0 if parent is not None and parent.isValid() else len(self.models)

    def columnCount(self, parent: Index | None = None) -> int:
        """Return how many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Role.DisplayRole) -> str | None:
        """Return what a cell says; its name with it to who can't see; where the model lies."""
        model, column = self.models[index.row()], index.column()
        if role == Role.DisplayRole:
            return self._cell(model, column)
        if role == Role.AccessibleTextRole:
            return f"{model.title}, {COLUMNS[column]}: {self._cell(model, column) or 'not known'}"
        if role == Role.ToolTipRole:
            return plain_tip(f"{model.title}: {model.place if model.is_here else 'not here yet'}")
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> str | None:
        """Return what a column is called."""
        is_column = orientation == Qt.Orientation.Horizontal
        return COLUMNS[section] if is_column and role == Role.DisplayRole else None

    def _cell(self, model: Listed, column: int) -> str:
        title = f"{model.title} (open)" if self.is_open(model) else model.title
        kind = "folder of yours" if model.kind == "folder" else model.kind
        figure = words.verified(model.verified) if model.is_here else ""
        used = words.last_use(model.used)
        return (title, _size(model), figure, used, kind, model.licence)[column]


def _size(model: Listed) -> str:
    if model.is_here:
        return in_words(model.size)
    downloads = {entry.name: entry.download for entry in known_models.CATALOGUE}
    return f"{in_words(downloads.get(model.source, 0))} to get"


class Table(QTableView):
    """The table; Return opens what is chosen, Delete asks to delete it.

    Attributes:
        opened: The chosen model is to be opened.
        deleted: It is to be deleted.
        chosen: Another one is chosen, or none.
    """

    opened = Signal()
    deleted = Signal()
    chosen = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows = Rows(self)
        self.setModel(self.rows)
        dress(self, ACTIONS["models_list"])
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.doubleClicked.connect(self.opened)
        self.selectionModel().selectionChanged.connect(self.chosen)

    @property
    def model_chosen(self) -> Listed | None:
        """The model that is chosen."""
        row = self.currentIndex().row()
        return self.rows.models[row] if 0 <= row < len(self.rows.models) else None

    def show_models(self, models: list[Listed]) -> None:
        """List models; the one that was chosen stays so, else the open one is."""
        before = self.model_chosen
        self.rows.show_models(models)
        self.fit()
        places = [model.place for model in models]
        row = places.index(before.place) if before is not None and before.place in places else -1
        if row < 0:
            row = next((at for at, each in enumerate(models) if self.rows.is_open(each)), 0)
        self.setCurrentIndex(self.rows.index(row, 0))
        self.chosen.emit()

    def fit(self) -> None:
        """Give columns and lines the room that their texts need."""
        line = self.fontMetrics().height() + theme.zoomed(8)
        self.verticalHeader().setDefaultSectionSize(line)
        self.setMinimumHeight((LINES + 1) * line)
        self.horizontalHeader().setMaximumSectionSize(theme.zoomed(WIDEST))
        self.resizeColumnsToContents()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open or ask to delete what is chosen."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.deleted.emit()
        else:
            super().keyPressEvent(event)
