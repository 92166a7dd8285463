"""A slider along the one axis of a sweep that its heatmap does not show."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from lensgui.jobs.arrays import Axis
from lensgui.panes.controls.controls import line
from lensgui.panes.token_text import visible


class PlaceSlider(QWidget):
    """Moves along an axis, and names the place.

    Attributes:
        moved: (index,) the user moved it.
    """

    moved = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axis: Axis | None = None
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setAccessibleName("Position whose cells are shown")
        self.slider.setToolTip("Which position's cells are shown; it is the selected position.")
        self.slider.setPageStep(1)
        self.words = line(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.words, 1)
        row.addWidget(self.slider, 1)
        self.slider.valueChanged.connect(self._tell)

    @property
    def at(self) -> int:
        """The place on the axis."""
        return self.slider.value()

    def show_axis(self, axis: Axis | None, at: int) -> None:
        """Show a place on an axis; without one there is nothing to slide along."""
        self._axis = axis
        self.setVisible(axis is not None)
        if axis is None:
            return
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(axis) - 1)
        self.slider.setValue(at)
        self.slider.blockSignals(False)
        place, label = axis.coordinates[self.at], visible(axis.labels[self.at])
        self.words.setText(f"‘{label}’" if place is None else f"{axis.name} {place} ‘{label}’")

    @Slot(int)
    def _tell(self, at: int) -> None:
        if self._axis is not None:
            self.show_axis(self._axis, at)
            self.moved.emit(at)
