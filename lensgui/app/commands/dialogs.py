"""What the menus open: what every key and click does, to be searched, and the history."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent, QUndoStack
from PySide6.QtWidgets import QDialog, QLineEdit, QUndoView, QVBoxLayout, QWidget

from lensgui.app.window.actions import ACTIONS
from lensgui.panes.controls.controls import caption, native
from lensgui.panes.pictures.number_table import NumberTable, TableDialog
from lensgui.panes.theme import zoomed
from lensgui.panes.token_text import plain_tip
from lensgui.terms.resources import resource

TITLE = "Keys and mouse"
Row = tuple[str, str]  # keys, and what they do
HISTORY_SIZE = (280, 360)  # pixels
AT_FIRST = "As it was at first"
HISTORY_HINT = "The line that is marked is what you see: click another to go there."
HISTORY_TIP = (
    "Every edit and every switch, the last one below; ↑ and ↓ step through them. What follows the "
    "marked line stays until you change something."
)


def keys_and_mouse() -> list[Row]:
    """Return what every key and click does: the table's shortcuts, and the guide's grammar."""
    lines = resource("guide", "keys.md").read_text(encoding="utf-8").splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    rows = [action for action in ACTIONS.values() if action.keys]
    actions = [(", ".join(map(native, action.keys)), action.tip) for action in rows]
    return [*actions, *((keys, does) for keys, does in cells[1:])]  # without the heading


class Sheet(TableDialog):
    """The rows in which all words stand that are typed above them."""

    def __init__(self, parent: QWidget) -> None:
        rows = keys_and_mouse()
        super().__init__(_table(rows), parent)
        self._rows = rows
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("Search keys…")
        self.field.setAccessibleName("Search keys")
        self.field.setToolTip("Words of a key, or of what it does.")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._search)
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(0, self.field)
        self.field.setFocus()

    @Slot(str)
    def _search(self, text: str) -> None:
        words = text.casefold().split()
        said = ((row, " ".join(row).casefold()) for row in self._rows)
        found = [row for row, line in said if all(word in line for word in words)]
        self.show_table(_table(found))


def _table(rows: list[Row]) -> NumberTable:
    keys, does = [row[0] for row in rows], [row[1] for row in rows]
    return NumberTable(TITLE, keys, ("does",), lambda row, column: does[row])


def show_sheet(window: QWidget) -> None:
    """Show the sheet, or bring the one that is open to the front."""
    open_ones = (sheet for sheet in window.findChildren(Sheet) if sheet.isVisible())
    sheet = next(open_ones, None) or Sheet(window)
    sheet.show()
    sheet.raise_()
    sheet.activateWindow()


class HistoryDialog(QDialog):
    """Lists all steps, from the document as it was at first; it stays in front of its window.

    Attributes:
        steps: The list.
    """

    def __init__(self, stack: QUndoStack, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("History")
        self.setWindowFlag(Qt.WindowType.Tool)
        self.steps = QUndoView(stack, self)
        self.steps.setEmptyLabel(AT_FIRST)
        self.steps.setAccessibleName("Steps of the history")
        self.steps.setToolTip(plain_tip(HISTORY_TIP))
        self.steps.setUniformItemSizes(True)
        self.steps.setSpacing(2)
        hint = caption(HISTORY_HINT, self)
        hint.setWordWrap(True)
        column = QVBoxLayout(self)
        column.addWidget(hint)
        column.addWidget(self.steps, 1)
        self.resize(*map(zoomed, HISTORY_SIZE))

    def showEvent(self, event: QShowEvent) -> None:
        """Let the arrow keys step at once."""
        super().showEvent(event)
        self.steps.setFocus()
