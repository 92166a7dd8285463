"""The row of switches below a sweep, and the sentence that says how far it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import QToolButton, QWidget

from lensgui.jobs.answers.arrays import CellState, Spread, Sweep, Verification
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.controls import button, dress
from lensgui.panes.controls.flow import Flow
from lensgui.panes.sweep_view import cells, faces
from lensgui.panes.token_text import duration, power, signed
from lensgui.state.views import PatchingView

PAUSE, GO_ON = PANE_ACTIONS["pause"].text, "Go on"


class PauseButton(QToolButton):
    """Lets what is swept rest, and go on.

    Attributes:
        paused: (is_paused,) the user stopped it for now, or lets it go on.
        resumed: The user wants what was stopped with all else to go on.
        completed: The user wants all of what has settled.
    """

    paused = Signal(bool)
    resumed = Signal()
    completed = Signal()

    def __init__(self, what: str, parent: QWidget) -> None:
        """Take as much room as either of its words needs.

        Args:
            what: What is swept, as in "the sweep".
            parent: Where it is.
        """
        super().__init__(parent)
        self._is_stopped, self._more = False, ""
        tip = f"Stop {what} for now, and keep what is there; or go on with what rests."
        dress(self, PANE_ACTIONS["pause"], title=f"Pause {what}", tip=tip)
        self.setCheckable(True)
        self.setText(PAUSE)
        self.clicked.connect(self._tell)

    def sizeHint(self) -> QSize:
        """Return room for either of its words."""
        hint, metrics = super().sizeHint(), self.fontMetrics()
        every = self.text(), f"{GO_ON}: 00 min", PAUSE
        widths = [metrics.horizontalAdvance(words) for words in every]
        return QSize(hint.width() + max(widths) - widths[0], hint.height())

    def show_state(
        self, *, is_paused: bool, is_stopped: bool, is_running: bool, more: str = ""
    ) -> None:
        """Offer to pause what runs, and to go on with what rests or has settled.

        Args:
            is_paused: Whether the user lets it rest.
            is_stopped: Whether it was stopped with all else.
            is_running: Whether it runs.
            more: How long the rest of what has settled would take; "" if nothing has.
        """
        self._is_stopped, self._more = is_stopped, more
        self._show_paused(is_paused=is_paused)
        self.setEnabled(is_paused or is_stopped or is_running or bool(more))

    def _show_paused(self, *, is_paused: bool) -> None:
        self.setChecked(is_paused)
        rests = is_paused or self._is_stopped
        self.setText(GO_ON if rests else f"{GO_ON}: {self._more}" if self._more else PAUSE)

    @Slot(bool)
    def _tell(self, is_paused: bool) -> None:
        if self._is_stopped or self._more:
            self.setChecked(False)
            wanted = self.resumed if self._is_stopped else self.completed
            wanted.emit()
            return
        self._show_paused(is_paused=is_paused)
        self.paused.emit(is_paused)


class SweepTools(QWidget):
    """Pause, keep for comparison, table, estimates, and the way to all kinds at once.

    Attributes:
        kept: The user keeps the present sweep as A.
        chosen: (changes,) fields of the view: the user opened or closed the table or a plot.
        all_kinds: The user wants to see all kinds of sweeps.
    """

    kept = Signal()
    chosen = Signal(object)
    all_kinds = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pause = PauseButton("the sweep", self)
        self.keep = button(PANE_ACTIONS["keep_sweep"], self)
        self.table = button(PANE_ACTIONS["strongest_cells"], self)
        self.estimate = button(PANE_ACTIONS["estimates"], self)
        self.intervals = button(PANE_ACTIONS["intervals"], self)
        self.more = button(PANE_ACTIONS["all_kinds"], self)
        self._switches = {
            "shows_table": self.table,
            "shows_estimates": self.estimate,
            "shows_intervals": self.intervals,
        }
        for name, each in self._switches.items():
            each.setCheckable(True)
            each.clicked.connect(partial(self._choose, name))
        row = Flow(self)
        for each in (
            self.pause,
            self.keep,
            self.table,
            self.estimate,
            self.intervals,
            self.more,
        ):
            row.addWidget(each)
        self.keep.clicked.connect(self.kept)
        self.more.clicked.connect(self.all_kinds)

    def show_view(self, view: PatchingView, *, is_averaged: bool) -> None:
        """Show what is open, without saying so.

        Args:
            view: How the sweep is shown.
            is_averaged: Whether there are means, with intervals; elsewhere these have no room.
        """
        for name, each in self._switches.items():
            each.setChecked(getattr(view, name))
        self.intervals.setVisible(is_averaged or view.shows_intervals)

    def _choose(self, name: str, checked: bool = False) -> None:
        self.chosen.emit({name: self._switches[name].isChecked()})

    def show_sweep(self, sweep: Sweep | None, *, is_paused: bool, is_stopped: bool) -> None:
        """Offer what there is to do with a sweep, and to go on with one that rests."""
        is_settled = sweep is not None and sweep.settled is not None
        self.pause.show_state(
            is_paused=is_paused,
            is_stopped=is_stopped,
            is_running=sweep is not None and sweep.done < sweep.total and not is_settled,
            more="" if sweep is None else more([sweep]),
        )
        self.keep.setEnabled(sweep is not None)
        self.estimate.setEnabled(sweep is not None and sweep.estimates is not None)
        self.intervals.setEnabled(sweep is not None and sweep.spread is not None)


def remarks(sweep: Sweep, *, is_paused: bool) -> list[str]:
    """Return what is to be said of a sweep, a few words each."""
    found = []
    spread = sweep.spread
    if is_paused:
        found.append(_pause_words(sweep))
    if spread is not None:
        wrong = f", {spread.wrong} of them wrong" if spread.wrong else ""
        found.append(f"mean of {spread.pairs} of {spread.total} pairs{wrong}{_left_out(spread)}")
    if sweep.settled is not None:
        found += settled_words(sweep)
    found += _legend([sweep], rests=is_paused or sweep.settled is not None)
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


def settled_words(sweep: Sweep) -> list[str]:
    """Return how far a sweep went that has settled, and how long the rest would take."""
    of = sweep.settled
    assert of is not None
    share = f"{max(1, math.ceil(of.largest * 100)) / 100:.2f}".removeprefix("0")
    bound = f"{of.bound:.1%}".replace("%", " %")
    return [
        f"settled: {of.exact:,} of {of.total:,} exact; {of.drawn} drawn from the rest, none above "
        f"{share} (95 %: at most {bound} of them are)",
        f"all: about {duration(sweep.more_s)} more",
    ]


def more(sweeps: Sequence[Sweep]) -> str:
    """Return how long the rest of what has settled would take; "" if nothing has."""
    settled = [sweep.more_s for sweep in sweeps if sweep.settled is not None]
    return duration(sum(settled)) if settled else ""


def shared_remarks(sweeps: Sequence[Sweep], *, is_paused: bool) -> list[str]:
    """Return what is to be said of several sweeps of the same prompts, a few words each."""
    found = ["paused"] if is_paused else []
    spreads = [sweep.spread for sweep in sweeps if sweep.spread is not None]
    if spreads:
        least = min(spreads, key=lambda spread: spread.pairs)
        found.append(f"mean of {least.pairs} of {least.total} pairs")
    settled = sum(sweep.settled is not None for sweep in sweeps)
    if settled:
        found.append(f"{settled} settled; all cells: about {more(sweeps)} more")
    return [*found, *_legend(sweeps, rests=True)]


def _legend(sweeps: Sequence[Sweep], *, rests: bool) -> list[str]:
    """Return how cells are drawn that are not exact; those that are not known, if they stay so."""
    found = []
    if any(np.any(sweep.states == CellState.ESTIMATE) for sweep in sweeps):
        found.append(f"pale, dotted: {_provisional(sweeps[0])}")
    if rests and any(np.any(sweep.states == CellState.UNKNOWN) for sweep in sweeps):
        found.append("hatched: not known")
    return found


def _provisional(sweep: Sweep) -> str:
    """Return what numbers are that are not exact yet."""
    is_mean = sweep.spread is not None and sweep.estimates is None
    return "the mean so far" if is_mean else "first-order estimate"


def _pause_words(sweep: Sweep) -> str:
    if sweep.spread is not None and sweep.spread.work is not None:
        return f"paused at {sweep.done / max(1, sweep.total):.0%}".replace("%", " %")
    what = "cells" if sweep.spread is None else "pairs"
    return f"paused at {sweep.done} of {sweep.total} {what}"


def _left_out(spread: Spread) -> str:
    count = spread.left_out[0]
    return f", {count} left out" if count else ""


def tip(sweep: Sweep) -> str:
    """Return what the remarks mean, in whole sentences."""
    said = []
    if sweep.spread is not None and sweep.spread.left_out[1]:
        said.append(f"Left out: {sweep.spread.left_out[1]}")
    if sweep.spread is not None:
        said.append(
            "Changes are averaged over the pairs first and then divided by the mean difference; a "
            "pair is wrong if its clean run does no better than its corrupted run."
        )
    if sweep.settled is not None:
        said.append(
            "A long sweep stops by itself when the exact cells hold 95 % of the estimates' size, "
            "every neighbour of a cell above 5 % of clean − corrupted is exact, and no cell of a "
            "sample drawn at random from the rest is above 2 %."
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
