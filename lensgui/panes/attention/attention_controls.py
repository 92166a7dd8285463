"""The switches of the attention explorer, in as little room as they need."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import (
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
)

from lensgui.panes.controls.chooser import Chooser, Option
from lensgui.panes.controls.controls import button, caption
from lensgui.panes.controls.flow import Flow
from lensgui.panes.token_text import plain_tip
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
        "What each source adds to answer − distractor directly, in logits: blue helps the answer, "
        "and a row sums to the head's direct attribution at its destination.",
    ),
)
VIEWS = (
    Option("map", "map", "Rows are destinations, columns are sources."),
    Option("lines", "lines", "A line from each destination to what it attends to."),
    Option("text", "text", "The prompt, coloured by the attention of the selected token."),
)


@dataclass(frozen=True, slots=True)
class Focus:
    """How one head is looked at.

    Attributes:
        measure: What is counted; see `AttentionHead`.
        view: "map", "lines" or "text".
        hides_first: Whether position 0 is left out.
        is_from: Whether a token's attention is what it attends to, rather than what attends to it.
        least: The weakest line that is drawn, as a share of the scale's end.
    """

    measure: AttentionMeasure = "pattern"
    view: str = "map"
    hides_first: bool = False
    is_from: bool = True
    least: float = 0.1


class FocusBar(QWidget):
    """What is counted of one head, and how it is drawn.

    Attributes:
        changed: (Focus,) after a choice.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.focus = Focus()
        self.measure = Chooser("What is counted of the selected head", [("", MEASURES)], self)
        self.view = Chooser("How the selected head is drawn", [("", VIEWS)], self)
        self.measure.setMinimumContentsLength(NARROW)
        self.view.setMinimumContentsLength(4)
        self.least = QSlider(Qt.Orientation.Horizontal, self)
        self.least.setRange(0, 100)
        self.least.setValue(round(self.focus.least * 100))
        self.least.setMinimumWidth(40)
        self.least.setAccessibleName("Weakest line that is drawn")
        self.weakest = caption("", self)
        self.more = button("⋯", "More about the selected head", "More switches.", self)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setMenu(self._menu())
        row = Flow(self)
        row.addWidget(self.measure)
        row.addWidget(self.view)
        row.addWidget(self.weakest)
        row.addWidget(self.least)
        row.addWidget(self.more)
        self._show()
        self.measure.chosen.connect(self._measure)
        self.view.chosen.connect(self._view)
        self.least.valueChanged.connect(self._weaken)

    def _menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.source = _switch(
            menu, "What a token attends to", "Lines and text follow a token to its sources."
        )
        self.destination = _switch(
            menu, "What attends to a token", "Lines and text follow a token to its destinations."
        )
        directions = QActionGroup(menu)
        for action in (self.source, self.destination):
            directions.addAction(action)
        self.source.setChecked(True)
        menu.addSeparator()
        self.hide_first = _switch(
            menu,
            "Hide position 0 of this head",
            "Leave position 0 out here too; attention is shared among the rest of each row.",
        )
        self.source.toggled.connect(self._turn)
        self.hide_first.toggled.connect(self._hide)
        return menu

    @Slot(object)
    def _measure(self, measure: AttentionMeasure) -> None:
        self._tell(replace(self.focus, measure=measure))

    @Slot(object)
    def _view(self, view: str) -> None:
        self._tell(replace(self.focus, view=view))

    @Slot(bool)
    def _turn(self, is_from: bool) -> None:
        self._tell(replace(self.focus, is_from=is_from))

    @Slot(bool)
    def _hide(self, hides_first: bool) -> None:
        self._tell(replace(self.focus, hides_first=hides_first))

    @Slot(int)
    def _weaken(self, percent: int) -> None:
        self._tell(replace(self.focus, least=percent / 100))

    def _tell(self, focus: Focus) -> None:
        self.focus = focus
        self._show()
        self.changed.emit(focus)

    def _show(self) -> None:
        for part in (self.weakest, self.least):
            part.setVisible(self.focus.view == "lines")
        self.weakest.setText(f"lines ≥ {self.focus.least:.0%}".replace("%", " %"))
        self.least.setToolTip(
            plain_tip(f"Lines weaker than {self.focus.least:.0%} of the scale's end are left out.")
        )


def _switch(menu: QMenu, name: str, tip: str) -> QAction:
    action = menu.addAction(name)
    action.setCheckable(True)
    action.setToolTip(plain_tip(tip))
    return action
