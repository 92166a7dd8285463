"""The row of switches below a sweep, and the sentence that says how far it is."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from lensgui.jobs.arrays import CellState, Sweep, Verification
from lensgui.panes.controls.controls import button
from lensgui.panes.controls.flow import Flow
from lensgui.panes.sweep_view import cells, faces
from lensgui.panes.token_text import power, signed

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
        self.pause.setText(GO_ON)
        wide = self.pause.sizeHint().width()
        self.pause.setText(PAUSE)
        self.pause.setFixedWidth(max(wide, self.pause.sizeHint().width()))
        row = Flow(self)
        for each in (self.pause, self.keep, self.table, self.estimate, self.more):
            row.addWidget(each)
        self.pause.clicked.connect(self._tell_paused)
        self.keep.clicked.connect(self.kept)
        self.table.clicked.connect(self.altered)
        self.estimate.clicked.connect(self.altered)
        self.more.clicked.connect(self.another)

    def show_sweep(self, sweep: Sweep | None, *, is_paused: bool, is_stopped: bool) -> None:
        """Offer what there is to do with a sweep, and to go on with one that rests."""
        self._is_stopped = is_stopped
        self._show_paused(is_paused=is_paused)
        can_pause = sweep is not None and sweep.done < sweep.total
        self.pause.setEnabled(is_paused or is_stopped or can_pause)
        self.keep.setEnabled(sweep is not None)
        self.estimate.setEnabled(sweep is not None and sweep.estimates is not None)

    def _show_paused(self, *, is_paused: bool) -> None:
        self.pause.setChecked(is_paused)
        self.pause.setText(GO_ON if is_paused or self._is_stopped else PAUSE)

    @Slot(bool)
    def _tell_paused(self, is_paused: bool) -> None:
        if self._is_stopped:
            self.pause.setChecked(False)
            self.resumed.emit()
            return
        self._show_paused(is_paused=is_paused)
        self.paused.emit(is_paused)


def remarks(sweep: Sweep, *, is_paused: bool) -> list[str]:
    """Return what is to be said of a sweep, a few words each."""
    found = []
    if is_paused:
        what = "cells" if sweep.spread is None else "pairs"
        found.append(f"paused at {sweep.done} of {sweep.total} {what}")
    spread = sweep.spread
    if spread is not None:
        wrong = f", {spread.wrong} of them wrong" if spread.wrong else ""
        found.append(f"mean of {spread.pairs} of {spread.total} pairs{wrong}")
    if np.any(sweep.states == CellState.ESTIMATE):
        what = "first-order estimate" if spread is None else "the mean so far"
        found.append(f"pale, dotted: {what}")
    if is_paused and np.any(sweep.states == CellState.UNKNOWN):
        found.append("hatched: not known")
    if sweep.agreement is not None:
        pearson, rank = (_correlation(r) for r in (sweep.agreement.pearson, sweep.agreement.rank))
        everywhere = " at all positions" * (faces.hidden_axis(sweep) is not None)
        of = f"{sweep.agreement.cells} cells{everywhere}"
        found.append(f"estimate: r {pearson}, rank {rank} ({of})")
    broken = int(np.count_nonzero(sweep.states == CellState.NOT_FINITE))
    if broken:
        found.append(f"{broken} cell{'s' * (broken > 1)} not finite")
    if sweep.check is not None:
        found.append(f"checked {sweep.check.cells} cells: off by {power(sweep.check.worst)}")
    return found


def tip(sweep: Sweep) -> str:
    """Return what the remarks mean, in whole sentences."""
    said = []
    if sweep.spread is not None:
        said.append(
            "Changes are averaged over the pairs first and then divided by the mean difference; a "
            "pair is wrong if its clean run does no better than its corrupted run."
        )
    if sweep.agreement is not None:
        said.append(
            "r is the correlation of estimates with exact values on this pair, rank that of their "
            "sizes' order."
        )
    if sweep.check is not None:
        said.append(
            "Some cells, drawn at random, were worked out again by plain forward passes: the "
            f"number is the largest difference, in {sweep.unit}."
        )
    return " ".join(said)


def verified(sweep: Sweep, found: Verification) -> str:
    """Return how far a cell of a sweep is from the slow way."""
    name = cells.cell_name(sweep, *found.index)
    slow = f"{name}: the slow way gives {signed(found.value, 5)} {sweep.unit}"
    state = CellState(int(sweep.states[found.index]))
    if state not in (CellState.EXACT, CellState.UNCHANGED):
        return f"{slow}; the sweep has no exact number yet"
    change = float(sweep.values[found.index])
    off = power(abs(found.value - change), 1)
    return f"{slow}, the sweep {signed(change, 5)}: difference {off}"


def _correlation(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.2f}".replace("-", "−")
