"""What is continued, how far, and how tokens are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSizePolicy, QSpinBox, QWidget

from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Chooser, Option
from lensgui.panes.controls.controls import button, dress
from lensgui.panes.controls.flow import Flow
from lensgui.panes.generation.generation_actions import DRAWN
from lensgui.panes.token_text import plain_tip
from lensgui.state.views import GenerationView
from lensgui.terms.kinds import OneSide

MOST, MOST_CHOICES, MOST_SEED = 1_000, 99_999, 999_999
SIDES: tuple[Option[OneSide], ...] = (
    Option("clean", "clean", "Go on behind the clean prompt."),
    Option("corrupted", "corrupted", "Go on behind the corrupted prompt."),
)
ROWS = {  # fields of the view by the names of their actions
    "written_count": "count",
    "temperature": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "drawing_seed": "seed",
}
OF_DRAWING = ("top_k", "top_p", "drawing_seed")


class GenerationControls(QWidget):
    """The switches of the pane.

    Attributes:
        chosen: (changes,) fields of the view that the user set otherwise.
        boxes: What holds a number, by the names of their actions.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.side: Chooser[OneSide] = Chooser("Prompt that is continued", [("", SIDES)], self)
        self.side.setMinimumContentsLength(7)
        self.side.setToolTip(plain_tip("Which prompt the model goes on with."))
        self.boxes: Mapping[str, QSpinBox | QDoubleSpinBox] = {
            "written_count": _whole(self, 1, MOST, step=5, suffix=" tokens"),
            "temperature": _share(self, "temperature ", 0, 10, step=0.1),
            "top_k": _whole(self, 0, MOST_CHOICES, prefix="top-k "),
            "top_p": _share(self, "top-p ", 0.01, 1, step=0.05),
            "drawing_seed": _whole(self, 0, MOST_SEED, prefix="seed "),
        }
        self.boxes["top_k"].setSpecialValueText("top-k all")
        self.stop = button(PANE_ACTIONS["stop_writing"], self)
        self.more = button(PANE_ACTIONS["write_more"], self)
        self.take = button(PANE_ACTIONS["take_as_prompt"], self)
        row = Flow(self, spacing=4)
        count, *drawing = self.boxes.values()
        for part in (self.side, count, self.stop, self.more, *drawing, self.take):
            part.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            row.addWidget(part)
        self.side.chosen.connect(partial(self._choose, "side"))
        for name, box in self.boxes.items():
            dress(box, PANE_ACTIONS[name])
            box.setKeyboardTracking(False)
            box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
            box.setCorrectionMode(QAbstractSpinBox.CorrectionMode.CorrectToNearestValue)
            box.valueChanged.connect(partial(self._choose, ROWS[name]))
        self.show_view(GenerationView())

    def show_view(self, view: GenerationView) -> None:
        """Show what is chosen."""
        self.side.show_value(view.side)
        for name, box in self.boxes.items():
            with QSignalBlocker(box):
                box.setValue(getattr(view, ROWS[name]))
        for name, box in self.boxes.items():
            action, is_of_use = PANE_ACTIONS[name], view.temperature > 0 or name not in OF_DRAWING
            box.setEnabled(is_of_use)
            tip = action.tip if is_of_use else f"{action.tip} {DRAWN}"
            for widget in (box, box.lineEdit()):
                widget.setAccessibleName(action.called)
                widget.setToolTip(plain_tip(tip))

    def show_state(self, *, is_running: bool, can_go_on: bool, can_take: bool) -> None:
        """Show what can be done now."""
        for part, is_so in (
            (self.stop, is_running), (self.more, can_go_on), (self.take, can_take),
        ):  # fmt: skip
            part.setEnabled(is_so)

    def _choose(self, name: str, value: object) -> None:
        self.chosen.emit({name: value})


def _whole(
    parent: QWidget, least: int, most: int, *, step: int = 1, prefix: str = "", suffix: str = ""
) -> QSpinBox:
    box = QSpinBox(parent)
    box.setRange(least, most)
    box.setSingleStep(step)
    box.setPrefix(prefix)
    box.setSuffix(suffix)
    return box


def _share(
    parent: QWidget, prefix: str, least: float, most: float, *, step: float
) -> QDoubleSpinBox:
    box = QDoubleSpinBox(parent)
    box.setRange(least, most)
    box.setDecimals(2)
    box.setSingleStep(step)
    box.setPrefix(prefix)
    return box
