"""Two sweeps, cell by cell: A, the one that was kept or another; B, the present; and A − B."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QButtonGroup, QWidget

from lensgui.jobs.answers.arrays import SHARE, CellState, Sweep
from lensgui.jobs.requests import Patching
from lensgui.panes import theme
from lensgui.panes.actions import PANE_ACTIONS
from lensgui.panes.controls.chooser import Chooser, Groups, Option
from lensgui.panes.controls.controls import button
from lensgui.panes.controls.flow import Flow
from lensgui.panes.sweep_view import cells
from lensgui.panes.sweep_view.kinds import DIRECTIONS, KINDS, phrase
from lensgui.panes.token_text import shorten, signed
from lensgui.state.document import SweepChoice
from lensgui.state.views import Compared
from lensgui.terms.kinds import VERBS, Direction, SweepKind

SIDES: dict[Compared, str] = {
    "A": "Show the sweep that was kept, or is chosen for A.",
    "B": "Show the sweep that is chosen above.",
    "A − B": "Show how much more each cell does in A than in B.",
}
SIDE = PANE_ACTIONS["compare_side"]
KEPT = "kept"  # among the kinds of sweeps, stands for the one that was kept
OFFERED: Groups[object] = (
    ("", (Option(KEPT, "kept", "The sweep that was kept."),)),
    *KINDS,
)
_STATES = (  # the first that holds of either cell is the difference's
    CellState.MASKED,
    CellState.NOT_FINITE,
    CellState.UNKNOWN,
    CellState.ESTIMATE,
    CellState.EXACT,
    CellState.UNCHANGED,
)


class CompareRow(QWidget):
    """Chooses what A is, and switches between it, the present sweep and their difference.

    Attributes:
        chosen: (side,) "A", "B" or "A − B".
        compared: (SweepChoice or None,) what is to be A; None for the sweep that was kept.
        dropped: The user wants no comparison any more.
    """

    chosen = Signal(str)
    compared = Signal(object)
    dropped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kept: Patching | None = None
        self._group = QButtonGroup(self)
        self.buttons = {
            side: button(SIDE, self, text=side, title=f"Show {side}", tip=tip)
            for side, tip in SIDES.items()
        }
        for each in self.buttons.values():
            each.setCheckable(True)
            each.clicked.connect(self._choose)
            self._group.addButton(each)
        self.buttons["B"].setChecked(True)
        self.kind: Chooser[object] = Chooser("Kind of sweep that is A", OFFERED, self)
        self.direction = Chooser("Direction of patching of A", DIRECTIONS, self)
        self.drop = button(PANE_ACTIONS["compare_no_more"], self)
        self._lay_out()
        self.kind.chosen.connect(self._compare)
        self.direction.chosen.connect(self._turn)
        self.drop.clicked.connect(self.dropped)

    def _lay_out(self) -> None:
        """Put what A is behind its button, for the eye and the keyboard."""
        a, b, difference = self.buttons.values()
        parts = [a, self.kind, self.direction, b, difference, self.drop]
        row = Flow(self)
        for part in parts:
            row.addWidget(part)
        for before, after in pairwise(parts):
            QWidget.setTabOrder(before, after)

    def show_compared(self, a: Patching | None, kept: Patching | None, side: Compared) -> None:
        """Show what is compared with.

        Args:
            a: What is A; None hides the row.
            kept: The sweep that was kept, which may be it.
            side: Which of the sweeps is drawn.
        """
        self.setVisible(a is not None)
        self._kept = kept
        self.buttons[side].setChecked(True)
        if a is None or kept is None:
            return
        self.kind.rename(KEPT, f"kept: {kept.kind.words[0]}", _of(kept))
        self.kind.show_value(KEPT if a is kept else a.kind)
        self.direction.show_value(a.direction)

    @Slot(object)
    def _compare(self, kind: object) -> None:
        direction = self.direction.value or "denoising"
        choice = SweepChoice(kind, direction) if isinstance(kind, SweepKind) else None
        self.compared.emit(choice)

    @Slot(object)
    def _turn(self, direction: Direction) -> None:
        kind = self.kind.value
        if not isinstance(kind, SweepKind):
            assert self._kept is not None
            kind = self._kept.kind
        self.compared.emit(SweepChoice(kind, direction))

    @Slot()
    def _choose(self) -> None:
        self.chosen.emit(next(side for side, each in self.buttons.items() if each.isChecked()))


def drawn_side(side: Compared, a: Sweep | None, b: Sweep | None) -> Compared:
    """Return which side is drawn: B in the place of a difference of what can't be subtracted."""
    is_apart = side == "A − B" and a is not None and b is not None and obstacle(a, b)
    return "B" if is_apart else side


