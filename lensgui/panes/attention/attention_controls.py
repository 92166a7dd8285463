"""The switches of the attention explorer, in as little room as they need."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import (
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
)

from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Chooser, Option
from lensgui.panes.controls.controls import button, caption, menu_line
from lensgui.panes.controls.flow import Flow
from lensgui.panes.token_text import plain_tip
from lensgui.state.views import AttentionView, Drawing
from lensgui.terms.kinds import AttentionMeasure

NARROW = 6  # letters of a choice that must be seen, however narrow the pane is

MEASURES: tuple[Option[AttentionMeasure], ...] = (
    Option("pattern", "attention", "How much each destination attends to each source."),
    Option("scores", "scores", "The scores that attention is the softmax of."),
    Option(
        "values",
        "× ‖value‖",
        "Attention times the size of the source's value (Kobayashi et al. 2020).",
    ),
    Option(
        "writes",
        "× ‖value W_O‖",
        "Attention times the size of what the head writes for the source (Kobayashi et al. 2020).",
    ),
    Option(
        "contribution",
        "contribution",
        "What each source adds to answer − distractor directly, in logits: {positive} helps the "
        "answer, and a row sums to the head's direct attribution at its destination.",
    ),
)
VIEWS: tuple[Option[Drawing], ...] = (
    Option("map", "map", "Rows are destinations, columns are sources."),
    Option("lines", "lines", "A line from each destination to what it attends to."),
    Option("text", "text", "The prompt, coloured by the attention of the selected token."),
)


class FocusBar(QWidget):
    """What is counted of one head, and how it is drawn.

    Attributes:
        chosen: (changes,) fields of the view that the user set otherwise.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.measure = Chooser("Measure of the selected head", [("", MEASURES)], self)
        self.view = Chooser("Drawing of the selected head", [("", VIEWS)], self)
        self.measure.setMinimumContentsLength(NARROW)
        self.view.setMinimumContentsLength(4)
        self.least = QSlider(Qt.Orientation.Horizontal, self)
        self.least.setRange(0, 100)
        self.least.setMinimumWidth(40)
        self.least.setAccessibleName("Weakest line that is drawn")
        self.weakest = caption("", self)
        self.more = button(PANE_ACTIONS["more_of_head"], self)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(self._menu())
        row = Flow(self)
        row.addWidget(self.measure)
        row.addWidget(self.view)
        row.addWidget(self.weakest)
        row.addWidget(self.least)
        row.addWidget(self.more)
        self.show_view(AttentionView())
        self.measure.chosen.connect(self._measure)
        self.view.chosen.connect(self._draw)
        self.least.valueChanged.connect(self._weaken)

    def _menu(self) -> QMenu:
        menu = QMenu(self.more)
        menu.setToolTipsVisible(True)
        self.source = menu_line(menu, PANE_ACTIONS["look_at_sources"])
        self.destination = menu_line(menu, PANE_ACTIONS["look_at_destinations"])
        directions = QActionGroup(menu)
        for action in (self.source, self.destination):
            action.setCheckable(True)
            directions.addAction(action)
        directions.triggered.connect(self._turn)
        menu.addSeparator()
        self.hide_first = menu_line(menu, PANE_ACTIONS["hide_first_of_head"])
        self.hide_first.setCheckable(True)
        self.hide_first.triggered.connect(self._hide)
        return menu

    def show_view(self, view: AttentionView) -> None:
        """Show how the head is looked at, without saying so."""
        self.measure.show_value(view.measure)
        self.view.show_value(view.drawing)
        with QSignalBlocker(self.least):
            self.least.setValue(round(view.least_line * 100))
        (self.source if view.is_from else self.destination).setChecked(True)
        self.hide_first.setChecked(view.head_hides_first)
        for part in (self.weakest, self.least):
            part.setVisible(view.drawing == "lines")
        self.weakest.setText(f"lines ≥ {view.least_line:.0%}".replace("%", " %"))
        self.least.setToolTip(
            plain_tip(f"Lines weaker than {view.least_line:.0%} of the scale's end are left out.")
        )

    @Slot(object)
    def _measure(self, measure: AttentionMeasure) -> None:
        self.chosen.emit({"measure": measure})

    @Slot(object)
    def _draw(self, drawing: Drawing) -> None:
        self.chosen.emit({"drawing": drawing})

    @Slot(object)
    def _turn(self, direction: QAction) -> None:
        self.chosen.emit({"is_from": direction is self.source})

    @Slot(bool)
    def _hide(self, hides_first: bool) -> None:
        self.chosen.emit({"head_hides_first": hides_first})

    @Slot(int)
    def _weaken(self, percent: int) -> None:
        self.chosen.emit({"least_line": percent / 100})
