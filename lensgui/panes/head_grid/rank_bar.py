"""The switches of the grid: what ranks the heads, and how they are arranged."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QWidget

from lensgui.panes.controls.chooser import Chooser, Groups, Option
from lensgui.panes.controls.controls import button
from lensgui.panes.controls.flow import Flow
from lensgui.panes.head_grid.layout import Arrangement, GridView
from lensgui.terms.scores import SCORES, HeadScore

LARGEST_SCORE = 20.0
NARROW = 6  # letters of a choice that must be seen, however narrow the pane is
HEADINGS = {
    "about this question": ("edge", "answer", "sweep"),
    "about the head": ("repeats", "weights"),
    "on this prompt": ("prompt",),
}
ARRANGEMENTS: tuple[Option[Arrangement], ...] = (
    Option("layers", "by layer", "A row, or where the pane is wide a column, for each layer."),
    Option("ranked", "ranked", "The heads one after the other, the largest score first."),
    Option("map", "as a map", "The score of each head as a colour, by layer and head."),
)


def _scores() -> Groups[str]:
    return [
        (heading, [_option(score) for score in SCORES if score.origin in origins])
        for heading, origins in HEADINGS.items()
    ]


def _option(score: HeadScore) -> Option[str]:
    return Option(score.key, score.title, score.meaning)


class RankBar(QWidget):
    """Which score ranks and filters the heads, and whether they stand by it.

    Attributes:
        roles: The button of the rules.
        changed: (GridView,) after a choice, all of it in view.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = GridView()
        self.score = Chooser("Score that heads are ranked by", _scores(), self)
        self.score.show_value(self.view.score)
        self.score.setMinimumContentsLength(NARROW)
        self.arrangement = Chooser("How the heads are arranged", [("", ARRANGEMENTS)], self)
        self.arrangement.setMinimumContentsLength(NARROW)
        self.least = QDoubleSpinBox(self)
        self.least.setRange(0, LARGEST_SCORE)
        self.least.setSingleStep(0.05)
        self.least.setPrefix("≥ ")
        self.least.setSpecialValueText("all")
        self.least.setAccessibleName("Least score of a head that is shown")
        self.least.setToolTip("Fade heads whose score is smaller, or leave them out when ranked.")
        line = self.least.lineEdit()
        line.setAccessibleName(self.least.accessibleName())
        line.setToolTip(self.least.toolTip())
        self.roles = button(
            "Roles…",
            "Rules by which roles are proposed",
            "What the letters on heads stand for, by which rules, and with which numbers.",
            self,
        )
        row = Flow(self)
        row.addWidget(self.score)
        row.addWidget(self.arrangement)
        row.addWidget(self.least)
        row.addWidget(self.roles)
        self.score.chosen.connect(self._rank)
        self.arrangement.chosen.connect(self._arrange)
        self.least.valueChanged.connect(self._filter)

    def show_arrangement(self, arrangement: Arrangement) -> None:
        """Arrange the heads as if the user had chosen it."""
        self.arrangement.show_value(arrangement)
        self._arrange(arrangement)

    @Slot(object)
    def _rank(self, score: str) -> None:
        """Rank by a score; whoever chooses one wants to see who comes first."""
        is_map = self.view.arrangement == "map"
        arrangement: Arrangement = "map" if is_map else "ranked"
        self.arrangement.show_value(arrangement)
        self._tell(replace(self.view, score=score, arrangement=arrangement))

    @Slot(object)
    def _arrange(self, arrangement: Arrangement) -> None:
        self._tell(replace(self.view, arrangement=arrangement))

    @Slot(float)
    def _filter(self, least: float) -> None:
        self._tell(replace(self.view, least=least))

    def _tell(self, view: GridView) -> None:
        self.view = view
        self.changed.emit(view)