def obstacle(a: Sweep, b: Sweep) -> str:
    """Return why two sweeps can't be subtracted, as a sentence; "" if they can."""
    for first, second in zip(a.axes, b.axes, strict=False):
        if first.name != second.name:
            return (
                f"A counts by {_axes(a)} and B by {_axes(b)}, so they can't be subtracted: "
                "choose kinds with the same axes."
            )
        if len(first) != len(second):
            return (
                f"A has {len(first)} places by {_words(first.name)} and B {len(second)}, so their "
                "cells can't be subtracted: give the prompts as many tokens."
            )
    if len(a.axes) != len(b.axes):
        return "A and B have different axes, so their cells can't be subtracted."
    if (a.refusal or b.refusal) and a.unit != b.unit:
        return f"A is in {a.unit} and B in {b.unit}, so their cells can't be subtracted."
    return ""


def difference(a: Sweep, b: Sweep) -> Sweep:
    """Return A − B, as shares of each one's own clean − corrupted where both have them.

    Shares come as values with clean = 1 and corrupted = 0; raw changes keep their unit.
    """
    raw = bool(a.refusal or b.refusal)
    with np.errstate(invalid="ignore"):
        values = a.values - b.values if raw else a.shown - b.shown
    states = np.full(a.states.shape, CellState.UNCHANGED, np.uint8)
    for state in reversed(_STATES):
        states[(a.states == state) | (b.states == state)] = state
    states[(states == CellState.EXACT) & ~np.isfinite(values)] = CellState.NOT_FINITE
    distance = max(abs(a.clean - a.corrupted), abs(b.clean - b.corrupted))
    return replace(
        b,
        values=values,
        states=states,
        clean=distance if raw else 1.0,
        corrupted=0.0,
        refusal=(a.refusal or b.refusal) if raw else "",
        unit=a.unit if raw else "shares",
        estimates=None,
        agreement=None,
        check=None,
        spread=None,
    )


def describe(a: Sweep, b: Sweep) -> Callable[[int, int], str]:
    """Return what puts a cell of a difference into words, both being sweeps of two axes."""
    raw = bool(a.refusal or b.refusal)
    unit = a.unit if raw else SHARE

    def words(row: int, column: int) -> str:
        name = cells.cell_name(b, row, column)
        numbers = []
        for sweep in (a, b):
            if CellState(int(sweep.states[row, column])) in cells.WORDS:
                return f"{name}: {cells.cell_words(sweep, row, column)}"
            numbers.append(float((sweep.values if raw else sweep.shown)[row, column]))
        parts = f"A {signed(numbers[0])}, B {signed(numbers[1])}"
        return f"{name}: {parts}, A − B {signed(numbers[0] - numbers[1])} {unit}"

    return words


def legend(a: Sweep, b: Sweep) -> str:
    """Return what the colours of a difference count."""
    if a.refusal or b.refusal:
        counted = f"A − B, in {a.unit}"
    else:
        counted = "A − B, each of its own clean − corrupted"
    return theme.coloured(f"{counted}: {{positive}} where A does more")


def _of(kept: Patching) -> str:
    """Return what a kept sweep is of, in a sentence."""
    averaged = f"; mean of {len(kept.rows)} pairs" if kept.rows else ""
    return (
        f"The sweep that was kept: {phrase(kept.kind).removeprefix('the ')}, "
        f"{VERBS[kept.direction]}, of “{shorten(kept.pair.clean, 60)}” against "
        f"“{shorten(kept.pair.corrupted, 60)}”{averaged}."
    )


def _axes(sweep: Sweep) -> str:
    return " and ".join(_words(axis.name) for axis in sweep.axes)


def _words(name: str) -> str:
    return name.replace("key_value_head", "key/value head")
