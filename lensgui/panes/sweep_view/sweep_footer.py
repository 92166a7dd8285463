"""The row of switches below a sweep."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from lensgui.jobs.arrays import Sweep
from lensgui.panes.controls.controls import button
from lensgui.panes.controls.flow import Flow

PAUSE, GO_ON = "Pause", "Go on"


class SweepTools(QWidget):
    """Pause, keep for comparison, table, estimates, and another sweep beside this one.

    Attributes:
        paused: (is_paused,) the user stopped the sweep for now, or lets it go on.
        resumed: The user wants a sweep that was stopped to go on.
        kept: The user keeps the present sweep as A.
        altered: The user opened or closed the table or the plot of estimates.
        another: The user wants another sweep beside this one.
    """

    paused = Signal(bool)
    resumed = Signal()
    kept = Signal()
    altered = Signal()
    another = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_stopped = False
        self.pause = button(
            PAUSE, "Pause the sweep", "Stop the sweep for now, and keep what is there.", self
        )
        self.keep = button(
            "Keep as A",
            "Keep this sweep for comparison",
            "Keep this sweep, and compare what you choose next with it.",
            self,
        )
        self.table = button(
            "Table", "Table of the strongest cells", "List the cells that do most.", self
        )
        self.estimate = button(
            "Estimate",
            "Estimate against exact",
            "Plot the first-order estimate of each cell against its exact value.",
            self,
        )
        self.more = button(
            "+",
            "Another sweep beside this one",
            "Show another sweep beside this one; the selection is shared.",
            self,
        )
        for each in (self.pause, self.table, self.estimate):
            each.setCheckable(True)
        row = Flow(self)
        for each in (self.pause, self.keep, self.table, self.estimate, self.more):
            row.addWidget(each)
        self.pause.clicked.connect(self._tell_paused)
        self.keep.clicked.connect(self.kept)
        self.table.clicked.connect(self.altered)
        self.estimate.clicked.connect(self.altered)
        self.more.clicked.connect(self.another)

    def show_paused(self, *, is_paused: bool) -> None:
        """Show whether the sweep rests."""
        self.pause.setChecked(is_paused)
        self.pause.setText(GO_ON if is_paused else PAUSE)

    def show_stopped(self, *, is_stopped: bool) -> None:
        """Offer to go on with a sweep that was stopped."""
        self._is_stopped = is_stopped
        self.pause.setText(GO_ON if is_stopped or self.pause.isChecked() else PAUSE)

    def show_sweep(self, sweep: Sweep | None) -> None:
        """Offer what there is to do with a sweep."""
        is_whole = sweep is not None and sweep.done == sweep.total
        can_pause = sweep is not None and not is_whole
        self.pause.setEnabled(self.pause.isChecked() or self._is_stopped or can_pause)
        self.keep.setEnabled(sweep is not None)
        self.estimate.setVisible(sweep is not None and sweep.estimates is not None)

    @Slot(bool)
    def _tell_paused(self, is_paused: bool) -> None:
        if self._is_stopped:
            self.pause.setChecked(False)
            self.resumed.emit()
            return
        self.show_paused(is_paused=is_paused)
        self.paused.emit(is_paused)
