"""Sliders for the axes that are not on screen."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from lensgui.jobs.answers.arrays import Axis
from lensgui.panes.controls.controls import plain_label
from lensgui.panes.token_text import plain_tip

MOST = 2  # axes beside the two on screen


class Places(QWidget):
    """A slider for each of the other axes, in lines that stay where they are.

    Attributes:
        moved: (axis, place) that the user moved a slider to.
    """

    moved = Signal(str, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.axes: tuple[str, ...] = ()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        self.labels = [plain_label(parent=self) for _ in range(MOST)]
        self.sliders = [QSlider(Qt.Orientation.Horizontal, self) for _ in range(MOST)]
        for at, (label, slider) in enumerate(zip(self.labels, self.sliders, strict=True)):
            grid.addWidget(label, at, 0)
            grid.addWidget(slider, at, 1)
            slider.valueChanged.connect(self._move)
            slider.setAccessibleName(f"Place on another axis, {at + 1}")
            slider.setToolTip("Which place of an axis is looked at that is not on screen.")
            for part in (label, slider):
                policy = part.sizePolicy()
                policy.setRetainSizeWhenHidden(True)
                part.setSizePolicy(policy)
        grid.setColumnStretch(1, 1)
        self.show_places(())

    def show_places(self, others: Sequence[tuple[Axis, int]]) -> None:
        """Show where the other axes stand."""
        self.axes = tuple(axis.name for axis, _ in others[:MOST])
        for at, (label, slider) in enumerate(zip(self.labels, self.sliders, strict=True)):
            is_there = at < len(others)
            label.setVisible(is_there)
            slider.setVisible(is_there)
            if not is_there:
                continue
            axis, place = others[at]
            name = axis.name.replace("_", " ")
            label.setText(f"{name} {axis.labels[place]}")
            slider.setAccessibleName(f"Place on the axis {name}")
            tip = f"Which {name} is looked at; what other panes select too moves them as well."
            slider.setToolTip(plain_tip(tip))
            with QSignalBlocker(slider):
                slider.setRange(0, len(axis) - 1)
                slider.setValue(place)

    @Slot(int)
    def _move(self, place: int) -> None:
        at = self.sliders.index(self.sender())  # type: ignore[arg-type]
        if at < len(self.axes):
            self.moved.emit(self.axes[at], place)
