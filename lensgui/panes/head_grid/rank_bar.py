"""The switches of the grid: what ranks the heads, and how they are arranged."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal, Slot
from PySide6.QtWidgets import QDoubleSpinBox, QWidget

from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Chooser, Groups, Option
from lensgui.panes.controls.controls import button
from lensgui.panes.controls.flow import Flow
from lensgui.state.views import Arrangement, AttentionView
from lensgui.terms.scores import SCORES, HeadScore

LARGEST_SCORE = 200.0
NARROW = 6  # letters of a choice that must be seen, however narrow the pane is
HEADINGS = {
    "about this question": ("edge", "answer", "sweep"),
    "about the head": ("repeats", "weights"),
    "on this prompt": ("prompt", "outputs"),
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
        chosen: (changes,) fields of the view that the user set otherwise.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.score = Chooser("Score that heads are ranked by", _scores(), self)
        self.score.setMinimumContentsLength(NARROW)
        self.arrangement = Chooser("Arrangement of the heads", [("", ARRANGEMENTS)], self)
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
        self.roles = button(PANE_ACTIONS["role_rules"], self)
        row = Flow(self)
        row.addWidget(self.score)
        row.addWidget(self.arrangement)
        row.addWidget(self.least)
        row.addWidget(self.roles)
        self.show_view(AttentionView())
        self.score.chosen.connect(self._rank)
        self.arrangement.chosen.connect(self._arrange)
        self.least.valueChanged.connect(self._filter)

    def show_view(self, view: AttentionView) -> None:
        """Show what ranks and filters the heads, without saying so."""
        self.score.show_value(view.score)
        self.arrangement.show_value(view.arrangement)
        with QSignalBlocker(self.least):
            self.least.setValue(view.least_score)

    @Slot(object)
    def _rank(self, score: str) -> None:
        """Rank by a score; whoever chooses one wants to see who comes first."""
        is_map = self.arrangement.value == "map"
        self.chosen.emit({"score": score, "arrangement": "map" if is_map else "ranked"})

    @Slot(object)
    def _arrange(self, arrangement: Arrangement) -> None:
        self.chosen.emit({"arrangement": arrangement})

    @Slot(float)
    def _filter(self, least: float) -> None:
        self.chosen.emit({"least_score": round(least, self.least.decimals())})
