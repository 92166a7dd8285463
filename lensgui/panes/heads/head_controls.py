"""What filters and sorts the table, and which columns it has."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolButton, QWidget

from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Chooser, Groups, Option
from lensgui.panes.controls.controls import TokenField, button, dress, menu_line
from lensgui.panes.controls.flow import Flow
from lensgui.panes.head_grid.rank_bar import HEADINGS
from lensgui.panes.heads.conditions import EXAMPLE
from lensgui.panes.heads.head_rows import ABOUT
from lensgui.state.views import HeadsView
from lensgui.terms.scores import SCORES, TABLE_SCORES

FILTER_LETTERS = 30
MOST_LETTERS = 1_000  # as a session file takes
BY_LAYER = Option("", "layer by layer", "Heads stand in the order of the model.")
DOWN, UP = "▼", "▲"


def _orders() -> Groups[str]:
    """Return what heads can be sorted by, under headings."""
    words = [Option(name, name, about) for name, about in ABOUT.items()]
    groups = [("", [BY_LAYER, *words])]
    for heading, origins in HEADINGS.items():
        scores = [score for score in SCORES if score.origin in origins]
        groups.append((heading, [Option(of.key, of.key, of.meaning) for of in scores]))
    return groups


class FilterField(TokenField):
    """Conditions being typed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFont(theme.mono_font(theme.SMALL_POINTS + 0.5))
        self.setPlaceholderText(f"filter: {EXAMPLE} and layer < 20")
        self.setClearButtonEnabled(True)
        self.setMaxLength(MOST_LETTERS)
        dress(self, PANE_ACTIONS["filter_heads"])
        for clearing in self.findChildren(QToolButton):
            clearing.setAccessibleName("Clear the filter")
            clearing.setToolTip("Clear the filter: all heads are listed again.")

    def sizeHint(self) -> QSize:
        """Return room for two conditions."""
        width = self.fontMetrics().horizontalAdvance("M" * FILTER_LETTERS) + 24
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return room for one."""
        return QSize(self.sizeHint().width() // 2, self.sizeHint().height())


class HeadControls(QWidget):
    """The switches of the heads pane.

    Attributes:
        chosen: (changes,) fields of the view that the user set otherwise.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._view = HeadsView()
        self.filter = FilterField(self)
        self.sort: Chooser[str] = Chooser("Sort heads by", _orders(), self)
        self.sort.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.direction = button(PANE_ACTIONS["sort_direction"], self)
        self.columns = button(PANE_ACTIONS["head_columns"], self)
        self.columns.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.boxes: dict[str, QAction] = {}
        self.columns.setMenu(self._menu())
        row = Flow(self, spacing=6)
        for part in (self.filter, self.sort, self.direction, self.columns):
            row.addWidget(part)
        self.filter.typed.connect(lambda text: self.chosen.emit({"filter": text}))
        self.sort.chosen.connect(self.sort_by)
        self.direction.clicked.connect(self._turn)
        self.show_view(HeadsView())

    def show_view(self, view: HeadsView) -> None:
        """Show what is chosen, without saying so."""
        self._view = view
        self.filter.show_text(view.filter)
        self.sort.show_value(view.sort)
        self.direction.setEnabled(bool(view.sort))
        self.direction.setText(DOWN if view.is_descending else UP)
        for name, action in self.boxes.items():
            with QSignalBlocker(action):
                action.setChecked(name in view.columns)

    @Slot(object)
    def sort_by(self, column: str) -> None:
        """Sort by a column, the largest first."""
        self.chosen.emit({"sort": column, "is_descending": True})

    @Slot(str)
    def press_heading(self, column: str) -> None:
        """Sort by a column, then the other way, then layer by layer again."""
        if column != self._view.sort:
            self.sort_by(column)
        elif self._view.is_descending:
            self._turn()
        else:
            self.sort_by("")

    def _menu(self) -> QMenu:
        menu = QMenu(self.columns)
        menu.setAccessibleName("Columns of the table of heads")
        menu.setToolTipsVisible(True)
        for score in SCORES:
            action = menu_line(menu, PANE_ACTIONS["head_column"], score.key, score.meaning)
            action.setCheckable(True)
            action.toggled.connect(lambda is_on, name=score.key: self._choose(name, is_on=is_on))
            self.boxes[score.key] = action
        menu.addSeparator()
        usual = menu_line(menu, PANE_ACTIONS["usual_columns"])
        usual.triggered.connect(lambda: self.chosen.emit({"columns": TABLE_SCORES}))
        return menu

    def _choose(self, name: str, *, is_on: bool) -> None:
        """Show a column, in the place that it has at first, or no longer."""
        shown = {*self._view.columns, name} if is_on else {*self._view.columns} - {name}
        every = dict.fromkeys((*TABLE_SCORES, *(score.key for score in SCORES)))
        self.chosen.emit({"columns": tuple(one for one in every if one in shown)})

    @Slot()
    def _turn(self) -> None:
        self.chosen.emit({"is_descending": not self._view.is_descending})
